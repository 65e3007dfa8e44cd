"""The characters of a running Neko: their cards, and what a change of them means for the conversations."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from neko import i18n, prompts
from neko.app.character_settings import CharacterSettings
from neko.app.conversations import Conversations
from neko.app.extracted_settings import follow_character, follow_user
from neko.app.faults import Faults
from neko.app.imports import Imports
from neko.app.pictures import Pictures
from neko.app.trash import Trash
from neko.characters import CHARACTERS, MICROPHONE, OWN, VOICE, CharacterCards, check_character, default_characters
from neko.errors import CharacterError, ConfigError, MemoryStoreError, NekoError
from neko.language import LANGUAGES
from neko.memory import folder_layout, folder_notes
from neko.memory.character_files import files_of, move
from neko.memory_files import TRASH
from neko.sessions.events import CardChanged, CharacterSwitched, ChatOpened, ReloadPage
from neko.sessions.lorebook import book_of
from neko.sessions.prompt import Persona
from neko.storage import CHARACTERS_FILE, DataFolder
from neko.tasks import in_thread
from neko.types.memory import Chats, ConversationLog, InChats, MemoryAdministration


class Memory(ConversationLog, Chats, MemoryAdministration, Protocol):
    """What is asked here of what was said."""


class Records(Protocol):
    """What is kept of a character beside card, memory and settings."""

    async def rename(self, old: str, new: str) -> None: ...
    async def forget(self, character: str) -> None: ...


logger = logging.getLogger(__name__)

PICTURES: Final = "pictures"
"""A folder in the data folder."""
_CHANGE_S: Final = 10.0
"""For a rename or a deletion to end."""

T = TypeVar("T")


class Characters:
    """``neko.characters``. Read from ``cards``; change here, so that the conversations follow.

    Every change is saved before it takes effect. Raises ``ConfigError`` when the disk refuses.
    """

    def __init__(
        self,
        cards: CharacterCards,
        conversations: Conversations,
        memory: Memory,
        faults: Faults,
        folder: DataFolder,
        settings: CharacterSettings,
        records: Records,
        imports: Imports,
    ) -> None:
        self.cards = cards
        self._conversations = conversations
        self._memory = memory
        self._faults = faults
        self._folder = folder
        self._files = folder.memory
        self._trash = Trash(folder.path / TRASH, folder.memory)
        self._pictures = Pictures(folder.path / PICTURES)
        self._settings = settings
        self._records = records
        self._imports = imports
        self._changing = asyncio.Lock()
        self._closings = 0

    @property
    def names(self) -> list[str]:
        """All characters, in the order of the file; never empty."""
        return self.cards.names

    @property
    def current(self) -> str:
        return self.cards.current

    async def select(self, name: str) -> None:
        """Make a known character the current one and tell every page.

        Raises ``InputError``, also during a call, and ``UnusableNameError`` for one that cannot be talked with because
        of its name.
        """
        old = self.cards.current
        if name != old:
            self._check_no_call(old)
        await in_thread(self.cards.select, name)
        self._conversations.broadcast(CharacterSwitched(name, old))

    def _check_no_call(self, name: str) -> None:
        """Raises ``CharacterError`` while the user is in a call with her."""
        conversation = self._conversations.opened.get(name)
        if conversation is not None and conversation.is_called:
            raise CharacterError("there is a call with her", reason="in_call")

    async def create(
        self, name: object, card: Mapping[str, Any], like: str = "", *, beside_namesakes: bool = False
    ) -> str:
        """Add a character with the voice and the settings of the one that she is ``like``; her name, trimmed.

        See ``CharacterCards.create``. Raises ``CharacterError``.
        """
        async with self._changing:
            new = check_character(name)
            if not self.cards.knows(new):
                await self._files_moved(self._trash.finish, new)
            await in_thread(lambda: self.cards.create(new, card, beside_namesakes=beside_namesakes))
            await self._settings.put({new: self._settings.of(like)})
            return new

    async def set_master(self, fields: Mapping[str, Any]) -> None:
        """Replace the user's profile. Raises ``CharacterError``."""
        await self._told_to_models(lambda: self.cards.set_master(fields))

    async def call_user(self, name: str) -> None:
        """Keep what the user told her that they are called, "" for nothing; raises ``CharacterError``.

        No conversation begins anew: the one that heard it knows, the others are told with their next session.
        """
        async with self._changing:
            before = self.cards.master_name
            await in_thread(self.cards.call_master, name)
            await in_thread(follow_user, self._files, before, self.cards.master_name)

    async def replace_card(self, name: str, fields: Mapping[str, Any]) -> tuple[bool, bool]:
        """Whether the voice changed, and whether a session was ended for that. See ``CharacterCards.replace_card``."""
        before = self.cards.card(name).get(VOICE) or ""
        await self._told_to_models(lambda: self.cards.replace_card(name, fields))
        return before != (self.cards.card(name).get(VOICE) or ""), self._begun_anew(name, before)

    async def set_voice(self, name: str, voice: str) -> bool:
        """Let a card name a voice, "" for none; whether a session was ended for that. Raises ``CharacterError``."""
        before = self.cards.card(name).get(VOICE) or ""
        await self._told_to_models(lambda: self.cards.merge_card(name, {VOICE: voice}))
        return self._begun_anew(name, before)

    async def forget_voice(self, voice: str) -> None:
        """Take a voice that is gone off every card; each session with it ends."""
        for name in [name for name in self.names if self.cards.voice(name) == voice]:
            await self._told_to_models(partial(self.cards.merge_card, name, {VOICE: ""}))
            self._begun_anew(name, voice, current_only=False)

    def _begun_anew(self, name: str, voice: object, *, current_only: bool = True) -> bool:
        """End the session of a character if her card named another ``voice``; whether there was one."""
        changed = voice != (self.cards.card(name).get(VOICE) or "")
        conversation = self._conversations.opened.get(name)
        is_concerned = changed and (name == self.current or not current_only)
        restarts = is_concerned and conversation is not None and conversation.active
        if restarts and conversation:
            conversation.begin_anew()
            conversation.tell(lambda language: ReloadPage(i18n.notice("config_saved", language).text))
        return restarts

    async def merge_card(self, name: str, fields: Mapping[str, Any]) -> None:
        """See ``CharacterCards.merge_card``."""
        await self._told_to_models(lambda: self.cards.merge_card(name, fields))

    async def set_also_knows(self, name: str, others: Sequence[str]) -> None:
        """Let a character recall also what was said to these others, and to nobody else but her.

        A model that was told of one who is left out now begins anew. Raises ``CharacterError``.
        """
        before = self.cards.also_knows(name)
        async with self._changing:
            await in_thread(self.cards.set_also_knows, name, others)
        conversation = self._conversations.opened.get(name)
        if conversation and not set(before) <= {*others}:
            conversation.begin_anew()

    async def set_picture(self, name: str, content: bytes, ending: str) -> str:
        """Keep a picture of a character; the name of its file. Raises ``CharacterError``, ``MemoryStoreError``."""

        def change() -> str:
            file = self._pictures.keep(content, ending)
            self.cards.merge_card(name, {OWN: {"picture": file}})
            return file

        return await self._told_to_models(change)

    def picture(self, file: str) -> Path:
        """Where a picture is that a card names."""
        return self._pictures.path(file)

    async def reload(self) -> None:
        """Take what was written into the file by hand."""
        await self.edit(lambda _: None)

    async def rename(self, old: str, new: str) -> None:
        """Give a character another name; memory and voice go with her, and her pages follow.

        Raises ``CharacterError``, also during a call, ``MemoryStoreError`` when the files cannot be moved; then nothing
        has changed.
        """
        new = check_character(new)
        self._check_no_call(old)
        async with self._changing:
            with self._memory.hold(new):
                self.cards.check_rename(old, new)
                await self._files_moved(self._trash.make_room, new)
                await self._settings.put({new: self._settings.of(old)})
                await in_thread(self.cards.rename, old, new)
                await self._close(old, new)
                try:
                    await self._files_moved(move, self._files, old, self._files, new)
                except NekoError:
                    await in_thread(self.cards.rename, new, old)
                    await in_thread(self.cards.settled, old)
                    await self._close(new, old)
                    raise
            await in_thread(folder_layout.follow_character, self._files, old, new)
            await in_thread(follow_character, self._files, old, new)
            await self._settings.put({old: {}})
            await self._records.rename(old, new)
            await in_thread(self.cards.settled, new)
            self._look_again()

    async def steadily(self, work: Callable[[], Awaitable[T]]) -> T:
        """What ``work`` on a memory gives; once more if that was closed under it, as by a rename, and this is over."""
        before = self._closings
        try:
            return await work()
        except MemoryStoreError:
            if self._closings == before and not self._changing.locked():
                raise
            with suppress(TimeoutError):
                async with asyncio.timeout(_CHANGE_S), self._changing:
                    pass
        return await work()

    async def end_renamings(self, begun: Mapping[str, str]) -> None:
        """What the agent keeps follows renamings that were cut off, by the new name; ``settle`` has moved the files."""
        for name, former in begun.items():
            await self._records.rename(former, name)
            try:
                await in_thread(self.cards.settled, name)
            except ConfigError:
                logger.exception("the renaming of a character could not be ended")

    async def adopt(self, former: str, name: str) -> bool:
        """Give a character who has said nothing yet the memory of a name that nobody has; whether she has any then.

        After ``rename`` there is nothing left to do. Raises ``CharacterError``, ``MemoryStoreError``.
        """
        async with self._changing:
            if self.cards.knows(former):
                raise CharacterError("there is a character of this name", reason="taken")
            if not await self._files_moved(files_of, self._files, former):
                return bool(await self._files_moved(files_of, self._files, name))
            if await self._memory.lines(name, limit=1, chat=InChats.ALL):
                raise CharacterError("she has a memory of her own", reason="taken")
            with self._memory.hold(name):
                await self._memory.close(name)
                await self._files_moved(self._trash.make_room, name)
                await self._settings.put({name: self._settings.of(former) or self._settings.of(name)})
                await self._files_moved(move, self._files, former, self._files, name)
                await in_thread(follow_character, self._files, former, name)
            await self._settings.put({former: {}})
            await self._records.rename(former, name)
        if conversation := self._conversations.opened.get(name):
            conversation.begin_anew()
        return True

    @asynccontextmanager
    async def set_apart(self, name: str) -> AsyncIterator[None]:
        """The files of a memory are closed, and whoever wants to use it waits. Nobody is renamed, deleted or cleared
        meanwhile."""
        async with self._changing:
            with self._memory.hold(name):
                await self._memory.close(name)
                yield

    async def delete(self, name: str) -> None:
        """Remove a character that is not the current one; her pages are sent to the current one.

        Card and memory are kept for ``trash.KEPT``; her tasks, their trail and her reminders are gone at once, and what
        N.E.K.O. has kept of her and has not come yet comes no more. Raises
        ``CharacterError``, ``MemoryStoreError`` when the files cannot be moved; then nothing has changed.
        """
        async with self._changing:
            self.cards.check_deletable(name)
            await self._files_moved(folder_notes.give_up, self._files, name)
            card, place = self.cards.card(name), list(self.cards.raw()[CHARACTERS]).index(name)
            knowing = [other for other in self.names if name in self.cards.also_knows(other)]
            entry = await in_thread(self._trash.announce, name, card, place, self._settings.of(name))
            try:
                await in_thread(self.cards.delete, name)
            except NekoError:
                await in_thread(self._trash.discard, entry)
                raise
            await self._close(name, self.cards.current)
            for conversation in (self._conversations.opened.get(other) for other in knowing):
                if conversation:
                    conversation.begin_anew()
            try:
                await self._files_moved(self._trash.fill, entry)
            except NekoError:
                await in_thread(self.cards.put_back, name, card, place)
                await in_thread(self._trash.discard, entry)
                raise
            self._look_again()
            await self._settings.put({name: {}})
            await self._records.forget(name)

    async def clear_memory(self, name: str) -> int:
        """Let a character forget all that was ever said to her, for good; how many lines that was. What was about to be
        imported goes, too, and what N.E.K.O. has kept comes no more.

        Raises ``MemoryStoreError``, ``ConfigError``.
        """
        async with self._changing:
            conversation = self._conversations.opened.get(name)
            if conversation:
                await conversation.edits.open_chat(None)
            await self._imports.give_up(name)
            await self._files_moved(folder_notes.give_up, self._files, name)
            lines = await self._memory.clear(name)
            if conversation:
                conversation.begin_anew()
                conversation.emit(ChatOpened(await self._memory.open_chat(name)))
            self._conversations.tell_those_who_know(name)
            return lines

    async def restore(self, name: str) -> None:
        """Bring the character of this name back that was deleted last.

        Raises ``CharacterError``, ``MemoryStoreError``; then nothing has changed.
        """
        async with self._changing:
            if self.cards.knows(name):
                raise CharacterError("there is a character of this name already", reason="taken")
            entry, deleted = await self._files_moved(self._trash.give_back, name)
            try:
                await self._settings.put({name: deleted.settings})
                await in_thread(self.cards.put_back, name, deleted.card, deleted.place)
            except NekoError:
                await self._files_moved(self._trash.fill, entry)
                raise
            await in_thread(self._trash.discard, entry)

    async def _files_moved(self, moving: Callable[..., T], *arguments: Any) -> T:
        try:
            return await in_thread(moving, *arguments)
        except OSError as error:
            why = error.strerror or str(error)
            file = str(error.filename or self._files)
            raise MemoryStoreError("files cannot be moved", file=file, reason="other", why=why) from error

    async def _told_to_models(self, change: Callable[[], T]) -> T:
        """Make a change of the cards, and tell the pages of whom it is about.

        A conversation whose model was told something else begins anew. Pictures that no card names any more go.
        Raises ``MemoryStoreError`` when a file cannot be written.
        """
        known = {name: (self._told(name), self.cards.card(name)) for name in self._conversations.opened}
        async with self._changing:
            before = self.cards.master_name
            result = await self._files_moved(change)
            await in_thread(self._read_lore, known)
            if self.cards.master_name != before:
                await in_thread(follow_user, self._files, before, self.cards.master_name)
            await in_thread(_sweep, self._folder, self._trash)
        for name, (told, card) in known.items():
            conversation = self._conversations.opened.get(name)
            if conversation is None or not self.cards.knows(name):
                continue
            if self._told(name) != told:
                conversation.follow_change()
            if self.cards.card(name) != card:
                conversation.emit(CardChanged())
        self._conversations.follow_voices()
        return result

    def _read_lore(self, names: Iterable[str]) -> None:
        """Ahead of the next words, which are looked up in it on the loop. Blocks."""
        for name in names:
            if entries := self.cards.lorebook(name):
                book_of(entries)

    def _told(self, name: str) -> tuple[str | None, Persona]:
        language = self.cards.language(name)
        return language, persona(self.cards, name, language or LANGUAGES[0])

    async def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Let ``change`` alter a copy of ``characters.json`` and save it; characters that it removes are closed."""
        before = self.cards.names
        await self._told_to_models(lambda: self.cards.edit(change))
        self._look_again()
        names = self.cards.names
        for character in [name for name in before if name not in names]:
            await self._close(character, self.cards.current)

    async def suit(self, language: str) -> None:
        """The cast in the reader's language, as long as nobody has changed it or said a word to it."""
        untouched = self.cards.is_untouched()
        if untouched is None or untouched == language:
            return
        for name in self.cards.names:
            if await self._memory.lines(name, limit=1, chat=InChats.ALL):
                return

        def change(raw: dict[str, Any]) -> None:
            if raw == default_characters(untouched):  # nor meanwhile
                raw.clear()
                raw.update(default_characters(language))

        async with self._changing:
            before = self.cards.names
            await in_thread(self.cards.edit, change)
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
            self._conversations.follow_voices()
        return len(named)

    def _look_again(self) -> None:
        self._faults.of_values(CHARACTERS_FILE, self.cards.unusable())

    async def _close(self, character: str, successor: str) -> None:
        """End everything that is held for a character that is gone."""
        self._closings += 1
        await self._conversations.close(character, successor)
        await self._memory.close(character)


def _sweep(folder: DataFolder, trash: Trash) -> None:
    """Remove pictures that no card names, nor one that may come back: of a backup, set aside, or deleted."""
    cards = folder.config(CHARACTERS_FILE)
    try:
        Pictures(folder.path / PICTURES).sweep([*cards.parent.glob(f"{cards.name}*"), *trash.documents()])
    except OSError as error:
        logger.warning("old pictures could not be removed: %s", error)


def settle(cards: CharacterCards, folder: DataFolder) -> dict[str, str]:
    """End what was interrupted by the end of the process, before anything is opened. Blocks. Which characters, by their
    new name, had another one, and have the files of their memory now."""
    renamed = {}
    for name in cards.names:
        if former := cards.former_name(name):
            try:
                move(folder.memory, former, folder.memory, name)
                follow_character(folder.memory, former, name)
                renamed[name] = former
            except OSError:
                logger.exception("the memory of a renamed character could not be moved")
    trash = Trash(folder.path / TRASH, folder.memory)
    trash.settle(cards.names)
    _sweep(folder, trash)
    return renamed


Known = tuple[Mapping[str, str], Mapping[str, str]]
"""What is known of a character and of the user."""


def persona(cards: CharacterCards, character: str, language: str, known: Known | None = None) -> Persona:
    """Who speaks with whom, as a prompt needs it. ``known``: by the cards alone if it is None."""
    hers, users = known or (cards.traits(character), cards.master_traits())
    is_named, master = cards.is_master_named, cards.master_name
    called = master if is_named else prompts.phrases(language)["stranger"]
    return Persona(
        character,
        master,
        cards.system_prompt(character, called),
        {character: hers, called: users},
        language,
        is_stranger=not is_named,
        lorebook=cards.lorebook(character),
    )
