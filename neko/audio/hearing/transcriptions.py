"""Any server with OpenAI's ``POST {base}/audio/transcriptions``: a WAV from memory in, words out.

What the server does not take of the optional fields is left out and remembered; the answer is JSON of any known shape
or plain text.
"""

from __future__ import annotations

import asyncio
import io
import math
import wave
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from neko.audio.hearing.buffered import BufferedRecognition
from neko.errors import (
    HearingError,
    HearingRefusedError,
    HearingSilentError,
    ModelKeyLetterError,
    NekoError,
)
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.providers.addresses import url_below
from neko.providers.error_body import decoded_body, read_error, without_key
from neko.settings import is_near
from neko.settings.pasted import odd_character
from neko.types.hearing import HEARING_RATE, Heard, HearingCapabilities, HearingHints
from neko.well_formed import load_json, well_formed

if TYPE_CHECKING:
    import httpx2

_CONNECT_TIMEOUT_S = 5.0
_ANSWER_TIMEOUT_S = 15.0
_ANSWER_NEAR_TIMEOUT_S = 60.0
"""A server of one's own loads its model first."""
_LONGEST_ANSWER = 1_000_000
_OPTIONAL: Final = ("response_format", "language", "prompt")
_FIELD_REFUSED: Final = (400, 406, 415, 422, 500, 501)


class TranscriptionServer:
    """Recognises by ``endpoint``; one keep-alive client, made at first use."""

    def __init__(self, endpoint: ModelEndpoint, network: Network) -> None:
        host = urlsplit(endpoint.base_url).hostname or ""
        near = is_near(host)
        self.capabilities = HearingCapabilities(endpoint.provider_name, local=near)
        self._endpoint = endpoint
        self._network = network
        self._timeout_s = _ANSWER_NEAR_TIMEOUT_S if near else _ANSWER_TIMEOUT_S
        self._client: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()
        self._left_out: set[str] = set()
        self._closed = False

    async def prewarm(self) -> None:
        """Make the client; the server is not asked anything."""
        await self._http()

    def begin(self, utterance_id: str, hints: HearingHints) -> BufferedRecognition:
        return BufferedRecognition(utterance_id, hints, self._transcribe)

    async def aclose(self) -> None:
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _http(self) -> httpx2.AsyncClient:
        async with self._opening:
            if self._client is None and not self._closed:
                self._client = await self._network.http_client(
                    "hearing",
                    self._endpoint.base_url,
                    connect_timeout_s=_CONNECT_TIMEOUT_S,
                    read_timeout_s=self._timeout_s,
                )
            if self._closed or self._client is None:
                await self.aclose()
                raise HearingError("the recogniser is closed", **self._who)
            return self._client

    async def _transcribe(self, pcm: bytes, hints: HearingHints) -> Heard:
        http = await self._http()
        recording = as_wav(pcm)
        while True:
            fields = {name: value for name, value in self._fields(hints).items() if name not in self._left_out}
            status, kind, body = await self._ask(http, recording, fields)
            if 200 <= status < 300:
                return self._read(body, kind)
            lowered = body.decode("utf-8", "replace").lower()
            refused = {name for name in _OPTIONAL if name in fields and name in lowered}
            if status not in _FIELD_REFUSED or not refused:
                raise self._refusal(status, body)
            self._left_out |= refused

    async def _ask(self, http: httpx2.AsyncClient, recording: bytes, fields: dict[str, str]) -> tuple[int, str, bytes]:
        import httpx2

        url = url_below(self._endpoint.base_url, "audio/transcriptions")
        files = {"file": ("speech.wav", recording, "audio/wav")}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                http.stream("POST", url, data=fields, files=files, headers=self._headers) as answer,
            ):
                body = b""
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > _LONGEST_ANSWER:
                        raise HearingError("an answer without end", **self._who)
                return answer.status_code, answer.headers.get("content-type", ""), body
        except NekoError:
            raise
        except (httpx2.ConnectError, httpx2.TimeoutException, TimeoutError) as error:
            raise HearingSilentError(f"no answer: {type(error).__name__}", **self._who) from error
        except httpx2.HTTPError as error:
            raise HearingError(f"the connection broke: {type(error).__name__}", **self._who) from error

    def _fields(self, hints: HearingHints) -> dict[str, str]:
        language = hints.language.split("-")[0].lower()
        whisper = "whisper" in self._endpoint.model.lower()  # only these tell how likely it was no speech
        return {
            "model": self._endpoint.model,
            "response_format": "verbose_json" if whisper else "json",
            **({"language": language} if language else {}),
            **({"prompt": ", ".join(hints.vocabulary)} if hints.vocabulary else {}),
        }

    @property
    def _headers(self) -> dict[str, str]:
        key = self._endpoint.api_key
        if (odd := odd_character(key)) is not None:
            raise ModelKeyLetterError("not a key", provider=self._endpoint.provider_name, **self._who, **odd)
        return {"Authorization": f"Bearer {key}"} if key else {}

    @property
    def _who(self) -> dict[str, str]:
        return {"engine": self._endpoint.provider_name, "model": self._endpoint.model}

    def _refusal(self, status: int, body: bytes) -> HearingError:
        error = HearingRefusedError(f"the server answered {status}", **self._who, status=status)
        error.said = without_key(read_error(decoded_body(body)).said, self._endpoint.api_key) or f"HTTP {status}"
        return error

    def _read(self, body: bytes, kind: str) -> Heard:
        text = body.decode("utf-8", "replace").strip()
        try:
            answer = load_json(text)
        except (ValueError, RecursionError):
            if text.startswith("<") or "html" in kind:
                raise self._refusal(200, body) from None
            return Heard("", text, True)
        if isinstance(answer, dict) and isinstance(answer.get("text"), str):
            return _heard(answer)
        if isinstance(answer, str):
            return Heard("", well_formed(answer).strip(), True)
        raise self._refusal(200, body)


def _heard(answer: dict[str, Any]) -> Heard:
    """``verbose_json`` tells of each segment how likely it was no speech, and how sure its words are."""
    listed = answer.get("segments")
    segments = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    no_speech = [value for one in segments if isinstance(value := one.get("no_speech_prob"), int | float)]
    sure = [value for one in segments if isinstance(value := one.get("avg_logprob"), int | float)]
    language = answer.get("language")
    return Heard(
        "",
        well_formed(answer["text"]).strip(),
        True,
        language if isinstance(language, str) else "",
        math.exp(min(0.0, min(sure))) if sure else None,
        min(1.0, max(0.0, min(no_speech))) if no_speech else 0.0,
    )


def as_wav(pcm: bytes) -> bytes:
    """PCM16 mono at ``HEARING_RATE`` as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(HEARING_RATE)
        out.writeframes(pcm)
    return file.getvalue()
