"""A memory that lives only as long as the process, for tests of what is built on the seam."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from neko.errors import NekoError
from neko.language import guess
from neko.memory import memo, review
from neko.memory.line_codec import Names, local_naive
from neko.memory.no_memo import NoMemoError
from neko.memory.recent import LARGEST_WINDOW, UNCOMPRESSED
from neko.memory.words import terms
from neko.types.lines import Line, NewLine, Stored
from neko.types.memory import (
    Because,
    Chat,
    ChatList,
    ConversationMemory,
    Evidence,
    Fact,
    InChats,
    MemoryAdministration,
    Reason,
    RecentEntry,
    Summarise,
)


class ScriptedMemory(ConversationMemory, MemoryAdministration):
    """``failure`` is raised by every call while it is set, ``recall_failure`` by ``recall``."""

    def __init__(self) -> None:
        self.failure: NekoError | None = None
        self.recall_failure: NekoError | None = None
        self.contexts: list[Sequence[str]] = []
        """What each recall was given beside its query."""
        self._removed: dict[str, list[int]] = {}
        self._deleted: defaultdict[str, set[int]] = defaultdict(set)
        self._earlier: defaultdict[str, dict[int, list[int]]] = defaultdict(dict)
        self._own: dict[tuple[str, int], Line] = {}
        """Replaced lines as they were before."""
        self._pictures: dict[tuple[str, str], bytes] = {}
        self._unkept: defaultdict[str, list[NewLine]] = defaultdict(list)
        self._lines: defaultdict[str, list[Line]] = defaultdict(list)
        self._open_chats: defaultdict[str, int] = defaultdict(int)
        self._titles: defaultdict[str, dict[int, str]] = defaultdict(dict)
        self._windows: defaultdict[str, list[tuple[int, RecentEntry]]] = defaultdict(list)

    async def store(self, character: str, line: NewLine) -> Stored:
        known = self._known(character)
        if line.client_id is not None:
            for old in known:
                if old.client_id == line.client_id:
                    return Stored(old, fresh=False)
        stored = Line(
            len(known) + 1,
            line.session_id,
            line.turn_id,
            line.role,
            line.speaker or _names(character)[line.role],
            line.text,
            local_naive(line.at),
            line.status,
            line.client_id,
            line.images,
            self._open_chats[character],
            line.replaces,
            line.pictures,
            line.remark,
        )
        window = self._windows[character]
        if line.replaces is not None:
            self._earlier[character][len(known) + 1] = [line.replaces]
            self._own[character, line.replaces] = known[line.replaces - 1]
            known[line.replaces - 1] = replace(known[line.replaces - 1], status="replaced")
            window[:] = [entry for entry in window if entry[0] != line.replaces]
        known.append(stored)
        if line.role != "system" and line.text.strip():
            window.append(_in_window(stored))
        return Stored(stored, fresh=True)

    async def restore(self, character: str) -> list[Line]:
        removed = self._removed.pop(character, [])
        self._deleted[character].difference_update(removed)
        lines = [line for line in self._known(character) if line.id in removed and line.status != "replaced"]
        window = self._windows[character]
        window += [_in_window(line) for line in lines]
        window.sort(key=lambda entry: entry[0])
        return lines

    async def correct(self, character: str, line_id: int, text: str) -> Line | None:
        known = self._known(character)
        old = next((one for one in known if one.id == line_id and one.id not in self._deleted[character]), None)
        if old is None:
            return None
        await self.delete(character, [line_id])
        self._deleted[character].discard(line_id)
        line = known[known.index(old)] = replace(old, text=text)
        if line.status != "replaced":
            self._windows[character].append((line_id, RecentEntry(line.role, text)))
            self._windows[character].sort(key=lambda entry: entry[0])
        return line

    async def delete(self, character: str, ids: Sequence[int], *, may_be_undone: bool = False) -> list[int]:
        known, gone = {line.id for line in self._known(character)} - self._deleted[character], []
        waiting = [line_id for line_id in ids if line_id in known]
        while waiting:
            gone.append(waiting.pop())
            waiting += self._earlier[character].get(gone[-1], [])
        self._deleted[character].update(gone)
        if may_be_undone:
            self._removed[character] = gone
        named = {
            name for line in self._lines[character] if line.id not in self._deleted[character] for name in line.pictures
        }
        self._pictures = {key: one for key, one in self._pictures.items() if key[0] != character or key[1] in named}
        window = self._windows[character]
        if gone and window and window[0][1].role == "system" and window[0][0] >= min(gone):
            reach = window.pop(0)[0]
            again = [line for line in await self.lines(character, before=reach + 1, limit=reach) if line.text.strip()]
            window[:0] = [_in_window(line) for line in again if line.role != "system"]
        window[:] = [entry for entry in window if entry[0] not in gone]
        return sorted(gone)

    async def keep_pictures(self, character: str, pictures: Sequence[bytes]) -> tuple[str, ...]:
        self._known(character)
        self._pictures.update({(character, f"{sha256(one).hexdigest()}.jpg"): one for one in pictures})
        return tuple(f"{sha256(one).hexdigest()}.jpg" for one in pictures)

    async def picture(self, character: str, name: str) -> bytes | None:
        return self._pictures.get((character, name))

    async def versions(self, character: str, line_id: int) -> list[Line]:
        known, found, waiting = {line.id: line for line in self._known(character)}, [], [line_id]
        while waiting:
            if line := known.get(waiting.pop()):
                found.append(self._own.get((character, line.id), line))
                waiting += self._earlier[character].get(line.id, [])
        return sorted(found, key=lambda line: line.at)

    async def choose_version(self, character: str, line_id: int) -> Line | None:
        if not (lines := await self.lines(character, limit=1)):
            return None
        last = lines[-1]
        found = {line.id: line for line in await self.versions(character, last.id)}
        if line_id not in found:
            return None
        if line_id == last.id:
            return last
        chosen, earlier = found[line_id], self._earlier[character]
        before = earlier.pop(line_id, [])
        for links in earlier.values():
            if line_id in links:
                links[:] = before
        self._deleted[character].add(line_id)
        again = NewLine(
            chosen.session_id, chosen.turn_id, "assistant", chosen.text, chosen.at, chosen.status, replaces=last.id
        )
        return (await self.store(character, again)).line

    async def keep_unkept(self, character: str, lines: Sequence[NewLine]) -> None:
        self._unkept[character] = list(lines)

    async def unkept(self, character: str) -> list[NewLine]:
        return list(self._unkept[character])

    async def lines(
        self,
        character: str,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        chat: int | InChats = InChats.OPEN,
    ) -> list[Line]:
        wanted = self._open_chats[character] if chat is InChats.OPEN else chat
        shown = [
            line
            for line in self._known(character)
            if line.status != "replaced"
            and line.id not in self._deleted[character]
            and wanted in (InChats.ALL, line.chat)
            and (before is None or line.id < before)
            and line.id > (after or 0)
        ]
        return shown[: max(limit, 0)] if after is not None else shown[len(shown) - min(len(shown), max(limit, 0)) :]

    async def chats(self, character: str) -> ChatList:
        current = self._open_chats[character]
        lines = await self.lines(character, limit=len(self._known(character)), chat=InChats.ALL)
        chats = []
        for number in {line.chat for line in lines} | {current}:
            said = [line for line in lines if line.chat == number]
            first = next((line.text for line in said if line.role == "user"), "")
            title, last = self._titles[character].get(number, ""), said[-1] if said else None
            chats.append(Chat(number, title or first, bool(title), last.id if last else 0, last.at if last else None))
        chats.sort(key=lambda one: one.last_id or len(self._known(character)) + 1, reverse=True)
        return ChatList(current, tuple(chats))

    async def open_chat(self, character: str) -> int:
        self._known(character)
        return self._open_chats[character]

    async def change_chat(self, character: str, chat: int | None) -> int | None:
        used = {line.chat for line in self._known(character) if line.id not in self._deleted[character]}
        current = self._open_chats[character]
        if chat is None:
            chat = max(used | {current}) + 1 if current in used else current
        elif chat not in used | {current}:
            return None
        if chat != current:
            self._open_chats[character] = chat
            window = self._windows[character]
            said = [line for line in await self.lines(character, limit=UNCOMPRESSED) if line.role != "system"]
            window[:] = [
                *[entry for entry in window if entry[0] == 0],
                *[_in_window(line) for line in said if line.text.strip()],
            ]
        return chat

    async def rename_chat(self, character: str, chat: int, title: str) -> bool:
        if chat not in {one.id for one in (await self.chats(character)).chats}:
            return False
        self._titles[character][chat] = title
        return True

    async def clear(self, character: str) -> int:
        self._windows[character].clear()
        self._removed.pop(character, None)
        return len(await self.delete(character, [line.id for line in self._known(character)]))

    async def delete_chat(self, character: str, chat: int) -> list[int]:
        await self.rename_chat(character, chat, "")
        return await self.delete(character, [line.id for line in self._known(character) if line.chat == chat])

    async def recent(self, character: str, *, with_left: bool = False) -> list[RecentEntry]:
        every = [line for line in self._known(character) if line.id not in self._deleted[character]]
        window = self._windows[character]
        memo = [entry for _, entry in window if entry.role == "system"]
        reach = max((at for at, entry in window if entry.role == "system"), default=0)
        elsewhere = [line for line in every if line.chat != self._open_chats[character] and line.id > reach]
        left = [
            replace(_in_window(line)[1], left=True) for line in elsewhere if line.role != "system" and line.text.strip()
        ]
        return [*memo, *(left if with_left else []), *(entry for _, entry in window if entry not in memo)]

    async def recall(
        self,
        character: str,
        query: str,
        *,
        limit: int = 5,
        before: int | None = None,
        context: Sequence[str] = (),
        now: datetime | None = None,
        within: tuple[datetime, datetime] | None = None,
    ) -> list[Evidence]:
        self.contexts.append(context)
        if self.recall_failure is not None:
            raise self.recall_failure
        wanted = set(terms(query))
        first, end = within or (datetime.min, datetime.max)
        evidence = []
        for line in await self.lines(character, before=before, limit=len(self._known(character)), chat=InChats.ALL):
            held = [term for term in terms(line.text) if term in wanted]
            bears = held or (within and not wanted)
            if bears and line.role != "system" and first <= line.at < end:
                score = len(held) * (0.4 if line.text.rstrip().endswith(("?", "？")) else 1.0)
                score *= 1.0 if line.role == "user" else 0.8
                reason = Reason(Because.MENTIONS, tuple(held))
                evidence.append(
                    Evidence(line.text, line.role, line.speaker, line.at, "line", (line.id,), reason, score)
                )
        return sorted(evidence, key=lambda one: one.score, reverse=True)[: max(limit, 0)]

    async def find(self, character: str, text: str, *, limit: int = 50, before: int | None = None) -> list[Line]:
        words = text.casefold().split()
        found = await self.lines(character, before=before, limit=len(self._known(character)), chat=InChats.ALL)
        held = [line for line in found if words and all(word in line.text.casefold() for word in words)]
        return held[::-1][:limit]

    async def compress(
        self,
        character: str,
        summarise: Summarise | None,
        *,
        through: int | None = None,
        route: Summarise | None = None,
        detailed: bool = False,
    ) -> bool:
        self._known(character)
        read = list(self._windows[character])
        oldest = [entry for _, entry in read[:-UNCOMPRESSED]]
        oldest = [entry for entry in oldest if through is None or entry.id <= through]
        if len(read) <= LARGEST_WINDOW or not oldest:
            return False
        names = _names(character)
        text: str | None = memo.extract(oldest, names)
        if summarise is not None:
            try:
                text = await memo.summary(memo.transcript(oldest, names), guess(oldest[-1].text, "en"), summarise)
            except NoMemoError:
                pass
            except NekoError:
                return False
        if not text:
            return False
        self._windows[character][: len(oldest)] = [
            (read[len(oldest) - 1][0], RecentEntry("system", text, read[len(oldest) - 1][0]))
        ]
        return True

    async def facts(self, character: str, *, at: datetime | None = None) -> list[Fact]:
        return []

    async def open_questions(self, character: str) -> list[Line]:
        return []

    async def learn(self, character: str, ask: Summarise | None) -> int:
        return 0

    async def review(self, character: str, correct: Summarise | None) -> bool:
        self._known(character)
        read = list(self._windows[character])
        entries = [entry for _, entry in read]
        if correct is None or len(entries) < 2:
            return False
        try:
            corrections = review.corrections(await correct(review.numbered(entries, _names(character))), entries)
        except NekoError:
            return False
        if corrections is None or self._windows[character][: len(read)] != read:
            return False
        new = [(read[number][0], RecentEntry(entries[number].role, text)) for number, text in corrections.items()]
        self._windows[character][: len(read)] = new
        return new != read

    async def close(self, character: str) -> None:
        """There are no files."""

    def hold(self, character: str) -> AbstractContextManager[None]:
        return nullcontext()

    def _known(self, character: str) -> list[Line]:
        if self.failure is not None:
            raise self.failure
        return self._lines[character]


def _in_window(line: Line) -> tuple[int, RecentEntry]:
    return line.id, RecentEntry(line.role, line.text, line.id, line.at)


def _names(character: str) -> Names:
    return {"user": "User", "assistant": character, "system": "SYSTEM_MESSAGE"}
