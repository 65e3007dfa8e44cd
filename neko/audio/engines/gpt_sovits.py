"""GPT-SoVITS v3 on a machine of one's own, by its WebSocket ``/api/v3/tts/stream-input`` (``contract/tts.md`` §4.7).

A voice is ``id`` or ``id|{json}``: the object is laid over the first message, all but its ``cmd`` and ``voice_id``.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit, urlunsplit

from neko.audio.engines.service import SpeechServer
from neko.audio.engines.socket_speech import Line, SocketSpeech, as_object
from neko.speech_errors import SpeechUnreadableError
from neko.types.speech import Utterance

DEFAULT_URL: Final = "http://127.0.0.1:9881"
DEFAULT_VOICE: Final = "_default"
_PATH: Final = "/api/v3/tts/stream-input"
_OURS: Final = ("cmd", "voice_id")


class GPTSoVITS(SocketSpeech):
    """Each binary message is a complete WAV."""

    kind: ClassVar[str] = "gptsovits"
    rate: ClassVar[int] = 32_000

    @property
    def _url(self) -> str:
        return stream_url(self._server.url)

    async def _greet(self, line: Line) -> None:
        voice, extra = read_voice(line.voice.voice)
        await line.socket.send(json.dumps({"cmd": "init", "voice_id": voice, **extra}))
        while (answer := as_object(await line.socket.receive())).get("type") != "ready":
            _check(self._server, answer)

    async def _ask(self, line: Line, utterance: Utterance) -> None:
        await line.socket.send(json.dumps({"cmd": "append", "data": utterance.text}, ensure_ascii=False))
        await line.socket.send('{"cmd": "end"}')

    def _heard(self, line: Line, message: str | bytes) -> bytes | None:
        if isinstance(message, bytes):
            if not message.startswith(b"RIFF"):
                raise SpeechUnreadableError("sound that is no WAV")
            return message
        answer = as_object(message)
        _check(self._server, answer)
        return None if answer.get("type") == "done" else b""


def stream_url(base: str) -> str:
    """The WebSocket below an address, which may be one of HTTP."""
    parts = urlsplit(base or DEFAULT_URL)
    scheme = {"https": "wss", "wss": "wss"}.get(parts.scheme, "ws")
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/").removesuffix("/v1") + _PATH, "", ""))


def read_voice(text: str) -> tuple[str, dict[str, Any]]:
    """The id of a voice, and what its object adds to the first message; what is no object adds nothing."""
    name, _, rest = text.partition("|")
    try:
        extra = json.loads(rest) if rest.strip() else {}
    except ValueError:
        extra = {}
    if not isinstance(extra, dict):
        extra = {}
    return name.strip() or DEFAULT_VOICE, {key: value for key, value in extra.items() if key not in _OURS}


def _check(server: SpeechServer, answer: dict[str, Any]) -> None:
    if answer.get("type") == "error":
        raise server.refused(200, json.dumps(answer, ensure_ascii=False).encode())
