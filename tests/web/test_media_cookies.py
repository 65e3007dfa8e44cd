"""Logins of media sites: kept for their owner, never told, forgotten for good."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.fernet import Fernet

from neko.app.site_logins import SiteLogins
from neko.application import Neko

COOKIES = "/api/auth/cookies"
SECRET = "a-secret-of-the-user"
LOGIN = {"platform": "bilibili", "cookie_string": f"SESSDATA={SECRET}; bili_jct=x=y; bad name=z"}


async def test_a_login_is_kept_for_its_owner_never_told_and_forgotten_for_good(
    client: httpx2.AsyncClient, data_dir: Path
) -> None:
    answer = await client.post(f"{COOKIES}/save", json=LOGIN)
    assert answer.json()["data"] == {"platform": "bilibili", "count": 2, "encrypted": False}
    file = data_dir / "config/bilibili_cookies.json"
    assert json.loads(file.read_text(encoding="utf-8")) == {"SESSDATA": SECRET, "bili_jct": "x=y"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    one = await client.get(f"{COOKIES}/bilibili")
    assert one.json()["data"] == {"platform": "bilibili", "has_cookies": True, "cookies_count": 2, "locked": False}
    every = await client.get(f"{COOKIES}/status")
    assert [site for site, state in every.json()["data"].items() if state["has_cookies"]] == ["bilibili"]
    assert SECRET not in one.text + every.text + answer.text
    for _ in range(2):
        assert (await client.delete(f"{COOKIES}/bilibili")).json()["success"] is True
    assert not list((data_dir / "config").glob("bilibili*"))


@pytest.mark.parametrize("has_key", [True, False])
async def test_a_login_that_the_original_has_encrypted_counts_by_its_key_and_is_left_as_it_is(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path, has_key: bool
) -> None:
    key, config = Fernet.generate_key(), data_dir / "config"
    (config / "bilibili_cookies.json").write_bytes(Fernet(key).encrypt(json.dumps({"SESSDATA": SECRET}).encode()))
    if has_key:
        (config / "bilibili_key.key").write_bytes(key)
    before = {path.name: path.read_bytes() for path in config.glob("bilibili*")}
    every = await client.get(f"{COOKIES}/status")
    state = {"has_cookies": has_key, "cookies_count": int(has_key), "locked": not has_key}
    assert every.json()["data"]["bilibili"] == state
    assert SECRET not in every.text
    assert SiteLogins(config).secrets() == {*[SECRET] * has_key}
    assert {path.name: path.read_bytes() for path in config.glob("bilibili*")} == before
    await client.post(f"{COOKIES}/save", json=LOGIN)
    assert (await client.get(f"{COOKIES}/bilibili")).json()["data"]["cookies_count"] == 2


async def test_of_a_login_that_the_original_has_encrypted_nothing_stays_once_it_is_forgotten(
    client: httpx2.AsyncClient, data_dir: Path
) -> None:
    key, config = Fernet.generate_key(), data_dir / "config"
    encrypted = Fernet(key).encrypt(json.dumps({"SESSDATA": SECRET}).encode())
    (config / "bilibili_cookies.json").write_bytes(encrypted)
    (config / "bilibili_key.key").write_bytes(key)
    await client.post(f"{COOKIES}/save", json=LOGIN | {"cookie_string": "SESSDATA=new"})
    assert not [path.name for path in config.glob("*") if path.is_file() and encrypted in path.read_bytes()]
    for name in ("bilibili_cookies.json.damaged-20261129-130000", "bilibili_cookies.json.damaged-20261129-130001-2"):
        (config / name).write_bytes(encrypted)
        (config / f"{name}.dismissed").write_bytes(encrypted)
    await client.delete(f"{COOKIES}/bilibili")
    assert not list(config.glob("bilibili*"))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"platform": "elsewhere"}, 400),
        ({"cookie_string": "other=1; more=2"}, 400),
        ({"platform": "../bili"}, 422),
        ({"platform": "b" * 21}, 422),
        ({"cookie_string": "a=1"}, 422),
        ({"cookie_string": "SESSDATA=<script>"}, 422),
        ({"cookie_string": "SESSDATA=a\nSet-Cookie: b"}, 422),
        ({"cookie_string": "x" * 8193}, 422),
    ],
)
async def test_what_is_no_login_is_refused_and_said(
    client: httpx2.AsyncClient, data_dir: Path, change: dict[str, Any], status: int
) -> None:
    answer = await client.post(f"{COOKIES}/save", json=LOGIN | change)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert SECRET not in answer.text
    assert not list((data_dir / "config").glob("*cookies*"))


async def test_the_sites_are_told_and_an_unknown_one_is_400(client: httpx2.AsyncClient) -> None:
    sites = (await client.get("/api/auth/platforms")).json()["data"]
    assert sites.keys() == {"bilibili", "douyin", "kuaishou", "weibo", "reddit", "twitter"}
    assert sites["weibo"].keys() == {"name", "methods", "needs", "default_method"}
    for answer in (await client.get(f"{COOKIES}/x"), await client.delete(f"{COOKIES}/x")):
        assert (answer.status_code, bool(answer.json()["detail"])) == (400, True)


async def test_older_pages_are_answered_with_200_whether_or_not_it_is_a_login(client: httpx2.AsyncClient) -> None:
    save = "/api/auth/save_cookie"
    assert (await client.post(save, json=LOGIN)).json() == {"success": True, "msg": "saved"}
    answer = await client.post(save, json=LOGIN | {"cookie_string": "other=1"})
    assert (answer.status_code, answer.json()["success"]) == (200, False)
