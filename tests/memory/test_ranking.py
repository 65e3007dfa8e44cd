"""Counting the terms of many lines at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neko.memory.ranking import _Terms

_TERM = st.text(st.sampled_from("ab猫\U0001f431"), min_size=1, max_size=4)


@given(st.lists(st.lists(_TERM, max_size=6), min_size=1, max_size=5), st.lists(_TERM, max_size=5, unique=True))
def test_terms_are_counted_as_they_stand(texts: list[list[str]], wanted: list[str]) -> None:
    terms = _Terms([" ".join(text).encode() for text in texts])
    assert terms.counts().tolist() == [len(text) for text in texts]
    assert terms.of(wanted).tolist() == [[text.count(term) for term in wanted] for text in texts]


def test_what_few_lines_hold_tells_more() -> None:
    everyday, rare, empty = _Terms([b"tea rain", b"heron rain", b""]).rarity()
    assert everyday == rare > empty == 0
    assert _Terms([b"rain", b"rain", b"heron"]).rarity().tolist()[2] > 0 == _Terms([b"rain", b"rain"]).rarity()[0]
