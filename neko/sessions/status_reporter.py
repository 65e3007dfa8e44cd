"""Tells the clients of a conversation what went wrong and what to do, in the reader's language."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Literal

from neko.errors import MemorySlowError, ModelTimeoutError, NekoError
from neko.faults import Fault
from neko.i18n import Notice, describe, notice
from neko.sessions.clients import Clients
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.events import Event, Status
from neko.sessions.turn_effects import LONG_WAIT_S, Step

_MOST_TOLD: Final = 32


def status_of(error: NekoError, language: str) -> Status:
    """What to tell a client about an error."""
    return _status(describe(error, language, files_by_name=True), "error")


def status_of_fault(fault: Fault, language: str) -> Status:
    """What to tell a client about something that stays wrong."""
    return replace(status_of(fault.error, language), fault=fault.id, dismissible=fault.dismissible)


class StatusReporter:
    """Each client is told in its own language; ``language()`` is that of the conversation, asked each time.

    ``keeping``: the owner is away for a moment; the last error that it misses is kept for ``missed``.
    """

    def __init__(self, clients: Clients, language: Callable[[], str]) -> None:
        self._clients = clients
        self._language = language
        self._missed: NekoError | None = None
        self._told: deque[tuple[str, str]] = deque(maxlen=_MOST_TOLD)
        self.keeping = False

    def report(self, error: NekoError, *, level: Literal["info", "error"] = "error") -> None:
        """Tell of an error."""
        if self.keeping and level == "error":
            self._missed = error
        self.tell(lambda language: _status(describe(error, language, files_by_name=True), level))

    def report_once(self, error: NekoError) -> None:
        """Tell of an error that may come again with each session; the same one is told once a call."""
        told = error.code, error.said
        if told not in self._told:
            self._told.append(told)
            self.report(error, level="info")

    def call_begins(self) -> None:
        """What was told once may be told again."""
        self._told.clear()

    def missed(self, language: str) -> Status | None:
        """What the owner missed while it was away, once."""
        error, self._missed = self._missed, None
        return status_of(error, language) if error else None

    def report_retry(self, turn_id: str, error: NekoError, delay: float) -> None:
        """Tell what went wrong with a reply and that it is tried again by itself, after ``delay`` seconds."""

        def sentence(language: str) -> Status:
            cause = describe(error, language).text
            again = notice(_again(delay), language, {"cause": cause, "seconds": round(delay)})
            return Status(again.text, error.code, turn_id=turn_id, wait_s=delay)

        self.tell(sentence)

    def report_tries(self, error: NekoError) -> None:
        """Tell why a lost session has no successor yet, and that one is tried for again by itself."""

        def sentence(language: str) -> Status:
            cause = describe(error, language).text
            return Status(notice("retrying", language, {"cause": cause}).text, error.code)

        self.tell(sentence)

    def report_overdue(self, step: Step, dependencies: SessionDependencies) -> None:
        """Tell that a turn was given up in this step."""
        note = f"a turn was given up while {step.value}"
        if step is Step.COMMITTING:
            self.report(MemorySlowError(note, file="", reason="slow"))
            return
        label, timeouts = dependencies.label(), dependencies.timeouts.turn
        seconds = round(timeouts.silence_timeout_s if step is Step.REPLYING else timeouts.answer_timeout_s)
        self.report(ModelTimeoutError(note, model=label.model, provider=label.provider, seconds=seconds))

    def notify(self, code: str, *, level: Literal["info", "error"] = "info", **params: str | float) -> None:
        """Tell the sentence of a code."""
        self.tell(lambda language: _status(notice(code, language, params), level))

    def notify_of_reply(self, turn_id: str, code: str, params: Mapping[str, str | float], *, is_wait: bool) -> None:
        """Tell the sentence of a code about a reply; ``is_wait``: what it waits for, however long that takes."""
        wait_s = 0.0 if is_wait else None
        self.tell(
            lambda language: replace(_status(notice(code, language, params), "info"), turn_id=turn_id, wait_s=wait_s)
        )

    def tell(self, sentence: Callable[[str], Event]) -> None:
        """Send an event that holds a sentence, made for the language of each client."""
        self._clients.tell(sentence, self._language())


def _again(delay: float) -> str:
    return "retrying" if delay < LONG_WAIT_S else "retrying_later"


def _status(text: Notice, level: Literal["info", "error"]) -> Status:
    return Status(text.whole, text.code, text.remedy, text.link, level)
