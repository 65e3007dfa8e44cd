"""Qwen's realtime speech over a WebSocket (``contract/tts.md`` §4.2): one session for utterances of the same voice.

In the mode ``commit`` each utterance that is committed is one response of the running session, and its end is known;
in ``server_commit``, N.E.K.O.'s, the service cuts the text by itself and tells of no sound what it says.
https://www.alibabacloud.com/help/en/model-studio/interactive-process-of-qwen-tts-realtime-synthesis
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final
from urllib.parse import urlencode
from uuid import uuid4

from neko.audio.engines.service import from_base64
from neko.audio.engines.socket_speech import Line, SocketSpeech, as_object
from neko.types.speech import Utterance

DEFAULT_VOICE: Final = "Momo"
_READY: Final = ("session.created", "session.updated")
_DONE: Final = ("response.done", "output.done")
_SOUND_DONE: Final = "response.audio.done"
_SLOWEST, _FASTEST = 0.5, 2.0
_STEP: Final = 2 ** (1 / 12)


class QwenSpeech(SocketSpeech):
    """A session has its voice, pace and pitch from the start; ``Line.session`` is the response that was over last."""

    kind: ClassVar[str] = "qwen"
    rate: ClassVar[int] = 24_000
    keeps_line: ClassVar[bool] = True

    @property
    def _url(self) -> str:
        return f"{self._server.url}?{urlencode({'model': self._server.model})}"

    async def _greet(self, line: Line) -> None:
        how = line.voice
        changed = {"speech_rate": _within(how.rate), "pitch_rate": _within(_STEP**how.pitch)}
        session = {
            "mode": "commit",
            "voice": how.voice or DEFAULT_VOICE,
            "response_format": "pcm",
            "sample_rate": self.rate,
            "channels": 1,
            "bit_depth": 16,
            **{name: value for name, value in changed.items() if value != 1.0},
        }
        await self._send(line, "session.update", session=session)
        while self._read(await line.socket.receive())["type"] not in _READY:
            continue

    async def _ask(self, line: Line, utterance: Utterance) -> None:
        await self._send(line, "input_text_buffer.append", text=utterance.text)
        await self._send(line, "input_text_buffer.commit")

    def _heard(self, line: Line, message: str | bytes) -> bytes | None:
        event = self._read(message)
        kind, response = event["type"], _response(event)
        if response and response == line.session:
            return b""
        if kind in _DONE or kind == _SOUND_DONE:
            line.session = response
            line.spent = kind == _SOUND_DONE and not response
            return None
        return from_base64(event.get("delta", "")) if kind == "response.audio.delta" else b""

    def _read(self, message: str | bytes) -> dict[str, Any]:
        event = as_object(message)
        event["type"] = str(event.get("type", ""))
        if event["type"] == "error":
            raise self._server.refused(200, json.dumps({"error": event.get("error") or event}).encode())
        return event

    async def _send(self, line: Line, kind: str, **more: object) -> None:
        message = {"type": kind, "event_id": f"event_{uuid4().hex}", **more}
        await line.socket.send(json.dumps(message, ensure_ascii=False))


def _response(event: dict[str, Any]) -> str:
    """The id of the response that an event is of, empty where it names none."""
    whole = event.get("response")
    named = event.get("response_id") or (whole.get("id") if isinstance(whole, dict) else "")
    return str(named or "")


def _within(value: float) -> float:
    return round(min(_FASTEST, max(_SLOWEST, value)), 3)
