"""Feelings are tagged inline; tags never reach the screen or the voice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.sessions.events import EmotionShown, ReplyText
from neko.sessions.reply_stream import ReplyStream
from neko.sessions.tags import TagFilter


def run(*deltas: str) -> tuple[str, list[str]]:
    tags = TagFilter()
    cleaned = [*map(tags.feed, deltas), tags.flush()]
    return "".join(c.text for c in cleaned), [emotion for c in cleaned for emotion in c.emotions]


def test_a_tag_moves_the_face_and_is_not_shown() -> None:
    assert run("<happy>Hello!") == ("Hello!", ["happy"])


def test_a_tag_split_over_deltas_is_still_a_tag() -> None:
    assert run("<", "ha", "ppy", ">", "Hi") == ("Hi", ["happy"])


def test_other_languages_name_the_same_feelings() -> None:
    assert run("<开心>你好<難過>呢") == ("你好呢", ["happy", "sad"])


@pytest.mark.parametrize("tag", ["</happy>", "<HAPPY>", "< happy >", "<happy/>"])
def test_a_tag_may_be_written_loosely(tag: str) -> None:
    assert run(tag, "Hi") == ("Hi", ["happy"])


@pytest.mark.parametrize(
    "text",
    [
        *("1 < 2 and 3 > 2", "a<b> c", "vector<int> v;", "I <3 you", "a <", "x<y>z", "a <wave hand> b", "<happy hour>"),
        *('She said "<sad>" with a grin.', "“<happy>”", "(<sad>)"),
        *("Press <Enter> to send, or <Ctrl>+<C>.", "<mio@example.com>", "<https://example.com>", "npm i <package>"),
        *("日本<にほん>", "《<三体>》", "a -> b <- c", "<!-- x -->", "<unhappy>", "<happy", "< happy  >"),
    ],
)
def test_what_only_looks_like_a_tag_is_kept(text: str) -> None:
    assert run(text)[0] == text


def test_tags_in_code_are_code() -> None:
    text = "Use `<b>` or\n```html\n<div>hi</div>\n```\nok"
    assert run(text)[0] == text


@pytest.mark.parametrize(
    "code",
    [
        *("`` a`<sad>` ``", "```a` <sad>```", "~~~\n<sad>\n~~~", "````\n```\n<sad>\n````", "- ```\n  <sad>"),
        *("```\n```py\n<sad>", "> ```\n> <sad>", "1. a\n   ~~~py\n   <sad>\n   ~~~", "```\n    ```\n<sad>"),
    ],
)
def test_code_ends_where_markdown_ends_it(code: str) -> None:
    assert run(code) == (code, [])
    assert run(*code) == (code, [])


@pytest.mark.parametrize(
    "code", ["```x``` y ", "- ```\n  x\n\n", "> ```\n> x\n\n", "```\nx\n``` ", "~~~ wow ~~~ ", "\\`"]
)
def test_a_tag_behind_code_is_a_tag(code: str) -> None:
    assert run(f"{code}<sad>.") == (f"{code}.", ["sad"])
    assert run(*f"{code}<sad>.") == (f"{code}.", ["sad"])


def test_white_space_that_is_not_shown_indents_nothing() -> None:
    assert run("     ```\n<sad>") == ("```\n<sad>", [])


def test_a_lone_backtick_does_not_turn_tags_off_for_the_next_line() -> None:
    assert run("it`s fine\n<sad>oh") == ("it`s fine\noh", ["sad"])


def test_text_that_cannot_be_a_tag_is_passed_on_at_once() -> None:
    tags = TagFilter()
    assert tags.feed("Hello").text == "Hello"
    assert tags.feed(" wor").text == " wor"
    assert tags.feed(" < 5").text == " < 5"


def test_space_before_the_first_word_is_dropped() -> None:
    assert run("<happy>", " ", "\n", "Hi") == ("Hi", ["happy"])


@given(st.text(alphabet="ab<>/`~\n 开happy", max_size=60), st.integers(1, 7))
def test_where_the_deltas_are_cut_changes_nothing(text: str, step: int) -> None:
    pieces = [text[at : at + step] for at in range(0, len(text), step)]
    assert run(*pieces) == run(text)


def test_any_number_of_tags_in_one_delta_is_one_change_of_face() -> None:
    events = ReplyStream("t").feed("<happy><sad>" * 3000 + "Oh.")
    assert [type(event) for event in events] == [EmotionShown, ReplyText]
    assert isinstance(events[0], EmotionShown)
    assert events[0].emotion == "sad"
