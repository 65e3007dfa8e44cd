"""What comes out of the loudspeaker, and the face that goes with it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from neko.providers.speech_server import SpeechServerChoice
from tests import speech_protocols
from tests.field.hostile_provider import HostileProvider, problem, whole
from tests.http_service import HttpService
from tests.page.page_driver import SOME_ID, PageDriver, words
from tests.page.running_neko import NAME, RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

EAR = Path(__file__).with_name("tap_audio.js")
AUDIBLE = 0.004
UNTOUCHED = "Object.defineProperty(Navigator.prototype, 'userActivation', { value: { hasBeenActive: false } });"
"""What a browser says before the first gesture; each ``evaluate`` counts as one."""
STORY = [
    "Once upon a time there was a cat who lived by the sea. ",
    "Every morning she walked along the pier. ",
    "The fishermen knew her well and called her captain. ",
    "One day a storm came and took the boats away. ",
]

NOTE_STOP = "(event) => document.addEventListener(event, () => { window.stopped = performance.now(); }, true)"
UNTIL_HEARD = f"(seconds) => window.heard.filter(({{level}}) => level > {AUDIBLE}).length * 1024 / 48000 > seconds"
AT_REST = """(widest) => {
  const heights = window.mouths.slice(-12).map(({height}) => height);
  return Math.max(...heights) < 0.6 * widest && Math.max(...heights) - Math.min(...heights) < 1.5;
}"""
QUIET_SINCE = f"""(milliseconds) => {{
  const last = window.heard.findLast(({{level}}) => level > {AUDIBLE});
  return last && performance.now() - last.at > milliseconds && window.heard.at(-1).at > last.at;
}}"""


async def with_ears(driver: PageDriver) -> None:
    await driver.context.add_init_script(path=EAR)


def voice(driver: PageDriver, name: str, part: str = "option") -> Locator:
    """A voice of the list, or its button ``hear``."""
    return driver.page.locator(f'[data-testid=voice-{part}][data-voice="{name}"]')


async def heard(driver: PageDriver) -> dict[str, Any]:
    """Audible sound: its seconds, loudest block and last moment; and in how many shapes her lips parted meanwhile."""
    found: dict[str, Any] = await driver.page.evaluate(
        f"""() => {{
          const loud = window.heard.filter(({{level}}) => level > {AUDIBLE});
          const [from, to] = [loud[0]?.at ?? 0, loud.at(-1)?.at ?? 0];
          const open = window.mouths.filter((mouth) => mouth.open && mouth.at >= from && mouth.at <= to + 50);
          return {{
            seconds: loud.length * 1024 / 48000, loudest: Math.max(0, ...loud.map(({{level}}) => level)), last: to,
            shapes: new Set(open.map(({{shape}}) => shape)).size,
            widest: Math.max(0, ...open.map(({{height}}) => height)),
          }};
        }}"""
    )
    return found


async def test_a_reply_is_heard_aloud_and_her_mouth_moves_with_it(speaking: RunningNeko, driver: PageDriver) -> None:
    await with_ears(driver)
    await driver.open(speaking.url)
    await driver.say("hello")
    text = await driver.reply()
    await driver.until(UNTIL_HEARD, 0.4)
    await expect(driver.get("state")).to_have_attribute("data-state", "speaking")
    await driver.until(QUIET_SINCE, 700, seconds=30)
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    sound = await heard(driver)
    assert 0.02 * len(text) < sound["seconds"] < 0.2 * len(text) + 2, (text, sound)
    assert sound["loudest"] > 0.02
    assert sound["shapes"] >= 8, sound
    await driver.until(AT_REST, sound["widest"])


@pytest.mark.parametrize("how", ["button", "Escape"])
async def test_stopping_silences_her_within_300_ms_and_keeps_what_was_said(
    data_dir: Path, provider: ScriptedProvider, driver: PageDriver, how: str
) -> None:
    await with_ears(driver)
    provider.script(Script([*STORY, "The end."], stall_after=4))
    environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-test", "NEKO_OPENAI_BASE_URL": provider.base_url}
    async with RunningNeko(data_dir, environ=environ) as running_neko:
        page = await driver.open(running_neko.url)
        await driver.say("Tell me a story")
        await expect(driver.lines("assistant")).to_have_count(1)  # what is heard may be the greeting until then
        await driver.until(UNTIL_HEARD, 0.5)
        await expect(driver.get("stop")).to_be_visible()
        await page.evaluate(NOTE_STOP, "click" if how == "button" else "keydown")
        if how == "button":
            await driver.get("stop").click()
        else:
            await page.keyboard.press("Escape")
        await driver.until(QUIET_SINCE, 600)
        late = await page.evaluate("window.stopped") + 300
        assert (await heard(driver))["last"] < late
        await expect(driver.get("state")).to_have_attribute("data-state", "idle")
        await expect(driver.get("stop")).to_be_hidden()
        line = driver.lines("assistant").first
        await expect(line).to_have_attribute("data-id", SOME_ID)
        await expect(line).to_have_attribute("data-status", "interrupted")
        async with asyncio.timeout(15):
            await provider.chats[0].aborted.wait()
        stored = (await running_neko.lines())[-1]
        assert (stored.role, stored.status) == ("assistant", "interrupted")
        assert "The end." not in stored.text
        assert stored.text.strip() == await words(line)


async def test_with_the_voice_switched_off_no_sound_is_sent(speaking: RunningNeko, driver: PageDriver) -> None:
    await with_ears(driver)
    await speaking.remember(2)
    page = await driver.open(speaking.url + "/#settings/voice")
    async with page.expect_response(re.compile("/api/speech$")):
        await driver.get("voice-off").click()
    await expect(driver.get("voice-off")).to_have_attribute("aria-checked", "true")
    await page.keyboard.press("Escape")
    await driver.say("hello")
    await driver.reply(2)
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    await driver.say("what time is it?")
    await driver.reply(3)
    assert not [frame for frame in driver.received if '"audio_chunk"' in frame]
    assert driver.binary == 0
    assert (await heard(driver))["seconds"] == 0


async def test_a_voice_of_the_built_in_engine_is_chosen_and_stays(speaking: RunningNeko, driver: PageDriver) -> None:
    page = await driver.open(speaking.url + "/#settings/voice")
    async with page.expect_response(re.compile("/api/speech$")):
        await voice(driver, "f4").click()
    await driver.get("settings-close").click()
    assert speaking.neko.voices.tuning(speaking.neko.characters.current).voice == "f4"
    await page.evaluate("location.hash = 'settings/voice'")
    await expect(voice(driver, "f4")).to_have_attribute("aria-checked", "true")
    async with page.expect_response(re.compile("/api/speech$")):
        await driver.get("voice-off").click()
    await expect(driver.get("voice-choice")).to_have_count(0)
    for idle in ("voice-rate", "voice-pitch", "voice-volume", "voice-sample"):
        await expect(driver.get(idle)).to_be_hidden()
    await driver.get("voice-builtin").click()
    await expect(driver.get("voice-rate")).to_be_visible()


async def test_each_voice_is_heard_before_it_is_chosen_and_stops_when_it_is_pressed_again(
    speaking: RunningNeko, driver: PageDriver
) -> None:
    await with_ears(driver)
    page = await driver.open(speaking.url + "/#settings/voice")
    hear = voice(driver, "f4", "hear")
    await hear.click()
    await expect(hear).to_have_attribute("data-state", "sounding")
    await driver.until(UNTIL_HEARD, 0.2)
    await expect(hear).to_have_accessible_name("Stop")
    await hear.click()
    await expect(hear).to_have_attribute("data-state", "quiet")
    await driver.until(QUIET_SINCE, 300)
    assert speaking.neko.voices.tuning(speaking.neko.characters.current).voice == ""
    await hear.click()
    await expect(hear).to_have_attribute("data-state", "sounding")
    other = voice(driver, "m1", "hear")
    await other.click()
    await expect(other).to_have_attribute("data-state", "sounding")
    await expect(hear).to_have_attribute("data-state", "quiet")
    await expect(other).to_have_attribute("data-state", "quiet")  # she is done
    await driver.get("voice-volume").fill("0")
    await other.click()
    await expect(driver.get("voice-fault")).to_contain_text("volume is at zero")
    assert await page.evaluate("window.violations") == []


async def test_the_list_of_voices_is_used_with_the_keyboard_and_tells_language_and_licence(
    speaking: RunningNeko, driver: PageDriver
) -> None:
    page = await driver.open(speaking.url + "/#settings/voice")
    await expect(voice(driver, "f4")).to_contain_text("Any language · GPL-3.0-or-later")
    await voice(driver, "").focus()
    await page.keyboard.press("End")
    last = driver.get("voice-option").last
    await expect(last).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowRight")
    hear = driver.get("voice-hear").nth(-2)
    await expect(hear).to_be_focused()
    async with page.expect_response(re.compile("/api/speech/sample$")) as sampled:
        await page.keyboard.press("Enter")
    assert (await sampled.value).ok
    await page.keyboard.press("ArrowLeft")
    await expect(voice(driver, "")).to_have_attribute("aria-checked", "true")
    async with page.expect_response(re.compile("/api/speech$")):
        await page.keyboard.press("Space")
    await expect(driver.get("voice-option").nth(-2)).to_have_attribute("aria-checked", "true")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.querySelector('.voice-rows').contains(document.activeElement)") is False


async def test_why_a_voice_cannot_be_heard_stands_below_the_list(speaking: RunningNeko, driver: PageDriver) -> None:
    driver.forgive("status of 502")
    async with HostileProvider() as provider:
        provider.speech = whole(problem("This voice is on holiday."), 400)
        server = SpeechServerChoice(provider.base_url, "m", "")
        await speaking.neko.config.change(speaking.neko.voices.changes(NAME, engine="openai", server=server))
        await driver.open(speaking.url + "/#settings/voice")
        await driver.get("voice-sample").click()
        await expect(driver.get("voice-fault")).to_contain_text("on holiday")
        await expect(driver.get("voice-fault")).to_contain_text("Settings › Voice")
        await expect(driver.get("voice-sample")).to_have_text("Say something")


async def test_a_service_is_chosen_and_told_where_it_is_and_its_voices_are_listed_and_heard(
    speaking: RunningNeko, driver: PageDriver
) -> None:
    async with HttpService(speech_protocols.voicevox) as voicevox:
        page = await driver.open(speaking.url + "/#settings/voice")
        await driver.get("voice-service").click()
        await expect(driver.get("voice-which")).to_have_value("openai")
        await expect(driver.get("voice-model")).to_be_visible()
        await driver.get("voice-which").select_option("voicevox")
        await expect(driver.get("voice-url")).to_have_value("http://127.0.0.1:50021")
        await driver.get("voice-url").fill(voicevox.url)
        await driver.get("voice-url").blur()
        await expect(driver.get("voice-option")).to_have_count(3)
        async with page.expect_response(re.compile("/api/speech/sample$")):
            await voice(driver, "2", "hear").click()
        assert voicevox.voices == ["2"]
        await expect(driver.get("voice-terms")).to_contain_text("VOICEVOX")
        async with page.expect_response(re.compile("/api/speech$")):
            await driver.get("voice-voice").fill("3")
            await driver.get("voice-voice").blur()
        await expect(voice(driver, "3")).to_have_attribute("aria-checked", "true")
        async with page.expect_response(re.compile("/api/speech/sample$")) as sampled:
            await driver.get("voice-sample").click()
        assert (await sampled.value).ok
        assert voicevox.voices == ["2", "3"]
    await driver.get("voice-which").select_option("qwen")
    await expect(voice(driver, "Momo")).to_contain_text("English and 9 more · Alibaba Cloud")
    await driver.get("voice-which").select_option("edge")
    await expect(driver.get("voice-url")).to_have_count(0)
    await driver.get("voice-builtin").click()
    await expect(driver.get("voice-choice")).to_be_visible()
    await expect(driver.get("voice-which")).to_have_count(0)


async def test_the_browsers_own_voice_speaks_as_the_reader_wants_it(speaking: RunningNeko, driver: PageDriver) -> None:
    await driver.context.add_init_script(
        """window.spoken = [];
        const voice = (name, lang) => ({ name, lang, localService: true, default: false, voiceURI: name });
        speechSynthesis.getVoices = () => [voice("Ann", "en-US"), voice("Bea", "en-US"), voice("Ute", "de-DE")];
        Object.defineProperty(SpeechSynthesisUtterance.prototype, "voice", {
          set(chosen) { this.chosen = chosen.name; },
        });
        speechSynthesis.speak = ({ chosen, rate, pitch }) => window.spoken.push([chosen, rate, pitch]);"""
    )
    page = await driver.open(speaking.url + "/#settings/voice")
    async with page.expect_response(re.compile("/api/speech$")):
        await driver.get("voice-browser").click()
    names = driver.get("voice-option").locator(".tile-name")
    await expect(names).to_have_text(["The one that fits best", "Ann", "Bea"])
    await voice(driver, "Bea").click()
    for slider in ("voice-rate", "voice-pitch"):
        async with page.expect_response(re.compile("/api/speech$")):
            await driver.get(slider).press("ArrowRight")
    await driver.get("voice-sample").click()
    await driver.get("settings-close").click()
    await driver.say("hello")
    await driver.reply()
    await driver.until("() => window.spoken.length > 1")
    for name, rate, pitch in await page.evaluate("window.spoken"):
        assert (name, round(rate, 2), round(pitch, 2)) == ("Bea", 1.05, 1.03)


async def test_the_browsers_own_voice_speaks_each_sentence_and_none_is_sent_as_sound(
    speaking: RunningNeko, driver: PageDriver
) -> None:
    await driver.context.add_init_script(
        """window.spoken = [];
        speechSynthesis.speak = (utterance) => {
          window.spoken.push([utterance.text, utterance.lang]);
          setTimeout(() => utterance.onstart?.(new Event("start")), 0);
          setTimeout(() => utterance.onend?.(new Event("end")), 40);
        };"""
    )
    page = await driver.open(speaking.url + "/#settings/voice")
    async with page.expect_response(re.compile("/api/speech$")):
        await driver.get("voice-browser").click()
    await driver.get("settings-close").click()
    await driver.say("hello")
    text = await driver.reply()
    await driver.until("() => window.spoken.length > 0")
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    spoken = await page.evaluate("window.spoken")
    assert spoken[0][1] == "en"
    assert spoken[0][0].split()[0] in text
    assert driver.binary == 0


async def test_a_browser_without_any_voice_goes_on_in_writing(speaking: RunningNeko, driver: PageDriver) -> None:
    await speaking.neko.config.change({"neko": {"speech": {"engine": "browser"}}})
    await driver.open(speaking.url)
    await driver.say("hello")
    await driver.reply()
    await driver.say("what is 2 + 3?")
    await driver.reply(2)
    assert "5" in (await speaking.lines())[-1].text
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")


async def test_her_greeting_is_heard_at_the_first_touch_and_stops_when_she_is_spoken_to(
    speaking: RunningNeko, driver: PageDriver
) -> None:
    await with_ears(driver)
    await driver.context.add_init_script(UNTOUCHED)
    page = await driver.open(speaking.url)
    await expect(driver.get("greeting")).to_be_visible()
    assert (await heard(driver))["seconds"] == 0
    await page.locator("#stage").click(position={"x": 200, "y": 400})
    await driver.until(UNTIL_HEARD, 0.4)
    await page.keyboard.press("Escape")
    await driver.until(QUIET_SINCE, 500)
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")


async def test_mute_is_heard_at_once_and_survives_a_reload(speaking: RunningNeko, driver: PageDriver) -> None:
    await with_ears(driver)
    page = await driver.open(speaking.url)
    await driver.get("menu").click()
    await driver.get("mute").click()
    await expect(driver.get("mute")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Escape")
    await expect(driver.get("volume")).to_have_count(0)
    await page.reload()
    await driver.until_ready()
    await driver.say("hello")
    await driver.reply()
    await driver.until("() => new Set(window.mouths.filter(({open}) => open).map(({shape}) => shape)).size >= 8")
    assert (await heard(driver))["seconds"] == 0
