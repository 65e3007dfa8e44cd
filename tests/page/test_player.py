"""Her voice in a real browser: no gaps, no clicks, silence at once, and a mouth that follows what is heard."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.page.static_page import open_static_page

pytestmark = pytest.mark.asyncio(loop_scope="session")

PREPARE = """async () => {
  const { Player } = await import("/static/sound/player.js");
  const log = [];
  const mouths = [];
  const context = new AudioContext({ sampleRate: 48000 });
  const recorded = [];
  const frame = (seconds, hertz = 220, level = 0.5, from = 0) => {
    const samples = new Int16Array(Math.round(seconds * 48000));
    const turn = (2 * Math.PI * hertz) / 48000;
    for (let at = 0; at < samples.length; at += 1) samples[at] = 32767 * level * Math.sin(turn * (at + from));
    return samples.buffer;
  };
  const until = async (holds, milliseconds = 4000) => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      if (holds()) return true;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return false;
  };
  const player = new Player({
    context,
    onMouth: (mouth) => mouths.push(mouth),
    onStart: (id) => log.push(["start", id]),
    onEnd: (id) => log.push(["end", id]),
    onBlocked: () => log.push(["blocked"]),
  });
  await context.resume();
  window.kit = { player, context, log, mouths, frame, until };
}"""


RECORD = """async () => {
  const { context } = window.kit;
  const connect = AudioNode.prototype.connect;
  const source = `registerProcessor("recorder", class extends AudioWorkletProcessor {
    process([[samples]]) {
      this.port.postMessage(samples?.slice() ?? new Float32Array(128));
      return true;
    }
  });`;
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const recorder = new AudioWorkletNode(context, "recorder");
  const pieces = [];
  recorder.port.onmessage = ({ data }) => pieces.push(data);
  connect.call(recorder, context.destination);
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) connect.call(this, recorder);
    return connect.call(this, target, ...rest);
  };
  window.kit.recorded = () => pieces.flatMap((piece) => [...piece]);
}"""
"""Every sample that goes to the loudspeaker from now on, of nodes that are connected later."""


async def prepared(browser: Browser) -> Page:
    page = await open_static_page(browser)
    await page.mouse.click(5, 5)
    await page.evaluate(PREPARE)
    return page


async def run(page: Page, script: str) -> Any:
    kit = "const { player, context, log, mouths, frame, until } = window.kit;"
    return await page.evaluate(f"async () => {{ {kit} {script} }}")


async def test_frames_are_played_to_their_end_and_counted(browser: Browser) -> None:
    page = await prepared(browser)
    answer = await run(
        page,
        """for (let at = 0; at < 5; at += 1) player.chunk("s1", frame(0.1, 220, 0.5, at * 4800));
        const playing = player.playing;
        player.end("s1");
        await until(() => log.some(([what]) => what === "end"));
        const [ms, unknown] = ["s1", "other"].map((id) => player.playedMs(id));
        return { log, playing, after: player.playing, ms, unknown };""",
    )
    assert answer["log"] == [["start", "s1"], ["end", "s1"]]
    assert answer["playing"] is True
    assert answer["after"] is False
    assert abs(answer["ms"] - 500) < 1
    assert answer["unknown"] == 0


async def test_the_end_waits_for_sound_that_is_still_under_way(browser: Browser) -> None:
    page = await prepared(browser)
    answer = await run(
        page,
        """player.chunk("s1", frame(0.15));
        player.chunk("s2", frame(0.15));
        player.end("s1"); player.end("s2"); player.end("never heard of");
        await until(() => log.length === 4);
        return log;""",
    )
    assert answer == [["start", "s1"], ["end", "s1"], ["start", "s2"], ["end", "s2"]]


async def test_a_run_of_frames_has_no_gap_and_ends_in_a_fade(browser: Browser) -> None:
    page = await open_static_page(browser)
    samples = await page.evaluate(
        """async () => {
          const { Run } = await import("/static/sound/run.js");
          const context = new OfflineAudioContext(1, 48000, 48000);
          const run = new Run(context, 48000, 0.0701234);
          run.output.connect(context.destination);
          const speech = { put() {}, cut() {} };
          let from = 0;
          for (const length of [4800, 7001, 4801]) {
            const turn = (2 * Math.PI * 100) / 48000;
            const piece = new Float32Array(length).map((_, at) => Math.cos(turn * (at + from)) * 0.5);
            run.add(piece, speech, () => {});
            from += length;
          }
          return [...(await context.startRendering()).getChannelData(0)];
        }"""
    )
    start = next(at for at, sample in enumerate(samples) if sample != 0)
    length = 4800 + 7001 + 4801
    steps = [abs(after - before) for before, after in itertools.pairwise(samples)]
    assert abs(start - 0.0701234 * 48000) < 4
    assert max(steps) < 0.012, "a click"
    assert all(sample == 0 for sample in samples[start + length + 4 :])
    middle = samples[start + 600 : start + length - 600]
    assert all(max(map(abs, middle[at : at + 480])) > 0.49 for at in range(0, len(middle) - 480, 480)), "a gap"


async def test_a_late_frame_gets_a_new_lead_and_everything_is_still_counted(browser: Browser) -> None:
    page = await prepared(browser)
    answer = await run(
        page,
        """player.chunk("s1", frame(0.12));
        const dry = await until(() => !player.playing);
        const before = log.length;
        player.chunk("s1", frame(0.12));
        player.end("s1");
        await until(() => log.length > before);
        return { dry, log, ms: player.playedMs("s1") };""",
    )
    assert answer["dry"] is True
    assert answer["log"] == [["start", "s1"], ["end", "s1"]]
    assert abs(answer["ms"] - 240) < 1


async def test_stop_is_heard_at_once_and_tells_what_was_played(browser: Browser) -> None:
    page = await prepared(browser)
    answer = await run(
        page,
        """for (let at = 0; at < 40; at += 1) player.chunk("s1", frame(0.1, 220, 0.5, at * 4800));
        await until(() => player.playedMs("s1") > 250);
        const at = context.currentTime;
        player.stop();
        const ms = player.playedMs("s1");
        const last = mouths.at(-1);
        await until(() => context.currentTime > at + 0.2);
        return { log, ms, later: player.playedMs("s1"), playing: player.playing, open: last.open };""",
    )
    assert answer["log"] == [["start", "s1"], ["end", "s1"]]
    assert 250 <= answer["ms"] <= answer["later"] <= answer["ms"] + 20
    assert answer["playing"] is False
    assert answer["open"] == 0


async def test_after_a_pause_she_goes_on_at_the_very_sample(browser: Browser) -> None:
    page = await prepared(browser)
    await page.evaluate(RECORD)
    answer = await run(
        page,
        """const { Player } = await import("/static/sound/player.js");
        const late = new Player({ context });
        const ramp = (from, count) => Int16Array.from({ length: count }, (_, at) => (from + at) / 4).buffer;
        for (let at = 0; at < 20; at += 1) late.chunk("s1", ramp(1000 + at * 4800, 4800));
        late.end("s1");
        await until(() => late.playedMs("s1") > 400);
        late.pause();
        const ms = late.playedMs("s1");
        const at = context.currentTime;
        await until(() => context.currentTime > at + 0.4);
        const held = late.playedMs("s1");
        const silent = !late.playing;
        late.resume();
        await until(() => late.playedMs("s1") > ms + 300);
        late.stop();
        return { ms, held, silent, recorded: window.kit.recorded().map((sample) => sample * 32768 * 4 - 1000) };""",
    )
    recorded = answer["recorded"]
    sounding = [at for at, sample in enumerate(recorded) if sample > -999]
    gap, after = max(itertools.pairwise(sounding), key=lambda pair: pair[1] - pair[0])
    assert after - gap > 0.3 * 48_000, "a pause"
    left = recorded[gap - 1200] + 1200
    taken_up = recorded[after + 1200] - 1200
    assert abs(taken_up - left) < 16
    assert abs(answer["ms"] * 48 - left) < 96
    assert answer["held"] == answer["ms"]
    assert answer["silent"] is True


async def test_what_is_stopped_in_a_pause_is_over_and_what_comes_later_is_heard(browser: Browser) -> None:
    page = await prepared(browser)
    answer = await run(
        page,
        """for (let at = 0; at < 20; at += 1) player.chunk("s1", frame(0.1, 220, 0.5, at * 4800));
        await until(() => player.playedMs("s1") > 100);
        player.pause();
        const shut = mouths.at(-1).open;
        player.chunk("s1", frame(0.1));
        player.stop();
        player.chunk("s2", frame(0.1));
        player.end("s2");
        await until(() => log.length === 4);
        return { log, shut };""",
    )
    assert answer["log"] == [["start", "s1"], ["end", "s1"], ["start", "s2"], ["end", "s2"]]
    assert answer["shut"] == 0


async def test_what_has_not_begun_before_a_pause_begins_after_it(browser: Browser) -> None:
    page = await prepared(browser)
    answer = await run(
        page,
        """player.pause();
        player.chunk("s1", frame(0.2));
        player.end("s1");
        const at = context.currentTime;
        await until(() => context.currentTime > at + 0.3);
        const before = log.length;
        player.resume();
        await until(() => log.length === 2);
        return { before, log, ms: player.playedMs("s1") };""",
    )
    assert answer["before"] == 0
    assert answer["log"] == [["start", "s1"], ["end", "s1"]]
    assert abs(answer["ms"] - 200) < 1


async def test_the_browsers_own_voice_goes_on_after_a_pause_with_the_word_it_was_at(browser: Browser) -> None:
    page = await open_static_page(browser)
    answer = await page.evaluate(
        """async () => {
          const { BrowserVoice } = await import("/static/sound/browser_voice.js");
          const spoken = [];
          let current = null;
          let cancelled = 0;
          speechSynthesis.speak = (utterance) => {
            spoken.push(utterance.text);
            current = utterance;
            utterance.onstart();
          };
          speechSynthesis.cancel = () => { cancelled += 1; };
          const ended = [];
          const voice = new BrowserVoice({ onEnd: (id) => ended.push(id) });
          voice.speak("s1", "One two three.", "en");
          voice.speak("s1", "Four.", "en");
          current.onboundary({ charIndex: 4 });
          voice.pause();
          const late = current;
          voice.resume();
          late.onend();
          current.onend();
          current.onend();
          return { spoken, ended, cancelled };
        }"""
    )
    assert answer == {"spoken": ["One two three.", "two three.", "Four."], "ended": ["s1"], "cancelled": 1}


async def test_the_mouth_moves_while_the_volume_is_off_and_shuts_at_the_end(browser: Browser) -> None:
    page = await prepared(browser)
    answer = await run(
        page,
        """player.setVolume(0);
        player.chunk("s1", frame(0.5));
        player.end("s1");
        await until(() => log.length === 2);
        await until(() => mouths.at(-1)?.open === 0 && !player.playing);
        const count = mouths.length;
        await new Promise((resolve) => setTimeout(resolve, 150));
        const widest = Math.max(...mouths.map(({ open }) => open));
        return { widest, last: mouths.at(-1).open, more: mouths.length - count };""",
    )
    assert answer["widest"] > 0.7
    assert answer["last"] == 0
    assert answer["more"] <= 1


async def test_a_suspended_context_keeps_the_sound_until_a_gesture(browser: Browser) -> None:
    page = await prepared(browser)
    answer = await run(
        page,
        """await context.suspend();
        const resume = context.resume.bind(context);
        context.resume = () => new Promise(() => {});
        for (let at = 0; at < 400; at += 1) player.chunk("s1", frame(0.1));
        player.end("s1");
        const asked = await until(() => log.some(([what]) => what === "blocked"));
        const before = [...log];
        context.resume = resume;
        player.unlock();
        const began = await until(() => log.some(([what]) => what === "start"));
        player.stop();
        return { asked, before, began, log };""",
    )
    assert answer["asked"] is True
    assert answer["before"] == [["blocked"]]
    assert answer["began"] is True
    assert answer["log"] == [["blocked"], ["start", "s1"], ["end", "s1"]]


async def test_a_browser_without_voices_ends_what_it_cannot_speak(browser: Browser) -> None:
    page = await open_static_page(browser)
    ended = await page.evaluate(
        """async () => {
          const { BrowserVoice } = await import("/static/sound/browser_voice.js");
          return new Promise((resolve) => {
            const ended = [];
            const voice = new BrowserVoice({ onEnd: (id) => { ended.push(id); resolve(ended); } });
            voice.speak("s1", "Hello there.", "en");
            setTimeout(() => resolve(ended), 15000);
          });
        }"""
    )
    assert ended == ["s1"]


async def test_the_voice_that_fits_the_language_is_chosen(browser: Browser) -> None:
    page = await open_static_page(browser)
    names = await page.evaluate(
        """async () => {
          const { chooseVoice } = await import("/static/sound/browser_voice.js");
          const voices = [
            { name: "Anna", lang: "de-DE", localService: true }, { name: "Ting", lang: "zh-CN", localService: true },
            { name: "Mei", lang: "zh-TW", localService: true }, { name: "Net", lang: "ja-JP", localService: false },
            { name: "Kyoko", lang: "ja_JP", localService: true },
          ];
          const names = ["zh-TW", "zh-CN", "ja", "ko"].map((language) => chooseVoice(voices, language)?.name ?? null);
          return [...names, chooseVoice(voices, "zh-TW", "Ting").name, chooseVoice(voices, "ja", "Anna").name];
        }"""
    )
    assert names == ["Mei", "Ting", "Kyoko", None, "Ting", "Kyoko"]
