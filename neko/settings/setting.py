"""What a setting is: a record with a name, a type, a default, and the places its value may come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Generic, TypeVar

from neko.settings.pasted import tidy_key

_LONGEST_S = 3600
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Place(Enum):
    """Where a setting is kept, besides the environment."""

    COMMAND_LINE = "command line"
    CORE_CONFIG = "core_config.json"
    NEKO_SECTION = "core_config.json, section neko"
    ENVIRONMENT = "environment only"


@dataclass(frozen=True, slots=True)
class Kind(Generic[T_co]):
    """A type of value. ``of_json`` and ``of_text`` return None for what is no such value; ``name`` ends "… is not"."""

    name: str
    of_json: Callable[[Any], T_co | None]
    of_text: Callable[[str], T_co | None]


@dataclass(frozen=True, slots=True)
class Setting(Generic[T_co]):
    """One setting.

    ``name`` is the flag without its dashes, the key of ``core_config.json``, or the dotted path below
    its key ``neko``. ``environment`` names variables, the stronger one first. ``older`` are variables
    of N.E.K.O. that count after those; what cannot be used in them is ignored. ``borrowed`` are variables
    of other programs: they count last, and only those that the user has said yes to.
    """

    name: str
    kind: Kind[T_co]
    default: T_co
    help: str
    place: Place
    environment: tuple[str, ...] = ()
    older: tuple[str, ...] = ()
    borrowed: tuple[str, ...] = ()
    secret: bool = False
    shown_default: str = field(default="", compare=False)

    @property
    def flag(self) -> str:
        return f"--{self.name}"

    @property
    def path(self) -> tuple[str, ...]:
        """The keys that lead to it in ``core_config.json``."""
        return ("neko", *self.name.split(".")) if self.place is Place.NEKO_SECTION else (self.name,)


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _key(value: Any) -> str | None:
    return tidy_key(value) or None if isinstance(value, str) else None


def _switch_of_json(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _switch_of_text(text: str) -> bool:
    return text.lower() not in ("0", "false", "no", "off")


def _port(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and int(text) <= 65535 else None


def _port_of_json(value: Any) -> int | None:
    return _port(str(value)) if isinstance(value, int) and not isinstance(value, bool) else None


def _mapping(value: Any) -> Mapping[str, Any] | None:
    return value if isinstance(value, Mapping) else None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _names_of_json(value: Any) -> tuple[str, ...] | None:
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list | tuple) else None


def _nothing(_: Any) -> None:
    return None


TEXT: Kind[str] = Kind("text", _text, _text)
KEY: Kind[str] = Kind("a key", _key, _key)
SWITCH: Kind[bool] = Kind("on or off", _switch_of_json, _switch_of_text)
PORT: Kind[int] = Kind("a port number between 0 and 65535", _port_of_json, _port)
FOLDER: Kind[Path] = Kind("a folder", _nothing, lambda text: Path(text).expanduser())
NAMES: Kind[tuple[str, ...]] = Kind("names, separated by commas", _names_of_json, _names)
MAPPING: Kind[Mapping[str, Any]] = Kind("an object", _mapping, _nothing)


def whole_between(least: int, most: int, of: str = "") -> Kind[int]:
    """A kind of whole numbers in this range; ``of``: of what, as in " of seconds"."""

    def of_text(text: str) -> int | None:
        return int(text) if text.isascii() and text.isdecimal() and least <= int(text) <= most else None

    def of_json(value: Any) -> int | None:
        return of_text(str(value)) if isinstance(value, int) and not isinstance(value, bool) else None

    return Kind(f"a whole number{of} between {least} and {most}", of_json, of_text)


def seconds_between(least: int, most: int) -> Kind[int]:
    """A kind of whole seconds in this range."""
    return whole_between(least, most, " of seconds")


SECONDS: Kind[int] = seconds_between(1, _LONGEST_S)


def one_of(*choices: T) -> Kind[T]:
    """A kind that allows these texts only; in variables and flags upper case counts as lower case."""

    def of_json(value: Any) -> T | None:
        return value if value in choices else None

    return Kind(f"one of {', '.join(map(str, choices))}", of_json, lambda text: of_json(text.lower()))
