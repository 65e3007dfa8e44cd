"""Speaking over her, on the samples: a real browser with real speech in its microphone, and all that it plays."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.page.recorded import RATE
from tests.page.speaking_over import spoken_over
from tests.scripted_hearing import ScriptedHearing, Words
from tests.spoken import FRAME, spoken

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = "Wait, I want to say something else."
ROUNDING = RATE // 1000 + 16
"""Samples by which what is heard may differ from a report in whole milliseconds; a fade begins and ends at nothing."""
OVER = "() => window.quietFor('played') > 0.5"


async def test_words_over_hers_stop_her_for_good_and_nothing_is_played_after_she_was_held(
    shell_path: str, tidy_loop: None, data_dir: Path
) -> None:
    hearing = ScriptedHearing(Words(WORDS), Words("", no_speech=1.0))
    async with spoken_over(shell_path, data_dir, await spoken(WORDS), hearing) as over:
        await expect(over.driver.lines("user").locator(".line-words").last).to_have_text(WORDS)
        await over.driver.until_sent("playback", speech_id=over.speech_id, state="ended")
        await over.driver.until(OVER)
        assert over.told()[:2] == ["neko_speech_paused", "user_activity"]
        story = (await over.heard())[0]
        assert abs(story[0]) <= ROUNDING
        assert abs(story[1] - over.paused_ms * RATE / 1000) <= ROUNDING
        assert story[1] < len(over.driver.voice[over.speech_id]) / 2 - RATE, "there was more of it"


@pytest.mark.long
@pytest.mark.parametrize("noise", ["a cough", "a nod"])
async def test_who_only_coughs_or_nods_lets_her_go_on_at_the_very_sample(
    shell_path: str, tidy_loop: None, data_dir: Path, noise: str
) -> None:
    words = Words("Thank you.", no_speech=0.9) if noise == "a cough" else Words("Mhm.")
    hearing = ScriptedHearing(words, Words("", no_speech=1.0))
    async with spoken_over(shell_path, data_dir, (await spoken("mhm"))[: FRAME * 20], hearing) as over:
        await over.driver.until_sent("playback", speech_id=over.speech_id, state="ended")
        await over.driver.until(OVER)
        assert over.told() == ["neko_speech_paused", "neko_speech_resumed"]
        before, after = await over.heard()
        assert abs(before[0]) <= ROUNDING
        assert abs(before[1] - over.paused_ms * RATE / 1000) <= ROUNDING
        assert abs(after[0] - before[1]) <= 16, "no sample is lost, and none is played twice"
        assert abs(after[1] - len(over.driver.voice[over.speech_id]) / 2) <= RATE / 10
