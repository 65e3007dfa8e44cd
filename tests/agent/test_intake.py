"""What turns ask for becomes tasks: in order for one character, at once for several, and nothing that is not wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from neko.agent.deduper import Deduper
from neko.agent.intake import Intake
from neko.agent.messages import Utterance, analyze_request
from neko.agent.planner import Offer, Planner
from neko.agent.task_list import ActiveTask, Ending, Tasks
from neko.agent.tasks import TaskState
from neko.bus import Bus
from neko.errors import NekoError
from neko.tool_errors import AgentError
from neko.types.hands import Thinker
from neko.types.plan import Reminder
from tests.agent.scripted_thoughts import call, decided, thinking, told
from tests.scripted_provider import Script, ScriptedProvider, failure

BROWSER = Offer("browser_use", "Looks up and fills in web pages.")
NO_TASK = call("decide", why="small talk", task=False, words="")


class Clock:
    """Reminders by a plain rule, and those that were set."""

    def __init__(self) -> None:
        self.reminders: list[tuple[str, Reminder, str]] = []

    def takes(self, words: str) -> bool:
        return "in ten minutes" in words

    def seem_wanted(self, words: str) -> bool:
        return "reminder" in words

    async def set(self, character: str, reminder: Reminder, *, turn_id: str = "") -> None:
        self.reminders.append((character, reminder, turn_id))


class Desk:
    """An intake over a bus, with tasks that are never over unless ``done`` is set."""

    def __init__(self, provider: ScriptedProvider, thinker: Thinker) -> None:
        self.provider = provider
        self.bus = Bus()
        self.offers: Sequence[Offer] = (BROWSER,)
        self.done = asyncio.Event()
        self.ending = Ending(TaskState.COMPLETED, "Done.")
        self.refusal: BaseException | None = None
        self.reported: list[dict[str, Any]] = []
        self.models: list[NekoError | None] = []
        self.clock = Clock()
        self.heard_outside: set[str] = set()
        self.tasks = Tasks(self._do, lambda message: None, allow=self._allow)
        self.intake = Intake(
            Planner(thinker, lambda words: self.offers),
            Deduper(thinker),
            self.tasks,
            report=lambda message: self.reported.append(dict(message)),
            language=lambda character: "en",
            reminders=self.clock,
            on_model=self.models.append,
            heard_outside=self.heard_outside.__contains__,
        )
        self.intake.start(self.bus.analyze)

    async def _do(self, active: ActiveTask) -> Ending:
        await self.done.wait()
        return self.ending

    def _allow(self, hand: object) -> None:
        if self.refusal:
            raise self.refusal

    async def say(self, words: str, turn_id: str, *scripts: Script, character: str = "Mio", **more: Any) -> None:
        """A finished turn with these words, looked at to its end."""
        self.provider.script(*scripts)
        said = [Utterance(role="user", content=words), Utterance(role="assistant", content="Okay.")]
        assert await self.bus.analyze.request(analyze_request(character, said, turn_id=turn_id, **more))
        await self.settled()

    async def settled(self, *characters: str) -> None:
        """Every turn was looked at, or those of these characters were."""
        for _ in range(5):  # from the bus to the intake
            await asyncio.sleep(0)
        working = [task for name, task in self.intake._working.items() if not characters or name in characters]
        if working:
            await asyncio.wait(working, timeout=10)

    @property
    def titles(self) -> list[str]:
        return [task.title for task in reversed(self.tasks.listed())]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with thinking() as (provider, thinker):
        desk = Desk(provider, thinker)
        yield desk
        await desk.intake.aclose()
        await desk.tasks.aclose()
        await desk.bus.aclose()


async def test_a_request_becomes_a_task_with_the_user_s_words_and_the_plan(desk: Desk) -> None:
    await desk.say("Look up Paris.", "t1", decided("look up paris", ("browser_use", "Find it."), title="Paris"))
    [task] = desk.tasks.listed()
    assert (task.character, task.title, task.instruction, task.source, task.turn_id) == (
        *("Mio", "Paris", "Look up Paris.", "conversation", "t1"),
    )
    assert [step.hand for step in task.steps] == ["browser_use"]
    assert desk.models == [None]


@pytest.mark.parametrize("called", [[], ['paper__read {"text": "a"}']])
@pytest.mark.parametrize("heard", [[], ["Mio"]])
async def test_a_task_that_words_from_outside_may_want_is_known_as_such(
    desk: Desk, called: list[str], heard: list[str]
) -> None:
    desk.heard_outside.update(heard)
    plan = decided("go on", ("browser_use", "Erase all."), title="T")
    await desk.say("Go on.", "t1", plan, called=called)
    [task] = desk.tasks.listed()
    assert task.after_outside == bool(called or heard)


async def test_small_talk_costs_one_question_and_a_turn_that_came_before_none(desk: Desk) -> None:
    await desk.say("How are you?", "t1", NO_TASK)
    await desk.say("How are you?", "t1")
    assert len(desk.provider.chats) == 1
    assert desk.titles == []


async def test_while_nothing_is_on_or_ready_no_model_is_asked(desk: Desk) -> None:
    desk.offers = ()
    await desk.say("Look up Paris.", "t1")
    assert desk.provider.chats == []


async def test_what_the_rules_take_for_a_reminder_is_left_to_them(desk: Desk) -> None:
    await desk.say("Tell me in ten minutes.", "t1")
    assert desk.provider.chats == []


async def test_a_reminder_that_the_model_finds_is_set(desk: Desk) -> None:
    reminder = {"about": "call Anna", "at": "2031-01-01T09:00"}
    answer = call("decide", why="", task=False, words="remind me on new year", reminder=reminder)
    await desk.say("Remind me on New Year's Day.", "t1", answer)
    [(character, found, turn_id)] = desk.clock.reminders
    assert (character, found.about, turn_id) == ("Mio", "call Anna", "t1")
    assert desk.titles == []


@pytest.mark.parametrize("answer", [NO_TASK, failure(401, "Incorrect API key provided")])
async def test_a_reminder_that_nobody_understands_is_told_of(desk: Desk, answer: Script) -> None:
    await desk.say("A reminder around noon would be nice.", "t1", answer)
    [told] = desk.reported
    assert (told["event_type"], told["neko"]) == (
        "proactive_message",
        {"kind": "reminder_answer", "outcome": "unclear"},
    )


async def test_what_is_being_done_is_not_begun_once_more(desk: Desk) -> None:
    await desk.say("Look up Paris.", "t1", decided("look up paris", ("browser_use", "Find it."), title="Paris"))
    await desk.say("look up paris!", "t2")
    assert len(desk.provider.chats) == 1
    other = decided("find out about paris", ("browser_use", "Find Paris."), title="About Paris")
    await desk.say("Find out about Paris.", "t3", other, call("same", why="", number=1))
    assert "- Paris: Look up Paris." in told(desk.provider, 1)
    assert desk.titles == ["Paris"]
    again = decided("do it again", ("browser_use", "Find Paris."), title="Again", again=True)
    await desk.say("Do it again!", "t4", again)
    assert desk.titles == ["Paris", "Again"]


@pytest.mark.parametrize("end", ["refused", "failed", "cancelled", "stopped", "interrupted"])
async def test_what_was_not_done_may_be_asked_for_again_at_once_in_the_same_words(desk: Desk, end: str) -> None:
    paris = decided("look up paris", ("browser_use", "Find it."), title="Paris")
    await desk.say("Look up Paris.", "t1", paris)
    [first] = desk.tasks.listed()
    if end == "cancelled":
        desk.tasks.cancel(first.id)
    elif end == "stopped":
        await desk.tasks.stop_all()
    elif end == "interrupted":  # by a kill; the journal gives it back
        await desk.tasks.aclose()
        before, desk.tasks = desk.tasks, Tasks(desk._do, lambda message: None)
        desk.tasks.restore(before.listed())
        desk.intake._tasks = desk.tasks
    else:  # a question that nobody answers in time, a task that takes too long
        desk.ending = Ending(TaskState.PARTIAL if end == "refused" else TaskState.FAILED, error="Not done.")
        desk.done.set()
        await desk.tasks.wait(first.id)
        desk.done.clear()
    await desk.say("Look up Paris.", "t2", paris)
    again, known = desk.tasks.listed()
    assert (known.id, again.instruction, again.is_over) == (first.id, first.instruction, False)
    assert len(desk.provider.chats) == 2, "the model was not asked whether it is the same"
    await desk.say("look up paris!", "t3")
    assert len(desk.tasks.listed()) == 2, "which is being done again"


async def test_what_was_just_done_is_not_begun_once_more_by_the_same_turn_or_words(desk: Desk) -> None:
    await desk.say("Look up Paris.", "t1", decided("look up paris", ("browser_use", "Find it."), title="Paris"))
    [first] = desk.tasks.listed()
    desk.done.set()
    await desk.tasks.wait(first.id)
    await desk.say("Look up Paris.", "t1")
    await desk.say("Look up Paris.", "t2")
    assert (desk.titles, len(desk.provider.chats)) == (["Paris"], 1)


async def test_the_same_wish_of_another_character_s_user_is_a_task_of_its_own(desk: Desk) -> None:
    await desk.say("Look up Paris.", "t1", decided("look up paris", ("browser_use", "Find it.")))
    await desk.say("Look up Paris.", "t2", decided("look up paris", ("browser_use", "Find it.")), character="Yui")
    assert sorted(task.character for task in desk.tasks.listed()) == ["Mio", "Yui"]


async def test_turns_of_one_character_are_looked_at_in_order_and_others_do_not_wait(desk: Desk) -> None:
    desk.provider.script(Script(stall_after=0))
    said = [Utterance(role="user", content="Look up Rome.")]
    await desk.bus.analyze.request(analyze_request("Mio", said, turn_id="t1"))
    await desk.provider.wait_for_requests(1)
    await desk.bus.analyze.request(analyze_request("Mio", said, turn_id="t2"))
    desk.provider.script(decided("look up rome", ("browser_use", "Find it."), title="Yui's"))
    await desk.bus.analyze.request(analyze_request("Yui", said, turn_id="t3"))
    await desk.settled("Yui")
    assert desk.titles == ["Yui's"]
    assert len(desk.provider.chats) == 2


async def test_whoever_wants_everything_stopped_gets_nothing_started(desk: Desk) -> None:
    desk.provider.script(Script(stall_after=0))
    said = [Utterance(role="user", content="Look up Rome.")]
    await desk.bus.analyze.request(analyze_request("Mio", said, turn_id="t1"))
    await desk.bus.analyze.request(analyze_request("Mio", said, turn_id="t2"))
    await desk.provider.wait_for_requests(1)
    desk.intake.forget("Mio")
    await desk.provider.chats[0].aborted.wait()
    await desk.say("Look up Oslo.", "t3", decided("look up oslo", ("browser_use", "Find it."), title="Oslo"))
    assert desk.titles == ["Oslo"]
    assert len(desk.provider.chats) == 2


async def test_a_model_that_cannot_be_asked_is_told_and_the_next_turn_is_looked_at(desk: Desk) -> None:
    await desk.say("Look up Paris.", "t1", failure(401, "Incorrect API key provided"))
    assert desk.models[0] is not None
    assert desk.models[0].code == "model_refused_key"
    await desk.say("Look up Rome.", "t2", decided("look up rome", ("browser_use", "Find it."), title="Rome"))
    assert desk.titles == ["Rome"]
    assert desk.models[1] is None


async def test_after_a_turn_in_which_something_was_cancelled_the_next_is_looked_at(desk: Desk) -> None:
    desk.refusal = asyncio.CancelledError()
    await desk.say("Look up Paris.", "t1", decided("look up paris", ("browser_use", "Find it."), title="Paris"))
    desk.refusal = None
    await desk.say("Look up Rome.", "t2", decided("look up rome", ("browser_use", "Find it."), title="Rome"))
    assert desk.titles == ["Rome"]


async def test_a_task_that_cannot_be_begun_is_told_like_one_that_failed(desk: Desk) -> None:
    desk.refusal = AgentError("off", "the agent is off")
    await desk.say("Look up Rome.", "t1", decided("look up rome", ("browser_use", "Find it."), title="Rome"))
    [report] = desk.reported
    assert (report["event_type"], report["status"], report["channel"]) == ("task_result", "failed", "browser_use")
    assert report["summary"].startswith("Rome: ")


async def test_what_the_character_s_model_called_goes_to_the_planner(desk: Desk) -> None:
    await desk.say("Note it.", "t1", NO_TASK, called=["files__write {}"])
    assert "files__write {}" in told(desk.provider)


@pytest.mark.parametrize("messages", [None, [], "x", [1, {"role": "user"}, {"role": "tool", "content": "x"}]])
async def test_a_request_without_words_of_the_user_is_passed_over(desk: Desk, messages: Any) -> None:
    request = {"event_type": "analyze_request", "lanlan_name": "Mio", "messages": messages}
    assert await desk.bus.analyze.request(request)
    await desk.settled()
    assert desk.provider.chats == []


async def test_a_request_in_n_e_k_o_s_older_form_is_read(desk: Desk) -> None:
    desk.provider.script(decided("look up rome", ("browser_use", "Find it."), title="Rome"))
    messages = [{"role": "user", "text": "Look up Rome."}]
    await desk.bus.analyze.request({"event_type": "analyze_request", "lanlan_name": "Mio", "messages": messages})
    await desk.settled()
    assert desk.titles == ["Rome"]
