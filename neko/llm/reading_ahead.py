"""A model on this computer reads what every request begins with before it is asked anything.

Servers keep what they have read (llama.cpp's ``cache_prompt``, Ollama), and a first answer that has to read a whole
system prompt on a processor begins seconds later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from neko.errors import NekoError
from neko.llm.adaptation import Adaptation
from neko.llm.chat_request import ChatMessage, chat_body
from neko.llm.client import ProviderClient
from neko.providers import ModelEndpoint
from neko.types.model_session import Tool

logger = logging.getLogger(__name__)


async def read_ahead(
    client: ProviderClient,
    endpoint: ModelEndpoint,
    messages: Sequence[ChatMessage],
    tools: Sequence[Tool],
    adaptation: Adaptation,
    timeout_s: float,
) -> None:
    """Ask for one token and leave at its first byte. What goes wrong is left for the real request to tell."""
    import httpx2

    body = {**chat_body(endpoint, messages, tools, adaptation), "max_tokens": 1, "stream": True}
    try:
        async with asyncio.timeout(timeout_s), client.post_chat(body) as response:
            async for _ in response.aiter_bytes():
                break
    except (NekoError, OSError, httpx2.HTTPError) as error:
        logger.debug("%s did not read ahead: %s", endpoint.model, type(error).__name__)
