"""Publishing an item, step by step, in the process of ``worker``: it is made, then its folder is uploaded."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

from neko.steam.connection import Connection, SteamAnswerError
from neko.steam.flat import PACK
from neko.steam.results import OK, words

_COMMUNITY: Final = 0
"""``k_EWorkshopFileTypeCommunity``."""
_CREATED: Final = struct.Struct("<iQ?" if PACK == 4 else "<i4xQ?")
"""``CreateItemResult_t``: result, the item's number, whether Steam's agreement is still to be accepted."""
_SUBMITTED: Final = struct.Struct("<i?")
"""``SubmitItemUpdateResult_t``."""


class Publication:
    """``request``: ``item`` (0 makes a new one), ``title``, ``description``, ``folder``, ``preview``, ``tags``,
    ``visibility`` (0 all, 1 friends, 2 nobody), ``note``. Raises ``SteamAnswerError``."""

    def __init__(self, steam: Connection, app: int, request: Mapping[str, Any]) -> None:
        self._steam = steam
        self._app = app
        self._request = request
        self._item = int(request["item"])
        self._agreed = True
        self._update = 0
        self._fault: SteamAnswerError | None = None
        if self._item:
            self._step, self._call = "uploading", self._upload()
        else:
            self._step = "creating"
            self._call = steam.begin(steam.api.ugc.create_item(app, _COMMUNITY))

    def look(self) -> None:
        """Take the next step if Steam has answered."""
        if self._step in ("done", "failed"):
            return
        try:
            if (content := self._steam.result(self._call)) is not None:
                self._answered(content)
        except SteamAnswerError as error:
            self._step, self._fault = "failed", error

    def _answered(self, content: bytes) -> None:
        if self._step == "creating":
            result, item, unagreed = _CREATED.unpack_from(content)
        else:
            (result, unagreed), item = _SUBMITTED.unpack_from(content), self._item
        self._agreed = self._agreed and not unagreed
        if result != OK:
            raise SteamAnswerError("steam_refused", words(result), result)
        self._item = item
        if self._step == "uploading":
            self._step = "done"
        else:
            self._step = "uploading"
            self._call = self._upload()

    def _upload(self) -> int:
        steam, ugc, request = self._steam, self._steam.api.ugc, self._request
        self._update = update = ugc.start_item_update(self._app, self._item)
        parts = {
            "title": ugc.set_item_title(update, request["title"]),
            "description": ugc.set_item_description(update, request["description"]),
            "visibility": ugc.set_item_visibility(update, request["visibility"]),
            "tags": steam.flat.set_tags(update, request["tags"]),
            "folder": ugc.set_item_content(update, request["folder"]),
            "preview": not request["preview"] or ugc.set_item_preview(update, request["preview"]),
        }
        if refused := [name for name, is_taken in parts.items() if not is_taken]:
            raise SteamAnswerError("steam_refused", f"it did not take: {', '.join(refused)}")
        return steam.begin(ugc.submit_item_update(update, request["note"]))

    def give_up(self) -> None:
        """Nobody waits for it any more."""
        self._steam.forget(self._call)

    def progress(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """``step``, the ``item`` once it has a number, whether it is ``agreed``, and bytes while they are uploaded.
        ``fields``: what Steam tells of the update (``update``)."""
        if self._fault is not None:
            return {
                "step": "failed",
                "item": self._item,
                "code": self._fault.code,
                "said": self._fault.said,
                "result": self._fault.result,
            }
        done, total = (int(fields.get(name, 0)) for name in ("bytes_processed", "bytes_total"))
        return {"step": self._step, "item": self._item, "agreed": self._agreed, "bytes": done, "total": total}

    @property
    def update(self) -> int:
        """The handle of the upload while there is one; else 0."""
        return self._update if self._step == "uploading" else 0
