"""The built-in character keeps what every avatar has promised to the page."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest
from playwright.async_api import Browser, Page

from tests.page.static_page import ROOT, open_static_page

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.long]

RUN_SUITE = """async () => {
  const { createAvatar } = await import("/static/avatar/avatar.js");
  const { runSuite } = await import("/tests/avatar_suite.js");
  return runSuite(async (options) => {
    const container = document.createElement("div");
    container.style.cssText = "width:200px;height:260px;float:left";
    document.body.append(container);
    return { avatar: await createAvatar(container, { kind: "builtin", ...options }), container };
  });
}"""


async def test_the_builtin_avatar_passes_the_suite_of_the_interface(browser: Browser) -> None:
    page = await open_static_page(browser, 1200, 900)
    results = await page.evaluate(RUN_SUITE)
    failed = {result["name"]: result["error"] for result in results if result["error"]}
    assert not failed, json.dumps(failed, indent=2)
    assert len(results) >= 22


STAND_IN = """async (options) => {
  const avatars = await import("/static/avatar/avatar.js");
  avatars.registerKind("paper", {
    accepts: (source) => source.endsWith(".paper"),
    load: async () => async (container, { onProgress }) => {
      onProgress(0.5);
      container.append("half of it");
      throw new Error("the paper is torn");
    },
  });
  const errors = [];
  const onError = ({ code, message }) => errors.push([code, message]);
  const avatar = await avatars.createAvatar(document.body, { ...options, onError });
  const text = document.body.textContent.trim();
  avatar.setEmotion("happy", 1);
  return { errors, text, drawn: document.body.querySelectorAll("svg").length };
}"""


@pytest.mark.parametrize(
    ("options", "code", "part"),
    [
        ({"kind": "hologram"}, "unknown_kind", "hologram"),
        ({"source": "figures/mio.unheard"}, "unknown_kind", "figures/mio.unheard"),
        ({"source": "figures/mio.paper"}, "not_loaded", "the paper is torn"),
        ({"source": "figures/mio", "kind": "paper"}, "not_loaded", "the paper is torn"),
    ],
)
async def test_what_cannot_be_loaded_is_told_and_the_builtin_drawing_stands_in(
    browser: Browser, options: dict[str, str], code: str, part: str
) -> None:
    page = await open_static_page(browser)
    answer = await page.evaluate(STAND_IN, options)
    [(told_code, sentence)] = answer["errors"]
    assert told_code == code
    assert part in sentence
    assert sentence.endswith(".")
    assert answer["text"] == ""
    assert answer["drawn"] == 1


async def test_without_the_builtin_drawing_nothing_is_left_behind_and_the_error_is_thrown(browser: Browser) -> None:
    page = await open_static_page(browser)
    await page.route("**/neko.svg", lambda route: route.fulfill(status=404, body=""))
    answer = await page.evaluate(
        """async () => {
          const { createAvatar } = await import("/static/avatar/avatar.js");
          const thrown = await createAvatar(document.body).then(() => null, ({ code, message }) => ({ code, message }));
          return { ...thrown, left: document.body.childElementCount };
        }"""
    )
    assert answer["code"] == "not_loaded"
    assert "neko.svg is missing" in answer["message"]
    assert answer["left"] == 0


async def test_a_nod_lowers_the_head_and_lifts_it_again(browser: Browser) -> None:
    page = await open_static_page(browser)
    heights = await page.evaluate(
        """async () => {
          const { createAvatar } = await import("/static/avatar/avatar.js");
          const container = document.createElement("div");
          container.style.cssText = "width:600px;height:590px";
          document.body.append(container);
          const avatar = await createAvatar(container);
          const nose = container.querySelector('[id$="-nose"]');
          const height = () => nose.getBoundingClientRect().top;
          const heights = [height()];
          avatar.playMotion("nod");
          const end = performance.now() + 1500;
          while (performance.now() < end) {
            await new Promise((resolve) => requestAnimationFrame(resolve));
            heights.push(height());
          }
          return heights;
        }"""
    )
    assert max(heights) > heights[0] + 4
    assert abs(heights[-1] - heights[0]) < 3


async def test_a_blink_shuts_both_eyes_and_opens_them_again(browser: Browser) -> None:
    page = await open_static_page(browser)
    heights = await page.evaluate(
        """async () => {
          const { createAvatar } = await import("/static/avatar/avatar.js");
          const container = document.createElement("div");
          container.style.cssText = "width:400px;height:500px";
          document.body.append(container);
          await createAvatar(container, { reducedMotion: true });
          const eyes = ["left", "right"].map((side) => container.querySelector(`[id$="eye-${side}-clip-shape"]`));
          const seen = [];
          const end = performance.now() + 9000;
          while (performance.now() < end) {
            await new Promise((resolve) => requestAnimationFrame(resolve));
            seen.push(eyes.map((eye) => eye.getBBox().height));
            if (seen.some(([left]) => left < 14) && seen.at(-1)[0] > 30) break;
          }
          return seen;
        }"""
    )
    assert max(left for left, _ in heights) > 30
    assert min(left for left, _ in heights) < 14
    assert all(abs(left - right) < 1 for left, right in heights)
    assert heights[-1][0] > 30


COLOURS = [
    {},
    {"hair": "#000000", "eyes": "#8a5a2b", "clothes": "#7a2f3f", "ears": "#26222b"},
    {"hair": "#ffffff", "eyes": "#5a78d8", "clothes": "#3d4668", "ears": "#c9cad6"},
    {"hair": "#ffd800", "eyes": "#00ff40", "clothes": "#ffffff", "ears": "#f4ead8"},
    {"hair": "#e79bb0", "eyes": "#000000", "clothes": "#0000ff", "ears": "#000000"},
]


async def test_the_drawing_is_painted_in_the_colours_it_is_given(browser: Browser) -> None:
    page = await open_static_page(browser)
    seen = await page.evaluate(
        """async () => {
          const { createAvatar } = await import("/static/avatar/avatar.js");
          const avatar = await createAvatar(document.body, { colours: { hair: "#26222b" } });
          const fill = (name) => getComputedStyle(document.querySelector(`[id$="-${name}"]`)).fill;
          const look = () => ["crown", "tail-shape"].map(fill);
          const seen = [look()];
          avatar.setColours({ hair: "#DFE0EA", ears: "#c9cad6" });
          seen.push(look());
          let thrown = "";
          try { avatar.setColours({ hair: "#000000", eyes: "sea green" }); } catch (error) { thrown = error.name; }
          seen.push(look());
          avatar.setColours({});
          seen.push(look());
          return { seen, thrown };
        }"""
    )
    black, silver, after_nonsense, own = seen["seen"]
    assert black[0] == "rgb(38, 34, 43)"
    assert silver == ["rgb(223, 224, 234)", "rgb(201, 202, 214)"]
    assert seen["thrown"] == "RangeError"
    assert after_nonsense == silver
    assert own[1] == black[1]


@pytest.mark.parametrize("colours", COLOURS)
async def test_every_shade_stays_apart_from_the_colour_it_is_made_of(browser: Browser, colours: dict[str, str]) -> None:
    shades = await _shades(await open_static_page(browser), colours)
    assert all(re.fullmatch("#[0-9a-f]{6}", shade) for shade in shades.values()), shades
    for one, other in (("iris", "iris-light"), ("fur", "fur-light"), ("hair", "hair-gloss"), ("knit", "knit-light")):
        if shades[one] != "#ffffff":
            assert shades[one] != shades[other], (one, shades)
    for one, other in (("hair", "hair-line"), ("fur", "fur-line"), ("knit", "knit-line"), ("hair", "hair-back")):
        if shades[one] != "#000000":
            assert shades[one] != shades[other], (one, shades)


async def test_the_file_by_itself_looks_as_she_does_on_the_page(browser: Browser) -> None:
    shades = await _shades(await open_static_page(browser), {})
    drawing = (ROOT / "assets" / "avatar" / "neko.svg").read_text("utf-8")
    assert dict(re.findall(r"var\(--([a-z-]+), (#[0-9a-f]{6})\)", drawing)) == shades


async def _shades(page: Page, colours: dict[str, str]) -> dict[str, str]:
    shades: dict[str, str] = await page.evaluate(
        """async (colours) => (await import("/static/avatar/palette.js")).shadesOf(colours)""", colours
    )
    return shades


MOVES = """async ({ act, ms, parts }) => {
  const { createAvatar } = await import("/static/avatar/avatar.js");
  const container = document.createElement("div");
  container.style.cssText = "width:600px;height:700px";
  document.body.append(container);
  const avatar = await createAvatar(container);
  const boxes = () => Object.fromEntries(parts.map((part) => {
    const { x, y, height } = container.querySelector(`[id$="${part}"]`).getBoundingClientRect();
    return [part, { x, y, height }];
  }));
  const seen = [boxes()];
  avatar[act[0]](...act.slice(1));
  const end = performance.now() + ms;
  while (performance.now() < end) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    seen.push(boxes());
  }
  return seen;
}"""
LASH = "eye-left-lash"


async def _moves(browser: Browser, act: list[str | float], ms: int, *parts: str) -> dict[str, list[dict[str, float]]]:
    """What each of the parts did while and after ``act``, from before it on."""
    page = await open_static_page(browser, 700, 800)
    frames = await page.evaluate(MOVES, {"act": act, "ms": ms, "parts": parts})
    return {part: [frame[part] for frame in frames] for part in parts}


async def test_her_eyes_shut_for_joy_now_and_then_and_open_again(browser: Browser) -> None:
    seen = (await _moves(browser, ["setEmotion", "happy", 0.7], 6000, LASH))[LASH]
    heights = [frame["height"] for frame in seen]
    shut = next(at for at, height in enumerate(heights) if height < 0.6 * heights[0])
    assert max(heights[shut:]) > 0.7 * heights[0]


@pytest.mark.parametrize(("touch", "part"), [("head", LASH), ("tail", "mouth-lips"), ("nose", LASH)])
async def test_a_touch_is_answered_and_passes(browser: Browser, touch: str, part: str) -> None:
    seen = (await _moves(browser, ["playMotion", f"touched_{touch}"], 2600, part))[part]
    heights = [frame["height"] for frame in seen]
    assert max(abs(height - heights[0]) for height in heights) > 0.25 * heights[0]


async def test_sudden_joy_makes_her_laugh_with_her_hands_too(browser: Browser) -> None:
    seen = (await _moves(browser, ["setEmotion", "happy", 1], 1500, "arm-left-hand"))["arm-left-hand"]
    assert min(frame["y"] for frame in seen) < seen[0]["y"] - 40


async def test_her_hands_meet_while_she_listens(browser: Browser) -> None:
    seen = await _moves(browser, ["setActivity", "listening"], 1500, "arm-left-hand", "arm-right-hand")
    left, right = seen["arm-left-hand"], seen["arm-right-hand"]
    assert left[-1]["y"] < left[0]["y"] - 50
    assert abs(left[-1]["y"] - right[-1]["y"]) < 40
    assert abs(left[-1]["x"] - right[-1]["x"]) < abs(left[0]["x"] - right[0]["x"])


FRAMES = """async () => {
  const { frame } = await import("/static/avatar/framing.js");
  return Array.from({ length: 1000 }, (_, height) => {
    const { viewBox, hands } = frame(600, height + 60, { x: 0, y: 0, scale: 1 });
    const [, top, , tall] = viewBox.split(" ").map(Number);
    return { ...hands, bottom: top + tall };
  });
}"""


async def test_no_hand_is_cut_by_the_lower_edge(browser: Browser) -> None:
    page = await open_static_page(browser, 700, 800)
    frames = await page.evaluate(FRAMES)
    for bottom in (frame["bottom"] for frame in frames):
        assert not 766 < bottom < 830, "the hand before her"
        assert not 868 < bottom < 930, "the hand at her side"
    assert all(frame["bottom"] > 770 for frame in frames if frame["heart"])
    assert {frame["heart"] for frame in frames} == {frame["chin"] for frame in frames} == {0, 1}


AT_REST = """async () => {
  const { Motion } = await import("/static/avatar/motion.js");
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const motion = new Motion(0, { random });
  motion.setGrain(0.9);
  const poses = [];
  for (let now = 0; now < 180_000;) {
    const wait = Math.max(motion.wait(now), 16);
    now += wait;
    poses.push({ now, ...motion.step(wait / 1000, now) });
  }
  return poses;
}"""


def _drawn(pose: dict[str, float]) -> dict[str, float]:
    """What of a pose makes another picture, no finer than a screen shows it."""
    return {name: round(value, 2) for name, value in pose.items() if isinstance(value, int | float) and name != "now"}


async def test_at_rest_she_breathes_blinks_looks_about_and_sways_her_tail_in_few_pictures(browser: Browser) -> None:
    """Three minutes in which nobody does anything, by a clock of their own."""
    at_rest: list[dict[str, float]] = await (await open_static_page(browser)).evaluate(AT_REST)
    pictures = sum(_drawn(before) != _drawn(after) for before, after in pairwise(at_rest))
    assert pictures < 3.2 * 180
    chest = [pose["breath"] for pose in at_rest]
    assert max(chest) > 0.8
    assert min(chest) < 0.2
    assert sum(before >= 0.5 > after for before, after in pairwise(chest)) > 180 / 8
    shut = [pose["eyeOpen"] < 0.3 for pose in at_rest]
    assert sum(after and not before for before, after in pairwise(shut)) > 180 / 8
    aside = [abs(pose["gazeX"]) > 0.25 for pose in at_rest]
    assert sum(after and not before for before, after in pairwise(aside)) >= 4
    assert max(pose["tilt"] for pose in at_rest) - min(pose["tilt"] for pose in at_rest) > 0.5
    sways = [before["tailPhase"] != after["tailPhase"] for before, after in pairwise(at_rest)]
    assert sum(after and not before for before, after in pairwise(sways)) >= 3
    assert sways.count(False) > len(sways) / 2
