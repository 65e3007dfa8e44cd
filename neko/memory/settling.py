"""Rewriting the recent window: its oldest part becomes a memo, and a model tidies what stands there.

A memo is made once of the same lines, however often that is begun: its summary is committed to the log first, then
the window is given it. What was cut off between the two is ended from the log, without a model. Each puts its
result in the place of exactly the entries that it read, so lines that come meanwhile stay.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from neko.errors import MemoNotRenewedError, ModelError, NekoError
from neko.language import guess
from neko.memory import browse, changes, kept_lines, memo, review, reviewed, unfinished
from neko.memory.line_codec import Message, Names, message, parse
from neko.memory.log import LARGEST, Log
from neko.memory.memo import cut_memo_prefix, memo_text
from neko.memory.no_memo import NoMemoError
from neko.memory.recent import LARGEST_WINDOW, UNCOMPRESSED, RecentWindow
from neko.memory.reviewed import Reviewed
from neko.memory.timeouts import MemoryTimeouts
from neko.memory.window_entries import is_memo, largest_id, line_ids, lines_since
from neko.tasks import in_thread
from neko.types.memory import ChangeKind, Memo, RecentEntry, Summarise

logger = logging.getLogger(__name__)

_FAILURES_UNTOLD: Final = 2
"""Memos in a row that fail for a reason that may pass, before that is told."""


_BROUGHT_IN_BY_MODEL: Final = 200
_BROUGHT_IN_BY_RULE: Final = 2_000
"""Lines of which a summary is made at one time."""


class Settling:
    """Of one character. Every method raises ``MemoryStoreError``.

    ``changing`` is held while the window and the log change together. ``on_fault`` is told of a model that will not
    make a memo, ``on_renewed`` the file of the window that has a new one.
    """

    def __init__(
        self,
        log: Log,
        window: RecentWindow,
        names: Callable[[], Names],
        language: Callable[[], str],
        timeouts: MemoryTimeouts,
        changing: asyncio.Lock,
        on_fault: Callable[[NekoError], None],
        on_renewed: Callable[[Path], None],
    ) -> None:
        self._log = log
        self._window = window
        self._names = names
        self._language = language
        self._timeouts = timeouts
        self._changing = changing
        self._on_fault = on_fault
        self._on_renewed = on_renewed
        self._rewriting = asyncio.Lock()
        self._folding = asyncio.Lock()
        self._failures = 0
        self._asked_for_review: asyncio.Timeout | None = None

    async def left_waits(self) -> bool:
        """Whether enough was left with chats for a memo that nobody has made yet."""
        return _are_enough(self._window.left, await self._window.entries())

    async def compress(
        self,
        summarise: Summarise | None,
        through: int | None,
        route: Summarise | None,
        *,
        detailed: bool,
        waits: bool = False,
    ) -> bool:
        """``MemoryAdministration.compress``; while it runs already false at once, or when it ``waits``, then once more.
        A review that runs is given up.

        Without ``summarise`` the memo is what was stated in so many words.
        """
        if self._folding.locked() and not waits:
            return False
        try:
            async with asyncio.timeout(self._timeouts.memo_timeout_s):
                await self._folding.acquire()
        except TimeoutError:
            logger.warning("a memo was waited for longer than %g s", self._timeouts.memo_timeout_s)
            return False
        try:
            self.cancel_review()
            async with self._rewriting:
                return await self._fold(summarise, through, route, detailed=detailed)
        finally:
            self._folding.release()

    async def review(self, correct: Summarise | None) -> bool:
        """``MemoryAdministration.review``; false at once while the window is being rewritten already.

        The answer counts only while the entries it was made from still stand as they were.
        """
        if correct is None or self._rewriting.locked():
            return False
        async with self._rewriting:
            before = await self._window.entries()
            entries = _readable(before)
            if len(entries) < 2 or len(entries) != len(before):
                return False
            language = self.language_of(entries)
            instruction = (await in_thread(memo.instructions, language))["review"]
            question = instruction.format(text=review.numbered(entries, self._names()))
            answer = await self._answer(correct, question)
            corrections = None if answer is None else review.corrections(answer, entries)
            if corrections is None:
                return False
            after = [review.rewritten(before[number], words, language) for number, words in corrections.items()]
            return after != before and await self._put_in(Reviewed(before, after))

    async def can_undo_review(self) -> bool:
        """Whether what the last review left still stands there."""
        last = await self._log.recall(lambda connection, _: reviewed.last(connection))
        return last is not None and (await self._window.entries())[: len(last.after)] == list(last.after)

    async def undo_review(self) -> bool:
        """``MemoryBrowsing.undo_review``."""
        async with self._changing:
            last = await self._log.recall(lambda connection, _: reviewed.last(connection))
            if last is None or not await self._window.swap(last.after, last.before):
                return False

            def work(connection: sqlite3.Connection) -> None:
                reviewed.forget(connection)
                changes.note(connection, ChangeKind.RESTORED, last.changes)

            await self._log.transaction(work)
            return True

    async def _put_in(self, made: Reviewed) -> bool:
        """What is to be undone is kept before anything changes."""

        def keep(connection: sqlite3.Connection) -> int:
            reviewed.keep(connection, made)
            return changes.note(connection, ChangeKind.REVIEWED, made.changes)

        async with self._changing:
            if (await self._window.entries())[: len(made.before)] != list(made.before):
                return False
            change = await self._log.transaction(keep)
            if await self._window.swap(made.before, made.after):
                return True

            def take_back(connection: sqlite3.Connection) -> None:
                reviewed.forget(connection)
                changes.unnote(connection, change)

            await self._log.transaction(take_back)
            return False

    def cancel_review(self) -> bool:
        """Give up the review that runs, before it has changed anything; whether there was one."""
        asked = self._asked_for_review
        if asked is None or asked.expired():
            return False
        asked.reschedule(asyncio.get_running_loop().time())
        return True

    async def _answer(self, correct: Summarise, question: str) -> str | None:
        """None when the model gives none, and when the review is given up."""
        try:
            async with asyncio.timeout(self._timeouts.review_timeout_s) as self._asked_for_review:
                return await correct(question)
        except NekoError as error:
            logger.warning("a review failed: %s", error.code)
        except TimeoutError:
            logger.info("a review was given up")
        finally:
            self._asked_for_review = None
        return None

    async def sum_up(self, since: int, through: int, summarise: Summarise | None) -> int | None:
        """Sum up the next lines behind ``since`` and up to ``through`` that do not stand in the window; the id up to
        which that is done, None when no summary could be had.

        The window's memo has it as well, unless it goes on with what was said later.
        """
        async with self._rewriting:
            entries = await self._window.entries()
            memos, there = [entry for entry in entries if is_memo(entry)], set(line_ids(entries))
            reach, first = largest_id(memos), min(there.difference(line_ids(memos)), default=LARGEST)
            goes_on = reach <= first and since < first
            page = await self._log.page(
                after=min(since, reach or since) if goes_on else since,
                before=min(through + 1, first) if goes_on else through + 1,
                limit=_BROUGHT_IN_BY_MODEL if summarise else _BROUGHT_IN_BY_RULE,
            )
            lines = [one.line for one in page if one.line.id not in there and one.line.role != "system"]
            end = page[-1].line.id if page else min(first, through) if goes_on else through
            said = [RecentEntry(line.role, line.text) for line in lines if line.text.strip()]
            if not said:
                return end
            language = self.language_of(said)
            before = _readable(memos) if goes_on else []
            try:
                async with asyncio.timeout(self._timeouts.memo_timeout_s):
                    summary = await self._summary([*before, *said], language, summarise, detailed=False)
            except (NekoError, TimeoutError) as error:
                logger.warning("what was brought in could not be summed up: %s", type(error).__name__)
                return None
            if summary:
                await self._keep_summary(memos if goes_on else None, [line.id for line in lines], summary, language)
            return end

    async def _keep_summary(self, memos: Sequence[Any] | None, ids: list[int], summary: str, language: str) -> None:
        """Put it in the log, and in the place of ``memos``, if these are given."""
        async with self._changing:
            row = await self._log.add_summary(str(uuid.uuid4()), summary, datetime.now(), ids)
            if memos is not None:
                new = message("system", memo_text(summary, language), {"id": max(ids), "summary": row})
                if await self._window.swap(memos, [new]):
                    self._on_renewed(self._window.path)

    # ── the memo ─────────────────────────────────────────────────────────────

    async def _fold(
        self, summarise: Summarise | None, through: int | None, route: Summarise | None, *, detailed: bool
    ) -> bool:
        """What was left with a chat counts as if it stood in the window, and goes first."""
        is_ended = await self.end_interrupted()
        entries, left = await self._window.entries(), self._window.left
        oldest = [entry for entry in entries[:-UNCOMPRESSED] if through is None or largest_id([entry]) <= through]
        if _size(entries) <= LARGEST_WINDOW or not lines_since([*filter(is_memo, entries), *oldest]):
            if not _are_enough(left, entries):
                return is_ended
            oldest = list(takewhile(is_memo, entries))
        language = self.language_of(_readable([*oldest, *left]))
        try:
            async with asyncio.timeout(self._timeouts.memo_timeout_s):
                kept = await self._kept(oldest, language, route) if summarise and route else []
                rest = [entry for entry in oldest if not any(entry is one for one in [*kept, *left])]
                folded = sorted([*left, *rest], key=lambda entry: not is_memo(entry))
                summary = await self._summary(_readable(folded), language, summarise, detailed=detailed)
        except NekoError as error:
            self._tell(error)
            return is_ended
        except TimeoutError:
            logger.warning("a summary took longer than %g s", self._timeouts.memo_timeout_s)
            return is_ended
        self._failures = 0
        if not summary:
            return is_ended
        return await self._replace(oldest, folded, kept, left, memo_text(summary, language), summary)

    async def end_interrupted(self) -> bool:
        """Give the window the memo that the log has of lines that still stand there, or were left with their chats."""
        async with self._changing:
            last, begun = await self._log.recall(_last_memo)
            is_given = last is not None and await self._give(last, is_begun=last.id in begun)
            if begun:
                await self._log.folded(begun)
            return is_given

    async def _give(self, last: Memo, *, is_begun: bool) -> bool:
        entries, folded = await self._window.entries(), set(last.sources)
        memos = [entry for entry in entries if is_memo(entry)]
        lines = [entry for entry in entries if not is_memo(entry)]
        reach = max(folded, default=0)
        if reach <= largest_id(memos) or not (is_begun or folded.issubset(line_ids(lines))):
            return False
        rest = [entry for entry in lines if folded.isdisjoint(line_ids([entry]))]
        left = [entry for entry in self._window.left if not folded.isdisjoint(line_ids([entry]))]
        text = memo_text(last.text, guess(last.text, self._language()))
        new = message("system", text, {"id": reach, "summary": last.id})
        return await self._window.swap(entries, [new, *rest], left)

    async def _kept(self, oldest: Sequence[Any], language: str, route: Summarise) -> list[Any]:
        """The entries that stay as they were said; only lines that the log knows can."""
        lines = [entry for entry in oldest if not is_memo(entry) and line_ids([entry]) and _readable([entry])]
        places = await kept_lines.kept(_readable(lines), self._names(), language, route) if len(lines) > 1 else []
        return [lines[place] for place in places]

    async def _summary(
        self, entries: Sequence[RecentEntry], language: str, summarise: Summarise | None, *, detailed: bool
    ) -> str | None:
        """Without a model, and where one answers no memo, what was stated in so many words."""
        names = self._names()
        if summarise is not None:
            await in_thread(memo.instructions, language)
            talk = memo.transcript(entries, names)
            former = "\n".join(entry.text for entry in entries if entry.role == "system")
            told = await in_thread(memo.stated, entries, names, language)
            with contextlib.suppress(NoMemoError):
                return await memo.summary(talk, language, summarise, former=former, told=told, detailed=detailed)
        return await in_thread(memo.extract, entries, names, language)

    async def _replace(
        self,
        oldest: Sequence[Any],
        folded: Sequence[Any],
        kept: Sequence[Any],
        left: Sequence[Any],
        text: str,
        summary: str,
    ) -> bool:
        """Put the memo in the place of what it was made of, also when the chat of that was left meanwhile."""
        reach = largest_id([*oldest, *left])
        sources = line_ids([entry for entry in folded if not is_memo(entry)]) or line_ids(folded)
        unread = [entry for entry in oldest if parse(entry) is None]
        async with self._changing:
            entries = await self._window.entries()
            if entries[: len(oldest)] != list(oldest):
                memos = list(takewhile(is_memo, oldest))
                oldest, left = memos, [entry for entry in folded if not is_memo(entry)]
                kept, unread = [], []
                if entries[: len(memos)] != memos:
                    return False
            row = await self._log.add_summary(str(uuid.uuid4()), summary, datetime.now(), sources, folds=True)
            neko = {"id": reach, "summary": row} if reach else {"summary": row}
            new: list[Message] = [message("system", text, neko), *kept, *unread]
            if not await self._window.swap(oldest, new, left):
                await self._log.drop_summary(row)
                return False
            await self._log.folded([row])
            self._on_renewed(self._window.path)
            return True

    def _tell(self, error: NekoError) -> None:
        """A reason that may pass is told once it has lasted."""
        logger.warning("a summary failed: %s (%s)", error.code, error)
        self._failures += 1
        if isinstance(error, ModelError) and (error.permanent or self._failures > _FAILURES_UNTOLD):
            told = {name: error.params.get(name, "") for name in ("model", "provider")}
            fault = MemoNotRenewedError(error.code, file=str(self._window.path), **told)
            fault.said = error.said
            self._on_fault(fault)

    def language_of(self, entries: Sequence[RecentEntry]) -> str:
        """That of the user, as far as it shows in what they said."""
        said = [entry.text for entry in entries if entry.role == "user"] or [entry.text for entry in entries]
        return guess("\n".join(said), self._language())


def _size(entries: Sequence[Any]) -> int:
    """Memos, and lines that are in none."""
    return sum(map(is_memo, entries)) + len(lines_since(entries))


def _are_enough(left: Sequence[Any], entries: Sequence[Any]) -> bool:
    """Whether the window is too large with what was left."""
    return bool(left) and _size(entries) + len(left) > LARGEST_WINDOW


def _last_memo(connection: sqlite3.Connection, _: Names) -> tuple[Memo | None, tuple[int, ...]]:
    """The newest memo of the log, and those that were about to be given to the window."""
    memos = browse.memos(connection, [], before=LARGEST, limit=1)
    return (memos[0] if memos else None), unfinished.read(connection).fold


def _readable(entries: Sequence[Any]) -> list[RecentEntry]:
    result = []
    for entry in entries:
        parsed = parse(entry)
        if parsed is not None and parsed.text.strip():
            text = cut_memo_prefix(parsed.text) if parsed.role == "system" else parsed.text
            result.append(RecentEntry(parsed.role, text))
    return result
