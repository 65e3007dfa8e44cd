"""What is wrong with the files of a running Neko and stays told until it is dealt with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from neko import i18n, set_aside
from neko.app.conversations import Conversations
from neko.errors import InputError, NekoError
from neko.faults import Fault, StandingFaults
from neko.memory_errors import TakenOverError
from neko.sessions.events import FaultOver
from neko.sessions.status_reporter import status_of_fault
from neko.tasks import in_thread

logger = logging.getLogger(__name__)


class Faults:
    """``neko.faults``: told on the terminal, to the clients that they concern, and to those that come later."""

    def __init__(self, standing: StandingFaults, conversations: Conversations, language: Callable[[], str]) -> None:
        self._standing = standing
        self._conversations = conversations
        self._language = language
        standing.on_stand = self._tell
        standing.on_over = self._tell_over

    def all(self) -> tuple[Fault, ...]:
        """Everything that stands, in the order in which it was found."""
        return self._standing.all()

    def of_files(self, errors: Iterable[NekoError]) -> None:
        """These faults of files stand from now on."""
        for error in errors:
            self._standing.stand(fault_of(error))

    def of_values(self, file: str, errors: Iterable[NekoError]) -> None:
        """What cannot be used in a file now; what could not before, and can, is over."""
        now = {fault.id: fault for fault in map(fault_of, errors)}
        for fault in self._standing.all():
            is_value = fault.aside is None and Path(str(fault.error.params.get("file", ""))).name == file
            if is_value and fault.id not in now:
                self._standing.over(fault.id)
        for fault in now.values():
            self._standing.stand(fault)

    async def dismiss(self, fault_id: str) -> None:
        """The user keeps what is in force: it is told no more. A file that was set aside stays on disk.

        Raises ``InputError`` for what ends only when its cause does.
        """
        fault = self._standing.get(fault_id)
        if fault is None or not fault.dismissible:
            raise InputError("nothing of this name can be dismissed", reason="unknown_fault")
        if fault.aside is not None:
            await in_thread(set_aside.dismiss, fault.aside)
        self._standing.over(fault_id)

    def _tell(self, fault: Fault) -> None:
        """On the terminal once, however many characters it befalls for the same reason."""
        notice = i18n.describe(fault.error, self._language())
        if fault.error.sentence == TakenOverError.code:
            logger.info("%s", notice.text)
        elif not any(other.is_like(fault) for other in self._standing.all() if other.id != fault.id):
            logger.error("%s %s", notice.text, notice.remedy)
        for name, manager in self._conversations.opened.items():
            if fault.concerns(name):
                manager.tell(partial(status_of_fault, fault))

    def _tell_over(self, fault: Fault) -> None:
        for name, manager in self._conversations.opened.items():
            if fault.concerns(name):
                manager.emit(FaultOver(fault.id))


def fault_of(error: NekoError) -> Fault:
    """The fault that an error of a file is; a file that was set aside is named by its name there."""
    file, kept = (Path(str(error.params.get(name, ""))) for name in ("file", "kept"))
    if kept.name and kept != file:
        return Fault(kept.name, error, set_aside.character_of(kept), kept)
    about = error.params.get("key") or error.params.get("name") or ""
    character = set_aside.character_of(file) if file.name else None
    return Fault(f"{error.code}:{file.name}:{about}".rstrip(":"), error, character)
