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
