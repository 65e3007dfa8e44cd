"""The page itself, at the root and below another app."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import httpx2
import pytest
from playwright.async_api import Browser
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from websockets.asyncio.client import connect

from neko.application import Neko
from neko.settings import ASSETS
from neko.web.calls import ENDPOINTS
from neko.web.content_policy import STRICT
from neko.web.pages import PAGES, Page, PageRenderer, page_routes
from tests.web.running_app import serving


def base_of(page: str) -> str:
    found = re.search(r'<base href="([^"]*)">', page)
    assert found
    return found[1]


async def test_the_root_is_the_page_with_the_current_character(client: httpx2.AsyncClient, neko: Neko) -> None:
    """[ws 7 row 1]"""
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f'data-character="{neko.characters.current}"' in answer.text
    assert base_of(answer.text) == "./"


@pytest.mark.parametrize("name", ["小澪", "nobody", "favicon.ico", 'a"><script>x</script>'.replace("/", "")])
async def test_any_single_segment_is_the_page_and_its_text_stays_text(client: httpx2.AsyncClient, name: str) -> None:
    """[rest 1, rest 11]"""
    answer = await client.get(f"/{quote(name)}")
    assert answer.status_code == 200
    assert 'a"><script>' not in answer.text


async def test_no_character_can_have_the_name_of_another_page(client: httpx2.AsyncClient, neko: Neko) -> None:
    paths = [page.path for page in PAGES] + [path for one in ENDPOINTS for path in (*one.paths, *one.redirects)]
    names = {path.split("/")[1] for path in paths} | {"health", "static", "ws", "user_vrm", "workshop"}
    for name in sorted(name for name in names if name and "{" not in name and len(name) <= 20):
        is_hers = f'data-character="{name}"' in (await client.get(f"/{name}")).text
        made = await client.post("/api/characters/catgirl", json={"档案名": name})
        assert made.json()["success"] is is_hers, name
        renamed = await client.post("/api/characters/catgirl/Mio/rename", json={"new_name": name})
        assert renamed.json()["success"] is False, name
        assert is_hers or {made.json()["code"], renamed.json()["code"]} == {"character_page"}, name


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/api_key", "./#settings/model"),
        ("/chara_manager", "./#settings/characters"),
        ("/api/auth/page", "../../cookies_login"),
        ("/l2d?lanlan_name=Mio", "./model_manager?lanlan_name=Mio"),
        ("/live2d_parameter_editor", "./model_manager#live2d//parameters"),
        ("/live2d_emotion_manager", "./model_manager#live2d//emotions"),
        ("/vrm_emotion_manager?lanlan_name=Mio", "./model_manager?lanlan_name=Mio#vrm//emotions"),
    ],
)
async def test_an_old_bookmark_opens_what_took_the_place_of_the_page(
    client: httpx2.AsyncClient, path: str, place: str
) -> None:
    """[rest 11]"""
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, place)


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("/model_manager", "models"),
        ("/voice_clone", "voices"),
        ("/steam_workshop_manager", "workshop"),
        ("/cookies_login", "logins"),
    ],
)
async def test_a_page_beside_the_talk_has_a_module_of_its_own(
    client: httpx2.AsyncClient, path: str, module: str
) -> None:
    """[rest 11]"""
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert re.findall(r'<script[^>]* src="static/app/managers/(\w+)\.js\?v=\w+">', answer.text) == [module]
    assert (await client.get(f"/static/app/managers/{module}.js")).status_code == 200


@pytest.mark.parametrize(("path", "shows"), [("/viewer", "avatar"), ("/subtitle", "subtitles")])
async def test_what_is_laid_over_a_stream_is_a_page_without_a_bar(
    client: httpx2.AsyncClient, path: str, shows: str
) -> None:
    answer = await client.get(path)
    assert answer.headers["content-security-policy"] == STRICT.header("127.0.0.1:" + str(client.base_url.port))
    assert f'data-shows="{shows}"' in answer.text
    assert 'src="static/app/overlay.js?v=' in answer.text


async def test_the_page_speaks_the_readers_language(client: httpx2.AsyncClient, neko: Neko) -> None:
    browser = {"accept-language": "zh-HK,zh;q=0.9"}
    assert '<html lang="zh-TW"' in (await client.get("/", headers=browser)).text
    assert '<html lang="en"' in (await client.get("/", headers={"accept-language": "*"})).text
    await neko.config.change({"neko": {"language": "ko"}})
    assert '<html lang="ko"' in (await client.get("/", headers=browser)).text


async def test_every_file_that_the_page_names_is_there(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/")).text
    named = set(re.findall(r'(?:href|src)="((?!#|/)[^"#]+)', page))
    assert named
    for address in named:
        answer = await client.get(f"/{address}")
        assert answer.status_code == 200, address
        assert ("v=" in address) == ("immutable" in answer.headers["cache-control"])


async def test_the_words_are_served_from_the_assets(client: httpx2.AsyncClient) -> None:
    """[ws 7 row 9]"""
    answer = await client.get("/static/locales/en.json?v=1")
    assert answer.content == (ASSETS / "locales" / "en.json").read_bytes()


async def test_the_page_names_no_other_host_and_holds_no_script(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\son\w+=", page)


async def test_mounted_below_another_app_everything_works_under_its_prefix(neko: Neko) -> None:
    outer = Starlette(
        routes=[Route("/", lambda _: PlainTextResponse("outer")), Mount("/my cat/小", neko.asgi)],
    )
    prefix = quote("/my cat/小")
    async with serving(outer) as client:
        assert (await client.get("/")).text == "outer"
        page = await client.get(f"{prefix}/")
        assert base_of(page.text) == f"{prefix}/"
        assert (await client.get(f"{prefix}/static/icons/favicon.svg")).status_code == 200
        assert (await client.get(f"{prefix}/static/locales/en.json")).status_code == 200
        assert (await client.get(f"{prefix}/health")).json()["instance_id"] == neko.instance_id
        assert (await client.get(f"{prefix}/api/nothing/here")).status_code == 404
        assert (await client.get(f"{prefix}/openapi.json")).json()["servers"] == [{"url": prefix}]
        paths = (await client.get(f"{prefix}/api/model/vrm/config")).json()["paths"]
        assert all(path.startswith(f"{prefix}/") for path in paths.values())
        origin = str(client.base_url).rstrip("/")
        answer = await client.post(f"{prefix}/api/language", json={"language": "ja"}, headers={"origin": origin})
        assert answer.status_code == 200
        address = urlsplit(str(client.base_url)).netloc
        async with connect(f"ws://{address}{prefix}/ws/Mio", origin=origin, proxy=None) as socket:  # type: ignore[arg-type]
            assert json.loads(await socket.recv())["type"] == "neko_hello"


@pytest.mark.loop_watchdog
async def test_the_first_page_holds_the_loop_for_no_time(client: httpx2.AsyncClient) -> None:
    for path in ("/", "/openapi.json", "/api/config/page_config", "/api/models/current"):
        assert (await client.get(path)).status_code == 200


async def test_a_page_that_cannot_be_made_is_told_as_json(neko: Neko) -> None:
    neko.characters = None  # type: ignore[assignment]
    async with serving(neko.asgi) as client:
        answer = await client.get("/")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")


async def test_a_browser_finds_nothing_on_the_page_that_its_policy_forbids(
    client: httpx2.AsyncClient, browser: Browser
) -> None:
    page = await browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(str(client.base_url), wait_until="load")
    await page.wait_for_function("document.readyState === 'complete'")
    assert not [line for line in said if "Content Security Policy" in line or "Content-Security-Policy" in line]
    await page.close()


# ── the list of pages ─────────────────────────────────────────────────────────

VIEWER = STRICT.allowing(worker_src=("blob:",), script_src=("https://cubism.example",), uses_nonce=True)
LISTED = (
    Page("/{rest}", "page.html", "Whatever is left."),
    Page("/viewer", "viewer.html", "A page with workers and an import map.", VIEWER),
    Page("/", "page.html", "The first page."),
)


def policy_of(answer: httpx2.Response) -> dict[str, list[str]]:
    parts = (part.split() for part in answer.headers["content-security-policy"].split(";"))
    return {directive: sources for directive, *sources in parts}


@pytest.fixture
async def listed(neko: Neko, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """An app with the pages ``LISTED``."""
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "page.html").write_text("<title>{{ character }}</title>{{ nonce }}", encoding="utf-8")
    (folder / "viewer.html").write_text('<script nonce="{{ nonce }}">1</script>{{ base }}', encoding="utf-8")
    routes = page_routes(neko, LISTED, PageRenderer(folder, ()))
    async with serving(Starlette(routes=routes)) as client:
        yield client


async def test_a_page_with_a_parameter_takes_only_what_the_others_left(listed: httpx2.AsyncClient) -> None:
    assert "<script" in (await listed.get("/viewer")).text
    assert "<script" not in (await listed.get("/anything")).text
    assert (await listed.get("/")).status_code == 200


async def test_each_page_has_the_policy_that_it_declares(listed: httpx2.AsyncClient) -> None:
    host = urlsplit(str(listed.base_url)).netloc
    strict, viewer = policy_of(await listed.get("/")), policy_of(await listed.get("/viewer"))
    assert strict["default-src"] == ["'self'"]
    assert "script-src" not in strict
    assert viewer["worker-src"] == ["'self'", "blob:"]
    assert viewer["script-src"][:2] == ["'self'", "https://cubism.example"]
    for policy in (strict, viewer):
        assert policy["connect-src"] == ["'self'", f"ws://{host}", f"wss://{host}"]
        assert policy["frame-ancestors"] == ["'self'"]


async def test_a_nonce_is_new_for_every_answer_and_the_same_in_header_and_page(listed: httpx2.AsyncClient) -> None:
    answers = [await listed.get("/viewer") for _ in range(3)]
    nonces = {re.findall(r'nonce="([^"]+)"', answer.text)[0] for answer in answers}
    assert len(nonces) == 3
    for answer in answers:
        nonce = re.findall(r'nonce="([^"]+)"', answer.text)[0]
        assert f"'nonce-{nonce}'" in policy_of(answer)["script-src"]
    assert "nonce" not in (await listed.get("/")).headers["content-security-policy"]


async def test_the_guard_leaves_the_policy_of_a_page_as_it_is_and_gives_the_rest_the_strict_one(
    client: httpx2.AsyncClient,
) -> None:
    host = urlsplit(str(client.base_url)).netloc
    for path in ("/", "/health", "/nothing/here", "/static/app/main.js"):
        assert (await client.get(path)).headers["content-security-policy"] == STRICT.header(host)


def test_more_sources_for_a_page_leave_the_strict_policy_strict() -> None:
    assert "worker-src" in VIEWER.sources
    assert "worker-src" not in STRICT.sources
    assert STRICT.allowing(img_src=("https://pictures.example",)).sources["img-src"] == (
        *STRICT.sources["img-src"],
        "https://pictures.example",
    )


async def test_its_style_sheets_come_in_one_answer_that_is_kept(client: httpx2.AsyncClient) -> None:
    (address,) = re.findall(r'rel="stylesheet" href="([^"]+)"', (await client.get("/")).text)
    answer = await client.get(address)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.text.index("--paper:") < answer.text.index(".composer")
    assert (await client.get("static/css/tokens.css")).headers["cache-control"] == "no-cache"
    for other in ("tokens+nothing", "tokens+", "..%2f..%2fpages", "."):
        assert (await client.get(f"static/css/{other}.css")).status_code == 404


async def test_a_browser_is_told_at_once_of_every_module_that_it_needs(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/")).text
    told = {urlsplit(name).path for name in re.findall(r'rel="modulepreload" href="([^"]+)"', page)}
    entry = re.search(r'type="module" src="([^"?]+)', page)
    assert entry
    needed = {"static/avatar/avatar.js", "static/avatar/builtin.js"}
    waiting = [entry[1], *needed]
    while waiting:
        path = waiting.pop()
        for name in re.findall(r'^(?:import|export)[^;]*?"(\.[^"]+)";', (await client.get(path)).text, re.MULTILINE):
            imported = urljoin(path, name)
            if imported not in needed:
                needed.add(imported)
                waiting.append(imported)
    assert len(needed) > 20
    assert told == needed
    for later in (
        "settings/dialog",
        "app/search",
        "app/chats",
        "app/call",
        "sound/microphone",
        "app/model_form",
        "app/welcome",
        "app/markdown",
    ):
        assert not any(f"/{later}.js" in path for path in told), (
            "they come when they are wanted or nothing else is to do"
        )
