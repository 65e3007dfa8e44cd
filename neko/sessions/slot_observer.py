"""Who is told what becomes of the sessions of a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from neko.errors import NekoError
from neko.sessions.log_writer import TextRequest
from neko.sessions.said_lines import ReadLines
from neko.sessions.session_handle import SessionHandle
from neko.types.lines import NewLine
from neko.types.model_session import ModelEvent


class SlotObserver(Protocol):
    """Every call returns at once.

    ``voice_name``: the character's voice. ``pending``: typed words that a session for text will be sent, in order.
    ``unkept``: what was said last and memory does not hold yet.
    """

    @property
    def voice_name(self) -> str: ...

    @property
    def pending(self) -> Sequence[TextRequest]: ...

    @property
    def unkept(self) -> Sequence[NewLine]: ...

    def contradicts(self, read: ReadLines) -> bool:
        """Has a line that was read got other words since?"""
        ...

    def on_session_starting(self) -> None:
        """Another session is being prepared."""
        ...

    def on_session_ready(self, handle: SessionHandle, *, follows: bool) -> None:
        """This one answers from now on; ``follows``: in place of one whose talk it goes on with, unnoticed."""
        ...

    def on_successor_ready(self, handle: SessionHandle) -> None:
        """What was to be prepared waits for ``take_over``, or for somebody to ask for it."""
        ...

    def on_successor_wanted(self) -> None:
        """The current session is asked nothing more, and words wait."""
        ...

    def on_successor_failed(self) -> None:
        """It could not be had, or is lost; the current one goes on."""
        ...

    def on_session_unavailable(self) -> None:
        """The start has failed, which has been told, or was given up; the one before, if any, goes on."""
        ...

    def on_session_gone(self, handle: SessionHandle) -> None:
        """This one answers no more, and there is no other."""
        ...

    def on_session_broken(self, handle: SessionHandle, error: NekoError) -> bool:
        """This one broke off, and a successor is about to take over, or will be told of with ``on_session_lost``.
        True when the user is told of a reply that it cost."""
        ...

    def on_session_lost(self, handle: SessionHandle, error: NekoError) -> None:
        """After it broke off: there is no other, and nothing has been told yet."""
        ...

    def on_session_event(self, session_id: str, event: ModelEvent) -> None:
        """An event of the session with this id."""
        ...
