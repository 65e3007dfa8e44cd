"""No function over text of a user or a model costs more than its length: on the loop, one that does stops everybody.

A function that reads such text gets a row in ``READERS``. Texts are runs and alternations of the characters
that patterns stumble over. What is compared is processor time of this thread, at one size and at four times
that size: linear work costs four times as much, quadratic work sixteen times.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import islice, permutations

import pytest

from neko.agent.own_keys import OwnKeys
from neko.audio.actions import without_actions
from neko.audio.engines.spelling import in_words
from neko.audio.scripts import runs
from neko.audio.sentences import SentenceCutter
from neko.audio.speakable import speakable
from neko.audio.spoken_language import SpokenLanguage
from neko.code_marks import CodeMarks, ProseReader
from neko.hand_written import holds_all, read_leniently
from neko.language import LANGUAGES, first_accepted, guess
from neko.llm.answer_body import AnswerBody
from neko.llm.continuation import ContinuationJoiner
from neko.llm.echo import without_echo
from neko.llm.reply_filter import ReplyFilter
from neko.llm.speaker_labels import SpeakerLabels
from neko.llm.tool_calls import ToolCallAssembler
from neko.memory import markdown_talk, words
from neko.memory.asked import _KINDS, is_by_user, kind_of
from neko.memory.line_codec import logged_line
from neko.memory.memo import cut_memo_prefix, unwrapped
from neko.memory.no_memo import NoMemoError, memo_of
from neko.memory.ranking import _asks
from neko.memory.review import corrections
from neko.memory.telling_words import is_lost, most_telling
from neko.providers.addresses import normalise_base_url
from neko.providers.error_body import decoded_body, read_error
from neko.safety import recognise
from neko.sessions.emotion import classify
from neko.sessions.models.builtin.phrasebook import plain
from neko.sessions.models.builtin.rules import Rules
from neko.sessions.own_words import are_own
from neko.sessions.repetition import RepetitionGuard
from neko.sessions.reply_stream import ReplyStream
from neko.sessions.tags import TagFilter
from neko.settings.masking import masked_url
from neko.settings.pasted import tidy_key
from neko.types.memory import RecentEntry
from neko.types.model_session import UserMessage
from neko.web import wire
from neko.well_formed import TextPieces, well_formed

SIZE = 8_000
MOST = 8.0
"""How much more a text of four times the length may cost: halfway between linear and quadratic."""
CHEAP_S = 0.005
"""Texts of ``SIZE`` that cost less than this are not compared: nothing that grows quadratically is that quick."""

CHARACTERS = "\n\t `<>*_\"'[](){}|#~-=+.?!:/\\$%@&,1aAé猫吗あアー한😀\u0301\u200d。？「◁｜\ufffd\0"
TROUBLE = "\n `<>*_[]().1a吗-~"
NEAR_MISSES = (
    "</think", "<think>", "<|", "<|im_end", "<|channel|>analysis", "[THINK", "[/INST", "◁think", "\nUser", "\nMio",
    "**Mio", "</happy", "<happy>", "<hap", "```\n", "``x`", "cat 吗 ", "ですか ", "a.b.", "1,000.", "[a](b", "![a](",
    "$a ", "http://", "*a ", "_a_", "~~a", "| a ", "---|", "&amp;", "<!--", "(^_^", "J.R.", "x@y.", ":a", "\n# ",
    "\n1. ", "“a ", "<model>", "</model>", "<think> a", "<tool_call>", "\nMio: a", "\nUser: a", "\nRin: a",
    "i'm so ", "真是", "ですね", "お前って", "너 ",
    "<unused9>", "< | a", "<title", "<title>", "<style", "data:\n", "api_key=", "context exceed ", '{"a":1}',
    "{}{}", '{"} ', '\\"{}', "i'm so ", "真是", "ですね", "お前って", "너 ",
)  # fmt: skip


STARTS = ("", "cat 吗", "1", "```", "<", "[", "*")
ALTERNATIONS = list(map("".join, permutations(TROUBLE, 2)))


def texts(alternations: Iterable[str]) -> Iterator[str]:
    """Units repeated, some of them after something else, some of them with an end that fits no pattern."""
    for unit in (*CHARACTERS, *NEAR_MISSES, *alternations):
        yield unit * (SIZE // len(unit))
    for unit in " \n`<*1":
        for start in STARTS:
            yield start + unit * SIZE + "x"


def whole_and_in_pieces(make: Callable[[], Callable[[str], object]]) -> Callable[[str], None]:
    """A stateful reader, fed with the text at once and then with a few letters at a time."""

    def read(text: str) -> None:
        make()(text)
        feed = make()
        for at in range(0, len(text), 5):
            feed(text[at : at + 5])

    return read


def in_doubt() -> ReplyFilter:
    """It has begun with what may be a thought, or a sentence."""
    reading = ReplyFilter(int, SpeakerLabels("Mio", "Rei"))
    reading.feed("<think> about it")
    return reading


def in_a_list() -> Callable[[str], None]:
    """It is in a block of code, deep in lists and quotes."""
    marks = CodeMarks()
    marks.read("- > " * 20 + "```\n" + "  > " * 20 + "a\n")
    return marks.read


def asked(marks: CodeMarks, text: str) -> None:
    for letter in text:
        marks.read(letter)
        marks.inside  # noqa: B018


RULES = {language: Rules("Mio", "Rei", language, datetime.now, random.Random(1)) for language in LANGUAGES}


def read_all(body: AnswerBody, data: bytes) -> None:
    for at in range(0, len(data), 50):
        body.feed(data[at : at + 50])
    body.flush()


def read_calls(text: str) -> None:
    """A fragment from each fourth letter on, by an index of its own, then under one, a letter or some at a time."""
    for shape, size in (({}, 1), ({"index": 0}, 1), ({"index": 0}, 4)):
        calls = ToolCallAssembler()
        for at in range(0, len(text), 4):
            function = {"name": "f", "arguments": text[at : at + size]}
            calls.feed({"tool_calls": [{"index": at, **shape, "function": function}]})
        calls.finish()


def read_memo(text: str) -> None:
    for answer, talk in ((text, ""), ("Sorry, " + text, text)):
        with suppress(NoMemoError):
            memo_of(answer, talk)


READERS: dict[str, Callable[[str], object]] = {
    "well_formed": well_formed,
    "hand-written document": lambda text: read_leniently(('{"a": "b",\n' + text).encode()),
    "hand-written keys": lambda text: holds_all({}, text.encode(), {"a": 1}),
    "talk in Markdown": lambda text: list(markdown_talk.said_in("# Mio\n\n## 2026-03-01\n\n" + text)),
    "talk as Markdown": markdown_talk.escaped,
    "language": lambda text: guess(text, "en"),
    "emotion": classify,
    "danger": lambda text: recognise("a猫です안 " + text),
    "own words": lambda text: (are_own("the cat sat", text), are_own(text, text)),
    "repetition": lambda text: RepetitionGuard("Mio").check(text),
    "tags": whole_and_in_pieces(lambda: TagFilter().feed),
    "reply filter": whole_and_in_pieces(lambda: ReplyFilter(int, SpeakerLabels("Mio", "Rei")).feed),
    "reply filter, thoughts known": lambda text: ReplyFilter(int, opened=True).feed(text),
    "reply filter, thinking": lambda text: ReplyFilter(int).feed("<think>" + text),
    "reply filter, thinking in a block": lambda text: ReplyFilter(int).feed("```think\n" + text),
    "reply filter, labelled": lambda text: ReplyFilter(int, SpeakerLabels("Mio", "Rei")).feed("Mio: " + text),
    "reply filter, in doubt": whole_and_in_pieces(lambda: in_doubt().feed),
    "reply filter, answering": lambda text: ReplyFilter(int, SpeakerLabels("Mio", "Rei")).feed("Hello.\n" + text),
    "code marks": whole_and_in_pieces(lambda: CodeMarks().read),
    "code marks, in a list": whole_and_in_pieces(in_a_list),
    "code marks, asked": lambda text: asked(CodeMarks(), text),
    "prose": whole_and_in_pieces(lambda: ProseReader().feed),
    "reply": lambda text: ReplyStream("t").feed(text),
    "words": words.terms,
    "simplest form": words.plain,
    "questions": lambda text: _asks(text, words.terms("cat 1 吗 猫 a")),
    "what is asked for": lambda text: (
        kind_of(text),
        is_by_user(text, None),
        [one.told.search(text) for one in _KINDS],
    ),
    "memo": cut_memo_prefix,
    "memo, made": unwrapped,
    "memo, or none": read_memo,
    "memo, kept": lambda text: (is_lost(text, text), most_telling(text, 500)),
    "row of the log": lambda text: logged_line((1, "s", text, text), {"user": "a", "assistant": "b", "system": "c"}),
    "continuation": lambda text: ContinuationJoiner("The tea is " + text).feed(text),
    "pieces": whole_and_in_pieces(lambda: TextPieces().feed),
    "frame": lambda text: wire.decode(json.dumps({"action": "stream_data", "input_type": "text", "data": text})),
    "answer body": lambda text: read_all(AnswerBody(), text.encode("utf-8", "replace")),
    "error body": lambda text: read_error(decoded_body(text.encode("utf-8", "replace"))),
    "languages of a header": first_accepted,
    "tool calls": read_calls,
    "echo": lambda text: without_echo(text[:200], [{"role": "user", "content": text}]),
    "pasted key": tidy_key,
    "pasted address": normalise_base_url,
    "masked address": masked_url,
    "review": lambda text: corrections(text, [RecentEntry("user", "hi")]),
    "plain": plain,
    "sentences": whole_and_in_pieces(lambda: SentenceCutter().feed),
    "speakable": lambda text: speakable(text, "en"),
    "speakable, Japanese": lambda text: speakable(text, "ja"),
    "actions": without_actions,
    "own keys": OwnKeys(lambda: ["sk-a1b2c3d4"]).without,
    "in words": lambda text: in_words(text, "en"),
    "in words, Chinese": lambda text: in_words(text, "zh"),
    "in words, French": lambda text: in_words(text, "fr"),
    "in words, Korean": lambda text: in_words(text, "ko"),
    "in words, Russian": lambda text: in_words(text, "ru"),
    "scripts": lambda text: runs(text, "en"),
    "scripts, Japanese": lambda text: runs(text, "ja"),
    "spoken language": lambda text: SpokenLanguage("en").of(text),
    **{
        f"built-in model, {language}": partial(lambda rules, text: rules.answer(UserMessage("t", text)), rules)
        for language, rules in RULES.items()
    },
}


HEAVY = (
    "sentences",
    "speakable",
    "scripts",
    "in words",
    "spoken language",
    "tags",
    "reply",
    "tool calls",
    "code marks",
    "prose",
    "hand",
    "danger",
    "built-in model",
    "memo",
)
"""Readers that take more than ``CHEAP_S`` of any text: they see one text of three, and in the long run all of
them, with one alternation of seven."""


def cost(read: Callable[[str], object], text: str) -> float:
    """Processor seconds of this thread."""
    begun = time.thread_time()
    read(text)
    return time.thread_time() - begun


def is_linear(read: Callable[[str], object], text: str) -> bool:
    """Judged by the quickest of a few runs, the least disturbed ones; one is enough to find it so.

    The short text ends as the long one does: a reader may take another path for its last character.
    """
    long = short = math.inf
    for _ in range(5):
        long = min(long, cost(read, text))
        if long < CHEAP_S:
            return True
        short = min(short, cost(read, text[: SIZE // 4 - 1] + text[-1]))
        if long < MOST * short:
            return True
    return False


OTHER_LANGUAGES = ("Japanese", "French", "Korean", "Russian", ", ja", ", ko", ", zh-TW")
"""What reads them is what reads English and Chinese, with other tables."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] if name.endswith(OTHER_LANGUAGES) else []) for name in READERS]
)
def test_a_text_four_times_as_long_costs_about_four_times_as_much(name: str) -> None:
    some = islice(texts(ALTERNATIONS[::7]), list(READERS).index(name) % 3, None, 3 if name.startswith(HEAVY) else 1)
    costs_as_its_length(name, some)


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_nor_does_any_other_text_cost_more(name: str) -> None:
    costs_as_its_length(name, texts(ALTERNATIONS[::7] if name.startswith(HEAVY) else ALTERNATIONS))


def costs_as_its_length(name: str, some: Iterable[str]) -> None:
    read = READERS[name]
    read("warm up")
    for text in some:
        assert is_linear(read, text), f"{text[:20]!r}…{text[-1]!r}"
