"""Speech in a stream of probabilities, window by window."""

from __future__ import annotations

from neko.audio.turn_taking.segmenter import Segmenter, Speech
from neko.audio.voice_activity import WINDOW_S


def heard(segmenter: Segmenter, *stretches: tuple[float, float]) -> list[Speech]:
    """What is told of stretches of (probability, seconds)."""
    events: list[Speech] = []
    for probability, seconds in stretches:
        for _ in range(round(seconds / WINDOW_S)):
            events.extend(segmenter.feed(probability))
    return events


def test_a_turn_begins_pauses_and_ends() -> None:
    assert heard(Segmenter(patience_s=0.5), (0.1, 1.0), (0.9, 1.0), (0.1, 0.6)) == [
        Speech.BEGAN,
        Speech.LASTS,
        Speech.PAUSED,
        Speech.ENDED,
    ]


def test_a_start_is_told_within_the_first_tenth_of_a_second() -> None:
    segmenter = Segmenter()
    assert heard(segmenter, (0.1, 1.0), (0.9, 0.1)) == [Speech.BEGAN]


def test_one_likely_window_is_no_start_unless_it_is_sure() -> None:
    assert heard(Segmenter(), (0.1, 0.5), (0.6, WINDOW_S), (0.1, 1.0)) == []
    assert heard(Segmenter(), (0.1, 0.5), (0.6, 2 * WINDOW_S)) == [Speech.BEGAN]
    assert heard(Segmenter(), (0.1, 0.5), (0.8, WINDOW_S)) == [Speech.BEGAN]


def test_what_is_neither_likely_nor_unlikely_stays_what_it_was() -> None:
    assert heard(Segmenter(), (0.1, 0.5), (0.42, 1.0)) == []
    assert heard(Segmenter(patience_s=0.3), (0.9, 0.3), (0.42, 1.0))[-1] is Speech.LASTS


def test_a_pause_shorter_than_the_patience_goes_on() -> None:
    segmenter = Segmenter(patience_s=1.0)
    events = heard(segmenter, (0.9, 1.0), (0.1, 0.8), (0.9, 0.5), (0.1, 1.1))
    assert events == [Speech.BEGAN, Speech.LASTS, Speech.PAUSED, Speech.WENT_ON, Speech.PAUSED, Speech.ENDED]
    assert abs(segmenter.speech_s - 1.5) < 3 * WINDOW_S


def test_patience_that_changes_in_a_pause_counts_at_once() -> None:
    segmenter = Segmenter(patience_s=5.0)
    heard(segmenter, (0.9, 1.0), (0.1, 0.6))
    segmenter.patience_s = 0.4
    assert heard(segmenter, (0.1, WINDOW_S)) == [Speech.ENDED]


def test_speech_too_short_for_a_word_was_noise() -> None:
    assert heard(Segmenter(patience_s=0.3), (0.9, 2 * WINDOW_S), (0.1, 0.5)) == [
        Speech.BEGAN,
        Speech.WAS_NOISE,
    ]


def test_a_turn_without_end_ends_at_a_pause_after_a_minute_and_in_any_case_after_two() -> None:
    paused = heard(Segmenter(patience_s=5.0), (0.9, 61.0), (0.1, 0.3))
    assert paused[-1] is Speech.ENDED
    assert heard(Segmenter(patience_s=5.0), (0.9, 121.0)).count(Speech.ENDED) == 1


def test_while_it_is_held_only_the_release_ends_it() -> None:
    segmenter = Segmenter(patience_s=0.3)
    assert list(segmenter.hold()) == [Speech.BEGAN]
    assert Speech.ENDED not in heard(segmenter, (0.9, 0.5), (0.1, 5.0), (0.9, 0.5), (0.1, 130.0))
    assert list(segmenter.end()) == [Speech.ENDED]
    assert not segmenter.open


def test_the_end_of_nothing_is_nothing() -> None:
    assert list(Segmenter().end()) == []


def test_a_key_that_is_held_is_no_cough_though_nothing_is_said() -> None:
    segmenter = Segmenter()
    list(segmenter.hold())
    assert heard(segmenter, (0.1, 2.0)) == [Speech.PAUSED]
    assert heard(segmenter, (0.1, 1.0)) == [Speech.LASTS]
