"""The functions of Valve's library that answer through pointers, which steamworks-swig 0.1.2 leaves out.

They are called in the very library that the package has loaded, so they share its connection with Steam. Names,
parameters and structures: ``steam_api_flat.h`` and ``isteamugc.h`` of Steamworks SDK 1.65, against which the package
is built (https://partner.steamgames.com/doc/api/ISteamUGC).
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

LIBRARIES: Final = {"linux": "libsteam_api.so", "darwin": "libsteam_api.dylib", "win32": "steam_api64.dll"}
PACK: Final = 8 if sys.platform == "win32" else 4
"""How Valve's structures are aligned (``VALVE_CALLBACK_PACK_LARGE`` and ``_SMALL``)."""
NEWER: Final = 4096
"""Bytes kept free behind a structure, for the fields of a newer library."""

_HANDLE, _ID, _WORDS = ctypes.c_uint64, ctypes.c_uint64, ctypes.c_char_p
FUNCTIONS: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "SteamAPI_SteamUGC_v021": (ctypes.c_void_p, ()),
    "SteamAPI_SteamUserStats_v013": (ctypes.c_void_p, ()),
    "SteamAPI_ISteamUGC_GetSubscribedItems": (
        ctypes.c_uint32,
        (ctypes.c_void_p, ctypes.POINTER(_ID), ctypes.c_uint32, ctypes.c_bool),
    ),
    "SteamAPI_ISteamUGC_CreateQueryUGCDetailsRequest": (
        _HANDLE,
        (ctypes.c_void_p, ctypes.POINTER(_ID), ctypes.c_uint32),
    ),
    "SteamAPI_ISteamUGC_GetQueryUGCResult": (
        ctypes.c_bool,
        (ctypes.c_void_p, _HANDLE, ctypes.c_uint32, ctypes.c_void_p),
    ),
    "SteamAPI_ISteamUGC_SetItemTags": (ctypes.c_bool, (ctypes.c_void_p, _HANDLE, ctypes.c_void_p, ctypes.c_bool)),
    "SteamAPI_ISteamUserStats_GetStatInt32": (
        ctypes.c_bool,
        (ctypes.c_void_p, _WORDS, ctypes.POINTER(ctypes.c_int32)),
    ),
    "SteamAPI_ISteamUserStats_GetAchievement": (
        ctypes.c_bool,
        (ctypes.c_void_p, _WORDS, ctypes.POINTER(ctypes.c_bool)),
    ),
}
"""By name: what each gives back, and its parameters."""


class Details(ctypes.Structure):
    """``SteamUGCDetails_t``."""

    _pack_ = PACK
    _layout_ = "ms"
    _fields_: ClassVar = [
        ("id", _ID),
        ("result", ctypes.c_int32),
        ("file_type", ctypes.c_int32),
        ("creator_app", ctypes.c_uint32),
        ("consumer_app", ctypes.c_uint32),
        ("title", ctypes.c_char * 129),
        ("description", ctypes.c_char * 8000),
        ("owner", ctypes.c_uint64),
        ("created", ctypes.c_uint32),
        ("updated", ctypes.c_uint32),
        ("added", ctypes.c_uint32),
        ("visibility", ctypes.c_int32),
        ("is_banned", ctypes.c_bool),
        ("is_accepted", ctypes.c_bool),
        ("is_tags_truncated", ctypes.c_bool),
        ("tags", ctypes.c_char * 1025),
        ("file", ctypes.c_uint64),
        ("preview_file", ctypes.c_uint64),
        ("file_name", ctypes.c_char * 260),
        ("file_size", ctypes.c_int32),
        ("preview_size", ctypes.c_int32),
        ("url", ctypes.c_char * 256),
        ("votes_up", ctypes.c_uint32),
        ("votes_down", ctypes.c_uint32),
        ("score", ctypes.c_float),
        ("children", ctypes.c_uint32),
        ("total_size", ctypes.c_uint64),
    ]


class _Tags(ctypes.Structure):
    """``SteamParamStringArray_t``."""

    _fields_: ClassVar = [("words", ctypes.POINTER(_WORDS)), ("count", ctypes.c_int32)]


class FlatFunctions:
    """``folder`` is that of the package. Raises ``OSError`` or ``AttributeError`` where the library is another one."""

    def __init__(self, folder: Path) -> None:
        library = ctypes.CDLL(str(folder / LIBRARIES[sys.platform]))
        for name, (result, parameters) in FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, parameters
        self._library: Any = library

    def _ugc(self, name: str, *values: Any) -> Any:
        library = self._library
        return getattr(library, f"SteamAPI_ISteamUGC_{name}")(library.SteamAPI_SteamUGC_v021(), *values)

    def _stats(self, name: str, *values: Any) -> Any:
        library = self._library
        return getattr(library, f"SteamAPI_ISteamUserStats_{name}")(library.SteamAPI_SteamUserStats_v013(), *values)

    def subscribed_items(self, most: int) -> list[int]:
        """The numbers of the items that the user is subscribed to."""
        found = (_ID * most)()
        return list(found[: self._ugc("GetSubscribedItems", found, most, False)])

    def query_details(self, items: Sequence[int]) -> int:
        """A handle of a query for these items, 50 at most."""
        return int(self._ugc("CreateQueryUGCDetailsRequest", (_ID * len(items))(*items), len(items)))

    def query_result(self, handle: int, index: int) -> Details | None:
        """One result of a query that was answered."""
        place = ctypes.create_string_buffer(ctypes.sizeof(Details) + NEWER)
        is_there = self._ugc("GetQueryUGCResult", handle, index, ctypes.addressof(place))
        return Details.from_buffer_copy(place) if is_there else None

    def set_tags(self, handle: int, tags: Sequence[str]) -> bool:
        """Give an update its tags."""
        words = (_WORDS * len(tags))(*(tag.encode() for tag in tags))
        return bool(self._ugc("SetItemTags", handle, ctypes.byref(_Tags(words, len(tags))), False))

    def stat(self, name: str) -> int | None:
        """A number of the user's; None where the app has none of this name."""
        value = ctypes.c_int32()
        return value.value if self._stats("GetStatInt32", name.encode(), ctypes.byref(value)) else None

    def achievement(self, name: str) -> bool | None:
        """Whether the user has it; None where the app has none of this name."""
        value = ctypes.c_bool()
        return value.value if self._stats("GetAchievement", name.encode(), ctypes.byref(value)) else None
