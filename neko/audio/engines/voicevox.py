"""VOICEVOX on a machine of one's own: ``POST /audio_query``, then ``POST /synthesis``, a WAV; so do its relatives
(AivisSpeech, COEIROINK, SHAREVOX). A voice is the number of a style. https://voicevox.github.io/voicevox_engine/api/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from neko.audio.engines.http_speech import HttpSpeech
from neko.providers.addresses import url_below
from neko.speech_errors import SpeechUnreadableError
from neko.types.speech import Utterance

if TYPE_CHECKING:
    import httpx2

DEFAULT_VOICE: Final = "2"
"""Shikoku Metan, as she usually speaks."""
_PITCH_PER_SEMITONE: Final = 0.03
"""``pitchScale`` is small: its useful range is some -0.15 to 0.15."""


class Voicevox(HttpSpeech):
    """The engine makes a sentence as a whole; its WAV is played as it arrives."""

    kind: ClassVar[str] = "voicevox"
    rate: ClassVar[int] = 24_000

    async def _request(self, client: httpx2.AsyncClient, utterance: Utterance) -> httpx2.Request:
        voice = utterance.voice
        speaker = {"speaker": voice.voice if voice.voice.isdecimal() else DEFAULT_VOICE}
        url = url_below(self._server.url, "audio_query")
        asking = client.build_request("POST", url, params={"text": utterance.text, **speaker})
        answer = await self._answer(asking, client)
        try:
            async with self._http.deadline():
                await answer.aread()
            query = answer.json()
        except ValueError as error:
            raise SpeechUnreadableError("no query of VOICEVOX") from error
        finally:
            await answer.aclose()
        if not isinstance(query, dict):
            raise SpeechUnreadableError("no query of VOICEVOX")
        query["speedScale"] = voice.rate_within(0.5, 2.0)
        query["pitchScale"] = min(0.15, max(-0.15, _PITCH_PER_SEMITONE * voice.pitch))
        query["outputStereo"] = False
        return client.build_request("POST", url_below(self._server.url, "synthesis"), params=speaker, json=query)
