"""A mirror of models with the one that the registry knows, ``tiny``; the libraries that run it are scripted."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from neko.audio.hearing import models
from neko.audio.hearing.models import KnownModel, ModelFile
from tests import scripted_model
from tests.scripted_files import FileServer

if TYPE_CHECKING:
    from neko.application import Neko

FILES = {
    "model.bin": b'{"text": "hello"}' + b" " * 500_000,
    "config.json": b"{}",
    "vocabulary.txt": b"a",
    "tokenizer.json": b"{}",
}


@asynccontextmanager
async def scripted_hub(neko: Neko, patch: pytest.MonkeyPatch) -> AsyncIterator[FileServer]:
    """The server that ``neko`` fetches from."""
    scripted_model.install(patch)
    listed = tuple(ModelFile(name, len(it), hashlib.sha256(it).hexdigest(), f"t/{name}") for name, it in FILES.items())
    size = sum(file.size for file in listed)
    known = KnownModel("tiny", "Tiny", "whisper", frozenset({"en"}), size, "MIT", "", (), None, listed)
    patch.setattr(models, "known_models", lambda: MappingProxyType({"tiny": known}))
    async with FileServer() as files:
        files.files = {f"/t/{name}": content for name, content in FILES.items()}
        await neko.config.change({"neko": {"models": {"mirror": files.url}}})
        yield files
