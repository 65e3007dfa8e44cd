"""Files for the browser."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from neko.web.static_files import ForeignFiles, StaticFiles, content_version
from tests.web.running_app import serving


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "files"
    (root / "deep" / "deeper").mkdir(parents=True)
    for name in ("page.js", "page.mjs", "words.json", "face.svg", "look.css", "thing.unknown", "deep/deeper/音.wav"):
        (root / name).write_bytes(b"content of " + name.encode())
    (root / "large.bin").write_bytes(bytes(5 * 1024 * 1024))
    (root / ".hidden").write_text("no")
    (tmp_path / "secret.txt").write_text("secret")
    (root / "way_out.txt").symlink_to(tmp_path / "secret.txt")
    return root


@pytest.fixture
async def files(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(Starlette(routes=[Mount("/static", StaticFiles(folder))])) as client:
        yield client


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("page.js", "application/javascript; charset=utf-8"),
        ("page.mjs", "application/javascript; charset=utf-8"),
        ("words.json", "application/json"),
        ("face.svg", "image/svg+xml"),
        ("look.css", "text/css; charset=utf-8"),
        ("thing.unknown", "application/octet-stream"),
        ("deep/deeper/音.wav", "audio/wav"),
    ],
)
async def test_a_file_has_the_type_of_its_ending_whatever_the_system_says(
    files: httpx2.AsyncClient, name: str, kind: str
) -> None:
    """[ws 7, statics]"""
    answer = await files.get(f"/static/{name}")
    assert (answer.status_code, answer.content) == (200, b"content of " + name.encode())
    assert answer.headers["content-type"] == kind


async def test_a_browser_asks_again_unless_the_address_names_a_version(files: httpx2.AsyncClient) -> None:
    assert (await files.get("/static/page.js")).headers["cache-control"] == "no-cache"
    assert (await files.get("/static/page.js?v=")).headers["cache-control"] == "no-cache"
    assert "immutable" in (await files.get("/static/page.js?v=1")).headers["cache-control"]


async def test_an_unchanged_file_is_not_sent_twice(files: httpx2.AsyncClient, folder: Path) -> None:
    tag = (await files.get("/static/page.js")).headers["etag"]
    for shown in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await files.get("/static/page.js", headers={"if-none-match": shown})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    (folder / "page.js").write_text("changed")
    changed = await files.get("/static/page.js", headers={"if-none-match": tag})
    assert (changed.status_code, changed.text) == (200, "changed")


async def test_a_head_request_gets_the_headers_alone(files: httpx2.AsyncClient) -> None:
    answer = await files.head("/static/page.js")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "18")


async def test_a_large_file_is_streamed_and_can_be_asked_for_in_parts(files: httpx2.AsyncClient) -> None:
    whole = await files.get("/static/large.bin")
    assert len(whole.content) == 5 * 1024 * 1024
    part = await files.get("/static/large.bin", headers={"range": "bytes=10-19"})
    assert (part.status_code, len(part.content)) == (206, 10)
    resumed = {"range": "bytes=11-", "if-range": (await files.get("/static/page.js")).headers["etag"]}
    small = await files.get("/static/page.js", headers=resumed)
    assert (small.status_code, small.content) == (206, b"page.js")
    assert small.headers["content-type"] == "application/javascript; charset=utf-8"


async def test_a_folder_that_comes_later_is_served_from_then_on(tmp_path: Path) -> None:
    later = tmp_path / "later"
    async with serving(Starlette(routes=[Mount("/static", StaticFiles(later))])) as client:
        assert (await client.get("/static/x.js")).status_code == 404
        later.mkdir()
        (later / "x.js").write_text("here")
        assert (await client.get("/static/x.js")).text == "here"


async def test_an_unchanged_file_is_not_read(files: httpx2.AsyncClient, folder: Path) -> None:
    """Its content is exchanged behind its size and time: the tag must not have come from reading it."""
    tag = (await files.get("/static/page.js")).headers["etag"]
    stat = (folder / "page.js").stat()
    (folder / "page.js").write_bytes(b"CONTENT OF page.js")
    os.utime(folder / "page.js", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (await files.get("/static/page.js", headers={"if-none-match": tag})).status_code == 304


ESCAPES = (
    "/static/../secret.txt",
    "/static/%2e%2e/secret.txt",
    "/static/deep/..%2f..%2fsecret.txt",
    "/static/..%5csecret.txt",
    "/static//secret.txt",
    "/static/%2fetc/passwd",
    "/static/way_out.txt",
    "/static/.hidden",
    "/static/deep",
    "/static/",
    "/static/page.js%00",
    "/static/page.js%00.css",
    "/static/C:/windows/win.ini",
    "/static/nothing.js",
    "/static/" + "a" * 5000,
)


@pytest.mark.parametrize("target", ESCAPES)
async def test_nothing_but_the_files_of_the_folder_is_served(files: httpx2.AsyncClient, target: str) -> None:
    parts = urlsplit(str(files.base_url))
    assert parts.hostname
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(15):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.split(b"\r\n", 1)[0].split()[1] == b"404"
    assert b"secret" not in answer.split(b"\r\n\r\n", 1)[1]


async def test_files_are_only_read(files: httpx2.AsyncClient) -> None:
    answer = await files.post("/static/page.js")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    async with serving(Starlette(routes=[Mount("/static", StaticFiles(tmp_path / "none"))])) as client:
        assert (await client.get("/static/x.js")).status_code == 404


def test_the_version_changes_with_content_and_not_with_time(folder: Path) -> None:
    before = content_version([folder])
    os.utime(folder / "page.js", (1, 1))
    assert content_version([folder]) == before
    (folder / "page.js").write_bytes(b"content of page.jS")
    assert content_version([folder]) != before
    assert content_version([folder / "nothing"])


async def test_a_file_that_has_changed_is_served_as_it_is_now(files: httpx2.AsyncClient, folder: Path) -> None:
    for content in (b"one", b"two", b"longer than before"):
        (folder / "page.js").write_bytes(content)
        answer = await files.get("/static/page.js")
        assert (answer.content, answer.headers["content-length"]) == (content, str(len(content)))


async def test_a_part_of_a_small_file_can_be_asked_for(files: httpx2.AsyncClient) -> None:
    await files.get("/static/page.js")
    answer = await files.get("/static/page.js", headers={"range": "bytes=0-6"})
    assert (answer.status_code, answer.content) == (206, b"content")


def test_files_of_different_folders_are_found_side_by_side(tmp_path: Path) -> None:
    for item in ("own/1", "further/2"):
        (tmp_path / item).mkdir(parents=True)
        (tmp_path / item / "a.vrm").touch()
    served = ForeignFiles(lambda: tmp_path / "own", further=lambda: {"2": tmp_path / "further" / "2"})

    def looks(item: str) -> int:
        return sum(served.lookup_path(f"{item}/a.vrm")[1] is not None for _ in range(500))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor() as threads:
            assert list(threads.map(looks, ("1", "2") * 4)) == [500] * 8
    finally:
        sys.setswitchinterval(before)
