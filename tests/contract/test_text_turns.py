"""``websocket.md`` §2 and §4 in text mode, against a model behind real HTTP."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from neko.web import wire
from tests.client import Frame, client, is_turn_end, text_of, types_of
from tests.conftest import RunningServer
from tests.scripted_provider import Script, ScriptedProvider, failure

NAME = "Mio"
JPEG = "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8\xff\xe0 a picture").decode()


def of_type(frames: list[Frame], wanted: str) -> list[Frame]:
    return [frame for frame in frames if frame["type"] == wanted]


@pytest.mark.contract("ws-4.1", "ws-9.2")
async def test_text_without_a_session_starts_one(connected: RunningServer) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.say("hello")
        text, seen = await page.reply()
        assert text == "Hello from the scripted model."
        started = [frame for frame in seen if frame["type"].startswith("session_")]
        assert started == [
            {"type": "session_preparing", "input_mode": "text"},
            {"type": "session_started", "input_mode": "text"},
        ]


@pytest.mark.contract("ws-4.2", "ws-9.5")
async def test_a_text_turn_has_the_order_of_the_contract(connected: RunningServer) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.send("start_session", input_type="text")
        await page.until("session_started")
        await page.say("hello", client_id="c1")
        _, seen = await page.reply()
        order = [frame["type"] for frame in seen if not frame["type"].startswith("neko_")]
        assert order[0] == "user_activity"
        assert set(order[1:-1]) == {"gemini_response"}
        assert order[-1] == "system"
        assert [frame["isNewMessage"] for frame in of_type(seen, "gemini_response")].count(True) == 1
        assert of_type(seen, "gemini_response")[0]["isNewMessage"]
        assert "user_transcript" not in types_of(seen)


@pytest.mark.contract("ws-9.5")
@pytest.mark.parametrize(
    "script",
    [
        Script(["one"]),
        Script(["<happy>", "<sad>"]),
        Script([]),
        failure(401),
        failure(404),
        Script(["half a"], cut_after=1),
    ],
)
async def test_every_turn_ends_with_turn_end(
    connected: RunningServer, provider: ScriptedProvider, script: Script
) -> None:
    provider.script(script)
    async with client(connected.ws_url, NAME) as page:
        await page.say("hello")
        await page.until(is_turn_end)
        assert not of_type(await page.quiet(), "system")


@pytest.mark.contract("ws-4.3")
async def test_a_tag_that_is_split_over_deltas_is_not_shown(
    connected: RunningServer, provider: ScriptedProvider
) -> None:
    provider.script(["<ha", "ppy", ">Ni", "ce!"])
    async with client(connected.ws_url, NAME) as page:
        await page.say("hello")
        text, seen = await page.reply()
        assert text == "Nice!"
        assert of_type(seen, "neko_emotion")[0]["emotion"] == "happy"


@pytest.mark.contract("ws-2-second-text", "ws-9.6")
async def test_a_second_text_cancels_the_first_reply(connected: RunningServer, provider: ScriptedProvider) -> None:
    provider.script(Script(["first ", "never"], stall_after=1), Script(["second"]))
    async with client(connected.ws_url, NAME) as page:
        await page.say("one")
        first = (await page.until("gemini_response"))[-1]
        await page.say("two")
        _, cut = await page.reply()
        text, seen = await page.reply()
        assert of_type(cut, "user_activity")[-1]["interrupted_speech_id"] == first["speech_id"]
        assert text == "second"
        assert {frame["turn_id"] for frame in of_type(seen, "gemini_response")} != {first["turn_id"]}
        lines = await connected.neko.memory.lines(NAME)
        assert [(line.role, line.text, line.status) for line in lines] == [
            ("user", "one", "complete"),
            ("assistant", "first ", "interrupted"),
            ("user", "two", "complete"),
            ("assistant", "second", "complete"),
        ]


@pytest.mark.contract("ws-2-while-starting")
async def test_what_is_said_during_a_start_is_delivered_in_order(connected: RunningServer) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.send("start_session", input_type="text")
        await page.say("one")
        await page.say("two")
        while not (page.frames and _answered(page.frames, 2)):
            await page.next()
        lines = [line.text for line in await connected.neko.memory.lines(NAME) if line.role == "user"]
        assert lines == ["one", "two"]


def _answered(frames: list[Frame], turns: int) -> bool:
    return sum(map(is_turn_end, frames)) == turns


@pytest.mark.contract("ws-2-start-twice")
async def test_one_session_started_serves_two_starts(connected: RunningServer) -> None:
    async with client(connected.ws_url, NAME) as page:
        for _ in range(3):
            await page.send("start_session", input_type="text")
        await page.until("session_started")
        assert "session_started" not in types_of(await page.quiet())


@pytest.mark.contract("ws-2-start-active")
async def test_a_start_while_active_is_a_new_session_without_a_farewell(connected: RunningServer) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.say("hello")
        await page.reply()
        await page.send("start_session", input_type="text", new_session=True)
        seen = await page.until("session_started")
        assert "session_preparing" in types_of(seen)
        assert "status" not in types_of(seen)


@pytest.mark.contract("ws-2-end-starting")
async def test_ending_during_a_start_cancels_it(connected: RunningServer) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.send("start_session", input_type="text")
        await page.send("end_session")
        await page.quiet()
        await page.quiet()
        manager = connected.neko.conversations.get(NAME)
        assert manager is not None
        assert not manager.active


@pytest.mark.contract("ws-2-end-idle")
@pytest.mark.parametrize("action", ["end_session", "pause_session"])
async def test_ending_nothing_is_silent(connected: RunningServer, action: str) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.send(action)
        assert await page.quiet() == []


async def test_ending_a_session_says_goodbye_once(connected: RunningServer) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.say("hello")
        await page.reply()
        await page.send("end_session")
        farewell = (await page.until("status"))[-1]
        assert NAME in farewell["message"]
        assert "status" not in types_of(await page.quiet())


@pytest.mark.contract("ws-2-wrong-type")
@pytest.mark.parametrize(
    ("kind", "data"), [("text", 5), ("text", None), ("audio", "x"), ("screen", "x"), ("smell", "x")]
)
async def test_data_of_the_wrong_type_is_dropped(connected: RunningServer, kind: str, data: Any) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.send("stream_data", input_type=kind, data=data)
        assert await page.quiet() == []


@pytest.mark.contract("ws-2-images")
async def test_pictures_ride_with_the_next_text(connected: RunningServer, provider: ScriptedProvider) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.send("stream_data", input_type="screen", data=JPEG)
        await page.send("stream_data", input_type="camera", data=JPEG)
        await page.send("stream_data", input_type="screen", data="data:image/png;base64,AAAA")
        await page.say("what is this?")
        _, seen = await page.reply()
        content = provider.chats[-1].json["messages"][-1]["content"]
        assert [part["type"] for part in content] == ["image_url", "image_url", "text"]
        assert content[0]["image_url"]["url"] == JPEG
        assert of_type(seen, "neko_line")[0]["line"]["images"] == 2


@pytest.mark.contract("ws-2-images")
async def test_pictures_alone_are_answered(connected: RunningServer, provider: ScriptedProvider) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.send("stream_data", input_type="screen", data=JPEG)
        await page.say("")
        text, _ = await page.reply()
        assert text
        assert provider.chats[-1].json["messages"][-1]["content"][-1]["text"]


async def test_blank_text_is_no_turn(connected: RunningServer) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.say("   ")
        assert await page.quiet() == []


async def test_too_long_a_text_is_refused_and_nothing_else_stops(connected: RunningServer) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.say("x" * (wire.MAX_TEXT + 1))
        assert (await page.until("status"))[-1]["code"] == "text_too_long"
        await page.say("hello")
        assert (await page.reply())[0]


async def test_the_same_message_sent_again_is_kept_and_answered_once(
    connected: RunningServer, provider: ScriptedProvider
) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.say("hello", client_id="c1")
        _, seen = await page.reply()
    async with client(connected.ws_url, NAME) as page:
        await page.say("hello", client_id="c1")
        again = (await page.until("neko_line"))[-1]
        assert again["line"] == next(f["line"] for f in of_type(seen, "neko_line") if f["line"]["role"] == "user")
        assert text_of(await page.quiet()) == ""
    assert len(provider.chats) == 1
    assert len(await connected.neko.memory.lines(NAME)) == 2


async def test_a_reply_can_be_stopped_and_the_session_stays(
    connected: RunningServer, provider: ScriptedProvider
) -> None:
    provider.script(Script(["so far ", "never"], stall_after=1), Script(["next"]))
    async with client(connected.ws_url, NAME) as page:
        await page.say("one")
        await page.until("gemini_response")
        await page.send("stop_reply")
        _, seen = await page.reply()
        kept = of_type(seen, "neko_line")[-1]["line"]
        assert (kept["text"], kept["status"]) == ("so far ", "interrupted")
        await page.say("two")
        text, seen = await page.reply()
        assert text == "next"
        assert "session_preparing" not in types_of(seen)
        history = provider.chats[-1].json["messages"]
        assert [m["content"] for m in history if m["role"] == "assistant"] == ["so far "]


async def test_retry_replaces_the_last_reply(connected: RunningServer, provider: ScriptedProvider) -> None:
    provider.script(["bad"], ["good"])
    async with client(connected.ws_url, NAME) as page:
        await page.say("hello")
        _, first = await page.reply()
        await page.send("retry_reply")
        text, seen = await page.reply()
        assert text == "good"
        assert of_type(seen, "neko_line")[-1]["replaces"] == of_type(first, "neko_line")[-1]["line"]["id"]
        roles = [m["role"] for m in provider.chats[-1].json["messages"]]
        assert roles == ["system", "user"]
        lines = await connected.neko.memory.lines(NAME)
        assert [line.text for line in lines] == ["hello", "good"]


async def test_retry_with_nothing_to_retry_says_so(connected: RunningServer) -> None:
    async with client(connected.ws_url, NAME) as page:
        await page.send("retry_reply")
        assert (await page.until("status"))[-1]["code"] == "nothing_to_retry"


ERRORS = [
    (failure(401), "model_refused_key"),
    (failure(404), "model_not_found"),
    (failure(402), "model_out_of_credit"),
    (failure(400), "model_bad_request"),
]


@pytest.mark.contract("ws-2-failing-start")
async def test_a_microphone_that_no_model_hears_is_closed_with_the_reason(connected: RunningServer) -> None:
    await connected.neko.config.change({"neko": {"hearing": {"engine": "off"}}})
    async with client(connected.ws_url, NAME) as page:
        for _ in range(20):
            await page.send("stream_data", input_type="audio", data=[0] * 480)
        seen = await page.until("auto_close_mic")
        assert types_of(seen).count("session_failed") == 1
        assert of_type(seen, "status")[0]["code"].startswith("nothing_hears")
        await page.say("then by text")
        assert (await page.reply())[0]


@pytest.mark.contract("ws-9.7")
@pytest.mark.parametrize(("script", "code"), ERRORS)
async def test_a_provider_error_says_what_to_do_and_keeps_the_session(
    connected: RunningServer, provider: ScriptedProvider, script: Script, code: str
) -> None:
    provider.script(script, ["better"])
    async with client(connected.ws_url, NAME) as page:
        await page.say("hello")
        _, seen = await page.reply()
        told = of_type(seen, "status")[-1]
        assert told["code"] == code
        assert told["remedy"]
        assert told["level"] == "error"
        await page.say("again")
        text, seen = await page.reply()
        assert text == "better"
        assert "session_preparing" not in types_of(seen)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (failure(500), "model_server_error"),
        (failure(429, retry_after="0"), "model_rate_limited"),
        (Script(refuse=True), "model_stream_broken"),
    ],
)
async def test_a_passing_failure_is_tried_again_and_said_calmly(
    connected: RunningServer, provider: ScriptedProvider, script: Script, code: str
) -> None:
    provider.script(script, ["there you are"])
    async with client(connected.ws_url, NAME) as page:
        await page.say("hello")
        text, seen = await page.reply()
        assert text == "there you are"
        told = of_type(seen, "status")
        assert [(status["code"], status["level"]) for status in told] == [(code, "info")]
        assert "session_ended_by_server" not in types_of(seen)


async def test_a_reply_cut_in_the_middle_goes_on_without_starting_over(
    connected: RunningServer, provider: ScriptedProvider
) -> None:
    provider.script(Script(["The sea ", "is "], cut_after=2), Script(["The sea is ", "wide."]))
    async with client(connected.ws_url, NAME) as page:
        await page.say("tell me")
        text, seen = await page.reply()
        assert text == "The sea is wide."
        assert len([f for f in of_type(seen, "gemini_response") if f["isNewMessage"]]) == 1
        assert "response_discarded" not in types_of(seen)


async def test_a_client_that_leaves_in_the_middle_keeps_what_it_got(
    connected: RunningServer, provider: ScriptedProvider
) -> None:
    provider.script(Script(["so far ", "never"], stall_after=1), Script(["two"]))
    async with client(connected.ws_url, NAME) as page:
        await page.say("one")
        await page.until("gemini_response")
    async with client(connected.ws_url, NAME) as page:
        await page.say("and?")
        await page.reply()
        lines = await connected.neko.memory.lines(NAME)
        assert [(line.text, line.status) for line in lines[:2]] == [("one", "complete"), ("so far ", "interrupted")]


async def test_each_characters_crash_is_its_own(connected: RunningServer, provider: ScriptedProvider) -> None:
    def add(raw: dict[str, Any]) -> None:
        raw["猫娘"]["Rin"] = {"system_prompt": "You are Rin."}

    await connected.neko.characters.edit(add)
    provider.script(Script(["stuck"], stall_after=0), Script(["fine"]))
    async with client(connected.ws_url, NAME) as one, client(connected.ws_url, "Rin") as two:
        await one.say("hello")
        await provider.wait_for_requests(1)
        await two.say("hello")
        assert (await two.reply())[0] == "fine"


@pytest.mark.contract("ws-4.4", "ws-9.6")
@pytest.mark.parametrize("cut", ["stop_reply", "text"])
async def test_no_sound_of_a_cut_reply_follows_the_cut(
    connected: RunningServer, provider: ScriptedProvider, cut: str
) -> None:
    await connected.neko.config.change({"neko": {"speech": {"engine": "builtin"}}})
    provider.script(
        Script(["This is a sentence of some length to say aloud. "] * 60 + ["end"], stall_after=60), Script(["Short."])
    )
    async with client(connected.ws_url, NAME) as page:
        await page.say("read to me")
        old = (await page.until("audio_chunk"))[-1]["speech_id"]
        if cut == "text":
            await page.say("enough")
        else:
            await page.send("stop_reply")
        before = await page.until("user_activity")
        assert before[-1]["interrupted_speech_id"] == old
        after = await page.until("neko_speech_end" if cut == "text" else is_turn_end) + await page.quiet()
        assert old not in [frame["speech_id"] for frame in of_type(after, "audio_chunk")]
