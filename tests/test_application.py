"""Neko inside another asyncio program."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from neko import Neko, Settings
from neko.errors import DataFolderError, InputError, ModelUnreachableError
from neko.sessions.actions import Mode
from neko.sessions.events import (
    Audio,
    CharacterSwitched,
    Event,
    LineStored,
    ReplyText,
    SpeechEnded,
    Status,
    TurnAbandoned,
    TurnEnd,
)
from neko.sessions.manager import SessionManager
from neko.sessions.models.builtin.session import BuiltinSession
from neko.tasks import TaskOwner
from neko.types.model_session import ModelSession
from tests.scripted_provider import Script, ScriptedProvider, failure


def settings(folder: Path, **environ: str) -> Settings:
    return Settings(data_dir=folder, environ={"LANG": "en_US.UTF-8", **environ}, find_local_servers=False)


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReplyText))


async def test_a_character_answers_without_any_server(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        events = [event async for event in neko.chat("Mio", "hello")]
    assert text_of(events)
    assert isinstance(events[-1], TurnEnd)
    assert not any(isinstance(event, Audio) for event in events)


async def test_she_can_be_heard_too(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        events = [event async for event in neko.chat("Mio", "hello", speech=True)]
    assert isinstance(events[-1], SpeechEnded)
    assert sum(len(event.pcm) for event in events if isinstance(event, Audio)) > 48_000


async def test_tomorrow_she_still_knows_what_was_said(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        [event async for event in neko.chat("Mio", "My cat is called Biscuit.")]
    async with Neko(settings(tmp_path)) as neko:
        events = [event async for event in neko.chat("Mio", "What is my cat called?")]
    assert "Biscuit" in text_of(events)


async def test_who_asks_what_she_knows_of_them_is_told_what_they_said_just_now_and_before(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        [event async for event in neko.chat("Mio", "I am allergic to walnuts.")]
    async with Neko(settings(tmp_path)) as neko:
        [event async for event in neko.chat("Mio", "I live in Oslo.")]
        events = [event async for event in neko.chat("Mio", "What do you know about me?")]
    assert "- allergy: walnuts\n- home: Oslo\n" in text_of(events)
    assert "What she remembers" in text_of(events)


async def test_two_in_one_process_do_not_touch_each_other(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path / "one")) as one, Neko(settings(tmp_path / "two")) as two:
        [event async for event in one.chat("Mio", "My cat is called Biscuit.", speech=True)]
        events = [event async for event in two.chat("Mio", "What is my cat called?", speech=True)]
        assert "Biscuit" not in text_of(events)
        assert len(await two.memory.lines("Mio")) == 2


async def test_two_over_one_folder_are_refused(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)):
        with pytest.raises(DataFolderError):
            await Neko(settings(tmp_path)).__aenter__()


async def test_an_unknown_character_is_an_error(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        with pytest.raises(InputError):
            [event async for event in neko.chat("Nobody", "hello")]


async def test_a_failing_model_is_told_in_the_events(tmp_path: Path) -> None:
    async with ScriptedProvider() as provider:
        provider.script(failure(401))
        environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url}
        async with Neko(settings(tmp_path, **environ)) as neko:
            events = [event async for event in neko.chat("Mio", "hello")]
    told = [event for event in events if isinstance(event, Status)]
    assert [status.code for status in told] == ["model_refused_key"]
    assert isinstance(events[-1], TurnEnd)


async def test_several_chats_at_once_are_answered_in_order(tmp_path: Path) -> None:
    async def chat(neko: Neko, text: str) -> list[Event]:
        return [event async for event in neko.chat("Mio", text)]

    async with Neko(settings(tmp_path)) as neko:
        await asyncio.gather(*(chat(neko, f"hello {number}") for number in range(5)))
        said = [line.text for line in await neko.memory.lines("Mio") if line.role == "user"]
    assert said == [f"hello {number}" for number in range(5)]


async def test_mounted_below_another_app_every_address_has_its_prefix(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        host: Any = Starlette(routes=[Mount("/companion", neko.asgi)])
        transport = httpx2.ASGITransport(host)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as browser:
            page = await browser.get("/companion/")
            assert page.status_code == 200
            assert 'href="/companion/"' in page.text
            assert (await browser.get("/companion/health")).json()["status"] == "ok"
            assert (await browser.get("/companion/static/app/main.js")).status_code == 200


async def test_leaving_in_the_middle_of_a_reply_keeps_what_came(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        async for event in neko.chat("Mio", "hello"):
            if isinstance(event, LineStored):
                break
    async with Neko(settings(tmp_path)) as neko:
        assert (await neko.memory.lines("Mio"))[0].text == "hello"


async def test_a_program_can_answer_with_model_sessions_of_its_own(tmp_path: Path) -> None:
    modes: list[Mode] = []

    def own_session(mode: Mode, owner: TaskOwner) -> ModelSession:
        modes.append(mode)
        return BuiltinSession(owner=owner)

    async with Neko(
        settings(tmp_path, NEKO_ASSIST_API_KEY_OPENAI="sk-never-asked"), session_factory=own_session
    ) as neko:
        events = [event async for event in neko.chat("Mio", "hello")]
    assert modes == ["text"]
    assert text_of(events)


async def test_a_question_about_the_voice_never_looks_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Neko(settings(tmp_path)) as neko:
        with monkeypatch.context() as patch:
            patch.setattr(importlib.util, "find_spec", None)
            assert neko.voices.engine("Mio") in ("builtin", "browser")
            assert neko.conversations.get("Mio") is not None


async def test_a_start_that_fails_lets_the_folder_go(tmp_path: Path) -> None:
    (tmp_path / "live2d").write_text("mine", encoding="utf-8")
    with pytest.raises(DataFolderError):
        await Neko(settings(tmp_path)).__aenter__()
    (tmp_path / "live2d").unlink()
    async with Neko(settings(tmp_path)) as neko:
        assert neko.config.values == {}


async def test_stopping_twice_is_the_same_as_once(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        [event async for event in neko.chat("Mio", "hello")]
        await neko.aclose()


async def test_a_changed_voice_is_taken_and_an_unrelated_change_leaves_it_alone(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        choice = neko.voices.choice("Mio")
        await neko.config.change({"neko": {"language": "ja"}, "somebody's": 1})
        assert neko.voices.choice("Mio") == choice
        await neko.config.change({"neko": {"voices": {"Mio": {"rate": 1.5}}}})
        assert neko.voices.choice("Mio") != choice
        assert neko.voices.tuning("Mio").rate == 1.5


async def test_a_renamed_character_answers_by_its_new_name_and_is_gone_by_its_old_one(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        [event async for event in neko.chat("Mio", "hello")]
        manager = neko.conversations.get("Mio")
        await neko.characters.rename("Mio", "Rin")
        assert neko.conversations.get("Mio") is None
        assert manager is not None
        assert not manager.active
        assert neko.characters.current == "Rin"
        assert text_of([event async for event in neko.chat("Rin", "hello")])


async def test_the_memory_of_a_character_that_is_gone_is_closed_and_kept(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        [event async for event in neko.chat("Mio", "hello")]
        assert open_files(tmp_path / "memory")
        await neko.characters.rename("Mio", "Rin")
        assert open_files(tmp_path / "memory") == []
        await neko.characters.edit(lambda raw: raw["猫娘"].update(Ren={}))
        await neko.memory.lines("Ren")
        await neko.characters.delete("Ren")
        assert open_files(tmp_path / "memory") == []
        assert (await neko.memory.lines("Rin"))[0].text == "hello"


def open_files(folder: Path) -> list[str]:
    """The files below ``folder`` that this process holds open."""
    return [file.path for file in psutil.Process().open_files() if Path(file.path).is_relative_to(folder)]


async def test_a_chat_with_a_character_that_is_renamed_meanwhile_ends(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        events: list[Event] = []
        async with asyncio.timeout(15):
            async for event in neko.chat("Mio", "hello"):
                if not events:
                    await neko.characters.rename("Mio", "Rin")
                events.append(event)
        assert any(isinstance(event, CharacterSwitched) for event in events)


# ── every chat has an end ─────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
async def test_blank_text_is_an_error_at_once(tmp_path: Path, text: str) -> None:
    async with Neko(settings(tmp_path)) as neko, asyncio.timeout(15):
        with pytest.raises(InputError):
            [event async for event in neko.chat("Mio", text)]


async def test_more_chats_than_can_wait_end_with_a_notice(tmp_path: Path) -> None:
    async def chat(neko: Neko, text: str) -> list[Event]:
        return [event async for event in neko.chat("Mio", text)]

    async with Neko(settings(tmp_path)) as neko, asyncio.timeout(20):
        chats = await asyncio.gather(*(chat(neko, f"hello {number}") for number in range(150)))
    refused = [events for events in chats if isinstance(events[-1], Status) and events[-1].code == "inbox_full"]
    assert refused
    assert all(isinstance(events[-1], TurnEnd) for events in chats if events not in refused)


async def test_conversations_are_stopped_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose log is held by another program takes some seconds: together they take no longer."""
    all_at_once = asyncio.Barrier(3)
    close = SessionManager.aclose

    async def aclose(manager: SessionManager) -> None:
        await all_at_once.wait()
        await close(manager)

    async with Neko(settings(tmp_path)) as neko, asyncio.timeout(15):
        await neko.characters.edit(lambda raw: raw["猫娘"].update(Ann={}, Bea={}))
        for name in ("Mio", "Ann", "Bea"):
            assert neko.conversations.get(name)
        monkeypatch.setattr(SessionManager, "aclose", aclose)
        await neko.conversations.aclose()


async def test_a_chat_that_newer_words_cut_ends(tmp_path: Path) -> None:
    async with ScriptedProvider() as provider:
        provider.script(Script(["so far", "never"], stall_after=1), Script(["second"]))
        environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url}
        async with Neko(settings(tmp_path, **environ)) as neko, asyncio.timeout(10):
            seen = []
            async for event in neko.chat("Mio", "one", speech=True):
                seen.append(event)
                if isinstance(event, ReplyText) and event.text == "so far":
                    second = asyncio.create_task(_all(neko.chat("Mio", "two")))
            assert isinstance(seen[-1], TurnEnd)
            assert text_of(await second).endswith("second")


async def _all(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


async def test_a_chat_whose_model_cannot_be_had_ends(tmp_path: Path) -> None:
    def no_session(*_: object) -> ModelSession:
        raise ModelUnreachableError("scripted", model="m", provider="p")

    async with Neko(settings(tmp_path), session_factory=no_session) as neko, asyncio.timeout(15):
        events = [event async for event in neko.chat("Mio", "hello", speech=True)]
    assert isinstance(events[-1], TurnAbandoned)
    assert any(isinstance(event, Status) and event.level == "error" for event in events)


async def test_a_chat_without_any_voice_ends_with_the_turn(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko, asyncio.timeout(15):
        await neko.config.change({"neko": {"speech": {"engine": "off"}}})
        events = [event async for event in neko.chat("Mio", "hello", speech=True)]
    assert any(isinstance(event, TurnEnd) for event in events)


async def test_a_chat_ends_when_neko_stops(tmp_path: Path) -> None:
    async with ScriptedProvider() as provider:
        provider.script(Script(["so far", "never"], stall_after=1))
        environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url}
        async with asyncio.timeout(10):
            async with Neko(settings(tmp_path, **environ)) as neko:
                following = neko.chat("Mio", "hello")
                async for event in following:
                    if isinstance(event, ReplyText):
                        break
                rest = asyncio.create_task(_all(following))
                await asyncio.sleep(0)
            assert any(isinstance(event, TurnEnd) for event in await rest)
