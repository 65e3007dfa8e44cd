"""``memory.md`` §12, how N.E.K.O. loses or spoils what was said, and §13, what only its documents have."""

from __future__ import annotations

import asyncio
import json
import locale
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.application import Neko
from neko.memory import only_in_window
from neko.memory.memo import LIMIT
from neko.serve import listen, serving
from neko.settings import Settings
from tests.client import client
from tests.field.hostile_provider import HostileProvider, Raw, problem, reply, whole
from tests.memory.memory_folder import MIO, MemoryFolder, say, until_window
from tests.scripted_provider import Request
from tests.word_embedder import WordEmbedder

NAME = "Mio"
SMALL_TALK = [f"so line {number} it is" for number in range(14)]
DOWN = whole(problem("Incorrect API key"), 401)
ROLES = ("conversation", "summary", "router", "correction")
FACTS = {"facts": "lasting facts", "confirmed": "numbered proposals"}
"""What it is asked about facts, by words of the question."""


@dataclass
class Models:
    """One model for each role. ``answers`` by role; ``asked`` what each was asked, ``holds`` those that wait for
    ``free`` before they answer. What the model of summaries is asked about facts counts as asked of ``FACTS``."""

    answers: dict[str, Raw] = field(default_factory=lambda: {"summary": reply("They counted."), "router": reply("[]")})
    asked: dict[str, list[str]] = field(default_factory=lambda: {role: [] for role in (*ROLES, *FACTS)})
    holds: set[str] = field(default_factory=set)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: Request) -> Raw:
        role, question = request.json["model"], json.dumps(request.json["messages"], ensure_ascii=False)
        role = next((name for name, words in FACTS.items() if words in question), role)
        self.asked[role].append(question)
        if role in self.holds:
            self.held.set()
            await self.free.wait()
        return self.answers.get(role, reply("[]" if role in ("correction", *FACTS) else "Hello."))


@dataclass
class Place:
    """A Neko behind real HTTP, with a model for each role. As a parameter: what is done to its folder before."""

    neko: Neko
    http: httpx2.AsyncClient
    ws_url: str
    models: Models

    async def post(self, call: str, *texts: str, name: str = NAME) -> Any:
        said = [{"role": "assistant" if at % 2 else "user", "content": text} for at, text in enumerate(texts)]
        return (await self.http.post(f"/memory/{call}/{name}", json={"input_history": json.dumps(said)})).json()

    async def window(self) -> list[str]:
        return [entry.text for entry in await self.neko.memory.recent(NAME)]

    async def until_window(self, texts: list[str]) -> None:
        await until_window(self.neko.memory, lambda found: found == texts, NAME)


@pytest.fixture
async def place(data_dir: Path, request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    if prepare := getattr(request, "param", None):
        (data_dir / "memory").mkdir(parents=True)
        prepare(data_dir / "memory")
    async with HostileProvider() as provider:
        models = Models()
        provider.answers = [models]
        environ = {
            "NEKO_ASSIST_API_KEY_OPENAI": "sk-test",
            "NEKO_OPENAI_BASE_URL": provider.base_url,
            "LANG": "en_US.UTF-8",
        } | {f"NEKO_{role.upper()}_MODEL": role for role in ROLES}
        settings = Settings(data_dir=data_dir, port=0, environ=environ, find_local_servers=False)
        with listen(settings.host, settings.port) as listener:
            async with Neko(settings, embedder=WordEmbedder()) as neko, serving(neko, listener):
                address = f"127.0.0.1:{listener.port}"
                async with httpx2.AsyncClient(base_url=f"http://{address}", timeout=60) as http:
                    yield Place(neko, http, f"ws://{address}", models)


def review_of(texts: list[str]) -> Raw:
    return reply(json.dumps([{"n": number, "text": text} for number, text in enumerate(texts)]))


# ── §12 ──────────────────────────────────────────────────────────────────────


@pytest.mark.contract("mem-12-settle")
async def test_a_session_whose_turns_were_all_kept_is_settled_at_its_end(place: Place) -> None:
    await place.post("cache", *SMALL_TALK)
    async with client(place.ws_url, NAME) as page:
        await page.say("hello")
        await page.reply()
        await page.send("end_session")
        await place.until_window(["They counted.", *SMALL_TALK[7:], "hello", "Hello."])
    day = {"start": str(datetime.now() - timedelta(days=1)), "end": str(datetime.now() + timedelta(days=1))}
    rows = {
        what: (await place.http.get(f"/memory/retrieve_{what}_by_timeframe/{NAME}", params=day)).json()["rows"]
        for what in ("original", "summary")
    }
    assert (len(rows["original"]), len(rows["summary"])) == (16, 1)


@pytest.mark.contract("mem-12-summariser-down")
async def test_while_no_summary_can_be_had_lines_and_memo_stay(place: Place) -> None:
    await place.post("process", *SMALL_TALK)
    before = await place.window()
    assert before[0] == "They counted."
    place.models.answers["summary"] = DOWN
    await place.post("process", "and more", "indeed")
    assert await place.window() == [*before, "and more", "indeed"]


@pytest.mark.contract("mem-12-second-pass")
async def test_a_summary_that_cannot_be_shortened_costs_no_endless_calls(place: Place) -> None:
    place.models.answers["summary"] = reply("They talked about the sea. " * 60)
    await place.post("process", *SMALL_TALK)
    assert len(place.models.asked["summary"]) == 3
    assert len((await place.window())[0]) <= LIMIT


@pytest.mark.contract("mem-12-cache-during-memo")
async def test_what_is_kept_while_a_memo_is_made_survives_it(place: Place) -> None:
    place.models.holds.add("summary")
    settled = asyncio.create_task(place.post("process", *SMALL_TALK))
    await place.models.held.wait()
    await place.post("cache", "meanwhile", "indeed")
    place.models.free.set()
    await settled
    assert await place.window() == ["They counted.", *SMALL_TALK[5:], "meanwhile", "indeed"]


@pytest.mark.contract("mem-12-cache-during-review")
async def test_what_is_kept_during_a_review_survives_it(place: Place) -> None:
    place.models.holds.add("correction")
    place.models.answers["correction"] = review_of(["They counted.", *SMALL_TALK[5:13], "line 13 it is"])
    await place.post("process", *SMALL_TALK)
    await place.models.held.wait()
    await place.post("cache", "meanwhile", "indeed")
    place.models.free.set()
    await place.until_window(["They counted.", *SMALL_TALK[5:13], "line 13 it is", "meanwhile", "indeed"])


@pytest.mark.contract("mem-12-client-timeout")
@pytest.mark.parametrize("call", ["process", "renew"])
async def test_a_client_that_does_not_wait_for_the_memo_loses_nothing(place: Place, call: str) -> None:
    place.models.holds.add("summary")
    settled = asyncio.create_task(place.post(call, *SMALL_TALK))
    await place.models.held.wait()
    settled.cancel()
    await asyncio.wait([settled])
    assert [line.text for line in await place.neko.memory.lines(NAME)] == SMALL_TALK
    place.models.free.set()


def _no_log(folder: Path) -> None:
    """Nothing can be opened where a folder is."""
    (folder / f"time_indexed_{NAME}").mkdir()


@pytest.mark.contract("mem-12-error-body")
@pytest.mark.parametrize("place", [_no_log], indirect=True)
@pytest.mark.parametrize("call", ["cache", "process", "renew"])
async def test_what_was_not_kept_is_no_success(place: Place, call: str) -> None:
    assert (await place.post(call, "hello"))["status"] == "error"
    answer = await place.http.post(f"/memory/{call}/{NAME}", json={"input_history": "[1]"})
    assert answer.json()["status"] == "error"


@pytest.mark.contract("mem-12-names")
@pytest.mark.parametrize("name", ["Dr. Mio", "Mio (2)", "澪・改"])
async def test_a_name_that_a_card_can_have_has_a_memory(place: Place, name: str) -> None:
    await place.neko.characters.create(name, {})
    assert (await place.post("cache", "I live in Oslo", name=name))["status"] == "cached"
    assert "I live in Oslo" in (await place.http.get(f"/memory/new_dialog/{name}")).text


@pytest.mark.contract("mem-12-review-starved")
async def test_new_sessions_do_not_keep_a_review_from_ending(place: Place) -> None:
    place.models.holds.add("correction")
    tidied = ["They counted.", *SMALL_TALK[5:13], "line 13 it is"]
    place.models.answers["correction"] = review_of(tidied)
    await place.post("process", *SMALL_TALK)
    await place.models.held.wait()
    for _ in range(3):
        assert "line 13" in (await place.http.get(f"/memory/new_dialog/{NAME}")).text
    place.models.free.set()
    await place.until_window(tidied)
    assert len(place.models.asked["correction"]) == 1


def _damaged(folder: Path) -> None:
    (folder / f"recent_{NAME}.json").write_text(
        '[{"type": "human", "data": {"content": "I live in Os', encoding="utf-8"
    )


@pytest.mark.contract("mem-12-corrupt-file")
@pytest.mark.parametrize("place", [_damaged], indirect=True)
async def test_a_damaged_window_is_kept_beside_the_new_one(place: Place) -> None:
    await place.post("cache", "hello")
    await place.neko.memory.close(NAME)
    files = {path: path.read_bytes() for path in place.neko.folder.memory.rglob("*") if path.is_file()}
    assert b"hello" in files[place.neko.folder.memory / f"recent_{NAME}.json"]
    assert any(b"I live in Os" in content for content in files.values())


@pytest.mark.contract("mem-12-memory-down")
@pytest.mark.parametrize("place", [_no_log], indirect=True)
async def test_without_a_memory_she_talks(place: Place) -> None:
    async with client(place.ws_url, NAME) as page:
        await page.say("hello")
        text, _ = await page.reply()
    assert text == "Hello."
    (place.neko.folder.memory / f"time_indexed_{NAME}").rmdir()  # what was said is written now, and not waited for


@pytest.mark.contract("mem-12-locale")
async def test_the_clock_of_the_prompt_leaves_the_locale_alone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(locale, "setlocale", lambda *given: calls.append(given))
    text = (await place.http.get(f"/memory/new_dialog/{NAME}")).text
    assert f"{datetime.now():%Y at }" in text
    assert not calls


@pytest.mark.contract("mem-12-blocking")
@pytest.mark.loop_watchdog
async def test_a_window_of_two_thousand_entries_holds_nobody_up(tmp_path: Path) -> None:
    entries = [{"type": "human", "data": {"content": f"word {number} " * 60}} for number in range(2000)]
    async with AsyncExitStack() as stack:
        folder = MemoryFolder(tmp_path / "memory", stack)
        folder.recent.write_text(json.dumps(entries), encoding="utf-8")
        memory = await folder.open()
        for number in range(3):
            await say(memory, f"line {number}")
            await memory.recent(MIO)
        await memory.close(MIO)
        assert len(folder.entries()) == only_in_window.LONGEST + 3
        assert folder.sql("SELECT count(*) FROM time_indexed_original") == [(2003,)]


# ── §13 ──────────────────────────────────────────────────────────────────────


@pytest.mark.contract("mem-13-recall")
async def test_what_left_the_window_long_ago_is_in_the_prompt_when_it_is_asked_about(place: Place) -> None:
    await place.post("process", "My cat is called Biscuit", "how sweet", *SMALL_TALK)
    assert not any("Biscuit" in text for text in await place.window())
    async with client(place.ws_url, NAME) as page:
        await page.say("what is my cat called?")
        await page.reply()
    assert "My cat is called Biscuit" in place.models.asked["conversation"][0]


@pytest.mark.contract("mem-13-router")
async def test_the_router_decides_what_stays_as_it_was_said(place: Place) -> None:
    place.models.answers["router"] = reply("[1]")
    await place.post("process", *SMALL_TALK)
    assert await place.window() == ["They counted.", SMALL_TALK[1], *SMALL_TALK[5:]]
    assert SMALL_TALK[1] in place.models.asked["router"][0]
    assert SMALL_TALK[1] not in place.models.asked["summary"][0]


@pytest.mark.contract("mem-13-vectors")
async def test_every_line_gets_its_vector(place: Place) -> None:
    await place.post("cache", "My cat is called Biscuit", "how sweet")
    await place.neko.memory.embedded(NAME)
    progress = await place.neko.memory.meaning(NAME)
    assert (progress.done, progress.total) == (2, 2)


@pytest.mark.contract("mem-13-save")
async def test_an_edited_window_is_saved_by_file_name_and_texts(place: Place) -> None:
    chat = [{"role": "system", "text": "We met."}, {"role": "human", "text": "one"}]
    edited = {"filename": f"recent_{NAME}.json", "chat": chat}
    assert (await place.http.post("/api/memory/recent_file/save", json=edited)).json()["success"]
    assert await place.window() == ["We met.", "one"]


@pytest.mark.contract("mem-13-review-switch")
async def test_the_switch_of_the_review_is_one_switch_and_is_obeyed(place: Place) -> None:
    place.models.holds.add("correction")
    await place.http.post("/api/memory/review_config", json={"enabled": False})
    await place.post("process", *SMALL_TALK)
    await place.http.post("/api/memory/review_config", json={"enabled": True})
    await place.post("process", "and more", "indeed")
    await place.models.held.wait()
    assert len(place.models.asked["summary"]) == 2
    (question,) = place.models.asked["correction"]
    assert "indeed" in question, "not of the first time"


@pytest.mark.parametrize("call", ["process", "renew"])
async def test_a_model_finds_the_facts_in_what_a_call_has_settled(place: Place, call: str) -> None:
    proposal = {"subject": "user", "attribute": "home", "value": "Oslo", "lines": [1], "since": None}
    place.models.answers |= {"facts": reply(json.dumps([proposal])), "confirmed": reply("[0]")}
    assert (await place.post(call, "guess who is in Oslo now", "how nice"))["status"] == "processed"
    async with asyncio.timeout(30):
        while not (facts := await place.neko.memory.facts(NAME)):  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0)
    assert [(fact.attribute, fact.value) for fact in facts] == [("home", "Oslo")]


@pytest.mark.contract("mem-13-summariser")
async def test_summaries_are_made_by_the_model_of_their_role(place: Place) -> None:
    await place.post("process", *SMALL_TALK)
    assert SMALL_TALK[0] in place.models.asked["summary"][0]
    assert not place.models.asked["conversation"]
