"""What is new on the sites where the user has a login [rest 9]."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from neko.app.personal_news import SITES, PersonalNews
from neko.application import Neko
from tests.scripted_files import Answer, FileServer

URL = "/api/personal_dynamics"
ANSWERS: dict[str, Any] = {
    "bilibili": {
        "code": 0,
        "data": {
            "items": [
                {
                    "id_str": "7",
                    "modules": {
                        "module_author": {"name": "猫老师"},
                        "module_dynamic": {"desc": None, "major": {"archive": {"title": "新视频\u200b"}}},
                    },
                }
            ]
        },
    },
    "weibo": {"data": {"statuses": [{"id": 9, "text": "早<b>安</b>", "user": {"screen_name": "小李"}}]}},
    "reddit": {"data": {"children": [{"data": {"subreddit": "cats", "title": "A cat", "permalink": "/r/cats/1"}}]}},
}


@pytest.fixture
async def sites(neko: Neko) -> AsyncIterator[FileServer]:
    """The sites, all at one address of this computer."""
    async with FileServer() as server:
        for site, answer in ANSWERS.items():
            server.files[SITES[site].path] = json.dumps(answer).encode()
        here = {name: replace(site, host=server.url) for name, site in SITES.items()}
        neko.personal_news = PersonalNews(neko.network, neko.folder.path / "config", here)
        yield server


async def keep(client: httpx2.AsyncClient, site: str, cookies: str) -> None:
    answer = await client.post("/api/auth/cookies/save", json={"platform": site, "cookie_string": cookies})
    assert answer.status_code == 200


async def test_each_site_is_asked_with_its_own_login_and_told_as_text(
    client: httpx2.AsyncClient, sites: FileServer
) -> None:
    nothing = (await client.post(URL, json={})).json()["data"]
    assert nothing == {"raw": {}, "formatted": "", "platforms": [], "failed": {}}
    assert not sites.requests, "without a login nobody is asked"
    logins = {"bilibili": "SESSDATA=one", "weibo": "SUB=two", "reddit": "reddit_session=three"}
    for site, cookies in logins.items():
        await keep(client, site, cookies)
    data = (await client.post(URL, json={"limit": 5})).json()["data"]
    assert data["platforms"] == ["bilibili", "weibo", "reddit"]
    assert data["formatted"] == "Bilibili:\n- 猫老师: 新视频\n\nWeibo:\n- 小李: 早 安\n\nReddit:\n- r/cats: A cat"
    assert data["raw"]["reddit"][0]["link"] == "https://www.reddit.com/r/cats/1"
    sent = {request.path: request.headers["cookie"] for request in sites.requests}
    assert sent == {SITES[site].path: cookies for site, cookies in logins.items()}


async def test_a_login_that_has_run_out_is_told_and_keeps_no_other_site_back(
    client: httpx2.AsyncClient, sites: FileServer
) -> None:
    await keep(client, "bilibili", "SESSDATA=one")
    sites.files[SITES["bilibili"].path] = b'{"code": -101, "message": "not signed in"}'
    data = (await client.post(URL, json={})).json()["data"]
    assert data["platforms"] == []
    assert "login may have run out" in data["failed"]["bilibili"]
    sites.answers.append(Answer(status=302))
    data = (await client.post(URL, json={})).json()["data"]
    assert "302" in data["failed"]["bilibili"]


async def test_an_answer_without_end_keeps_no_other_site_back(client: httpx2.AsyncClient, sites: FileServer) -> None:
    for site, cookies in {"bilibili": "SESSDATA=one", "weibo": "SUB=two"}.items():
        await keep(client, site, cookies)
    sites.files[SITES["bilibili"].path] = b"[" * 100_000 + b"]" * 100_000
    data = (await client.post(URL, json={})).json()["data"]
    assert (data["platforms"], list(data["failed"])) == (["weibo"], ["bilibili"])
