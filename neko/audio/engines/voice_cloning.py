"""Making a voice of a recording, with a service that can (``contract/tts.md`` §8): a CosyVoice server of the user's
own, or Qwen, which takes the recording itself, so that nobody else gets it.
https://www.alibabacloud.com/help/en/model-studio/qwen-tts-voice-cloning
"""

from __future__ import annotations

import asyncio
import base64
import io
import re
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit, urlunsplit

from neko.audio.engines.service import CONNECT_TIMEOUT_S, PURPOSE, SpeechServer
from neko.net import Network
from neko.settings.registry import EngineKind
from neko.speech_errors import SpeechUnreadableError, VoiceSampleError
from neko.tasks import in_thread

CLONING_MODEL: Final = "qwen3-tts-vc-realtime-2026-01-15"
"""A voice speaks with the model that it was made for, and with no other."""
LARGEST_SAMPLE: Final = 10 << 20
"""Bytes that the services take."""
SHORTEST_S: Final = 3
LONGEST_S: Final = 60
_OF_QWEN: Final = re.compile(r"qwen\d*-tts-vc-")
_OF_COSYVOICE: Final = re.compile(r"cosyvoice-v\d")
_DEADLINE_S: Final = 60.0
_LOCAL_PROMPT: Final = "希望你以后能够做的比我还好呦。"
"""What CosyVoice's own example of a recording says; N.E.K.O. sends it too where the language is Chinese."""
_LANGUAGES: Final = {"ch": "zh", "en": "en", "fr": "fr", "de": "de", "ja": "ja", "ko": "ko", "ru": "ru"}

Kind = Literal["audio/wav", "audio/mpeg", "audio/mp4"]
ENDINGS: Final[dict[Kind, str]] = {"audio/wav": ".wav", "audio/mpeg": ".mp3", "audio/mp4": ".m4a"}


@dataclass(frozen=True, slots=True)
class Sample:
    """A recording whose content was looked at."""

    content: bytes
    kind: Kind


@dataclass(frozen=True, slots=True)
class ClonedVoice:
    """``engine`` is the one that speaks with it; ``request`` the service's own number of the call."""

    id: str
    engine: EngineKind
    request: str = ""


def engine_of(voice: str) -> EngineKind | None:
    """Which engine speaks with a cloned voice, as far as its id tells."""
    if _OF_QWEN.match(voice):
        return "qwen"
    return "cosyvoice_cloud" if _OF_COSYVOICE.match(voice) else None


def sample_of(content: bytes) -> Sample:
    """A recording by its content: WAV of 16 bits and a few seconds, MP3 or M4A. Raises ``VoiceSampleError``."""
    if len(content) > LARGEST_SAMPLE:
        raise VoiceSampleError("voice_sample_large", "the recording is too large")
    if content[:4] == b"RIFF":
        import wave

        try:
            with wave.open(io.BytesIO(content)) as sound:
                width, seconds = sound.getsampwidth(), sound.getnframes() / max(1, sound.getframerate())
        except (wave.Error, EOFError) as error:
            raise VoiceSampleError("voice_sample_kind", f"no WAV: {error}") from error
        if width != 2:
            raise VoiceSampleError("voice_sample_kind", f"WAV of {8 * width} bits")
        if not SHORTEST_S <= seconds <= LONGEST_S:
            raise VoiceSampleError("voice_sample_length", f"it takes {seconds:.1f} s")
        return Sample(content, "audio/wav")
    is_mp3 = content[:3] == b"ID3" or (content[:1] == b"\xff" and content[1:2] and content[1] & 0xE0 == 0xE0)
    if is_mp3 and len(content) >= 1024:
        return Sample(content, "audio/mpeg")
    if content[4:8] == b"ftyp":
        return Sample(content, "audio/mp4")
    raise VoiceSampleError("voice_sample_kind", "neither WAV nor MP3 nor M4A")


async def clone(
    engine: EngineKind, server: SpeechServer, sample: Sample, name: str, language: str, network: Network
) -> ClonedVoice:
    """Have a voice made, called something like ``name`` (up to ten letters and digits); ``language``: as N.E.K.O.'s
    page has it. Raises ``NekoError``."""
    make = _at_home if engine == "cosyvoice" else _by_qwen
    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await make(server, sample, name, _LANGUAGES.get(language, "zh"), network)
    except Exception as error:
        raise server.told(error) from error


async def _by_qwen(server: SpeechServer, sample: Sample, name: str, language: str, network: Network) -> ClonedVoice:
    data = (await in_thread(base64.b64encode, sample.content)).decode()
    asked = {
        "action": "create",
        "target_model": CLONING_MODEL,
        "preferred_name": name,
        "language": language,
        "audio": {"data": f"data:{sample.kind};base64,{data}"},
    }
    url = _as_http(server.url, "/api/v1/services/audio/tts/customization")
    answer = await _post(server, url, network, json={"model": "qwen-voice-enrollment", "input": asked})
    output = answer.get("output")
    voice = output.get("voice") if isinstance(output, dict) else None
    if not isinstance(voice, str) or not voice:
        raise SpeechUnreadableError("no name of a voice")
    return ClonedVoice(voice, "qwen", str(answer.get("request_id") or ""))


async def _at_home(server: SpeechServer, sample: Sample, name: str, language: str, network: Network) -> ClonedVoice:
    prompt = _LOCAL_PROMPT if language == "zh" else f"<|{language}|>"
    files = {"prompt_audio": (f"{name}{ENDINGS[sample.kind]}", sample.content, sample.kind)}
    path = urlsplit(server.url).path.partition("/v1")[0].rstrip("/")
    url = _as_http(server.url, f"{path}/v1/speakers/register")
    await _post(server, url, network, data={"speaker_id": name, "prompt_text": prompt}, files=files)
    return ClonedVoice(name, "cosyvoice")


async def _post(server: SpeechServer, url: str, network: Network, **body: Any) -> dict[str, Any]:
    client = await network.http_client(PURPOSE, url, connect_timeout_s=CONNECT_TIMEOUT_S, read_timeout_s=_DEADLINE_S)
    async with client:
        answer = await client.post(url, headers=server.authorization(), **body)
    if not answer.is_success:
        raise server.refused(answer.status_code, answer.content)
    try:
        value = answer.json()
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {}


def _as_http(url: str, path: str) -> str:
    """The address of a path on the host of a WebSocket."""
    parts = urlsplit(url)
    return urlunsplit(("https" if parts.scheme in ("wss", "https") else "http", parts.netloc, path, "", ""))
