"""The nearest vectors are found, whatever their number and length."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from neko.memory import schema, vectors
from neko.memory.vectors import Nearest

END = 2**62


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in schema.TABLES:
        connection.execute(statement)
    vectors.make(connection)
    vectors.make_tokens(connection)
    yield connection
    connection.close()


def sentences(count: int, dimensions: int, seed: int = 1) -> NDArray[np.float32]:
    """Vectors as those of sentences: about subjects, each with something of its own, and all leaning one way."""
    random = np.random.default_rng(seed)
    subjects = random.standard_normal((max(count // 50, 1), dimensions))
    rows = subjects[random.integers(0, len(subjects), count)] + 0.7 * random.standard_normal((count, dimensions)) + 1.5
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def keep(connection: sqlite3.Connection, ids: list[int], rows: NDArray[np.float32], number: int = 1) -> None:
    insert = "INSERT OR IGNORE INTO time_indexed_original (id, message) VALUES (?, '{}')"
    connection.executemany(insert, [(one,) for one in ids])
    assert vectors.number_of(connection, "m") == number
    vectors.put(connection, number, ids, rows)


def kept(connection: sqlite3.Connection, rows: NDArray[np.float32], number: int = 1) -> Nearest:
    ids = list(range(1, len(rows) + 1))
    keep(connection, ids, rows, number)
    lines = Nearest(number)
    below = END
    while below:
        below = lines.load(connection, below, 1_000)
    return lines


def exact(rows: NDArray[np.float32], question: NDArray[np.float32], mean: NDArray[np.float32]) -> list[int]:
    """All lines, nearest first, without any short cut."""
    lines, wanted = rows - mean, question - mean
    cosines = lines @ wanted / np.linalg.norm(lines, axis=1) / np.linalg.norm(wanted)
    return [int(one) + 1 for one in np.argsort(-cosines)]


@pytest.mark.parametrize("dimensions", [384, 512, 1024, 100, 3])
def test_a_few_lines_are_ranked_as_without_short_cuts(connection: sqlite3.Connection, dimensions: int) -> None:
    rows = sentences(400, dimensions)
    lines = kept(connection, rows)
    found = lines.nearest(connection, rows[7], 10, END)
    assert found[0] == 8
    assert len(set(found) & set(exact(rows, rows[7], lines.mean)[:10])) >= 9


def test_of_many_lines_the_fifty_nearest_are_nearly_all_found(connection: sqlite3.Connection) -> None:
    rows = sentences(20_000, 384)
    lines = kept(connection, rows)
    hits = 0
    for question in sentences(20, 384, seed=1) + np.float32(0.01):
        hits += len(set(lines.nearest(connection, question, 50, END)) & set(exact(rows, question, lines.mean)[:50]))
    assert hits >= 20 * 50 * 0.95


def test_lines_from_the_end_on_are_not_found(connection: sqlite3.Connection) -> None:
    rows = sentences(1_000, 64)
    lines = kept(connection, rows)
    found = lines.nearest(connection, rows[900], 50, 500)
    assert found
    assert max(found) < 500
    assert lines.nearest(connection, rows[900], 50, 1) == []


def test_a_line_that_is_gone_is_not_found(connection: sqlite3.Connection) -> None:
    rows = sentences(100, 64)
    lines = kept(connection, rows)
    connection.execute("DELETE FROM time_indexed_original WHERE id = 8")
    assert 8 not in lines.nearest(connection, rows[7], 100, END)
    assert 8 not in lines.cosines(connection, rows[7], [7, 8, 9])


def test_what_is_added_while_others_search_is_found(connection: sqlite3.Connection) -> None:
    rows = sentences(3_000, 64)
    lines = kept(connection, rows[:10])
    for start in range(10, 3_000, 130):
        ids = list(range(start + 1, min(start + 131, 3_001)))
        keep(connection, ids, rows[ids[0] - 1 : ids[-1]])
        lines.add(ids, rows[ids[0] - 1 : ids[-1]])
        assert lines.nearest(connection, rows[ids[-1] - 1], 1, END) == [ids[-1]]
    assert lines.count == 3_000
    assert lines.is_stale


def test_what_all_lines_have_in_common_does_not_count(connection: sqlite3.Connection) -> None:
    rows = sentences(500, 64)
    lines = kept(connection, rows)
    cosines = lines.cosines(connection, rows[0], range(1, 501))
    assert cosines[1] == pytest.approx(1, abs=0.01)
    assert abs(np.mean(list(cosines.values()))) < 0.1
    assert float(np.mean(rows @ rows[0])) > 0.5


def test_eight_bits_are_enough_for_a_cosine(connection: sqlite3.Connection) -> None:
    rows = sentences(200, 384)
    back = vectors.unpacked([row.tobytes() for row in vectors.packed(rows)])
    assert np.abs(np.sum(rows * back, axis=1) - 1).max() < 1e-3
    assert np.isfinite(vectors.unpacked([row.tobytes() for row in vectors.packed(np.zeros((1, 8), np.float32))])).all()


def test_a_vector_of_a_line_that_went_meanwhile_is_not_kept(connection: sqlite3.Connection) -> None:
    kept(connection, sentences(5, 64))
    assert vectors.put(connection, 1, [5, 6], sentences(2, 64)) == [5]


# ── tokens ──────────────────────────────────────────────────────────────────────────────


def test_the_likeness_of_tokens_is_what_it_is_in_full(connection: sqlite3.Connection) -> None:
    texts = [sentences(3 + number % 5, 32, seed=number) for number in range(60)]
    ids = list(range(1, 61))
    keep(connection, ids, sentences(60, 32))
    vectors.put(connection, 1, ids, sentences(60, 32), texts)
    question = sentences(4, 32, seed=7)
    found = vectors.likenesses(connection, 1, question, ids)
    mean = np.concatenate(texts).mean(axis=0)
    wanted = question - mean
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    for line, tokens in zip(ids, texts, strict=True):
        apart = tokens - mean
        apart /= np.linalg.norm(apart, axis=1, keepdims=True)
        best, count = found[line]
        assert count == len(tokens)
        assert np.allclose(best, (apart @ wanted.T).max(axis=0), atol=0.1)


def test_lines_without_tokens_are_like_nothing(connection: sqlite3.Connection) -> None:
    keep(connection, [1, 2], sentences(2, 32))
    vectors.put(connection, 1, [1], sentences(1, 32), [np.empty((0, 32), np.float32)])
    assert vectors.likenesses(connection, 1, sentences(4, 32), [1, 2]) == {}
    vectors.put(connection, 1, [2], sentences(1, 32), [sentences(3, 32)])
    assert list(vectors.likenesses(connection, 1, sentences(4, 32), [1, 2])) == [2]
    assert vectors.likenesses(connection, 1, np.empty((0, 32), np.float32), [2]) == {}


def test_tokens_go_with_the_vectors_of_their_line(connection: sqlite3.Connection) -> None:
    keep(connection, [1, 2, 3], sentences(3, 32))
    vectors.put(connection, 1, [1, 2, 3], sentences(3, 32), [sentences(2, 32)] * 3)
    connection.execute("DELETE FROM time_indexed_original WHERE id = 1")
    assert list(vectors.likenesses(connection, 1, sentences(4, 32), [1, 2, 3])) == [2, 3]
    assert vectors.forget(connection, 1, 10)
    assert connection.execute("SELECT count(*) FROM neko_tokens").fetchone() == (0,)
