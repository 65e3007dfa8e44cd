"""Settings › Backup: all of her goes into one file and comes back; what is no backup is told by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import FilePayload, expect

from neko.app.backups import sealing
from tests.page.page_driver import LOST, PageDriver
from tests.page.running_neko import NAME, RunningNeko

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSPHRASE = "correct horse battery"


async def test_a_sealed_backup_is_made_and_comes_back_while_the_page_waits_for_the_restart(
    running_neko: RunningNeko, driver: PageDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "_N", 1 << 7)
    driver.forgive(*LOST, "Password forms should have")
    await running_neko.remember(4, days=1)
    await running_neko.neko.config.change({"assistApiKeyGlm": "sk-of-before"})
    data = running_neko.neko.folder.path
    (data / "diary.txt").write_text("mine", encoding="utf-8")
    (data / "live2d" / "far").symlink_to(tmp_path)
    page, backup = await driver.open(f"{running_neko.url}/#settings/backup"), driver.get("backup")
    await driver.get("backup-keys").click()
    await driver.get("backup-passphrase").fill(PASSPHRASE)
    await page.keyboard.press("Enter")
    await expect(backup).to_have_attribute("data-state", "made")
    await expect(backup).not_to_contain_text("0 MB")
    await expect(backup).to_contain_text("What I do not know in my folder is not in it: diary.txt")
    await expect(backup).to_contain_text("Links that lead elsewhere are not in it: live2d/far")
    async with page.expect_download() as coming:
        await driver.get("backup-save").click()
    await (await coming.value).save_as(tmp_path / "her.zip")
    await driver.get("backup-done").click()
    await running_neko.remember(2, days=1)
    await running_neko.neko.config.change({"assistApiKeyGlm": "sk-of-after"})

    await driver.get("backup-field").set_input_files(tmp_path / "her.zip")
    await expect(backup).to_contain_text(f"{NAME}: lines in the backup 4, here 6")
    await driver.get("backup-passphrase").fill("wrong horse battery")
    await driver.get("backup-start").click()
    await expect(backup.get_by_role("alert")).to_have_text(
        "The passphrase does not open what is sealed in this backup. "
        "Type it once more; or restore without keys and enter them again."
    )
    await driver.get("backup-passphrase").fill(PASSPHRASE)
    await driver.get("backup-start").click()
    await expect(backup).to_have_attribute("data-state", "staged")
    await running_neko.stop()
    await running_neko.start()
    await expect(driver.get("backup-back")).to_contain_text("before_restore")
    assert len(await running_neko.lines()) == 4
    assert running_neko.neko.config.values["assistApiKeyGlm"] == "sk-of-before"


async def test_a_file_that_is_no_backup_is_told_by_the_name_it_has_and_with_what_to_choose_instead(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await driver.open(f"{running_neko.url}/#settings/backup")
    for name, content in (("notes <b>.zip", b"no zip at all"), ("empty.zip", b"")):
        sent = FilePayload(name=name, mimeType="application/zip", buffer=content)
        await driver.get("backup-field").set_input_files(sent)
        await expect(driver.get("backup").get_by_role("alert")).to_have_text(
            f"{name} is no backup of mine. Choose the file that was saved under Settings › Backup, "
            "or by `python -m neko backup`."
        )
