"""Text in, text out: what memory asks of a model."""

from __future__ import annotations

from neko.providers import ModelEndpoint
from neko.sessions.models.client import Timeouts
from neko.sessions.models.question import ask


async def complete(endpoint: ModelEndpoint, prompt: str, timeouts: Timeouts | None = None) -> str:
    """The model's whole answer to ``prompt``; raises ``ModelError``."""
    return (await ask(endpoint, prompt, timeouts)).text
