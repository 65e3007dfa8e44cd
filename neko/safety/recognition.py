"""Does this line say that somebody is in danger? In whatever language of ours, whatever the page shows.

A linear model (``classifier``) reads the line sentence by sentence, each beside the one after it, because the second
often says what the first is about. Traditional characters are read as simplified ones (``folding.json``).

A small model of our own, and no large one that judges: the answer must be there before the reply is asked for, on any
computer, and without sending the words anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from neko.safety.classifier import features, load_concepts, model
from neko.safety.danger import Danger
from neko.safety.folding import folded

_HEAD = 3_000
_TAIL = 1_000
"""Characters of a long text that are looked at: its beginning and its end."""
_SENTENCE = re.compile(r"[.!?。;\n]+")
_SHORT: Final = 90
"""Bytes of UTF-8 up to which a passage is as long as those that the model was trained with."""
_PAIR, _ALONE, _LONG = 2.0, 1.5, 4.0
"""How much surer it must be of two sentences out of more, of one, torn from what stands beside it, and of a passage
that is not short, whose beginning and end are looked at by themselves, too: a long talk has many of each, and hardly
any tells of danger."""


def load_recognition() -> None:
    """Read what is needed ahead of the first line (files are read: not on the loop thread)."""
    model()
    load_concepts()


def recognise(text: str) -> Danger | None:
    """The danger that a line of the user tells of, None when it tells of none.

    Takes a tenth of a millisecond for a short line, and reads files at its first call: not on the loop thread.
    """
    if len(text) > _HEAD + _TAIL:
        text = text[:_HEAD] + "\n" + text[-_TAIL:]
    known = model()
    sure, worst = 0.0, None
    for passage, margin in _passages(folded(text)):
        found = features(passage)
        score = known.score(found) - margin
        if score > sure:
            sure, worst = score, found
    return known.kind(worst) if worst else None


def _passages(text: str) -> Iterator[tuple[str, float]]:
    sentences = [sentence for sentence in _SENTENCE.split(text) if sentence.strip()]
    passages = [(text, 0.0)]
    if len(sentences) > 2:
        passages = [(f"{one} {other}", _PAIR) for one, other in pairwise(sentences)]
    if len(sentences) > 1:
        passages += ((sentence, _ALONE) for sentence in sentences)
    for passage, margin in passages:
        if len(passage.encode("utf-8", "replace")) <= _SHORT:
            yield passage, margin
        else:
            yield passage, max(margin, _LONG)
            end = _SHORT if passage.isascii() else _SHORT // 3
            yield passage[:end], max(margin, _ALONE)
            yield passage[-end:], max(margin, _ALONE)
