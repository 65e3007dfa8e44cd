"""What a client sends of a call: sound, words that it has recognised itself, the key to talk, what it has played."""

from __future__ import annotations

from collections.abc import Callable

from neko.sessions.actions import HeardOnPage, Mode, MuteMicrophone, PushToTalk, ReportPlayback, SendAudio
from neko.sessions.events import Event, MicrophoneMuted
from neko.sessions.microphone import Microphone
from neko.sessions.reply_voice import Playback
from neko.sessions.session_slot import ModelSessionSlot
from neko.sessions.turn_controller import TurnController
from neko.types.model_session import EndOfSpeech, HoldToTalk, SpeechRejected, SpeechStarted, Transcript

SpokenAction = SendAudio | MuteMicrophone | PushToTalk | HeardOnPage | ReportPlayback


class SpokenInput:
    """Brings the microphone, the session that hears and the turns together."""

    def __init__(
        self, microphone: Microphone, slot: ModelSessionSlot, turns: TurnController, emit: Callable[[Event], None]
    ) -> None:
        self._microphone = microphone
        self._slot = slot
        self._turns = turns
        self._emit = emit

    def take(self, action: SpokenAction) -> None:
        """Take an action; never waits."""
        match action:
            case SendAudio(pcm, rate):
                self._need("audio")
                self._microphone.feed(pcm, rate)
            case ReportPlayback(speech_id, played_ms, state):
                self._turns.voice.playback(Playback(speech_id, played_ms, state))
            case MuteMicrophone(muted):
                self.mute(muted)
            case PushToTalk(held):
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

    def _take_words(self, heard: HeardOnPage) -> None:
        self._need("text")
        match heard.state:
            case "started":
                self._turns.dispatch(SpeechStarted(heard.utterance_id))
            case "rejected":
                self._turns.on_heard(SpeechRejected(heard.utterance_id))
            case _:
                self._turns.on_heard(Transcript(heard.utterance_id, heard.text, heard.state == "final"))

    def _need(self, mode: Mode) -> None:
        if not self._slot.backing_off(mode):
            self._slot.need(mode)
