"""Keeps what a client hears and sees from a conversation while the user wants to be neither heard nor seen."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final

from neko.i18n import notice
from neko.sessions.actions import (
    Action,
    HeardOnPage,
    PushToTalk,
    ScreenshotResponse,
    SendAudio,
    SendImage,
    Sharing,
    StartSession,
)
from neko.sessions.events import SessionFailed
from neko.sessions.status_reporter import StatusReporter

TOLD_FOR_S: Final = 30.0
"""Seconds without anything blocked, after which the next is told again: a stream is one deed of its user."""


class PrivacyGate:
    """``is_private``: the switch is on. What passes otherwise is dropped then, and answered with a sentence."""

    def __init__(self, is_private: Callable[[], bool], status: StatusReporter) -> None:
        self._is_private = is_private
        self._status = status
        self._last_blocked = -math.inf

    def blocks(self, action: Action) -> bool:
        """Is this to be dropped?"""
        if not self._is_private():
            return False
        match action:
            case StartSession("audio"):
                self._status.tell(lambda language: SessionFailed("audio", notice("private", language).whole))
                return True
            case SendAudio() | HeardOnPage() | SendImage(captured=True):
                self._tell()
                return True
            case PushToTalk(held) | Sharing(source=held):
                return bool(held)
            case ScreenshotResponse(jpeg):
                return jpeg is not None
        return False

    def forget(self) -> None:
        """The switch was moved: the next thing that is blocked is told."""
        self._last_blocked = -math.inf

    def _tell(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._last_blocked > TOLD_FOR_S:
            self._status.notify("private")
        self._last_blocked = now
