"""Speech services that are asked by one HTTP request an utterance, over connections that are kept."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar, cast

from neko.audio.engines.decoder import SoundDecoder
from neko.audio.engines.service import ServiceClient, SpeechServer
from neko.audio.resample import PcmStream
from neko.net import Network
from neko.tasks import in_thread
from neko.types.speech import Convert, SpeechCapabilities, Utterance, VoiceSettings

if TYPE_CHECKING:
    import httpx2


class HttpSpeech(ABC):
    """What the services differ in: ``_request`` and ``_sound``. ``rate``: of what comes bare."""

    kind: ClassVar[str]
    rate: ClassVar[int]

    def __init__(self, server: SpeechServer, network: Network, voice: VoiceSettings | None = None) -> None:
        self._server = server
        self._http = ServiceClient(server, network)
        self.capabilities = SpeechCapabilities(self.kind, self.rate, local=False)

    async def prewarm(self, language: str = "") -> None:
        """Load what is needed, and see whether somebody is there."""
        await self._http.reach()
        await in_thread(PcmStream(self.rate).process, bytes(480))

    def expect(self, voice: VoiceSettings) -> None:
        """Connections are kept as they are."""
        return

    async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """See ``SpeechEngine``; raises what ``Network`` does too. Closing the iterator closes the request."""
        decoder = SoundDecoder(convert, self.rate)
        try:
            client = await self._http.client()
            async with aclosing(self._sound(await self._request(client, utterance), client)) as sounds:
                async for sound in sounds:
                    if piece := await in_thread(decoder.feed, sound):
                        yield piece
            if piece := await in_thread(decoder.flush):
                yield piece
        except Exception as error:
            if self._http.is_closed and decoder.started:
                return
            if decoder.text:
                raise self._server.refused(200, decoder.text) from error
            raise self._server.told(error) from error

    async def aclose(self) -> None:
        """Close every request and connection."""
        await self._http.aclose()

    @abstractmethod
    async def _request(self, client: httpx2.AsyncClient, utterance: Utterance) -> httpx2.Request:
        """What is asked for the sound of an utterance."""

    async def _sound(self, request: httpx2.Request, client: httpx2.AsyncClient) -> AsyncGenerator[bytes, None]:
        """The sound of an answer as it comes: its bytes."""
        answer = await self._answer(request, client)
        started = False
        async with aclosing(answer), aclosing(answer.aiter_bytes()) as chunks:
            while (chunk := await self._http.next(chunks, started=started)) is not None:
                started = True
                yield chunk

    async def _events(self, request: httpx2.Request, client: httpx2.AsyncClient) -> AsyncGenerator[Any, None]:
        """The JSON of an answer in server-sent events of one line each; what is no JSON is the provider's words."""
        answer = await self._answer(request, client)
        started = False
        async with aclosing(answer), aclosing(cast("AsyncGenerator[str, None]", answer.aiter_lines())) as lines:
            while (line := await self._http.next(lines, started=started)) is not None:
                started = True
                if line.startswith("data:") and (data := line[5:].strip()) != "[DONE]":
                    yield self._json(data)
                elif line.startswith(("{", "<")):
                    raise self._server.refused(answer.status_code, line.encode())

    async def _answer(self, request: httpx2.Request, client: httpx2.AsyncClient) -> httpx2.Response:
        """An answer that is none of an error; raises what it says otherwise."""
        async with self._http.deadline():
            answer = await client.send(request, stream=True)
        if answer.is_success:
            return answer
        async with aclosing(answer), aclosing(answer.aiter_bytes()) as chunks:
            raise self._server.refused(answer.status_code, await self._http.words(chunks))

    def _json(self, text: str) -> Any:
        try:
            value = json.loads(text)
        except ValueError:
            raise self._server.refused(200, text.encode()) from None
        if isinstance(value, dict) and value.get("error"):
            raise self._server.refused(200, text.encode())
        return value


def objects_in(node: Any, name: str) -> list[dict[str, Any]]:
    """The objects in the list ``name`` of a piece of an answer; whatever else is there is passed over."""
    found = node.get(name) if isinstance(node, dict) else None
    return [value for value in found if isinstance(value, dict)] if isinstance(found, list) else []
