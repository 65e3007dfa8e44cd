"""Any server with OpenAI's ``POST {base}/audio/speech``, streamed as it is made.

It is asked for ``pcm`` (16 bit, mono, 24 kHz). A server that answers with WAV is understood too:
its header tells the rate, and a rate other than 24 kHz is converted.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any

from neko.audio.engines.wav import WavHeader
from neko.audio.resample import PcmStream
from neko.errors import NekoError, SpeechError
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.tasks import in_thread
from neko.types.speech import Convert, SpeechCapabilities, Utterance

if TYPE_CHECKING:
    import httpx2

RATE = 24_000
_CONNECT_TIMEOUT_S = 5.0
_FIRST_BYTE_TIMEOUT_S = 15.0
_BETWEEN_CHUNKS_TIMEOUT_S = 10.0
DEFAULT_MODEL = "gpt-4o-mini-tts"
_NOT_PCM = ("application/json", "text/", "audio/mpeg", "audio/ogg", "audio/opus", "audio/flac", "audio/aac")
_DEFAULT_VOICE = "alloy"


class OpenAISpeech:
    """Speaks through ``endpoint``; one keep-alive client, made at first use."""

    def __init__(self, endpoint: ModelEndpoint, network: Network) -> None:
        self._endpoint = endpoint
        self._network = network
        self._client: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self.capabilities = SpeechCapabilities("openai", RATE, local=False)

    async def prewarm(self, language: str = "") -> None:
        """Load the HTTP client and the sample-rate converter; the server is not asked anything."""
        await self._http()
        warm = PcmStream(RATE)
        await in_thread(warm.process, bytes(480))

    async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """See ``SpeechEngine``; raises what ``Network`` does too. Closing the iterator closes the request."""
        http = await self._http()
        decoder = _SoundDecoder(convert)
        try:
            async with http.stream("POST", self._url, json=self._body(utterance), headers=self._headers) as answer:
                self._check(answer)
                async with contextlib.aclosing(answer.aiter_bytes()) as chunks:
                    while (chunk := await self._next(chunks, started=decoder.started)) is not None:
                        if piece := await in_thread(decoder.feed, chunk):
                            yield piece
            if piece := await in_thread(decoder.flush):
                yield piece
        except SpeechError as error:
            raise SpeechError(str(error), **{**self._who, **error.params}) from error
        except NekoError:
            raise
        except Exception as error:
            if self._closed:
                return
            raise SpeechError(f"the speech server failed: {type(error).__name__}", **self._who) from error

    async def aclose(self) -> None:
        """Close every request and connection."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _http(self) -> httpx2.AsyncClient:
        async with self._opening:
            if self._client is None and not self._closed:
                self._client = await self._network.http_client(
                    "speech",
                    self._endpoint.base_url,
                    connect_timeout_s=_CONNECT_TIMEOUT_S,
                    read_timeout_s=_FIRST_BYTE_TIMEOUT_S,
                )
            if self._closed or self._client is None:
                await self.aclose()
                raise SpeechError("the voice is closed", **self._who)
            return self._client

    async def _next(self, chunks: AsyncIterator[bytes], *, started: bool) -> bytes | None:
        try:
            async with asyncio.timeout(_BETWEEN_CHUNKS_TIMEOUT_S if started else _FIRST_BYTE_TIMEOUT_S):
                return await anext(chunks, None)
        except TimeoutError:
            raise SpeechError("the speech server went silent") from None

    @property
    def _who(self) -> dict[str, str]:
        return {"engine": self._endpoint.provider_name, "model": self._endpoint.model}

    @property
    def _url(self) -> str:
        return f"{self._endpoint.base_url}/audio/speech"

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._endpoint.api_key}"} if self._endpoint.api_key else {}

    def _body(self, utterance: Utterance) -> dict[str, Any]:
        return {
            "model": self._endpoint.model,
            "input": utterance.text,
            "voice": utterance.voice.voice or _DEFAULT_VOICE,
            "response_format": "pcm",
            "speed": min(4.0, max(0.25, utterance.voice.rate)),
        }

    def _check(self, answer: httpx2.Response) -> None:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if answer.status_code != 200:
            raise SpeechError(f"the speech server answered {answer.status_code}", status=answer.status_code)
        if kind.startswith(_NOT_PCM):
            raise SpeechError(f"the speech server answered with {kind}")


class _SoundDecoder:
    """Bytes of an answer, PCM or WAV, to converted sound."""

    def __init__(self, convert: Convert) -> None:
        self._convert = convert
        self._header = WavHeader()
        self._to_engine_rate: PcmStream | None = None
        self.started = False

    def feed(self, chunk: bytes) -> bytes:
        pcm = self._header.feed(chunk)
        if pcm and not self.started:
            self.started = True
            self._to_engine_rate = PcmStream(self._header.rate or RATE, RATE)
        return self._convert_pcm(self._to_engine_rate.process(pcm)) if self._to_engine_rate else b""

    def flush(self) -> bytes:
        rest = self.feed(self._header.flush())
        return rest + (self._convert_pcm(self._to_engine_rate.flush()) if self._to_engine_rate else b"")

    def _convert_pcm(self, pcm: bytes) -> bytes:
        return self._convert(pcm) if pcm else b""
