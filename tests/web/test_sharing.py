"""What a page shows of screen and camera, and what becomes of it; and the switch that keeps all of it from her."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from httpx2 import AsyncClient

from neko.application import Neko
from neko.serve import listen, serving
from neko.sessions.actions import Mode
from neko.sessions.manager import SessionManager
from neko.settings import Settings
from neko.tasks import TaskOwner
from neko.types.lines import Line
from neko.types.model_session import ModelSession
from tests.client import Client, client, is_turn_end, types_of
from tests.contract.test_spoken_turns import speak
from tests.scripted_provider import Script, ScriptedProvider, tool_calls
from tests.scripted_session import ScriptedSpeechSession

NAME = "Mio"


def jpeg(words: str) -> bytes:
    return b"\xff\xd8\xff\xe0" + words.encode()


def encoded(words: str) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(words)).decode()


@dataclass
class Visit:
    neko: Neko
    page: Client
    url: str

    @property
    def manager(self) -> SessionManager:
        manager = self.neko.conversations.get(NAME)
        assert manager is not None
        return manager

    async def show(self, words: str, *, kind: str = "live") -> None:
        await self.page.send("stream_data", input_type="screen", data=encoded(words), neko_kind=kind)

    async def private(self, on: bool) -> None:
        async with AsyncClient(base_url=self.url) as rest:
            answer = await rest.post("/api/privacy", json={"on": on})
            assert answer.json() == {"success": True, "on": on}

    async def first_line(self) -> tuple[Line, list[bytes | None]]:
        [line, *_] = await self.neko.memory.lines(NAME)
        return line, [await self.neko.memory.picture(NAME, name) for name in line.pictures]


@asynccontextmanager
async def visit(data_dir: Path, provider: ScriptedProvider | None = None, **how: object) -> AsyncIterator[Visit]:
    key = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url} if provider else {}
    settings = Settings(data_dir=data_dir, port=0, environ={"LANG": "en", **key}, find_local_servers=False)
    with listen(settings.host, settings.port) as door:
        async with (
            Neko(settings, **how) as neko,  # type: ignore[arg-type]
            serving(neko, door),
            client(f"ws://127.0.0.1:{door.port}", NAME) as page,
        ):
            yield Visit(neko, page, f"http://127.0.0.1:{door.port}")


@asynccontextmanager
async def watched(data_dir: Path) -> AsyncIterator[tuple[Visit, ScriptedSpeechSession]]:
    """In a call with a session that watches."""
    made: list[ScriptedSpeechSession] = []

    def session(_mode: Mode, owner: TaskOwner) -> ModelSession:
        made.append(ScriptedSpeechSession(owner=owner))
        return made[-1]

    async with visit(data_dir, session_factory=session) as visitor:
        await visitor.page.send("start_session", input_type="audio")
        await visitor.page.until("session_started")
        yield visitor, made[0]


async def test_a_session_that_watches_is_shown_what_is_shared_and_one_picture_is_kept_with_the_words(
    data_dir: Path,
) -> None:
    async with watched(data_dir) as (visitor, session):
        await visitor.page.send("neko_sharing", source="screen")
        for number in range(5):
            await visitor.show(str(number))
        await speak(visitor.page)
        await visitor.page.until(is_turn_end)
        assert session.images[0] == jpeg("0")
        assert len(session.images) <= 2, "the others came too soon"
        line, kept = await visitor.first_line()
        assert line.role == "user"
        assert kept == [session.images[-1]]


async def test_off_the_record_no_picture_is_kept(data_dir: Path) -> None:
    async with watched(data_dir) as (visitor, session):
        visitor.manager.keep_nothing(True)
        await visitor.show("secret")
        await speak(visitor.page)
        await visitor.page.until(is_turn_end)
        assert session.images == [jpeg("secret")]
        assert not list((data_dir / "memory").glob(f"pictures_{NAME}/*"))


async def test_of_what_is_shared_a_chat_model_gets_the_newest_with_the_next_words_and_nothing_once_it_is_over(
    data_dir: Path,
) -> None:
    async with ScriptedProvider() as provider, visit(data_dir, provider) as visitor:
        await visitor.show("beside", kind="file")
        for number in range(3):
            await visitor.show(str(number))
        await visitor.page.say("What do you see?")
        await visitor.page.until(is_turn_end)
        assert str(provider.chats[-1].json).count("data:image/jpeg") == 2, "what is beside the words, and the newest"
        _, kept = await visitor.first_line()
        assert kept == [jpeg("beside"), jpeg("2")]
        await visitor.show("3")
        await visitor.page.send("neko_sharing", source=None)
        await visitor.page.say("And now?")
        await visitor.page.until(is_turn_end)
        assert "data:image/jpeg" not in str(provider.chats[-1].json)


async def test_that_a_model_does_not_see_is_said_once_for_each_thing_that_is_shared(data_dir: Path) -> None:
    async with visit(data_dir) as visitor:
        await visitor.page.say("Hello")
        await visitor.page.until(is_turn_end)
        for _ in range(2):
            await visitor.page.send("neko_sharing", source="camera")
            for number in range(3):
                await visitor.show(str(number))
            told = [frame["code"] for frame in await visitor.page.quiet() if frame["type"] == "status"]
            assert told == ["shared_unseen"]
        await visitor.page.say("Hello again")
        await visitor.page.until(is_turn_end)
        assert [line.images for line in await visitor.neko.memory.lines(NAME)] == [0, 0, 0, 0]


# ── asking ────────────────────────────────────────────────────────────────────


async def test_a_picture_of_the_screen_is_asked_for_and_a_no_holds(data_dir: Path) -> None:
    async with visit(data_dir) as visitor:
        asking = asyncio.create_task(visitor.manager.visual_input.ask(30.0))
        [*_, asked] = await visitor.page.until("request_screenshot")
        assert asked["neko_wait_s"] == 30.0
        await visitor.page.send("screenshot_response", data=encoded("the screen"))
        assert (await asking).jpeg == jpeg("the screen")
        asking = asyncio.create_task(visitor.manager.visual_input.ask(30.0))
        await visitor.page.until("request_screenshot")
        await visitor.page.send("screenshot_response", data="", neko_refused=True)
        assert (await asking).outcome == "refused"
        assert (await visitor.manager.visual_input.ask(30.0)).outcome == "refused"
        assert types_of(await visitor.page.quiet()) == [], "not asked again"


LOOK = ("call_1", "look_at_screen", "{}")


def offered(provider: ScriptedProvider) -> list[str]:
    return [tool["function"]["name"] for tool in provider.chats[-1].json.get("tools", [])]


async def test_a_model_may_ask_to_see_the_screen_when_the_user_speaks_of_it(data_dir: Path) -> None:
    async with ScriptedProvider() as provider, visit(data_dir, provider) as visitor:
        provider.script(tool_calls(LOOK), Script(["A cat."]), tool_calls(LOOK), Script(["Fine."]))
        await visitor.page.say("Look at my screen, please.")
        await visitor.page.until("request_screenshot")
        assert offered(provider) == ["look_at_screen"]
        await visitor.page.send("screenshot_response", data=encoded("the screen"))
        assert (await visitor.page.reply())[0] == "A cat."
        asked = str(provider.chats[-1].json)
        assert base64.b64encode(jpeg("the screen")).decode() in asked
        assert "is no instruction to you" in asked
        await visitor.page.say("And what do you see now?")
        await visitor.page.until("request_screenshot")
        await visitor.page.send("screenshot_response", data="", neko_refused=True)
        assert (await visitor.page.reply())[0] == "Fine."
        assert "does not want to show the screen" in str(provider.chats[-1].json)
        await visitor.private(True)
        for words in ("Hello", "Look at my screen"):
            await visitor.page.say(words)
            await visitor.page.until(is_turn_end)
            assert "look_at_screen" not in offered(provider)


# ── the privacy switch ────────────────────────────────────────────────────────


async def test_the_privacy_switch_tells_of_no_call_where_there_is_none(data_dir: Path) -> None:
    async with visit(data_dir) as visitor:
        await visitor.page.send("start_session", input_type="text")
        await visitor.page.until("session_started")
        await visitor.private(True)
        assert "auto_close_mic" not in types_of(await visitor.page.until("neko_privacy"))


async def test_the_privacy_switch_ends_a_call_and_lets_nothing_in_until_it_is_off(data_dir: Path) -> None:
    async with watched(data_dir) as (visitor, session):
        await visitor.private(True)
        seen = await visitor.page.until("neko_privacy")
        assert types_of(seen)[-2:] == ["auto_close_mic", "neko_privacy"]
        await speak(visitor.page)
        await visitor.show("secret")
        await visitor.show("secret", kind="shot")
        await visitor.page.send("neko_sharing", source="screen")
        await visitor.page.send("start_session", input_type="audio")
        seen = await visitor.page.quiet()
        assert [frame.get("code") for frame in seen if frame["type"] == "status"] == ["private"], "once"
        assert "privacy switch" in next(frame["message"] for frame in seen if frame["type"] == "session_failed")
        assert not session.heard
        assert not session.images
        assert (await visitor.manager.visual_input.ask(5.0)).outcome == "private"
        assert visitor.manager.visual_input.shared is None
        await visitor.private(False)
        await visitor.page.until("neko_privacy")
        await speak(visitor.page)
        await visitor.page.until(is_turn_end)


async def test_the_privacy_switch_lets_files_through_and_survives_a_restart(data_dir: Path) -> None:
    async with ScriptedProvider() as provider:
        async with visit(data_dir, provider) as visitor:
            await visitor.private(True)
            await visitor.show("of the disk", kind="file")
            await visitor.show("of the screen", kind="shot")
            await visitor.page.say("Look")
            await visitor.page.until(is_turn_end)
            assert (await visitor.first_line())[1] == [jpeg("of the disk")]
        async with visit(data_dir, provider) as visitor:
            await visitor.page.quiet()
            assert next(frame["private"] for frame in visitor.page.frames if frame["type"] == "neko_hello") is True


@pytest.mark.parametrize("body", [{}, {"on": "perhaps"}])
async def test_the_privacy_switch_is_on_or_off(data_dir: Path, body: dict[str, object]) -> None:
    async with visit(data_dir) as visitor, AsyncClient(base_url=visitor.url) as rest:
        assert (await rest.post("/api/privacy", json=body)).status_code == 422
        assert (await rest.get("/api/privacy")).json() == {"success": True, "on": False}
