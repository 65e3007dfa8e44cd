"""What a provider says, before it is logged: nothing of the talk is left in it, and the rest is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.llm.echo import without_echo

TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "You are Mio. Ann told you that her sister lives in Bergen."},
    {
        "role": "user",
        "content": [{"type": "image_url"}, {"type": "text", "text": "my pin is 1234, keep it to yourself"}],
    },
    {"role": "user", "content": "swordfish"},
    {"role": "user", "content": "我的密码是八八八八"},
    {"role": "assistant", "content": None},
]


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("The field 'temperature' is not supported.", "The field 'temperature' is not supported."),
        ("Bad message: 'My pin is 1234, keep it'.", "Bad message: '…'."),
        ("Unsafe word: Swordfish!", "Unsafe word: …!"),
        ("内容不合规：我的密码是八八八八，请修改", "内容不合规：…，请修改"),
        ("prompt was: You are Mio. Ann told you that her", "prompt was: …"),
        ("", ""),
    ],
)
def test_what_repeats_the_talk_is_cut_out(said: str, logged: str) -> None:
    assert without_echo(said, TALK) == logged


@given(
    st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", "秘", "密"]), min_size=4, max_size=12),
    st.text(max_size=20),
)
def test_a_line_that_is_repeated_as_a_whole_is_never_logged(words: list[str], around: str) -> None:
    line = " ".join(words)
    assert line not in without_echo(f"{around} {line} {around}", [{"role": "user", "content": line}])
