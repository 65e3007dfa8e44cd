"""``--pages``: pages of another hand at N.E.K.O.'s addresses, ours at addresses of their own.

``given_pages`` is laid out as N.E.K.O.'s folder and does what its pages do at first: scripts in the page, files at
``/static``, a session with the first text (pages.md §1 to §4, websocket.md §7).
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Browser, expect
from starlette.applications import Starlette
from starlette.routing import Mount

from neko.application import Neko
from neko.errors import ConfigError
from neko.settings import Settings
from tests.avatar_files import live2d
from tests.field.reverse_proxy import reverse_proxy
from tests.web.running_app import serving

GIVEN = Path(__file__).with_name("given_pages")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the pages beside a file that is not theirs."""
    (tmp_path / "secret.html").write_text("secret", encoding="utf-8")
    (tmp_path / "secret.js").write_text("secret", encoding="utf-8")
    return Path(shutil.copytree(GIVEN, tmp_path / "pages"))


@pytest.fixture
def launched_with(folder: Path) -> dict[str, Any]:
    return {"pages": folder}


@pytest.fixture
async def client(neko: Neko) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(neko.asgi) as connected:
        yield connected


async def test_a_page_of_the_folder_talks_with_her_by_its_own_scripts(
    client: httpx2.AsyncClient, neko: Neko, browser: Browser
) -> None:
    page = await browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    await page.goto(str(client.base_url))
    await expect(page.locator("body")).to_have_attribute("data-loaded", "yes")
    await expect(page.locator("body")).to_have_attribute("data-socket", neko.characters.current)
    await expect(page.get_by_role("button")).to_have_text("Send it")
    await page.fill("#text", "Hello")
    await page.get_by_role("button").click()
    await expect(page.locator("#talk li").first).not_to_be_empty()
    assert await page.locator("#talk").evaluate("talk => getComputedStyle(talk).color") == "rgb(10, 20, 30)"
    assert not [line for line in said if "Content Security Policy" in line or "Error" in line]
    await page.close()


async def test_a_page_of_the_folder_may_do_what_the_original_s_pages_do_in_a_browser(
    client: httpx2.AsyncClient, browser: Browser
) -> None:
    page = await browser.new_page()
    said: list[str] = []
    answers: list[tuple[str, int]] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("response", lambda answer: answers.append((answer.request.url, answer.status)))
    await page.goto(f"{client.base_url}/live2d_parameter_editor")
    await page.get_by_role("button").click()
    await page.wait_for_function("Object.keys(done).length >= 10")
    async with page.expect_request("**/api/beacon/shutdown"):
        await page.evaluate("document.querySelector('iframe').remove()")
    await page.close()
    assert said == []
    assert [answer for answer in answers if answer[1] >= 400] == []


async def test_a_page_that_the_folder_has_not_and_all_of_ours_are_below_an_address_of_their_own(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    for path, ours in (
        ("/memory_browser?lanlan_name=Mio", "./neko-pages/memory_browser?lanlan_name=Mio"),
        ("/monitor", "./neko-pages/monitor"),
        ("/docs", "./neko-pages/docs"),
        ("/api/auth/page", "../../neko-pages/api/auth/page"),
        ("/neko-pages", "./neko-pages/"),
    ):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, ours), path
    page = await client.get("/neko-pages/")
    assert '<base href="./">' in page.text
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert (await client.get("/neko-pages/static/app/main.js")).status_code == 200
    assert (await client.get("/neko-pages/health")).json()["instance_id"] == neko.instance_id
    assert (await client.get("/static/app/main.js")).status_code == 404


async def test_scripts_in_the_page_may_run_there_and_nowhere_else_and_no_other_host_is_asked(
    client: httpx2.AsyncClient,
) -> None:
    policy = (await client.get("/")).headers["content-security-policy"]
    assert "script-src 'self' 'unsafe-inline'" in policy
    assert "http://" not in policy
    assert "https://" not in policy
    assert "unsafe-inline" not in (await client.get("/api/nothing")).headers["content-security-policy"]
    script = await client.get("/static/app.js?v=1")
    assert script.headers["content-type"].startswith("application/javascript")
    assert script.headers["cache-control"] == "no-cache"


async def test_what_an_address_says_is_escaped_and_a_template_reaches_nothing_of_the_program(
    client: httpx2.AsyncClient,
) -> None:
    page = await client.get("/steam_workshop_manager", params={"lanlan_name": '"><script>alert(1)</script>'})
    assert "<script>" not in page.text
    page = await client.get("/chara_manager")
    assert (page.status_code, page.headers["content-type"]) == (500, "text/plain; charset=utf-8")
    assert "chara_manager.html cannot be shown. SecurityError" in page.text


async def test_the_models_of_the_folder_are_there_and_one_stands_in_where_a_character_has_none(
    client: httpx2.AsyncClient, neko: Neko, folder: Path
) -> None:
    """[rest 2.1, rest 3.2, rest 4]"""
    for path, content in live2d("mao_pro").items():
        file = folder / "static" / "mao_pro" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    address = "/static/mao_pro/mao_pro.model3.json"
    assert (await client.get(address)).status_code == 200
    (model,) = (await client.get("/api/live2d/models")).json()
    assert (model["name"], model["path"], model["source"]) == ("mao_pro", address, "static")
    assert (await client.get("/api/config/page_config?lanlan_name=nobody")).json()["model_path"] == address
    shown = (await client.get("/api/characters/current_live2d_model")).json()["model_info"]
    assert (shown["path"], shown["is_fallback"]) == (address, True)
    name = neko.characters.current
    await neko.characters.merge_card(name, {"live2d": "mao_pro"})
    shown = (await client.get("/api/characters/current_live2d_model", params={"catgirl_name": name})).json()
    assert (shown["model_info"]["path"], shown["model_info"]["is_fallback"]) == (address, False)
    assert (await client.delete("/api/live2d/model/mao_pro")).status_code == 403, "it is not the user's"


async def test_nothing_outside_the_folder_is_shown(client: httpx2.AsyncClient, folder: Path) -> None:
    (folder / "templates" / "voice_clone.html").symlink_to(folder.parent / "secret.html")
    (folder / "templates" / "model_manager.html").write_text('{% include "../../secret.html" %}', encoding="utf-8")
    (folder / "static" / "leak.js").symlink_to(folder.parent / "secret.js")
    assert (await client.get("/voice_clone")).headers["location"] == "./neko-pages/voice_clone"
    assert (await client.get("/model_manager")).status_code == 500
    for path in ("leak.js", "..%2f..%2fsecret.js", "%2e%2e/%2e%2e/secret.js", "..%5c..%5csecret.js"):
        assert (await client.get(f"/static/{path}")).status_code == 404, path


async def test_the_icon_that_a_browser_asks_for_by_itself_is_the_folder_s_or_ours(
    client: httpx2.AsyncClient, folder: Path
) -> None:
    ours = await client.get("/favicon.ico", follow_redirects=True)
    assert (ours.status_code, ours.headers["content-type"]) == (200, "image/svg+xml")
    (folder / "static" / "favicon.ico").symlink_to(folder.parent / "secret.html")
    assert "secret" not in (await client.get("/favicon.ico", follow_redirects=True)).text
    (folder / "static" / "favicon.ico").unlink()
    (folder / "static" / "favicon.ico").write_bytes(b"icon")
    theirs = await client.get("/favicon.ico")
    assert (theirs.status_code, theirs.content, theirs.headers["content-type"]) == (200, b"icon", "image/x-icon")


async def test_a_page_that_was_changed_is_shown_as_it_is_now(client: httpx2.AsyncClient, folder: Path) -> None:
    assert "<title>Talk</title>" in (await client.get("/")).text
    (folder / "templates" / "index.html").write_text("<title>Another</title>", encoding="utf-8")
    assert (await client.get("/Mio")).text == "<title>Another</title>"


async def test_below_a_path_of_a_proxy_a_page_is_told_that_path(neko: Neko) -> None:
    async with serving(Starlette(routes=[Mount("/cat", neko.asgi)])) as client:
        assert 'src="/cat/static/app.js"' in (await client.get("/cat/")).text
        assert (await client.get("/cat/static/app.js")).status_code == 200
        assert (await client.get("/cat/monitor")).headers["location"] == "/cat/neko-pages/monitor"
        assert '<base href="/cat/neko-pages/">' in (await client.get("/cat/neko-pages/monitor")).text


async def test_below_a_path_that_only_a_proxy_knows_our_pages_find_what_they_ask_for(
    client: httpx2.AsyncClient, browser: Browser
) -> None:
    async with reverse_proxy(client.base_url.port or 0, "/cat", strips=True, keeps_host=True) as address:
        page = await browser.new_page()
        missing: list[str] = []
        page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
        await page.goto(f"{address}/memory_browser")
        assert page.url == f"{address}/neko-pages/memory_browser"
        await page.goto(f"{address}/neko-pages/")
        await page.get_by_test_id("composer").fill("Hello")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-testid=line][data-role=assistant]").first).not_to_be_empty()
        await page.close()
        assert missing == []


def test_a_folder_without_templates_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no folder called templates"):
        Settings(pages=tmp_path)
