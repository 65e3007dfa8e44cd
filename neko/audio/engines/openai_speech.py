"""Any server with OpenAI's ``POST {base}/audio/speech``, spoken as it comes in.

It is asked for ``pcm`` (16 bit, mono, 24 kHz). A server that has no such thing is asked for WAV or MP3, which is
remembered for that model and voice; what an answer holds is decided by its bytes (``decoder``).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from neko.audio.engines.decoder import SoundDecoder
from neko.audio.engines.service import ServiceClient, SpeechServer
from neko.audio.resample import PcmStream
from neko.errors import NekoError
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.providers.addresses import url_below
from neko.speech_errors import SpeechRefusedError, SpeechUnreadableError
from neko.tasks import in_thread
from neko.types.speech import Convert, SpeechCapabilities, Utterance, VoiceSettings

if TYPE_CHECKING:
    import httpx2

RATE = 24_000
DEFAULT_MODEL = "gpt-4o-mini-tts"
_DEFAULT_VOICE = "alloy"
_FORMATS: Final = ("pcm", "wav", "mp3", "")
"""The last: whatever the server has, not asked for."""
_ABOUT_FORMAT: Final = re.compile(rb"format|\bpcm\b|\bwav\b|\bmp3\b|codec|encoding", re.IGNORECASE)
_MAY_BE_FORMAT: Final = (400, 406, 415, 422, 500, 501)

_formats: WeakKeyDictionary[Network, dict[tuple[str, str, str], str]] = WeakKeyDictionary()
"""What servers have, by address, model and voice: a server may stand before several engines."""


class OpenAISpeech:
    """Speaks through ``endpoint``; one keep-alive client, made at first use."""

    def __init__(self, endpoint: ModelEndpoint, network: Network) -> None:
        self._endpoint = endpoint
        self._network = network
        self._server = SpeechServer(endpoint.provider_name, endpoint.base_url, endpoint.model, endpoint.api_key)
        self._http = ServiceClient(self._server, network)
        self._takes_speed = True
        self.capabilities = SpeechCapabilities("openai", RATE, local=False)

    async def prewarm(self, language: str = "") -> None:
        """Load what is needed, and see whether somebody is there; the server is not asked anything."""
        await self._http.reach()
        warm = PcmStream(RATE)
        await in_thread(warm.process, bytes(480))

    def expect(self, voice: VoiceSettings) -> None:
        """Connections are kept as they are."""

    async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """See ``SpeechEngine``; raises what ``Network`` does too. Closing the iterator closes the request."""
        http = await self._http.client()
        known = _formats.setdefault(self._network, {})
        refusal: NekoError | None = None
        asked = (self._url, self._endpoint.model, utterance.voice.voice)
        formats = sorted(_FORMATS, key=lambda name: name != known.get(asked))
        while formats:
            attempt = _Attempt(convert, self._body(utterance, formats[0]))
            async with contextlib.aclosing(self._attempt(http, attempt)) as pieces:
                async for piece in pieces:
                    yield piece
            if attempt.failure is None:
                known[asked] = formats[0]
                return
            refusal = refusal or attempt.failure
            if attempt.refuses_speed:
                self._takes_speed = False
            elif attempt.another_format_may_do:
                del formats[0]
            else:
                break
        known.pop(asked, None)
        if refusal is not None and not self._http.is_closed:
            raise refusal

    async def aclose(self) -> None:
        """Close every request and connection."""
        await self._http.aclose()

    async def _attempt(self, http: httpx2.AsyncClient, attempt: _Attempt) -> AsyncGenerator[bytes, None]:
        """Make one request; what goes wrong is left in ``attempt``."""
        try:
            async with (
                http.stream("POST", self._url, json=attempt.body, headers=self._server.authorization()) as answer,
                contextlib.aclosing(answer.aiter_bytes()) as chunks,
            ):
                if not answer.is_success:
                    words = await self._http.words(chunks)
                    attempt.fail(self._server.refused(answer.status_code, words), answer.status_code, words)
                    return
                attempt.decoder = SoundDecoder(attempt.convert, RATE, answer.headers.get("content-type", ""))
                while (chunk := await self._http.next(chunks, started=attempt.decoder.started)) is not None:
                    if piece := await in_thread(attempt.decoder.feed, chunk):
                        yield piece
            if piece := await in_thread(attempt.decoder.flush):
                yield piece
        except Exception as error:
            told = self._server.refused(200, attempt.text) if attempt.text else self._server.told(error)
            attempt.fail(told, 200, attempt.text)

    # ── what is asked ─────────────────────────────────────────────────────────

    @property
    def _url(self) -> str:
        return url_below(self._endpoint.base_url, "audio/speech")

    def _body(self, utterance: Utterance, format_: str) -> dict[str, Any]:
        speed = utterance.voice.rate_within(0.25, 4.0)
        return {
            "model": self._endpoint.model,
            "input": utterance.text,
            "voice": utterance.voice.voice or _DEFAULT_VOICE,
            **({"response_format": format_} if format_ else {}),
            **({"speed": speed} if speed != 1.0 and self._takes_speed else {}),
        }


class _Attempt:
    """One request for an utterance: what decodes its answer, and why it failed."""

    def __init__(self, convert: Convert, body: dict[str, Any]) -> None:
        self.convert = convert
        self.body = body
        self.decoder: SoundDecoder | None = None
        self.failure: NekoError | None = None
        self.another_format_may_do = False
        self.refuses_speed = False

    @property
    def text(self) -> bytes:
        return self.decoder.text if self.decoder else b""

    def fail(self, failure: NekoError, status: int, words: bytes) -> None:
        """``words``: what the server said in place of sound. Without any, it may be the format all the same."""
        self.failure = failure
        if isinstance(failure, SpeechRefusedError):
            self.refuses_speed = "speed" in self.body and b"speed" in words
            about_format = _ABOUT_FORMAT.search(words) is not None or (not words and status < 500)
            self.another_format_may_do = about_format and (status == 200 or status in _MAY_BE_FORMAT)
        elif isinstance(failure, SpeechUnreadableError) and self.decoder is not None:
            self.another_format_may_do = not self.decoder.started and not self.decoder.empty
