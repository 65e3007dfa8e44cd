"""Keeps what a client hears and sees from a conversation while the user wants to be neither heard nor seen."""

from __future__ import annotations

import asyncio
import math
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
from neko.sessions.clients import Clients
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.events import AutoCloseMic, PrivacyChanged, SessionFailed
from neko.sessions.microphone import Microphone
from neko.sessions.session_slot import ModelSessionSlot
from neko.sessions.status_reporter import StatusReporter
from neko.sessions.turn_controller import TurnController
from neko.sessions.visual_input import VisualInput
from neko.types.model_session import EndOfSpeech

TOLD_FOR_S: Final = 30.0
"""Seconds without anything blocked, after which the next is told again: a stream is one deed of its user."""


class Privacy:
    """The privacy switch in one conversation: what passes otherwise is dropped while it is on, and answered with a
    sentence."""

    def __init__(
        self,
        dependencies: SessionDependencies,
        clients: Clients,
        status: StatusReporter,
        visual_input: VisualInput,
        turns: TurnController,
        slot: ModelSessionSlot,
        microphone: Microphone,
    ) -> None:
        self._is_private = dependencies.is_private
        self._clients = clients
        self._status = status
        self._visual_input = visual_input
        self._turns = turns
        self._slot = slot
        self._microphone = microphone
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

    def follow(self) -> None:
        """The switch was moved: what listens and looks ends, or may begin again."""
        on, current = self._is_private(), self._slot.current
        self._last_blocked = -math.inf
        if on:
            self._microphone.forget()
            self._turns.send(EndOfSpeech())
            self._visual_input.clear()
        if on and current and current.mode == "audio":
            self._status.tell(lambda language: AutoCloseMic(notice("private_call", language).text))
        self._clients.emit(PrivacyChanged(on))

    def _tell(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._last_blocked > TOLD_FOR_S:
            self._status.notify("private")
        self._last_blocked = now
