"""CogTTS of Zhipu AI (``contract/tts.md`` §4.4): server-sent events with bare sound in base64.

https://docs.bigmodel.cn/cn/guide/models/sound-and-video/cogtts
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, ClassVar, Final

from neko.audio.engines.http_speech import HttpSpeech, objects_in
from neko.audio.engines.service import from_base64
from neko.providers.addresses import url_below
from neko.types.speech import Utterance

if TYPE_CHECKING:
    import httpx2

DEFAULT_VOICE: Final = "tongtong"
_LONGEST: Final = 1024


class CogTTS(HttpSpeech):
    """Sound begins before the sentence is whole."""

    kind: ClassVar[str] = "cogtts"
    rate: ClassVar[int] = 24_000

    async def _request(self, client: httpx2.AsyncClient, utterance: Utterance) -> httpx2.Request:
        body = {
            "model": self._server.model,
            "input": utterance.text[:_LONGEST],
            "voice": utterance.voice.voice or DEFAULT_VOICE,
            "response_format": "pcm",
            "encode_format": "base64",
            "speed": utterance.voice.rate_within(0.5, 2.0),
            "volume": 1.0,
            "stream": True,
        }
        url = url_below(self._server.url, "audio/speech")
        return client.build_request("POST", url, json=body, headers=self._server.authorization())

    async def _sound(self, request: httpx2.Request, client: httpx2.AsyncClient) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._events(request, client)) as events:
            async for event in events:
                for choice in objects_in(event, "choices"):
                    delta = choice.get("delta")
                    if isinstance(delta, dict) and (content := delta.get("content")):
                        yield from_base64(content)
