"""What a user gets of replies with thoughts, a template's leftovers, and text that only looks like either."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx2
import pytest

from neko.application import Neko
from neko.serve import listen, serving
from neko.settings import Settings
from tests.conftest import RunningServer
from tests.field.hostile_provider import DONE, HostileProvider, Raw, reply, spelled
from tests.field.talk import CHARACTER, Outcome, Talk, talking

THOUGHT = "The user says hello. I should greet them warmly and offer tea. Secret plan."
SAID = "Hello! Would you like some tea?"
HARMONY = f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{SAID}<|return|>"

NOT_HERS = {
    "B1-close-only": f"{THOUGHT}\n</think>\n\n{SAID}",
    "B1-kimi": f"{THOUGHT}◁/think▷{SAID}",
    "B2-harmony": HARMONY,
    "B2-harmony-marks-dropped": f"analysis{THOUGHT}assistantfinal{SAID}",
    "B2-harmony-start-eaten": HARMONY.removeprefix("<|channel|>"),
    "B6-think": f"<think>\n{THOUGHT}\n</think>\n\n{SAID}",
    "B6-mistral": f"[THINK]{THOUGHT}[/THINK]{SAID}",
    "B6-seed": f"<seed:think>{THOUGHT}</seed:think>{SAID}",
    "B7-im-end": f"{SAID}<|im_end|>",
    "B7-eot-id": f"{SAID}<|eot_id|>",
    "B7-deepseek": f"{SAID}<｜end▁of▁sentence｜>",
    "B7-inst": f"{SAID}[/INST]",
    "B7-s": f"{SAID}</s>",
    "B7-end-of-turn": f"{SAID}<end_of_turn>",
    "B7-another-turn": f"{SAID}<|im_end|>\n<|im_start|>user\nYes please!",
    "B6-fenced": f"```thinking\n{THOUGHT}\n```\n{SAID}",
    "B6-unused": f"<unused94>thought\n{THOUGHT}<unused95>{SAID}",
    "B7-call": f'{SAID}\n<tool_call>\n{{"name": "web_search", "arguments": {{}}}}\n</tool_call>',
    "B11-name": f"Mio: {SAID}",
    "B11-name-bold": f"**Mio:** {SAID}",
    "B11-both-voices": f"{SAID}\nUser: Yes please!\nMio: Here you are.",
}
HERS = {
    "B8-keys": "Press <Enter> to send, or <Ctrl>+<C> to stop.",
    "B8-address": "Write to <mio@example.com> or see <https://example.com>.",
    "D7-in-a-list": "So:\n- ~~~html\n  <sad>\n  <|im_end|>\n  ~~~\n- That was it.",
    "D7-in-a-quote": "So:\n> ```\n> <sad>\n> <|im_end|>\n> ```\n\nThat was it.",
    "D7-nested": "So:\n````md\n```html\n<sad>\n```\n<|im_end|>\n````\nThat was it.",
    "D7-opened-twice": "So:\n```\n```html\n<sad>\n<|im_end|>\n```\nThat was it.",
    "B8-code": "npm i <package>, then 2 < 3 and 5 > 4.",
    "B8-furigana": "日本<にほん>へ行く",
    "B7-spoken-of": "In `<|im_end|>` a turn ends.",
    "B6-spoken-of": "The tags <think> and </think> mark a thought.",
    "B6-word": "<ThinkPad> is written on it.",
    "B6-begins": "<reasoning> is the tag you asked about.",
    "B6-close-last": "The tag that closes a thought is </think>",
    "B7-xml": "A car: <car><model>Civic</model><year>2020</year></car> done.",
    "B7-chatml": "ChatML looks like <|im_start|>user and ends with <|im_end|>, that is all of it.",
    "B8-quoted": 'She said "<sad>" with a grin.',
    "B11-dialogue": "Here you go!\n\nUser: Is it open?\nClerk: Yes.",
    "B11-a-list": "Note: tea\nUser: anna",
}


def check(outcome: Outcome, said: str) -> None:
    assert outcome.text == said
    assert outcome.kept is not None
    assert outcome.kept["text"] == said
    assert outcome.is_complete
    assert outcome.told == []
    assert outcome.requests == 1


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize("text", NOT_HERS.values(), ids=NOT_HERS)
async def test_only_the_answer_is_shown_and_kept(talk: Talk, text: str, size: int) -> None:
    talk.provider.answers = [reply(*spelled(text, size))]
    check(await talk.say(), SAID)


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize("text", HERS.values(), ids=HERS)
async def test_what_only_looks_like_a_mark_is_shown_and_kept(talk: Talk, text: str, size: int) -> None:
    talk.provider.answers = [reply(*spelled(text, size))]
    check(await talk.say(), text)


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("```x``` is a name.", id="D7-span-of-three"),
        pytest.param("So:\n```\nx\n```", id="D7-closed"),
        pytest.param("So:\n- ```\n  x\n\nThat was it.", id="D7-behind-a-list"),
    ],
)
async def test_what_a_template_leaves_behind_code_is_cut(talk: Talk, text: str, size: int) -> None:
    talk.provider.answers = [reply(*spelled(f"{text}<|im_end|>\nUser: Yes!", size))]
    check(await talk.say(), text)


async def test_b1_after_two_thoughts_the_next_is_not_shown_for_a_moment_either(talk: Talk) -> None:
    talk.provider.answers = [reply(*spelled(NOT_HERS["B1-close-only"], 4))]
    for words in ("Hello there", "and now?"):
        outcome = await talk.say(words)
        assert [f["reason"] for f in outcome.frames if f["type"] == "response_discarded"] == ["thought"]
    third = await talk.say("and then?")
    assert "response_discarded" not in [frame["type"] for frame in third.frames]
    check(third, SAID)


async def test_b1_a_reply_that_speaks_of_a_thoughts_end_is_kept_and_the_next_one_streams(talk: Talk) -> None:
    talk.provider.answers = [reply(*spelled(HERS["B6-close-last"])), reply(*spelled(SAID, 4))]
    check(await talk.say(), HERS["B6-close-last"])
    outcome = await talk.say("and now?")
    check(outcome, SAID)
    assert len([frame for frame in outcome.frames if frame["type"] == "gemini_response"]) > 1


async def test_b6_a_thought_without_an_answer_is_told_as_an_empty_reply(talk: Talk) -> None:
    talk.provider.answers = [reply("<think>", "for ever")]
    outcome = await talk.say()
    assert outcome.text == ""
    assert [status["level"] for status in outcome.told] == ["error"]
    assert THOUGHT not in str(outcome.frames)


async def spoken(server: RunningServer, hostile: HostileProvider, text: str) -> tuple[list[str], Outcome]:
    """What is given to the voice, and what a page gets."""
    voice = {"engine": "openai", "url": hostile.base_url, "model": "tts", "voice": "v"}
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as http:
        assert (await http.post("/api/speech", json=voice)).status_code == 200
    hostile.answers = [reply(*spelled(text, 4))]
    async with talking(server, hostile) as talk:
        outcome = await talk.say()
        if not any(frame["type"] == "neko_speech_end" for frame in outcome.frames):
            outcome.frames += await talk.page.until("neko_speech_end")
    return [str(request.json["input"]) for request in hostile.speeches], outcome


@pytest.mark.parametrize("row", ["B2-harmony", "B6-think", "B7-im-end", "B11-both-voices"])
async def test_only_the_answer_is_spoken(server: RunningServer, hostile: HostileProvider, row: str) -> None:
    heard, _ = await spoken(server, hostile, NOT_HERS[row])
    assert " ".join(heard) == SAID


async def test_b8_what_stands_in_angle_brackets_is_said(server: RunningServer, hostile: HostileProvider) -> None:
    heard, _ = await spoken(server, hostile, HERS["B8-keys"])
    assert " ".join(heard) == "Press Enter to send, or Ctrl + C to stop."


async def test_b1_the_voice_of_a_thought_is_cut_where_it_turns_out_to_be_one(
    server: RunningServer, hostile: HostileProvider
) -> None:
    heard, outcome = await spoken(server, hostile, NOT_HERS["B1-close-only"])
    types = [frame["type"] for frame in outcome.frames]
    after = outcome.frames[types.index("response_discarded") :]
    answer = next(frame["speech_id"] for frame in after if frame["type"] == "gemini_response")
    assert {frame["speech_id"] for frame in after if "speech_id" in frame} == {answer}
    assert answer not in str(outcome.frames[: types.index("response_discarded")])
    assert " ".join(heard).endswith(SAID)


# ── half an emoji ─────────────────────────────────────────────────────────────


@asynccontextmanager
async def running(data_dir: Path) -> AsyncIterator[RunningServer]:
    """A Neko over files that are there already."""
    settings = Settings(data_dir=data_dir, port=0, environ={}, find_local_servers=False)
    with listen(settings.host, settings.port) as listener:
        async with Neko(settings) as neko, serving(neko, listener):
            address = f"127.0.0.1:{listener.port}"
            yield RunningServer(neko, f"http://{address}", f"ws://{address}")


HALVES = {
    "A1-model": (["Tea ", "\ud83c", " for two."], "Tea \ufffd for two."),
    "A1-model-split-emoji": (["Tea ", "\ud83c", "\udf75 for two."], "Tea 🍵 for two."),
    "A1-model-nul": (["Tea\0", " for two."], "Tea\ufffd for two."),
}


@pytest.mark.parametrize(("pieces", "said"), HALVES.values(), ids=HALVES)
async def test_a_model_that_sends_half_an_emoji_is_understood_and_goes_on(
    talk: Talk, pieces: list[str], said: str
) -> None:
    chunks = [f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}\n\n".encode() for piece in pieces]
    talk.provider.answers = [Raw([*chunks, DONE]), reply("The tea is ready.")]
    check(await talk.say(), said)
    check(await talk.say("again"), "The tea is ready.")
    assert [line["text"] for line in await talk.history()] == ["Hello there", said, "again", "The tea is ready."]


async def test_a1_a_user_who_sends_half_an_emoji_is_answered(talk: Talk) -> None:
    talk.provider.answers = [reply("The tea is ready.")]
    check(await talk.say("half \ud83d"), "The tea is ready.")
    check(await talk.say("again"), "The tea is ready.")
    assert (await talk.history())[0]["text"] == "half \ufffd"


async def test_a1_half_an_emoji_in_an_old_log_does_no_harm(data_dir: Path, hostile: HostileProvider) -> None:
    log = data_dir / "memory" / f"time_indexed_{CHARACTER}"
    log.parent.mkdir(parents=True)
    with closing(sqlite3.connect(log)) as connection:
        connection.execute(
            "CREATE TABLE time_indexed_original (id INTEGER NOT NULL, session_id TEXT, message TEXT, "
            "timestamp DATETIME, PRIMARY KEY (id))"
        )
        insert = "INSERT INTO time_indexed_original (session_id, message) VALUES ('s', CAST(? AS TEXT))"
        for content in ("tea \ud83d", "tea \0"):
            message = json.dumps({"type": "human", "data": {"content": content}})
            connection.execute(insert, (message,))
        connection.execute(
            "INSERT INTO time_indexed_original (session_id, message) VALUES ('s', CAST(X'746561FF' AS TEXT))"
        )
        connection.commit()
    hostile.answers = [reply("The tea is ready.")]
    async with running(data_dir) as server, talking(server, hostile) as talk:
        assert [line["text"] for line in await talk.history()] == ["tea \ufffd", "tea \ufffd", "tea\ufffd"]
        outcome = await talk.say("tea?")
    assert outcome.text == "The tea is ready."
    assert outcome.told == []


async def test_a1_half_an_emoji_in_files_edited_by_hand_does_no_harm(data_dir: Path, hostile: HostileProvider) -> None:
    async with running(data_dir):
        pass
    config = data_dir / "config"
    cards = json.loads((config / "characters.json").read_text(encoding="utf-8"))
    cards["猫娘"] = {**cards["猫娘"], "Rin\ud83d": {"性格": "kind \ude00\0"}}
    cards["主人"]["档案名"] = "Rei\ud83d"
    (config / "characters.json").write_text(json.dumps(cards), encoding="utf-8")
    stored = {"coreApiKey": "sk-\ud83d", "neko": {"speech": {"engine": "off", "voice": "v\ud83d"}}}
    (config / "core_config.json").write_text(json.dumps(stored), encoding="utf-8")
    (config / "user_preferences.json").write_text(json.dumps([{"model_path": "/a\ud83d"}]), encoding="utf-8")
    hostile.answers = [reply("The tea is ready.")]
    async with running(data_dir) as server, httpx2.AsyncClient(base_url=server.url, trust_env=False) as http:
        for path in ("characters", "config/core_api", "config/preferences", "speech", "history/Rin\ufffd"):
            assert (await http.get(f"/api/{path}")).status_code == 200, path
        async with talking(server, hostile) as talk:
            assert (await talk.say()).text == "The tea is ready."
