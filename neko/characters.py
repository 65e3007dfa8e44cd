"""``characters.json``: who is there and who the user is. Unknown keys are kept, order matters.

The top-level keys are Chinese and stay so in every language: 主人 is the user, 猫娘 the
characters by name, 当前猫娘 the current one, 当前麦克风 the input device last chosen.
"""

from __future__ import annotations

import copy
import json
import threading
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

from neko.errors import CharacterError, ConfigError, InputError, UnusableNameError, UnusableValueError
from neko.language import LANGUAGES, normalise
from neko.reserved_fields import NEWER, RESERVED, folded, unfolded
from neko.set_aside import COMPANIONS, DAMAGED, REPLACED
from neko.settings import ASSETS
from neko.settings.setting import MAPPING
from neko.storage import OnFault, file_name_fault, log_fault, read_again, read_document, write_json

MASTER: Final = "主人"
CHARACTERS: Final = "猫娘"
CURRENT: Final = "当前猫娘"
MICROPHONE: Final = "当前麦克风"
VOICE: Final = "voice_id"
PROFILE_NAME: Final = "档案名"
SYSTEM_PROMPT: Final = "system_prompt"
OWN: Final = "neko"
"""What N.E.K.O. has no key for, in one object of the card: greeting, language, picture, colours, lorebook, and whom she
knows of."""
LOREBOOK: Final = "lorebook"
_FORMER_NAME: Final = "former_name"
"""Key in ``OWN``: the memory's files may still have this name."""

_ALSO_KNOWS: Final = "also_knows"
"""Key in ``OWN``: the names of the characters whose talks the character may recall too."""

KEPT_BY_PROGRAM: Final = frozenset((_FORMER_NAME, _ALSO_KNOWS))
"""Keys in ``OWN`` that have ways of their own to be set."""
LIGHT: Final = "lighting"

_PROGRAM_KEYS: Final = (
    "system_prompt voice_id model_type live2d live2d_item_id vrm vrm_animation "
    "idleAnimation lighting item_id vrm_rotation lightingPreset"
)
_WORKSHOP_KEYS: Final = "原始数据 文件路径 创意工坊物品ID description tags name 描述 标签 关键词 角色卡描述"

SYSTEM_KEYS: Final = frozenset((OWN, PROFILE_NAME, *NEWER, *_PROGRAM_KEYS.split(), *_WORKSHOP_KEYS.split()))
"""Card keys that are settings of the program: never shown as traits, never told to a model."""

_NOT_GIVEN: Final = frozenset((OWN, PROFILE_NAME, RESERVED))
"""Keys that a form does not set, whatever it sends."""
_ENDS_OF_FILES: Final = (*COMPANIONS, ".bak")
_MARKS_OF_FILES: Final = (DAMAGED, REPLACED)
_PAGES: Final = (
    "agent api_key chara_manager cookies_login docs health l2d memory_browser model_manager monitor openapi.json "
    "subtitle viewer voice_clone vrm_emotion_manager"
)
"""Addresses beside those of the characters' own pages, as far as they could be names."""
_LONGEST_NAME: Final = 20
_LONGEST_SHOWN: Final = 60
_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


def check_name(name: object) -> str:
    """A new character's or master's name, trimmed; ``CharacterError(reason)`` when it cannot be one.

    At most 20 units, ASCII characters counting 1 and others 2, and nothing that a path or an
    address would read as structure, or that makes of a file's name that of another's companion. Every such name
    can be one of a file (``storage.file_name_fault``). Reasons: ``empty``, ``too_long``, ``forbidden``.
    """
    text = name.strip() if isinstance(name, str) else ""
    if not text:
        raise CharacterError("a name must not be empty", reason="empty")
    if sum(1 if char.isascii() else 2 for char in text) > _LONGEST_NAME:
        raise CharacterError("a name holds at most 20 letters, or 10 Chinese ones", reason="too_long")
    if text == "." or ".." in text or any(char in "/\\?#\ufffd" or not char.isprintable() for char in text):
        raise CharacterError("a name must not contain / \\ ? # or ..", reason="forbidden")
    if file_name_fault(text) or text.lower().endswith(_ENDS_OF_FILES) or any(mark in text for mark in _MARKS_OF_FILES):
        raise CharacterError("a name must be one that files can have", reason="forbidden")
    return text


def check_character(name: object) -> str:
    """A new character's name as ``check_name`` has it, also by reason ``page`` when her page would be another one."""
    text = check_name(name)
    if text in _PAGES.split():
        raise CharacterError("a page has this address", reason="page")
    return text


def _file_key(name: str) -> str:
    """The same for names whose files are the same where letters' case, or how they are composed, does not count."""
    return unicodedata.normalize("NFC", name).casefold()


def as_written_plainly(name: str) -> str:
    """The same for names that look the same: full-width letters, one mark on a letter or two (Unicode's NFKC)."""
    return unicodedata.normalize("NFKC", name).strip()


def namesake(name: str, known: Iterable[str]) -> str | None:
    """The first of the known names that differs from this one only in how its letters are written (``Ａnna``), if
    any; whether letters are capitals counts."""
    plain = as_written_plainly(name)
    return next((other for other in known if as_written_plainly(other) == plain), None)


def default_characters(language: str) -> dict[str, Any]:
    """What a fresh folder starts with, in the format of the file, in the reader's language."""
    return copy.deepcopy(_defaults_of(normalise(language)))


@cache
def _defaults_of(language: str) -> dict[str, Any]:
    path = ASSETS / "characters" / f"characters.{language}.json"
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return raw


@cache
def placeholders() -> frozenset[str]:
    """What the user is called in cards that nobody has filled in: no name. Reads files at the first call."""
    return frozenset(str(default_characters(language)[MASTER][PROFILE_NAME]) for language in LANGUAGES)


class CharacterCards:
    """The file in memory and on disk. Reading never blocks; ``load`` and every change do.

    A change is saved before it can be seen; when the disk refuses (``ConfigError``) nothing has
    changed. Safe to use from any thread. In memory every card is as ``reserved_fields.unfolded`` gives it.
    """

    def __init__(self, path: Path, raw: dict[str, Any], language: str, on_fault: OnFault = log_fault) -> None:
        self._path = path
        self._raw = raw
        self._defaults = default_characters(language)
        self._on_fault = on_fault
        self._lock = threading.RLock()

    @classmethod
    def load(cls, path: Path, language: str, *, on_fault: OnFault = log_fault) -> Self:
        """Read the file; make it with one character in ``language`` when it is missing.

        What it lacks (no usable character, no valid current one) is completed, and saved if the disk takes it. Faults
        are those of ``storage.read_document``.
        """
        raw = _each(unfolded, read_document(path, None, is_characters, on_fault, _right_parts))
        characters = cls(path, raw if raw is not None else {}, language, on_fault)
        completed = _completed(characters._raw, characters._defaults)
        if completed != raw:
            try:
                characters._save(completed)
            except ConfigError as error:
                log_fault(error)
                characters._raw = completed
        return characters

    @property
    def names(self) -> list[str]:
        """All characters that can be talked with, in the order of the file; never empty."""
        return [name for name in self._raw[CHARACTERS] if file_name_fault(name) is None]

    @property
    def current(self) -> str:
        """The chosen one; the first when that one cannot be talked with."""
        name: str = self._raw[CURRENT]
        return name if file_name_fault(name) is None else self.names[0]

    def knows(self, name: str) -> bool:
        """Is there a character of this name, whether or not it can be talked with?"""
        return name in self._raw[CHARACTERS]

    def unusable(self) -> list[ConfigError]:
        """The characters that cannot be talked with because of their names, and cards that are none."""
        return unusable_characters(self._raw, self._path)

    @property
    def master_name(self) -> str:
        """What the user is called; a neutral word in the file's first language when nothing is set."""
        name = self.master().get(PROFILE_NAME)
        return name if isinstance(name, str) and name else str(self._defaults[MASTER][PROFILE_NAME])

    @property
    def is_master_named(self) -> bool:
        """Has the user said what they are called?"""
        return self.master_name not in placeholders()

    def is_untouched(self) -> str | None:
        """The language whose defaults these are, if nobody has changed anything."""
        return next((language for language in LANGUAGES if self._raw == _defaults_of(language)), None)

    def master(self) -> Mapping[str, Any]:
        """The user's profile."""
        return MappingProxyType(self._raw.get(MASTER) or {})

    def master_traits(self) -> dict[str, str]:
        """What the user says of themselves, without the name."""
        return free_fields(self.master())

    def voice(self, name: str) -> str:
        """What her card calls her voice; empty when it names none, or there is no such character."""
        voice = self.card(name).get(VOICE)
        return voice.strip() if isinstance(voice, str) else ""

    def card(self, name: str) -> Mapping[str, Any]:
        """A character's whole card, read-only; empty for an unknown name."""
        card = self._raw[CHARACTERS].get(name)
        return MappingProxyType(card) if isinstance(card, dict) else _EMPTY

    def traits(self, name: str) -> dict[str, str]:
        """The free keys of the card that have a value, as text."""
        return free_fields(self.card(name))

    def system_prompt(self, name: str, master: str = "") -> str:
        """The card's prompt, else the default one, with both names filled in; ``master`` in place of the user's."""
        prompt = self.card(name).get("system_prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            prompt = str(next(iter(self._defaults[CHARACTERS].values()))["system_prompt"])
        return prompt.replace("{LANLAN_NAME}", name).replace("{MASTER_NAME}", master or self.master_name)

    def own(self, name: str) -> Mapping[str, Any]:
        """What the card holds under ``OWN``."""
        own = self.card(name).get(OWN)
        return MappingProxyType(own) if isinstance(own, dict) else _EMPTY

    def language(self, name: str) -> str | None:
        """The language that the character speaks, if the card names one."""
        language = self.own(name).get("language")
        return normalise(language) if isinstance(language, str) and language else None

    def lorebook(self, name: str) -> list[object]:
        """The entries of what the character knows of her world (``sessions/lorebook``)."""
        entries = self.own(name).get(LOREBOOK)
        return entries if isinstance(entries, list) else []

    def former_name(self, name: str) -> str | None:
        """Under which name the files of the memory may still be, after a renaming that was not finished."""
        former = self.own(name).get(_FORMER_NAME)
        return former if isinstance(former, str) and file_name_fault(former) is None else None

    def also_knows(self, name: str) -> list[str]:
        """The characters that can be talked with whose talks this one may recall beside her own; none by default."""
        return [other for other in _listed(self.card(name)) if other in self.names]

    def set_also_knows(self, name: str, others: Sequence[str]) -> None:
        """Raises ``CharacterError`` for an unknown character, and for herself among the others."""

        def change(raw: dict[str, Any]) -> None:
            card = raw[CHARACTERS].get(name)
            if not isinstance(card, dict) or not {*others} <= raw[CHARACTERS].keys() - {name}:
                raise _unknown()
            _merge(card, {OWN: {_ALSO_KNOWS: list(dict.fromkeys(others)) or None}})

        self.edit(change)

    def raw(self) -> dict[str, Any]:
        """A copy of the whole document."""
        return copy.deepcopy(self._raw)

    def select(self, name: str) -> None:
        """Make ``name`` the current character; raises ``CharacterError`` when there is none of that name."""
        if name not in self._raw[CHARACTERS]:
            raise _unknown()
        if file_name_fault(name) is not None:
            raise UnusableNameError("this name cannot be used", file=str(self._path), name=shown_name(name))
        self.edit(lambda raw: raw.__setitem__(CURRENT, name))

    def set_master(self, fields: Mapping[str, Any]) -> None:
        """Save a form of the user's profile: the fields that have a value; what is no text and is left out stays.
        Raises ``CharacterError(reason)``."""
        given = {key: value for key, value in fields.items() if value}
        given[PROFILE_NAME] = check_name(fields.get(PROFILE_NAME))
        self.edit(lambda raw: raw.__setitem__(MASTER, _as_form_saves(raw.get(MASTER) or {}, given)))

    def call_master(self, name: str) -> None:
        """Change the user's name and nothing else; "" for none. Raises ``CharacterError(reason)``."""
        called = check_name(name) if name else self._defaults[MASTER][PROFILE_NAME]
        if called != self.master_name:
            self.edit(lambda raw: raw.__setitem__(MASTER, {**(raw.get(MASTER) or {}), PROFILE_NAME: called}))

    def create(self, name: object, card: Mapping[str, Any], *, beside_namesakes: bool = False) -> str:
        """Add a character with the fields that have a value, at the end; the name, trimmed.

        ``beside_namesakes``: even if a name that is there looks the same (``namesake``).
        Raises ``CharacterError(reason)``: those of ``check_character``, ``taken``.
        """
        new = check_character(name)
        fresh: dict[str, Any] = {}
        _merge(fresh, {key: value for key, value in unfolded(card).items() if value and key != PROFILE_NAME})

        def change(raw: dict[str, Any]) -> None:
            _check_free(raw, new)
            if not beside_namesakes:
                _check_no_namesake(raw, new)
            raw[CHARACTERS][new] = fresh

        self.edit(change)
        return new

    def put_back(self, name: str, card: Mapping[str, Any], place: int) -> None:
        """Give a character that was deleted its card and place again; whose talks it knew is to be chosen anew, as
        another may have the name. Raises ``CharacterError(reason)``: ``taken``."""

        def change(raw: dict[str, Any]) -> None:
            _check_free(raw, name)
            cards = list(raw[CHARACTERS].items())
            cards.insert(place, (name, _knowing(card, [])))
            raw[CHARACTERS] = dict(cards)

        self.edit(change)

    def replace_card(self, name: str, fields: Mapping[str, Any]) -> None:
        """Save a form, as ``PUT`` of N.E.K.O. does: a text that is left out or has no value is gone, an empty voice is
        no voice. What no form covers stays unless it is named: keys of the program, and what is no text.

        A card that names only keys of the program comes from a page about the model, and takes no trait away.
        Raises ``CharacterError``.
        """
        given = {key: value for key, value in fields.items() if value and key not in _NOT_GIVEN}
        merges = bool(given) and given.keys() <= SYSTEM_KEYS

        def change(card: dict[str, Any]) -> None:
            saved = _as_form_saves(card, given, hidden=card.keys() if merges else SYSTEM_KEYS)
            card.clear()
            card.update(saved)
            if fields.get(VOICE) == "":
                card.pop(VOICE, None)

        self._edit_card(name, change)

    def merge_card(self, name: str, fields: Mapping[str, Any]) -> None:
        """Change the fields that are named; ``None`` and empty ones are removed, also in ``OWN``.

        Raises ``CharacterError``.
        """
        changes = {key: value for key, value in fields.items() if key != RESERVED}
        self._edit_card(name, lambda card: _merge(card, changes))

    def _edit_card(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        def edit(raw: dict[str, Any]) -> None:
            card = raw[CHARACTERS].get(name)
            if card is None:
                raise _unknown()
            if not isinstance(card, dict):
                card = raw[CHARACTERS][name] = {}
            change(card)

        self.edit(edit)

    def rename(self, old: str, new: str) -> None:
        """Give a character another name; it keeps its card and its place. Raises ``CharacterError(reason)``.

        The card says under which name the memory's files are until ``settled``. Reasons: those of ``check_character``,
        ``unknown_character``, ``taken``.
        """
        name = check_character(new)

        def change(raw: dict[str, Any]) -> None:
            _check_rename(raw, old, name)
            cards = raw[CHARACTERS]
            followed = {
                key: _knowing(card, [name if other == old else other for other in _listed(card)])
                if old in _listed(card)
                else card
                for key, card in cards.items()
            }
            raw[CHARACTERS] = {name if key == old else key: card for key, card in followed.items()}
            if isinstance(card := raw[CHARACTERS][name], dict):
                _merge(card, {OWN: {_FORMER_NAME: old}})
            if raw[CURRENT] == old:
                raw[CURRENT] = name

        self.edit(change)

    def check_rename(self, old: str, new: str) -> None:
        """Raises ``CharacterError(reason)`` as ``rename`` does, and ``taken`` for a ``namesake`` of another."""
        name = check_character(new)
        _check_rename(self._raw, old, name)
        _check_no_namesake(self._raw, name, but=old)

    def settled(self, name: str) -> None:
        """The files of the memory have this name too."""
        self.merge_card(name, {OWN: {_FORMER_NAME: None}})

    def delete(self, name: str) -> None:
        """Remove a character. Raises ``CharacterError(reason)``: ``unknown_character``, ``current``."""

        def change(raw: dict[str, Any]) -> None:
            _check_deletable(raw, name)
            del raw[CHARACTERS][name]

        self.edit(change)

    def check_deletable(self, name: str) -> None:
        """Raises ``CharacterError(reason)`` as ``delete`` does."""
        _check_deletable(self._raw, name)

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Let ``change`` alter a copy of the document, then save that: nothing comes in between.

        What somebody has written into the file meanwhile counts. Raises ``InputError`` for what has the wrong shape.
        """
        with self._lock:
            raw = _each(unfolded, read_again(self._path, self._raw, is_characters, self._on_fault))
            raw = _completed(raw, self._defaults)
            change(raw)
            if not is_characters(raw):
                raise InputError("this is not a characters document", reason="shape")
            self._save(_completed(raw, self._defaults))

    def _save(self, raw: dict[str, Any]) -> None:
        kept = _each(folded, raw)
        write_json(self._path, kept)
        self._raw = _each(unfolded, kept)


def unusable_characters(raw: Mapping[str, Any], path: Path) -> list[ConfigError]:
    """What of a characters document, which stands at ``path``, cannot be used."""
    file, cards = str(path), raw.get(CHARACTERS) or {}
    names = [name for name in cards if file_name_fault(name) is not None]
    strange = [name for name, card in cards.items() if not isinstance(card, dict)]
    return [
        *(UnusableNameError(f"a name in {file} cannot be used", file=file, name=shown_name(name)) for name in names),
        *(UnusableValueError(f"a card in {file}", file=file, key=name, wanted=MAPPING.name) for name in strange),
    ]


def shown_name(name: str) -> str:
    """A name that can stand in a sentence: control characters as escapes, and not too long."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in name[:_LONGEST_SHOWN])


def _each(change: Callable[[Mapping[str, Any]], dict[str, Any]], raw: Any) -> Any:
    """A copy of a document with each of its cards changed; what is none stays."""
    if not isinstance(raw, dict) or not isinstance(raw.get(CHARACTERS), dict):
        return copy.deepcopy(raw)
    cards = {name: change(card) if isinstance(card, dict) else card for name, card in raw[CHARACTERS].items()}
    return copy.deepcopy({**raw, CHARACTERS: cards})


def is_characters(raw: Any) -> bool:
    """Has it the shape of the file?"""
    return (
        isinstance(raw, dict)
        and isinstance(raw.get(MASTER) or {}, dict)
        and isinstance(raw.get(CHARACTERS) or {}, dict)
    )


def _right_parts(raw: Any) -> dict[str, Any]:
    """What of a document can be used, though it has not the shape; empty where that is nobody."""
    if not isinstance(raw, dict):
        return {}
    right = {key: value for key, value in raw.items() if key not in (MASTER, CHARACTERS) or isinstance(value, dict)}
    return right if right.get(MASTER) or right.get(CHARACTERS) else {}


def _completed(raw: dict[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """``raw`` with somebody to talk to, somebody to talk with, and a current one who exists."""
    result = copy.deepcopy(raw)
    for key in (MASTER, CHARACTERS):
        if not result.get(key):
            result[key] = copy.deepcopy(defaults[key])
    if all(file_name_fault(name) is not None for name in result[CHARACTERS]):
        result[CHARACTERS] |= copy.deepcopy(defaults[CHARACTERS])
    for name, card in result[CHARACTERS].items():  # who is there no more: another may come to have the name
        if any(other not in result[CHARACTERS] for other in _listed(card)):
            result[CHARACTERS][name] = _knowing(card, [one for one in _listed(card) if one in result[CHARACTERS]])
    current = result.get(CURRENT)
    if not isinstance(current, str) or current not in result[CHARACTERS]:
        result[CURRENT] = next(iter(result[CHARACTERS]))
    return result


def _merge(target: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if key == OWN and isinstance(value, Mapping):
            own = target.get(OWN)
            value = dict(own) if isinstance(own, dict) else {}
            _merge(value, changes[OWN])
        if value in (None, "", {}):
            target.pop(key, None)
        else:
            target[key] = copy.deepcopy(value)


def _as_form_saves(
    kept: Mapping[str, Any], given: Mapping[str, Any], hidden: Collection[str] = frozenset()
) -> dict[str, Any]:
    """What is kept after a form has been saved, which shows texts, but those under hidden keys.

    A page of N.E.K.O. also shows what is no text, and sends how that looked; an object or a list is not replaced by
    its own looks.
    """
    saved = {key: value for key, value in kept.items() if key in given or key in hidden or not isinstance(value, str)}
    for key, value in given.items():
        if not isinstance(saved.get(key), dict | list) or value != _looks(saved[key]):
            saved[key] = value
    return saved


def _looks(value: object) -> str:
    """A value as JavaScript's ``String`` writes it."""
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, list):
        return ",".join(map(_looks, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _listed(card: object) -> list[str]:
    """Whose talks a card says that its character knows too."""
    own = card.get(OWN) if isinstance(card, Mapping) else None
    names = own.get(_ALSO_KNOWS) if isinstance(own, Mapping) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _knowing(card: Mapping[str, Any], others: list[str]) -> dict[str, Any]:
    """The card with these for the ones whose talks it knows."""
    changed = copy.deepcopy(dict(card))
    if _listed(card):
        _merge(changed, {OWN: {_ALSO_KNOWS: others or None}})
    return changed


def _unknown() -> CharacterError:
    return CharacterError("there is no character of this name", reason="unknown_character")


def _check_deletable(raw: Mapping[str, Any], name: str) -> None:
    if name not in raw[CHARACTERS]:
        raise _unknown()
    if raw[CURRENT] == name:
        raise CharacterError("the current character cannot be deleted", reason="current")


def _check_rename(raw: Mapping[str, Any], old: str, new: str) -> None:
    if old not in raw[CHARACTERS]:
        raise _unknown()
    _check_free(raw, new, but=old)


def are_apart(name: str, others: Iterable[str]) -> bool:
    """Whether the files of a name are those of none of the others, on any system."""
    return _file_key(name) not in {_file_key(other) for other in others}


def _check_free(raw: Mapping[str, Any], name: str, but: str = "") -> None:
    """Raise for a name that a character has, and for one whose files would be those of another than ``but``."""
    if name in raw[CHARACTERS] or not are_apart(name, (other for other in raw[CHARACTERS] if other != but)):
        raise CharacterError("there is a character of this name already", reason="taken")


def _check_no_namesake(raw: Mapping[str, Any], name: str, but: str = "") -> None:
    """Raise for a new name that looks like another's than ``but``. Those that are there already, or come back, stay."""
    if namesake(name, (other for other in raw[CHARACTERS] if other != but)):
        raise CharacterError("there is a character whose name looks the same", reason="taken")


def free_fields(card: Mapping[str, Any]) -> dict[str, str]:
    """Keys that are no settings of the program, with a value that can be said: text, numbers, yes or no, lists."""
    traits: dict[str, str] = {}
    for key, value in card.items():
        if key in SYSTEM_KEYS or value is None or isinstance(value, dict):
            continue
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        if text.strip():
            traits[key] = text.strip()
    return traits
