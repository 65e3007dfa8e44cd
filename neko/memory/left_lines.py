"""Lines of chats that were left for another before a memo was made of them, found again in the log when it is opened.

While Neko runs they are in mind (``RecentWindow.left``); nothing of it is written, as the log and the memos, which name
the lines that they were made from, tell all of it. Every call blocks and raises ``sqlite3.Error``.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
import sys
from collections.abc import Sequence
from typing import Final

from neko.memory import schema
from neko.memory.brought_in import BROUGHT_IN
from neko.memory.line_codec import LoggedLine, Names, logged_lines, parsed_row

_NO_MEMO: Final = "no memo"
"""The name of the state that says up to which line none waits for a memo, as one of it was forgotten by hand."""
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
    are summed up by themselves, those that others wrote, and those of which the user wanted no summary."""
    no_memo = connection.execute(schema.GET_STATE, (_NO_MEMO,)).fetchone()
    since = max(since, no_memo[0] if no_memo else 0)
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


def forget_memo(connection: sqlite3.Connection, sources: Sequence[int]) -> None:
    """The memo of these lines is forgotten by hand: no other is made of them."""
    row = connection.execute(schema.GET_STATE, (_NO_MEMO,)).fetchone()
    connection.execute(schema.SET_STATE, (_NO_MEMO, max([row[0] if row else 0, *sources])))
