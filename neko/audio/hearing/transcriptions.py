"""Any server with OpenAI's ``POST {base}/audio/transcriptions``: a WAV from memory in, words out.

https://platform.openai.com/docs/api-reference/audio/createTranscription. What the server does not take of the optional
fields is left out and remembered; the answer is JSON of any known shape or plain text.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from neko.audio.hearing.buffered import BufferedRecognition
from neko.audio.wav import as_wav
from neko.errors import HearingError, ModelAddressError, ModelKeyLetterError, NekoError
from neko.hearing_errors import (
    HearingCutError,
    HearingKeyError,
    HearingRefusedError,
    HearingSilentError,
    HearingUnreadableError,
)
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.providers.addresses import url_below
from neko.providers.error_body import decoded_body, is_error, read_error, without_key
from neko.settings import is_loopback, is_near
from neko.settings.pasted import odd_character
from neko.types.hearing import HEARING_RATE, Heard, HearingCapabilities, HearingHints
from neko.well_formed import well_formed

if TYPE_CHECKING:
    import httpx2

_CONNECT_TIMEOUT_S = 5.0
_ANSWER_TIMEOUT_S = 15.0
_ANSWER_NEAR_TIMEOUT_S = 60.0
"""A server of one's own loads its model first."""
_LONGEST_ANSWER = 1_000_000
_OPTIONAL: Final = ("response_format", "language", "prompt")
_FIELD_REFUSED: Final = (400, 406, 415, 422, 500, 501)


_LONGEST_PROMPT = 200
_TEXTS: Final = ("text", "transcript", "result")
_CODE: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]+)*")
_LANGUAGES: Final = {
    "english": "en",
    "chinese": "zh",
    "mandarin": "zh",
    "cantonese": "yue",
    "japanese": "ja",
    "korean": "ko",
    "german": "de",
    "french": "fr",
    "spanish": "es",
    "italian": "it",
    "portuguese": "pt",
    "russian": "ru",
}
"""``verbose_json`` names the language in English."""
_NO_TEXT: Final = re.compile(r"[\x00-\x08\ufffd]")
_MARK: Final = re.compile(r"<\|[^|<>]{0,40}\|>")
"""SenseVoice's marks of language and mood, which some servers leave in."""


class TranscriptionServer:
    """Recognises by ``endpoint``; one keep-alive client, made at first use. ``language`` (BCP 47) is the one that the
    user chose; without it an utterance's hint counts."""

    def __init__(self, endpoint: ModelEndpoint, network: Network, language: str = "") -> None:
        host = urlsplit(endpoint.base_url).hostname or ""
        self._timeout_s = _ANSWER_NEAR_TIMEOUT_S if is_near(host) else _ANSWER_TIMEOUT_S
        self.capabilities = HearingCapabilities(
            endpoint.provider_name, local=is_loopback(host), deadline_s=self._timeout_s
        )
        self._language = language
        self._endpoint = endpoint
        self._network = network
        self._client: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()
        self._left_out: set[str] = set()
        self._closed = False

    async def prewarm(self) -> None:
        """Make the client; the server is not asked anything."""
        await self._http()

    def begin(self, utterance_id: str, hints: HearingHints) -> BufferedRecognition:
        return BufferedRecognition(self.capabilities, utterance_id, hints, self._transcribe)

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
        recording = as_wav(pcm, HEARING_RATE)
        while True:
            fields = {name: value for name, value in self._fields(hints).items() if name not in self._left_out}
            status, kind, body = await self._ask(http, recording, fields)
            decoded = decoded_body(body)
            refused_in_200 = isinstance(decoded, Mapping) and is_error(decoded)
            if 200 <= status < 300 and not refused_in_200:
                return self._read(decoded, kind)
            lowered = body.decode("utf-8", "replace").lower()
            refused = {name for name in _OPTIONAL if name in fields and name in lowered}
            if not refused or not (refused_in_200 or status in _FIELD_REFUSED):
                raise self._refusal(status, decoded)
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
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            provider = self._endpoint.provider_name
            raise ModelAddressError(type(error).__name__, provider=provider, model=self._endpoint.model) from error
        except (httpx2.ConnectError, httpx2.TimeoutException, TimeoutError) as error:
            raise HearingSilentError(f"no answer: {type(error).__name__}", **self._who) from error
        except httpx2.HTTPError as error:
            raise HearingCutError(f"the connection broke: {type(error).__name__}", **self._who) from error

    def _fields(self, hints: HearingHints) -> dict[str, str]:
        language = (self._language or hints.language).partition("-")[0].lower()
        names = ", ".join(hints.vocabulary)[:_LONGEST_PROMPT]
        whisper = "whisper" in self._endpoint.model.lower()  # only these tell how likely it was no speech
        return {
            "model": self._endpoint.model,
            "response_format": "verbose_json" if whisper else "json",
            **({"language": language} if language else {}),
            **({"prompt": names} if names else {}),
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

    def _refusal(self, status: int, decoded: object) -> HearingError:
        kind = HearingKeyError if status in (401, 403) else HearingRefusedError
        error = kind(f"the server answered {status}", **self._who, status=status)
        error.said = without_key(read_error(decoded).said, self._endpoint.api_key) or f"HTTP {status}"
        return error

    def _read(self, decoded: object, kind: str) -> Heard:
        if isinstance(decoded, list) and decoded:
            decoded = decoded[0]
        if isinstance(decoded, Mapping) and (heard := _heard(decoded)):
            return heard
        is_text = isinstance(decoded, str) and "html" not in kind and not _NO_TEXT.search(decoded)
        if isinstance(decoded, str) and is_text and not read_error(decoded).is_page:
            return Heard("", _words(decoded), True)
        error = HearingUnreadableError("no words in the answer", **self._who)
        said = read_error(decoded).said
        error.said = "" if _NO_TEXT.search(said) else without_key(said, self._endpoint.api_key)
        raise error


def _heard(answer: Mapping[str, Any]) -> Heard | None:
    """``verbose_json`` tells of each segment how likely it was no speech, and how sure its words are. None without
    words, which an empty text is not."""
    listed = answer.get("segments")
    segments = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    text = next((answer[name] for name in _TEXTS if isinstance(answer.get(name), str)), None)
    if text is None and segments:
        text = " ".join(str(one.get("text", "")).strip() for one in segments)
    if text is None:
        return None
    no_speech, sure = _numbers(segments, "no_speech_prob"), _numbers(segments, "avg_logprob")
    return Heard(
        "",
        _words(text),
        True,
        _language(answer.get("language")),
        math.exp(min(0.0, sum(sure) / len(sure))) if sure else None,
        min(1.0, max(0.0, min(no_speech))) if no_speech else 0.0,
    )


def _numbers(segments: list[Mapping[str, Any]], name: str) -> list[float]:
    return [float(value) for one in segments if isinstance(value := one.get(name), int | float)]


def _words(text: str) -> str:
    return " ".join(well_formed(_MARK.sub("", text)).split())


def _language(value: object) -> str:
    name = value.strip().lower() if isinstance(value, str) else ""
    return _LANGUAGES.get(name) or (name if _CODE.fullmatch(name) else "")
