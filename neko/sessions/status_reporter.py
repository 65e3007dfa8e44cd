"""Tells the clients of a conversation what went wrong and what to do, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from neko.errors import NekoError
from neko.i18n import Notice, describe, notice
from neko.sessions.clients import Clients
from neko.sessions.events import Status


class StatusReporter:
    """``language()`` is asked each time: the reader may change it."""

    def __init__(self, clients: Clients, language: Callable[[], str]) -> None:
        self._clients = clients
        self._language = language

    def error(self, error: NekoError, *, level: Literal["info", "error"] = "error") -> Notice:
        """Tell of an error; what was said of it."""
        return self._send(describe(error, self._language()), level)

    def say(self, code: str, **params: str) -> None:
        """Say the sentence of a code."""
        self._send(notice(code, self._language(), params), "info")

    def _send(self, said: Notice, level: Literal["info", "error"]) -> Notice:
        self._clients.emit(Status(said.text, said.code, said.remedy, said.link, level))
        return said
