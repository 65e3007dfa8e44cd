"""What README says can be typed works as it is printed."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SERVING = re.compile(r"http://127\.0\.0\.1:\d+")
LINES_OF_A_FIRST_START = 15
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [
    line.split("#")[0].strip() for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()
]
INLINE = re.findall(r"`([^`\n]+)`", README)
TARGETS = sorted({found for text in (*BLOCKS, *INLINE) for found in re.findall(r"^make ([\w-]+)", text)})
MODULES = sorted({found for text in (*BLOCKS, *INLINE) for found in re.findall(r"python -m ([\w.]+)", text)} - {"pip"})


def clean_copy(folder: Path) -> Path:
    """What git knows of, and nothing that was built from it."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in names.decode().strip("\0").split("\0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def fresh_shell(folder: Path, **more: str) -> dict[str, str]:
    """The environment of somebody who has set nothing; where she keeps things and listens does not touch theirs."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    ours = {"NEKO_PORT": "0", "NEKO_NO_BROWSER": "1", "NEKO_DATA_DIR": str(folder / "data"), "PYTHONUNBUFFERED": "1"}
    return {**kept, **ours, **more}


async def run(command: str, folder: Path, environ: dict[str, str]) -> str:
    """What the command told; it has to succeed."""
    child = await asyncio.create_subprocess_shell(
        command, cwd=folder, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told = (await child.communicate())[0].decode()
    assert child.returncode == 0, f"{command}\n{told}"
    return told


async def serve_and_stop(command: str, folder: Path, environ: dict[str, str]) -> list[str]:
    """Run it until its page was fetched, then press Ctrl-C; the lines it told up to its address."""
    child = await asyncio.create_subprocess_shell(
        command,
        cwd=folder,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert child.stdout is not None
    told: list[str] = []
    try:
        while not (told and SERVING.search(told[-1])):
            line = (await child.stdout.readline()).decode()
            assert line, f"{command}\n{''.join(told)}"
            told.append(line)
        found = SERVING.search(told[-1])
        assert found is not None
        with await asyncio.to_thread(urllib.request.urlopen, found.group(), timeout=30) as answer:
            assert b"<html" in answer.read()
    finally:
        os.killpg(child.pid, signal.SIGINT)
        await child.communicate()
    return told


def test_there_are_commands_to_try() -> None:
    assert {"run", "test", "doctor"} <= set(TARGETS)
    assert {"neko", "neko.settings.option_table"} <= set(MODULES)


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_the_target(target: str) -> None:
    known = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert known.returncode == 0, known.stderr


@pytest.mark.parametrize("module", MODULES)
def test_the_module_can_be_run(module: str) -> None:
    arguments = ["--help"] if module == "neko" else []
    ran = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()


def test_outside_the_part_without_make_python_is_that_of_the_environment_that_make_has_made() -> None:
    """After `make run` a bare `python` knows nothing of Neko."""
    without_make = [text for text in INLINE if text.startswith("python -m")]
    assert without_make == ["python -m neko --port 5000"]
    assert "where she was installed without `make`, `python -m neko --port 5000`" in " ".join(README.split())


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r'(?:src|srcset)="([^"]+\.png)"', README)
    assert len(pictures) == 2
    for picture in pictures:
        assert 10_000 < (ROOT / picture).stat().st_size < 500_000


@pytest.mark.slow
def test_the_program_of_the_readme_talks(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README, re.S)
    environ = fresh_shell(tmp_path, PYTHONPATH=str(ROOT))
    told = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "ReplyText(" in told.stdout
    assert (tmp_path / "companion").is_dir()


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_what_make_prints_works_in_a_fresh_copy(tmp_path: Path) -> None:
    folder = clean_copy(tmp_path)
    environ = fresh_shell(folder)
    assert "make run" in BLOCKS
    first = await serve_and_stop("make run", folder, environ)
    of_ours = [line for line in first if not line.startswith("WARNING: ")]  # pip's, about this machine's package index
    assert len(of_ours) <= LINES_OF_A_FIRST_START, "".join(first)
    (with_options,) = (command for command in INLINE if command.startswith("make run ARGS="))
    assert shlex.split(with_options)[2].startswith("ARGS=--port ")
    await serve_and_stop(with_options.replace("5000", "0"), folder, environ)
    await run("make doctor", folder, environ)
    await run("make readme", folder, environ)
    assert (folder / "README.md").read_text(encoding="utf-8") == README


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_what_is_printed_for_those_without_make_works(tmp_path: Path) -> None:
    folder = clean_copy(tmp_path)
    await run(f"{shlex.quote(sys.executable)} -m venv own", folder, fresh_shell(folder))
    path = f"{folder / 'own' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environ = fresh_shell(folder, PATH=path)
    (install,) = (command for command in BLOCKS if "pip install" in command)
    await run(install, folder, environ)
    await serve_and_stop("python -m neko", folder, environ)
