"""AIRI's exports of talks and characters, as its page writes them: ``chat-sessions-index:v1`` (``ChatSessionsExport``
in https://github.com/moeru-ai/airi, ``packages/stage-ui/src/types/chat-session.ts``) and ``airi-characters:v1``,
cards of V3 by id (``packages/stage-ui/src/composables/use-data-maintenance.ts``)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

TALKS: Final = "chat-sessions-index:v1"
CHARACTERS: Final = "airi-characters:v1"
DEFAULT: Final = "default"
_ROLES: Final = {"user": "human", "assistant": "ai"}


def cards_in(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The cards of an export by id, in the form of a card of V2."""
    listed = document.get("cards")
    for pair in listed if isinstance(listed, list) else ():
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], dict):
            card = pair[1]
            yield (
                str(pair[0]),
                {
                    "name": card.get("nickname") or card.get("name"),
                    "description": card.get("description"),
                    "personality": card.get("personality"),
                    "scenario": card.get("scenario"),
                    "system_prompt": card.get("systemPrompt"),
                    "first_mes": next(iter(card.get("greetings") or ()), ""),
                },
            )


def talks_in(document: Mapping[str, Any], folder: Path, begin: str) -> Iterator[tuple[str, Path]]:
    """The talks of an export as files of the form that Open-LLM-VTuber has, by the id of their character."""
    sessions = document.get("sessions")
    for number, session in enumerate((sessions if isinstance(sessions, dict) else {}).values()):
        if not isinstance(session, dict):
            continue
        meta, messages = session.get("meta"), session.get("messages")
        lines = [line for one in messages if (line := _line(one))] if isinstance(messages, list) else []
        if lines:
            path = folder / f"{begin}-{number}.json"
            path.write_text(json.dumps(lines, ensure_ascii=False), encoding="utf-8")
            yield str(meta.get("characterId") or DEFAULT) if isinstance(meta, dict) else DEFAULT, path


def _line(message: object) -> dict[str, str] | None:
    if not isinstance(message, dict) or (role := _ROLES.get(str(message.get("role")))) is None:
        return None
    content, at = message.get("content"), message.get("createdAt")
    if isinstance(content, list):
        content = "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    if not isinstance(content, str) or not content.strip():
        return None
    try:
        moment = datetime.fromtimestamp(at / 1000).isoformat() if isinstance(at, int | float) else ""
    except (OverflowError, OSError, ValueError):
        moment = ""
    return {"role": role, "timestamp": moment, "content": content}
