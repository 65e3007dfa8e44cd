"""A chat session over real HTTP with the scripted provider."""

from __future__ import annotations

import asyncio
import base64

import pytest

from neko.errors import (
    ModelBadRequestError,
    ModelEmptyReplyError,
    ModelError,
    ModelKeyRefusedError,
    ModelNotFoundError,
    ModelOutOfCreditError,
    ModelRateLimitedError,
    ModelServerError,
    ModelStreamBrokenError,
    ModelTimeoutError,
    ModelUnreachableError,
    ModelWebPageError,
)
from neko.llm.client import Patience
from neko.providers import ModelEndpoint
from neko.types.model_session import (
    ReplyDone,
    ReplyNotice,
    ReplyStarted,
    Retrying,
    TextDelta,
    UserImage,
    UserMessage,
)
from tests.scripted_provider import Script, ScriptedProvider, failure
from tests.sessions.models.conftest import Start, end_of, retries_of, text_of

# ── requests ────────────────────────────────────────────────────────────────────────────


async def test_deltas_arrive_as_they_were_sent_and_those_of_one_burst_may_be_one(start: Start) -> None:
    talk = await start()
    talk.provider.script(Script(["Hel", "lo ", "Sam", "!"], delay=0.02), ["Hel", "lo ", "Sam", "!"])
    events = await talk.say("hi")
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Hel", "lo ", "Sam", "!"]
    events = await talk.say("hi", "r2")
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Hello Sam!"


async def test_the_request_is_a_streamed_completion_with_the_key_and_the_extra_body(start: Start) -> None:
    talk = await start(extra_body={"enable_thinking": False})
    await talk.say("hi")
    request = talk.provider.chats[0]
    assert request.headers["authorization"] == "Bearer sk-secret"
    assert {key: request.json[key] for key in ("model", "temperature", "stream", "enable_thinking")} == {
        "model": "scripted-1", "temperature": 1.0, "stream": True, "enable_thinking": False,
    }  # fmt: skip


async def test_the_talk_so_far_is_sent_with_every_message(start: Start) -> None:
    talk = await start()
    talk.provider.script(["One."], ["Two."])
    await talk.say("first", "a")
    await talk.say("second", "b")
    assert talk.sent() == [
        {"role": "system", "content": "You are Mio."},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "One."},
        {"role": "user", "content": "second"},
    ]


async def test_context_stands_with_the_words_it_belongs_to_so_that_what_comes_before_stays_the_same(
    start: Start,
) -> None:
    talk = await start()
    await talk.say("first", "a", context="Sam has a cat.")
    await talk.say("second", "b")
    assert [message["content"] for message in talk.sent(0)] == ["You are Mio.", "[Sam has a cat.]\n\nfirst"]
    assert [message["content"] for message in talk.sent(1)][:2] == ["You are Mio.", "first"]


async def test_pictures_go_to_the_vision_model_for_their_message_only(start: Start) -> None:
    async with ScriptedProvider() as eye:
        talk = await start(vision=ModelEndpoint("vision", "custom", "Eye", eye.base_url, "eye-1", "k2"))
        await talk.say("look", "a", images=(b"\xff\xd8jpeg",))
        await talk.say("and?", "b")
        [seen] = eye.chats
        assert seen.json["model"] == "eye-1"
        url = "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8jpeg").decode()
        assert seen.json["messages"][-1]["content"][0] == {"type": "image_url", "image_url": {"url": url}}
        assert [message["role"] for message in talk.sent()] == ["system", "user", "assistant", "user"]
        assert "jpeg;base64" not in str(talk.sent())
        await talk.session.aclose()


async def test_a_live_picture_goes_with_the_next_message_and_only_the_newest_one(start: Start) -> None:
    talk = await start()
    await talk.session.send(UserImage(b"old"))
    await talk.session.send(UserImage(b"new"))
    await talk.say("what now?", "a")
    await talk.say("and?", "b")
    first = str(talk.sent(0))
    assert base64.b64encode(b"new").decode() in first
    assert base64.b64encode(b"old").decode() not in first
    assert "base64" not in str(talk.sent(1))


async def test_old_lines_fall_out_of_the_budget_but_the_persona_stays(start: Start) -> None:
    talk = await start(history_tokens=60)
    for number in range(8):
        talk.provider.script([f"Answer number {number}."])
        await talk.say(f"Question number {number}?", str(number))
    sent = talk.sent()
    assert sent[0] == {"role": "system", "content": "You are Mio."}
    assert sent[1]["role"] == "user"
    assert sent[-1] == {"role": "user", "content": "Question number 7?"}
    assert "Question number 0?" not in str(sent)


async def test_one_connection_serves_the_whole_talk(start: Start) -> None:
    talk = await start()
    for number in range(3):
        await talk.say("hi", str(number))
        assert talk.provider.connections == 1


async def test_opening_asks_the_server_nothing_and_does_not_need_it(start: Start, free_port: int) -> None:
    talk = await start(base_url=f"http://127.0.0.1:{free_port}/v1")
    assert talk.session.label.model == "scripted-1"
    assert talk.provider.requests == []


async def test_sending_to_a_closed_session_is_an_error(start: Start) -> None:
    talk = await start()
    await talk.session.aclose()
    with pytest.raises(RuntimeError):
        await talk.session.send(UserMessage("a", "hi"))


# ── interruption ────────────────────────────────────────────────────────────────────────


async def test_an_interruption_drops_the_http_stream_at_once(start: Start) -> None:
    talk = await start()
    talk.provider.script(Script(["One ", "two ", "three"], stall_after=2))
    await talk.session.send(UserMessage("a", "count"))
    request = await talk.provider.wait_for_requests(1)
    await talk.until(lambda event: isinstance(event, TextDelta) and event.text == "two ")
    await talk.session.interrupt("a", "One ")
    async with asyncio.timeout(15):
        await request.aborted.wait()


async def test_history_keeps_of_an_interrupted_reply_what_was_delivered(start: Start) -> None:
    talk = await start()
    talk.provider.script(Script(["One ", "two ", "three"], stall_after=2))
    await talk.session.send(UserMessage("a", "count"))
    await talk.until(lambda event: isinstance(event, TextDelta) and event.text == "two ")
    await talk.session.interrupt("a", "One ")
    await talk.say("go on", "b")
    assert talk.sent()[1:] == [
        {"role": "user", "content": "count"},
        {"role": "assistant", "content": "One "},
        {"role": "user", "content": "go on"},
    ]


async def test_lines_without_a_reply_are_sent_as_one_so_that_roles_alternate(start: Start) -> None:
    talk = await start()
    talk.provider.script(Script(stall_after=0))
    await talk.session.send(UserMessage("a", "wait"))
    await talk.provider.wait_for_requests(1)
    await talk.session.interrupt("a", "")
    await talk.say("never mind", "b")
    assert talk.sent()[1:] == [{"role": "user", "content": "wait\nnever mind"}]


async def test_a_newer_message_keeps_of_the_older_reply_what_was_read(start: Start) -> None:
    talk = await start()
    talk.provider.script(Script(["One ", "two "], stall_after=2))
    await talk.session.send(UserMessage("a", "count"))
    await talk.until(lambda event: isinstance(event, TextDelta))
    await talk.say("stop", "b")
    assert talk.sent()[2] == {"role": "assistant", "content": "One "}


async def test_an_end_that_nobody_has_read_can_still_become_an_interruption(start: Start) -> None:
    talk = await start()
    talk.provider.script(["One ", "two."])
    await talk.session.send(UserMessage("a", "count"))
    request = await talk.provider.wait_for_requests(1)
    async with asyncio.timeout(15):
        await request.finished.wait()
        while talk.owner.tasks:
            await asyncio.wait(talk.owner.tasks)
    await talk.session.interrupt("a", "One")
    events = await talk.until(lambda event: isinstance(event, ReplyDone))
    assert events == [ReplyStarted("a"), ReplyDone("a", "interrupted")]
    await talk.say("go on", "b")
    assert talk.sent()[2] == {"role": "assistant", "content": "One"}


# ── failures ────────────────────────────────────────────────────────────────────────────

PERMANENT = [
    (failure(401, "Incorrect API key provided: sk-secret"), ModelKeyRefusedError),
    (failure(403, "Forbidden"), ModelKeyRefusedError),
    (failure(404, "The model `scripted-1` does not exist"), ModelNotFoundError),
    (failure(402, "Payment required"), ModelOutOfCreditError),
    (
        failure(429, "You exceeded your current quota, check your billing", code="insufficient_quota"),
        ModelOutOfCreditError,
    ),
    (
        failure(400, "Access denied, make sure your account is in good standing", code="Arrearage"),
        ModelOutOfCreditError,
    ),
    (failure(400, "Model Not Exist"), ModelNotFoundError),
    (failure(400, "API key not valid. Please pass a valid API key."), ModelKeyRefusedError),
    (Script(body=b"<html>login</html>", content_type="text/html"), ModelWebPageError),
    (failure(422, "the body is not what it should be"), ModelBadRequestError),
]


@pytest.mark.parametrize(("script", "kind"), PERMANENT, ids=lambda value: getattr(value, "__name__", None))
async def test_a_permanent_failure_ends_the_reply_and_not_the_session(
    start: Start, script: Script, kind: type[ModelError]
) -> None:
    talk = await start()
    talk.provider.script(script)
    end = end_of(await talk.say("hi", "a"))
    assert end.reason == "failed"
    assert type(end.error) is kind
    assert (end.error.params["model"], end.error.params["provider"]) == ("scripted-1", "Scripted")
    assert "sk-secret" not in f"{end.error} {end.error.params}"
    assert talk.waits.seconds == []
    assert end_of(await talk.say("again", "b")).reason == "complete"


TRANSIENT = [
    (failure(500), ModelServerError),
    (failure(503, "overloaded"), ModelServerError),
    (failure(429, "Rate limit reached"), ModelRateLimitedError),
    (Script(refuse=True), ModelStreamBrokenError),
    (Script(["He", "y"], cut_after=0), ModelStreamBrokenError),
    (Script(error_after=0, error={"message": "boom"}), ModelServerError),
    (Script([], finish_reason=None, done=False), ModelEmptyReplyError),
    (Script(body=b"[1]", content_type="application/json"), ModelEmptyReplyError),
]


@pytest.mark.parametrize(("script", "kind"), TRANSIENT, ids=lambda value: getattr(value, "__name__", None))
async def test_a_transient_failure_is_tried_again_and_said(
    start: Start, script: Script, kind: type[ModelError]
) -> None:
    talk = await start()
    talk.provider.script(script, script, ["All well."])
    events = await talk.say("hi")
    assert [(type(retry.error), retry.attempt, retry.delay) for retry in retries_of(events)] == [
        (kind, 2, 1.0),
        (kind, 3, 2.0),
    ]
    assert talk.waits.seconds == [1.0, 2.0]
    assert text_of(events) == "All well."
    assert end_of(events) == ReplyDone("r")


async def test_three_failures_are_enough(start: Start) -> None:
    talk = await start()
    talk.provider.script(failure(500), failure(502), failure(503))
    end = end_of(await talk.say("hi", "a"))
    assert isinstance(end.error, ModelServerError)
    assert len(talk.provider.chats) == 3
    assert end_of(await talk.say("again", "b")).reason == "complete"


async def test_a_server_that_is_not_there_is_unreachable(start: Start, free_port: int) -> None:
    talk = await start(base_url=f"http://127.0.0.1:{free_port}/v1")
    events = await talk.say("hi")
    assert isinstance(end_of(events).error, ModelUnreachableError)
    assert len(retries_of(events)) == 2


async def test_connecting_ahead_to_a_server_that_is_down_is_silent(start: Start, free_port: int) -> None:
    talk = await start(base_url=f"https://127.0.0.1:{free_port}/v1", back_off_s=())
    async with asyncio.timeout(15):
        while talk.owner.tasks:
            await asyncio.wait(talk.owner.tasks)
    assert isinstance(end_of(await talk.say("hi")).error, ModelUnreachableError)


async def test_silence_before_the_first_word_is_a_timeout_and_is_not_asked_again(start: Start) -> None:
    talk = await start(near=Patience(5, 0.05, 5))
    talk.provider.script(Script(stall_after=0))
    end = end_of(await talk.say("hi"))
    assert isinstance(end.error, ModelTimeoutError)
    assert len(talk.provider.chats) == 1


async def test_a_late_model_is_waited_for_and_this_is_said_once(start: Start) -> None:
    talk = await start(near=Patience(0.0, 60, 60))
    talk.provider.script(Script(["There."], stall_after=0))
    await talk.session.send(UserMessage("a", "hi"))
    [*_, notice] = await talk.until(lambda event: isinstance(event, ReplyNotice))
    assert isinstance(notice, ReplyNotice)
    assert (notice.reply_id, notice.code, notice.params["model"]) == ("a", "model_late_near", "scripted-1")
    talk.provider.release()
    events = await talk.until(lambda event: isinstance(event, ReplyDone))
    assert text_of(events) == "There."
    assert not [event for event in events if isinstance(event, ReplyNotice)]
    assert len(talk.provider.chats) == 1


async def test_a_kept_connection_that_has_died_is_replaced_without_a_word(start: Start) -> None:
    talk = await start()
    talk.provider.script(["One."], Script(refuse=True), ["Two."])
    await talk.say("hi", "a")
    events = await talk.say("and?", "b")
    assert text_of(events) == "Two."
    assert retries_of(events) == []
    assert talk.waits.seconds == []


async def test_a_server_that_drops_a_fresh_connection_too_is_tried_again_as_usual(start: Start) -> None:
    talk = await start()
    talk.provider.script(["One."], Script(refuse=True), Script(refuse=True), ["Two."])
    await talk.say("hi", "a")
    events = await talk.say("and?", "b")
    assert text_of(events) == "Two."
    assert len(retries_of(events)) == 1


async def test_silence_between_tokens_is_a_timeout_and_the_stream_is_dropped(start: Start) -> None:
    talk = await start(near=Patience(5, 5, 0.05), back_off_s=())
    talk.provider.script(Script(["Well", "…"], stall_after=1))
    events = await talk.say("hi")
    assert text_of(events) == "Well"
    assert isinstance(end_of(events).error, ModelTimeoutError)
    async with asyncio.timeout(15):
        await talk.provider.chats[0].aborted.wait()


async def test_hidden_reasoning_is_a_sign_of_life_and_is_not_shown(start: Start) -> None:
    talk = await start(near=Patience(5, 0.05, 5))
    talk.provider.script(Script(["ready"], reasoning=["hmm", "hmm"], stall_after=0))
    events = await talk.say("hi")
    assert text_of(events) == ""
    assert isinstance(end_of(events).error, ModelTimeoutError)


async def test_retry_after_is_honoured_up_to_half_a_minute(start: Start) -> None:
    talk = await start()
    talk.provider.script(failure(429, "slow down", retry_after="27"), ["Fine."])
    events = await talk.say("hi")
    assert talk.waits.seconds == [27.0]
    assert text_of(events) == "Fine."


async def test_a_longer_wish_than_half_a_minute_is_told_instead_of_waited_for(start: Start) -> None:
    talk = await start()
    talk.provider.script(failure(429, "slow down", retry_after="60"))
    end = end_of(await talk.say("hi"))
    assert isinstance(end.error, ModelRateLimitedError)
    assert end.error.params["seconds"] == 60
    assert talk.waits.seconds == []


async def test_an_empty_reply_is_a_failure(start: Start) -> None:
    talk = await start()
    talk.provider.script([], ["   ", "\n"], ["<think>only thoughts</think>"])
    for reply_id in "abc":
        assert isinstance(end_of(await talk.say("hi", reply_id)).error, ModelEmptyReplyError)


async def test_the_wait_before_another_try_can_be_interrupted(start: Start) -> None:
    talk = await start()
    talk.waits.go.clear()
    talk.provider.script(failure(500))
    await talk.session.send(UserMessage("a", "hi"))
    await talk.until(lambda event: isinstance(event, Retrying))
    await talk.session.interrupt("a", "")
    assert end_of(await talk.until(lambda event: isinstance(event, ReplyDone))).reason == "interrupted"


# ── going on after a break ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "second",
    [
        ["four five."],
        ["two three ", "four five."],
        ["One ", "two ", "three ", "four ", "five."],
        ["One two three four five."],
        ["three ", "four five."],
    ],
)
async def test_a_reply_broken_in_the_middle_goes_on_with_nothing_doubled(start: Start, second: list[str]) -> None:
    talk = await start()
    talk.provider.script(Script(["One ", "two ", "three "], cut_after=3), second)
    events = await talk.say("count")
    assert text_of(events) == "One two three four five."
    assert [type(event) for event in events].count(ReplyStarted) == 1
    assert end_of(events) == ReplyDone("r")
    assert talk.sent()[-2] == {"role": "assistant", "content": "One two three "}
    await talk.say("and now?", "s")
    assert talk.sent()[2] == {"role": "assistant", "content": "One two three four five."}


async def test_two_breaks_still_make_one_reply(start: Start) -> None:
    talk = await start()
    talk.provider.script(
        Script(["Once upon ", "a time "], cut_after=2),
        Script(["a time there ", "lived "], cut_after=2, garbage_after=1),
        ["there lived a cat."],
    )
    assert text_of(await talk.say("tell")) == "Once upon a time there lived a cat."


async def test_a_reply_that_never_recovers_keeps_what_was_said(start: Start) -> None:
    talk = await start()
    talk.provider.script(Script(["Once upon "], cut_after=1), failure(500), failure(500))
    events = await talk.say("tell", "a")
    assert text_of(events) == "Once upon "
    assert end_of(events).reason == "failed"
    await talk.say("go on", "b")
    assert talk.sent()[2] == {"role": "assistant", "content": "Once upon "}


# ── what models do ──────────────────────────────────────────────────────────────────────


async def test_inline_thoughts_are_left_out(start: Start) -> None:
    talk = await start()
    talk.provider.script(["<th", "ink>Sam says hi.", "</thi", "nk>\n\n", "Hello", " <happy>!"])
    assert text_of(await talk.say("hi")) == "Hello <happy>!"


async def test_a_server_that_does_not_stream_is_understood(start: Start) -> None:
    talk = await start()
    body = b'{"choices": [{"message": {"role": "assistant", "content": "Whole."}, "finish_reason": "stop"}]}'
    talk.provider.script(Script(body=body))
    assert text_of(await talk.say("hi")) == "Whole."


@pytest.mark.parametrize("script", [Script(["Fine."], done=False), Script(["Fine."], finish_reason=None)])
async def test_either_sign_of_an_end_is_enough(start: Start, script: Script) -> None:
    talk = await start()
    talk.provider.script(script)
    events = await talk.say("hi")
    assert text_of(events) == "Fine."
    assert end_of(events) == ReplyDone("r")


async def test_a_long_reply_without_a_reader_waits_and_then_comes_whole(start: Start) -> None:
    talk = await start(near=Patience(5, 2, 2))
    talk.provider.script(Script([f"{number} " for number in range(2000)]))
    await talk.session.send(UserMessage("r", "count"))
    request = await talk.provider.wait_for_requests(1)
    async with asyncio.timeout(15):
        await request.finished.wait()
    events = await talk.until(lambda event: isinstance(event, ReplyDone))
    assert text_of(events) == "".join(f"{number} " for number in range(2000))
    assert end_of(events) == ReplyDone("r")
