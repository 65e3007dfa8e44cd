"""What the built-in model says of tasks and reminders, of which it is told as values: results beside its answer, how it
is going when asked, what became of a wish for a reminder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from neko.sessions.errand_words import said_reminder, said_reports, said_underway
from neko.sessions.models.builtin.phrasebook import phrasebook, plain
from neko.types.model_session import UserMessage


def with_errands(
    message: UserMessage, answer: Callable[[UserMessage], str], *, language: str, master: str, now: datetime
) -> str:
    """The reply to a line: that of ``answer``, where nothing else is to be said. ``now``: local, without a zone."""
    if message.help:
        return answer(message)
    words = plain(message.text).strip(" ?？!！.。~〜")
    if message.reminder:
        reply = said_reminder(message.reminder, language, now)
    elif message.underway and phrasebook(language).matches("progress", words):
        reply = said_underway(message.underway, master, language)
    else:
        reply = answer(message)
    if message.reports:
        reply = f"{reply}\n{said_reports(message.reports, language, now)}"
    return reply
