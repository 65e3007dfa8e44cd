"""Whatever is uploaded wherever, over a real socket: nothing outside changes, nothing half written stays, and what
an archive would unpack to is not held in memory."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import random
import stat
import warnings
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx2
import psutil
import pytest

from neko.audio.wav import as_wav
from neko.storage import WORKPLACE
from tests.avatar_files import PNG, archive, as_json, below, live2d, vrm, vrma

MB: Final = 2**20
SECRET: Final = "what nobody may read"


@dataclass(frozen=True)
class Door:
    """A place to which files are sent, and a file that it takes."""

    path: str
    part: str
    name: str
    whole: bytes
    form: Mapping[str, str] = field(default_factory=dict)


TALK: Final = b'{"role": "user", "content": "hello", "timestamp": "2026-03-01T10:00:00"}\n'
DOORS: Final = (
    Door("/api/live2d/upload_model", "files", "m.zip", archive(below("m", live2d()))),
    Door("/api/live2d/upload_model", "files", "m/a.model3.json", as_json({"Version": 3, "FileReferences": {}})),
    Door("/api/live2d/upload_file/kept", "file", "a.exp3.json", b"{}", {"file_type": "expression"}),
    Door("/api/model/vrm/upload", "file", "a.vrm", vrm()),
    Door("/api/model/vrm/upload_animation", "file", "a.vrma", vrma()),
    Door("/api/characters/catgirl/Mio/picture", "file", "a.png", PNG),
    Door("/api/characters/voice_clone", "file", "a.wav", as_wav(bytes(2 * 24_000 * 4), 24_000), {"prefix": "a"}),
    Door("/api/memory_import", "files", "a.jsonl", TALK * 3),
    Door("/api/backup/restore", "file", "a.zip", archive({"neko-backup.json": b'{"format": "neko-backup"}'})),
    Door("/api/steam/workshop/upload-preview-image", "file", "a.png", PNG, {"content_folder": "1"}),
)
NAMES: Final = (
    *("../../../escaped", "/tmp/escaped-{}", "..\\..\\escaped", "C:\\escaped", "\\\\host\\share\\a", "a:stream", "con"),
    *("a\0b", "a\nb", "..", ".", "", " ", "~/a", "%2e%2e/escaped", "x" * 300, "…", "名前", "\u202egnp", "e\u0301"),
    *("m/../../escaped", "m//a", "m/./a", "a/" * 100 + "b", "config/characters", "..;/a", "${HOME}", "a|b", "<b>"),
    *(".hidden", "nul"),
)  # fmt: skip
ENDINGS: Final = ("", ".zip", ".vrm", ".vrma", ".png", ".wav", ".json", ".model3.json", ".jsonl", ".html", ".db")


def bomb(chance: random.Random) -> bytes:
    """An archive of little that unpacks to 64 MB, alone or many times."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as files:
        for path, content in below("m", live2d()).items():
            files.writestr(path, content)
        for number in range(chance.choice((1, 1, 3))):
            with files.open(f"m/textures/{number}.png", "w") as entry:
                for _ in range(64):
                    entry.write(bytes(MB))
    return written.getvalue()


def linked(chance: random.Random) -> bytes:
    """An archive with links to what is outside of it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as files:
        for path, content in below("m", live2d()).items():
            files.writestr(path, content)
        link = zipfile.ZipInfo("m/textures/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        files.writestr(link, chance.choice(("../../../config/core_config.json", "/etc/passwd", "/", ".")))
        files.writestr("m/textures/link.png/below.png", PNG)
    return written.getvalue()


def escaping(chance: random.Random) -> bytes:
    """An archive whose entries have hostile names, some of them twice."""
    files = below("m", live2d()) if chance.random() < 0.7 else {}
    named = {chance.choice(NAMES) + chance.choice(ENDINGS): b"x" for _ in range(6)}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as entries, warnings.catch_warnings(action="ignore"):
        for path, content in [*files.items(), *named.items(), *list(files.items())[:1]]:
            entries.writestr(zipfile.ZipInfo(path.split("\0")[0] or "a"), content)
    return written.getvalue()


def lying(chance: random.Random) -> bytes:
    """An archive that says that its entries or its directory have other sizes, places or ways of packing."""
    content = bytearray(archive(below("m", live2d())))
    if chance.random() < 0.3:
        content[content.rfind(b"PK\5\6") + chance.randrange(8, 20)] ^= 1 << chance.randrange(8)
    at = content.find(b"PK\x01\x02")
    for _ in range(chance.randint(1, 4)):
        content[at + chance.randrange(8, 46)] = chance.randrange(256)
    return bytes(content)


def cut(whole: bytes, chance: random.Random) -> bytes:
    return whole[: chance.randrange(len(whole))]


def flipped(whole: bytes, chance: random.Random) -> bytes:
    content = bytearray(whole)
    for _ in range(chance.randint(1, 8)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


def behind_something(whole: bytes, chance: random.Random) -> bytes:
    return chance.choice((b"MZ" + bytes(400), b"<script>alert(1)</script>", PNG)) + whole


def deep(_: random.Random) -> bytes:
    return b'{"a":' * 20_000


MADE: Final[tuple[Callable[[random.Random], bytes], ...]] = (linked, escaping, escaping, lying, lying, deep)
CHANGED: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (cut, flipped, behind_something)


def content_for(door: Door, chance: random.Random) -> bytes:
    draw = chance.random()
    if draw < 0.4:
        return chance.choice(CHANGED)(door.whole, chance)
    if draw < 0.7:
        return chance.choice(MADE)(chance)
    if draw < 0.72:
        return bomb(chance)
    return door.whole if draw < 0.85 else chance.choice(DOORS).whole


def name_for(door: Door, chance: random.Random) -> str:
    if chance.random() < 0.4:
        return door.name
    ending = "." + door.name.partition(".")[2] if chance.random() < 0.7 else chance.choice(ENDINGS)
    return chance.choice(NAMES) + ending


def as_form(door: Door, name: str, content: bytes, boundary: str = "neko-boundary") -> bytes:
    """The body, with the name as raw as it is: a client would tidy it."""
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in door.form.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{door.part}"; filename="{name}"\r\n\r\n'
    return "".join([*lines, head]).encode() + content + f"\r\n--{boundary}--\r\n".encode()


async def send(client: httpx2.AsyncClient, door: Door, body: bytes) -> httpx2.Response:
    kind = {"content-type": "multipart/form-data; boundary=neko-boundary"}
    return await client.post(door.path, content=body, headers=kind)


async def break_off(client: httpx2.AsyncClient, door: Door, body: bytes, sent: int) -> None:
    """Send the first bytes of an upload, and be gone."""
    _, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    head = f"POST {door.path} HTTP/1.1\r\nHost: {client.base_url.netloc.decode()}\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{head}Content-Type: multipart/form-data; boundary=neko-boundary\r\n\r\n".encode() + body[:sent])
    await writer.drain()
    writer.close()


def everything(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }


@asynccontextmanager
async def growth_of_memory() -> AsyncIterator[list[int]]:
    """Yields a list whose one number is, afterwards, how many bytes the process grew at most."""
    process, grown = psutil.Process(), [0]
    start = process.memory_info().rss

    async def watch() -> None:
        while True:
            grown[0] = max(grown[0], process.memory_info().rss - start)
            await asyncio.sleep(0.01)

    watching = asyncio.create_task(watch())
    try:
        yield grown
    finally:
        watching.cancel()


async def taken_away(client: httpx2.AsyncClient, data: Path) -> None:
    """Remove by its calls what came in, but for the model that others are added to."""
    for model in [path.name for path in (data / "live2d").iterdir() if path.name != "kept"]:
        assert list((data / "live2d" / model).rglob("*.model*.json")), f"half a model is left: {model!r}"
        assert (await client.delete(f"/api/live2d/model/{quote(model, safe='')}")).status_code == 200, model
    for path in [one for one in (data / "vrm").rglob("*") if one.is_file()]:
        assert path.read_bytes()[:4] == b"glTF", f"half a model is left: {path.name!r}"
        path.unlink()


@pytest.fixture
async def kept(client: httpx2.AsyncClient, data_dir: Path) -> None:
    """A model to which files are added, and an item of the Workshop."""
    model = archive(below("kept", live2d()))
    assert (await client.post("/api/live2d/upload_model", files={"files": ("kept.zip", model)})).status_code == 200
    (data_dir / "workshop" / "1").mkdir(parents=True)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("uploads", [150, pytest.param(2_500, marks=pytest.mark.long)])
async def test_no_upload_harms_anything(
    client: httpx2.AsyncClient, data_dir: Path, tmp_path: Path, uploads: int, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(uploads)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text(SECRET)
    beside = {path.name for path in data_dir.parent.iterdir()}
    config = everything(data_dir / "config")
    answered: Counter[int] = Counter()
    async with growth_of_memory() as grown:
        for _ in range(uploads):
            door = chance.choice(DOORS)
            body = as_form(door, name_for(door, chance), content_for(door, chance))
            if chance.random() < 0.1:
                await break_off(client, door, body, chance.randrange(len(body)))
                continue
            answer = await send(client, door, body)
            answered[answer.status_code] += 1
            assert answer.status_code < 500 or answer.json()["code"], (door.path, answer.text)
            assert answer.status_code not in (500, 502), (door.path, answer.text)
            assert SECRET not in answer.text
            assert {path.name for path in data_dir.parent.iterdir()} == beside, body[:300]
    assert answered.keys() >= {200, 400}, answered
    assert grown[0] < 60 * MB, "an entry of an archive was held whole"
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    for given_up in ("/api/backup/discard", "/api/memory_import/discard"):
        await client.post(given_up)
    await taken_away(client, data_dir)
    left = [path for path in data_dir.rglob("*") if path.name.startswith(WORKPLACE) or path.suffix in (".tmp", ".part")]
    assert left == []
    changed = {name for name, sum_ in everything(data_dir / "config").items() if config.get(name) != sum_}
    assert all(json.loads((data_dir / "config" / name).read_text(encoding="utf-8")) for name in changed)
