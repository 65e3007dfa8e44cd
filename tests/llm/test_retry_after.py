"""How long a provider asks to wait, in the forms that there are of it."""

from __future__ import annotations

import math
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.llm.retry_after import retry_hint


def in_seconds(seconds: float) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "5"}, 5.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-remaining-tokens": "9", "x-ratelimit-reset-tokens": "6m0s"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "17"}, 17.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e999"}, math.inf),
        ({}, None),
    ],
    ids=str,
)
def test_a_wish_to_wait_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_hint(headers, {}) == seconds


def test_a_date_is_seconds_from_now() -> None:
    wait = retry_hint({"retry-after": in_seconds(3600)}, {})
    assert wait is not None
    assert 3500 < wait <= 3600


def test_a_moment_in_unix_time_is_seconds_from_now() -> None:
    for moment in (f"{time.time() + 3600:.0f}", f"{(time.time() + 3600) * 1000:.0f}"):
        wait = retry_hint({"x-ratelimit-remaining": "0", "x-ratelimit-reset": moment}, {})
        assert wait is not None
        assert 3500 < wait <= 3601


def test_google_writes_it_into_the_body() -> None:
    body = {"error": {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}]}}
    assert retry_hint({}, body) == 34.07


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Rate limit reached for model on tokens per min. Please try again in 5.3s.", 5.3),
        ("Please try again in 6m0s. Contact us", 360.0),
        ("Please try again in 1h2m3.5s", 3723.5),
        ("try again in 120ms", 0.12),
        ("Please retry after 20 seconds.", 20.0),
        ("Please wait 2 minutes and 5 seconds before the next request", 125.0),
        ("quota resets in 1 hour", 3600.0),
        ("Rate limit exceeded, please wait for 7 secs", 7.0),
        ("请求过多，请在 5 秒后重试", 5.0),
        ("请 2 分钟后再试", 120.0),
        ("Please try again in a while", None),
        ("You sent 20 requests in 5 seconds", None),
        ("Limit 5 s of audio", None),
    ],
)
def test_a_wish_in_words_is_understood_retry_in_words(words: str, seconds: float | None) -> None:
    assert retry_hint({}, {"error": {"message": words}}) == seconds


def test_a_header_counts_before_words() -> None:
    assert retry_hint({"retry-after": "2"}, {"error": "try again in 9s"}) == 2.0


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset"]), st.text(max_size=40)))
def test_whatever_is_sent_it_is_nothing_or_a_wait(headers: dict[str, str]) -> None:
    wait = retry_hint({**headers, "x-ratelimit-remaining": "0"}, headers)
    assert wait is None or wait >= 0.0
