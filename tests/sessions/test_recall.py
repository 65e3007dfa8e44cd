"""What a conversation does when its memory does not answer in time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from neko.errors import RecallTimeoutError
from neko.sessions.actions import SendText
from neko.sessions.events import Event, Status, TurnEnd
from tests.sessions.speech_conversation import speech_conversation


def reports(events: list[Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, Status) and event.code == RecallTimeoutError.code]


@pytest.mark.parametrize(("lines", "told"), [(1_000, ["recall_timeout"]), (0, [])])
async def test_a_recall_that_is_too_slow_is_told_once_if_there_is_much_and_the_turn_goes_on(
    lines: int, told: list[str]
) -> None:
    with ThreadPoolExecutor(2) as executor:
        async with speech_conversation(executor) as talk:
            talk.memory.recall_failure = RecallTimeoutError("scripted", file="log", reason="slow")
            talk.manager._turns.log.last_line_id = lines
            seen: list[Event] = []
            for text in ("what is my cat's name?", "and my dog's?"):
                talk.manager.handle(SendText(text))
                seen += await talk.until(TurnEnd)
            assert reports(seen) == told
            assert [text for role, text, _ in await talk.lines() if role == "user"] == [
                "what is my cat's name?",
                "and my dog's?",
            ]
