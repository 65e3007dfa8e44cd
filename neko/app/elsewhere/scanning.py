"""Looking through a folder: every file by what is in it, wherever it lies. Every call blocks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from neko.app.elsewhere import airi, cards, neko_folder, open_llm_vtuber
from neko.app.elsewhere.found import Found, FoundCharacter, FoundTalk
from neko.characters import LOREBOOK, OWN, PROFILE_NAME

MOST_FILES: Final = 50_000
_LARGEST: Final = 256 << 20
"""Bytes of a document, which is read whole."""
_BEGIN: Final = 4096
_LONGEST_LIST: Final = 80
_SKIPPED: Final = ("node_modules", "__pycache__", "thumbnails", "venv")
_COPIES: Final = "backups"
_GROUPS: Final = "group chats"
SILLY_TAVERN: Final = "SillyTavern"
OPEN_LLM_VTUBER: Final = "Open-LLM-VTuber"
AIRI: Final = "AIRI"


@dataclass(slots=True)
class _Scan:
    """What is put together once all files are known. ``cards`` are fields of cards, with where they lie."""

    found: Found
    workplace: Path
    language: str
    user: str
    cards: list[tuple[Path, dict[str, Any]]] = field(default_factory=list)
    worlds: dict[str, tuple[Path, Any]] = field(default_factory=dict)
    everywhere: set[str] = field(default_factory=set)
    """Names of the worlds that are every character's."""
    names: dict[str, str] = field(default_factory=dict)
    """Of characters, by what talks call them: ``conf_uid``, AIRI's ids."""
    histories: list[tuple[Path, str]] = field(default_factory=list)
    exports: list[tuple[Path, dict[str, Any]]] = field(default_factory=list)
    users: set[str] = field(default_factory=set)
    """What SillyTavern's talks call the user, as far as that is a name."""


def look_into(folder: Path, workplace: Path, language: str, user: str) -> Found:
    """What of other programs is in a folder; ``workplace`` gets talks that are rewritten, ``user`` is what the user is
    called, "" if nobody knows. Raises ``OSError``."""
    scan = _Scan(Found(), workplace, language, user)
    roots = neko_folder.roots_in(folder)
    for root in roots:
        neko_folder.look(root, scan.found)
    taken = {file.path for file in scan.found.files}
    for path in _files(folder, roots, scan.found):
        if path in taken or not taken.isdisjoint(path.parents):
            continue
        _take(scan, path, path.relative_to(folder).as_posix())
    _put_together(scan, folder)
    return scan.found


def _files(folder: Path, roots: list[Path], found: Found) -> Iterator[Path]:
    count = 0
    for here, folders, files in os.walk(folder):
        if Path(here).name == _COPIES and any(name.endswith(".jsonl") for name in files):
            found.left.append((f"{Path(here).relative_to(folder).as_posix()}/", "copies of talks that lie in chats"))
            folders.clear()
            continue
        inside = [Path(here, name) for name in folders]
        folders[:] = [
            one.name
            for one in sorted(inside)
            if not (one.name.startswith(".") or one.name in _SKIPPED or one in roots or _is_of(one, roots))
        ]
        for name in sorted(files):
            count += 1
            if count > MOST_FILES:
                found.left.append((str(folder), f"only its first {MOST_FILES} files were looked at"))
                return
            path = Path(here, name)
            if not name.startswith(".") and not path.is_symlink():
                yield path


def _is_of(path: Path, roots: list[Path]) -> bool:
    """Is it a part of a folder of N.E.K.O.?"""
    return path.parent in roots and path.name in ("config", "memory", "live2d", "vrm", "workshop", "character_cards")


def _take(scan: _Scan, path: Path, name: str) -> None:
    try:
        match path.suffix.lower():
            case ".png" if document := cards.in_png(path):
                scan.cards.append((path, dict(cards.content_of(document))))
            case ".jsonl" if _GROUPS in path.parts:
                scan.found.left.append((name, "a talk of several characters"))
            case ".jsonl":
                character = path.parent.name if path.parent.parent.name == "chats" else ""
                scan.found.talks.append(FoundTalk(name, path, SILLY_TAVERN, character))
                scan.users |= {user for user in (cards.user_of_talk(path),) if user}
            case ".yaml" | ".yml":
                _take_config(scan, path, name)
            case ".json" if path.stat().st_size <= _LARGEST:
                _take_json(scan, path, name)
            case _:
                scan.found.others += 1
    except OSError as error:
        scan.found.left.append((name, f"it cannot be read: {error.strerror or error}"))


def _take_config(scan: _Scan, path: Path, name: str) -> None:
    config = open_llm_vtuber.config_in(path)
    if config is None:
        scan.found.others += 1
    elif isinstance(config, str):
        scan.found.left.append((name, config))
        scan.names |= open_llm_vtuber.names_in(path)
    elif called := open_llm_vtuber.name_of(config):
        card = open_llm_vtuber.card_of(config)
        scan.names.setdefault(str(config.get("conf_uid") or ""), called)
        scan.found.characters.append(FoundCharacter(called, card, OPEN_LLM_VTUBER))


def _take_json(scan: _Scan, path: Path, name: str) -> None:
    document = cards.read(path)
    if cards.is_card(document):
        scan.cards.append((path, dict(cards.content_of(document))))
    elif cards.is_world(document):
        scan.worlds[path.stem] = (path, document)
        if odd := cards.odd_in(document["entries"]):
            scan.found.left.append((name, f"what is no entry in its world: {', '.join(odd)[:_LONGEST_LIST]}"))
    elif isinstance(document, dict) and document.get("format") == airi.CHARACTERS:
        for called, card in airi.cards_in(document):
            if isinstance(card["name"], str) and card["name"].strip():
                scan.names[called] = card["name"].strip()
                scan.cards.append((path, card))
    elif isinstance(document, dict) and document.get("format") == airi.TALKS:
        scan.exports.append((path, document))
    elif cards.is_settings(document):
        scan.everywhere |= cards.worlds_everywhere(document)
        scan.found.master = scan.found.master or cards.user_in(document, scan.language)
        scan.user = scan.user or str(scan.found.master.get(PROFILE_NAME, ""))
    elif open_llm_vtuber.HISTORY in path.parts and isinstance(document, list):
        scan.histories.append((path, path.parent.name))
    elif document is None and _begins_as_export(path):
        scan.found.left.append((name, "it is cut off or damaged"))
    else:
        scan.found.others += 1


def _begins_as_export(path: Path) -> bool:
    """Is it no JSON, and begins as what is known here?"""
    with path.open("rb") as file:
        begin = file.read(_BEGIN)
    return any(mark.encode() in begin for mark in (airi.CHARACTERS, airi.TALKS, cards.SPECIFICATION))


def _put_together(scan: _Scan, folder: Path) -> None:
    found, used = scan.found, set[str]()
    user = scan.user or (next(iter(scan.users)) if len(scan.users) == 1 else "")
    for path, content in scan.cards:
        program = AIRI if path.suffix == ".json" and content.keys() <= _OF_AIRI else SILLY_TAVERN
        picture = path if path.suffix.lower() == ".png" else None
        linked = {cards.world_of(content), *(scan.everywhere if program == SILLY_TAVERN else ())}
        books = [content.get("character_book"), *(world for name, (_, world) in scan.worlds.items() if name in linked)]
        used |= linked
        card = cards.card_of(content, books, scan.language, user)
        found.characters.append(FoundCharacter(str(content["name"]), card, program, picture))
        left = cards.unfound_in(card.get(OWN, {}).get(LOREBOOK, ()))
        found.left.extend((path.relative_to(folder).as_posix(), why) for why in left)
    for name, (path, _) in scan.worlds.items():
        if name not in used:
            found.left.append((path.relative_to(folder).as_posix(), "a world that no character here is linked with"))
    for path, called in scan.histories:
        name = path.relative_to(folder).as_posix()
        found.talks.append(FoundTalk(name, path, OPEN_LLM_VTUBER, scan.names.get(called, called)))
    hers = next((one.name for one in found.characters if one.name.casefold() == AIRI.casefold()), AIRI)
    for number, (path, document) in enumerate(scan.exports):
        for called, talk in airi.talks_in(document, scan.workplace, f"airi-{number}"):
            default = hers if called == airi.DEFAULT else called
            name = f"{path.relative_to(folder).as_posix()} ({talk.stem})"
            found.talks.append(FoundTalk(name, talk, AIRI, scan.names.get(called, default)))


_OF_AIRI: Final = frozenset({"name", "description", "personality", "scenario", "system_prompt", "first_mes"})
