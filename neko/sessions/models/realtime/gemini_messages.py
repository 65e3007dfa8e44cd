"""What is said to Gemini's Live API and what it says, message by message; pure.

A message is a JSON object with one field that tells what it is; what is not known means nothing.
https://ai.google.dev/api/live
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from neko.sessions.models.realtime.dialects import Dialect, SessionWishes
from neko.types.lines import Role

DEFAULT_URL: Final = "wss://generativelanguage.googleapis.com"
_PATH: Final = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
NEEDS_MORE: Final = "NEED_MORE_INPUT"
_RATE: Final = re.compile(r"rate=([1-9]\d{3,5})\b")
_SECONDS: Final = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")
_VOICES: Final = (
    "Leda", "Aoede", "Callirrhoe", "Autonoe", "Despina", "Erinome", "Laomedeia", "Achernar", "Gacrux", "Pulcherrima",
    "Vindemiatrix", "Sulafat", "Kore", "Zephyr", "Puck", "Charon", "Fenrir", "Orus", "Enceladus", "Iapetus", "Umbriel",
    "Algieba", "Algenib", "Rasalgethi", "Alnilam", "Schedar", "Achird", "Zubenelgenubi", "Sadachbia", "Sadaltager",
)  # fmt: skip

Message = dict[str, Any]


def _setup(wishes: SessionWishes) -> Message:
    """``BidiGenerateContentSetup`` (``contract/realtime-providers.md`` §2.2): she always speaks, whoever is heard."""
    tools: list[Message] = [{"googleSearch": {}}]
    if wishes.tools:
        declared = [
            {"name": tool.name, "description": tool.description, "parametersJsonSchema": dict(tool.parameters)}
            for tool in wishes.tools
        ]
        tools.append({"functionDeclarations": declared})
    by_hand = {"realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}}} if wishes.manual else {}
    return {
        **by_hand,
        "model": wishes.model if wishes.model.startswith("models/") else f"models/{wishes.model}",
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "temperature": 1.1,
            "mediaResolution": "MEDIA_RESOLUTION_LOW",
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": wishes.voice}}},
        },
        "systemInstruction": {"parts": [{"text": wishes.instructions}]},
        "tools": tools,
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "contextWindowCompression": {"slidingWindow": {}},
    }


GEMINI: Final = Dialect(
    "gemini",
    _setup,
    _VOICES,
    model_in_address=False,
    roles=frozenset(("user", "assistant")),
    manual=False,
    longest_s=10 * 60.0,
)
"""A connection lasts about ten minutes; ``goAway`` tells its end a while before."""


def address(base: str) -> str:
    """The WebSocket below an address, which may be that of the HTTP API or none."""
    parts = urlsplit(base or DEFAULT_URL)
    scheme = {"http": "ws", "ws": "ws"}.get(parts.scheme, "wss")
    path = parts.path if "/ws/" in parts.path else _PATH
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


# ── to Gemini ─────────────────────────────────────────────────────────────────


def setup(wishes: SessionWishes, handle: str = "") -> Message:
    """The first message; ``handle`` names a session that broke and is to go on."""
    resumption = {"handle": handle} if handle else {}
    return {"setup": {**GEMINI.session(wishes), "sessionResumption": resumption}}


def sound(pcm: bytes) -> bytes:
    """A piece of the microphone's sound, as its JSON: the hot path."""
    return b'{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=%d","data":"%b"}}}' % (
        GEMINI.input_rate,
        b64encode(pcm),
    )


def sound_ends() -> Message:
    """The microphone is shut."""
    return {"realtimeInput": {"audioStreamEnd": True}}


def activity(*, begins: bool) -> Message:
    """The user begins to speak, or has ended; for a session whose setup says that it is told so."""
    return {"realtimeInput": {"activityStart" if begins else "activityEnd": {}}}


def picture(jpeg: bytes) -> Message:
    """A live picture."""
    return {"realtimeInput": {"video": {"mimeType": "image/jpeg", "data": b64encode(jpeg).decode()}}}


def turn(role: Role, text: str, pictures: Sequence[bytes] = ()) -> Message:
    """A line of the talk, for ``content``; a note of nobody's is put into brackets."""
    parts: list[Message] = [
        {"inlineData": {"mimeType": "image/jpeg", "data": b64encode(jpeg).decode()}} for jpeg in pictures
    ]
    if text or not parts:
        parts.append({"text": f"[{text}]" if role == "system" else text})
    return {"role": "model" if role == "assistant" else "user", "parts": parts}


def content(turns: Sequence[Message], *, answer: bool) -> Message:
    """Lines in their order, to be answered or only known. It interrupts what is being said."""
    return {"clientContent": {"turns": list(turns), "turnComplete": answer}}


def tool_response(outputs: Sequence[tuple[str, str, str]]) -> Message:
    """What came of calls: id, name and text."""
    responses = [{"id": call_id, "name": name, "response": {"output": text}} for call_id, name, text in outputs]
    return {"toolResponse": {"functionResponses": responses}}


# ── from Gemini ───────────────────────────────────────────────────────────────


def part(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object in a message; an empty one where there is none."""
    value = message.get(name)
    return value if isinstance(value, dict) else {}


def words(message: Mapping[str, Any], name: str) -> str:
    """The text of a transcription."""
    text = part(message, name).get("text")
    return text if isinstance(text, str) else ""


def sounds(server_content: Mapping[str, Any]) -> Iterator[tuple[bytes, int]]:
    """PCM16 mono and its rate, of each part of a model's turn that is sound and no thought."""
    parts = part(server_content, "modelTurn").get("parts")
    for one in parts if isinstance(parts, list) else ():
        blob = part(one, "inlineData") if isinstance(one, dict) and not one.get("thought") else {}
        kind, data = str(blob.get("mimeType", "")), blob.get("data")
        if kind.startswith("audio/pcm") and isinstance(data, str):
            try:
                pcm = a2b_base64(data)
            except (Base64Error, ValueError):
                continue
            found = _RATE.search(kind)
            yield pcm[: len(pcm) & ~1], int(found[1]) if found else GEMINI.output_rate


def finish_reason(server_content: Mapping[str, Any]) -> str:
    """Why a turn broke off, as a ``finish_reason`` of chat models; empty where it did not."""
    reason = server_content.get("turnCompleteReason")
    if not isinstance(reason, str) or reason.endswith(("_UNSPECIFIED", NEEDS_MORE)):
        return ""
    return "error" if "FUNCTION" in reason else "content_filter"


def calls(message: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """Id, name and arguments of the functions that are wanted."""
    wanted = part(message, "toolCall").get("functionCalls")
    return [
        (str(call.get("id") or ""), str(call.get("name") or ""), call.get("args"))
        for call in (wanted if isinstance(wanted, list) else ())
        if isinstance(call, dict)
    ]


def cancelled(message: Mapping[str, Any]) -> list[str]:
    """Ids of calls whose results are not wanted any more."""
    ids = part(message, "toolCallCancellation").get("ids")
    return [str(one) for one in ids] if isinstance(ids, list) else []


def seconds(duration: object) -> float | None:
    """A duration as protobuf writes it in JSON ("9.5s"); None for anything else."""
    found = _SECONDS.fullmatch(duration) if isinstance(duration, str) else None
    return float(found[1]) if found else None
