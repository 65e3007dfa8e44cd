"""What she asks before she does it may be answered in words: by the user's own clear yes to that one question."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from neko.agent.approvals import Approvals
from neko.agent.permission import Permit, Wanted
from neko.app import Neko
from neko.sessions.actions import HeardOnPage, SendText, StartSession
from neko.sessions.events import ApprovalAsked, ApprovalOver, ReplyText, SessionStarted, StateChanged, TurnEnd
from neko.sessions.manager import SessionManager
from neko.sessions.outbox import Outbox
from neko.sessions.short_answers import answer_in, gives_up
from neko.sessions.spoken_approvals import SpokenApprovals
from neko.settings import Settings
from neko.types.agent import Act, Approval, Decision, Policy
from neko.types.model_session import Tool, ToolCall, ToolResult
from tests.page_events import text_of, turn, until
from tests.scripted_provider import Script, ScriptedProvider, tool_calls

TIMEOUT_S = 30.0
MAIL = Approval("Mio", "mail", "send", "Send a mail", json.dumps({"to": "sam@example.org"}), Act.EXFILTRATING)
LONG = replace(MAIL, arguments=json.dumps({"to": "sam@example.org", "text": "x" * 500}))
READ = Approval("Mio", "files", "list", "List files", json.dumps({"path": "x" * 500}), Act.READ)


class AskingToolbox:
    """One function, for which the user is asked."""

    def __init__(self, approvals: Approvals) -> None:
        self._approvals = approvals

    def tools(self, words: str = "") -> tuple[Tool, ...]:
        return (Tool("send", "Sends a mail.", {"type": "object", "properties": {}}),)

    def begin_turn(self, turn_id: str) -> None: ...

    def hand_over(self, call: ToolCall) -> bool:
        return False

    def forget_outside(self, gone: Callable[[str], bool] | None = None) -> None: ...

    def note_outside(self, turn_id: str) -> None:
        pass

    def note_memo(self, *, outside: bool) -> None: ...

    def has_read_outside(self, turn_id: str) -> bool:
        return False

    async def run(self, call: ToolCall) -> ToolResult:
        decision = await self._approvals.ask(MAIL)
        return ToolResult(call.call_id, f"decision: {decision}")


@pytest.fixture
async def neko(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[Neko]:
    environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url, "LANG": "en"}
    async with Neko(Settings(data_dir=tmp_path, environ=environ, find_local_servers=False)) as whole:
        made = whole.conversations._dependencies

        def quick(character: str):  # type: ignore[no-untyped-def]
            found = made(character)
            return replace(
                found,
                timeouts=replace(found.timeouts, question_read_s=0.0),
                toolbox=AskingToolbox(whole.approvals),
            )

        whole.conversations._dependencies = quick
        yield whole


async def idle(outbox: Outbox) -> None:
    await until(outbox, lambda event: event == StateChanged("idle"))


async def asked(neko: Neko, page: Outbox, approval: Approval = MAIL) -> tuple[asyncio.Task[Decision | None], str]:
    """The act waits for an answer; how she asks for it."""
    waiting = neko._owner.spawn(neko.approvals.ask(approval), name="ask")
    words = await turn(page)
    await idle(page)
    return waiting, words


@pytest.mark.parametrize(("answer", "decision"), [("Yes, please!", Decision.IN_WORDS), ("no", Decision.DENY)])
async def test_a_clear_answer_decides_the_one_question_that_she_has_asked(
    neko: Neko, manager: SessionManager, page: Outbox, provider: ScriptedProvider, answer: str, decision: Decision
) -> None:
    waiting, words = await asked(neko, page)
    assert "Send a mail" in words
    assert "sam@example.org" in words
    manager.handle(SendText(answer, "c1"))
    assert await waiting is decision
    assert await turn(page) in ("All right, I'll do it.", "All right, I won't.")
    assert not provider.chats
    roles = [(line.role, line.text) for line in await neko.memory.lines("Mio")]
    assert ("user", answer) in roles


async def test_anything_else_is_an_ordinary_line_after_which_a_yes_is_one_too(
    neko: Neko, manager: SessionManager, page: Outbox, provider: ScriptedProvider
) -> None:
    provider.script(Script(["A mail to Sam. Do you like tea?"]), Script(["Good."]))
    waiting, _ = await asked(neko, page)
    manager.handle(SendText("what mail?"))
    assert await turn(page) == "A mail to Sam. Do you like tea?"
    manager.handle(SendText("yes"))
    assert await turn(page) == "Good."
    assert not waiting.done()
    waiting.cancel()


async def test_of_two_questions_none_is_answered_by_a_word(
    neko: Neko, manager: SessionManager, page: Outbox, provider: ScriptedProvider
) -> None:
    first, _ = await asked(neko, page)
    second, words = await asked(neko, page, replace(MAIL, tool="delete", title="Delete a mail"))
    assert "on your screen" in words
    manager.handle(SendText("yes"))
    await turn(page)
    assert not first.done()
    assert not second.done()
    assert len(provider.chats) == 1
    first.cancel()
    second.cancel()


async def test_what_is_too_long_to_be_said_is_not_allowed_by_a_word_if_it_may_tell_others(
    neko: Neko, manager: SessionManager, page: Outbox
) -> None:
    waiting, words = await asked(neko, page, LONG)
    assert "on your screen" in words
    assert "xxx" not in words
    manager.handle(SendText("yes"))
    await turn(page)
    assert not waiting.done()
    waiting.cancel()


async def test_a_no_to_it_is_taken(neko: Neko, manager: SessionManager, page: Outbox) -> None:
    waiting, _ = await asked(neko, page, LONG)
    manager.handle(SendText("no"))
    assert await waiting is Decision.DENY


async def test_what_only_reads_is_allowed_by_a_word_however_long_it_is(
    neko: Neko, manager: SessionManager, page: Outbox
) -> None:
    waiting, _ = await asked(neko, page, READ)
    manager.handle(SendText("yes"))
    assert await waiting is Decision.IN_WORDS


async def test_a_yes_in_words_does_not_last_where_the_policy_asks_once(
    neko: Neko, manager: SessionManager, page: Outbox
) -> None:
    async def keep() -> None: ...

    wanted = Wanted(READ, Policy.ASK_ONCE, "files", keep)
    waiting = neko._owner.spawn(neko.agent.permission.of(wanted), name="ask")
    await turn(page)
    await idle(page)
    manager.handle(SendText("yes"))
    assert await waiting is Permit.APPROVED
    assert neko.agent.permission.unasked(wanted) is None, "the next one is asked for again"


async def test_a_yes_that_was_on_its_way_when_the_question_came_allows_nothing(
    neko: Neko, manager: SessionManager, page: Outbox
) -> None:
    manager._turns.agent._floor._read_s = 60.0  # type: ignore[attr-defined]
    waiting, _ = await asked(neko, page)
    manager.handle(SendText("yes"))
    await turn(page)
    assert not waiting.done()
    waiting.cancel()


@pytest.mark.parametrize(("ours", "is_read"), [(True, True), (True, False), (False, True)])
async def test_a_yes_that_is_typed_counts_before_her_voice_has_asked_to_its_end_if_the_page_shows_the_question(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider, ours: bool, is_read: bool
) -> None:
    page = Outbox(wants_audio=False, knows_takeover=ours)
    await manager.attach(page)
    floor = manager._turns.agent._floor
    floor.is_heard = lambda turn_id, words, since: is_read and not words  # type: ignore[method-assign]
    waiting, _ = await asked(neko, page)
    manager.handle(SendText("yes"))
    if ours and is_read:
        assert await waiting is Decision.IN_WORDS
    else:
        await turn(page)
        assert not waiting.done()
    waiting.cancel()


async def test_in_a_call_she_asks_in_the_midst_of_the_reply_that_waits_for_it(
    neko: Neko, manager: SessionManager, page: Outbox, provider: ScriptedProvider
) -> None:
    manager.handle(StartSession("audio"))
    await until(page, SessionStarted)
    manager.handle(HeardOnPage("u1", "started", ""))
    await provider.wait_for_requests(1)  # the model reads its instructions while the user speaks
    provider.script(tool_calls(("c1", "send", "{}")), Script(["It is sent."]))
    manager.handle(HeardOnPage("u1", "final", "write to Sam that I am late"))
    await until(page, lambda event: isinstance(event, ReplyText) and "sam@example.org" in event.text)
    manager.handle(HeardOnPage("u2", "started", ""))
    manager.handle(HeardOnPage("u2", "final", "yes"))
    assert "It is sent." in await turn(page)
    assert "decision: in_words" in str(provider.chats[-1].json["messages"])


@pytest.mark.parametrize(("answer", "decision"), [("yes", "in_words"), ("no", "deny")])
async def test_in_a_chat_a_clear_answer_is_for_the_question_that_the_reply_waits_for(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider, answer: str, decision: str
) -> None:
    page = Outbox(wants_audio=False, knows_takeover=True)
    await manager.attach(page)
    provider.script(tool_calls(("c1", "send", "{}")), Script(["That is that."]))
    manager.handle(SendText("write to Sam that I am late"))
    await until(page, ApprovalAsked)
    await asyncio.sleep(0)
    manager.handle(SendText(answer))
    assert await turn(page) == "That is that."
    assert f"decision: {decision}" in str(provider.chats[-1].json["messages"])


@pytest.mark.parametrize(("read_s", "ours"), [(60.0, True), (0.0, False)], ids=["unread", "not shown"])
async def test_in_a_chat_a_yes_to_what_was_not_read_allows_nothing(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider, read_s: float, ours: bool
) -> None:
    page = Outbox(wants_audio=False, knows_takeover=ours)
    await manager.attach(page)
    manager._turns.agent._floor._read_s = read_s  # type: ignore[attr-defined]
    provider.script(tool_calls(("c1", "send", "{}")), Script(["Yes what?"]))
    manager.handle(SendText("write to Sam that I am late"))
    await until(page, ApprovalAsked)
    manager.handle(SendText("yes"))
    seen = await until(page, lambda event: isinstance(event, ReplyText) and "Yes what?" in event.text)
    assert not any(isinstance(event, ApprovalOver) and event.outcome == "once" for event in seen)


async def test_a_yes_that_was_begun_before_she_asked_is_none(
    neko: Neko, manager: SessionManager, page: Outbox, provider: ScriptedProvider
) -> None:
    manager.handle(SendText("hello"))
    await turn(page)
    await idle(page)
    manager.handle(HeardOnPage("u1", "started", ""))
    waiting = neko._owner.spawn(neko.approvals.ask(MAIL), name="ask")
    await until(page, ApprovalAsked)
    manager.handle(HeardOnPage("u1", "final", "yes"))
    await turn(page)
    assert not waiting.done()
    waiting.cancel()


async def test_that_nobody_answered_is_told(neko: Neko, manager: SessionManager, page: Outbox) -> None:
    neko.approvals._approval_s = 0.3
    waiting, _ = await asked(neko, page)
    assert await waiting is None
    seen = await until(page, TurnEnd)
    assert any(isinstance(event, ApprovalOver) and event.outcome == "expired" for event in seen)
    assert "Send a mail" in text_of(seen)


YES = """
Yes.
yes please
yes yes please
ok go ahead
Sure, why not!
do it
Go ahead!
好的
可以
是的。
允許
はい
お願いします
はい、どうぞ
네
네, 해 주세요
해 줘
""".strip().splitlines()
NO = """
No!
no, don't
Don't do it
cancel
不要
不行
别做
いいえ
だめ
しないで
아니요
하지 마
안 돼
""".strip().splitlines()
STOP = """
Stop!
stop everything
Mio, stop
停
停下来
全部停止
やめて
ストップ
그만
멈춰 줘
""".strip().splitlines()
NEITHER = """
Yes?
はい？
Do it?
yes but not that one
yes, and tell me a joke
no idea
mhm
嗯
うん
응
yesterday
不错
好吃
stop by the shop
don't stop
別の話をして
그만큼
네가 해
ok
never mind the gap
はいはい、それで天気は
""".strip().splitlines()


@pytest.mark.parametrize(
    ("wanted", "lines"),
    [("yes", YES), ("no", NO), ("stop", STOP), (None, NEITHER)],
    ids=["yes", "no", "stop", "neither"],
)
def test_only_words_that_say_nothing_else_are_an_answer(wanted: str | None, lines: list[str]) -> None:
    assert {line: answer_in(line, "Mio") for line in lines} == dict.fromkeys(lines, wanted)


def test_what_comes_by_itself_while_one_listens_is_a_yes_when_it_is_written() -> None:
    for words in ("응", "응!", "응응", "うん", "うんうん", "Mio 응"):
        assert (answer_in(words, "Mio"), answer_in(words, "Mio", typed=True)) == (None, "yes"), words
    assert [answer_in(words, "Mio", typed=True) for words in ("응?", "응 그런데", "mhm", "嗯")] == [None] * 4


def test_who_says_that_it_is_not_wanted_any_more_says_nothing_else() -> None:
    for words in (
        *("never mind", "Nevermind!", "Forget it.", "Stop, forget it.", "Mio, cancel that, please", "cancel"),
        *(
            "算了",
            "算了吧",
            "不用了",
            "取消",
            "もういいよ",
            "キャンセル",
            "なんでもない",
            "됐어요",
            "신경 쓰지 마",
            "취소해",
        ),
    ):
        assert gives_up(words, "Mio"), words
    for words in (
        "stop",
        "ok",
        "hm",
        "never mind the rain",
        "don't forget it",
        "cancel?",
        "算了吗？",
        "",
        "...",
        "Mio",
    ):
        assert not gives_up(words, "Mio"), words


def test_of_an_act_in_a_page_is_said_what_its_title_does_not_say_and_somebody_can_follow() -> None:
    typed = {"page": "http://shop.example/order", "ref": "e5", "text": "Ann", "element": "Name", "form": {}}
    shown = {
        **{"id": "1", "kind": "approval", "title": "type “Ann” into “Name”", "server": "shop.example"},
        **{"act": "write", "hand": "browser_use"},
    }
    filled = {"form": {"Street": "12 Mill Lane"}, "submit": True}
    for more, said in (
        ({"form is sent to": "http://shop.example/buy"}, ""),
        ({"form is sent to": "http://other.example/buy?x=1"}, "form is sent to: other.example"),
        (filled, 'form: {"Street": "12 Mill Lane"}; submit: true'),
        ({"text": "Ann and more"}, "text: Ann and more"),
    ):
        arguments = json.dumps({**typed, **more})
        assert SpokenApprovals().asked({**shown, "arguments": arguments}, 0).arguments == said
        elsewhere = {**shown, "arguments": arguments, "hand": "mcp"}
        assert "ref: e5" in SpokenApprovals().asked(elsewhere, 0).arguments
