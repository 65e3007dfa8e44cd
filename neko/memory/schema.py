"""The tables of a character's log and the statements that touch them.

Both tables have the columns that N.E.K.O. gives them; ``migrations.py`` brings a file to this form.
"""

from __future__ import annotations

from typing import Final

ORIGINAL: Final = "time_indexed_original"
COMPRESSED: Final = "time_indexed_compressed"

PRAGMAS: Final = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL")

COLUMNS: Final = "id, session_id, message, timestamp"


NEKO: Final = "$.data.additional_kwargs.neko"
"""Where in a message that is which only Neko knows."""


def _extra(key: str) -> str:
    return f"CASE WHEN json_valid(message) THEN json_extract(message, '{NEKO}.{key}') END"


CLIENT_ID: Final = _extra("client_id")
NOT_REPLACED: Final = f"({_extra('status')}) IS NOT 'replaced'"
CHAT: Final = f"coalesce({_extra('chat')}, 0)"
"""The chat that a row belongs to (``chats.py``)."""
IMPORT: Final = f"coalesce({_extra('imported')}, 0)"
"""The number of the import that a row came with."""
OWN_STATUS: Final = f"coalesce({_extra('own_status')}, 'complete')"
"""The status of a replaced line as it was before."""
REPLACES: Final = _extra("replaces")
FOREIGN: Final = f"({_extra('turn_id')}) IS NULL"


def _table(name: str) -> str:
    return (
        f"CREATE TABLE IF NOT EXISTS {name} (id INTEGER NOT NULL, session_id TEXT, message TEXT, "
        "timestamp DATETIME, PRIMARY KEY (id))"
    )


TABLES: Final = (
    _table(ORIGINAL),
    _table(COMPRESSED),
    "CREATE TABLE IF NOT EXISTS neko_state (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
)

INDEXES: Final = (
    f"CREATE INDEX IF NOT EXISTS neko_original_timestamp ON {ORIGINAL} (timestamp)",
    f"CREATE INDEX IF NOT EXISTS neko_original_session ON {ORIGINAL} (session_id)",
    f"CREATE INDEX IF NOT EXISTS neko_original_client ON {ORIGINAL} ({CLIENT_ID}) WHERE {CLIENT_ID} IS NOT NULL",
    f"CREATE INDEX IF NOT EXISTS neko_compressed_timestamp ON {COMPRESSED} (timestamp)",
)

CHAT_TABLE: Final = "CREATE TABLE IF NOT EXISTS neko_chats (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"
CHAT_INDEX: Final = f"CREATE INDEX IF NOT EXISTS neko_original_chat ON {ORIGINAL} ({CHAT})"

OUTSIDE: Final = "instr(message, '\"outside\": true') + instr(message, '\"outside\":true') > 0"
"""Words from outside were read for this line: as ``line_json`` writes it, and as SQLite's ``json_set`` leaves it. In a
text its quotes would be escaped."""
OUTSIDE_INDEX: Final = f"CREATE INDEX IF NOT EXISTS neko_original_outside ON {ORIGINAL} (id) WHERE {OUTSIDE}"
FIRST_OUTSIDE: Final = f"SELECT 1 FROM {ORIGINAL} WHERE id <= ? AND {OUTSIDE} LIMIT 1"
OUTSIDE_AMONG: Final = f"SELECT id FROM {ORIGINAL} WHERE id IN (SELECT value FROM json_each(?)) AND {OUTSIDE}"

LAST_ID: Final = f"SELECT coalesce(max(id), 0) FROM {ORIGINAL}"
LAST_FOREIGN_ID: Final = f"SELECT id FROM {ORIGINAL} WHERE {FOREIGN} ORDER BY id DESC LIMIT 1"
PROBE: Final = f"SELECT * FROM {ORIGINAL} ORDER BY id DESC LIMIT 40"
"""Reads the last rows whole, which fails in a file whose end is damaged: what is written next goes there."""

_VALUES: Final = f"SELECT max(?, 1 + (SELECT coalesce(max(id), 0) FROM {ORIGINAL})), ?, ?, ?"
"""Ids go on growing after a damaged file has lost the last ones: the first value is the smallest id to give."""

INSERT: Final = f"INSERT INTO {ORIGINAL} ({COLUMNS}) {_VALUES} RETURNING id"
INSERT_ONCE: Final = (
    f"INSERT INTO {ORIGINAL} ({COLUMNS}) {_VALUES} "
    f"WHERE NOT EXISTS (SELECT 1 FROM {ORIGINAL} WHERE {CLIENT_ID} = ?) RETURNING id"
)
INSERT_SUMMARY: Final = f"INSERT INTO {COMPRESSED} (session_id, message, timestamp) VALUES (?, ?, ?) RETURNING id"

BY_CLIENT_ID: Final = f"SELECT {COLUMNS} FROM {ORIGINAL} WHERE {CLIENT_ID} = ? ORDER BY id LIMIT 1"
BEFORE: Final = f"SELECT {COLUMNS} FROM {ORIGINAL} WHERE id < ? AND {NOT_REPLACED} ORDER BY id DESC LIMIT ?"
BEFORE_IN_CHAT: Final = BEFORE.replace("WHERE", f"WHERE {CHAT} = ? AND", 1)
AFTER: Final = f"SELECT {COLUMNS} FROM {ORIGINAL} WHERE id > ? AND id < ? AND {NOT_REPLACED} ORDER BY id LIMIT ?"
AFTER_IN_CHAT: Final = AFTER.replace("WHERE", f"WHERE {CHAT} = ? AND", 1)

CHATS_WITH_LINES: Final = f"SELECT DISTINCT {CHAT} FROM {ORIGINAL}"
CHAT_TITLES: Final = "SELECT id, title FROM neko_chats"
SET_CHAT_TITLE: Final = (
    "INSERT INTO neko_chats (id, title) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET title = excluded.title"
)
ADD_CHAT: Final = "INSERT OR IGNORE INTO neko_chats (id, title) VALUES (?, '')"
FORGET_TITLES_OF_EMPTY: Final = f"UPDATE neko_chats SET title = '' WHERE id NOT IN ({CHATS_WITH_LINES})"
NEXT_CHAT: Final = (
    f"SELECT 1 + max((SELECT coalesce(max({CHAT}), 0) FROM {ORIGINAL}), (SELECT coalesce(max(id), 0) FROM neko_chats))"
)
IDS_OF_CHAT: Final = f"SELECT id FROM {ORIGINAL} WHERE {CHAT} = ?"
LAST_OF_CHAT: Final = f"SELECT {COLUMNS} FROM {ORIGINAL} WHERE {CHAT} = ? AND {NOT_REPLACED} ORDER BY id DESC LIMIT 1"
_WORDS: Final = "coalesce(json_extract(message, '$.data.content[0].text'), json_extract(message, '$.data.content'))"
FIRST_WORDS_OF_CHAT: Final = (
    f"SELECT {COLUMNS} FROM {ORIGINAL} WHERE {CHAT} = ? AND json_valid(message) "
    f"AND json_extract(message, '$.type') = 'human' AND trim({_WORDS}) <> '' ORDER BY id LIMIT 1"
)

MARK_REPLACED: Final = (
    f"UPDATE {ORIGINAL} SET message = json_set(message, '{NEKO}.status', 'replaced', "
    f"'{NEKO}.own_status', ({_extra('status')})) WHERE id = ? AND json_valid(message)"
)

IMPORTED: Final = f"SELECT id FROM {ORIGINAL} WHERE instr(message, '\"imported\"') AND {_extra('imported')} = ?"
REPLACED_BY: Final = f"SELECT {REPLACES} FROM {ORIGINAL} WHERE id = ?"
NAMED_PICTURES: Final = (
    f"SELECT DISTINCT value FROM {ORIGINAL}, json_each(CASE WHEN instr(message, '\"pictures\"') "
    f"THEN {_extra('pictures')} END)"
)
SIZES: Final = (
    f"SELECT (SELECT count(*) FROM {ORIGINAL}), (SELECT count(*) FROM {COMPRESSED}), (SELECT count(*) FROM neko_words)"
)
BY_ID: Final = f"SELECT {COLUMNS} FROM {ORIGINAL} WHERE id = ?"
DELETE: Final = f"DELETE FROM {ORIGINAL} WHERE id = ? RETURNING id, timestamp"
INSERT_AGAIN: Final = f"INSERT OR IGNORE INTO {ORIGINAL} ({COLUMNS}) VALUES (?, ?, ?, ?)"
SUMMARIES: Final = f"SELECT {COLUMNS} FROM {COMPRESSED}"
DELETE_SUMMARY: Final = f"DELETE FROM {COMPRESSED} WHERE id = ?"

GET_STATE: Final = "SELECT value FROM neko_state WHERE name = ?"
SET_STATE_ONCE: Final = "INSERT OR IGNORE INTO neko_state (name, value) VALUES (?, ?)"
LOWER_STATE: Final = (
    "INSERT INTO neko_state (name, value) VALUES (?, ?) "
    "ON CONFLICT (name) DO UPDATE SET value = min(value, excluded.value)"
)
DROP_STATE: Final = "DELETE FROM neko_state WHERE name = ?"
SET_STATE: Final = (
    "INSERT INTO neko_state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
