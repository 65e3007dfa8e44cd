"""Any server with OpenAI's ``POST {base}/audio/speech``, streamed as it is made.

It is asked for ``pcm`` (16 bit, mono, 24 kHz). A server that answers with WAV is understood too:
its header tells the rate, and a rate other than 24 kHz is converted.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any

from neko.audio.engines.wav import WavHeader
from neko.audio.resample import PcmStream
from neko.errors import SpeechError
from neko.providers import ModelEndpoint
from neko.types import Convert, SpeechCapabilities, Utterance

if TYPE_CHECKING:
    import httpx2

RATE = 24_000
_CONNECT = 5.0
_FIRST_BYTE = 15.0
_BETWEEN = 10.0
_CHUNK = 4800
DEFAULT_MODEL = "gpt-4o-mini-tts"
_DEFAULT_VOICE = "alloy"


class OpenAISpeech:
    """Speaks through ``endpoint``; one keep-alive client, made at first use."""

    def __init__(self, endpoint: ModelEndpoint) -> None:
        self._endpoint = endpoint
        self._client: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()
        self.capabilities = SpeechCapabilities("openai", RATE, local=False)

    async def prewarm(self) -> None:
        """Load the HTTP client; the server is not asked anything."""
        await self._http()

    async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """See ``SpeechEngine``; closing the iterator closes the request."""
        loop = asyncio.get_running_loop()
        http = await self._http()
        reader = _Reader(convert)
        try:
            async with http.stream("POST", self._url, json=self._body(utterance), headers=self._headers) as answer:
                if answer.status_code != 200:
                    raise self._refused(answer.status_code)
                async with contextlib.aclosing(answer.aiter_bytes(_CHUNK)) as chunks:
                    while (chunk := await self._next(chunks, started=reader.started)) is not None:
                        if piece := await loop.run_in_executor(None, reader.feed, chunk):
                            yield piece
            if piece := await loop.run_in_executor(None, reader.flush):
                yield piece
        except http_error() as error:
            raise SpeechError(f"the speech server failed: {type(error).__name__}", **self._who) from error

    async def aclose(self) -> None:
        """Close every request and connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _http(self) -> httpx2.AsyncClient:
        async with self._opening:
            if self._client is None:
                module: Any = await asyncio.to_thread(importlib.import_module, "httpx2")
                timeout = module.Timeout(_FIRST_BYTE, connect=_CONNECT)
                client: httpx2.AsyncClient = await asyncio.to_thread(module.AsyncClient, timeout=timeout)
                self._client = client
            return self._client

    async def _next(self, chunks: AsyncIterator[bytes], *, started: bool) -> bytes | None:
        try:
            async with asyncio.timeout(_BETWEEN if started else _FIRST_BYTE):
                return await anext(chunks, None)
        except TimeoutError:
            raise SpeechError("the speech server went silent", **self._who) from None

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

    def _refused(self, status: int) -> SpeechError:
        return SpeechError(f"the speech server answered {status}", status=status, **self._who)


class _Reader:
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
            rate = self._header.rate or RATE
            self._to_engine_rate = PcmStream(rate, RATE) if rate != RATE else None
        if self._to_engine_rate is not None:
            pcm = self._to_engine_rate.process(pcm)
        return self._convert(pcm) if pcm else b""

    def flush(self) -> bytes:
        return self._convert(self._to_engine_rate.flush()) if self._to_engine_rate else b""


def http_error() -> type[Exception]:
    """The base of what the HTTP client raises; it is loaded by the time this is asked."""
    error: type[Exception] = importlib.import_module("httpx2").HTTPError
    return error
