"""Tasks as the agent tells pages of them, in whatever state a proof wants them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from neko.agent.messages import AgentTask, task_update, timestamp
from tests.page.running_neko import NAME, RunningNeko

_STATUS = {"paused": "running", "asking": "running", "partial": "completed", "interrupted": "failed"}
_OVER = ("completed", "failed", "cancelled")


def step(title: str, state: str = "waiting", detail: str = "") -> dict[str, str]:
    return {"title": title, "hand": "browser_use", "state": state, "detail": detail}


def task(task_id: str, state: str = "running", *, ago_s: float = 42, error: str = "", **details: Any) -> AgentTask:
    """One that began ``ago_s`` seconds ago; ``details`` are those of its object ``neko``."""
    began = datetime.now(UTC) - timedelta(seconds=ago_s)
    status = _STATUS.get(state, state)
    told: dict[str, Any] = {
        "id": task_id,
        "status": status,
        "type": "browser_use",
        "start_time": timestamp(began),
        "params": {"instruction": "Find a train"},
        "neko": {
            "title": "Find a train",
            "instruction": "Find a train to Lyon",
            "state": state,
            "steps": [],
            "action": "",
            "result": "",
            "thumbnail": "",
            "files": [],
            "commands": ["retry"] if status in _OVER else ["pause", "cancel"],
            "source": "conversation",
            "character": NAME,
            "waits_for": "",
            **details,
        },
    }
    if status in _OVER:
        told["end_time"] = timestamp(began + timedelta(seconds=31))
    if error:
        told["error"] = error
    return told  # type: ignore[return-value]


def tell(neko: RunningNeko, *tasks: AgentTask) -> None:
    for one in tasks:
        neko.neko.bus.agent.publish(task_update(NAME, one))
