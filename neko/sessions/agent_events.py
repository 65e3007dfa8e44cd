"""What the agent reports, as events for a character's page (``contract/bus.md`` §6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neko.sessions.events import AgentNotification, AgentStatus, AgentTask, ApprovalAsked, ApprovalOver, Event

_ENDINGS = ("completed", "partial", "failed")


def to_event(report: Mapping[str, Any]) -> Event | None:
    """The event for a message of the ``agent`` topic; ``None`` for one that pages are not told of."""
    match report.get("event_type"):
        case "agent_status_update":
            return AgentStatus(report["snapshot"])
        case "task_update":
            return AgentTask(report["task"])
        case "neko_approval" | "neko_inquiry":
            return ApprovalAsked(report["question"])
        case "neko_approval_over":
            return ApprovalOver(report["id"], report["outcome"])
        case "task_result" | "proactive_message" if text := str(report.get("text") or ""):
            status = report.get("status")
            task_id = str(report.get("task_id") or "")
            return AgentNotification(text, status if status in _ENDINGS else "completed", task_id)
    return None
