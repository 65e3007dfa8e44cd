"""Talk from elsewhere: whose memory it belongs in, and who of its speakers is the companion."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from typing import Final

from neko.characters import are_apart, as_written_plainly, check_character, namesake
from neko.errors import CharacterError
from neko.memory.learning import CALLED_USER
from neko.types.lines import Role

_COMPANION: Final = frozenset({"assistant", "ai", "bot", "companion", "助手", "助理", "アシスタント", "어시스턴트"})
_AI: Final = re.compile(r"(?<![A-Za-z])AI(?![A-Za-z])")
"""As in "AI伴侣" and "My AI"."""
_MARK: Final = 6
"""Letters that tell names apart which begin in the same way."""
_BEGIN: Final = 20 - _MARK - 1


def character_of(conversation: str, known: Collection[str]) -> str:
    """The character whose memory a conversation of this name is in: the one called so, else one whose name looks the
    same, else a name that can be one.

    The same conversation always has the same character; of two whose names make the same file, the later one has a name
    of its own. Raises ``CharacterError`` for an empty name.
    """
    own = _with_mark(as_written_plainly(conversation))
    exactly = (conversation, conversation.strip(), _with_mark(conversation))
    there = next((name for name in exactly if name in known), None) or namesake(conversation, known)
    if there or own in known:
        return there or own
    try:
        name = check_character(conversation)
    except CharacterError:
        if not conversation.strip():
            raise
        return own
    return name if are_apart(name, known) else own


def _with_mark(conversation: str) -> str:
    readable, width = "", 0
    for letter in re.sub(r"[^\w-]+", "-", conversation).strip("-"):
        width += 1 if letter.isascii() else 2
        if width > _BEGIN:
            break
        readable += letter
    return f"{readable or 'talk'}-{sha256(conversation.encode()).hexdigest()[:_MARK]}"


def roles_of(speakers: Iterable[str], conversation: str, master: str, before: Mapping[str, Role]) -> dict[str, Role]:
    """Who speaks as whom; ``before`` is who has spoken in this memory already.

    Whoever is called an assistant, or an AI, is the companion, and then nobody else is. Else it is the one whom the
    memory is named after, or who talks with somebody called the user. Of two strangers neither is: both are people.
    """
    names = list(dict.fromkeys(speakers))
    roles: dict[str, Role] = {name: before[name] for name in names if name in before}
    for name in names:
        if name.lower() == "system":
            roles.setdefault(name, "system")
        elif name.lower() in _COMPANION or _AI.search(name):
            roles.setdefault(name, "assistant")
        elif name.lower() in CALLED_USER or name == master:
            roles.setdefault(name, "user")
    rest = [name for name in names if name not in roles]
    told = {*roles.values(), *before.values()}
    for name in rest:
        is_companion = "assistant" not in told and (name == conversation or (len(names) == 2 and "user" in told))
        if is_companion and (len(names) > 1 or before):
            roles[name] = "assistant"
            told.add("assistant")
        else:
            roles[name] = "user"
    return roles
