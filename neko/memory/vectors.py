"""Vectors of lines, in the log's own file, and finding the nearest.

``neko_vectors`` holds a vector for each line and model, in 8 bits; ``neko_embedders`` gives models their numbers. A
trigger takes the vectors with a row that is deleted or changed, so that none outlives its words.

Finding goes in two passes: over one bit for each dimension, in memory (48 bytes a line at 384 dimensions; a million
lines take 11 ms), then over the vectors of the few hundred lines that come nearest by those, which are read from the
file. Where the bits come from, the vectors of sentences all point about the same way, so the log's mean vector is
subtracted first (``Nearest``).

``neko_tokens`` holds the vectors of a line's tokens, where the model gives any, in 4 bits: 66 bytes each at 128
dimensions, about 2 KB a line. They are read for a few hundred lines of each question.

Not sqlite-vec (https://alexgarcia.xyz/sqlite-vec), which takes fifty times as long: the nearest 500 by bits (0.1.9,
``vec0`` with ``bit[384]``, one core) cost 7, 66 and 657 ms at 10,000, 100,000 and a million lines, ``Nearest`` 0.1, 1.3
and 11; the cosines of 8 bits in this table cost 11 and 98 ms. A recall at a million lines may take 120 in all. Nor can
many builds of Python, pyenv's and python.org's for macOS among them, load extensions.

Everything blocks.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from neko.memory import schema
from neko.memory.line_codec import Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

_MAKE: Final = (
    "CREATE TABLE IF NOT EXISTS neko_embedders (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE IF NOT EXISTS neko_vectors (embedder INTEGER NOT NULL, id INTEGER NOT NULL, vector BLOB NOT NULL, "
    "PRIMARY KEY (embedder, id)) WITHOUT ROWID",
    *(
        f"CREATE TRIGGER IF NOT EXISTS neko_vectors_{event.lower()} AFTER {event} ON {schema.ORIGINAL} BEGIN "
        "DELETE FROM neko_vectors WHERE embedder IN (SELECT number FROM neko_embedders) AND id = old.id; END"
        for event in ("DELETE", "UPDATE")
    ),
)
_MAKE_TOKENS: Final = (
    "CREATE TABLE IF NOT EXISTS neko_tokens (embedder INTEGER NOT NULL, id INTEGER NOT NULL, vectors BLOB NOT NULL, "
    "PRIMARY KEY (embedder, id))",
    "CREATE TRIGGER IF NOT EXISTS neko_tokens_delete AFTER DELETE ON neko_vectors BEGIN "
    "DELETE FROM neko_tokens WHERE embedder = old.embedder AND id = old.id; END",
)
_MIDDLE: Final = 7.5
"""Of the 16 levels of 4 bits."""
_FIRST_PASS: Final = 500
"""Of the 50 nearest lines, 98 % are among so many with the nearest bits."""
_SHRUNK: Final = 10
"""As many lines without a direction are counted into the mean, so that the first few lines do not become nothing."""
_BLOCK: Final = 65_536
"""Lines whose bits are compared at once: they stay in the processor's cache."""
_NEAR: Final = 0.2
"""The cosine without the mean that the line nearest to a question has, as a rule, if anything was said of it: of
LoCoMo's questions, English and Chinese, 99 of 100 have more; of questions about the world one in four."""
_ENOUGH: Final = 50
"""Lines whose mean tells something."""


def make(connection: sqlite3.Connection) -> None:
    """Make the tables, if they are not there."""
    for statement in _MAKE:
        connection.execute(statement)


def make_tokens(connection: sqlite3.Connection) -> None:
    """Make the table of the vectors of tokens, if it is not there."""
    for statement in _MAKE_TOKENS:
        connection.execute(statement)


def number_of(connection: sqlite3.Connection, name: str) -> int:
    """The number of a model, given to it if it has none."""
    connection.execute("INSERT OR IGNORE INTO neko_embedders (name) VALUES (?)", (name,))
    return int(connection.execute("SELECT number FROM neko_embedders WHERE name = ?", (name,)).fetchone()[0])


def embedders(connection: sqlite3.Connection) -> dict[str, int]:
    """The models that have vectors here, with their numbers, the one used last at the end."""
    return dict(
        connection.execute(
            "SELECT name, number FROM neko_embedders WHERE EXISTS "
            "(SELECT 1 FROM neko_vectors WHERE embedder = number) ORDER BY number"
        ).fetchall()
    )


def put(
    connection: sqlite3.Connection, number: int, ids: Sequence[int], vectors: Matrix, tokens: Sequence[Matrix] = ()
) -> list[int]:
    """Keep vectors of lines that are still there, and those of the ``tokens`` of each, if any; their ids."""
    kept = {
        row[0]
        for row in connection.execute(
            f"SELECT id FROM {schema.ORIGINAL} WHERE id IN (SELECT value FROM json_each(?)) AND {schema.NOT_REPLACED}",
            (json.dumps(list(ids)),),
        )
    }
    rows = zip(ids, packed(vectors), strict=True)
    connection.executemany(
        "INSERT OR REPLACE INTO neko_vectors VALUES (?, ?, ?)",
        [(number, line, vector.tobytes()) for line, vector in rows if line in kept],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO neko_tokens VALUES (?, ?, ?)",
        [(number, line, in_4_bits(one)) for line, one in zip(ids, tokens, strict=False) if line in kept],
    )
    return [line for line in ids if line in kept]


def count(connection: sqlite3.Connection) -> int:
    """Rows of the log."""
    return int(connection.execute(f"SELECT count(*) FROM {schema.ORIGINAL}").fetchone()[0])


def forget(connection: sqlite3.Connection, number: int, limit: int) -> bool:
    """Delete some vectors of a model; false when there are none left."""
    return bool(
        connection.execute(
            "DELETE FROM neko_vectors WHERE embedder = ?1 AND id IN "
            "(SELECT id FROM neko_vectors WHERE embedder = ?1 LIMIT ?2)",
            (number, limit),
        ).rowcount
    )


def forget_others(connection: sqlite3.Connection, number: int, limit: int) -> bool:
    """Delete some vectors of other models; false when there are none left."""
    deleted = connection.execute(
        "DELETE FROM neko_vectors WHERE (embedder, id) IN "
        "(SELECT embedder, id FROM neko_vectors WHERE embedder <> ? LIMIT ?)",
        (number, limit),
    ).rowcount
    if not deleted:
        connection.execute("DELETE FROM neko_embedders WHERE number <> ?", (number,))
    return deleted > 0


def missing(
    connection: sqlite3.Connection, number: int, above: int, below: int, limit: int, texts: int
) -> tuple[list[Row], int]:
    """Of the ``limit`` newest rows with ids between ``above`` and ``below``, both exclusive: those without a vector, at
    most ``texts`` of them, newest first; and the id below which to go on, ``above`` at the end."""
    ids = [
        row[0]
        for row in connection.execute(
            f"SELECT id FROM {schema.ORIGINAL} WHERE id > ? AND id < ? ORDER BY id DESC LIMIT ?", (above, below, limit)
        )
    ]
    if not ids:
        return [], above
    held = {
        row[0]
        for row in connection.execute(
            "SELECT id FROM neko_vectors WHERE embedder = ? AND id BETWEEN ? AND ?", (number, ids[-1], ids[0])
        )
    }
    wanted = [line for line in ids if line not in held][:texts]
    rows = connection.execute(
        f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id IN (SELECT value FROM json_each(?)) "
        f"AND {schema.NOT_REPLACED} ORDER BY id DESC",
        (json.dumps(wanted),),
    ).fetchall()
    return rows, wanted[-1] if len(wanted) == texts else ids[-1]


def unchanged(connection: sqlite3.Connection, rows: Sequence[Row]) -> set[int]:
    """The ids of those rows that are still there, with the same words."""
    before = {row[0]: row[2] for row in rows}
    now = connection.execute(
        f"SELECT id, message FROM {schema.ORIGINAL} WHERE id IN (SELECT value FROM json_each(?)) "
        f"AND {schema.NOT_REPLACED}",
        (json.dumps(list(before)),),
    )
    return {line for line, message in now if message == before[line]}


def packed(vectors: Matrix) -> NDArray[np.int8]:
    """In 8 bits: each row times what brings its largest number to 127. Its direction is all that counts."""
    import numpy as np

    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=1e-9)
    rounded: NDArray[np.int8] = np.rint(vectors * (127 / largest)).astype(np.int8)
    return rounded


def unpacked(blobs: Sequence[bytes]) -> Matrix:
    """What ``packed`` made, of length 1."""
    import numpy as np

    matrix = np.frombuffer(b"".join(blobs), np.int8).reshape(len(blobs), -1).astype(np.float32)
    matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return matrix


def in_4_bits(vectors: Matrix) -> bytes:
    """Each row as a float16, by which its numbers are multiplied, and its numbers in halves of a byte, the low ones
    first; an even number of dimensions. Rows are brought to length 1."""
    import numpy as np

    vectors = _of_length_1(vectors)
    steps = (np.abs(vectors).max(axis=1, keepdims=True, initial=0.0) / _MIDDLE).astype("<f2")
    levels = np.floor(vectors / np.maximum(steps.astype(np.float32), 1e-6)) + 8
    low, high = np.split(np.clip(levels, 0, 15).astype(np.uint8), 2, axis=1)
    return np.concatenate([steps.view(np.uint8), low | high << 4], axis=1).tobytes()


def likenesses(
    connection: sqlite3.Connection, number: int, question: Matrix, ids: Sequence[int]
) -> dict[int, tuple[Matrix, int]]:
    """Of each of these lines that has vectors of tokens: for each token of the question, given by its vector, the
    cosine of the line's token that is most like it, and how many tokens the line has.

    The mean of all tokens of these lines is subtracted from both: in one log all lean one way.
    """
    import numpy as np

    rows = connection.execute(
        "SELECT id, vectors FROM neko_tokens WHERE embedder = ? AND length(vectors) > 0 "
        "AND id IN (SELECT value FROM json_each(?))",
        (number, json.dumps(list(ids))),
    ).fetchall()
    if not rows or not len(question):
        return {}
    size = 2 + question.shape[1] // 2
    counts = [len(row[1]) // size for row in rows]
    packed = np.frombuffer(b"".join(row[1] for row in rows), np.uint8).reshape(-1, size)
    steps, halves = packed[:, :2].copy().view("<f2")[:, 0].astype(np.float32), packed[:, 2:]
    levels = np.concatenate([halves & 15, halves >> 4], axis=1).astype(np.float32)
    mean = (steps @ levels - _MIDDLE * steps.sum()) / len(levels)
    wanted = np.concatenate([_of_length_1(_of_length_1(question) - mean), mean[None]])
    # products with tokens, which are steps * (levels - middle), so that nothing is subtracted from every number
    products = (levels @ wanted.T - _MIDDLE * wanted.sum(axis=1)) * steps[:, None]
    apart = np.sqrt(np.maximum(1 - 2 * products[:, -1] + mean @ mean, 1e-3))
    cosines = (products[:, :-1] - wanted[:-1] @ mean) / apart[:, None]
    best = np.maximum.reduceat(cosines, np.cumsum([0, *counts[:-1]]), axis=0)
    return {row[0]: (one, count) for row, one, count in zip(rows, best, counts, strict=True)}


def _of_length_1(vectors: Matrix) -> Matrix:
    import numpy as np

    unit: Matrix = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return unit


class Nearest:
    """The lines of one log by the vectors of one model. Grows by ``load`` and ``add``; ids that have gone since do no
    harm, as what is found is read from the file. One thread at a time adds; others may search meanwhile.

    The bits are those of vectors from which the mean of that moment was subtracted; the mean itself goes with every
    vector. ``is_stale``: by now it has another direction, so the bits are best made anew.
    """

    def __init__(self, number: int) -> None:
        import numpy as np

        self.number = number
        self.count = 0
        self._ids = np.empty(0, np.int64)
        self._codes = np.empty((0, 0), np.uint64)
        self._sum = np.empty(0, np.float32)
        self._mean_of_codes: Matrix | None = None
        self._counted = 0

    @property
    def is_stale(self) -> bool:
        return self._counted < 20_000 and self.count > 2 * max(self._counted, 50)

    @property
    def dimensions(self) -> int:
        """0 while there is no line."""
        return len(self._sum)

    @property
    def mean(self) -> Matrix:
        """float32 ``[dimensions]``."""
        return _mean(self._sum, self.count)

    def load(self, connection: sqlite3.Connection, below: int, limit: int) -> int:
        """Add some vectors of the file, newest first; the id below which to go on, 0 at the end."""
        rows = connection.execute(
            "SELECT id, vector FROM neko_vectors WHERE embedder = ? AND id < ? ORDER BY id DESC LIMIT ?",
            (self.number, below, limit),
        ).fetchall()
        if rows:
            self.add([row[0] for row in rows], unpacked([row[1] for row in rows]))
        return int(rows[-1][0]) if len(rows) == limit else 0

    def add(self, ids: Sequence[int], vectors: Matrix) -> None:
        """float32 ``[len(ids), dimensions]``, of length 1."""
        import numpy as np

        if not len(ids):
            return
        total: Matrix = vectors.sum(axis=0, dtype=np.float32)
        self._sum = total if not self.count else self._sum + total
        if self._mean_of_codes is None:
            self._mean_of_codes, self._counted = _mean(total, len(ids)), len(ids)
        codes = _bits(vectors - self._mean_of_codes)
        needed = self.count + len(ids)
        if needed > len(self._ids):  # doubling, so that each line is copied about once
            room = max(needed, 2 * len(self._ids), 256)
            grown_ids, grown = np.zeros(room, np.int64), np.zeros((len(codes), room), np.uint64)
            if self.count:
                grown_ids[: self.count] = self._ids[: self.count]
                grown[:, : self.count] = self._codes[:, : self.count]
            self._ids, self._codes = grown_ids, grown
        self._ids[self.count : needed] = ids
        self._codes[:, self.count : needed] = codes
        self.count = needed

    def nearest(
        self, connection: sqlite3.Connection, question: Matrix, count: int, end: int, floor: float = -1.0
    ) -> list[int]:
        """The ids below ``end`` of the ``count`` lines nearest to a vector, nearest first.

        None where none is near: ``floor`` is the least cosine to the vector as it is, that of the nearest line. What
        is left of the nearest when the mean is subtracted tells as well, where there are enough lines for a mean.
        """
        cosines, nearest = self._cosines(connection, question, self._first_pass(question, end))
        apart = max(cosines.values(), default=0.0)
        if nearest < floor or (floor > -1 and self.count >= _ENOUGH and apart < _NEAR):
            return []
        return sorted(cosines, key=lambda line: (-cosines[line], -line))[:count]

    def cosines(self, connection: sqlite3.Connection, question: Matrix, ids: Sequence[int]) -> dict[int, float]:
        """The cosine to a vector of each of these lines that has one, the mean subtracted from both."""
        return self._cosines(connection, question, ids)[0]

    def _cosines(
        self, connection: sqlite3.Connection, question: Matrix, ids: Sequence[int]
    ) -> tuple[dict[int, float], float]:
        """``cosines``, and the largest cosine of the vectors as they are."""
        import numpy as np

        rows = connection.execute(
            "SELECT id, vector FROM neko_vectors WHERE embedder = ? AND id IN (SELECT value FROM json_each(?))",
            (self.number, json.dumps(list(ids))),
        ).fetchall()
        if not rows or not self.count:
            return {}, -1.0
        tiny, mean = np.finfo(np.float32).tiny, self.mean
        wanted = question - mean
        lines = np.frombuffer(b"".join(row[1] for row in rows), np.int8).reshape(len(rows), -1).astype(np.float32)
        # the products with the length-1 lines, so that the mean is subtracted from numbers and not from every line
        lengths = np.sqrt(np.maximum(np.einsum("ij,ij->i", lines, lines), tiny))
        with_wanted, with_mean = (lines @ np.stack((wanted, mean), axis=1)).T / lengths
        apart = np.sqrt(np.maximum(1 - 2 * with_mean + mean @ mean, tiny)) * np.linalg.norm(wanted)
        found = (with_wanted - mean @ wanted) / np.maximum(apart, tiny)
        nearest = float((with_wanted + with_mean).max())
        return {row[0]: float(cosine) for row, cosine in zip(rows, found, strict=True)}, nearest

    def _first_pass(self, question: Matrix, end: int) -> list[int]:
        """The ids of the lines whose bits differ least from the question's."""
        import numpy as np

        count, ids, codes = self.count, self._ids, self._codes
        if not count or self._mean_of_codes is None:
            return []
        wanted = _bits((question - self._mean_of_codes)[None])[:, 0]
        far = len(codes) * 64 + 1
        distances = np.zeros(count, np.uint16)
        for start in range(0, count, _BLOCK):
            block = distances[start : start + _BLOCK]
            for words, word in zip(codes[:, start : min(start + _BLOCK, count)], wanted, strict=True):
                block += np.bitwise_count(words ^ word)
        distances[ids[:count] >= end] = far
        within = np.cumsum(np.bincount(distances, minlength=far + 1)[:far])
        cut = min(int(np.searchsorted(within, _FIRST_PASS)), far - 1)
        found = np.flatnonzero(distances <= cut)
        return [int(line) for line in ids[found[np.argsort(distances[found], kind="stable")[:_FIRST_PASS]]]]


def _mean(total: Matrix, count: int) -> Matrix:
    import numpy as np

    return total / np.float32(count + _SHRUNK)


def _bits(vectors: Matrix) -> NDArray[np.uint64]:
    """One bit for each number: whether it is positive; ``[dimensions / 64, rows]``."""
    import numpy as np

    padded = np.pad(vectors > 0, ((0, 0), (0, -vectors.shape[1] % 64)))
    words: NDArray[np.uint64] = np.packbits(padded, axis=1).view(np.uint64).T
    return np.ascontiguousarray(words)
