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


async def test_the_builtin_avatar_passes_the_suite_of_the_seam(browser: Browser) -> None:
    page = await open_static_page(browser, 1200, 900)
    results = await page.evaluate(RUN_SUITE)
    failed = {result["name"]: result["error"] for result in results if result["error"]}
    assert not failed, json.dumps(failed, indent=2)
    assert len(results) >= 15


async def test_an_unknown_kind_of_avatar_is_refused(browser: Browser) -> None:
    page = await open_static_page(browser)
    message = await page.evaluate(
        """async () => {
          const { createAvatar } = await import("/static/avatar/avatar.js");
          return createAvatar(document.body, { kind: "hologram" }).then(() => null, (error) => error.message);
        }"""
    )
    assert message is not None
    assert "hologram" in message


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
