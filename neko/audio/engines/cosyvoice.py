"""CosyVoice: a server on a machine of one's own, and the service of Alibaba Cloud.

The local one takes text and sends bare sound over ``/v1/audio/speech/stream`` (``contract/tts.md`` §4.8). Nothing tells
its end: it is over when the server closes, says so, or falls quiet after sound.

The one in the cloud speaks DashScope's tasks over ``/api-ws/v1/inference`` (§4.3), one task an utterance and many tasks
a connection. A task is started before its text is there: it waits for it, 23 s at most, and the text costs one way to
the service instead of three. https://help.aliyun.com/en/model-studio/cosyvoice-websocket-api
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from neko.audio.engines.socket_speech import Line, SocketSpeech, as_object
from neko.net import WebSocketClosedError
from neko.types.speech import Utterance

DEFAULT_VOICE: Final = "中文女"
CLOUD_VOICE: Final = "longanyang"
_PATH: Final = "/v1/audio/speech/stream"
_QUIET_S = 1.5
_PROPER_CLOSES: Final = (1000, 1001, 1005)
_OVER: Final = ("end", "done", "finished", "completed")
_PACE: Final = 1.1
"""N.E.K.O.'s pace for the voices of the cloud, by which users know them."""
_MODEL_OF_VOICE: Final = re.compile(r"cosyvoice-v\d+(?:\.\d+)?(?:-plus|-flash)?(?=-)")
"""A cloned voice begins with the model that it was made for, and no other takes it."""
_KEY_CODES: Final = ("InvalidApiKey", "AccessDenied", "Arrearage")
_STEP: Final = 2 ** (1 / 12)


class LocalCosyVoice(SocketSpeech):
    """A voice is ``name`` or ``name:speed``."""

    kind: ClassVar[str] = "cosyvoice"
    rate: ClassVar[int] = 22_050

    @property
    def _url(self) -> str:
        parts = urlsplit(self._server.url)
        scheme = "wss" if parts.scheme in ("https", "wss") else "ws"
        path = parts.path.rstrip("/").removesuffix(_PATH).removesuffix("/v1")
        return urlunsplit((scheme, parts.netloc, path + _PATH, parts.query, ""))

    async def _greet(self, line: Line) -> None:
        voice, speed = read_voice(line.voice.voice)
        await line.socket.send(json.dumps({"voice": voice, "speed": speed * line.voice.rate}, ensure_ascii=False))

    async def _ask(self, line: Line, utterance: Utterance) -> None:
        await line.socket.send(json.dumps({"text": utterance.text}, ensure_ascii=False))
        await line.socket.send('{"event": "end"}')

    async def _receive(self, line: Line, *, started: bool) -> str | bytes | None:
        try:
            async with asyncio.timeout(_QUIET_S if started else self._server.patience_s):
                return await line.socket.receive()
        except TimeoutError:
            if started:
                return None
            raise
        except WebSocketClosedError as closed:
            if started and closed.code in _PROPER_CLOSES:
                return None
            raise

    def _heard(self, line: Line, message: str | bytes) -> bytes | None:
        if isinstance(message, bytes):
            return message
        event = as_object(message)
        kinds = {str(event.get(name, "")).lower() for name in ("event", "type", "status")}
        if event.get("error") or "error" in kinds:
            raise self._server.refused(200, message.encode())
        return None if kinds & set(_OVER) else b""


class CosyVoiceCloud(SocketSpeech):
    """Sound comes bare, as it is made."""

    kind: ClassVar[str] = "cosyvoice_cloud"
    rate: ClassVar[int] = 24_000
    keeps_line: ClassVar[bool] = True
    greets_again: ClassVar[bool] = True
    kept_s: ClassVar[float] = 20.0

    @property
    def _url(self) -> str:
        return self._server.url

    async def _greet(self, line: Line) -> None:
        line.session = uuid4().hex
        voice = line.voice
        name = voice.voice or CLOUD_VOICE
        made_for = _MODEL_OF_VOICE.match(name)
        await self._send(
            line,
            "run-task",
            task_group="audio",
            task="tts",
            function="SpeechSynthesizer",
            model=made_for[0] if made_for else self._server.model,
            parameters={
                "text_type": "PlainText",
                "voice": name,
                "format": "pcm",
                "sample_rate": self.rate,
                "volume": 50,
                "rate": _within(_PACE * voice.rate),
                "pitch": _within(_STEP**voice.pitch),
            },
        )
        while self._event(line, await line.socket.receive()) != "task-started":
            continue

    async def _ask(self, line: Line, utterance: Utterance) -> None:
        await self._send(line, "continue-task", input={"text": utterance.text})
        await self._send(line, "finish-task")

    def _heard(self, line: Line, message: str | bytes) -> bytes | None:
        if isinstance(message, bytes):
            return message
        return None if self._event(line, message) == "task-finished" else b""

    def _event(self, line: Line, message: str | bytes) -> str:
        """What happened to the task of ``line``; empty for news of another one."""
        header = as_object(message).get("header")
        if not isinstance(header, dict) or header.get("task_id") != line.session:
            return ""
        if header.get("event") == "task-failed":
            code, words = str(header.get("error_code", "")), str(header.get("error_message", ""))
            status = 401 if code.startswith(_KEY_CODES) else 400
            raise self._server.refused(status, json.dumps({"error": {"message": words or code}}).encode())
        return str(header.get("event", ""))

    async def _send(self, line: Line, action: str, **payload: Any) -> None:
        header = {"action": action, "task_id": line.session, "streaming": "duplex"}
        message = {"header": header, "payload": {"input": {}, **payload}}
        await line.socket.send(json.dumps(message, ensure_ascii=False))


def read_voice(text: str) -> tuple[str, float]:
    """The name of a voice and its speed; what is no number belongs to the name."""
    name, _, rest = text.rpartition(":")
    try:
        speed = float(rest)
    except ValueError:
        speed = 0.0
    if not name or not 0.1 <= speed <= 10:
        return text.strip() or DEFAULT_VOICE, 1.0
    return name.strip(), speed


def _within(value: float) -> float:
    return round(min(2.0, max(0.5, value)), 3)
