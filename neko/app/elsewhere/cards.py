"""Character cards of SillyTavern and its like, and their worlds.

A card is JSON, or a PNG with that JSON in base64 in a ``tEXt`` chunk: ``chara`` for V1 and V2, ``ccv3`` for V3
(https://github.com/malfoyslastname/character-card-spec-v2, https://github.com/kwaroran/character-card-spec-v3). A world
is a ``character_book`` in a card, or a file with ``entries`` by number
(https://docs.sillytavern.app/usage/core-concepts/worldinfo/).
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from neko import prompts
from neko.characters import LOREBOOK, OWN, PROFILE_NAME
from neko.hand_written import decoded
from neko.sessions.lorebook import LONGEST_KEY, MOST_ENTRIES, MOST_KEYS, MOST_KEYS_EACH, Book, is_pattern
from neko.well_formed import load_json, well_formed

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_LARGEST_CHUNK: Final = 16 << 20
_LONGEST: Final = 8_000
"""Letters of one field."""
_GREETING: Final = 2_000
_FIELDS: Final = {
    "description": ("Description", "描述", "描述", "説明", "설명"),
    "personality": ("Personality", "性格", "性格", "性格", "성격"),
    "scenario": ("Scenario", "场景", "場景", "場面", "상황"),
    "mes_example": ("How she talks", "说话方式", "說話方式", "話し方", "말투"),
}
_ABOUT: Final = ("About", "简介", "簡介", "紹介", "소개")
"""What the user says of themselves."""
_NOBODY: Final = "User"
"""What SillyTavern calls a user who has said nothing."""
SPECIFICATION: Final = "chara_card"
_WORLD: Final = ("World", "世界", "世界", "世界", "세계")
_YOU: Final = ("you", "你", "你", "あなた", "당신")
_LANGUAGES: Final = ("en", "zh-CN", "zh-TW", "ja", "ko")
_HIDDEN: Final = "描述"
"""A key that N.E.K.O. has for its workshop, and so shows to nobody."""


def in_png(path: Path) -> dict[str, Any] | None:
    """The card in a picture, None if there is none. Raises ``OSError``."""
    found: dict[str, dict[str, Any]] = {}
    with path.open("rb") as file:
        if file.read(len(_PNG)) != _PNG:
            return None
        while len(head := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", head)
            if kind == b"tEXt" and size <= _LARGEST_CHUNK:
                keyword, _, text = file.read(size).partition(b"\0")
                file.seek(4, 1)
                if keyword in (b"chara", b"ccv3") and (card := _decoded(text)):
                    found[keyword.decode()] = card
            elif kind == b"IEND":
                break
            else:
                file.seek(size + 4, 1)
    return found.get("ccv3") or found.get("chara")


def _decoded(text: bytes) -> dict[str, Any] | None:
    try:
        document = load_json(base64.b64decode(text))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return document if is_card(document) else None


def is_card(document: object) -> bool:
    """Is it a card, of any of the versions?"""
    if not isinstance(document, dict):
        return False
    content = content_of(document)
    is_told = str(document.get("spec", "")).startswith(SPECIFICATION)
    return isinstance(content.get("name"), str) and (is_told or {"description", "first_mes"} <= content.keys())


def is_world(document: object) -> bool:
    entries = document.get("entries") if isinstance(document, dict) else None
    return isinstance(entries, dict) and (not entries or len(odd_in(entries)) < len(entries))


def odd_in(entries: Mapping[str, Any]) -> list[str]:
    """The numbers of those in a world that are none."""
    return [number for number, one in entries.items() if not isinstance(one, dict) or "content" not in one]


def content_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The card's fields, wherever its version has them."""
    data = document.get("data")
    return data if isinstance(data, dict) else document


def world_of(content: Mapping[str, Any]) -> str:
    """The name of the world that a card is linked with, "" for none."""
    extensions = content.get("extensions")
    return str(extensions.get("world") or "") if isinstance(extensions, dict) else ""


def is_settings(document: object) -> bool:
    """Is it ``settings.json`` of SillyTavern?"""
    parts = ("world_info_settings", "power_user")
    return isinstance(document, dict) and any(isinstance(document.get(part), dict) for part in parts)


def user_in(settings: Mapping[str, Any], language: str) -> dict[str, str]:
    """Who the user is by SillyTavern's settings, with the keys of ``characters.json``; empty where they do not say so.

    A persona is named by its picture: ``user_avatar`` is the one in use, else that of the user's name is.
    """
    power = settings.get("power_user")
    power = power if isinstance(power, dict) else {}
    personas, descriptions = power.get("personas"), power.get("persona_descriptions")
    personas = personas if isinstance(personas, dict) else {}
    named = next((key for key, name in personas.items() if name == settings.get("username")), None)
    persona = settings.get("user_avatar") or power.get("default_persona") or named
    chosen = personas.get(persona) if isinstance(persona, str) else None
    about = descriptions.get(persona) if isinstance(descriptions, dict) and isinstance(persona, str) else None
    name = next((name for one in (settings.get("username"), chosen) if (name := name_of_user(one))), "")
    if not name:
        return {}
    kept = about.get("description") if isinstance(about, dict) else None
    told = _filled(power.get("persona_description") or kept, "", name)
    trait = _ABOUT[_LANGUAGES.index(language) if language in _LANGUAGES else 0]
    return {PROFILE_NAME: name, **({trait: told} if told else {})}


def name_of_user(name: object) -> str:
    """What the user is called by this; "" where that is nobody's name."""
    called = _filled(name, "", "")
    return "" if called == _NOBODY else called


def user_of_talk(path: Path) -> str:
    """What the head of one of SillyTavern's talks calls the user, "" if it does not. Raises ``OSError``."""
    with path.open("rb") as file:
        line = file.readline(_LARGEST_CHUNK)
    try:
        head = load_json(line)
    except (ValueError, RecursionError):
        return ""
    return name_of_user(head.get("user_name")) if isinstance(head, dict) else ""


def worlds_everywhere(settings: Mapping[str, Any]) -> set[str]:
    """The names of the worlds that SillyTavern's settings have switched on for every character."""
    worlds = settings.get("world_info_settings")
    chosen = worlds.get("world_info") if isinstance(worlds, dict) else None
    return set(_keys(chosen.get("globalSelect"))) if isinstance(chosen, dict) else set()


def unfound_in(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What of a lorebook is kept, and never told."""
    if patterns := sum(map(_waits_for_pattern, entries)):
        yield f"{patterns} entries of its world have patterns for keys: they are kept, and not told by them"
    book = Book(entries)
    if book.untold:
        yield (
            f"{book.untold} entries of its world are too many: they are kept, and never told, as a lorebook is "
            f"searched for its {MOST_ENTRIES} most important entries and their first {MOST_KEYS} keys"
        )
    if book.unsearched:
        yield (
            f"{book.unsearched} keys of its world are not searched for: those beyond {MOST_KEYS_EACH} of an entry and "
            f"{MOST_KEYS} of the world, and those of more than {LONGEST_KEY} letters"
        )


def _waits_for_pattern(entry: Mapping[str, Any]) -> bool:
    """Has an entry of a lorebook no key but patterns, which are not searched for?"""
    return bool(entry["keys"]) and not entry["constant"] and all(map(is_pattern, entry["keys"]))


def entries_of(book: object) -> Iterator[dict[str, Any]]:
    """The entries of a world, in a card or in a file, as a card has them."""
    entries = book.get("entries") if isinstance(book, dict) else None
    listed = entries.values() if isinstance(entries, dict) else entries if isinstance(entries, list) else ()
    for entry in listed:
        if isinstance(entry, dict) and isinstance(entry.get("content"), str) and entry["content"].strip():
            extensions = entry.get("extensions")
            own = extensions if isinstance(extensions, dict) else {}
            yield {
                "name": entry.get("name") or entry.get("comment") or "",
                "keys": _keys(entry.get("keys", entry.get("key"))),
                "secondary_keys": _keys(entry.get("secondary_keys", entry.get("keysecondary"))),
                "content": entry["content"],
                "enabled": bool(entry.get("enabled", True)) and not entry.get("disable"),
                "constant": bool(entry.get("constant")),
                "selective": bool(entry.get("selective")),
                "case_sensitive": bool(
                    entry.get("caseSensitive", own.get("case_sensitive") or entry.get("case_sensitive"))
                ),
                "insertion_order": entry.get("insertion_order", entry.get("order", 100)),
                "extensions": {
                    "selectiveLogic": entry.get("selectiveLogic", own.get("selectiveLogic", 0)),
                    "prevent_recursion": bool(entry.get("preventRecursion", own.get("prevent_recursion"))),
                    "exclude_recursion": bool(entry.get("excludeRecursion", own.get("exclude_recursion"))),
                    "match_whole_words": entry.get("matchWholeWords", own.get("match_whole_words")),
                },
            }


def _keys(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str) and one.strip()] if isinstance(value, list) else []


def card_of(content: Mapping[str, Any], worlds: Sequence[object], language: str, user: str) -> dict[str, Any]:
    """Our card of the fields. What of its worlds holds always is a trait, as far as there is room; the rest is her
    lorebook. ``user`` is what the user is called, "" if nobody knows."""
    name, at = str(content["name"]), _LANGUAGES.index(language) if language in _LANGUAGES else 0
    spoken_to, user = user or _YOU[at], user or prompts.phrases(_LANGUAGES[at])["stranger"]
    card: dict[str, Any] = {}
    for key, titles in _FIELDS.items():
        if text := _filled(content.get(key), name, user):
            title = titles[at]
            card[f"她的{title}" if title == _HIDDEN else title] = text[:_LONGEST]
    world, book = list[str](), list[dict[str, Any]]()
    for entry in _different(entry for one in worlds for entry in entries_of(one)):
        text = _filled(entry["content"], name, user)
        if entry["constant"] and entry["enabled"] and sum(map(len, world)) + len(text) < _LONGEST:
            world.append(text)
        else:
            book.append({**entry, "content": text[:_LONGEST]})
    if world:
        card[_WORLD[at]] = "\n".join(world)
    if prompt := _filled(content.get("system_prompt"), "{LANLAN_NAME}", "{MASTER_NAME}"):
        card["system_prompt"] = prompt.replace("{{original}}", "").strip()
    greeting = _filled(content.get("first_mes"), name, spoken_to)[:_GREETING]
    if own := {key: value for key, value in (("greeting", greeting), (LOREBOOK, book)) if value}:
        card[OWN] = own
    return card


def _different(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each once, as a card may hold its world, and one that is switched on rather than one that is not."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if entry["enabled"] or entry["content"].strip() not in found:
            found[entry["content"].strip()] = entry
    return list(found.values())


def _filled(value: object, name: str, user: str) -> str:
    text = well_formed(value).strip() if isinstance(value, str) else ""
    for mark, stands_for in (("{{char}}", name), ("{{Char}}", name), ("<BOT>", name)):
        text = text.replace(mark, stands_for)
    for mark in ("{{user}}", "{{User}}", "<USER>"):
        text = text.replace(mark, user)
    return text


def read(path: Path) -> Any:
    """A JSON document with clean texts; None for what is none. Raises ``OSError``."""
    try:
        return load_json(decoded(path.read_bytes(), "replace"))
    except (ValueError, RecursionError, json.JSONDecodeError):
        return None
