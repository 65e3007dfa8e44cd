"""What a conversation does when its memory does not answer in time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from neko.errors import RecallTimeoutError
from neko.sessions.actions import SendText
from neko.sessions.events import Event, Status, TurnEnd
from neko.sessions.prompt_lines import Instructions, PromptLines
from neko.types.memory import Because, Evidence, Reason
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


async def test_what_was_said_before_a_new_chat_is_no_context_of_its_first_words() -> None:
    with ThreadPoolExecutor(2) as executor:
        async with speech_conversation(executor) as talk:
            for text in ("what is my cat's name?", "and my dog's?"):
                talk.manager.handle(SendText(text))
                await talk.until(TurnEnd)
            assert "what is my cat's name?" in talk.memory.contexts[-1]
            await talk.manager.edits.open_chat(None)
            talk.manager.handle(SendText("ok"))
            await talk.until(TurnEnd)
            assert talk.memory.contexts[-1] == []


@pytest.mark.parametrize(
    ("fact", "line", "is_told"),
    [
        ("妹妹：小雯，搬到了哈尔滨", "我妹妹小雯搬到了哈尔滨，在那里当护士。", True),
        ("妹妹：小雯，搬到了哈尔滨", "我妹妹小雯搬到了哈尔滨。", False),
        ("女朋友佳怡在乐团拉大提琴", "我女朋友佳怡在乐团拉大提琴，她是苏州人。", True),
        ("家：上海", "我住在上海。", False),
        ("家人：弟弟小磊驾照第三次没考过", "我弟弟小磊驾照第三次没考过，笑死", False),
        ("family: brother Leo failed his driving test", "my brother Leo failed his driving test, hahaha lol", False),
        ("妹：美咲、札幌に引っ越した", "妹の美咲は札幌に引っ越して看護師をしています。", True),
        ("ペット：スミレ", "うちのペットはスミレだよ。", False),
        ("birthday: the 4th of February", "My birthday is on the 4th of February, then I'm 31.", True),
        ("allergic to cashews", "I'm allergic to cashews, they put me into hospital twice.", True),
        ("cat: Biscuit", "my cat is called Biscuit", False),
    ],
)
def test_a_line_of_which_only_a_part_stands_in_the_instructions_as_a_fact_is_told(
    fact: str, line: str, is_told: bool
) -> None:
    lines = PromptLines()
    lines.begin(Instructions(f"You are Mio.\nWhat you know:\n- {fact}", frozenset(), sources=frozenset({7})))
    evidence = Evidence(line, "user", "Anna", datetime(2026, 1, 1), "line", (7,), Reason(Because.MENTIONS), 1.0)
    assert lines.hold(evidence) is not is_told
