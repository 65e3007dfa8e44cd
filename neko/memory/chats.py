"""Chats: the parts that one character's log falls into.

Every line belongs to a chat, by a number in its JSON; a line without one, as N.E.K.O. writes them, belongs to
chat 0. New lines go into the open chat. Recall looks through all of them.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from neko.memory import schema
from neko.memory.line_codec import Names, logged_lines
from neko.types.lines import UNKNOWN_TIME
from neko.types.memory import Chat, ChatList
from neko.well_formed import well_formed

LONGEST_TITLE: Final = 80
"""Characters."""
_STATE: Final = "chat"
_BEGIN: Final = 48
"""Characters of the first words that stand in for a title."""


def open_chat(connection: sqlite3.Connection) -> int:
    """The number of the open chat."""
    row = connection.execute(schema.GET_STATE, (_STATE,)).fetchone()
    return int(row[0]) if row else 0


def listed(connection: sqlite3.Connection, names: Names) -> ChatList:
    """The open chat, and every one that has lines, the one with the newest line first."""
    current = open_chat(connection)
    known = {int(row[0]) for row in connection.execute(schema.CHATS_WITH_LINES)}
    titles = dict(connection.execute(schema.CHAT_TITLES).fetchall())
    chats = [_chat(connection, number, titles.get(number, ""), names) for number in known | {current}]
    newest = max((chat.last_id for chat in chats), default=0)
    chats.sort(key=lambda chat: chat.last_id or (newest + 1), reverse=True)
    return ChatList(current, tuple(chats))


def _chat(connection: sqlite3.Connection, number: int, title: str, names: Names) -> Chat:
    last = logged_lines(connection.execute(schema.LAST_OF_CHAT, (number,)).fetchall(), names)
    first = logged_lines(connection.execute(schema.FIRST_WORDS_OF_CHAT, (number,)).fetchall(), names)
    return Chat(
        id=number,
        title=title or (_beginning(first[0].line.text) if first else ""),
        is_named=bool(title),
        last_id=last[0].line.id if last else 0,
        last_at=last[0].line.at if last and last[0].line.at != UNKNOWN_TIME else None,
    )


def _beginning(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _BEGIN else words[:_BEGIN].rstrip() + "…"


def change(connection: sqlite3.Connection, number: int | None, *, even_empty: bool = False) -> int | None:
    """Open this chat, or a new one for None; the open one now, None when there is none of that number.

    An open chat without a line is as good as a new one. ``even_empty``: one without a line is there, too.
    """
    current = open_chat(connection)
    if number is None:
        number = current if _is_empty(connection, current) else free_number(connection)
        connection.execute(schema.ADD_CHAT, (number,))
    elif number != current and not even_empty and _is_empty(connection, number):
        return None
    connection.execute(schema.SET_STATE, (_STATE, number))
    return number


def rename(connection: sqlite3.Connection, number: int, title: str) -> bool:
    """Give a chat this title, or by "" the one of its first words again; false when there is no such chat."""
    if number != open_chat(connection) and _is_empty(connection, number):
        return False
    connection.execute(schema.SET_CHAT_TITLE, (number, well_formed(" ".join(title.split()))[:LONGEST_TITLE]))
    return True


def line_ids(connection: sqlite3.Connection, number: int) -> list[int]:
    """The ids of all lines of a chat, those of replaced replies among them."""
    return [int(row[0]) for row in connection.execute(schema.IDS_OF_CHAT, (number,))]


def _is_empty(connection: sqlite3.Connection, number: int) -> bool:
    return connection.execute(f"{schema.IDS_OF_CHAT} LIMIT 1", (number,)).fetchone() is None


def free_number(connection: sqlite3.Connection) -> int:
    """The number of a chat that there is not yet."""
    return int(connection.execute(schema.NEXT_CHAT).fetchone()[0])
