"""What a conversation is given: the other rooms, behind narrow callables."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from neko.bus import Bus
from neko.metrics import Metrics
from neko.sessions.actions import Mode
from neko.sessions.prompt import Persona
from neko.tasks import TaskOwner
from neko.types.memory import Memory
from neko.types.model_session import ModelLabel, ModelSession
from neko.types.speech import SpeechEngine, VoiceSettings


@dataclass(frozen=True, slots=True)
class Limits:
    """Deadlines in seconds and sizes. The start must fail before the page gives up (10 s, 15 s)."""

    start: dict[Mode, float]
    recall: float = 0.25
    memory_at_start: float = 2.0
    close: float = 2.0
    prewarm: float = 8.0
    inbox: int = 64
    waiting_audio: float = 1.5
    images: int = 8
    first_pause: float = 1.0
    longest_pause: float = 30.0


LIMITS = Limits(start={"text": 12.0, "audio": 8.0})


@dataclass(frozen=True, slots=True)
class Voice:
    """The engine that speaks for a character, its kind ("builtin", "openai", "browser", "off"), and how."""

    kind: str
    engine: SpeechEngine
    settings: VoiceSettings


@dataclass(frozen=True, slots=True)
class SessionDependencies:
    """``model(mode, owner)`` makes an unopened session and raises ``NekoError`` when there is none to
    be had; ``label()`` names the model that would be used."""

    memory: Memory
    bus: Bus
    metrics: Metrics
    executor: ThreadPoolExecutor
    persona: Callable[[], Persona]
    model: Callable[[Mode, TaskOwner], ModelSession]
    label: Callable[[], ModelLabel]
    voice: Callable[[], Voice]
    now: Callable[[], datetime] = datetime.now
    limits: Limits = LIMITS
