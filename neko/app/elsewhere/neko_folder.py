"""Folders of N.E.K.O., in any layout (``contract/config.md`` §1): the user's own, with ``config`` and ``memory``; one
that holds it; and the program's, with ``config`` and ``memory/store``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from neko.app.elsewhere.found import Found, FoundCharacter, FoundFile, FoundTalk
from neko.app.site_logins import SITE_LOGIN, opened
from neko.characters import CHARACTERS, MASTER, is_characters
from neko.hand_written import decoded, read_leniently
from neko.memory_files import character_of
from neko.storage import CHARACTERS_FILE, CORE_CONFIG_FILE, PREFERENCES_FILE
from neko.workshop.folder import CONFIG_FILE as WORKSHOP_FILE

PROGRAM: Final = "N.E.K.O."
_DOCUMENTS: Final = (CORE_CONFIG_FILE, PREFERENCES_FILE, "voice_storage.json", WORKSHOP_FILE)
_HOLDERS: Final = {
    "live2d": "live2d",
    "vrm/animation": "vrm/animation",
    "vrm": "vrm",
    "static/vrm/configs": "vrm/configs",
    "workshop": "workshop",
    "character_cards": "character_cards",
}
"""Where things of the user's are, and where they come; the emotions of VRM models are in the program's folder."""
_LOCKED: Final = "a login that N.E.K.O. has encrypted, without its key: give it again in Settings › Abilities"


def roots_in(folder: Path) -> list[Path]:
    """The folders of N.E.K.O. that a folder is, or holds."""
    candidates = (folder, folder / "N.E.K.O", folder / "Documents" / "N.E.K.O")
    return [one for one in candidates if _is_root(one)]


def _is_root(folder: Path) -> bool:
    has_config = any((folder / "config" / name).is_file() for name in (CHARACTERS_FILE, CORE_CONFIG_FILE))
    return has_config or any(_is_memory(folder / name) for name in ("memory", "memory/store"))


def _is_memory(folder: Path) -> bool:
    return folder.is_dir() and any(character_of(path.name) for path in folder.iterdir())


def look(root: Path, found: Found) -> None:
    """Add what is there. Raises ``OSError``."""
    _look_at_documents(root / "config", found)
    for name in ("memory", "memory/store"):
        if _is_memory(root / name):
            found.talks.append(FoundTalk(f"{root.name}/{name}", root / name, PROGRAM))
            for path in sorted((root / name).glob("semantic_memory_*")):
                found.left.append((f"{name}/{path.name}", "Neko makes her own from the lines"))
    for place, new_place in _HOLDERS.items():
        folder = root / place
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            target = f"{new_place}/{path.name}"
            if path.is_symlink():
                found.left.append((target, "it is a link"))
            elif target != "vrm/animation" and not path.name.startswith("."):
                found.files.append(FoundFile(path, target))


def _look_at_documents(config: Path, found: Found) -> None:
    for path in sorted(config.glob("*")) if config.is_dir() else ():
        if path.name.endswith(SITE_LOGIN):
            _look_at_login(path, found)
    for name in (*_DOCUMENTS, CHARACTERS_FILE):
        path = config / name
        if not path.is_file():
            continue
        document = _read(path)
        if document is None:
            found.left.append((f"config/{name}", "it is damaged, and nothing can be read of it"))
        elif name != CHARACTERS_FILE:
            if name == WORKSHOP_FILE and name not in found.documents:
                found.workshop_of = config.parent
            found.documents.setdefault(name, document)
        elif is_characters(document):
            found.cards = found.cards or document
            for character, card in (document.get(CHARACTERS) or {}).items():
                if isinstance(card, dict):
                    found.characters.append(FoundCharacter(character, card, PROGRAM))
            master = document.get(MASTER)
            found.master = found.master or (master if isinstance(master, Mapping) else {})
        else:
            found.left.append((f"config/{name}", "it holds no characters"))


def _look_at_login(path: Path, found: Found) -> None:
    """A login comes as it is read here: decrypted, so that its key is of no use any more."""
    content = opened(path, path.read_bytes())
    try:
        cookies = None if content is None else json.loads(content)
    except (ValueError, RecursionError):
        cookies = None
    if isinstance(cookies, dict):
        found.documents.setdefault(path.name, cookies)
    else:
        found.left.append((f"config/{path.name}", _LOCKED if content is None else "it is damaged"))


def _read(path: Path) -> Any:
    content = path.read_bytes()
    try:
        return json.loads(decoded(content))
    except (ValueError, RecursionError):
        return read_leniently(content)
