"""A call in which nobody says anything."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from neko.sessions.actions import SendAudio
from neko.sessions.events import AutoCloseMic, Event, SessionEndedByServer, UserActivity
from neko.sessions.spoken_input import GONE_S
from tests.scripted_provider import tone
from tests.sessions.speech_conversation import QUICK, TALK, in_call, speech_conversation
from tests.virtual_clock import InlineExecutor, run_virtually


async def test_after_long_quiet_the_microphone_is_shut_and_the_session_stays(executor: ThreadPoolExecutor) -> None:
    timeouts = replace(QUICK, quiet_call_timeout_s=0.05)
    async with speech_conversation(executor, timeouts=timeouts) as talk:
        await in_call(talk)
        events: list[Event] = []
        while not any(isinstance(event, AutoCloseMic) for event in events):
            talk.manager.handle(SendAudio(bytes(640), 16_000))
            events += await talk.waiting()
        assert not [event for event in events if isinstance(event, SessionEndedByServer)]
        assert talk.manager.active


async def test_a_provider_that_is_to_be_spared_has_its_session_ended_after_the_microphone_is_shut(
    executor: ThreadPoolExecutor,
) -> None:
    async with speech_conversation(executor) as talk:
        await in_call(talk)
        session = talk.sessions[0]
        session.capabilities = replace(session.capabilities, quiet_timeout_s=0.05)
        events: list[Event] = []
        while not any(isinstance(event, SessionEndedByServer) for event in events):
            if talk.manager.active:
                talk.manager.handle(SendAudio(bytes(640), 16_000))
            events += await talk.waiting()
        ends = [event for event in events if isinstance(event, AutoCloseMic | SessionEndedByServer)]
        assert [type(event) for event in ends] == [AutoCloseMic, SessionEndedByServer]
        assert not talk.manager.active


async def test_speech_begins_the_wait_anew(executor: ThreadPoolExecutor) -> None:
    timeouts = replace(QUICK, quiet_call_timeout_s=30.0)
    async with speech_conversation(executor, timeouts=timeouts) as talk:
        await in_call(talk)
        for sound in (bytes(640), tone(0.5, hertz=180, rate=16_000), bytes(12_800)):
            talk.manager.handle(SendAudio(sound, 16_000))
        assert not [event for event in await talk.waiting() if isinstance(event, AutoCloseMic)]


@pytest.mark.parametrize("gap_s", [GONE_S - 0.5, GONE_S + 1])
def test_an_utterance_in_whose_middle_the_sound_stops_is_over_after_a_moment(gap_s: float) -> None:
    async def play(executor: InlineExecutor) -> None:
        async with speech_conversation(executor, turn_detection=False) as talk:
            await in_call(talk)
            talk.manager.handle(SendAudio(TALK, 16_000))
            await talk.until(UserActivity)
            await asyncio.sleep(gap_s)
            talk.manager.handle(SendAudio(TALK, 16_000))
            await asyncio.sleep(0.1)
            lines = [role for role, _, _ in await talk.lines()]
            assert ("user" in lines) == (gap_s > GONE_S)

    run_virtually(play)
