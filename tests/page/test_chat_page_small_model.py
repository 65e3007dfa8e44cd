"""A small model on this computer, offered on the page: chosen, waited for, refused, missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from neko.llm.small_model import files
from tests import scripted_llama
from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_llama import BUNDLED

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """The model of the package is loaded when this file is there."""
    return tmp_path / "gate"


@pytest.fixture(autouse=True)
def packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gate: Path) -> None:
    scripted_llama.install(monkeypatch, tmp_path, reply="I am small.", loads_when=gate)


async def to_settings(driver: PageDriver) -> None:
    await driver.page.evaluate("location.hash = 'settings/model'")
    await expect(driver.get("settings-model")).to_have_attribute("aria-current", "page")


async def test_a_newcomer_is_offered_it_waits_for_it_and_talks_with_it(
    running_neko: RunningNeko, driver: PageDriver, gate: Path
) -> None:
    await driver.open(running_neko.url)
    await expect(driver.get("welcome-small")).to_contain_text(BUNDLED)
    await driver.get("welcome-small").click()
    words = driver.get("small-models")
    for told in ("no word leaves this computer", "rambles", "English only"):
        await expect(words).to_contain_text(told)
    await driver.get("use-small").click()
    await expect(driver.get("small-loading")).to_contain_text(f"Loading {BUNDLED}")
    await expect(driver.get("use-small")).to_be_disabled()
    gate.touch()
    await expect(driver.get("welcome")).to_have_count(0)
    await expect(driver.get("composer")).to_be_focused()
    await expect(driver.get("connection")).to_contain_text(BUNDLED)
    await driver.say("hello")
    assert await driver.reply() == "I am small."
    assert await driver.violations() == []


async def test_where_it_is_not_installed_only_settings_speak_of_it_with_the_command(
    running_neko: RunningNeko, driver: PageDriver, monkeypatch: pytest.MonkeyPatch, gate: Path
) -> None:
    monkeypatch.setattr(files, "_SERVER", "no_such_package")
    await driver.open(running_neko.url)
    await expect(driver.get("welcome-later")).to_be_visible()
    await expect(driver.get("welcome-small")).to_have_count(0)
    await to_settings(driver)
    await expect(driver.get("small-command")).to_contain_text(str(files.REQUIREMENTS))
    monkeypatch.setattr(files, "_SERVER", "xllamacpp")
    await driver.get("small-again").click()
    await expect(driver.get("use-small")).to_be_enabled()


async def test_settings_show_which_one_is_in_use_and_why_another_cannot_be(
    running_neko: RunningNeko, driver: PageDriver, data_dir: Path, gate: Path
) -> None:
    (data_dir / "models").mkdir(exist_ok=True)
    (data_dir / "models" / "page.gguf").write_text("<!DOCTYPE html>")
    gate.touch()
    await running_neko.neko.models.small.load(BUNDLED)
    await running_neko.neko.config.change({"neko": {"small_model": True, "small_model_file": BUNDLED}})
    await driver.open(running_neko.url)
    await to_settings(driver)
    rows = driver.get("small-models").locator(".model-row")
    await expect(rows).to_have_count(2)
    used = rows.filter(has_text=BUNDLED)
    await expect(used.get_by_test_id("use-small")).to_have_text("In use")
    other = rows.filter(has_text="page")
    await other.get_by_test_id("use-small").click()
    await expect(other.get_by_test_id("small-problem")).to_contain_text("is not a GGUF model")
    await expect(other.get_by_test_id("use-small")).to_be_enabled()
    assert running_neko.neko.models.label.model == BUNDLED


async def test_loading_that_goes_on_is_shown_to_who_comes_later(
    running_neko: RunningNeko, driver: PageDriver, gate: Path
) -> None:
    await running_neko.neko.config.change({"neko": {"small_model": True}})
    await driver.open(running_neko.url)
    await to_settings(driver)
    await expect(driver.get("small-loading")).to_be_visible()
    gate.touch()
    await expect(driver.get("small-loading")).to_be_hidden()
    await expect(driver.get("use-small")).to_have_text("In use")
