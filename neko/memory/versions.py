"""The versions of a reply: each retry is a row that names the one it replaces, so they are a chain.

The newest row of the chain is the reply that counts; the others are marked ``replaced``. An earlier version that is
chosen moves to the end of the log: its row gets a new id and names the one that counted until then, as a further
retry would. So whoever follows the log by its ids (the recent window, recall, pages) follows a choice too.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from neko.memory import schema
from neko.memory.line_codec import Names, logged_lines
from neko.types.lines import Line

_CHAIN: Final = f"""
    WITH RECURSIVE chain (id) AS (
        SELECT ? UNION SELECT ({schema.REPLACES}) FROM chain JOIN {schema.ORIGINAL} USING (id)
    )
    SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id IN (SELECT id FROM chain) ORDER BY id"""
_LAST: Final = (
    f"SELECT id FROM {schema.ORIGINAL} WHERE {schema.NOT_REPLACED} "
    f"AND {schema.CHAT} = (SELECT {schema.CHAT} FROM {schema.ORIGINAL} WHERE id = ?) ORDER BY id DESC LIMIT 1"
)
"""Of the chat that a line belongs to."""
_SKIP: Final = f"""
    UPDATE {schema.ORIGINAL} SET message = json_set(message, '{schema.NEKO}.replaces',
        (SELECT {schema.REPLACES} FROM {schema.ORIGINAL} WHERE id = ?1))
    WHERE id IN (SELECT value FROM json_each(?2)) AND ({schema.REPLACES}) = ?1"""
_MOVE: Final = f"""
    UPDATE {schema.ORIGINAL} SET id = max(?, 1 + (SELECT max(id) FROM {schema.ORIGINAL})),
        message = json_set(message, '{schema.NEKO}.replaces', ?, '{schema.NEKO}.status', ({schema.OWN_STATUS}))
    WHERE id = ? RETURNING {schema.COLUMNS}"""


def versions(connection: sqlite3.Connection, names: Names, line_id: int) -> list[Line]:
    """The line and the earlier versions of it, in the order in which they were said, each with its own status."""
    rows = connection.execute(_CHAIN, (line_id,)).fetchall()
    return sorted((logged.version for logged in logged_lines(rows, names)), key=lambda line: line.at.astimezone())


def choose(connection: sqlite3.Connection, names: Names, line_id: int, first_id: int) -> Line | None:
    """Make this version the reply, under a new id of at least ``first_id``; None if it is none of its chat's last
    line.

    The line as it is from then on; ``replaces`` is what counted until then.
    """
    [last] = connection.execute(_LAST, (line_id,)).fetchone() or (None,)
    chain = [line.id for line in versions(connection, names, last)] if last is not None else []
    if last is None or line_id not in chain:
        return None
    if line_id != last:
        connection.execute(_SKIP, (line_id, str(chain)))
        connection.execute(schema.MARK_REPLACED, (last,))
        rows = connection.execute(_MOVE, (first_id, last, line_id)).fetchall()
    else:
        rows = connection.execute(schema.BY_ID, (line_id,)).fetchall()
    return logged_lines(rows, names)[0].line
