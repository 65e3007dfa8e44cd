"""The voices that services have to offer: some tell them, those of the others are known (``speech_services.json``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from neko.audio.engines import edge
from neko.audio.engines.service import ServiceClient, SpeechServer
from neko.net import Network
from neko.providers.addresses import url_below
from neko.providers.speech_services import speech_services
from neko.speech_errors import SpeechUnreadableError
from neko.tasks import in_thread
from neko.types.speech import OfferedVoice, VoiceKind

_KINDS: Final[Mapping[str, VoiceKind]] = {"female": "woman", "male": "man"}
_AS_HTTP: Final = {"ws": "http", "wss": "https"}
_OPENAI: Final = "api.openai.com"


async def offered(kind: str, server: SpeechServer, network: Network) -> Sequence[OfferedVoice]:
    """What there is to choose from; raises ``NekoError`` when a service that tells them does not answer."""
    known = speech_services()[kind].voices
    ask = _ASK.get(kind)
    if ask is None or (kind == "openai" and urlsplit(server.url).hostname == _OPENAI):
        return known
    http = ServiceClient(server, network)
    try:
        return await ask(http, server) or known
    except Exception as error:
        raise server.told(error) from error
    finally:
        await http.aclose()


async def _voicevox(http: ServiceClient, server: SpeechServer) -> list[OfferedVoice]:
    speakers = await http.fetch(url_below(server.url, "speakers"))
    return [
        OfferedVoice(
            str(style["id"]), f"{speaker['name']} ({style['name']})", None, "ja", f"VOICEVOX: {speaker['name']}"
        )
        for speaker in _objects(speakers)
        for style in _objects(speaker.get("styles"))
        if style.get("type", "talk") == "talk"
    ]


async def _gpt_sovits(http: ServiceClient, server: SpeechServer) -> list[OfferedVoice]:
    parts = urlsplit(server.url)
    base = urlunsplit(parts._replace(scheme=_AS_HTTP.get(parts.scheme, parts.scheme), query="", fragment=""))
    answer = await http.fetch(url_below(base, "api/v3/voices"))
    if isinstance(answer, dict):
        answer = answer.get("voices")
    return [
        OfferedVoice(
            str(voice["id"]),
            str(voice.get("name") or voice["id"]),
            None,
            str(voice.get("language") or ""),
            description=str(voice.get("description") or ""),
        )
        for voice in _objects(answer)
        if voice.get("id")
    ]


async def _openai(http: ServiceClient, server: SpeechServer) -> list[OfferedVoice]:
    """Servers of one's own often list them; OpenAI does not."""
    try:
        answer = await http.fetch(url_below(server.url, "audio/voices"), server.authorization())
    except Exception:
        return []
    names = answer.get("voices") if isinstance(answer, dict) else answer
    listed = names if isinstance(names, list) else []
    named = (voice if isinstance(voice, str) else (voice or {}).get("id") for voice in listed)
    return [OfferedVoice(name) for name in named if isinstance(name, str)]


async def _edge(http: ServiceClient, server: SpeechServer) -> list[OfferedVoice]:
    licence = speech_services()["edge"].licence
    url, headers = await in_thread(edge.voice_list, server.url)
    return [
        OfferedVoice(
            str(voice["ShortName"]),
            str(voice["ShortName"]).split("-")[-1].removesuffix("Neural"),
            _KINDS.get(str(voice.get("Gender", "")).lower()),
            str(voice.get("Locale", "")),
            licence,
        )
        for voice in _objects(await http.fetch(url, headers))
        if voice.get("ShortName")
    ]


_ASK: Final[Mapping[str, Callable[[ServiceClient, SpeechServer], Awaitable[list[OfferedVoice]]]]] = {
    "voicevox": _voicevox,
    "gptsovits": _gpt_sovits,
    "openai": _openai,
    "edge": _edge,
}


def _objects(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise SpeechUnreadableError("no list of voices")
    return [one for one in value if isinstance(one, dict)]
