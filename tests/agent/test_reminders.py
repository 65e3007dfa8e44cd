"""Timers and reminders: kept over a restart, due by the clock on the wall, each told once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from neko.agent.reminders import MOST, Clock, Reminders
from neko.app import Neko
from neko.sessions.actions import SendText
from neko.sessions.events import AgentTask, StateChanged, TurnEnd
from neko.sessions.outbox import Outbox
from neko.settings import Settings
from neko.storage import write_json
from neko.types.plan import Reminder
from tests.page_events import text_of, turn, until

TIMEOUT_S = 20.0
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass
class Hands:
    """A clock that tests set, and what the bus was told."""

    now: datetime = datetime(2026, 11, 27, 20, 5, tzinfo=UTC)
    seconds: float = 1000.0
    told: list[dict[str, Any]] = field(default_factory=list)
    zone: ZoneInfo = BERLIN

    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.seconds, self.zone)

    def publish(self, message: Any) -> None:
        self.told.append(dict(message))

    def pass_by(self, **length: float) -> None:
        step = timedelta(**length)
        self.now += step
        self.seconds += step.total_seconds()

    def results(self) -> list[str]:
        return [str(one["neko"]["text"]) for one in self.told if one["event_type"] == "task_result"]


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def reminders(tmp_path: Path, hands: Hands) -> AsyncIterator[Reminders]:
    kept = Reminders(tmp_path / "reminders.json", hands.publish, clock=hands.clock())
    await kept.start()
    yield kept
    await kept.aclose()


async def test_a_reminder_is_due_when_its_time_has_passed_and_not_before(reminders: Reminders, hands: Hands) -> None:
    answer = await reminders.obey("Mio", "remind me to call mum in ten minutes")
    assert answer is not None
    assert answer.outcome == "set"
    assert answer.reminders[0].text == "call mum"
    hands.pass_by(minutes=9)
    await reminders.look()
    assert hands.results() == []
    hands.pass_by(minutes=1)
    await reminders.look()
    assert hands.results() == ["call mum"]
    assert [one["task"]["status"] for one in hands.told if one["event_type"] == "task_update"] == [
        "queued",
        "completed",
    ]
    assert [(task.title, task.is_over) for task in reminders.tasks()] == [("call mum", True)]


async def test_one_that_was_missed_while_neko_was_not_running_is_due_at_its_start(
    tmp_path: Path, reminders: Reminders, hands: Hands
) -> None:
    await reminders.obey("Mio", "十分钟后提醒我关火")
    await reminders.aclose()
    hands.pass_by(hours=2)
    again = Reminders(tmp_path / "reminders.json", hands.publish, clock=hands.clock())
    await again.start()
    await again.look()
    assert hands.results() == ["关火"]
    await again.aclose()
    third = Reminders(tmp_path / "reminders.json", hands.publish, clock=hands.clock())
    await third.start()
    (untold,) = third.untold("Mio")
    third.told((untold["task_id"],))
    await third.aclose()
    assert json.loads((tmp_path / "reminders.json").read_text(encoding="utf-8")) == {"reminders": []}


async def test_a_time_of_day_is_that_of_the_wall_also_over_summer_time(tmp_path: Path, hands: Hands) -> None:
    hands.now = datetime(2026, 3, 28, 11, 0, tzinfo=UTC)  # noon in Berlin, the day before the clocks go forward
    reminders = Reminders(tmp_path / "r.json", hands.publish, clock=hands.clock())
    await reminders.obey("Mio", "remind me tomorrow at nine to feed the cat")
    await reminders.obey("Mio", "remind me in 21 hours to sleep")
    nine, later = reminders.of("Mio")
    assert nine.due.astimezone(UTC) == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)
    assert later.due - hands.now == timedelta(hours=21)
    await reminders.aclose()


async def test_a_time_that_the_clock_leaves_out_or_shows_twice_comes_once(tmp_path: Path, hands: Hands) -> None:
    clock = hands.clock()
    assert clock.moment(datetime(2026, 3, 29, 2, 30)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert clock.moment(datetime(2026, 10, 25, 2, 30)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


async def test_a_clock_that_is_set_changes_times_of_day_and_no_lengths(reminders: Reminders, hands: Hands) -> None:
    await reminders.obey("Mio", "set a timer for 10 minutes")
    await reminders.obey("Mio", "remind me tomorrow at nine to feed the cat")
    hands.now += timedelta(hours=14)
    await reminders.look()
    assert hands.results() == ["feed the cat"]
    hands.seconds += 600
    await reminders.look()
    assert hands.results() == ["feed the cat", ""]


async def test_one_that_comes_every_day_comes_once_for_the_days_that_were_missed(
    reminders: Reminders, hands: Hands
) -> None:
    await reminders.obey("Mio", "every day at 8 remind me to drink water")
    hands.pass_by(days=3)
    await reminders.look()
    assert hands.results() == ["drink water"]
    (following,) = reminders.of("Mio")
    assert following.due == datetime(2026, 12, 1, 8, 0, tzinfo=BERLIN)
    assert following.every == "day"


async def test_she_asks_when_and_the_next_words_may_say_it(reminders: Reminders, hands: Hands) -> None:
    asked = await reminders.obey("Mio", "remind me to buy milk")
    assert asked is not None
    assert asked.outcome == "when"
    assert reminders.concern("Mio", "in an hour")
    answer = await reminders.obey("Mio", "in an hour")
    assert answer is not None
    assert (answer.outcome, answer.reminders[0].text) == ("set", "buy milk")
    assert not reminders.concern("Mio", "in an hour")


async def test_words_that_were_obeyed_are_known_to_whoever_looks_at_the_turn(reminders: Reminders) -> None:
    assert reminders.takes("Set a timer for ten minutes.")
    await reminders.obey("Mio", "Remind me to call mum!")
    assert not reminders.takes("Tomorrow at nine.")
    await reminders.obey("Mio", "Tomorrow at nine.")
    assert reminders.takes("Hello.\nTomorrow at nine.")
    assert not reminders.takes("Look up the trains of tomorrow at nine.")


async def test_what_else_is_said_is_looked_at_and_the_reminder_set_once(reminders: Reminders, hands: Hands) -> None:
    words = "Look up the trains to Berlin. And remind me at noon to eat."
    assert not reminders.takes(words)
    await reminders.obey("Mio", words)
    assert not reminders.takes(words)
    (eat,) = reminders.of("Mio")
    await reminders.set("Mio", Reminder("eat", eat.due.replace(tzinfo=None)), turn_id="t1")
    assert len(reminders.of("Mio")) == 1
    await reminders.set("Mio", Reminder("sleep", datetime(2026, 12, 1, 9, 0)), turn_id="t2")
    assert len(reminders.of("Mio")) == 2


async def test_of_several_wishes_each_has_its_answer(reminders: Reminders) -> None:
    answer = await reminders.obey("Mio", "remind me to buy milk and at 6 to take the bins out")
    assert answer is not None
    assert answer.then is not None
    assert (answer.outcome, [one.text for one in answer.reminders]) == ("set", ["take the bins out"])
    assert answer.then.outcome == "when"
    assert (await reminders.obey("Mio", "at seven")) is not None
    assert [one.text for one in reminders.of("Mio")] == ["take the bins out", "buy milk"]


@pytest.mark.parametrize(
    ("words", "seems"),
    [
        ("Mornings are hard, some day somebody has to wake me at 7.", True),
        ("うまく言えないけど、7時ごろに鳴るようなアラームをセットできる?", True),
        ("Remind me what we said at 7.", False),
        ("The alarm went off at 7.", False),
        ("remind me at noon to eat", False),
    ],
)
async def test_words_that_seem_to_ask_for_one_and_are_not_understood_are_known(
    reminders: Reminders, words: str, seems: bool
) -> None:
    assert reminders.seem_wanted(words) is seems


async def test_they_are_listed_and_cancelled_by_words(reminders: Reminders, hands: Hands) -> None:
    async def say(text: str) -> tuple[str, list[str]]:
        answer = await reminders.obey("Mio", text)
        assert answer is not None
        return answer.outcome, [one.text for one in answer.reminders]

    assert await say("what reminders do I have?") == ("none", [])
    await say("remind me in an hour to call mum")
    await say("明天早上九点提醒我开会")
    assert await say("list my reminders") == ("listed", ["call mum", "开会"])
    assert await say("cancel the reminder") == ("which", ["call mum", "开会"])
    assert await say("cancel the reminder to call mum") == ("cancelled", ["call mum"])
    assert await say("取消提醒") == ("cancelled", ["开会"])
    assert all(task.is_over for task in reminders.tasks())
    assert [one["task"]["status"] for one in hands.told] == ["queued", "queued", "cancelled", "cancelled"]


async def test_who_wants_not_to_be_woken_loses_that_and_no_other_reminder(reminders: Reminders) -> None:
    async def say(text: str) -> tuple[str, list[str]]:
        answer = await reminders.obey("Mio", text)
        assert answer is not None
        return answer.outcome, [one.text for one in answer.reminders]

    await say("remind me tomorrow at 7 to call mum")
    assert await say("don't wake me at 7") == ("none", [])
    await say("weck mich um 7")
    await say("wake me at 9")
    assert await say("Weck mich bitte nicht um 8") == ("none", [])
    assert await say("Weck mich bitte nicht um 7") == ("cancelled", ["aufstehen"])
    assert await say("起こさないで") == ("cancelled", ["wake up"])
    await say("set an alarm for 7 am")
    assert await say("7点别叫醒我") == ("which", [""]), "it may be for something else"
    assert [one.text for one in reminders.of("Mio")] == ["call mum", ""]


async def test_there_are_not_more_than_a_bounded_number(reminders: Reminders) -> None:
    for minute in range(MOST):
        await reminders.obey("Mio", f"remind me in {minute + 1} minutes to look")
    answer = await reminders.obey("Mio", "remind me in an hour to look")
    assert answer is not None
    assert answer.outcome == "full"


async def test_of_two_in_one_sentence_none_is_lost_to_a_slow_disk_and_what_it_refuses_is_told(
    tmp_path: Path, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neko.agent.reminders._SLOW_DISK_S", 0.0)
    reminders = Reminders(tmp_path / "r.json", hands.publish, clock=hands.clock())
    await reminders._saving.acquire()
    answer = await reminders.obey("Mio", "remind me in an hour to look and in two hours to listen")
    assert answer is not None
    assert (answer.outcome, len(answer.reminders), len(reminders.of("Mio"))) == ("set", 2, 2)
    (tmp_path / "r.json").mkdir()
    reminders._saving.release()
    async with asyncio.timeout(TIMEOUT_S):
        while reminders.of("Mio"):  # noqa: ASYNC110
            await asyncio.sleep(0)
        while len([one for one in hands.told if one["event_type"] == "proactive_message"]) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert {one["neko"]["outcome"] for one in hands.told if "neko" in one and "outcome" in one["neko"]} == {"failed"}
    await reminders.aclose()


async def test_what_changes_while_it_is_saved_is_saved_at_the_end(
    tmp_path: Path, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    reminders = Reminders(tmp_path / "r.json", hands.publish, clock=hands.clock())
    await reminders.obey("Mio", "remind me in an hour to look")
    (reminder,) = reminders.of("Mio")
    loop = asyncio.get_running_loop()

    async def dropped() -> None:
        reminders.drop(reminder.id)

    def write(path: Path, document: object) -> None:
        asyncio.run_coroutine_threadsafe(dropped(), loop).result(TIMEOUT_S)
        write_json(path, document)

    with monkeypatch.context() as slow:
        slow.setattr("neko.agent.reminders.write_json", write)
        await reminders._save()
    await reminders.aclose()
    assert json.loads((tmp_path / "r.json").read_text()) == {"reminders": []}


async def test_what_is_due_as_its_character_is_renamed_is_told_by_the_new_name(
    reminders: Reminders, hands: Hands
) -> None:
    await reminders.obey("Mio", "remind me in ten minutes to look")
    hands.pass_by(minutes=10)
    await asyncio.gather(reminders.look(), reminders.rename("Mio", "Kimi"))
    assert [one["lanlan_name"] for one in hands.told if one["event_type"] == "task_result"] == ["Kimi"]


async def test_what_cannot_be_saved_is_not_promised(tmp_path: Path, hands: Hands) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    reminders = Reminders(tmp_path / "file" / "reminders.json", hands.publish, clock=hands.clock())
    answer = await reminders.obey("Mio", "remind me in an hour to look")
    assert answer is not None
    assert answer.outcome == "failed"
    assert reminders.of("Mio") == ()


async def test_what_is_off_the_record_is_on_no_disk(tmp_path: Path, reminders: Reminders) -> None:
    await reminders.obey("Mio", "remind me in an hour of my secret", keep=False)
    assert reminders.of("Mio")
    assert not (tmp_path / "reminders.json").exists()


@pytest.mark.parametrize(
    "text",
    [
        "remind me what we said yesterday",
        "that reminds me of my dog",
        "明日の天気を教えて",
        "내일 날씨 알려줘",
        "叫我小明",
        "hello",
    ],
)
async def test_what_is_no_wish_for_a_reminder_is_left_alone(reminders: Reminders, text: str) -> None:
    assert await reminders.obey("Mio", text) is None


# ── in a conversation, with no model at all ───────────────────────────────────


async def test_a_timer_is_confirmed_at_once_and_told_when_it_is_due_without_any_model(tmp_path: Path) -> None:
    hands = Hands(zone=ZoneInfo("UTC"))
    async with Neko(Settings(data_dir=tmp_path, environ={"LANG": "en"}, find_local_servers=False)) as neko:
        neko.reminders._clock = hands.clock()
        manager = neko.conversations.get("Mio")
        assert manager is not None
        page = Outbox(wants_audio=False)
        await manager.attach(page)
        manager.handle(SendText("Remind me to take the cake out in ten minutes, please"))
        seen = await until(page, TurnEnd)
        confirmed = text_of(seen)
        assert "take the cake out" in confirmed
        assert any(isinstance(event, AgentTask) and event.task["status"] == "queued" for event in seen)
        hands.pass_by(minutes=10)
        await neko.reminders.look()
        assert "take the cake out" in await turn(page)
        await until(page, lambda event: event == StateChanged("idle"))
        assert neko.reminders.untold("Mio") == []


@pytest.mark.parametrize(
    ("language", "words", "told"),
    [
        ("en", "Remind me at 5 to call mum and at 6 to take the bins out", ["call mum", "take the bins out"]),
        ("zh-CN", "五点提醒我给妈妈打电话，六点倒垃圾", ["给妈妈打电话", "倒垃圾"]),
        ("zh-TW", "五點提醒我打電話給媽媽，六點倒垃圾", ["打電話給媽媽", "倒垃圾"]),
        ("ja", "5時に母に電話、6時にゴミ出しをリマインドして", ["母に電話", "ゴミ出し"]),
        ("ko", "5시에 엄마한테 전화하고 6시에 쓰레기 버리라고 알려줘", ["엄마한테 전화하기", "쓰레기"]),
        ("en", "It'd be lovely to get a reminder at 5 about mum", ["I have not set any"]),
    ],
)
async def test_she_says_what_became_of_each_wish(tmp_path: Path, language: str, words: str, told: list[str]) -> None:
    async with Neko(Settings(data_dir=tmp_path, environ={"LANG": language}, find_local_servers=False)) as neko:
        manager = neko.conversations.get(neko.characters.current)
        assert manager is not None
        page = Outbox(wants_audio=False)
        await manager.attach(page)
        manager.handle(SendText(words))
        said = await turn(page)
    assert all(one in said for one in told)


async def test_a_reminder_that_nobody_heard_is_told_after_a_restart_with_how_late_it_is(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, environ={"LANG": "en"}, find_local_servers=False)
    async with Neko(settings) as neko:
        await neko.reminders.obey("Mio", "remind me in ten minutes to call mum")
    path = tmp_path / "agent" / "reminders.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    (one,) = stored["reminders"]
    earlier = datetime.fromisoformat(one["at"]) - timedelta(hours=3)
    path.write_text(json.dumps({"reminders": [{**one, "at": earlier.isoformat()}]}), encoding="utf-8")
    async with Neko(settings) as neko:
        manager = neko.conversations.get("Mio")
        assert manager is not None
        page = Outbox(wants_audio=False)
        await manager.attach(page)
        told = await turn(page)
        assert "call mum" in told
        assert "2 hours 50 minutes ago" in told
