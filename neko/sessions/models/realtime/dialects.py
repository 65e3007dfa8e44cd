"""What providers of realtime voice models differ in, as data. A dialect is chosen by the provider, never by the
name of a model.

They all speak what OpenAI's Realtime API was before its general availability, but for OpenAI itself. Bodies of
``session.update`` as in ``contract/realtime-providers.md`` §2.1, checked against the providers' references (November
2026: developers.openai.com/api/reference/resources/realtime, alibabacloud.com/help/model-studio/client-events,
platform.stepfun.com/docs/api-reference/realtime/chat, docs.bigmodel.cn/asyncapi).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from neko.types.lines import Role
from neko.types.model_session import Tool

Pictures = Literal["item", "buffer", "video frame", "none"]
"""How a live picture is sent: as an item of the talk, into a buffer of its own, into that of the sound, not at all."""
Noise = Literal["always", "when told", "never"]
"""When the provider takes the noise of the room out of what it hears. Where it never does, that is done here."""


@dataclass(frozen=True, slots=True)
class SessionWishes:
    """What a session is set up with. ``speaks``: with the model's own voice. ``manual``: the provider finds no turns in
    what it hears, each is ended by us. ``reduce_noise``: the provider shall take the noise of the room out."""

    model: str
    instructions: str
    voice: str = ""
    tools: tuple[Tool, ...] = ()
    speaks: bool = True
    manual: bool = False
    reduce_noise: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """One provider's way.

    ``session`` makes the body of ``session.update``. ``input_rate``, ``output_rate``: Hz of PCM16 mono.
    ``voices``: names that may be asked for; any other is the first. ``model_in_address``: ``?model=``.
    ``acknowledges``: it answers ``session.update`` by ``session.updated``; others are ready when they greet.
    ``text_items``: it takes written lines into the talk; what has to be said to others goes into their instructions.
    ``roles`` of such lines, and ``her_text``, the type of hers. ``reply_instructions``: ``response.create`` takes
    instructions for that reply, and ``metadata`` that comes back. ``names_cancelled``: ``response.cancel`` takes the
    id. ``truncates``: ``conversation.item.truncate``. ``deletes``: ``conversation.item.delete``. ``tools``: function
    calls. ``manual``: the user's turn can be ended by the client. ``finds_turns``: the provider can end it, too; where
    it does not, that is done here. ``longest_s``: after so long the provider ends a
    session. ``quiet_timeout_s``: after so long without speech a call is ended, to spare the provider
    (``contract/sessions.md`` §8).
    """

    key: str
    session: Callable[[SessionWishes], dict[str, Any]]
    voices: tuple[str, ...]
    input_rate: int = 16_000
    output_rate: int = 24_000
    model_in_address: bool = True
    acknowledges: bool = True
    text_items: bool = True
    roles: frozenset[Role] = frozenset(("system", "user", "assistant"))
    her_text: str = "text"
    reply_instructions: bool = False
    names_cancelled: bool = False
    truncates: bool = False
    deletes: bool = False
    tools: bool = True
    manual: bool = True
    finds_turns: bool = True
    pictures: Pictures = "none"
    noise: Noise = "never"
    longest_s: float | None = None
    quiet_timeout_s: float | None = None

    def voice(self, wanted: str) -> str:
        return wanted if wanted in self.voices else self.voices[0]


def _flat(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    return [
        {"type": "function", "name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
        for tool in tools
    ]


def _nested(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters),
            },
        }
        for tool in tools
    ]


def _openai(wishes: SessionWishes) -> dict[str, Any]:
    listens = {"type": "semantic_vad", "eagerness": "auto", "create_response": True, "interrupt_response": False}
    pcm = {"type": "audio/pcm", "rate": 24_000}
    return {
        "type": "realtime",
        "model": wishes.model,
        "instructions": f"{wishes.instructions}\n\n{_LIVELY}" if wishes.speaks else wishes.instructions,
        "output_modalities": ["audio" if wishes.speaks else "text"],
        "audio": {
            "input": {
                "format": pcm,
                "transcription": {"model": "gpt-4o-mini-transcribe"},
                "turn_detection": None if wishes.manual else listens,
                "noise_reduction": {"type": "far_field"} if wishes.reduce_noise else None,
            },
            "output": {"format": pcm, "voice": wishes.voice, "speed": 1.0},
        },
        "tools": _flat(wishes.tools),
        "tool_choice": "auto",
    }


_LIVELY: Final = "Speak with a bright, sweet and lively voice."


def _beta(wishes: SessionWishes, **fields: Any) -> dict[str, Any]:
    """What the others have in common."""
    return {
        "instructions": wishes.instructions,
        "modalities": ["text", "audio"] if wishes.speaks else ["text"],
        "voice": wishes.voice,
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "turn_detection": None if wishes.manual else {"type": "server_vad"},
        **fields,
    }


def _qwen(wishes: SessionWishes) -> dict[str, Any]:
    listens = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500}
    tools: Mapping[str, Any] = {"tools": _nested(wishes.tools)} if wishes.tools else {}
    return _beta(
        wishes,
        input_audio_transcription={"model": "gummy-realtime-v1"},
        turn_detection=None if wishes.manual else listens,
        turn_detection_threshold=0.2,
        smooth_output=False,
        repetition_penalty=1.2,
        temperature=0.7,
        **tools,
    )


def _step(wishes: SessionWishes) -> dict[str, Any]:
    search = {"type": "web_search", "function": {"description": "Look something up on the web."}}
    return _free(wishes) | {"tools": [search, *_nested(wishes.tools)]}


def _free(wishes: SessionWishes) -> dict[str, Any]:
    return _beta(wishes, modalities=["text", "audio"])


def _glm(wishes: SessionWishes) -> dict[str, Any]:
    return _beta(
        wishes,
        output_audio_format="pcm",
        turn_detection={"type": "client_vad" if wishes.manual else "server_vad"},
        input_audio_noise_reduction={"type": "far_field"},
        beta_fields={"chat_mode": "video_passive", "auto_search": True},
        temperature=1.0,
        tools=_flat(wishes.tools),
    )


_OPENAI_VOICES: Final = (
    "marin",
    "cedar",
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "sage",
    "shimmer",
    "verse",
)

DIALECTS: Final[Mapping[str, Dialect]] = {
    dialect.key: dialect
    for dialect in (
        Dialect(
            "openai",
            _openai,
            _OPENAI_VOICES,
            input_rate=24_000,
            her_text="output_text",
            reply_instructions=True,
            names_cancelled=True,
            truncates=True,
            deletes=True,
            pictures="item",
            noise="when told",
            longest_s=60 * 60.0,
        ),
        Dialect(
            "qwen",
            _qwen,
            ("Momo", "Cherry", "Serena", "Ethan", "Chelsie"),
            text_items=False,
            pictures="buffer",
            longest_s=30 * 60.0,
        ),
        Dialect("step", _step, ("qingchunshaonv", "wenrounansheng"), longest_s=30 * 60.0),
        Dialect(
            "glm",
            _glm,
            ("tongtong", "xiaochen", "female-tianmei"),
            roles=frozenset(("user",)),
            pictures="video frame",
            noise="always",
            longest_s=30 * 60.0,
            quiet_timeout_s=90.0,
        ),
        Dialect(
            "free",
            _free,
            ("qingchunshaonv",),
            model_in_address=False,
            acknowledges=False,
            tools=False,
            longest_s=30 * 60.0,
            quiet_timeout_s=90.0,
        ),
    )
}
"""By key of the core provider."""
