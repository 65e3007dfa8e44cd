"""The characters of a running Neko: their cards, and what a change of them means for the conversations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neko.app.conversations import Conversations
from neko.app.faults import Faults
from neko.characters import CHARACTERS, MICROPHONE, VOICE, CharacterCards
from neko.sessions.events import CharacterSwitched
from neko.sessions.prompt import Persona
from neko.storage import CHARACTERS_FILE
from neko.tasks import in_thread
from neko.types.memory import MemoryAdministration


class Characters:
    """``neko.characters``. Read from ``cards``; change here, so that the conversations follow.

    Every change is saved before it takes effect. Raises ``ConfigError`` when the disk refuses.
    """

    def __init__(
        self, cards: CharacterCards, conversations: Conversations, memory: MemoryAdministration, faults: Faults
    ) -> None:
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
    return Persona(
        character,
        cards.master_name,
        cards.system_prompt(character),
        {character: cards.traits(character), cards.master_name: cards.master_traits()},
        language,
    )
