"""StepFun's speech over a WebSocket, and N.E.K.O.'s free service, which speaks the same (``contract/tts.md`` §4.1).

Each piece of sound is a complete WAV in base64. https://platform.stepfun.com/docs/zh/api-reference/audio/ws-audio
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from neko.audio.engines.service import from_base64
from neko.audio.engines.socket_speech import Line, SocketSpeech, as_object
from neko.types.speech import Utterance

DEFAULT_VOICE: Final = "qingchunshaonv"
_SLOWEST, _FASTEST = 0.5, 2.0
_OVER: Final = ("tts.response.audio.done", "tts.response.done")


class StepSpeech(SocketSpeech):
    """A connection is greeted with its voice and pace, and serves one utterance."""

    kind: ClassVar[str] = "step"
    rate: ClassVar[int] = 24_000

    @property
    def _url(self) -> str:
        model = self._server.model
        return f"{self._server.url}?{urlencode({'model': model})}" if model else self._server.url

    async def _greet(self, line: Line) -> None:
        while (event := await self._event(line))[0] != "tts.connection.done":
            continue
        line.session = str(event[1].get("session_id", ""))
        pace = min(_FASTEST, max(_SLOWEST, line.voice.rate))
        await self._send(
            line,
            "tts.create",
            voice_id=line.voice.voice or DEFAULT_VOICE,
            response_format="wav",
            sample_rate=self.rate,
            **({"speed_ratio": pace} if pace != 1.0 else {}),
        )

    async def _ask(self, line: Line, utterance: Utterance) -> None:
        await self._send(line, "tts.text.delta", text=utterance.text)
        await self._send(line, "tts.text.done")

    def _heard(self, line: Line, message: str | bytes) -> bytes | None:
        kind, data = self._read(message)
        if kind in _OVER:
            return None
        return from_base64(data.get("audio", "")) if kind == "tts.response.audio.delta" else b""

    async def _event(self, line: Line) -> tuple[str, dict[str, Any]]:
        return self._read(await line.socket.receive())

    def _read(self, message: str | bytes) -> tuple[str, dict[str, Any]]:
        event = as_object(message)
        kind, data = str(event.get("type", "")), event.get("data")
        if kind == "tts.response.error":
            raise self._server.refused(200, json.dumps({"error": data or event}, ensure_ascii=False).encode())
        return kind, data if isinstance(data, dict) else {}

    async def _send(self, line: Line, kind: str, **data: object) -> None:
        message = {"type": kind, "data": {"session_id": line.session, **data}}
        await line.socket.send(json.dumps(message, ensure_ascii=False))


class FreeSpeech(StepSpeech):
    """The free service; it chooses the model."""

    kind: ClassVar[str] = "free"
