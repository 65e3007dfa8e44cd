"""Bringing over what was found: planned first, nothing of ours overwritten. Every call blocks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from neko.app.characters import PICTURES
from neko.app.earlier_talk import character_of as character_called
from neko.app.elsewhere.found import Found, FoundCharacter
from neko.app.elsewhere.neko_folder import PROGRAM
from neko.app.pictures import Pictures
from neko.app.voice_library import FILE as VOICES_FILE
from neko.characters import LOREBOOK, OWN, CharacterCards, check_character, free_fields
from neko.errors import CharacterError
from neko.storage import (
    CHARACTERS_FILE,
    CORE_CONFIG_FILE,
    PREFERENCES_FILE,
    WORKPLACE,
    log_fault,
    make_folder,
    read_document,
    write_json,
)
from neko.workshop.folder import CONFIG_FILE as WORKSHOP_FILE
from neko.workshop.folder import moved

_LARGEST_PICTURE: Final = 8 << 20
_MADE_ANEW: Final = "there already, so it stays as it is"

Came = Callable[[str], object]


def bring(data: Path, config: Path, found: Found, language: str, came: Came, *, dry_run: bool) -> set[str]:
    """Bring characters, documents and files into a data folder whose lock the caller has; what stays behind is added
    to ``found.left``. Returns the names of the characters who are there then.

    In a dry run ``config`` is a copy of the folder's own, since reading a document may mend it, and nothing else is
    written. Raises ``ConfigError``, ``OSError``."""
    names = _bring_characters(data, config, found, language, came, dry_run=dry_run)
    for name, document in found.documents.items():
        if name == WORKSHOP_FILE and found.workshop_of and isinstance(document, dict):
            document = moved(document, found.workshop_of, data)
        _bring_document(config / name, document, found, came, dry_run=dry_run)
    coming = set[str]()
    for file in found.files:
        target = data / file.target
        if file.target in coming:
            found.left.append((str(file.path), f"another {file.target} comes"))
            continue
        coming.add(file.target)
        if target.exists():
            found.left.append((file.target, _MADE_ANEW))
            continue
        came(file.target)
        if not dry_run:
            _copy(file.path, target)
    return names


def _bring_characters(data: Path, config: Path, found: Found, language: str, came: Came, *, dry_run: bool) -> set[str]:
    path = config / CHARACTERS_FILE
    is_fresh = not path.exists()
    if is_fresh and found.cards is not None:  # all of the file, so that no character of ours is added to it
        write_json(path, found.cards)
    there = CharacterCards.load(path, language)
    names = set[str]() if is_fresh else set(there.names)
    for character in found.characters:
        if is_fresh and found.cards is not None and character.program == PROGRAM and character.name not in names:
            names.add(character.name)
            came(_told(character))
            continue
        name = _name_here(character.name, names)
        if not name or there.knows(name) or name in names:
            why = "a character of this name is there" if name else "she has no name"
            found.left.append((f"{name} ({character.program})", why))
        else:
            names.add(name)
            _bring_character(data, there, replace(character, name=name), found, came, dry_run=dry_run)
            if name != character.name:
                came(f"{name}: so {character.name} is called here, since a name holds 20 letters and no / \\ ? #")
    if found.master and not there.is_master_named:
        came(f"what you are called: {found.master.get('档案名', '')}")
        if not dry_run:
            try:
                there.set_master(found.master)
            except CharacterError as error:
                found.left.append(("the user's profile", str(error)))
    elif found.master and dict(found.master) != dict(there.master()):
        found.left.append(("the user's profile", _MADE_ANEW))
    return names


def _name_here(name: str, names: Collection[str]) -> str:
    """What a character who comes is called here, by which her talks find her too; "" without a name."""
    try:
        return check_character(name)
    except CharacterError:
        return character_called(name, names) if name.strip() else ""


def _bring_character(
    data: Path, there: CharacterCards, character: FoundCharacter, found: Found, came: Came, *, dry_run: bool
) -> None:
    try:
        if not dry_run:
            name = there.create(character.name, character.card, beside_namesakes=True)
            _keep_picture(data, there, name, character)
        came(_told(character))
    except CharacterError as error:
        found.left.append((f"{character.name} ({character.program})", str(error)))


def _told(character: FoundCharacter) -> str:
    keys = ", ".join(free_fields(character.card)) or "no traits"
    lore = len(character.card.get(OWN, {}).get(LOREBOOK, ())) if character.program != PROGRAM else 0
    return f"{character.name} ({character.program}): {keys}" + (f", a lorebook of {lore} entries" if lore else "")


def _keep_picture(data: Path, there: CharacterCards, name: str, character: FoundCharacter) -> None:
    if character.picture and character.picture.stat().st_size <= _LARGEST_PICTURE:
        file = Pictures(data / PICTURES).keep(character.picture.read_bytes(), "png")
        there.merge_card(name, {"neko": {"picture": file}})


def _bring_document(path: Path, document: Any, found: Found, came: Came, *, dry_run: bool) -> None:
    name = f"config/{path.name}"
    if not path.exists():
        came(name)
        if not dry_run:
            write_json(path, document)
        return
    if path.name not in (CORE_CONFIG_FILE, PREFERENCES_FILE, VOICES_FILE):
        found.left.append((name, _MADE_ANEW))
        return
    ours = read_document(path, type(document)(), lambda value: isinstance(value, type(document)), log_fault)
    merged, new, kept = _merged(ours, document)
    if new:
        came(f"{name}: {', '.join(new)}")
        if not dry_run:
            write_json(path, merged)
    if kept:
        found.left.append((name, f"set here already: {', '.join(kept)}"))


def _merged(ours: Any, theirs: Any) -> tuple[Any, list[str], list[str]]:
    """Ours with what it has no value for; what is new and what differs, never a value, since some are secrets."""
    if isinstance(ours, list) and isinstance(theirs, list):
        known = {_model_of(one) for one in ours}
        new = [one for one in theirs if _model_of(one) not in known]
        return [*ours, *new], [f"{len(new)} entries"] if new else [], []
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return ours, [], []
    missing = {key: value for key, value in theirs.items() if ours.get(key) in (None, "") and value not in (None, "")}
    kept = [key for key in theirs if key not in missing and ours.get(key) != theirs[key]]
    if all(isinstance(value, Mapping) for value in theirs.values()):  # keyed by secrets
        return {**ours, **missing}, [f"{len(missing)} entries"] if missing else [], []
    return {**ours, **missing}, list(missing), kept


def _model_of(entry: object) -> object:
    return entry.get("model_path") if isinstance(entry, dict) else None


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all, and nothing that leads elsewhere."""
    make_folder(target.parent)
    part = target.with_name(f"{WORKPLACE}{target.name}")
    if source.is_dir():
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(source, part, ignore=_links)
    else:
        shutil.copyfile(source, part)
    part.rename(target)


def _links(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if Path(folder, name).is_symlink()]
