"""The built-in character keeps what every avatar has promised to the page."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import Browser

from tests.page.static_page import open_static_page

pytestmark = pytest.mark.asyncio(loop_scope="session")

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
    assert len(results) >= 21


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
