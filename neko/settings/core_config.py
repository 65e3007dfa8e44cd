"""``core_config.json`` in memory and on disk."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

from neko.errors import UnusableValueError
from neko.settings.in_force import SettingsInForce
from neko.settings.unusable import unusable_values
from neko.storage import OnFault, is_object, log_fault, read_again, read_document, write_json

_EMPTY: Final[Mapping[str, str]] = MappingProxyType({})


class CoreConfig:
    """``core_config.json`` in memory and on disk: keys that Neko does not know are kept.

    What Neko adds to the format lives under the one key ``neko``. ``environ`` and ``flags`` decide over
    the file. Safe to use from any thread; ``load`` and ``merge`` block on the disk.
    """

    def __init__(
        self,
        path: Path,
        values: dict[str, Any],
        environ: Mapping[str, str] = _EMPTY,
        flags: Mapping[str, str] = _EMPTY,
        on_fault: OnFault = log_fault,
    ) -> None:
        self._path = path
        self._values = values
        self.revision = 0
        """Grows with every change."""
        self._environ = environ
        self._flags = flags
        self._on_fault = on_fault
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls,
        path: Path,
        environ: Mapping[str, str] = _EMPTY,
        flags: Mapping[str, str] = _EMPTY,
        *,
        on_fault: OnFault = log_fault,
    ) -> Self:
        """Read the file; a missing one is an empty configuration. Faults as ``storage.read_document`` reports them."""
        return cls(path, read_document(path, {}, is_object, on_fault), environ, flags, on_fault)

    @property
    def values(self) -> Mapping[str, Any]:
        """The current content, read-only. A later ``merge`` does not change a mapping got earlier."""
        return MappingProxyType(self._values)

    @property
    def in_force(self) -> SettingsInForce:
        """A typed reading of the current content with environment and flags over it."""
        return SettingsInForce(self._values, self._environ, self._flags)

    def unusable(self) -> list[UnusableValueError]:
        """The values of the file that are passed over since they are not of their setting's kind."""
        return unusable_values(self._values, self._path)

    def merge(self, changes: Mapping[str, Any]) -> None:
        """Lay ``changes`` over the content and save; objects are merged key by key.

        What somebody has written into the file meanwhile counts as content.
        ``None`` removes a key. Raises ``UnwritableFileError`` when the disk refuses; then nothing has changed.
        """
        with self._lock:
            merged = _merged(read_again(self._path, self._values, is_object, self._on_fault), changes)
            write_json(self._path, merged)
            self._values = merged
            self.revision += 1


def _merged(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for key, value in changes.items():
        before = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(before, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(before, value)
        else:
            result[key] = copy.deepcopy(value)
    return result
