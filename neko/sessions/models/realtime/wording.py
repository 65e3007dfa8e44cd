"""What is said to a realtime provider in writing, in the way that its dialect takes it."""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from neko.sessions.models.realtime.dialects import Dialect
from neko.types.lines import Role
from neko.types.model_session import SessionSetup

_MOST_NOTES: Final = 6_000
"""Characters of lines and notes that stand in the instructions of a provider that takes them nowhere else."""


class Wording:
    """Knows who talks with whom."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._character = self._master = self._instructions = ""
        self._notes: deque[str] = deque()

    def begin(self, setup: SessionSetup) -> None:
        """The session that is opened."""
        self._character, self._master = setup.character, setup.master
        self._instructions = setup.instructions

    def instructions(self, extra: str = "") -> str:
        """All that the model is to know: who she is, what was noted, and ``extra``."""
        return "\n\n".join(filter(None, (self._instructions, "\n".join(self._notes), extra)))

    def note(self, role: Role, text: str) -> None:
        """Keep a line or a note for the instructions; the oldest go when they fill."""
        who = {"user": self._master, "assistant": self._character}.get(role, "")
        self._notes.append(f"{who}: {text}" if who else text)
        while len(self._notes) > 1 and sum(map(len, self._notes)) > _MOST_NOTES:
            self._notes.popleft()

    def typed(self, text: str, said: str) -> tuple[str, str]:
        """What the user typed, as an instruction to answer it, and as it is noted afterwards."""
        return f"{self._master} has just typed this, which you answer now:\n{text}", said

    def speak_first(self, instructions: str) -> str:
        """A wish that she speaks without having been asked."""
        return (
            f"[This does not come from {self._master}. Speak up as {self._character} now, of your own accord: "
            f"{instructions}]"
        )

    def question(self, text: str, context: str, pictures: Sequence[bytes]) -> dict[str, Any]:
        """An item: what the user says, with what else is worth knowing for it where that has no other place."""
        if context:
            text = f"[{context}]\n\n{text}"
        content: list[dict[str, Any]] = [{"type": "input_image", "image_url": _data_url(jpeg)} for jpeg in pictures]
        if text or not content:
            content.append({"type": "input_text", "text": text})
        return {"type": "message", "role": "user", "content": content}

    def line(self, role: Role, text: str) -> dict[str, Any]:
        """An item: something that was said elsewhere, or a note."""
        if role not in self._dialect.roles:
            who = f"{self._character}: " if role == "assistant" else ""
            role, text = "user", f"[{who}{text}]"
        kind = self._dialect.her_text if role == "assistant" else "input_text"
        return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}

    def picture(self, jpeg: bytes) -> dict[str, Any] | None:
        """The event that shows a live picture (``contract/realtime-providers.md`` §6)."""
        if self._dialect.pictures == "buffer":
            return {"kind": "input_image_buffer.append", "image": b64encode(jpeg).decode()}
        if self._dialect.pictures == "video frame":
            return {"kind": "input_audio_buffer.append_video_frame", "video_frame": b64encode(jpeg).decode()}
        if self._dialect.pictures == "item":
            content = [{"type": "input_image", "image_url": _data_url(jpeg)}]
            return {
                "kind": "conversation.item.create",
                "item": {"type": "message", "role": "user", "content": content},
            }
        return None


def _data_url(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"
