"""What a client sends of a call: sound, words that it has recognised itself, the key to talk, what it has played."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final

from neko.i18n import notice
from neko.sessions.actions import HeardOnPage, Mode, MuteMicrophone, PushToTalk, ReduceNoise, ReportPlayback, SendAudio
from neko.sessions.events import AutoCloseMic, Event, MicrophoneMuted, SessionEndedByServer
from neko.sessions.microphone import Microphone
from neko.sessions.session_slot import ModelSessionSlot
from neko.sessions.status_reporter import StatusReporter
from neko.sessions.turn_controller import TurnController
from neko.types.model_session import (
    EndOfSpeech,
    HoldToTalk,
    ModelEvent,
    Playback,
    SpeechRejected,
    SpeechStarted,
    SpeechStopped,
    Transcript,
)

GONE_S: Final = 3.0
"""Without any sound for so long in the middle of an utterance it is over: whoever spoke has left, or was cut off."""

SpokenAction = SendAudio | MuteMicrophone | ReduceNoise | PushToTalk | HeardOnPage | ReportPlayback


class SpokenInput:
    """Brings the microphone, the session that hears and the turns together."""

    def __init__(
        self,
        microphone: Microphone,
        slot: ModelSessionSlot,
        turns: TurnController,
        status: StatusReporter,
        emit: Callable[[Event], None],
        quiet_timeout_s: float,
    ) -> None:
        self._microphone = microphone
        self._slot = slot
        self._turns = turns
        self._status = status
        self._emit = emit
        self._quiet_timeout_s = quiet_timeout_s
        self._quiet_since: float | None = None
        self._clock = asyncio.get_running_loop().time
        self._sound_at = -math.inf
        self._utterance_id: str | None = None
        """What is being said, as the session tells it."""
        self.held = False
        """Is the key to talk pressed?"""

    def on_model_event(self, event: ModelEvent) -> None:
        """The session tells how much of the sound no other one need hear again."""
        match event:
            case SpeechStarted(utterance_id):
                self._utterance_id = utterance_id
                self._look_for_sound(utterance_id)
            case SpeechStopped() | SpeechRejected() | Transcript(final=True):
                self._utterance_id = None
        match event:
            case SpeechStopped(utterance_id):
                self._microphone.over(utterance_id)
            case Transcript(utterance_id, final=True) | SpeechRejected(utterance_id):
                self._microphone.settle(utterance_id)

    def take(self, action: SpokenAction) -> None:
        """Take an action; never waits."""
        match action:
            case SendAudio(pcm, rate):
                self._sound_at = self._clock()
                if not self._is_too_quiet():
                    self._need("audio")
                    self._microphone.feed(pcm, rate)
            case ReportPlayback(speech_id, played_ms, state):
                self._turns.voice.playback(Playback(speech_id, played_ms, state))
            case MuteMicrophone(muted):
                self.mute(muted)
            case ReduceNoise(on):
                self._microphone.reduce_noise = on
            case PushToTalk(held):
                self.held = held
                if held:
                    self._need("audio")
                self._turns.send(HoldToTalk() if held else EndOfSpeech())
            case HeardOnPage():
                self._take_words(action)

    @property
    def muted(self) -> bool:
        """Is the microphone shut?"""
        return self._microphone.muted

    def mute(self, muted: bool) -> None:
        """Shut or open the microphone of this conversation, whoever sends sound; what was being said is over."""
        self._microphone.muted = muted
        if muted:
            self._turns.send(EndOfSpeech())
        self._emit(MicrophoneMuted(muted))

    def _look_for_sound(self, utterance_id: str) -> None:
        if self._utterance_id != utterance_id or self._turns.is_closed:
            return
        missing_s = self._clock() - self._sound_at
        if missing_s < GONE_S:
            asyncio.get_running_loop().call_later(GONE_S - missing_s, self._look_for_sound, utterance_id)
        elif self._sound_at > -math.inf and not self.held:
            self._turns.send(EndOfSpeech())

    def _is_too_quiet(self) -> bool:
        """Has nobody said anything for so long that the microphone is shut? The session stays as it is, unless its
        provider is to be spared."""
        now = asyncio.get_running_loop().time()
        current = self._slot.current
        spared_s = current.session.capabilities.quiet_timeout_s if current and current.mode == "audio" else None
        if self._quiet_since is None or not self._turns.is_idle:
            self._quiet_since = now
        elif now - self._quiet_since > min(self._quiet_timeout_s, spared_s or math.inf):
            self._quiet_since = None
            self._microphone.forget()
            self._status.tell(lambda language: AutoCloseMic(notice("quiet_call", language).text))
            if spared_s is not None:
                self._slot.drop()
                self._microphone.close()
                self._emit(SessionEndedByServer("audio"))
            return True
        return False

    def _take_words(self, heard: HeardOnPage) -> None:
        self._need("text")
        match heard.state:
            case "started":
                self._turns.heard.begin(SpeechStarted(heard.utterance_id))
            case "rejected":
                self._turns.heard.take(SpeechRejected(heard.utterance_id))
            case _:
                self._turns.heard.take(Transcript(heard.utterance_id, heard.text, heard.state == "final"))

    def _need(self, mode: Mode) -> None:
        if not self._slot.backing_off(mode):
            self._slot.need(mode)
