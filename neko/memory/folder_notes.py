"""What is kept of N.E.K.O.'s folders once their memories have come, or are not to come. Every call blocks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from neko.memory import folder_talk
from neko.memory.folder_layout import Note, State, files_of, keep, note_of, waiting_for
from neko.memory.import_files import Kind, Source, look_into
from neko.storage import WORKPLACE


def note_now(name: str, sources: Sequence[Source], before: Note | None, files: State) -> Note:
    """Of a folder of which all has come; ``files`` is the state that it was read in."""
    talk = [one for one in sources if one.kind in (Kind.LOG, Kind.RECENT) and one.character == name]
    said = [line for source in talk for line in source.taken()]
    last = next((source.last for source in talk if source.last), None)
    return folder_talk.note_of(said, last, before, files)


def give_up(memory: Path, character: str) -> None:
    """Nothing comes any more of what is there for a character now. Raises ``MemoryStoreError``, ``ConfigError``,
    ``OSError``."""
    for name in waiting_for(memory, character):
        folder = memory / name
        with TemporaryDirectory(dir=memory, prefix=WORKPLACE) as workplace:
            files, sources = files_of(folder), look_into([(name, folder)], Path(workplace))
            keep(memory, name, note_now(name, sources, note_of(memory, name), files))
