"""The part of a memory that keeps it in order: memos, facts and reviews, at once or while nobody waits."""

from __future__ import annotations

from abc import abstractmethod

from neko.memory.background import BackgroundWork
from neko.memory.brought_in import BroughtIn, Step
from neko.memory.character_memory import CharacterMemory
from neko.memory.compression import Models
from neko.types.memory import MemoryAdministration, Summarise


class Keeping(MemoryAdministration):
    """Whoever has the files of characters open keeps them in order so."""

    _background: BackgroundWork
    _brought_in: BroughtIn
    _models: Models
    """For what nobody asked for by a call."""

    @abstractmethod
    async def _opened(self, name: str) -> CharacterMemory: ...

    @abstractmethod
    def _open_now(self, name: str) -> CharacterMemory | None:
        """The memory of a character whose files are open."""

    @abstractmethod
    def _is_in_use(self, name: str) -> bool:
        """Whether the files are open, or being opened."""

    async def compress(
        self,
        character: str,
        summarise: Summarise | None,
        *,
        through: int | None = None,
        route: Summarise | None = None,
        detailed: bool = False,
        waits: bool = False,
    ) -> bool:
        """``MemoryAdministration.compress``; ``waits``: for the one that runs, whose window had not all in it yet."""
        settling = (await self._opened(character)).settling
        return await settling.compress(summarise, through, route, detailed=detailed, waits=waits)

    async def learn(self, character: str, ask: Summarise | None) -> int:
        return await (await self._opened(character)).learn(ask)

    async def review(self, character: str, correct: Summarise | None) -> bool:
        return await (await self._opened(character)).settling.review(correct)

    async def settle(self, character: str, models: Models, *, detailed: bool = False, waits: bool = False) -> bool:
        """Compress, and when there is a memo review in the background; whether there is one. Where no model is asked
        for facts the rules look for them at once."""
        now = models()
        is_new = await self.compress(character, now.summarise, route=now.route, detailed=detailed, waits=waits)
        if is_new and now.correct is not None:
            self.review_later(character, models)
        if now.learn is None:
            await self.learn(character, None)
        return is_new

    def compress_later(self, character: str, models: Models) -> None:
        """Settle and learn in the background (``BackgroundWork``); a character with closed files is left alone."""
        if self._is_in_use(character):
            self.cancel_review(character)
            self._background.submit(character, "compress", lambda: self._settle(character, models))

    def learn_later(self, character: str, models: Models) -> None:
        """Learn in the background, as ``compress_later`` does: all that there is, a part at a time."""
        if self._is_in_use(character):
            self._background.submit(character, "learn", lambda: self._learn_on(character, models))

    def review_later(self, character: str, models: Models) -> None:
        """Review in the background, as ``compress_later`` does."""
        if self._is_in_use(character):
            self._background.submit(character, "review", lambda: self.review(character, models().correct))

    def cancel_review(self, character: str) -> bool:
        """Give up the review that runs or waits, if it has changed nothing yet; whether there was one."""
        waited = self._background.drop(character, "review")
        memory = self._open_now(character)
        return (memory is not None and memory.settling.cancel_review()) or waited

    async def learning(self, character: str) -> tuple[int, int] | None:
        """How far what was brought in has been learnt from, in ids; None when all of it is."""
        return await (await self._opened(character)).brought_in()

    def jobs(self, character: str) -> tuple[str, tuple[str, ...]] | None:
        """What is done for a memory in the background (``BackgroundWork.jobs``); None while its files are closed."""
        return self._background.jobs(character) if self._open_now(character) is not None else None

    async def _settle(self, character: str, models: Models) -> None:
        """A model is asked for facts when there is a memo to make as well: the lines of a short talk are all there."""
        if await self.settle(character, models) and models().learn is not None:
            self.learn_later(character, models)

    async def _learn_on(self, character: str, models: Models) -> None:
        memory = await self._opened(character)
        before = await memory.log.facts_position()
        await memory.learn(models().learn)
        if before < await memory.log.facts_position() < await memory.log.last_id():
            self.learn_later(character, models)

    async def _settle_said(self, character: str) -> Step:
        """A program that keeps lines and never says that its session is over leaves them to this."""
        self.compress_later(character, self._models)
        self.learn_later(character, self._models)
        return Step.DONE

    async def _learn_brought_in(self, character: str) -> Step:
        """And then make the memo of chats that were left, which the program before did not come to."""
        memory = self._open_now(character) or await self._opened(character)
        step = await memory.learn_brought_in(self._models())
        if step is not Step.DONE or not await memory.settling.left_waits():
            return step
        await self.settle(character, self._models)
        return Step.LATER if await memory.settling.left_waits() else Step.DONE

    async def _kept_in_order(self, character: str) -> bool:
        """Wait until nothing that was begun earlier is left to be done of an open memory, or all that is waits for a
        model that gave no answer; whether nothing is."""
        await self._background.idle(character)
        if memory := self._open_now(character):
            await memory.log.rid_of_deleted()
        return await self._brought_in.rested(character)
