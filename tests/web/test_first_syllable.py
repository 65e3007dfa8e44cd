"""The first sample of what is said reaches the recogniser, and all that follow it, whatever goes on meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripted_hearing import Words
from tests.spoken import FRAME, quiet, spoken
from tests.web.test_call import Call, in_call

SAID = "Pass me the other one, please."


async def silence(call: Call) -> None:
    await call.play(quiet(2.0))


async def unmuting(call: Call) -> None:
    await call.page.send("neko_microphone", muted=True)
    await call.play(quiet(0.5))
    await call.page.send("neko_microphone", muted=False)


async def her_voice(call: Call) -> None:
    await call.hear_her()


async def a_cut(call: Call) -> None:
    await call.hear_her()
    await call.page.send("stop_reply")


async def an_interruption(call: Call) -> None:
    speech_id = await call.hear_her()
    call.hearing.script(Words("Wait a moment."))
    await call.say("Wait a moment.")
    await call.page.until(lambda frame: frame.get("interrupted_speech_id") == speech_id)


@pytest.mark.parametrize("before", [silence, unmuting, her_voice, a_cut, an_interruption])
async def test_no_sample_of_what_is_said_is_lost(data_dir: Path, before: object) -> None:
    assert callable(before)
    said = await spoken(SAID)
    said = said[: len(said) // FRAME * FRAME]
    async with in_call(data_dir) as call:
        await before(call)
        call.hearing.script(Words(SAID))
        await call.play(said, quiet(1.6))
        await call.page.until(lambda frame: frame["type"] == "user_transcript" and frame["text"] == SAID)
        heard = bytes(call.hearing.utterances[-1].sound)
        assert said in heard
