"""The pages beside the talk: models, voices, the Workshop, logins. Each is used once, and looked at with axe."""

from __future__ import annotations

import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, expect

from neko.audio.wav import as_wav
from neko.tasks import in_thread
from tests import avatar_files
from tests.http_service import HttpService
from tests.page.running_neko import NAME, RunningNeko
from tests.page.test_axe import AXE, SIZES, SURVEY, Visitor
from tests.page.test_call import MICROPHONE
from tests.scripted_steam import ScriptedSteam
from tests.web.test_character_voices import makes_voices

pytestmark = pytest.mark.asyncio(loop_scope="session")


LEFT_EDGES = """() => [...document.querySelector("#page").children].map((one) => one.getBoundingClientRect())
  .filter(({ height }) => height > 1).map(({ left }) => Math.round(left))"""


class Manager(Visitor):
    async def looked_at(self, view: str) -> None:
        """With axe in both themes here, and the measures of the page on a laptop as well."""
        await self.look(view)
        for size in (SIZES["laptop"], SIZES["phone"]):
            await self.page.set_viewport_size(size)  # type: ignore[arg-type]
            assert await self.page.evaluate("survey.outside()") == [], view
            assert await self.page.evaluate("survey.small('#page', 44)") == [], view
            assert len(set(await self.page.evaluate(LEFT_EDGES))) == 1, f"{view}: all of it stands in one column"

    async def drop(self, test_id: str, path: Path) -> None:
        """Drag a file or a folder there."""
        box = await self.get(test_id).bounding_box()
        assert box
        protocol = await self.context.new_cdp_session(self.page)
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            at = {"type": kind, "x": box["x"] + 30, "y": box["y"] + 20, "data": data}
            await protocol.send("Input.dispatchDragEvent", at)


@pytest_asyncio.fixture(loop_scope="session")
async def manager(chromium: Browser) -> AsyncIterator[Manager]:
    assert AXE.is_file(), "no axe-core: `make test` installs it"
    async with Manager(chromium, viewport=SIZES["phone"]) as manager:
        await manager.context.add_init_script(path=SURVEY)
        await manager.context.add_init_script(path=AXE)
        yield manager
        assert await manager.violations() == []
        manager.check()


def file(name: str, content: bytes) -> FilePayload:
    return FilePayload(name=name, mimeType="application/octet-stream", buffer=content)


def folder(path: Path) -> Path:
    """A Live2D model as it lies on a disk."""
    for name, content in avatar_files.live2d(path.name).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


async def test_a_model_comes_in_is_set_given_renamed_and_deleted(
    running_neko: RunningNeko, manager: Manager, tmp_path: Path
) -> None:
    manager.forgive("status of 400")
    page = await manager.open(f"{running_neko.url}/l2d?lanlan_name={NAME}", ready=False)
    model = manager.get("model")
    await expect(manager.get("no-models")).to_be_visible()
    await expect(manager.get("preview").locator("svg").first).to_be_visible()
    damaged = file("broken.vrm", b"no glTF at all")
    sent = [file("mio.zip", avatar_files.archive(avatar_files.live2d())), file("robo.vrm", avatar_files.vrm())]
    await manager.get("models-files").set_input_files([*sent, damaged, file("notes.doc", b"?")])
    await expect(model).to_have_count(3)
    await expect(manager.get("refused").nth(0)).to_contain_text("notes.doc")
    await expect(manager.get("refused").nth(1)).to_contain_text("broken.vrm")
    await manager.looked_at("models")
    await manager.drop("models-drop", folder(tmp_path / "hiyori"))
    await expect(model.filter(has_text="hiyori")).to_be_visible()
    await in_thread(running_neko.neko.avatars.live2d.delete, "hiyori")
    await page.reload()
    await expect(model).to_have_count(3)

    await model.nth(1).get_by_test_id("model-give").click()
    await expect(model.nth(1).get_by_test_id("model-has")).to_be_visible()
    assert running_neko.neko.characters.cards.card(NAME)["live2d"] == "mio"
    await page.goto(f"{running_neko.url}/live2d_emotion_manager")
    happy = manager.get("emotion").nth(0)
    await happy.locator("summary").click()
    await happy.get_by_role("button", name="cry", exact=True).click()
    await expect(happy.locator("summary")).to_contain_text("cry")
    await expect(manager.get("toast")).to_be_visible()
    await manager.looked_at("emotions of a Live2D model")
    await manager.get("part-parameters").click()
    slider = manager.get("parameter").first
    await slider.focus()
    await slider.press("ArrowRight")
    await expect(page.locator(".parameter[data-set]")).to_have_count(1)
    await manager.looked_at("parameters")

    await page.goto(f"{running_neko.url}/vrm_emotion_manager")
    await manager.get("emotion").nth(1).locator("summary").click()
    await expect(manager.get("emotion").nth(1).get_by_test_id("emotion-option")).to_be_visible()
    await manager.get("model-rename").click()
    await manager.get("rename-name").fill("robot")
    await manager.look("a question for a name")
    await manager.get("rename-yes").click()
    await expect(page.get_by_role("heading", name="robot")).to_be_visible()
    await manager.get("model-delete").click()
    await expect(model).to_have_count(2)
    await manager.get("toast").get_by_role("button").click()
    await expect(model).to_have_count(3)
    kept = await running_neko.neko.avatars.overview()
    assert [(one.kind, one.name, list(one.worn_by)) for one in kept] == [
        ("live2d", "mio", [NAME]),
        ("vrm", "robot", []),
    ]


async def test_an_item_of_the_workshop_is_looked_into_taken_in_and_one_is_prepared(
    running_neko: RunningNeko, manager: Manager
) -> None:
    page = await manager.open(f"{running_neko.url}/steam_workshop_manager", ready=False)
    await expect(manager.get("no-steam")).to_be_visible()
    await expect(manager.get("no-items")).to_be_visible()
    neko = running_neko.neko
    item = neko.workshop.root / "4711"
    item.mkdir(parents=True)
    (item / "Hana.chara.json").write_text(json.dumps({"name": NAME, "Personality": "Calm"}))
    (item / "hana.wav").write_bytes(as_wav(bytes(9600), 24_000))
    await neko.avatars.take([("mio.zip", io.BytesIO(avatar_files.archive(avatar_files.live2d())))])
    (item / "robot.vrm").write_bytes(avatar_files.vrm())
    await page.reload()
    await expect(manager.get("item")).to_contain_text(NAME)
    await expect(manager.get("item")).to_contain_text("4711")
    await manager.get("item-open").click()
    await expect(manager.get("sound-listen")).to_be_visible()
    await manager.get("vrm-take").click()
    await expect(page.get_by_text("robot.vrm is here")).to_be_visible()
    assert [one.name for one in neko.avatars.vrm.models()] == ["robot"]
    await manager.looked_at("an item of the Workshop")
    await manager.get("card-take").click()
    await expect(manager.get("card-name")).to_have_value(f"{NAME} 2")
    await manager.get("card-name").fill("Hanako")
    await manager.get("card-yes").click()
    await expect(manager.get("who")).to_contain_text("Hanako")
    assert neko.characters.cards.card("Hanako")["Personality"] == "Calm"
    await manager.get("workshop-prepare").click()
    await manager.get("prepare-model").select_option(label="robot (VRM)")
    await manager.look("what is to be published")
    await manager.get("prepare-yes").click()
    await expect(manager.get("ready")).to_contain_text(NAME)
    (card,) = (neko.workshop.root / "WorkshopExport").glob("item_*/character.chara.json")
    assert (json.loads(card.read_bytes())["vrm"], (card.parent / "robot.vrm").is_file()) == ("robot.vrm", True)
    await manager.looked_at("ready to be published")
    await manager.get("ready-away").click()
    await expect(manager.get("ready")).to_have_count(0)


async def test_what_is_subscribed_on_steam_is_shown_left_and_what_is_ready_is_published(
    running_neko: RunningNeko, manager: Manager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    manager.forgive("status of 503")
    steam, neko = ScriptedSteam(monkeypatch, tmp_path), running_neko.neko
    folder = steam.has(4711, details={"title": "Hana and <b>her</b> voice"})
    (folder / "hana.wav").write_bytes(as_wav(bytes(9600), 24_000))
    (folder / "hana.chara.json").write_text(json.dumps({"name": "Hana"}))
    (folder / "mine.chara.json").write_text(json.dumps({"name": NAME}))
    steam.has(4712, 1 | 16, details={"title": "A coat"}, download=[42, 100])
    steam.has(4713, 1, details={"result": 15})
    ready = neko.workshop.root / "WorkshopExport" / "item_0123abcd"
    ready.mkdir(parents=True)
    (ready / "character.chara.json").write_text(json.dumps({"name": NAME}))
    steam.says(running=False)
    page = await manager.open(f"{running_neko.url}/steam_workshop_manager", ready=False)
    await manager.get("steam-use").press("Enter")
    await manager.look("a question whether Steam is to be used")
    await manager.get("steam-yes").press("Enter")
    await expect(manager.get("steam-away")).to_contain_text("not running")
    await expect(manager.get("steam-again")).to_be_focused()
    await expect(manager.get("ready-publish")).to_have_count(0)
    await manager.looked_at("a Steam that does not run")

    steam.says(running=True)
    await manager.get("steam-again").click()
    item = manager.get("subscribed-item")
    await expect(item).to_have_count(3)
    await expect(item.nth(0)).to_contain_text("Hana and <b>her</b> voice")
    await expect(item.nth(1)).to_contain_text("42 %")
    await expect(item.nth(2)).to_contain_text("does not own")
    await item.nth(0).get_by_test_id("item-open").click()
    await expect(manager.get("sound-listen")).to_be_visible()
    await manager.looked_at("what is subscribed")
    await manager.get("card-take").first.click()
    await expect(manager.get("card-name")).to_have_value("Hana")
    await manager.get("card-yes").click()
    await expect(manager.get("who")).to_contain_text("Hana")
    await neko.characters.merge_card("Hana", {"Personality": "Mine by now"})

    steam.says(submit="never", progress=[30, 100])
    await manager.get("ready-publish").click()
    await expect(manager.get("publish-title")).to_have_value(NAME)
    await manager.get("publish-tags").fill("cat, voice、声")
    await manager.get("publish-for").select_option(label="Friends")
    await manager.look("what is to be said of it")
    await manager.get("publish-yes").click()
    await expect(manager.get("publishing")).to_contain_text("30 %")
    await expect(manager.get("ready-publish")).to_be_disabled()
    neko.steam.publishing.upload_s = 0
    await expect(manager.get("publishing")).to_contain_text("did not answer in time")
    neko.steam.publishing.upload_s = 60
    steam.says(submit={"unagreed": True})
    await manager.get("ready-publish").click()
    await expect(manager.get("publish-tags")).to_have_value("cat, voice, 声")
    await manager.get("publish-description").fill("A cat.")
    await manager.get("publish-yes").click()
    await expect(manager.get("publishing").get_by_role("link")).to_have_attribute("href", re.compile("agreement"))
    assert steam.calls("tags", "visibility")[:2] == [["visibility", 1], ["tags", ["cat", "voice", "声"]]]
    await manager.looked_at("published, and to be agreed to")

    await page.reload()
    await manager.get("ready-publish").click()
    await expect(manager.get("publish-description")).to_have_value("A cat.")
    await expect(manager.get("publish-for")).to_have_value("1")
    steam.says(submit="never")
    await manager.get("publish-yes").click()
    await expect(manager.get("publishing")).to_contain_text("30 %")
    await page.reload()
    await expect(manager.get("publishing")).to_contain_text("30 %")
    await expect(manager.get("ready-publish")).to_be_disabled()
    neko.steam.publishing.upload_s = 0
    await expect(manager.get("ready-publish")).to_be_enabled()

    await item.nth(0).get_by_test_id("unsubscribe").click()
    await expect(manager.get("going")).to_have_text("Deleted with it: Hana")
    await expect(manager.get("staying")).to_have_text(f"Has the same name, and stays: {NAME}")
    await manager.look("whether to unsubscribe")
    steam.says(items={})
    await manager.get("unsubscribe-yes").click()
    await expect(item).to_have_count(0)
    assert steam.calls("unsubscribe") == [["unsubscribe", 4711]]
    assert page.url.endswith("/steam_workshop_manager")


async def test_the_login_of_a_site_is_given_and_forgotten_and_never_shown(
    running_neko: RunningNeko, manager: Manager
) -> None:
    page = await manager.open(f"{running_neko.url}/api/auth/page", ready=False)
    login = page.locator('[data-site="douyin"]')
    await login.get_by_test_id("login-open").click()
    await expect(login.get_by_test_id("login-cookie").first).to_be_focused()
    await login.get_by_test_id("login-cookie").first.fill("secret-1")
    await login.get_by_test_id("login-keep").click()
    await expect(login.get_by_role("alert")).to_contain_text("ttwid")
    await manager.looked_at("a login that is given")
    await login.get_by_test_id("login-cookie").last.fill("secret-2")
    await login.get_by_test_id("login-keep").click()
    await expect(login).to_have_attribute("data-has", "")
    assert "secret" not in await page.content()
    await login.get_by_test_id("login-forget").click()
    await expect(login).not_to_have_attribute("data-has", "")


async def test_a_voice_is_made_of_a_file_given_and_deleted(running_neko: RunningNeko, manager: Manager) -> None:
    await manager.context.add_init_script(path=MICROPHONE)
    page = await manager.open(f"{running_neko.url}/voice_clone", ready=False)
    await expect(manager.get("no-cloner")).to_contain_text("Qwen")
    await manager.looked_at("no voice can be made")
    async with HttpService(makes_voices) as service:
        url = service.url.replace("http", "ws")
        await running_neko.neko.config.change({"neko": {"speech": {"addresses": {"cosyvoice": url}}}})
        await page.reload()
        await manager.get("record").click()
        await expect(manager.get("record-stop")).to_be_focused()
        await manager.look("recording")
        await manager.get("record-stop").click()
        await expect(manager.get("refused")).to_contain_text("between 3 and 60")
        await manager.get("voice-files").set_input_files(file("me.wav", as_wav(bytes(2 * 24_000 * 4), 24_000)))
        await manager.get("voice-name").fill("mia")
        await manager.get("voice-promise").check()
        await manager.looked_at("a voice to be made")
        await manager.get("voice-make").click()
        give = manager.get("voice-give")
        await expect(give).to_be_focused()
        await give.click()
        await expect(manager.get("voice-take")).to_be_visible()
        assert running_neko.neko.characters.cards.voice(NAME) == "mia"
        await manager.looked_at("voices")
        await manager.get("voice-delete").click()
        await expect(manager.get("no-voices")).to_be_visible()
        await page.goto("about:blank")
    assert running_neko.neko.voice_library.all() == {}
    assert running_neko.neko.characters.cards.voice(NAME) == ""
