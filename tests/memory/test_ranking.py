"""Which lines count for how much, and how the terms of many of them are counted at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.memory.ranking import Candidate, Question, _Terms, rank

_TERM = st.text(st.sampled_from("ab猫\U0001f431"), min_size=1, max_size=7)


@given(st.lists(st.lists(_TERM, max_size=6), min_size=1, max_size=5), st.lists(_TERM, max_size=5, unique=True))
def test_terms_are_counted_as_they_stand(texts: list[list[str]], wanted: list[str]) -> None:
    terms = _Terms([" ".join(text).encode() for text in texts])
    assert terms.counts().tolist() == [len(text) for text in texts]
    assert terms.of(wanted).tolist() == [[text.count(term) for term in wanted] for text in texts]


def test_what_few_lines_hold_tells_more() -> None:
    everyday, rare, empty = _Terms([b"tea rain", b"heron rain", b""]).rarity()
    assert everyday == rare > empty == 0
    assert _Terms([b"rain", b"rain", b"heron"]).rarity().tolist()[2] > 0 == _Terms([b"rain", b"rain"]).rarity()[0]


TALK = ["heron lake", "tea", "rain", "heron lake boat", "bus", "cake", "heron", "lake boat", "train", "heron lake tea"]


def ranked(cosines: dict[int, float]) -> list[int]:
    """The ids of lines, days apart, for "heron lake boat"."""
    lines = [
        Candidate(place, place * 86_400 * 2, 1, 1, "Ann", text, text.encode()) for place, text in enumerate(TALK, 1)
    ]
    return [one.candidate.id for one in rank(Question(dict.fromkeys(("heron", "lake", "boat"), 1.0)), lines, cosines)]


@pytest.mark.parametrize("embedded", [range(8, 11), range(5, 11), range(1, 4)])
def test_lines_that_have_no_vector_yet_do_not_give_way_to_those_that_have(embedded: range) -> None:
    near = {1: 0.6, 4: 0.9, 7: 0.3, 8: 0.5, 10: 0.6}
    whole = {place: near.get(place, 0.0) for place in range(1, 11)}
    assert ranked(whole)[0] == 4
    assert ranked({place: whole[place] for place in embedded})[0] == 4
