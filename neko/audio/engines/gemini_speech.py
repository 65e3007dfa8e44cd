"""Gemini's speech (``contract/tts.md`` §4.6), streamed: server-sent events with bare sound in base64.

https://ai.google.dev/gemini-api/docs/speech-generation
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar, Final

from neko.audio.engines.http_speech import HttpSpeech, objects_in
from neko.audio.engines.service import from_base64
from neko.types.speech import Utterance

if TYPE_CHECKING:
    import httpx2

DEFAULT_VOICE: Final = "Leda"


class GeminiSpeech(HttpSpeech):
    """Pace and pitch are not to be set; the model is told in words, which it may read aloud, so it is not."""

    kind: ClassVar[str] = "gemini"
    rate: ClassVar[int] = 24_000

    async def _request(self, client: httpx2.AsyncClient, utterance: Utterance) -> httpx2.Request:
        voice = {"prebuiltVoiceConfig": {"voiceName": utterance.voice.voice or DEFAULT_VOICE}}
        body = {
            "contents": [{"parts": [{"text": utterance.text}]}],
            "generationConfig": {"responseModalities": ["AUDIO"], "speechConfig": {"voiceConfig": voice}},
        }
        url = f"{self._server.url}/models/{self._server.model}:streamGenerateContent?alt=sse"
        self._server.authorization()
        return client.build_request("POST", url, json=body, headers={"x-goog-api-key": self._server.key})

    async def _sound(self, request: httpx2.Request, client: httpx2.AsyncClient) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._events(request, client)) as events:
            async for event in events:
                for data in _inline(event):
                    yield from_base64(data)


def _inline(event: Any) -> Iterator[Any]:
    for candidate in objects_in(event, "candidates"):
        for part in objects_in(candidate.get("content"), "parts"):
            inline = part.get("inlineData")
            if isinstance(inline, dict):
                yield inline.get("data", "")
