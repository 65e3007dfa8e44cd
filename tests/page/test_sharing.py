"""Screen and camera shown in a call, pictures of the screen, and the switch that closes them; in a real browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from neko.sessions.events import ModelChanged
from neko.sessions.manager import SessionManager
from tests.page.fake_microphone import browser_hearing, write_wav
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.page.test_axe import AXE, SIZES, SURVEY, Visitor
from tests.scripted_hearing import ScriptedHearing, Words
from tests.scripted_provider import ScriptedProvider
from tests.spoken import quiet, spoken

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENTENCE = "What do you see now?"
HIDE = """() => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
DRAWN_SCREEN = """() => {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: 1600, height: 900 });
  window.drawn = canvas.getContext("2d");
  window.drawn.fillStyle = "#fff";
  window.drawn.fillRect(0, 0, 1600, 900);
  window.drawn.fillStyle = "#246";
  navigator.mediaDevices.getDisplayMedia = async () => {
    const stream = canvas.captureStream();
    await null;
    window.drawn.fillRect(0, 0, 4, 4); // it tells of what is drawn from now on
    return stream;
  };
  window.drawnFrames = () => document.querySelector(".share-video").getVideoPlaybackQuality().totalVideoFrames;
}"""
CAMERA = """() => {
  const stream = document.querySelector(".share-video").srcObject;
  return stream ? stream.getVideoTracks().map((track) => track.getSettings().deviceId) : [];
}"""
PASTE_TEXT_FILE = """() => {
  const carried = new DataTransfer();
  carried.items.add(new File(["words"], "notes.pdf", { type: "application/pdf" }));
  const input = document.getElementById("composer");
  input.dispatchEvent(new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true }));
}"""
SIZE_OF = """async (data) => {
  const image = new Image();
  image.src = data;
  await image.decode();
  return [image.naturalWidth, image.naturalHeight];
}"""


@asynccontextmanager
async def visit(
    shell_path: str, data_dir: Path, provider: ScriptedProvider, said: bytes = b"", cameras: int = 1, **device: Any
) -> AsyncIterator[tuple[Visitor, RunningNeko]]:
    """Somebody whose browser has a microphone, a camera and a screen, and asks nobody; she thinks with ``provider``.

    ``said``: speech that is heard once the microphone is open."""
    environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-test", "NEKO_OPENAI_BASE_URL": provider.base_url}
    wav = write_wav(data_dir.with_name("microphone.wav"), said or quiet(1))
    async with (
        RunningNeko(data_dir, environ=environ, voice="off", hearing=ScriptedHearing(Words(SENTENCE))) as neko,
        browser_hearing(shell_path, wav, cameras=cameras) as browser,
        Visitor(browser, **device) as driver,
    ):
        await driver.open(neko.url)
        yield driver, neko
        driver.check()


async def call(driver: PageDriver) -> None:
    await driver.get("call").click()
    await expect(driver.page.locator("#app")).to_have_attribute("data-call", "live")


def manager(neko: RunningNeko) -> SessionManager:
    found = neko.neko.conversations.get(NAME)
    assert found is not None
    return found


def pictures(driver: PageDriver, kind: str) -> list[dict[str, Any]]:
    return [frame for frame in map(json.loads, driver.sent) if frame.get("neko_kind") == kind]


async def test_a_camera_and_then_the_screen_are_shown_in_a_call_and_go_with_what_is_said(
    shell_path: str, tidy_loop: None, provider: ScriptedProvider, data_dir: Path
) -> None:
    async with visit(shell_path, data_dir, provider) as (driver, neko):
        await call(driver)
        await driver.get("share-camera").click()
        await expect(driver.get("share-words")).to_have_text("She sees your camera")
        await expect(driver.page).to_have_title("● Camera on · Mio")
        [frame, *_] = await driver.until_sent("stream_data", input_type="camera", neko_kind="live")
        width, height = await driver.page.evaluate(SIZE_OF, frame["data"])
        assert max(width, height) <= 1280
        assert len(frame["data"]) < 600_000
        await driver.get("share-screen").click()
        await expect(driver.get("share-words")).to_have_text("She sees your screen")
        await driver.until_sent("neko_sharing", source=None)
        await driver.until_sent("stream_data", input_type="screen", neko_kind="live")
        assert manager(neko).visual_input.shared == "screen"
        manager(neko)._status.notify("shared_unseen", model="a model without eyes")
        await expect(driver.get("share-words")).to_have_text("She cannot see it with this model")
        manager(neko).emit(ModelChanged(neko.neko.models.label))
        await expect(driver.get("share-words")).to_have_text("She sees your screen")
        await driver.say("What do you see?")
        await driver.reply()
        assert "data:image/jpeg" in str(provider.chats[-1].json)
        await expect(driver.lines("user").get_by_test_id("picture")).to_have_count(1)
        before = await driver.get("share").bounding_box()
        await driver.get("share-title").press("ArrowRight")
        await driver.get("share-fold").click()
        after = await driver.get("share").bounding_box()
        assert before is not None
        assert after is not None
        assert after["x"] == before["x"] + 24
        await expect(driver.get("share-video")).to_be_hidden()
        await driver.get("hang-up").click()
        await driver.until_sent("neko_sharing", 2, source=None)
        await expect(driver.get("share")).to_be_hidden()
        await expect(driver.page).to_have_title("Mio")
        assert await driver.violations() == []


async def test_the_privacy_switch_ends_what_listens_and_looks_and_survives_a_reload(
    shell_path: str, tidy_loop: None, provider: ScriptedProvider, data_dir: Path
) -> None:
    async with visit(shell_path, data_dir, provider) as (driver, _):
        await call(driver)
        await driver.get("share-camera").click()
        await driver.until_sent("stream_data", input_type="camera", neko_kind="live")
        await driver.get("composer").press("Control+Shift+X")
        await expect(driver.get("private-sign")).to_be_visible()
        await expect(driver.get("share")).to_be_hidden()
        await expect(driver.get("call-bar")).to_be_hidden()
        await driver.until("() => document.querySelectorAll('[data-kind=private]').length === 1")
        sent = driver.binary
        await driver.page.reload()
        await driver.until_ready()
        await expect(driver.get("private-sign")).to_be_visible()
        await driver.get("call").click()
        await expect(driver.get("toast").filter(has_text="Privacy is on")).to_be_visible()
        await driver.get("attach").click()
        await driver.get("attach-shot").click()
        await expect(driver.get("call-bar")).to_be_hidden()
        assert (driver.binary, pictures(driver, "shot")) == (sent, [])
        await driver.get("private-end").click()
        await expect(driver.get("private-sign")).to_be_hidden()
        await call(driver)


async def test_a_picture_of_the_screen_stands_beside_the_words_and_is_shown_to_her_when_she_asks_and_may(
    shell_path: str, tidy_loop: None, provider: ScriptedProvider, data_dir: Path
) -> None:
    async with visit(shell_path, data_dir, provider) as (driver, neko):
        await driver.get("attach").click()
        await driver.page.keyboard.press("ArrowDown")
        await driver.page.keyboard.press("Enter")
        await expect(driver.get("attachment")).to_have_count(1)
        await driver.say("Look at this")
        await driver.reply()
        assert len(pictures(driver, "shot")) == 1
        assert (await neko.lines())[0].images == 1
        await driver.page.evaluate(PASTE_TEXT_FILE)
        await expect(driver.get("toast").filter(has_text="notes.pdf")).to_be_visible()
        asking = asyncio.create_task(manager(neko).visual_input.ask(60.0))
        await expect(driver.get("screen-request")).to_contain_text("Mio would like to see your screen")
        await asyncio.sleep(0.6)  # a card that has just come takes no yes
        await driver.get("screen-request-yes").click()
        shown = await asking
        assert shown.outcome == "shown"
        assert shown.jpeg.startswith(b"\xff\xd8")
        asking = asyncio.create_task(manager(neko).visual_input.ask(60.0))
        await expect(driver.get("screen-request")).to_be_visible()
        await asyncio.sleep(0.6)
        await driver.get("screen-request-no").click()
        assert (await asking).outcome == "refused"
        await expect(driver.get("screen-request")).to_have_count(0)


@pytest.mark.long
async def test_what_is_seen_when_the_reader_speaks_goes_with_their_words(
    shell_path: str, tidy_loop: None, provider: ScriptedProvider, data_dir: Path
) -> None:
    said = quiet(16) + await spoken(SENTENCE) + quiet(10)
    async with visit(shell_path, data_dir, provider, said) as (driver, neko):
        await call(driver)
        await driver.get("share-screen").click()
        await driver.until_sent("stream_data", input_type="screen", neko_kind="live")
        await expect(driver.lines("user").locator(".line-words")).to_have_text([SENTENCE])
        await driver.reply()
        await expect(driver.lines("user").get_by_test_id("picture")).to_have_count(1)
        assert str(provider.chats[-1].json).count("data:image/jpeg") == 1
        [line, *_] = await neko.lines()
        assert (line.text, len(line.pictures)) == (SENTENCE, 1)


@pytest.mark.long
async def test_a_screen_on_which_nothing_changes_is_sent_once_while_nobody_speaks(
    shell_path: str, tidy_loop: None, provider: ScriptedProvider, data_dir: Path
) -> None:
    async with visit(shell_path, data_dir, provider) as (driver, _):
        await driver.page.evaluate(DRAWN_SCREEN)
        await call(driver)
        await driver.page.clock.install()
        await driver.get("share-screen").click()
        await driver.until("() => document.querySelector('.share-video').videoWidth === 1600")
        await driver.page.clock.run_for(100)
        await driver.until_sent("stream_data", input_type="screen")
        await driver.page.clock.run_for(60_000)
        assert len(pictures(driver, "live")) == 1
        await driver.page.evaluate("() => window.drawn.fillRect(400, 300, 500, 300)")
        await driver.until("() => window.drawnFrames() > 1")
        await driver.page.clock.run_for(10_000)
        [_, changed] = await driver.until_sent("stream_data", 2, input_type="screen")
        assert await driver.page.evaluate(SIZE_OF, changed["data"]) == [1280, 720]


@pytest.mark.long
async def test_a_phone_changes_between_its_cameras_and_closes_them_when_the_page_is_left(
    shell_path: str, tidy_loop: None, provider: ScriptedProvider, data_dir: Path
) -> None:
    phone: dict[str, Any] = {"viewport": SIZES["phone"], "has_touch": True, "is_mobile": True}
    async with visit(shell_path, data_dir, provider, cameras=2, **phone) as (driver, _):
        await call(driver)
        await driver.get("share-camera").click()
        await expect(driver.get("share")).to_be_visible()
        [front] = await driver.page.evaluate(CAMERA)
        await driver.get("share-flip").click()
        await driver.until(f"() => ({CAMERA})().some((id) => id !== {json.dumps(front)})")
        await driver.until_sent("stream_data", 2, input_type="camera")
        await expect(driver.get("share")).to_be_visible()
        await driver.page.evaluate(HIDE)
        await expect(driver.get("share")).to_be_hidden()
        await driver.until_sent("neko_sharing", source=None)
        await expect(driver.get("call-bar")).to_be_visible()


@pytest.mark.long
@pytest.mark.parametrize("size", SIZES)
async def test_axe_finds_nothing_in_what_is_shared_asked_for_and_closed(
    shell_path: str, tidy_loop: None, provider: ScriptedProvider, data_dir: Path, size: str
) -> None:
    viewport = SIZES[size]
    async with visit(shell_path, data_dir, provider, viewport=viewport, bypass_csp=True) as (driver, neko):
        for script in (AXE, SURVEY):
            await driver.page.add_script_tag(path=script)
        await driver.get("attach").click()
        await driver.look("the menu of pictures")
        await driver.page.keyboard.press("Escape")
        await call(driver)
        await driver.get("share-camera").click()
        await expect(driver.get("share")).to_be_visible()
        await driver.look("a camera in a call")
        await driver.stays_inside_and_is_large_enough()
        await driver.get("hang-up").click()
        asking = asyncio.create_task(manager(neko).visual_input.ask(60.0))
        await expect(driver.get("screen-request")).to_be_visible()
        await driver.look("she asks for the screen")
        await driver.stays_inside_and_is_large_enough()
        await asyncio.sleep(0.6)
        await driver.get("screen-request-no").click()
        await asking
        await driver.page.keyboard.press("Control+Shift+X")
        await expect(driver.get("private-sign")).to_be_visible()
        await driver.look("privacy")
        await driver.stays_inside_and_is_large_enough()
