"""A call from the page: a microphone in a real browser, the real socket and conversation, a scripted recogniser."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.async_api import expect

from neko.sessions.events import AutoCloseMic, SessionFailed, Status
from neko.sessions.manager import SessionManager
from tests.page.fake_microphone import browser_hearing, write_wav
from tests.page.page_driver import BYTES_PER_MS, SOME_ID, PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.page.test_chat_page_voice import AUDIBLE, EAR, QUIET_SINCE, STORY, UNTIL_HEARD, heard
from tests.scripted_hearing import ScriptedHearing, Words
from tests.scripted_provider import Script, ScriptedProvider
from tests.spoken import FRAME, quiet, spoken

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENTENCE = "Hello, can you hear me?"
TRIES = 4


@asynccontextmanager
async def in_call(
    shell_path: str, data_dir: Path, hearing: ScriptedHearing, microphone: bytes, **device: Any
) -> AsyncIterator[tuple[PageDriver, RunningNeko]]:
    """Somebody who has pressed the microphone of the page."""
    wav = write_wav(data_dir.with_name("microphone.wav"), microphone)
    async with (
        RunningNeko(data_dir, hearing=hearing) as neko,
        browser_hearing(shell_path, wav) as browser,
        PageDriver(browser, **device) as driver,
    ):
        await driver.open(neko.url)
        await driver.get("call").click()
        yield driver, neko
        driver.check()


async def test_what_is_said_into_the_microphone_is_heard_shown_and_answered_aloud(
    shell_path: str, tidy_loop: None, data_dir: Path
) -> None:
    speech = await spoken(SENTENCE)
    hearing = ScriptedHearing(Words(SENTENCE))
    async with in_call(shell_path, data_dir, hearing, quiet(1) + speech + quiet(4)) as (driver, neko):
        await expect(driver.lines("user").locator(".line-words")).to_have_text([SENTENCE])
        await expect(driver.lines("user").first).to_have_attribute("data-id", SOME_ID)
        await driver.reply()
        assert next(line.text for line in await neko.lines()) == SENTENCE
        [begun] = await driver.until_sent("start_session")
        assert begun["audio_format"] == "pcm16"
        assert begun["sample_rate"] == 16_000
        assert begun["echo_cancelled"] is True
        assert driver.binary > 0, "she answers aloud"
        heard = bytes(hearing.utterances[0].sound)
        assert likeness(heard, speech) > 0.6
        assert await driver.violations() == []


def likeness(heard: bytes, speech: bytes) -> float:
    """How well the loudness of ``heard`` follows that of ``speech`` where it fits best, 0 to 1."""

    def envelope(pcm: bytes) -> Any:
        samples = np.frombuffer(pcm[: len(pcm) // 640 * 640], dtype="<i2").astype(float).reshape(-1, 320)
        return np.sqrt((samples**2).mean(axis=1))

    long, short = envelope(heard), envelope(speech)
    long = np.pad(long, (len(short), len(short)))
    return float(
        max(
            np.corrcoef(long[at : at + len(short)] + 1e-9 * np.arange(len(short)), short)[0, 1]
            for at in range(len(long) - len(short))
        )
    )


FOR_A_WHILE = """() => {
  window.begun ??= window.ticks();
  if (window.ticks() - window.begun < 25) return false;
  window.begun = undefined;
  return true;
}"""
"""Half a second of the microphone's own time has gone by."""
MICROPHONE = Path(__file__).with_name("spoken_microphone.js")
HELD = f"""() => {{
  const quiet = window.heard.slice(-6);
  return quiet[0].at > window.saidAt && quiet.every(({{level}}) => level < {AUDIBLE});
}}"""


def thinking_with(provider: ScriptedProvider) -> dict[str, str]:
    return {"NEKO_ASSIST_API_KEY_OPENAI": "sk-test", "NEKO_OPENAI_BASE_URL": provider.base_url}


class Caller:
    """Somebody in a call who speaks when the test wants it."""

    def __init__(
        self, driver: PageDriver, hearing: ScriptedHearing, neko: RunningNeko, provider: ScriptedProvider
    ) -> None:
        self.driver = driver
        self.hearing = hearing
        self.neko = neko
        self.provider = provider

    @property
    def conversation(self) -> SessionManager:
        manager = self.neko.neko.conversations.get(NAME)
        assert manager is not None
        return manager

    async def speak(self, sound: bytes) -> None:
        await self.driver.page.evaluate("window.say", base64.b64encode(sound).decode())

    async def speak_over_her(self, sound: bytes) -> dict[str, Any]:
        """Ask her for a story, hear the beginning of it and speak; what the page reports once she is held.

        Anew when she told it to the end, as the browser of a busy machine swallows pieces of the sound.
        """
        for _ in range(TRIES):
            before = len(await self.driver.until_sent("playback", 0, state="paused"))
            await self.driver.page.evaluate("window.heard.length = 0")
            self.provider.script(Script(STORY[:3]))
            await self.driver.say("Tell me a story")
            await self.driver.until(UNTIL_HEARD, 0.4)
            await self.speak(sound)
            try:
                async with asyncio.timeout(8):
                    return (await self.driver.until_sent("playback", before + 1, state="paused"))[before]
            except TimeoutError:
                continue
        raise AssertionError("she was never held")

    def told(self, kind: str) -> list[dict[str, Any]]:
        """What the server has told of this kind."""
        return [frame for frame in map(json.loads, self.driver.received) if frame["type"] == kind]

    async def devices(self) -> int:
        """How many microphones are in use."""
        count: int = await self.driver.page.evaluate("window.live()")
        return count


@asynccontextmanager
async def calling(driver: PageDriver, data_dir: Path, *words: Words, press: bool = True) -> AsyncIterator[Caller]:
    """The page of ``driver`` with a microphone that says what it is told. With ``press`` there is a call."""
    hearing = ScriptedHearing(*words)
    async with (
        ScriptedProvider() as provider,
        RunningNeko(data_dir, hearing=hearing, environ=thinking_with(provider)) as neko,
    ):
        await driver.context.add_init_script(path=EAR)
        await driver.context.add_init_script(path=MICROPHONE)
        await neko.remember(2)
        await driver.open(neko.url)
        if press:
            await driver.get("call").click()
            await expect(driver.page.locator("#app")).to_have_attribute("data-call", "live")
        yield Caller(driver, hearing, neko, provider)
        assert await driver.violations() == []


async def test_speech_over_hers_holds_her_and_words_stop_her(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    words = "Wait, I want to say something else."
    async with calling(driver, data_dir, *[Words(words)] * TRIES) as caller:
        paused = await caller.speak_over_her(await spoken(words))
        await driver.until(HELD)
        assert paused["played_ms"] > 0
        await expect(driver.lines("user").locator(".line-words").last).to_have_text(words)
        [end] = await driver.until_sent("playback", speech_id=paused["speech_id"], state="ended")
        assert end["played_ms"] == paused["played_ms"]
        assert paused["speech_id"] in [one["speech_id"] for one in caller.told("neko_speech_paused")]
        assert caller.told("neko_speech_resumed") == []
        assert paused["speech_id"] in [one["interrupted_speech_id"] for one in caller.told("user_activity")]


async def test_a_cough_lets_her_go_on_where_she_was(tidy_loop: None, driver: PageDriver, data_dir: Path) -> None:
    async with calling(driver, data_dir, *[Words("Thank you.", no_speech=0.9)] * TRIES**2) as caller:
        for _ in range(TRIES):  # the sound of a busy machine has gaps, and what takes long is no cough
            paused = await caller.speak_over_her((await spoken("mhm mhm mhm"))[: FRAME * 45])
            speech_id = paused["speech_id"]
            await driver.until_sent("playback", speech_id=speech_id, state="ended")
            if caller.told("neko_speech_resumed"):
                break
        reports = [one["played_ms"] for one in await driver.until_sent("playback", speech_id=speech_id)]
        assert caller.told("neko_speech_resumed")[0]["speech_id"] == speech_id
        assert reports == sorted(reports)
        assert abs(reports[-1] - len(driver.voice[speech_id]) / BYTES_PER_MS) < 40, (
            "all of it was heard, and none twice"
        )
        assert speech_id not in [one["interrupted_speech_id"] for one in caller.told("user_activity")]


async def test_hanging_up_frees_the_microphone_and_ends_the_call(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    async with calling(driver, data_dir) as caller:
        assert await caller.devices() == 1
        await driver.get("call").click()
        await expect(driver.get("call")).to_have_attribute("aria-pressed", "false")
        await driver.until_sent("end_session")
        assert await caller.devices() == 0
        count = len(driver.sound)
        await driver.until(FOR_A_WHILE)
        assert len(driver.sound) == count


async def test_her_greeting_is_not_heard_any_more_once_a_call_begins(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    async with RunningNeko(data_dir, hearing=ScriptedHearing()) as neko:
        await driver.context.add_init_script(path=EAR)
        await driver.context.add_init_script(path=MICROPHONE)
        page = await driver.open(neko.url)
        async with page.expect_response("**/api/speech/sample") as spoken_greeting:
            await page.locator("#stage").click(position={"x": 200, "y": 400})
        await driver.until(UNTIL_HEARD, 0.2)
        await driver.get("call").click()
        await driver.until(QUIET_SINCE, 1000)
        heard_s = (await heard(driver))["seconds"]
        assert heard_s < len(await (await spoken_greeting.value).body()) / BYTES_PER_MS / 2000, "not half of it"


async def test_words_are_shown_as_they_are_recognised(tidy_loop: None, driver: PageDriver, data_dir: Path) -> None:
    words = Words("Do you remember the sea?", partials=("Do you remember the sea?",), stall=True)
    async with calling(driver, data_dir, words) as caller:
        await caller.speak(await spoken("Do you remember the sea, and the summer we spent there?"))
        line = driver.lines("user").last
        caller.hearing.release()
        await expect(line.locator(".line-words")).to_have_text(words.text)
        await expect(line).to_have_attribute("data-id", SOME_ID)
        await expect(line).not_to_have_attribute("data-hearing", "")
        await expect(driver.get("call-words")).to_have_text(words.text)
        shown = [one["text"] for one in caller.told("neko_transcript")]
        assert shown[-1] == words.text


@pytest.mark.parametrize("how", ["button", "key", "another program"])
@pytest.mark.few(1)
async def test_while_it_is_muted_no_sound_leaves_the_page(
    tidy_loop: None, driver: PageDriver, data_dir: Path, how: str
) -> None:
    async with calling(driver, data_dir) as caller:
        mute = driver.get("call-mute")

        async def press() -> None:
            if how == "button":
                await mute.click()
            elif how == "key":
                await driver.page.keyboard.press("Control+Shift+M")
            else:
                caller.conversation.spoken_input.mute(not caller.conversation.spoken_input.muted)

        await press()
        await expect(mute).to_have_attribute("aria-pressed", "true")
        await expect(driver.get("call-mode")).to_contain_text("Muted")
        assert caller.conversation.spoken_input.muted
        count = len(driver.sound)
        await caller.speak(await spoken("Nobody hears this."))
        await driver.until(FOR_A_WHILE)
        assert len(driver.sound) == count
        await press()
        await expect(mute).to_have_attribute("aria-pressed", "false")
        await caller.speak(await spoken("Hello again."))
        await expect(driver.lines("user").last.locator(".line-words")).to_have_text("hello there")


async def test_push_to_talk_sends_what_is_said_while_the_key_is_held(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    async with calling(driver, data_dir, press=False) as caller:
        page = driver.page
        await page.evaluate("localStorage.setItem('neko.talkMode', '\"push\"')")
        await page.reload()
        await driver.until_ready()
        await driver.get("call").click()
        await expect(driver.get("call-mode")).to_contain_text("Push to talk")
        await expect(driver.get("call-hold")).to_be_focused()
        await driver.until(FOR_A_WHILE)
        assert driver.sound == []
        await page.keyboard.down("Space")
        await driver.until_sent("neko_push_to_talk", held=True)
        await caller.speak(await spoken("This is for you."))
        await driver.until(FOR_A_WHILE)
        await page.keyboard.up("Space")
        await driver.until_sent("neko_push_to_talk", held=False)
        count = len(driver.sound)
        assert count > 10
        await expect(driver.lines("user").last.locator(".line-words")).to_have_text("hello there")
        await driver.until(FOR_A_WHILE)
        assert len(driver.sound) == count
        await driver.get("composer").fill("")
        await driver.get("composer").press("Space")
        assert len(await driver.until_sent("neko_push_to_talk")) == 2, "a space is a space where one writes"


async def test_a_line_that_was_lost_brings_the_call_back(tidy_loop: None, driver: PageDriver, data_dir: Path) -> None:
    async with calling(driver, data_dir) as caller:
        await driver.get("call-mute").click()
        caller.neko.hang_up()
        await driver.until_sent("start_session", 2)
        await driver.until_sent("neko_microphone", 2, muted=True)
        await expect(driver.page.locator("#app")).to_have_attribute("data-call", "live")
        assert await caller.devices() == 1
        await driver.get("call-mute").click()
        await caller.speak(await spoken("Hello again."))
        await expect(driver.lines("user").last.locator(".line-words")).to_have_text("hello there")


@pytest.mark.parametrize("refusal", ["NotAllowedError", "NotFoundError", "NotReadableError", "TypeError"])
@pytest.mark.few(2)
async def test_why_there_is_no_microphone_and_what_to_do_is_said(
    tidy_loop: None, driver: PageDriver, data_dir: Path, refusal: str
) -> None:
    words = {
        "NotAllowedError": ("does not let me use the microphone", "Allow it"),
        "NotFoundError": ("no microphone", "Plug one in"),
        "NotReadableError": ("Another program", "Close that program"),
        "TypeError": ("could not be opened", "Try again"),
    }
    async with calling(driver, data_dir, press=False):
        await driver.page.evaluate("(name) => { window.refuse = name; }", refusal)
        await driver.get("call").click()
        for part in words[refusal]:
            await expect(driver.get("fault")).to_contain_text(part)
        await expect(driver.get("call-bar")).to_be_hidden()
        await expect(driver.get("call")).to_have_attribute("aria-pressed", "false")


async def test_a_microphone_that_gives_nothing_at_all_is_told_of(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    async with calling(driver, data_dir, press=False):
        await driver.page.evaluate("window.mute()")
        await driver.get("call").click()
        await expect(driver.get("toast")).to_contain_text("no sound at all")


async def test_a_microphone_that_is_unplugged_gives_way_to_another(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    async with calling(driver, data_dir) as caller:
        await driver.page.evaluate("window.unplug()")
        await expect(driver.get("toast")).to_contain_text("so I listen to")
        await caller.speak(await spoken("Hello again."))
        await expect(driver.lines("user").last.locator(".line-words")).to_have_text("hello there")
        await driver.page.evaluate("window.refuse = 'NotFoundError'; window.unplug()")
        await expect(driver.get("fault")).to_contain_text("no microphone")
        await expect(driver.get("call-bar")).to_be_hidden()
        assert await caller.devices() == 0


async def test_the_server_shuts_the_microphone_and_says_why(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    async with calling(driver, data_dir) as caller:
        caller.conversation.emit(AutoCloseMic("It has been quiet for long."))
        await expect(driver.get("toast")).to_contain_text("quiet for long")
        await expect(driver.get("call-bar")).to_be_hidden()
        assert await caller.devices() == 0


async def test_why_a_call_cannot_be_had_is_told_once(tidy_loop: None, driver: PageDriver, data_dir: Path) -> None:
    async with calling(driver, data_dir) as caller:
        words = "I have nothing to hear with yet."
        caller.conversation.emit(Status(words, "nothing_hears", "Choose what hears.", level="error"))
        caller.conversation.emit(SessionFailed("audio", words))
        caller.conversation.emit(AutoCloseMic(words))
        await expect(driver.get("call-bar")).to_be_hidden()
        await expect(driver.page.get_by_text(words)).to_have_count(1)


async def test_a_call_that_cannot_be_had_ends_with_a_sentence(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    async with calling(driver, data_dir) as caller:
        caller.conversation.emit(SessionFailed("audio", "I have nothing to hear you with."))
        await expect(driver.get("toast")).to_contain_text("nothing to hear you with")
        await expect(driver.get("call-bar")).to_be_hidden()
        assert await caller.devices() == 0


async def test_the_screen_stays_on_while_the_call_goes_on(tidy_loop: None, driver: PageDriver, data_dir: Path) -> None:
    await driver.context.add_init_script(
        """window.locks = [];
        const request = () => {
          const lock = { released: false, release: async () => { lock.released = true; } };
          window.locks.push(lock);
          return Promise.resolve(lock);
        };
        Object.defineProperty(navigator, "wakeLock", { value: { request } });"""
    )
    async with calling(driver, data_dir):
        await driver.until("() => window.locks.length === 1 && !window.locks[0].released")
        await driver.page.evaluate(
            "window.locks[0].released = true; document.dispatchEvent(new Event('visibilitychange'))"
        )
        await driver.until("() => window.locks.length === 2")
        await driver.get("hang-up").click()
        await driver.until("() => window.locks[1].released")


CONTEXTS = """
window.contexts = [];
const Plain = window.AudioContext;
window.AudioContext = class extends Plain {
  constructor(options) {
    super(options);
    window.contexts.push(this);
  }
  createMediaStreamDestination() {
    window.contexts = window.contexts.filter((one) => one !== this); // it is the microphone
    return super.createMediaStreamDestination();
  }
};
window.show = (shown) => {
  Object.defineProperty(document, "hidden", { value: !shown, configurable: true });
  Object.defineProperty(document, "visibilityState", { value: shown ? "visible" : "hidden", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
};
window.interrupt = () => {
  for (const one of window.contexts) if (one.state === "running") void one.suspend();
};
"""
"""``window.show`` and ``window.interrupt`` do what a phone does that is locked, or that rings."""


async def test_the_call_goes_on_after_the_phone_was_locked(tidy_loop: None, driver: PageDriver, data_dir: Path) -> None:
    await driver.context.add_init_script(CONTEXTS)
    async with calling(driver, data_dir) as caller:
        page = driver.page
        await page.evaluate("window.show(false); window.interrupt()")
        await driver.until("() => window.contexts.some(({ state }) => state === 'suspended')")
        await page.evaluate("window.show(true)")
        await driver.until("() => window.contexts.every(({ state }) => state === 'running' || state === 'closed')")
        await caller.speak(await spoken("Hello again."))
        await expect(driver.lines("user").last.locator(".line-words")).to_have_text("hello there")
        assert await caller.devices() == 1


async def test_ten_calls_one_after_the_other_leave_one_place_to_play_sound_and_no_microphone(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    await driver.context.add_init_script(CONTEXTS)
    async with calling(driver, data_dir) as caller:
        button = driver.get("call")
        for _ in range(9):
            await button.click()
            await expect(button).to_have_attribute("aria-pressed", "false")
            await button.click()
            await expect(button).to_have_attribute("aria-pressed", "true")
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "false")
        assert await driver.page.evaluate("window.contexts.length") >= 10, "each call has made some"
        await driver.until("() => window.contexts.filter(({ state }) => state !== 'closed').length <= 1")
        assert await caller.devices() == 0


async def test_sound_that_is_taken_away_while_the_page_is_in_view_comes_back_by_itself(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    await driver.context.add_init_script(CONTEXTS)
    async with calling(driver, data_dir) as caller:
        await driver.page.evaluate("window.interrupt()")
        await driver.until("() => window.contexts.some(({ state }) => state === 'running')")
        await caller.speak(await spoken("Hello again."))
        await expect(driver.lines("user").last.locator(".line-words")).to_have_text("hello there")


async def test_a_microphone_that_stays_dead_after_a_lock_is_asked_for_anew(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    await driver.context.add_init_script(CONTEXTS)
    async with calling(driver, data_dir) as caller:
        page = driver.page
        await page.evaluate(
            """window.show(false);
            for (const one of window.contexts) one.resume = () => Promise.reject(new Error("not yet"));
            window.interrupt();"""
        )
        await driver.until("() => window.contexts.every(({ state }) => state !== 'running')")
        await page.evaluate("window.show(true)")
        await driver.until("() => window.asked.length === 2 && window.live() === 1")
        assert await caller.devices() == 1
        await expect(driver.get("call-mode")).to_have_text("By voice")
        await driver.get("hang-up").click()
        assert await caller.devices() == 0


async def test_the_wanted_microphone_is_listened_to_again_once_it_is_back(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    await driver.context.add_init_script(
        """if (location.protocol === "http:") {
          localStorage.setItem("neko.microphone", '"b2"');
          localStorage.setItem("neko.microphoneLabel", '"Headset"');
        }
        window.missing = ["b2"];"""
    )
    async with calling(driver, data_dir):
        page = driver.page
        await expect(driver.get("toast")).to_contain_text("is not connected")
        await page.evaluate(
            """window.missing = [];
            const headset = { kind: "audioinput", deviceId: "b2", label: "Headset", groupId: "" };
            navigator.mediaDevices.enumerateDevices = () => Promise.resolve([headset]);
            navigator.mediaDevices.dispatchEvent(new Event("devicechange"));"""
        )
        await expect(driver.get("toast").first).to_contain_text("“Headset” is back")
        asked = await page.evaluate("window.asked.at(-1).audio.deviceId")
        assert asked == {"exact": "b2"}


async def test_how_long_each_step_of_a_spoken_turn_took_stands_folded_under_her_reply(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    async with calling(driver, data_dir) as caller:
        await caller.speak(await spoken("Hello, how are you today?"))
        times = driver.get("turn-times").last
        await expect(times).to_be_visible()
        await expect(times.locator("[data-step=first_played]")).to_have_count(1)
        await expect(times.locator("[data-step=first_played]")).to_be_hidden()
        await times.locator("summary").click()
        await expect(times.locator("[data-step=first_played]")).to_be_visible()
        shown = [float(text.removesuffix(" ms")) for text in await times.locator(".turn-ms").all_text_contents()]
        assert len(shown) == 5
        assert shown == sorted(shown)


RECOGNISER = """
window.SpeechRecognition = class {
  start() { window.recognition = this; window.running = true; }
  stop() { this.abort(); }
  abort() { window.running = false; this.onend?.(); }
};
window.recognised = (text, isFinal) => {
  window.recognition.onspeechstart();
  window.recognition.onresult({ resultIndex: 0, results: [Object.assign([{ transcript: text }], { isFinal })] });
};
"""


async def test_the_browsers_own_recogniser_sends_words_and_no_sound(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    await driver.context.add_init_script(RECOGNISER)
    async with calling(driver, data_dir, press=False) as caller:
        page = driver.page
        await page.evaluate("localStorage.setItem('neko.recogniser', '\"browser\"')")
        await page.reload()
        await driver.until_ready()
        await driver.get("call").click()
        await driver.until("() => window.running")
        await page.evaluate("window.recognised('good', false)")
        await expect(driver.lines("user").last).to_have_attribute("data-hearing", "")
        await page.evaluate("window.recognised('good evening', true)")
        await expect(driver.lines("user").last.locator(".line-words")).to_have_text("good evening")
        await driver.reply()
        heard = await driver.until_sent("neko_heard")
        assert [(one["state"], one["text"]) for one in heard] == [
            ("started", ""),
            ("partial", "good"),
            ("final", "good evening"),
        ]
        assert len({one["utterance_id"] for one in heard}) == 1
        assert driver.sound == []
        await driver.get("call-mute").click()
        await driver.until("() => !window.running")
        await driver.get("call-mute").click()
        await driver.until("() => window.running")
        await driver.get("hang-up").click()
        await driver.until("() => !window.running")
        assert caller.hearing.utterances == []
