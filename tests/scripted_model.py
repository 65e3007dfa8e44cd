"""A model that hears on this computer, scripted: its process is real, the libraries in it are played."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from neko.audio.hearing.models import LocalModel, model_in

PACKAGES = Path(__file__).with_name("scripted_recogniser")


def install(patch: pytest.MonkeyPatch) -> None:
    """Have the libraries in this process and in those that it starts."""
    patch.syspath_prepend(str(PACKAGES))
    patch.setenv("PYTHONPATH", str(PACKAGES))


def hearing_model(folder: Path, **script: Any) -> LocalModel:
    """A model that behaves like this (``scripted_recogniser/ctranslate2``)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.bin").write_text(json.dumps(script, default=str))
    for name in ("config.json", "vocabulary.json", "tokenizer.json"):
        (folder / name).write_text("{}")
    model = model_in(folder, folder.name)
    assert model is not None
    return model
