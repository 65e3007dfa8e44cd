"""Lines of chats that were left for another before a memo was made of them, found again in the log when it is opened.

While Neko runs they are in mind (``RecentWindow.left``); nothing of it is written, as the log and the memos, which name
the lines that they were made from, tell all of it. Every call blocks and raises ``sqlite3.Error``.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
import sys
from typing import Final

from neko.memory import schema
from neko.memory.brought_in import BROUGHT_IN
from neko.memory.line_codec import LoggedLine, Names, logged_lines, parsed_row

_NEWEST: Final = (
    f"SELECT id FROM {schema.ORIGINAL} WHERE {schema.CHAT} = ? AND id > ? AND id <= ? ORDER BY id DESC LIMIT ?"
)
_THESE: Final = (
    f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id IN (SELECT value FROM json_each(?)) "
    f"AND {schema.NOT_REPLACED} ORDER BY id"
)


def waiting(connection: sqlite3.Connection, names: Names, chat: int, since: int, most: int) -> list[LoggedLine]:
    """The newest lines, ``most`` of them, that were said in other chats than this one after ``since``, up to which the
    memo of the window reaches, and that no summary was made of; oldest first. Without those that were brought in and
    are summed up by themselves, and those that others wrote."""
    chats = {0, *(number for number, _ in connection.execute(schema.CHAT_TITLES))} - {chat}
    brought_in = connection.execute(schema.GET_STATE, (BROUGHT_IN,)).fetchone()
    through = brought_in[0] if brought_in else sys.maxsize
    newest = (connection.execute(_NEWEST, (number, since, through, most)) for number in chats)
    ids = heapq.nlargest(most, (line_id for rows in newest for (line_id,) in rows))
    if not ids:
        return []
    for _, _, raw, _ in connection.execute(schema.SUMMARIES):
        told = set(parsed_row(raw or "").sources)
        ids = [line_id for line_id in ids if line_id not in told]
    return [one for one in logged_lines(connection.execute(_THESE, (json.dumps(ids),)).fetchall(), names) if one.own]
