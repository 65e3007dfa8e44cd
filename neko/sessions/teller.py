"""Tells the clients of a conversation what went wrong and what to do, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from neko.errors import NekoError
from neko.messages import Message, describe, message
from neko.sessions.audience import Audience
from neko.sessions.events import Status


class Teller:
    """``language()`` is asked each time: the reader may change it."""

    def __init__(self, audience: Audience, language: Callable[[], str]) -> None:
        self._audience = audience
        self._language = language

    def error(self, error: NekoError, *, level: Literal["info", "error"] = "error") -> Message:
        """Tell of an error; what was said of it."""
        return self._send(describe(error, self._language()), level)

    def say(self, code: str, **params: str) -> None:
        """Say the sentence of a code."""
        self._send(message(code, self._language(), params), "info")

    def _send(self, said: Message, level: Literal["info", "error"]) -> Message:
        self._audience.emit(Status(said.text, said.code, said.remedy, said.link, level))
        return said
