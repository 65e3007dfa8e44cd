"""Folders of N.E.K.O., in any layout (``contract/config.md`` §1): the user's own, with ``config`` and ``memory``; one
that holds it; and the program's, with ``config`` and ``memory/store``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from neko.app.elsewhere.found import Found, FoundCharacter, FoundFile, FoundTalk
from neko.app.site_logins import SITE_LOGIN, opened
from neko.avatars.live2d import CONFIG
from neko.avatars.places import files_below
from neko.avatars.vrm import ANIMATION, MODEL
from neko.characters import CHARACTERS, MASTER, is_characters
from neko.hand_written import decoded, read_leniently
from neko.memory.folder_layout import character_folders
from neko.memory_files import IN_PROGRAM, character_of
from neko.storage import CHARACTERS_FILE, CORE_CONFIG_FILE, PREFERENCES_FILE
from neko.well_formed import check_depth
from neko.workshop.folder import CONFIG_FILE as WORKSHOP_FILE

PROGRAM: Final = "N.E.K.O."
_DOCUMENTS: Final = (CORE_CONFIG_FILE, PREFERENCES_FILE, "voice_storage.json", WORKSHOP_FILE)
_HOLDERS: Final = {
    "live2d": "live2d",
    "vrm/animation": "vrm/animation",
    "vrm": "vrm",
    "static/vrm/animation": "vrm/animation",
    "static/vrm": "vrm",
    "static/vrm/configs": "vrm/configs",
    "workshop": "workshop",
    "character_cards": "character_cards",
}
"""Where things of the user's are, and where they come. The program's own folder has models too, and the emotions of VRM
models."""
_OF_PROGRAM: Final = "static"
_AVATARS: Final = (MODEL, ANIMATION)
_OWN: Final = "Neko makes her own from the lines"
_LOCKED: Final = "a login that N.E.K.O. has encrypted, without its key: give it again in Settings › Abilities"


def roots_in(folder: Path) -> list[Path]:
    """The folders of N.E.K.O. that a folder is, or holds."""
    candidates = (folder, folder / "N.E.K.O", folder / "Documents" / "N.E.K.O")
    return [one for one in candidates if _is_root(one)]


def _is_root(folder: Path) -> bool:
    has_config = any((folder / "config" / name).is_file() for name in (CHARACTERS_FILE, CORE_CONFIG_FILE))
    return has_config or any(_is_memory(folder / name) for name in ("memory", IN_PROGRAM))


def _is_memory(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    return any(character_of(path.name) for path in folder.iterdir()) or bool(character_folders(folder))


def look(root: Path, found: Found) -> None:
    """Add what is there. Raises ``OSError``."""
    for place, new_place in _HOLDERS.items():
        folder = root / place
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            target = f"{new_place}/{path.name}"
            is_program = place.startswith(_OF_PROGRAM) and new_place != "vrm/configs"
            if path.is_symlink():
                found.left.append((target, "it is a link"))
            elif f"{place}/{path.name}" in _HOLDERS or path.name.startswith("."):
                continue
            elif not is_program or path.suffix.lower() in _AVATARS:
                found.files.append(FoundFile(path, target))
    of_program = _models_of_program(root / _OF_PROGRAM)
    found.files += [FoundFile(model, f"live2d/{model.name}") for model in of_program]
    models = {model.name: model for model in reversed(of_program)}
    _look_at_documents(root, models, found)
    for name in ("memory", IN_PROGRAM):
        if _is_memory(root / name):
            found.talks.append(FoundTalk(f"{root.name}/{name}", root / name, PROGRAM))
            for path in sorted((root / name).glob("semantic_memory_*")):
                found.left.append((f"{name}/{path.name}", _OWN))
            for path in sorted((root / name).glob("*/reflections.json")):
                found.left.append((f"{name}/{path.parent.name}/{path.name}", _OWN))


def _models_of_program(static: Path) -> list[Path]:
    """The folders of Live2D models in the program's own; of several of one name, the first one comes."""
    found: list[Path] = []
    for config in files_below(static, CONFIG):
        if not any(config.is_relative_to(folder) for folder in found) and config.parent != static:
            found.append(config.parent)
    return found


def _come_home(value: Any, root: Path, models: Mapping[str, Path]) -> Any:
    """A document whose addresses of models in the program's folder are those in the user's."""
    if isinstance(value, dict):
        return {key: _come_home(one, root, models) for key, one in value.items()}
    if isinstance(value, list):
        return [_come_home(one, root, models) for one in value]
    if not isinstance(value, str) or not value.startswith(f"/{_OF_PROGRAM}/"):
        return value
    place = unquote(value[1:])
    if place.startswith("static/vrm/") and place.lower().endswith(_AVATARS) and "\0" not in place:
        return f"/user_vrm/{value.removeprefix('/static/vrm/')}" if (root / place).is_file() else value
    for name, folder in models.items():
        inside = place.removeprefix(f"{folder.relative_to(root).as_posix()}/")
        if inside != place:
            return f"/user_live2d/{quote(f'{name}/{inside}')}"
    return value


def _look_at_documents(root: Path, models: Mapping[str, Path], found: Found) -> None:
    config = root / "config"
    for path in sorted(config.glob("*")) if config.is_dir() else ():
        if path.name.endswith(SITE_LOGIN):
            _look_at_login(path, found)
    for name in (*_DOCUMENTS, CHARACTERS_FILE):
        path = config / name
        if not path.is_file():
            continue
        document = _come_home(_read(path), root, models)
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
        cookies = None if content is None else check_depth(json.loads(content))
    except (ValueError, RecursionError):
        cookies = None
    if isinstance(cookies, dict):
        found.documents.setdefault(path.name, cookies)
    else:
        found.left.append((f"config/{path.name}", _LOCKED if content is None else "it is damaged"))


def _read(path: Path) -> Any:
    content = path.read_bytes()
    try:
        return check_depth(json.loads(decoded(content)))
    except (ValueError, RecursionError):
        return read_leniently(content)
