"""Vowels, synthesised by formants in a real browser, give the mouth the shape of that vowel."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.page.static_page import open_static_page

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORMANTS = {
    "man": {
        "a": (730, 1190, 2440),
        "i": (280, 2290, 3010),
        "u": (310, 870, 2240),
        "e": (500, 1840, 2480),
        "o": (510, 860, 2410),
    },
    "woman": {
        "a": (870, 1350, 2810),
        "i": (320, 2700, 3300),
        "u": (370, 950, 2670),
        "e": (560, 2250, 2900),
        "o": (580, 930, 2710),
    },
}
PITCH = {"man": 118, "woman": 215}

HEAR = """async ({ pitch, formants, level }) => {
  const { vowelWeights, opening, levelDb, FFT_SIZE } = await import("/static/sound/visemes.js");
  const rate = 48000;
  const context = new OfflineAudioContext(1, rate, rate);
  const voice = new OscillatorNode(context, { type: "sawtooth", frequency: pitch });
  let node = voice;
  for (const [at, frequency] of [...formants, 3600].entries()) {
    const width = 60 + 25 * at;
    const Q = 20 * Math.log10(frequency / width);
    node = node.connect(new BiquadFilterNode(context, { type: "lowpass", frequency, Q }));
  }
  const analyser = new AnalyserNode(context, { fftSize: FFT_SIZE, smoothingTimeConstant: 0 });
  node.connect(analyser).connect(context.destination);
  voice.start();
  const heard = context.suspend(0.5).then(() => {
    const spectrum = new Float32Array(analyser.frequencyBinCount);
    const samples = new Float32Array(FFT_SIZE);
    analyser.getFloatFrequencyData(spectrum);
    analyser.getFloatTimeDomainData(samples);
    const peak = Math.max(...samples.map(Math.abs));
    const scaled = samples.map((sample) => (sample / peak) * level);
    const shift = 20 * Math.log10(level / peak);
    context.resume();
    return { weights: vowelWeights(spectrum.map((db) => db + shift), rate / FFT_SIZE), open: opening(levelDb(scaled)) };
  });
  await context.startRendering();
  return heard;
}"""


@pytest.mark.parametrize("speaker", list(FORMANTS))
async def test_each_vowel_is_recognised_and_opens_the_mouth(browser: Browser, speaker: str) -> None:
    page = await open_static_page(browser)
    for vowel, formants in FORMANTS[speaker].items():
        heard = await page.evaluate(HEAR, {"pitch": PITCH[speaker], "formants": formants, "level": 0.5})
        weights = heard["weights"]
        assert max(weights, key=weights.get) == vowel, (speaker, vowel, weights)
        assert abs(sum(weights.values()) - 1) < 1e-6
        assert heard["open"] > 0.6


async def test_a_quieter_voice_opens_the_mouth_less_and_keeps_its_vowel(browser: Browser) -> None:
    page = await open_static_page(browser)
    loud, quiet = [
        await page.evaluate(HEAR, {"pitch": 215, "formants": FORMANTS["woman"]["a"], "level": level})
        for level in (0.5, 0.03)
    ]
    assert quiet["open"] < loud["open"] * 0.7
    assert max(quiet["weights"], key=quiet["weights"].get) == "a"


async def test_silence_has_no_vowel_and_shuts_the_mouth(browser: Browser) -> None:
    page = await open_static_page(browser)
    answer = await page.evaluate(
        """async () => {
          const { vowelWeights, MouthFollower, FFT_SIZE } = await import("/static/sound/visemes.js");
          const nothing = new Float32Array(FFT_SIZE / 2).fill(-Infinity);
          const follower = new MouthFollower();
          const loud = new Float32Array(1024).map((_, at) => Math.sin(at / 8) * 0.5);
          let mouth;
          for (let frame = 0; frame < 20; frame += 1) mouth = follower.step(loud, nothing, 23.4, 1 / 60);
          const opened = mouth.open;
          const silence = new Float32Array(1024);
          for (let frame = 0; frame < 60; frame += 1) mouth = follower.step(silence, nothing, 23.4, 1 / 60);
          return { weights: vowelWeights(nothing, 23.4), opened, open: mouth.open };
        }"""
    )
    assert answer["weights"] is None
    assert answer["opened"] > 0.9
    assert answer["open"] == 0
