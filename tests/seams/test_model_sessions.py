"""The behaviour suite of model sessions, run on each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from neko.errors import ModelServerError
from neko.providers import ModelEndpoint
from neko.sessions.models.builtin.session import BuiltinSession
from neko.sessions.models.chat import ChatSession
from neko.tasks import TaskOwner
from neko.types.model_session import ReplyDone, SessionLost
from tests.scripted_provider import Script, ScriptedProvider
from tests.scripted_session import ScriptedSpeechSession, SpokenTurn, silence, speech
from tests.seams.model_session import SETUP, HearingSessionBehaviour, ModelSessionBehaviour, Subject

STREAMED = Script([f"word{number} " for number in range(40)])


class TestChatSession(ModelSessionBehaviour):
    """Over real HTTP, with the scripted provider."""

    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async with ScriptedProvider(default=STREAMED) as provider, TaskOwner("test") as owner:
            endpoint = ModelEndpoint("conversation", "custom", "Scripted", provider.base_url, "scripted-1", "key")
            session = ChatSession(endpoint, None, owner=owner)
            await session.open(SETUP)
            yield Subject(session, owner)
            await session.aclose()


class TestOfflineSession(ModelSessionBehaviour):
    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async with TaskOwner("test") as owner:
            session = BuiltinSession(owner=owner)
            await session.open(SETUP)
            yield Subject(session, owner)
            await session.aclose()


class TestScriptedSpeechSession(ModelSessionBehaviour, HearingSessionBehaviour):
    """Speech to speech."""

    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async with TaskOwner("test") as owner:
            session = ScriptedSpeechSession(owner=owner)
            await session.open(SETUP)
            yield Subject(session, owner)
            await session.aclose()

    async def hear_a_turn(self, subject: Subject) -> None:
        await subject.session.send(speech(0.2))
        await subject.session.send(silence(0.4))

    async def begin_to_speak(self, subject: Subject) -> None:
        await subject.session.send(speech(0.05))

    async def test_a_lost_provider_is_the_last_event(self, subject: Subject) -> None:
        assert isinstance(subject.session, ScriptedSpeechSession)
        error = ModelServerError(model="scripted-voice", provider="Scripted")
        subject.session.script(SpokenTurn(stall_after=1))
        await subject.ask("a")
        subject.session.lose(error)
        events = await subject.rest()
        assert events[-2:] == [ReplyDone("a", "failed", error), SessionLost(error)]
