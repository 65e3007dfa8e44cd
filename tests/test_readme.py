"""What README says can be typed works as it is printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [
    line.split("#")[0].strip() for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()
]
INLINE = re.findall(r"`([^`\n]+)`", README)
TARGETS = sorted({found for text in (*BLOCKS, *INLINE) for found in re.findall(r"^make ([\w-]+)", text)})
MODULES = sorted({found for text in (*BLOCKS, *INLINE) for found in re.findall(r"python -m ([\w.]+)", text)} - {"pip"})


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
