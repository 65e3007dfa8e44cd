"""A call with a provider's voice model, over the page's socket and the provider's, through the whole of Neko."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from httpx2 import AsyncClient

from neko.application import Neko
from neko.serve import listen, serving
from neko.settings import Settings
from tests.client import Client, client, is_turn_end, text_of, types_of
from tests.scripted_hearing import ScriptedHearing, Words
from tests.scripted_provider import ScriptedProvider, tone
from tests.scripted_realtime import KEY, MS_A_CHARACTER, Caller, ScriptedRealtime, Turn
from tests.scripted_session import Call as ScriptedCall
from tests.spoken import quiet, spoken

NAME = "Mio"
RATE = 16_000
SPEECH, QUIET = tone(0.4, hertz=180, rate=RATE), bytes(2 * round(0.6 * RATE))


@dataclass
class Call:
    """A page in a call."""

    page: Client
    provider: ScriptedRealtime
    neko: Neko
    url: str

    async def speak(self) -> None:
        for sound in (SPEECH, QUIET):
            for at in range(0, len(sound), 640):
                await self.page.connection.send(sound[at : at + 640])

    async def begin_to_speak(self) -> None:
        for at in range(0, len(SPEECH), 640):
            await self.page.connection.send(SPEECH[at : at + 640])

    async def lines(self) -> list[tuple[str, str, str]]:
        return [(line.role, line.text, line.status) for line in await self.neko.memory.lines(NAME)]


def configure(data_dir: Path, provider: ScriptedRealtime, **more: object) -> None:
    """The provider stands at an address of the user's own, and is spoken with as with the core provider."""
    config = {
        "coreApi": provider.dialect.key,
        "enableCustomApi": True,
        "omniModelUrl": provider.url,
        "omniModelId": "scripted-voice",
        "omniModelApiKey": KEY,
        **more,
    }
    folder = data_dir / "config"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "core_config.json").write_text(json.dumps(config), encoding="utf-8")


@asynccontextmanager
async def in_call(data_dir: Path, *turns: Turn, dialect: str = "openai", **more: object) -> AsyncIterator[Call]:
    async with ScriptedRealtime(dialect) as provider:
        provider.script(*turns)
        configure(data_dir, provider, **more)
        settings = Settings(data_dir=data_dir, port=0, environ={"LANG": "en"}, find_local_servers=False)
        with listen(settings.host, settings.port) as door:
            async with (
                Neko(settings) as neko,
                serving(neko, door),
                client(f"ws://127.0.0.1:{door.port}", NAME) as page,
            ):
                await page.send("start_session", input_type="audio", audio_format="pcm16", sample_rate=RATE)
                await page.until("session_started")
                yield Call(page, provider, neko, f"http://127.0.0.1:{door.port}")


def caller(call: Call) -> Caller:
    return call.provider.last


@pytest.mark.loop_watchdog
async def test_what_is_said_is_shown_before_the_reply_and_both_are_kept(data_dir: Path) -> None:
    async with in_call(data_dir, Turn(hears="Hello there.", late=True)) as call:
        await call.speak()
        seen = await call.page.until("neko_speech_end")
        kinds = types_of(seen)
        assert kinds.index("user_transcript") < kinds.index("gemini_response")
        assert text_of(seen) == "I hear you well."
        assert await call.lines() == [
            ("user", "Hello there.", "complete"),
            ("assistant", "I hear you well.", "complete"),
        ]
        assert len(caller(call).heard) > len(SPEECH)  # at 24 kHz, which the provider takes


async def test_words_typed_in_a_call_are_answered_by_the_voice_model(data_dir: Path) -> None:
    async with in_call(data_dir) as call:
        await call.page.say("Are you there?")
        seen = await call.page.until(is_turn_end)
        assert text_of(seen) == "I hear you well."
        assert [line.text.partition("\n")[2] for line in caller(call).known if line.role == "user"] == [
            "Are you there?"
        ]


async def test_speech_over_her_cancels_and_shortens_what_the_provider_remembers_to_what_was_heard(
    data_dir: Path,
) -> None:
    long = Turn(deltas=("one two three four five ", "six seven"), waits=True)
    async with in_call(data_dir, long, Turn(hears="stop")) as call:
        await call.page.say("Count.")
        chunk = (await call.page.until("audio_chunk"))[-1]
        await call.page.send("playback", speech_id=chunk["speech_id"], played_ms=8 * MS_A_CHARACTER, state="playing")
        await call.begin_to_speak()
        await call.page.until(is_turn_end)
        await call.provider.until(lambda: bool(caller(call).of("conversation.item.truncate")))
        assert caller(call).of("response.cancel")
        [line] = [line for line in caller(call).known if line.role == "assistant"]
        assert line.text.rstrip() == "one two"
        assert ("assistant", "one two", "interrupted") in await call.lines()


async def test_the_third_reply_alike_is_a_warning(data_dir: Path) -> None:
    async with in_call(data_dir) as call:
        for awaited in (is_turn_end, is_turn_end, "repetition_warning"):
            await call.page.say("Say it again.")
            seen = await call.page.until(awaited)
        assert seen[-1]["name"] == NAME


@pytest.mark.parametrize("fault", ["normal close", "cut"])
async def test_a_provider_that_hangs_up_is_followed_by_another_session(data_dir: Path, fault: str) -> None:
    async with in_call(data_dir, Turn(fault=fault)) as call:  # type: ignore[arg-type]
        await call.speak()
        await call.page.until(is_turn_end)
        await call.speak()
        seen = await call.page.until(is_turn_end)
        assert text_of(seen) == "I hear you well."
        assert len(call.provider.calls) == 2


async def save_key_page(call: Call, **changed: str) -> None:
    """What N.E.K.O.'s page does: all that it was shown goes back, with what the user changed."""
    async with AsyncClient(base_url=call.url) as http:
        shown = (await http.get("/api/config/core_api")).json()
        form = {name: value for name, value in shown.items() if value and name not in ("success", "secrets_set")}
        saved = (
            await http.post("/api/config/core_api", json={**form, "coreApiKey": "sk-0123456789", **changed})
        ).json()
        assert (saved["success"], saved["sessions_ended"]) == (True, 0)


async def test_what_is_saved_in_a_call_ends_it_not_and_counts_from_the_next_session_on(data_dir: Path) -> None:
    """The contract ends every session and has its page reload; that is kept for talk in writing."""
    async with in_call(data_dir, coreApiKey="sk-0123456789") as call:
        await save_key_page(call, assistApiKeyKimi="kimi-0123456789-abcdef", mcpToken="of-another-thing")
        await call.speak()
        seen = types_of(await call.page.until(is_turn_end))
        assert len(call.provider.calls) == 1, "nothing that the session is made of is another"
        await save_key_page(call, omniModelApiKey="sk-0123456789-another")
        await call.provider.until(lambda: len(call.provider.calls) == 2 and call.provider.calls[0].closed)
        await call.speak()
        seen += types_of(await call.page.until(is_turn_end))
        assert not {"reload_page", "session_ended_by_server", "session_started"}.intersection(seen)


@pytest.mark.parametrize(("status", "code"), [(401, "model_refused_key"), (404, "model_not_found")])
async def test_what_is_wrong_for_good_is_told_with_the_place_to_mend_it_and_shuts_the_microphone(
    data_dir: Path, status: int, code: str
) -> None:
    async with ScriptedRealtime() as provider:
        provider.refuses = (status, {"error": {"message": "scripted: no such thing"}})
        configure(data_dir, provider)
        settings = Settings(data_dir=data_dir, port=0, environ={"LANG": "en"}, find_local_servers=False)
        with listen(settings.host, settings.port) as door:
            async with (
                Neko(settings) as neko,
                serving(neko, door),
                client(f"ws://127.0.0.1:{door.port}", NAME) as page,
            ):
                await page.send("start_session", input_type="audio", audio_format="pcm16", sample_rate=RATE)
                seen = await page.until("auto_close_mic")
                assert "session_failed" in types_of(seen)
                [told] = [frame for frame in seen if frame["type"] == "status"]
                assert (told["code"], told["link"]) == (code, "settings/hearing"), "where calls are set up"
                assert "Settings › Hearing" in told["remedy"]


async def test_who_answers_calls_is_chosen_and_told(data_dir: Path) -> None:
    async with in_call(data_dir) as call, AsyncClient(base_url=call.url) as http:
        state = (await http.get("/api/calls")).json()
        assert (state["way"], state["chosen"], state["provider"], state["model"]) == (
            "direct",
            None,
            "openai",
            "scripted-voice",
        )
        assert {"openai", "qwen", "step", "glm", "free", "gemini"} == {one["key"] for one in state["providers"]}
        state = (await http.post("/api/calls", json={"way": "text"})).json()
        assert (state["way"], state["chosen"]) == ("text", "text")
        state = (await http.post("/api/calls", json={"way": "auto"})).json()
        assert (state["way"], state["chosen"]) == ("direct", None)
        assert (await http.post("/api/calls", json={"provider": "nobody"})).status_code == 400
        refused = await http.post("/api/calls", json={"wya": "text"})
        assert refused.status_code == 422
        assert refused.json()["detail"][0]["loc"][-1] == "wya"


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9/v1"])
async def test_a_call_left_to_her_is_opened_ahead_with_who_is_told_what_is_remembered_anyway(
    data_dir: Path, url: str
) -> None:
    text = {"conversationModelUrl": url, "conversationModelId": "m", "conversationModelApiKey": "k"} if url else {}
    async with in_call(data_dir, **text) as call:
        assert call.neko.models.calls.chosen is None
        assert call.neko.models.opens_ahead == bool(url)


async def test_a_key_is_not_taken_along_to_another_provider(data_dir: Path) -> None:
    async with in_call(data_dir, coreApiKey="sk-of-openai") as call, AsyncClient(base_url=call.url) as http:
        assert (await http.get("/api/calls")).json()["api_key"]
        state = (await http.post("/api/calls", json={"provider": "step", "way": "direct"})).json()
        assert (state["api_key"], state["provider"]) == ("", "step")
        assert not next(one for one in state["providers"] if one["key"] == "step")["has_key"]


async def test_a_talk_goes_on_between_a_voice_model_a_text_model_and_typing_with_all_that_was_said(
    data_dir: Path,
) -> None:
    hearing = ScriptedHearing(Words("It is a black cat."))
    async with ScriptedRealtime() as voice, ScriptedProvider() as text:
        voice.script(Turn(hears="I have a cat.", deltas=["A cat, ", "how nice."]), Turn(hears="Who is Momo?"))
        text.script(["Black cats bring luck."], ["Momo is a lovely name."])
        more = {"ModelUrl": text.base_url, "ModelId": "scripted-1", "ModelApiKey": "sk-text"}
        configure(data_dir, voice, **{f"conversation{name}": value for name, value in more.items()})
        settings = Settings(data_dir=data_dir, port=0, environ={"LANG": "en"}, find_local_servers=False)
        with listen(settings.host, settings.port) as door:
            url = f"http://127.0.0.1:{door.port}"
            async with (
                Neko(settings, hearing=hearing) as neko,
                serving(neko, door),
                client(f"ws://127.0.0.1:{door.port}", NAME) as page,
                AsyncClient(base_url=url) as http,
            ):
                call = Call(page, voice, neko, url)

                async def begin_call(way: str) -> None:
                    await http.post("/api/calls", json={"way": way})
                    await page.send("start_session", input_type="audio", audio_format="pcm16", sample_rate=RATE)
                    await page.until("session_started")

                async def answer() -> str:
                    return text_of(await page.until(is_turn_end))

                await begin_call("direct")
                await call.speak()
                assert await answer() == "A cat, how nice."
                await begin_call("text")
                sound = quiet(0.3) + await spoken("It is a black cat.") + quiet(1.6)
                for at in range(0, len(sound), 640):
                    await page.connection.send(sound[at : at + 640])
                assert await answer() == "Black cats bring luck."
                asked = json.dumps(text.chats[-1].json)
                assert asked.count("I have a cat.") == asked.count("A cat, how nice.") == 1
                await page.send("end_session")
                await page.send("start_session", input_type="text")
                await page.until("session_started")
                await page.say("Her name is Momo.")
                assert await answer() == "Momo is a lovely name."
                asked = json.dumps(text.chats[-1].json)
                assert asked.count("It is a black cat.") == asked.count("A cat, how nice.") == 1
                await begin_call("direct")
                await call.speak()
                assert await answer() == "I hear you well."
                told = json.dumps(caller(call).session) + json.dumps([line.text for line in caller(call).known])
                for line in ("I have a cat.", "Black cats bring luck.", "Her name is Momo.", "Momo is a lovely name."):
                    assert told.count(line) == 1
                assert [text for _, text, _ in await call.lines()][-2:] == ["Who is Momo?", "I hear you well."]
                assert len(await call.lines()) == 8


async def test_a_voice_that_was_chosen_for_her_speaks_what_the_model_only_writes(data_dir: Path) -> None:
    own = {"speech": {"engine": "builtin"}, "voices": {NAME: {"builtin_voice": "en-us+f3"}}}
    async with in_call(data_dir, neko=own) as call, AsyncClient(base_url=call.url) as http:
        state = (await http.get("/api/calls")).json()
        assert (state["voice"], state["voice_chosen"], "marin" in state["voices"]) == ("hers", None, True)
        assert caller(call).session["output_modalities"] == ["text"]
        await call.speak()
        seen = await call.page.until("neko_speech_end")
        assert text_of(seen) == "I hear you well."
        assert "audio_chunk" in types_of(seen)
        assert (await http.post("/api/calls", json={"voice": "model"})).json()["voice"] == "model"
        await call.provider.until(lambda: len(call.provider.calls) == 2 and bool(caller(call).session))
        assert caller(call).session["output_modalities"] == ["audio"]


async def test_the_users_turns_are_found_here_for_a_provider_that_does_not(data_dir: Path) -> None:
    async with in_call(data_dir, dialect="step", neko={"call": {"turns": "here"}}) as call:
        for sound in (quiet(0.5), await spoken("Can you hear me?"), quiet(1.6)):
            for at in range(0, len(sound), 640):
                await call.page.connection.send(sound[at : at + 640])
        assert text_of(await call.page.until(is_turn_end)) == "I hear you well."
        assert caller(call).session["turn_detection"] is None
        assert len(caller(call).of("input_audio_buffer.commit")) == 1


async def test_she_may_ask_to_see_the_screen_in_a_call_and_the_picture_stays_with_her_reply(data_dir: Path) -> None:
    looks = Turn(hears="What is wrong here?", deltas=["Show me. "], calls=[ScriptedCall("look_at_screen", {})])
    async with in_call(data_dir, looks) as call:
        assert "look_at_screen" in str(caller(call).session["tools"])
        await call.speak()
        await call.page.until("request_screenshot")
        picture = b"\xff\xd8\xff\xe0 the screen"
        sent = "data:image/jpeg;base64," + base64.b64encode(picture).decode()
        await call.page.send("screenshot_response", data=sent)
        await call.page.until(is_turn_end)
        assert caller(call).pictures == [picture]
        [_, line] = await call.neko.memory.lines(NAME)
        assert (line.role, line.text, line.images) == ("assistant", "Show me. That is done.", 1)
        assert await call.neko.memory.picture(NAME, line.pictures[0]) == picture


async def test_what_is_shared_is_described_to_a_voice_model_that_sees_nothing_and_stays_with_the_words(
    data_dir: Path,
) -> None:
    picture = b"\xff\xd8\xff\xe0 a cat"
    async with ScriptedProvider() as text:
        text.script(["A black cat on a keyboard."])
        vision = {f"visionModel{name}": value for name, value in (("Url", text.base_url), ("Id", "sees-1"))}
        async with in_call(data_dir, Turn(hears="Who is that?"), dialect="step", **vision) as call:
            await call.page.send("neko_sharing", source="camera")
            data = "data:image/jpeg;base64," + base64.b64encode(picture).decode()
            await call.page.send("stream_data", input_type="camera", data=data, neko_kind="live")
            await call.provider.until(lambda: any("black cat" in line.text for line in caller(call).known))
            asked = text.chats[-1].json
            assert (asked["model"], asked["max_tokens"]) == ("sees-1", 500)
            assert base64.b64encode(picture).decode() in json.dumps(asked)
            await call.speak()
            await call.page.until(is_turn_end)
            [line, _] = await call.neko.memory.lines(NAME)
            assert (line.text, line.images) == ("Who is that?", 1)
