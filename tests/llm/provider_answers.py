"""What a provider answers, as the error that it becomes: the requests that were asked, and how an answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neko.errors import (
    ModelError,
)
from neko.llm.provider_errors import ProviderErrors

ERRORS = ProviderErrors("gpt-x", "OpenAI", "SECRETKEY")
QUESTION = {"role": "user", "content": "hi"}
ASKED: dict[str, Any] = {"model": "gpt-x", "messages": [QUESTION], "temperature": 1.0, "stream": True, "tools": []}
ASKED_MUCH = {**ASKED, "stream_options": {}, "max_tokens": 9, "enable_thinking": False}
ASKED_WITH_PICTURE = {**ASKED, "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}
PAGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head>"


def problem(message: str, **more: str | int) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


def told(status: int | None, body: object, request: Mapping[str, Any] = ASKED) -> ModelError:
    """The error for an answer; ``status`` None is an error inside a good answer."""
    if status is None:
        return ERRORS.from_answer(body, request)
    return ERRORS.from_status(status, body, request)
