"""An embedding model on this computer, scripted: its process is real, the package in it is played."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from neko.llm.embeddings import models
from neko.llm.embeddings.models import LocalModel

PACKAGES = Path(__file__).with_name("scripted_embedders")
ROOT = Path(__file__).parent.parent


def install(patch: pytest.MonkeyPatch, gate: Path) -> LocalModel:
    """Have ``usem3`` in this process and in those that it starts; what it holds goes on once ``gate`` is there."""
    patch.setattr(models, "folder", lambda model: PACKAGES / model.package if model.kind == "use" else None)
    patch.setenv("PYTHONPATH", str(ROOT))
    patch.setenv("SCRIPTED_EMBEDDER_GATE", str(gate))
    return models.MODELS["use"]


async def is_held(gate: Path) -> None:
    """Return when the process waits for the gate."""
    while not gate.with_suffix(".held").exists():  # noqa: ASYNC110  # another process makes it
        await asyncio.sleep(0.01)
