"""Where code begins and ends in streamed Markdown, next to a parser of CommonMark that reads whole documents."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from neko.code_marks import CodeMarks, ProseReader
from tests.field.hostile_provider import spelled

PARSER = MarkdownIt("commonmark")
CONTAINERS = st.sampled_from(
    ["> ", ">", ">  ", ">\t", "- ", "* ", "+   ", "-\t", "1. ", "2) ", "10. ", " ", "  ", "   ", "    ", "\t"]
)
CONTENTS = st.sampled_from(
    [
        *("```", "```py", "````", "`````", "```  ", "``` a b", "~~~", "~~~py", "~~~~", "~~~ py ", "```x``` y", "``x"),
        *("a", "b `x` c", "`a` \\`", "", "", "-", "- ", "3.", "---", "===", "***", "* * *", "# a", "#", "#a", "###"),
    ]
)
LINES = st.builds("{}{}".format, st.lists(CONTAINERS, max_size=4).map("".join), CONTENTS)
DOCUMENTS = st.lists(LINES, min_size=1, max_size=12).map("\n".join)
ANY_TEXT = st.lists(st.one_of(st.sampled_from([*"`~\n >-1.\\\ta我\r", "```", "~~~"]), CONTENTS), max_size=40).map(
    "".join
)


def lines_of_blocks(text: str) -> set[int]:
    """Numbers of the lines that the parser takes for fenced blocks."""
    blocks = [token.map for token in PARSER.parse(text) if token.type == "fence" and token.map]
    return {number for begin, end in blocks for number in range(begin, end)}


def lines_read_as_blocks(text: str) -> set[int]:
    marks = CodeMarks()
    found = set()
    for number, line in enumerate(text.split("\n")):
        marks.read(line + "\n")
        assert marks.is_block is not None
        if marks.is_block:
            found.add(number)
    return found


def with_words(text: str, numbers: set[int]) -> set[int]:
    """Blank lines between a block that was never closed and what comes next belong to neither."""
    lines = text.split("\n")
    return {number for number in numbers if number < len(lines) and lines[number].strip(" \t>")}


def indents_a_quote(text: str) -> bool:
    """By four columns or more: CommonMark has it as code, the parser goes on with a quote that is open."""
    return any("    >" in line.expandtabs(4) for line in text.split("\n"))


@given(DOCUMENTS)
@example("- a\n  ```\n  b\nc")
@example("> ```\nb")
@example("````\n```\na\n```\n````\nb")
@example("```\n```py\n```\na")
@example("1. a\n\n   ~~~sh\n   b\n   ~~~\n2. c")
@example("- \n\n  ```\n  a\nb")
@example("a\n2. ```\nb")
@example("> a\n```\nb")
def test_blocks_of_code_are_those_of_commonmark(text: str) -> None:
    assume(not indents_a_quote(text))
    assert with_words(text, lines_read_as_blocks(text)) == with_words(text, lines_of_blocks(text))


WORDS = st.sampled_from(["a", " ", "b c", ".", "\\", "\\`", "`", "``", "```", "~~~", "我"])


@given(st.lists(WORDS, max_size=12).map("".join))
def test_spans_are_those_of_commonmark(words: str) -> None:
    text = f"x {words} y"
    (inline,) = (token for token in PARSER.parse(text) if token.type == "inline")
    code = [token.content for token in inline.children or () if token.type == "code_inline"]
    rest = [token.content for token in inline.children or () if token.type == "text"]
    assume("`" not in "".join(rest))  # that it opens nothing is only known at the end of the line
    marks = CodeMarks()
    found = ""
    for letter in text:
        found += letter if marks.inside else ""
        marks.read(letter)
    assert letters(found) == letters("".join(code))


def letters(text: str) -> str:
    return "".join(letter for letter in text if letter not in " `")


@given(ANY_TEXT, st.lists(st.integers(1, 6), max_size=30))
def test_how_the_text_is_cut_changes_nothing(text: str, sizes: list[int]) -> None:
    marks, prose, said = CodeMarks(), ProseReader(), ""
    at = 0
    for size in [*sizes, len(text)]:
        piece = text[at : at + size]
        at += size
        marks.read(piece)
        said += prose.feed(piece)
        whole = CodeMarks()
        whole.read(text[:at])
        assert (marks.inside, marks.is_block) == (whole.inside, whole.is_block)
    whole_prose = ProseReader()
    assert said + prose.flush() == whole_prose.feed(text) + whole_prose.flush()


@given(ANY_TEXT)
def test_to_ask_changes_nothing(text: str) -> None:
    asked, unasked = CodeMarks(), CodeMarks()
    for letter in text:
        asked.read(letter)
        asked.inside  # noqa: B018
        unasked.read(letter)
    assert (asked.inside, asked.is_block) == (unasked.inside, unasked.is_block)


@given(ANY_TEXT)
def test_prose_is_the_lines_that_belong_to_no_block(text: str) -> None:
    prose = ProseReader()
    blocks = lines_read_as_blocks(text)
    outside = "".join(line + "\n" for number, line in enumerate(text.split("\n")) if number not in blocks)
    assert (prose.feed(text) + prose.flush()).rstrip("\n") == outside.rstrip("\n")


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("```", True),
        ("```py", True),
        ("```x``", True),
        ("```x```", False),
        ("```x``` rest", False),
        ("``x`", True),
        ("a `b", True),
        ("a `b\nc", False),
        ("a \\`b", False),
        ("a \\\\`b", True),
        ("```\na\n```", False),
        ("```\na\n``` ", False),
        ("```\na\n```b", True),
        ("```\na\n    ```", True),
        ("```\na\n~~~\n", True),
        ("```\na\n```\r\n", False),
        ("~~~py\r\na\r\n", True),
        ("~~~py\t\n", True),
        ("~~~", True),
        ("~~~ wow ~~~", False),
        ("~~~ well. Yes\n", False),
        ("~~~好\n", False),
        ("- ```\n  a\n", False),
        ("- ```\n  a\n  ", True),
        ("- ```\n  a\n  ```", False),
        ("- ```\n  a\nb", False),
        ("> ```\n> a\n> ", True),
        ("> ```\n> a\n", False),
        ("> ```\n> a\nb", False),
        ("never closed:\n```\n" + "a\n\n" * 9, True),
    ],
)
def test_what_comes_next_is_code_or_is_not(text: str, inside: bool, size: int) -> None:
    marks = CodeMarks()
    for piece in spelled(text, size):
        marks.read(piece)
    assert marks.inside == inside


def test_a_line_of_nothing_but_marks_is_looked_at_for_a_while_only() -> None:
    prose = ProseReader()
    assert prose.feed("> " * 5000).startswith("> > > ")
