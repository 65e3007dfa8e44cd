"""The characters of a running Neko: their cards, and what a change of them means for the conversations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from neko import prompts
from neko.app.conversations import Conversations
from neko.app.faults import Faults
from neko.characters import (
    CHARACTERS,
    MASTER,
    MICROPHONE,
    PROFILE_NAME,
    VOICE,
    CharacterCards,
    check_name,
    default_characters,
)
from neko.sessions.events import CharacterSwitched
from neko.sessions.prompt import Persona
from neko.storage import CHARACTERS_FILE
from neko.tasks import in_thread
from neko.types.memory import ConversationLog, MemoryAdministration


class Memory(ConversationLog, MemoryAdministration, Protocol):
    """What is asked here of what was said."""


class Characters:
    """``neko.characters``. Read from ``cards``; change here, so that the conversations follow.

    Every change is saved before it takes effect. Raises ``ConfigError`` when the disk refuses.
    """

    def __init__(self, cards: CharacterCards, conversations: Conversations, memory: Memory, faults: Faults) -> None:
        self.cards = cards
        self._conversations = conversations
        self._memory = memory
        self._faults = faults

    @property
    def names(self) -> list[str]:
        """All characters, in the order of the file; never empty."""
        return self.cards.names

    @property
    def current(self) -> str:
        return self.cards.current

    async def select(self, name: str) -> None:
        """Make a known character the current one and tell every page.

        Raises ``InputError``, and ``UnusableNameError`` for one that cannot be talked with because of its name.
        """
        old = self.cards.current
        await in_thread(self.cards.select, name)
        self._conversations.broadcast(CharacterSwitched(name, old))

    async def rename(self, old: str, new: str) -> None:
        """Give a character another name; its pages follow. Raises ``InputError``."""
        await in_thread(self.cards.rename, old, new)
        self._look_again()
        await self._close(old, new.strip())

    async def delete(self, name: str) -> None:
        """Remove a character that is not the current one; its pages are sent to the current one."""
        await in_thread(self.cards.delete, name)
        self._look_again()
        await self._close(name, self.cards.current)

    async def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Let ``change`` alter a copy of ``characters.json`` and save it; characters that it removes are closed."""
        before = self.cards.names
        await in_thread(self.cards.edit, change)
        self._look_again()
        names = self.cards.names
        for character in [name for name in before if name not in names]:
            await self._close(character, self.cards.current)

    async def set_master(self, profile: Mapping[str, Any]) -> None:
        """Who the user is, in place of what the cards say; the next words begin with it. Raises ``InputError``."""
        name = check_name(profile.get(PROFILE_NAME))
        kept = {key: value for key, value in profile.items() if value} | {PROFILE_NAME: name}
        await in_thread(self.cards.edit, lambda raw: raw.__setitem__(MASTER, kept))
        for manager in self._conversations.opened.values():
            manager.begin_anew()

    async def suit(self, language: str) -> None:
        """The cast in the reader's language, as long as nobody has changed it or said a word to it."""
        untouched = self.cards.is_untouched()
        if untouched in (None, language):
            return
        for name in self.cards.names:
            if await self._memory.lines(name, limit=1):
                return
        before = self.cards.names
        await in_thread(self.cards.replace, default_characters(language))
        for character in [name for name in before if name not in self.cards.names]:
            await self._close(character, self.cards.current)

    async def set_microphone(self, microphone_id: Any) -> None:
        """Remember the chosen input device (any JSON value)."""
        await in_thread(self.cards.edit, lambda raw: raw.__setitem__(MICROPHONE, microphone_id))

    async def clear_voices(self) -> int:
        """Forget the voices that the cards name; how many there were."""
        named = [name for name in self.cards.names if self.cards.card(name).get(VOICE)]

        def change(raw: dict[str, Any]) -> None:
            for name in named:
                raw[CHARACTERS][name][VOICE] = ""

        if named:
            await in_thread(self.cards.edit, change)
        return len(named)

    def _look_again(self) -> None:
        self._faults.of_values(CHARACTERS_FILE, self.cards.unusable())

    async def _close(self, character: str, successor: str) -> None:
        """End everything that is held for a character that is gone; what it remembers stays on disk."""
        await self._conversations.close(character, successor)
        await self._memory.close(character)


def persona(cards: CharacterCards, character: str, language: str) -> Persona:
    """Who speaks with whom, as a prompt needs it."""
    is_named, master = cards.is_master_named, cards.master_name
    called = master if is_named else prompts.phrases(language)["stranger"]
    return Persona(
        character,
        master,
        cards.system_prompt(character, called),
        {character: cards.traits(character), called: cards.master_traits()},
        language,
        is_stranger=not is_named,
    )
