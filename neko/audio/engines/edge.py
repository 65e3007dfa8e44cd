"""The voices of Microsoft Edge, by the package ``edge-tts`` (the extra ``edge``; LGPL-3.0).

The package knows the service: its addresses, tokens and messages. Its own connections would pass by ``Network``, so it
only makes and reads the messages here. Sound is MP3.
"""

from __future__ import annotations

import importlib
from functools import cache
from types import ModuleType
from typing import ClassVar, Final

from neko.audio.engines.service import SpeechServer
from neko.audio.engines.socket_speech import Line, SocketSpeech
from neko.language import normalise
from neko.net import Network, WebSocketRefusedError
from neko.speech_errors import SpeechNotInstalledError, SpeechRefusedError, SpeechUnreadableError
from neko.tasks import in_thread
from neko.types.speech import Utterance, VoiceSettings

HOST: Final = "wss://speech.platform.bing.com"
_VOICES: Final = {
    "en": "en-US-EmmaMultilingualNeural",
    "zh-CN": "zh-CN-XiaoxiaoNeural",
    "zh-TW": "zh-TW-HsiaoChenNeural",
    "ja": "ja-JP-NanamiNeural",
    "ko": "ko-KR-SunHiNeural",
}
_ANY: Final = "en-US-EmmaMultilingualNeural"
_HZ_PER_SEMITONE: Final = 12
_CONFIG: Final = (
    "X-Timestamp:{time}\r\nContent-Type:application/json; charset=utf-8\r\nPath:speech.config\r\n\r\n"
    '{{"context":{{"synthesis":{{"audio":{{"metadataoptions":{{"sentenceBoundaryEnabled":"false",'
    '"wordBoundaryEnabled":"false"}},"outputFormat":"audio-24khz-48kbitrate-mono-mp3"}}}}}}}}\r\n'
)


class EdgeSpeech(SocketSpeech):
    """A voice is a short name (``en-US-EmmaMultilingualNeural``); without one it is one of the utterance's language."""

    kind: ClassVar[str] = "edge"
    rate: ClassVar[int] = 24_000

    def __init__(self, server: SpeechServer, network: Network, voice: VoiceSettings | None = None) -> None:
        super().__init__(server, network, voice)
        self._address = ""
        self._cookies: dict[str, str] = {}

    @property
    def _url(self) -> str:
        return self._address

    @property
    def _headers(self) -> dict[str, str]:
        return self._cookies

    async def _open(self, voice: VoiceSettings) -> Line:
        await in_thread(self._identify)
        try:
            return await super()._open(voice)
        except WebSocketRefusedError as refused:
            if refused.status != 403:
                raise
            error = SpeechRefusedError("403", **self._server.who, status=403, provider=self._server.name)
            error.said = "HTTP 403"
            raise error from refused

    def _identify(self) -> None:
        """Who asks, made anew for each connection: its token holds the time. There is no key."""
        constants, drm, communicate = _package("constants"), _package("drm").DRM, _package("communicate")
        path = constants.WSS_URL.removeprefix(HOST)
        self._address = (
            f"{self._server.url}{path}&ConnectionId={communicate.connect_id()}"
            f"&Sec-MS-GEC={drm.generate_sec_ms_gec()}&Sec-MS-GEC-Version={constants.SEC_MS_GEC_VERSION}"
        )
        headers = drm.headers_with_muid(constants.WSS_HEADERS)
        headers.pop("Sec-WebSocket-Version", None)
        self._cookies = headers

    async def _greet(self, line: Line) -> None:
        await line.socket.send(_CONFIG.format(time=_package("communicate").date_to_string()))

    async def _ask(self, line: Line, utterance: Utterance) -> None:
        await line.socket.send(await in_thread(_request, utterance))

    def _heard(self, line: Line, message: str | bytes) -> bytes | None:
        read = _package("communicate").get_headers_and_data
        try:
            if isinstance(message, str):
                raw = message.encode()
                headers, _ = read(raw, raw.index(b"\r\n\r\n"))
                return None if headers.get(b"Path") == b"turn.end" else b""
            headers, data = read(message, int.from_bytes(message[:2], "big"))
        except (ValueError, IndexError) as error:
            raise SpeechUnreadableError("no message of Edge's speech") from error
        sound: bytes = data if headers.get(b"Path") == b"audio" else b""
        return sound


def voice_list(base: str) -> tuple[str, dict[str, str]]:
    """The address of the list of voices below ``base`` (as of a WebSocket), and the headers to ask with."""
    constants, drm = _package("constants"), _package("drm").DRM
    url = constants.VOICE_LIST.removeprefix(HOST.replace("wss", "https"))
    token = f"&Sec-MS-GEC={drm.generate_sec_ms_gec()}&Sec-MS-GEC-Version={constants.SEC_MS_GEC_VERSION}"
    headers: dict[str, str] = drm.headers_with_muid(constants.VOICE_HEADERS)
    headers["Accept-Encoding"] = "gzip, deflate"
    return base.replace("ws", "http", 1) + url + token, headers


def _request(utterance: Utterance) -> str:
    from xml.sax.saxutils import escape

    communicate, settings = _package("communicate"), _package("data_classes")
    voice = utterance.voice
    config = settings.TTSConfig(
        voice.voice or _VOICES.get(normalise(utterance.language), _ANY),
        f"{round(100 * (voice.rate - 1)):+d}%",
        "+0%",
        f"{round(_HZ_PER_SEMITONE * voice.pitch):+d}Hz",
        "SentenceBoundary",
    )
    text = escape(communicate.remove_incompatible_characters(utterance.text))
    ssml = communicate.mkssml(config, text)
    request: str = communicate.ssml_headers_plus_data(communicate.connect_id(), communicate.date_to_string(), ssml)
    return request


@cache
def _package(name: str) -> ModuleType:
    """A module of ``edge_tts``; raises ``SpeechNotInstalledError``."""
    try:
        return importlib.import_module(f"edge_tts.{name}")
    except ImportError as error:
        raise SpeechNotInstalledError(str(error), engine="Edge", extra="edge") from error
