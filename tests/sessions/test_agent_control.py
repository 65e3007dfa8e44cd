"""While tasks run: she says how it is going when asked, and one word stops everything."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from neko.agent import tasks as rules
from neko.agent.messages import task_result
from neko.agent.task_list import ActiveTask, Ending
from neko.agent.tasks import TaskState
from neko.agent.when import When
from neko.app import Neko
from neko.errors import DiskFullError
from neko.sessions.actions import SendText
from neko.sessions.events import AgentNotification, ReplyText, StateChanged
from neko.sessions.manager import SessionManager
from neko.sessions.outbox import Outbox
from neko.settings import Settings
from neko.types.errands import Reminder
from neko.types.plan import Reminder as PlannedReminder
from tests.page_events import turn, until
from tests.scripted_provider import Script, ScriptedProvider

TIMEOUT_S = 30.0


def settings(tmp_path: Path, provider: ScriptedProvider | None = None) -> Settings:
    environ = {"LANG": "en"}
    if provider:
        environ |= {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url}
    return Settings(data_dir=tmp_path, environ=environ, find_local_servers=False)


async def running(neko: Neko) -> str:
    """The id of a task that is under way until it is cancelled, without any ability being on."""
    began = asyncio.Event()

    async def long_work(active: ActiveTask) -> Ending:
        active.change(lambda task: rules.acting(task, "open the list of trains"))
        began.set()
        await asyncio.Event().wait()
        return Ending(TaskState.COMPLETED)

    neko.agent.tasks._allow = lambda hand: None
    neko.agent.tasks._do = long_work
    task = await neko.agent.tasks.start("Mio", "find a train to Kyoto", hand="browser_use")
    async with asyncio.timeout(TIMEOUT_S):
        await began.wait()
    return task.id


async def met(neko: Neko) -> tuple[SessionManager, Outbox]:
    manager = neko.conversations.get("Mio")
    assert manager is not None
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    return manager, outbox


async def idle(outbox: Outbox) -> None:
    await until(outbox, lambda event: event == StateChanged("idle"))


async def test_a_model_is_told_what_is_under_way_and_no_more_when_it_is_over(
    tmp_path: Path, provider: ScriptedProvider
) -> None:
    async with Neko(settings(tmp_path, provider)) as neko:
        manager, page = await met(neko)
        task_id = await running(neko)
        manager.handle(SendText("how is it going?"))
        await turn(page)
        asked = "\n".join(str(message["content"]) for message in provider.chats[-1].json["messages"][1:])
        assert "find a train to Kyoto" in asked
        assert "open the list of trains" in asked
        assert "invent none" in asked
        neko.agent.tasks.cancel(task_id)
        manager.handle(SendText("hello again"))
        await turn(page)
        asked = "\n".join(str(message["content"]) for message in provider.chats[-1].json["messages"][1:])
        assert "Kyoto" not in asked


async def test_the_built_in_model_says_how_it_is_going_too(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        manager, page = await met(neko)
        await running(neko)
        manager.handle(SendText("How is it going?"))
        said = await turn(page)
        assert "find a train to Kyoto" in said
        assert "under way" in said


@pytest.mark.parametrize("word", ["stop", "Mio, stop everything!", "停", "やめて", "그만"])
async def test_one_word_stops_the_reply_and_every_task(tmp_path: Path, provider: ScriptedProvider, word: str) -> None:
    async with Neko(settings(tmp_path, provider)) as neko:
        manager, page = await met(neko)
        await neko.reminders.add("Mio", "call mum", When(neko.reminders._clock.wall().replace(year=2029)))
        task_id = await running(neko)
        provider.script(Script(["so ", "far"], stall_after=1))
        manager.handle(SendText("tell me a story"))
        await until(page, ReplyText)
        manager.handle(SendText(word, "c9"))
        await turn(page)
        assert await turn(page) == "Stopped."
        task = neko.agent.tasks.get(task_id)
        assert task is not None
        assert task.state is TaskState.CANCELLED
        assert [one.text for one in neko.reminders.of("Mio")] == ["call mum"]
        await idle(page)
        assert [(line.text, line.status) for line in await neko.memory.lines("Mio")][1:] == [
            ("so ", "interrupted"),
            (word, "complete"),
            ("Stopped.", "complete"),
        ]
        assert len(provider.chats) == 1


async def test_a_stop_with_nothing_to_stop_is_an_ordinary_line(tmp_path: Path, provider: ScriptedProvider) -> None:
    async with Neko(settings(tmp_path, provider)) as neko:
        manager, page = await met(neko)
        manager.handle(SendText("stop"))
        await turn(page)
        assert len(provider.chats) == 1


async def test_a_reminder_is_a_task_that_can_be_cancelled_and_stops_with_no_other(
    tmp_path: Path, provider: ScriptedProvider
) -> None:
    async with Neko(settings(tmp_path, provider)) as neko:
        manager, page = await met(neko)
        provider.script(Script(["I will remind you."]))
        manager.handle(SendText("remind me to call mum in ten minutes"))
        assert await turn(page) == "I will remind you."
        assert "a reminder is set (call mum)" in str(provider.chats[-1].json["messages"])
        (task,) = neko.agent.tasks.listed("Mio", active=True)
        assert (task.source, task.title, rules.commands(task)) == ("reminder", "call mum", ("cancel",))
        assert await neko.agent.tasks.stop_all("Mio") == 0
        assert neko.agent.tasks.cancel(task.id)
        over = neko.agent.tasks.get(task.id)
        assert over is not None
        assert over.state is TaskState.CANCELLED
        assert neko.reminders.of("Mio") == ()


async def test_a_reminder_that_was_found_after_its_turn_is_confirmed_by_her(tmp_path: Path) -> None:
    async with Neko(settings(tmp_path)) as neko:
        _, page = await met(neko)
        at = neko.reminders._clock.wall().replace(year=2029, hour=9, minute=0)
        for _ in range(2):
            await neko.reminders.set("Mio", PlannedReminder("call mum", at), turn_id="t1")
        assert "call mum" in await turn(page)
        (set_one,) = neko.reminders.of("Mio")
        assert isinstance(set_one, Reminder)


async def test_a_result_that_nobody_was_told_is_told_after_a_restart_and_only_then(
    tmp_path: Path, provider: ScriptedProvider
) -> None:
    async with Neko(settings(tmp_path, provider)) as neko:
        manager = neko.conversations.get("Mio")
        assert manager is not None
        reader = Outbox(wants_audio=False)
        with manager.tap(reader):
            neko.bus.agent.publish(
                task_result("Mio", "mcp", success=True, summary="The train leaves at 9:12.", task_id="t1")
            )
            await until(reader, AgentNotification)
    async with Neko(settings(tmp_path, provider)) as neko:
        manager, page = await met(neko)
        await turn(page)
        assert "9:12" in str(provider.chats[-1].json["messages"])
    async with Neko(settings(tmp_path, provider)) as neko:
        manager, page = await met(neko)
        manager.handle(SendText("hello"))
        await turn(page)
        assert len(provider.chats) == 2
        assert "9:12" not in str(provider.chats[-1].json["messages"])


@pytest.mark.parametrize("why", ["kept", "off the record", "disk full", "nothing on"])
async def test_of_words_that_are_not_kept_no_task_is_made_and_she_knows(
    tmp_path: Path, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    async with Neko(settings(tmp_path, provider)) as neko:
        manager, page = await met(neko)
        switches = neko.agent.switches
        switches.master, switches.flags["browser_use_enabled"] = why != "nothing on", True
        if why in ("off the record", "nothing on"):
            manager.keep_nothing(True)
        if why == "disk full":

            async def refuse(*_: object, **__: object) -> None:
                raise DiskFullError("memory.db", file="memory.db")

            monkeypatch.setattr(neko.memory, "store", refuse)
        manager.handle(SendText("please look up the ferry"))
        await turn(page)
        told = "nothing of it becomes a task" in str(provider.chats[-1].json["messages"])
        assert told is (why in ("off the record", "disk full"))
