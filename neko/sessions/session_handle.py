"""One model session of a conversation, and its identity."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from neko.sessions.actions import Mode
from neko.sessions.prompt_lines import Instructions
from neko.sessions.said_lines import ReadLines
from neko.types.model_session import ModelSession, Tool


@dataclass(slots=True, eq=False)
class SessionHandle:
    """``mode``: of the input that ``session`` was started for. ``began``: local time, as its
    ``instructions`` tell. ``tools``: what it was told of when it was opened; ``read``: which lines of the log.
    ``ends_at``: when its provider will end it, monotonic seconds. ``leaves``: what it was told is no longer so; it is
    asked nothing more, and hears until its successor does."""

    session: ModelSession
    mode: Mode
    id: str
    instructions: Instructions
    began: datetime
    tools: tuple[Tool, ...] = ()
    read: ReadLines = field(default_factory=ReadLines)
    ends_at: float | None = None
    leaves: bool = False
    listener: asyncio.Task[None] | None = None

    def takes(self, mode: Mode) -> bool:
        """Can this input go to this session?"""
        capabilities = self.session.capabilities
        return capabilities.text_input and not self.leaves if mode == "text" else capabilities.audio_input
