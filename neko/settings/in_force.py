"""Which value of a setting counts, and where it comes from.

Flag over environment over file over what the user lets us borrow over default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from neko.errors import ConfigError
from neko.settings.masking import PUBLIC
from neko.settings.registry import BORROWED_VARIABLES, SETTINGS
from neko.settings.setting import Place, Setting

T = TypeVar("T")


class Origin(Enum):
    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Source:
    """``name`` is the flag, the variable, or the key in ``core_config.json``; empty for the default."""

    origin: Origin
    name: str = ""


_DEFAULT = Source(Origin.DEFAULT)


class SettingsInForce:
    """A typed reading of one moment's values: pure, cheap to make.

    ``stored`` is the content of ``core_config.json``, ``flags`` the texts of the command line by name.
    A value that its kind cannot read is passed over, so that what somebody wrote into the file by hand
    breaks nothing; only a launch option raises ``ConfigError``, at once and by name.
    """

    def __init__(
        self, stored: Mapping[str, Any], environ: Mapping[str, str], flags: Mapping[str, str] | None = None
    ) -> None:
        self._stored = stored
        self._environ = environ
        self._flags = flags or {}

    def get(self, setting: Setting[T]) -> T:
        """The value in force."""
        value = self.find(setting)
        return setting.default if value is None else value

    def find(self, setting: Setting[T]) -> T | None:
        """The value that somebody set; None when the default counts."""
        return self._first(setting)[0]

    def source(self, setting: Setting[Any]) -> Source:
        """Where the value in force comes from."""
        return self._first(setting)[1]

    def is_pinned(self, setting: Setting[Any]) -> bool:
        """Whether how Neko was started decides it, whatever the file says."""
        return self.source(setting).origin in (Origin.ENVIRONMENT, Origin.FLAG)

    def stored(self, setting: Setting[T]) -> T | None:
        """The value in the file, whatever the environment says."""
        node = value_at(self._stored, setting.path)
        return None if node is None else setting.kind.of_json(node)

    def secrets(self) -> frozenset[str]:
        """Every key that is in force or stands in the file, but the one that everybody has."""
        known = ((self.find(one), self.stored(one)) for one in SETTINGS if one.secret)
        found = (value for pair in known for value in pair if isinstance(value, str))
        return frozenset(value for value in found if value not in ("", PUBLIC))

    def variable(self, setting: Setting[Any]) -> str | None:
        """The variable that decides this setting, if one does."""
        source = self.source(setting)
        return source.name if source.origin is Origin.ENVIRONMENT else None

    def _first(self, setting: Setting[T]) -> tuple[T | None, Source]:
        for source, text in self._texts(setting):
            value = setting.kind.of_text(text)
            if value is not None and (value or source.name not in setting.older):
                return value, source
            if setting.place is Place.COMMAND_LINE and source.name not in setting.older:
                raise ConfigError(f"{source.name} {text!r} is not {setting.kind.name}", value=text)
        if setting.place in (Place.CORE_CONFIG, Place.NEKO_SECTION):
            value = self.stored(setting)
            if value is not None:
                return value, Source(Origin.FILE, ".".join(setting.path))
        return self._borrowed(setting) if setting.borrowed else (None, _DEFAULT)

    def _borrowed(self, setting: Setting[T]) -> tuple[T | None, Source]:
        """What a variable of another program says, if the user lets us use it."""
        allowed = self.get(BORROWED_VARIABLES)
        for name in setting.borrowed:
            value = setting.kind.of_text(self._environ.get(name, "")) if name in allowed else None
            if value is not None:
                return value, Source(Origin.ENVIRONMENT, name)
        return None, _DEFAULT

    def _texts(self, setting: Setting[Any]) -> Iterator[tuple[Source, str]]:
        """What flags and variables say, the strongest first; blank ones say nothing."""
        if text := self._flags.get(setting.name, "").strip():
            yield Source(Origin.FLAG, setting.flag), text
        for name in (*setting.environment, *setting.older):
            if text := self._environ.get(name, "").strip():
                yield Source(Origin.ENVIRONMENT, name), text


def change_of(setting: Setting[T], value: T | None) -> dict[str, Any]:
    """What to merge into ``core_config.json`` so that the file says ``value``; None takes it out."""
    change: Any = value
    for key in reversed(setting.path):
        change = {key: change}
    nested: dict[str, Any] = change
    return nested


def value_at(stored: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """What a document holds under these keys, one within the other; None when there is nothing."""
    node: Any = stored
    for part in path:
        node = node.get(part) if isinstance(node, Mapping) else None
    return node
