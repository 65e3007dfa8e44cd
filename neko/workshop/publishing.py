"""Getting a card and its model ready to be published: a folder of its own with copies, and what is known of uploads."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from neko.avatars.places import workplace
from neko.errors import ConfigError
from neko.storage import file_name_fault, is_object, is_plain_name, log_fault, read_document, write_bytes, write_json
from neko.workshop.items import CARD, EXPORTS, LARGEST_PREVIEW, MARK, card_in, files_in
from neko.workshop_errors import WorkshopError

_EXPORT: Final = re.compile(r"item_[0-9a-f]{8}")
_BEGINNINGS: Final = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg"}


def meta_of(cards: Path, card: str) -> dict[str, Any] | None:
    """What is known of a card's upload; ``cards`` is the folder of cards. Raises ``WorkshopError``."""
    if file_name_fault(card):
        raise WorkshopError("workshop_name", f"{card!r} cannot be a card's name", name=card[:80])

    def report(error: ConfigError) -> None:
        log_fault(error)

    path = cards / f"{card}.workshop_meta.json"
    kept: dict[str, Any] | None = read_document(path, None, is_object, report) if path.exists() else None
    return kept


def prepare(root: Path, card: Mapping[str, Any], file: str, model: Path) -> Path:
    """Make a folder below ``root`` with the card and a copy of the model, a file or a folder. Raises ``WorkshopError``,
    ``OSError``."""
    if file_name_fault(file) or not is_plain_name(file) or not file.endswith(CARD):
        raise WorkshopError("workshop_name", f"{file!r} cannot be a card's file", name=file[:80])
    exports = root / EXPORTS
    target = exports / f"item_{uuid4().hex[:8]}"
    with workplace(exports) as place:
        whole = place / target.name
        if model.is_dir():
            shutil.copytree(model, whole / model.name, ignore=_strangers)
        else:
            whole.mkdir()
            shutil.copyfile(model, whole / model.name)
        write_json(whole / file, dict(card))
        whole.rename(target)
    return target


def mark(folder: Path, item: int) -> None:
    """Say in a folder as which item it was published. Raises ``OSError``."""
    for path in folder.iterdir():
        if MARK.fullmatch(path.name) and path.name != f"steam_workshop_id_{item}.txt":
            path.unlink()
    write_bytes(folder / f"steam_workshop_id_{item}.txt", f"{item}\n".encode())


def keep_item(cards: Path, card: str, item: int) -> None:
    """Keep as which item a card is published, and nothing else of it. Raises ``WorkshopError``, ``ConfigError``."""
    write_json(cards / f"{card}.workshop_meta.json", {**(meta_of(cards, card) or {}), "workshop_item_id": str(item)})


def keep_meta(cards: Path, card: str, item: int, folder: Path, snapshot: Mapping[str, Any]) -> None:
    """Keep that a card was published as this item, and with what; what else the file holds stays. Raises
    ``WorkshopError``, ``ConfigError``."""
    kept = meta_of(cards, card) or {}
    now = datetime.now().isoformat(timespec="seconds")
    file = next(iter(files_in(folder, [CARD])), None)
    model = next(iter(files_in(folder, [".model3.json"])), None)
    write_json(
        cards / f"{card}.workshop_meta.json",
        {
            **kept,
            "created_at": kept.get("created_at") or now,
            "workshop_item_id": str(item),
            "last_update": now,
            "content_hash": f"sha256:{_digest(folder)}",
            "uploaded_snapshot": {
                **snapshot,
                "character_data": card_in(file) if file else {},
                "model_name": model.parent.name if model else "",
            },
        },
    )


def _digest(folder: Path) -> str:
    """Of the names and contents of all files in a folder but the mark."""
    whole = sha256()
    for path in files_in(folder, [""]):
        if not MARK.fullmatch(path.name):
            whole.update(path.relative_to(folder).as_posix().encode() + b"\0")
            with path.open("rb") as file:
                whole.update(file_digest(file, "sha256").digest())
    return whole.hexdigest()


def check_links(folder: Path) -> None:
    """Raises ``WorkshopError`` where a folder has links in it, which whoever uploads it may follow anywhere."""
    for where, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if (path := Path(where, name)).is_symlink():
                raise WorkshopError("workshop_outside", f"{path} is a link", path=str(path)[:200])


def check_preview(path: Path) -> None:
    """Raises ``WorkshopError`` where Steam takes no such picture."""
    with path.open("rb") as file:
        beginning = file.read(8)
    if not beginning.startswith((*_BEGINNINGS, b"GIF8")):
        raise WorkshopError("workshop_picture", f"{path.name} is neither PNG, JPEG nor GIF")
    if path.stat().st_size >= LARGEST_PREVIEW:
        raise WorkshopError("workshop_too_large", f"{path.name} is too large", limit=LARGEST_PREVIEW >> 20)


def _strangers(folder: str, names: list[str]) -> list[str]:
    """What is not copied: hidden files, what was before a change, and links, which may lead anywhere."""
    return [
        name for name in names if not is_plain_name(name) or name.endswith(".bak") or Path(folder, name).is_symlink()
    ]


def clean_up(root: Path, path: Path) -> None:
    """Delete a folder that ``prepare`` made. Raises ``WorkshopError``, ``OSError``."""
    if path.parent != (root / EXPORTS).resolve() or not _EXPORT.fullmatch(path.name):
        raise WorkshopError("workshop_outside", f"{path} was not made to be published", path=str(path)[:200])
    shutil.rmtree(path)


def keep_preview(root: Path, content: bytes, folder: Path | None) -> Path:
    """Put a picture as the preview into a folder, or into a new one. Raises ``WorkshopError``, ``OSError``."""
    ending = next((end for beginning, end in _BEGINNINGS.items() if content.startswith(beginning)), None)
    if ending is None:
        raise WorkshopError("workshop_picture", "it is neither PNG nor JPEG")
    folder = folder or root / EXPORTS / f"preview_{uuid4().hex[:8]}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"preview{ending}"
    with workplace(folder) as place:
        (place / path.name).write_bytes(content)
        (place / path.name).replace(path)
    return path
