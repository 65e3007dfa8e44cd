"""A call over a scripted Gemini, as a client and the log see it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from neko.net import Network
from neko.sessions.actions import Mode, SendText, StartSession
from neko.sessions.events import Audio, Event, LineStored, ReplyText, SessionStarted, UserActivity
from neko.sessions.models.realtime.gemini import GeminiSession
from neko.tasks import TaskOwner
from tests.scripted_gemini import ScriptedGemini
from tests.scripted_realtime import Turn
from tests.sessions.speech_conversation import SpeechConversation


@pytest.fixture
async def provider(talk: SpeechConversation) -> AsyncIterator[ScriptedGemini]:
    async with ScriptedGemini() as provider:

        def model(_: Mode, owner: TaskOwner) -> GeminiSession:
            return GeminiSession(provider.endpoint, owner=owner, network=Network())

        object.__setattr__(talk.manager._dependencies, "model", model)
        talk.manager.handle(StartSession("audio"))
        await talk.until(SessionStarted)
        yield provider
        await talk.manager.aclose()


def kept(text: str) -> Callable[[Event], bool]:
    """Whether a line was committed to the log."""
    return lambda event: isinstance(event, LineStored) and event.line.text == text


async def test_what_both_say_is_shown_heard_and_kept_and_typing_is_ordinary_input(
    talk: SpeechConversation, provider: ScriptedGemini
) -> None:
    provider.script(Turn(hears="what time is it", deltas=["Noon."]), Turn(deltas=["Yes, ", "really."]))
    talk.speak()
    events = await talk.until(kept("Noon."))
    assert [event.text for event in events if isinstance(event, ReplyText)] == ["Noon."]
    if not [event for event in events if isinstance(event, Audio)]:
        await talk.until(Audio)
    talk.manager.handle(SendText("really?"))
    await talk.until(kept("Yes, really."))
    lines = [(role, text) for role, text, _ in await talk.lines()]
    assert lines == [
        ("user", "what time is it"),
        ("assistant", "Noon."),
        ("user", "really?"),
        ("assistant", "Yes, really."),
    ]


async def test_speech_over_her_stops_what_the_client_plays_at_once(
    talk: SpeechConversation, provider: ScriptedGemini
) -> None:
    """[realtime 4.2]"""
    provider.script(Turn(hears="tell me", waits=True), Turn(hears="stop", deltas=["Fine."]))
    talk.speak()
    [*_, first] = await talk.until(Audio)
    assert isinstance(first, Audio)
    talk.speak()
    assert [*await talk.until(UserActivity)][-1] == UserActivity(first.speech_id)
    events = await talk.until(kept("Fine."))
    assert not [event for event in events if isinstance(event, Audio) and event.speech_id == first.speech_id]
    lines = [(role, text) for role, text, _ in await talk.lines()]
    assert [text for role, text in lines if role == "user"] == ["tell me", "stop"]
    assert lines[-1] == ("assistant", "Fine.")
