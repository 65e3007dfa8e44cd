"""The behaviour suite of model sessions, run over a scripted realtime provider in each dialect."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from neko.net import Network
from neko.sessions.models.realtime.session import RealtimeSession, RealtimeTimeouts
from neko.tasks import TaskOwner
from neko.types.model_session import ReplyDone, TextDelta, UserAudio
from tests.scripted_provider import tone
from tests.scripted_realtime import MS_A_CHARACTER, ScriptedRealtime, Turn
from tests.scripted_session import Call
from tests.seams.model_session import (
    SETUP,
    HearingSessionBehaviour,
    ModelSessionBehaviour,
    RememberingSessionBehaviour,
    Subject,
    ToolSessionBehaviour,
    text_of,
)

LONG = Turn(deltas=[f"word{number} " for number in range(40)])


class RealtimeBehaviour(ModelSessionBehaviour, HearingSessionBehaviour):
    """Over a real WebSocket."""

    dialect = "openai"

    @pytest.fixture
    def tool_result_timeout_s(self) -> float:
        return 30.0

    @pytest.fixture
    async def subject(self, tool_result_timeout_s: float) -> AsyncIterator[Subject]:
        async with ScriptedRealtime(self.dialect, always=LONG) as provider, TaskOwner("test") as owner:
            self.provider = provider
            session = RealtimeSession(
                provider.endpoint,
                provider.dialect,
                owner=owner,
                network=Network(),
                timeouts=RealtimeTimeouts(tool_result_timeout_s=tool_result_timeout_s),
            )
            await session.open(SETUP)
            yield Subject(session, owner)
            await session.aclose()

    async def _play(self, subject: Subject, seconds: float, *, loud: bool) -> None:
        rate = subject.session.capabilities.input_rate
        pcm = tone(seconds, hertz=180, rate=rate) if loud else bytes(2 * round(seconds * rate))
        await subject.session.send(UserAudio(pcm))

    async def hear_a_turn(self, subject: Subject) -> None:
        await self._play(subject, 0.2, loud=True)
        await self._play(subject, 0.4, loud=False)

    async def begin_to_speak(self, subject: Subject) -> None:
        self.provider.script(Turn())
        await self._play(subject, 0.05, loud=True)

    async def cough(self, subject: Subject) -> None:
        self.provider.script(Turn(hears=""))
        await self.hear_a_turn(subject)


class TestOpenAI(RealtimeBehaviour, RememberingSessionBehaviour, ToolSessionBehaviour):
    async def knowledge(self, subject: Subject) -> list[tuple[str, str]]:
        caller = self.provider.last
        before = len(caller.events)
        await subject.ask("probe", "What do you know?")
        await self.provider.until(lambda: len(caller.of("response.create")) > 0 and len(caller.events) >= before + 2)
        return [(line.role, line.text) for line in caller.known]

    def plan(self, subject: Subject, *places: str) -> None:
        calls = [Call("get_weather", {"place": place}) for place in places]
        self.provider.script(Turn(deltas=["Let me see. "], calls=calls))

    def results(self, subject: Subject) -> list[tuple[str, str]]:
        return self.provider.last.outputs

    async def test_an_interrupted_reply_is_remembered_as_far_as_it_was_heard(self, subject: Subject) -> None:
        await subject.ask("a")
        text = text_of(await subject.until(TextDelta))
        await subject.session.interrupt("a", text[:1], MS_A_CHARACTER)
        await subject.until(ReplyDone)
        assert ("assistant", text[:1]) in await self.knowledge(subject)


@pytest.mark.long
class TestQwen(RealtimeBehaviour, ToolSessionBehaviour):
    dialect = "qwen"
    plan, results = TestOpenAI.plan, TestOpenAI.results


@pytest.mark.long
class TestStep(RealtimeBehaviour, ToolSessionBehaviour):
    dialect = "step"
    plan, results = TestOpenAI.plan, TestOpenAI.results


@pytest.mark.long
class TestGLM(RealtimeBehaviour, ToolSessionBehaviour):
    dialect = "glm"
    plan, results = TestOpenAI.plan, TestOpenAI.results


@pytest.mark.long
class TestFree(RealtimeBehaviour):
    dialect = "free"
