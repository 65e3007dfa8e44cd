"""What is in a folder of Workshop items: cards, voices, pictures, and marks of what was published."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from neko.avatars.live2d import CONFIG
from neko.avatars.places import files_below, folders_in
from neko.avatars.vrm import MODEL
from neko.hand_written import decoded
from neko.well_formed import load_json
from neko.workshop_errors import WorkshopError

CARD: Final = ".chara.json"
AUDIO: Final = (".mp3", ".wav")
PICTURES: Final = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".webp": "image/webp",
}
EXPORTS: Final = "WorkshopExport"
"""The folder of what is to be published."""
_BINARY: Final = (".mp3", ".wav", ".png", ".jpg", ".jpeg", ".gif")
_TEXT: Final = (".json", ".txt", ".md", ".csv", ".yaml", ".yml", ".toml", ".ini")
_LARGEST_READ: Final = 5 << 20
_LARGEST_PICTURE: Final = 50 << 20
LARGEST_PREVIEW: Final = 1 << 20
_PREVIEWS: Final = tuple(
    f"{name}{end}" for name in ("preview", "thumbnail", "icon", "header") for end in (".jpg", ".png")
)
_NAMES: Final = ("档案名", "name")
_LONGEST_TITLE: Final = 60
MARK: Final = re.compile(r"steam_workshop_id_(\d+)\.txt")
_MOST: Final = 5000


@dataclass(frozen=True, slots=True)
class Item:
    """``title``: what the card or the model in it is called, else the folder. ``modified`` in seconds since 1970,
    ``size`` in bytes; ``preview`` is None without a picture; ``vrm`` are the VRM models in it."""

    path: Path
    title: str
    modified: int
    size: int
    preview: Path | None
    vrm: list[Path]


def items_in(folder: Path) -> list[Item]:
    """An item for each folder in this one, by name."""
    return [_item(one) for one in folders_in(folder) if one.name != EXPORTS]


def _item(folder: Path) -> Item:
    files = list(islice(files_below(folder, ""), _MOST))
    size = sum(path.stat().st_size for path in files)
    vrm = [path for path in files if path.suffix.lower() == MODEL]
    return Item(folder, _title(folder, files), int(folder.stat().st_mtime), size, preview_in(folder), vrm)


def _title(folder: Path, files: Sequence[Path]) -> str:
    for path in files:
        if path.name.lower().endswith(CARD):
            return name_on(card_in(path)) or path.name[: -len(CARD)]
    for ending in (CONFIG, MODEL):
        for path in files:
            if path.name.lower().endswith(ending):
                return path.name[: -len(ending)]
    return folder.name


def card_in(file: Path) -> dict[str, Any]:
    """What a card holds; nothing if that cannot be read."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        if file.stat().st_size <= _LARGEST_READ:
            content = load_json(decoded(file.read_bytes()))
            return content if isinstance(content, dict) else {}
    return {}


def name_on(card: Mapping[str, Any]) -> str:
    """What a card calls its character, "" if it does not."""
    names = (card.get(key) for key in _NAMES)
    return next((name.strip()[:_LONGEST_TITLE] for name in names if isinstance(name, str) and name.strip()), "")


def preview_in(folder: Path) -> Path | None:
    """The picture that stands for a folder: one of the usual names, of less than 1 MB."""
    for name in _PREVIEWS:
        path = folder / name
        if path.is_file() and not path.is_symlink() and path.stat().st_size < LARGEST_PREVIEW:
            return path
    return None


def files_in(folder: Path, endings: Iterable[str]) -> list[Path]:
    """Files with one of these endings, by name, in the folder and below."""
    return list(islice(files_below(folder, *endings), _MOST))


def voice_prefix(path: Path) -> str:
    """What a voice made of this recording may be called: up to ten letters and digits."""
    return re.sub(r"[^A-Za-z0-9]", "", path.stem)[:10] or "voice"


def content_of(path: Path) -> tuple[str, bool]:
    """A file's content, and whether that is base64 of bytes. Raises ``WorkshopError``."""
    is_binary = path.suffix.lower() in _BINARY
    if not is_binary and path.suffix.lower() not in _TEXT:
        raise WorkshopError("workshop_kind", f"{path.name} is no text, sound or picture", path=path.name[:200])
    if path.stat().st_size > _LARGEST_READ:
        raise WorkshopError("workshop_too_large", f"{path.name} is too large", limit=_LARGEST_READ >> 20)
    content = path.read_bytes()
    if is_binary:
        return base64.b64encode(content).decode(), True
    return decoded(content, "replace", is_json=path.suffix.lower() == ".json"), False


def picture_of(path: Path) -> tuple[bytes, str]:
    """A picture and its media type. Raises ``WorkshopError``."""
    kind = PICTURES.get(path.suffix.lower())
    if kind is None:
        raise WorkshopError("workshop_picture", f"{path.name} is no picture")
    if path.stat().st_size > _LARGEST_PICTURE:
        raise WorkshopError("workshop_too_large", f"{path.name} is too large", limit=_LARGEST_PICTURE >> 20)
    return path.read_bytes(), kind


def published_as(folder: Path) -> str | None:
    """The number under which Steam has this folder, if it was published from here."""
    marks = (MARK.fullmatch(path.name) for path in folder.iterdir())
    return next((mark[1] for mark in marks if mark), None)
