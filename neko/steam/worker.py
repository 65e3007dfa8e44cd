"""The program of the process that talks with Steam, for ``client.SteamClient``.

A process of its own: Valve's library can fall (it may while it is shut down), hang, and print, and the package keeps
the interpreter to itself while it is in there. All of Steam's functions are called by its one thread, which also has
Steam's callbacks run, every ``connection.PACE_S`` while nothing is asked.

Its input begins with one line of JSON, the number of the ``app``. It answers ``{"ready": true}`` once the library is
loaded, or ``{"error": …}`` and ends. Each further line is a request with the name of what to ``do`` (``_DEEDS``), and
its answer is a line: an object, or ``{"error": code, "said": …, "result": EResult}``. The end of its input is its own.
"""

from __future__ import annotations

import json
import os
import queue
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, Final

from neko.steam.connection import PACE_S, Connection, SteamAnswerError
from neko.steam.flat import PACK, Details
from neko.steam.publication import Publication
from neko.steam.results import OK, words

Deed = Callable[["Worker", Mapping[str, Any]], dict[str, Any]]

_MOST_ITEMS: Final = 2000
_PAGE: Final = 50
"""Items of one query (``kNumUGCResultsPerPage``)."""
_QUERY_S: Final = 10.0
_YOUNG_S: Final = 60
"""Seconds for which Steam may answer from what it knows."""
_QUERIED: Final = struct.Struct("<Qi")
"""The beginning of ``SteamUGCQueryCompleted_t``: handle, result."""
_UNSUBSCRIBED: Final = struct.Struct("<iQ" if PACK == 4 else "<i4xQ")
"""``RemoteStorageUnsubscribePublishedFileResult_t``: result, the item's number."""
_MOST_SECONDS: Final = 2**31 - 1


class Worker:
    def __init__(self, app: int) -> None:
        self._app = app
        self._steam = Connection()
        self._publication: Publication | None = None

    def look(self) -> None:
        """Take what Steam has to tell, between two requests."""
        try:
            self._steam.look()
        except SteamAnswerError:
            return  # told to the next request
        if self._publication:
            self._publication.look()

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        deed = _DEEDS[request["do"]]
        try:
            if request["do"] != "stop":
                self._steam.look()
                self._steam.open()
            return deed(self, request)
        except SteamAnswerError as error:
            return {"error": error.code, "said": error.said, "result": error.result}
        except Exception as error:  # what the package does not take, such as text that is none
            traceback.print_exception(error)
            return {"error": "steam_refused", "said": f"{type(error).__name__}: {error}"[:300]}

    def stop(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        self._steam.close()
        return {}

    @property
    def is_busy(self) -> bool:
        """Whether Steam is to be looked at while nothing is asked."""
        return self._steam.is_open

    # ── items ─────────────────────────────────────────────────────────────────

    def items(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        count = min(self._steam.api.ugc.num_subscribed_items(False), _MOST_ITEMS)
        return {"items": self._told(self._steam.flat.subscribed_items(count) if count else [])}

    def item(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"items": self._told([request["item"]])}

    def _told(self, items: Sequence[int]) -> list[dict[str, Any]]:
        details: dict[int, dict[str, Any]] = {}
        for start in range(0, len(items), _PAGE):
            try:
                details |= self._details(items[start : start + _PAGE])
            except SteamAnswerError as error:
                if error.code == "steam_lost":
                    raise
                break  # without its servers Steam still knows where the items are
        ugc = self._steam.api.ugc
        return [
            {
                "id": item,
                "state": ugc.item_state(item),
                "install": _fields(ugc.item_install_info_string(item)),
                "download": _fields(ugc.item_download_info_string(item)),
                "details": details.get(item),
            }
            for item in items
        ]

    def _details(self, items: Sequence[int]) -> dict[int, dict[str, Any]]:
        ugc = self._steam.api.ugc
        handle = self._steam.flat.query_details(items)
        try:
            ugc.set_return_long_description(handle, True)
            ugc.set_allow_cached_response(handle, _YOUNG_S)
            content = self._steam.wait(ugc.send_query_ugc_request(handle), _QUERY_S)
            _, result = _QUERIED.unpack_from(content)
            if result != OK:
                raise SteamAnswerError("steam_refused", words(result), result)
            found = ((index, self._steam.flat.query_result(handle, index)) for index in range(len(items)))
            return {
                one.id: _details(one, ugc.query_ugc_preview_url_string(handle, index)) for index, one in found if one
            }
        finally:
            ugc.release_query_ugc_request(handle)

    def unsubscribe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """``done`` is False where Steam has not answered ``within`` so many seconds."""
        try:
            content = self._steam.wait(self._steam.api.ugc.unsubscribe_item(request["item"]), request["within"])
        except SteamAnswerError as error:
            if error.code == "steam_late":
                return {"done": False}
            raise
        result = _UNSUBSCRIBED.unpack_from(content)[0]
        if result != OK:
            raise SteamAnswerError("steam_refused", words(result), result)
        return {"done": True}

    # ── publishing ────────────────────────────────────────────────────────────

    def publish(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.give_up(request)
        self._publication = Publication(self._steam, self._app, request)
        return {}

    def progress(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        publication = self._publication
        if publication is None:
            raise SteamAnswerError("steam_lost")
        publication.look()
        update = publication.update
        return publication.progress(
            _fields(self._steam.api.ugc.item_update_progress_string(update)) or {} if update else {}
        )

    def give_up(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        if self._publication:
            self._publication.give_up()
        self._publication = None
        return {}

    # ── what the user has done ────────────────────────────────────────────────

    def achievements(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        stats = self._steam.api.user_stats
        names = [_text(stats.achievement_name(index)) for index in range(stats.num_achievements())]
        return {
            "achievements": [{"name": name, "unlocked": bool(self._steam.flat.achievement(name))} for name in names]
        }

    def unlock(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name = request["name"]
        has = self._steam.flat.achievement(name)
        if has is None:
            raise SteamAnswerError("steam_refused", f"the app has no achievement {name}")
        if not has:
            stats = self._steam.api.user_stats
            if not (stats.set_achievement(name) and stats.store_stats()):
                raise SteamAnswerError("steam_refused", "it did not keep the achievement")
        return {"new": not has}

    def play(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """``stat`` grows by ``seconds``, and reaches some of the ``achievements``, by seconds."""
        stats, flat = self._steam.api.user_stats, self._steam.flat
        before = flat.stat(request["stat"])
        if before is None:
            return {"total": 0, "kept": False}
        total = min(before + request["seconds"], _MOST_SECONDS)
        kept = stats.set_stat_int_32(request["stat"], total)
        for name, seconds in request["achievements"].items():
            if total >= seconds and flat.achievement(name) is False:
                kept = stats.set_achievement(name) and kept
        return {"total": total, "kept": bool(stats.store_stats() and kept)}

    def who(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        """Where the user is (ISO 3166) and what language Steam gives the app."""
        api = self._steam.api
        return {"language": _text(api.apps.current_game_language()), "country": _text(api.utils.ip_country())}


_DEEDS: Final[dict[str, Deed]] = {
    deed.__name__: deed
    for deed in (
        Worker.items,
        Worker.item,
        Worker.unsubscribe,
        Worker.publish,
        Worker.progress,
        Worker.give_up,
        Worker.achievements,
        Worker.unlock,
        Worker.play,
        Worker.who,
        Worker.stop,
    )
}


def _text(told: str | bytes | None) -> str:
    """What Steam tells, "" for nothing, with a mark for what is no UTF-8, which the package keeps as it is."""
    content = told.encode("utf-8", "surrogateescape") if isinstance(told, str) else told or b""
    return content.decode("utf-8", "replace")


def _details(one: Details, picture: str) -> dict[str, Any]:
    return {
        "said": "" if one.result == OK else words(one.result),
        "title": _text(one.title),
        "description": _text(one.description),
        "tags": [tag for tag in _text(one.tags).split(",") if tag],
        "owner": str(one.owner),
        "created": one.created,
        "updated": one.updated,
        "added": one.added,
        "file": str(one.file),
        "preview_file": str(one.preview_file),
        "size": one.total_size or max(one.file_size, 0),
        "url": _text(one.url),
        "picture": _text(picture),
    }


def _fields(text: str) -> dict[str, str] | None:
    """What the package writes as ``name=value``, with tabs between; None where Steam told nothing."""
    pairs = (part.partition("=") for part in text.split("\t")) if text else ()
    return {name: _unescaped(value) for name, _, value in pairs} or None


def _unescaped(text: str) -> str:
    signs = {"t": "\t", "n": "\n", "r": "\r"}
    first, *rest = text.split("\\\\")
    parts = []
    for part in (first, *rest):
        for sign, meant in signs.items():
            part = part.replace(f"\\{sign}", meant)
        parts.append(part)
    return "\\".join(parts)


def _read(requests: BinaryIO, lines: queue.SimpleQueue[bytes]) -> None:
    while line := requests.readline():
        lines.put(line)
    lines.put(b"")


def _tell(answers: BinaryIO, answer: Mapping[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints is for the log
    requests = sys.stdin.buffer
    order = json.loads(requests.readline())
    try:
        worker = Worker(order["app"])
    except Exception as error:
        _tell(answers, {"error": f"{type(error).__name__}: {error}"[:300]})
        return
    _tell(answers, {"ready": True})
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests, lines), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=PACE_S if worker.is_busy else None)
        except queue.Empty:
            worker.look()
            continue
        if not line:
            break
        _tell(answers, worker.answer(json.loads(line)))
    worker.stop({})


if __name__ == "__main__":
    main()
