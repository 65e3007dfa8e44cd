"""Plays steamworks-swig 0.1.2, and the functions of Valve's library that it leaves out, in the process of the worker.

The file that ``SCRIPTED_STEAM`` names is JSON that says how, and is read anew at each call (``tests/scripted_steam``);
what was called with which values is written beside it, into ``….calls``, a line each.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SCRIPT = Path(os.environ["SCRIPTED_STEAM"])
_PIPE = 7
_QUERY, _UPDATE = 1 << 40, 1 << 41
_SUBSCRIBED = 1
_ids: dict[str, Any] = {"call": 100, "queries": {}, "stats": {}, "unlocked": []}
_completed: deque[tuple[int, int, bytes]] = deque()
_now: dict[str, Any] = {"callback": 0, "completed": None, "result": b""}


def _script() -> dict[str, Any]:
    while True:
        try:
            script: dict[str, Any] = json.loads(_SCRIPT.read_text(encoding="utf-8"))
        except ValueError:
            continue  # being written
        return script


def _note(name: str, *values: Any) -> dict[str, Any]:
    with Path(f"{_SCRIPT}.calls").open("a", encoding="utf-8") as file:
        file.write(json.dumps([name, *values]) + "\n")
    script = _script()
    if script.get("dies") == name:
        os._exit(139)
    while script.get("hangs") == name:
        time.sleep(3600)
    return script


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _call(kind: int, content: bytes | None) -> int:
    """A call that is answered at the next look; never without content."""
    _ids["call"] += 1
    if content is not None:
        _completed.append((_ids["call"], kind, content))
    return int(_ids["call"])


# ── the package itself ─────────────────────────────────────────────────────────


def is_steam_running() -> bool:
    return bool(_script().get("running", True))


def init_ex() -> int:
    script = _note("init_ex", os.environ.get("SteamAppId"))  # noqa: SIM112
    os.write(1, b"[S_API] what Valve's library prints\n")
    return int(script.get("init", 0))


def last_init_error() -> str:
    return str(_script().get("init_error", ""))


def h_steam_pipe() -> int:
    return _PIPE


def shutdown_manual_dispatch() -> None:
    _note("shutdown")


class _ManualDispatch:
    def init(self) -> None:
        _note("manual_dispatch.init")

    def run_frame(self, pipe: int) -> None:
        assert pipe == _PIPE

    def next_callback(self, pipe: int) -> bool:
        assert pipe == _PIPE
        if _script().get("goes") and not _now.get("gone"):
            _now.update(callback=704, completed=None, gone=True)
            return True
        if not _completed:
            return False
        _now.update(callback=703, completed=_completed.popleft())
        return True

    def callback_is_api_call_completed(self) -> bool:
        return bool(_now["callback"] == 703)

    def callback_id(self) -> int:
        return int(_now["callback"])

    def callback_idipc_failure(self) -> int:
        return 117

    def callback_id_steam_shutdown(self) -> int:
        return 704

    def completed_api_call(self) -> int:
        return int(_now["completed"][0])

    def completed_callback_id(self) -> int:
        return int(_now["completed"][1])

    def completed_callback_size(self) -> int:
        return len(_now["completed"][2])

    def api_call_result(self, pipe: int, call: int, size: int, kind: int) -> bool:
        known, its_kind, content = _now["completed"]
        assert (pipe, known, its_kind, len(content)) == (_PIPE, call, kind, size)
        _now["result"] = content
        return True

    def api_call_result_failed(self) -> bool:
        return bool(_script().get("io_failure"))

    def api_call_result_data(self) -> str:
        return _text(_now["result"])

    def free_last_callback(self, pipe: int) -> None:
        assert pipe == _PIPE


class _Apps:
    def current_game_language(self) -> str:
        return str(_script().get("language", "english"))


class _Utils:
    def ip_country(self) -> str:
        return str(_script().get("country", ""))


def _item(item: int) -> dict[str, Any]:
    found: dict[str, Any] = _script().get("items", {}).get(str(item), {})
    return found


class _Ugc:
    def num_subscribed_items(self, disabled: bool) -> int:
        assert disabled is False
        return len(_subscribed())

    def item_state(self, item: int) -> int:
        return int(_item(item).get("state", 0))

    def item_install_info_string(self, item: int) -> str:
        install = _item(item).get("install")
        if not install:
            return ""
        folder = install["folder"].replace("\\", "\\\\").replace("\t", "\\t")
        return f"size_on_disk={install['size']}\tfolder={folder}\ttimestamp={install['at']}"

    def item_download_info_string(self, item: int) -> str:
        download = _item(item).get("download")
        return f"bytes_downloaded={download[0]}\tbytes_total={download[1]}" if download else ""

    def set_return_long_description(self, handle: int, wanted: bool) -> bool:
        return handle >= _QUERY and wanted

    def set_allow_cached_response(self, handle: int, seconds: int) -> bool:
        return handle >= _QUERY and seconds >= 0

    def send_query_ugc_request(self, handle: int) -> int:
        items = _ids["queries"][handle]
        outcome = _note("query", items).get("query", 1)
        if outcome == "never":
            return _call(3401, None)
        return _call(3401, struct.pack("<QiII?256s", handle, outcome, len(items), len(items), False, b""))

    def query_ugc_preview_url_string(self, handle: int, index: int) -> str:
        return str(_item(_ids["queries"][handle][index]).get("picture", ""))

    def release_query_ugc_request(self, handle: int) -> bool:
        _note("release", _ids["queries"].pop(handle))
        return True

    def unsubscribe_item(self, item: int) -> int:
        outcome = _note("unsubscribe", item).get("unsubscribe", 1)
        return _call(1315, None if outcome == "never" else struct.pack("<iQ", outcome, item))

    def create_item(self, app: int, kind: int) -> int:
        outcome = _note("create", app, kind).get("create", {})
        if outcome == "never":
            return _call(3403, None)
        item, unagreed = outcome.get("id", 777), outcome.get("unagreed", False)
        return _call(3403, struct.pack("<iQ?3x", outcome.get("result", 1), item, unagreed))

    def start_item_update(self, app: int, item: int) -> int:
        _note("start", app, item)
        _ids["updated"] = item
        return _UPDATE

    def _set(self, name: str, handle: int, value: Any) -> bool:
        assert handle == _UPDATE
        return name not in _note(name, value).get("refuses", ())

    def set_item_title(self, handle: int, value: str) -> bool:
        return self._set("title", handle, value)

    def set_item_description(self, handle: int, value: str) -> bool:
        return self._set("description", handle, value)

    def set_item_visibility(self, handle: int, value: int) -> bool:
        return self._set("visibility", handle, value)

    def set_item_content(self, handle: int, value: str) -> bool:
        return self._set("content", handle, value)

    def set_item_preview(self, handle: int, value: str) -> bool:
        return self._set("preview", handle, value)

    def submit_item_update(self, handle: int, note: str) -> int:
        assert handle == _UPDATE
        outcome = _note("submit", note).get("submit", {})
        if outcome == "never":
            return _call(3404, None)
        result, unagreed = outcome.get("result", 1), outcome.get("unagreed", False)
        return _call(3404, struct.pack("<i?3xQ", result, unagreed, _ids["updated"]))

    def item_update_progress_string(self, handle: int) -> str:
        assert handle == _UPDATE
        done, total = _script().get("progress", (0, 0))
        return f"status=3\tbytes_processed={done}\tbytes_total={total}"


class _UserStats:
    def num_achievements(self) -> int:
        return len(_script().get("achievements", {}))

    def achievement_name(self, index: int) -> str:
        return str(list(_script()["achievements"])[index])

    def set_achievement(self, name: str) -> bool:
        _note("unlock", name)
        _ids["unlocked"].append(name)
        return True

    def set_stat_int_32(self, name: str, value: int) -> bool:
        _note("stat", name, value)
        _ids["stats"][name] = value
        return True

    def store_stats(self) -> bool:
        return bool(_note("store").get("store", True))


manual_dispatch = _ManualDispatch()
apps = _Apps()
utils = _Utils()
ugc = _Ugc()
user_stats = _UserStats()


# ── the library ────────────────────────────────────────────────────────────────

_UGC, _STATS = 0x1000, 0x2000
_P, _U64, _U32, _I32, _B, _S = (
    ctypes.c_void_p,
    ctypes.c_uint64,
    ctypes.c_uint32,
    ctypes.c_int32,
    ctypes.c_bool,
    ctypes.c_char_p,
)


def _subscribed() -> list[int]:
    return [int(item) for item, told in _script().get("items", {}).items() if told["state"] & _SUBSCRIBED]


def _get_subscribed(me: int, place: int, most: int, disabled: bool) -> int:
    assert (me, disabled) == (_UGC, False)
    found = _subscribed()[:most]
    ctypes.memmove(place, struct.pack(f"<{len(found)}Q", *found), 8 * len(found))
    return len(found)


def _query(me: int, place: int, count: int) -> int:
    assert me == _UGC
    handle = _QUERY + len(_ids["queries"])
    _ids["queries"][handle] = list(struct.unpack(f"<{count}Q", ctypes.string_at(place, 8 * count)))
    return handle


def _result(me: int, handle: int, index: int, place: int) -> bool:
    """By the offsets that ``SteamUGCDetails_t`` has on Linux."""
    assert me == _UGC
    item = _ids["queries"][handle][index]
    told = _item(item).get("details", {})
    result = told.get("result", 1 if told else 9)

    def put(offset: int, form: str, *values: Any) -> None:
        content = struct.pack(form, *values)
        ctypes.memmove(place + offset, content, len(content))

    put(0, "<Qi", item, result)
    put(24, "<129s", told.get("title", "").encode())
    put(153, "<8000s", told.get("description", "").encode())
    put(8156, "<QIII", int(told.get("owner", 0)), *told.get("times", (0, 0, 0)))
    put(8183, "<1025s", told.get("tags", "").encode())
    put(9208, "<QQ", told.get("file", 0), told.get("preview_file", 0))
    put(9484, "<i", told.get("size", 0))
    put(9492, "<256s", told.get("url", "").encode())
    put(9764, "<Q", told.get("total", 0))
    return True


class _Tags(ctypes.Structure):
    _fields_ = [("words", ctypes.POINTER(_S)), ("count", _I32)]


def _set_tags(me: int, handle: int, place: int, admin: bool) -> bool:
    assert (me, handle, admin) == (_UGC, _UPDATE, False)
    tags = _Tags.from_address(place)
    return "tags" not in _note("tags", [tags.words[index].decode() for index in range(tags.count)]).get("refuses", ())


def _get_stat(me: int, name: bytes, place: int) -> bool:
    assert me == _STATS
    value = _ids["stats"].get(name.decode(), _script().get("stats", {}).get(name.decode()))
    if value is not None:
        _I32.from_address(place).value = value
    return value is not None


def _get_achievement(me: int, name: bytes, place: int) -> bool:
    assert me == _STATS
    value = _script().get("achievements", {}).get(name.decode())
    if value is not None:
        _B.from_address(place).value = value or name.decode() in _ids["unlocked"]
    return value is not None


def _function(result: Any, parameters: tuple[Any, ...], play: Callable[..., Any]) -> Any:
    return ctypes.CFUNCTYPE(result, *parameters)(play)


class _Library:
    """In place of ``libsteam_api``: real functions of C's calling convention."""

    def __init__(self, path: str) -> None:
        assert Path(path).name == "libsteam_api.so"
        for name, result, parameters, play in (
            ("SteamUGC_v021", _P, (), lambda: _UGC),
            ("SteamUserStats_v013", _P, (), lambda: _STATS),
            ("ISteamUGC_GetSubscribedItems", _U32, (_P, _P, _U32, _B), _get_subscribed),
            ("ISteamUGC_CreateQueryUGCDetailsRequest", _U64, (_P, _P, _U32), _query),
            ("ISteamUGC_GetQueryUGCResult", _B, (_P, _U64, _U32, _P), _result),
            ("ISteamUGC_SetItemTags", _B, (_P, _U64, _P, _B), _set_tags),
            ("ISteamUserStats_GetStatInt32", _B, (_P, _S, _P), _get_stat),
            ("ISteamUserStats_GetAchievement", _B, (_P, _S, _P), _get_achievement),
        ):
            setattr(self, f"SteamAPI_{name}", _function(result, parameters, play))


ctypes.CDLL = _Library  # type: ignore[assignment, misc]
