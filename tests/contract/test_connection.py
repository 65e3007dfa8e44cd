"""``websocket.md`` §1 and §6: connecting, being replaced, sending rubbish."""

from __future__ import annotations

import json
from typing import Any

import pytest

from neko.sessions import manager as manager_module
from tests.client import Client, client, is_turn_end, text_of, types_of
from tests.conftest import RunningServer

NAME = "Mio"


async def still_talks(page: Client) -> bool:
    await page.send("ping")
    return types_of(await page.until("pong"))[-1] == "pong"


@pytest.mark.contract("ws-1-not-json", "ws-9.3")
@pytest.mark.parametrize("text", ["{", "", "hello", "{'action': 'ping'}"])
async def test_a_frame_that_is_not_json_is_answered_and_the_socket_stays(server: RunningServer, text: str) -> None:
    async with client(server.ws_url, NAME) as page:
        await page.connection.send(text)
        frame = (await page.until("status"))[-1]
        assert frame["code"] == "invalid_json"
        assert isinstance(frame["message"], str)
        assert await still_talks(page)


@pytest.mark.contract("ws-1-not-object")
@pytest.mark.parametrize("value", [[], "ping", 3, None, True])
async def test_json_that_is_no_object_is_answered_and_the_socket_stays(server: RunningServer, value: Any) -> None:
    async with client(server.ws_url, NAME) as page:
        await page.connection.send(json.dumps(value))
        assert (await page.until("status"))[-1]["code"] == "invalid_json"
        assert await still_talks(page)


@pytest.mark.contract("ws-1-binary")
async def test_a_binary_frame_is_ignored(server: RunningServer) -> None:
    async with client(server.ws_url, NAME) as page:
        await page.connection.send(b"\x00\x01\x02")
        assert await page.quiet() == []


@pytest.mark.contract("ws-1-unknown-action")
@pytest.mark.parametrize(("frame", "named"), [({"action": "dance"}, "dance"), ({}, "None"), ({"action": 4}, "4")])
async def test_an_unknown_action_is_named_in_a_status(server: RunningServer, frame: dict[str, Any], named: str) -> None:
    async with client(server.ws_url, NAME) as page:
        await page.connection.send(json.dumps(frame))
        assert named in (await page.until("status"))[-1]["message"]
        assert await still_talks(page)


@pytest.mark.contract("ws-1-unknown-input-type", "ws-9.7")
async def test_an_unknown_input_type_is_a_failed_session_and_a_status(server: RunningServer) -> None:
    async with client(server.ws_url, NAME) as page:
        await page.send("start_session", input_type="smell")
        seen = await page.quiet()
        assert types_of(seen) == ["session_failed", "status"]
        assert seen[0]["input_mode"] == "smell"
        assert "smell" in seen[1]["message"]


@pytest.mark.contract("ws-1-unknown-character")
async def test_an_unknown_character_is_pointed_to_the_first_one_and_closed(server: RunningServer) -> None:
    async with client(server.ws_url, "Nobody", greeted=False) as page:
        frame = await page.next()
        assert frame == {"type": "catgirl_switched", "new_catgirl": NAME, "old_catgirl": "Nobody"}
        assert (await page.closed())[0] == 1000


@pytest.mark.contract("ws-1-renamed")
async def test_the_page_of_a_renamed_character_is_sent_to_the_new_name_and_closed(server: RunningServer) -> None:
    async with client(server.ws_url, NAME) as page:
        await page.say("hello")
        await page.reply()
        manager = server.neko.conversations.get(NAME)
        assert manager is not None
        await server.neko.characters.rename(NAME, "Other")
        told = (await page.until("catgirl_switched"))[-1]
        assert (told["new_catgirl"], told["old_catgirl"]) == ("Other", NAME)
        assert await page.closed() == (1000, "character gone")
        assert not manager.active
    assert NAME not in server.neko.conversations.opened
    async with client(server.ws_url, "Other") as page:
        await page.say("hello")
        assert (await page.reply())[0]


@pytest.mark.contract("ws-1-renamed")
async def test_the_page_of_a_deleted_character_is_sent_to_the_current_one(server: RunningServer) -> None:
    def add(raw: dict[str, Any]) -> None:
        raw["猫娘"]["Rin"] = {}

    def take_away(raw: dict[str, Any]) -> None:
        del raw["猫娘"]["Ren"]

    await server.neko.characters.edit(add)
    await server.neko.characters.edit(lambda raw: raw["猫娘"].update(Ren={}))
    async with client(server.ws_url, "Rin") as one, client(server.ws_url, "Ren") as two:
        await server.neko.characters.delete("Rin")
        await server.neko.characters.edit(take_away)
        for page in (one, two):
            assert (await page.until("catgirl_switched"))[-1]["new_catgirl"] == NAME
            assert (await page.closed())[0] == 1000
    assert not {"Rin", "Ren"} & server.neko.conversations.opened.keys()


@pytest.mark.contract("ws-9.8")
async def test_the_newest_socket_wins_and_the_older_is_told_why(server: RunningServer) -> None:
    async with client(server.ws_url, NAME) as older, client(server.ws_url, NAME) as newer:
        assert await older.closed() == (4001, "taken over")
        await newer.say("hello")
        text, _ = await newer.reply()
        assert text


@pytest.mark.contract("ws-9.8")
async def test_a_newer_tab_gets_the_running_reply_from_its_beginning(server: RunningServer) -> None:
    async with client(server.ws_url, NAME) as older:
        await older.say("hello")
        await older.until("gemini_response")
        async with client(server.ws_url, NAME) as newer:
            await newer.say("again")
            await newer.until(lambda frame: is_turn_end(frame) and bool(text_of(newer.frames)))
            replies = [frame for frame in newer.frames if frame["type"] == "gemini_response"]
            firsts = [frame["turn_id"] for frame in replies if frame["isNewMessage"]]
            assert sorted(firsts) == sorted({frame["turn_id"] for frame in replies})


@pytest.mark.contract("ws-9.8")
async def test_an_older_socket_that_would_redial_stays_open_and_silent(server: RunningServer) -> None:
    async with client(server.ws_url, NAME, knows_takeover=False) as older, client(server.ws_url, NAME) as newer:
        await newer.say("hello")
        await newer.reply()
        assert await older.quiet() == []
        await older.say("I am here again")
        assert await newer.closed() == (4001, "taken over")
        assert (await older.reply())[0]


@pytest.mark.contract("ws-9.8")
async def test_what_a_silent_socket_does_by_itself_does_not_take_the_conversation_over(server: RunningServer) -> None:
    async with (
        client(server.ws_url, NAME, knows_takeover=False) as older,
        client(server.ws_url, NAME, knows_takeover=False) as newer,
    ):
        await newer.say("hello")
        await newer.reply()
        for action in ("pause_session", "end_session"):
            await older.send(action)
        assert await older.quiet() == []
        manager = server.neko.conversations.get(NAME)
        assert manager is not None
        assert manager.active
        await newer.say("hello again")
        assert (await newer.reply())[0]
        assert await older.quiet() == []


@pytest.mark.contract("ws-9.8")
async def test_two_microphones_do_not_fight_and_the_one_switched_on_last_is_heard(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager_module, "_STREAM_PAUSE_S", 600.0)  # however busy this machine is
    sound = {"input_type": "audio", "data": [0] * 480}
    async with client(server.ws_url, NAME, knows_takeover=False) as older:
        await older.send("stream_data", **sound)
        await older.quiet()
        async with client(server.ws_url, NAME, knows_takeover=False) as newer:
            for _ in range(3):
                await older.send("stream_data", **sound)  # its microphone is still on
                assert "neko_hello" not in types_of(await older.quiet())
                await newer.send("stream_data", **sound)
                await newer.quiet()
            await older.say("hello")
            await older.until("neko_hello")
            await newer.send("stream_data", **sound)
            assert "neko_hello" not in types_of(await newer.quiet())


@pytest.mark.contract("ws-9.8", "ws-2-audio-unasked")
async def test_a_microphone_that_is_switched_on_in_a_silent_page_takes_over(server: RunningServer) -> None:
    async with client(server.ws_url, NAME, knows_takeover=False) as older, client(server.ws_url, NAME) as newer:
        await older.send("stream_data", input_type="audio", data=[0] * 480)
        await older.until("neko_hello")
        assert await newer.closed() == (4001, "taken over")


@pytest.mark.contract("ws-1-disconnect")
async def test_the_owners_disconnect_ends_the_session_quietly_when_nobody_comes_back(server: RunningServer) -> None:
    manager = server.neko.conversations.get(NAME)
    assert manager is not None
    async with client(server.ws_url, NAME) as page:
        await page.say("hello")
        await page.reply()
        assert manager.active
    async with client(server.ws_url, NAME) as page:
        assert manager.active, "a reload keeps the session"
        assert not {"status", "session_ended_by_server"} & set(types_of(await page.quiet()))


@pytest.mark.contract("ws-6")
async def test_ping_is_answered(server: RunningServer) -> None:
    async with client(server.ws_url, NAME) as page:
        await page.send("ping")
        assert await page.next() == {"type": "pong"}
