"""Train the model of danger: ``python -m tests.safety.train``. Two minutes; numpy only.

Logistic regression by AdaGrad over hashed features, for danger or not and for each danger against the others. What is
printed first is measured by cross-validation: all wordings of a line are trained with together, or held back together.
``--write`` puts the model into ``assets/safety``. After new lines in ``training/`` nothing else is to be done; what is
in ``held_out/`` never goes in.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neko.language import LANGUAGES
from neko.safety import Danger
from neko.safety.classifier import KIND_SIZE, POWER, SIZE, features
from neko.safety.folding import folded
from neko.settings.paths import ASSETS
from tests.safety.training_lines import HARMLESS, training_lines

EPOCHS, KIND_EPOCHS, BATCH, RATE, DECAY = 8, 4, 64, 0.3, 1e-5
FOLDS, SEEDS = 5, 3
THRESHOLD = 0.6
"""From where on a score is danger: chosen so that of other people's long talks (LoCoMo and the like, which are no part
of this project) one or two turns in a hundred are taken for it, and no plain wording is missed."""
LEAST = 0.2
"""Weights below this are left out: they are many, and change little."""
STEPS = 24
"""Steps of a weight on either side of 0; finer ones make the file larger and nothing better."""

Floats = NDArray[np.float32]
Features = NDArray[np.int64]


class Data:
    """``groups``: which line each wording belongs to; ``written_out``: it is a line by itself."""

    def __init__(self) -> None:
        lines = [(number, *line) for number, line in enumerate(training_lines())]
        rows = [(number, language, kind, text, len(texts)) for number, language, kind, texts in lines for text in texts]
        self.features: list[Features] = [np.fromiter(features(folded(text)), np.int64) for *_, text, _ in rows]
        self.groups = np.array([row[0] for row in rows])
        self.languages = np.array([row[1] for row in rows])
        self.kinds = np.array([row[2] for row in rows])
        counts = np.array([row[4] for row in rows])
        self.written_out = counts == 1
        weights = counts**-0.5
        self.weights = (weights / weights.mean()).astype(np.float32)


def trained(
    rows: Sequence[Features], wanted: NDArray[Any], weights: Floats, size: int, epochs: int, seed: int
) -> tuple[Floats, float]:
    """Weights and bias of a logistic regression; ``wanted`` holds 0 and 1."""
    chance = np.random.default_rng(seed)
    table, seen = np.zeros(size, np.float32), np.full(size, 1e-6, np.float32)
    bias, bias_seen = 0.0, 1e-6
    norms = np.array([max(len(row), 1) ** -POWER for row in rows], np.float32)
    rows = [row % size for row in rows]
    for _ in range(epochs):
        order = chance.permutation(len(rows))
        for start in range(0, len(rows), BATCH):
            batch = order[start : start + BATCH]
            places = np.concatenate([rows[i] for i in batch])
            owner = np.repeat(np.arange(len(batch)), [len(rows[i]) for i in batch])
            value = norms[batch][owner]
            scores = np.bincount(owner, table[places] * value, len(batch)) + bias
            error = ((1 / (1 + np.exp(-np.clip(scores, -30, 30))) - wanted[batch]) * weights[batch]).astype(np.float32)
            used, which = np.unique(places, return_inverse=True)
            slope = np.bincount(which, error[owner] * value).astype(np.float32) / len(batch) + DECAY * table[used]
            seen[used] += slope * slope
            table[used] -= RATE * slope / np.sqrt(seen[used])
            mean = float(error.mean())
            bias_seen += mean * mean
            bias -= RATE * mean / bias_seen**0.5
    return table, bias


def scores(rows: Sequence[Features], table: Floats, bias: float) -> Floats:
    size = len(table)
    return np.array([table[row % size].sum() * max(len(row), 1) ** -POWER + bias for row in rows], np.float32)


def cross_validated(data: Data) -> Floats:
    """The score of each row by a model that has met no wording of its line."""
    fold = np.random.default_rng(7).integers(0, FOLDS, data.groups.max() + 1)[data.groups]
    found = np.zeros(len(fold), np.float32)
    danger = (data.kinds != HARMLESS).astype(np.float32)
    for number in range(FOLDS):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        rows = [data.features[i] for i in inside]
        table, bias = trained(rows, danger[inside], data.weights[inside], SIZE, EPOCHS, 0)
        found[outside] = scores([data.features[i] for i in outside], table, bias)
    return found


def report(data: Data, found: Floats) -> None:
    """Print what cross-validation says of lines that are written out."""
    danger, none = data.written_out & (data.kinds != HARMLESS), data.written_out & (data.kinds == HARMLESS)
    for language in LANGUAGES:
        here = data.languages == language
        seen, alarms = (found[here & danger] > THRESHOLD).mean(), (found[here & none] > THRESHOLD).mean()
        print(f"{language}: {seen:.1%} of {(here & danger).sum()} lines seen, {alarms:.1%} false alarms")


def kind_tables(data: Data) -> Iterator[tuple[Floats, float]]:
    danger = np.flatnonzero(data.kinds != HARMLESS)
    rows = [data.features[i] for i in danger]
    for kind in Danger:
        wanted = (data.kinds[danger] == kind.value).astype(np.float32)
        yield trained(rows, wanted, data.weights[danger], KIND_SIZE, KIND_EPOCHS, 0)


def whole(data: Data) -> tuple[Floats, float]:
    """The mean of several models, which is steadier than one."""
    danger = (data.kinds != HARMLESS).astype(np.float32)
    models = [trained(data.features, danger, data.weights, SIZE, EPOCHS, seed) for seed in range(SEEDS)]
    return np.mean([table for table, _ in models], axis=0, dtype=np.float32), sum(bias for _, bias in models) / SEEDS


def write(data: Data) -> None:
    table, bias = whole(data)
    kinds = list(kind_tables(data))
    scale = float(np.quantile(np.abs(table[table != 0]), 0.9995)) / STEPS
    packed = zlib.compress(b"".join(_bytes(one, scale) for one in (table, *(k for k, _ in kinds))), 9)
    folder = ASSETS / "safety"
    (folder / "model.bin").write_bytes(packed)
    facts = {
        "trained": datetime.now(UTC).date().isoformat(),
        "lines": len(data.features),
        "scale": round(scale, 6),
        "bias": round(bias, 4),
        "threshold": THRESHOLD,
        "kind_bias": {kind.value: round(one, 4) for kind, (_, one) in zip(Danger, kinds, strict=True)},
    }
    (folder / "model.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(f"written: {len(packed):,} bytes, scale {scale:.4f}")


def _bytes(table: Floats, scale: float) -> bytes:
    kept = np.where(np.abs(table) < LEAST, 0, table)
    return np.clip(np.round(kept / scale), -127, 127).astype(np.int8).tobytes()


def main() -> None:
    options = argparse.ArgumentParser(description="Train the model of danger.")
    options.add_argument("--write", action="store_true", help="put it into assets/safety")
    chosen = options.parse_args()
    start = time.monotonic()
    data = Data()
    print(f"{len(data.features)} wordings of {data.groups.max() + 1} lines")
    report(data, cross_validated(data))
    if chosen.write:
        write(data)
    print(f"{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
