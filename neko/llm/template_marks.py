"""What chat templates and reasoning models write around a reply, told apart from what a person would write.

Spellings: the reasoning parsers of vLLM and llama.cpp, the tags that Open WebUI knows, and OpenAI's harmony format
(https://cookbook.openai.com/articles/openai-harmony). Names are judged by the words in them, so that the next
model's spelling is known as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

BEGINS = "<[◁"
"""The characters that a mark may begin with."""


class Kind(Enum):
    """What a mark is for."""

    OPENING = auto()
    """A thought begins."""
    CLOSING = auto()
    """A thought ends, and the answer begins."""
    END = auto()
    """The turn is over."""
    TURN = auto()
    """Another turn begins; the speaker's role may follow."""
    CHANNEL = auto()
    """The name of a channel follows."""
    MESSAGE = auto()
    """The header of a message is over."""
    WRAPPER = auto()
    """Begins or ends the answer where a thought came before it; else it is text."""
    FILLER = auto()
    """Of no meaning."""
    TEXT = auto()
    """It only looks like a mark."""


@dataclass(frozen=True, slots=True)
class Mark:
    kind: Kind
    end: int
    """Where it ends in the text that it was read from."""


_MARK = re.compile(
    r"<[|｜](?P<token>/?[\w▁.:/-]{1,48})[|｜]?>"
    r"|<(?P<half>\w{1,40})[|｜]>"
    r"|<(?P<tag>/?[\w.:-]{1,40})(?P<rest>\s[^<>\n]{0,80})?/?>"
    r"|(?P<system><<(?:/?SYS)>>)"
    r"|\[(?P<bracket>/?(?:gMASK|[A-Z]{3,9}(?:[ _][A-Z]{3,9}){0,2}))\]"
    r"|◁(?P<triangle>/?\w{1,20})▷"
)
_MAY_BECOME = re.compile(
    r"<[|｜](?:/?[\w▁.:/-]{0,48}[|｜]?)?"
    r"|<(?:/?[\w.:-]{0,40}[|｜/]?)?"
    r"|<(?P<named>[\w.:-]{1,40})\s[^<>\n]{0,80}"
    r"|<<(?:/?(?:S|SY|SYS>?)?)?"
    r"|\[/?(?:g|gM|gMA|gMAS|gMASK|[A-Z]{0,9}(?:[ _][A-Z]{0,9}){0,2})"
    r"|◁/?\w{0,20}"
)
_CUT_OFF = re.compile(r"<[|｜][\w▁]{2,48}[|｜]?")
"""A token that the end of the text cut short."""
_LONGEST = 130

_THOUGHT = re.compile(
    r"think|thought|reason|reflect|scratch_?pad|monologue|brainstorm|justification|analysis|introspect|deliberat"
    r"|\bcot\b|inner_(?:prefix|suffix)|思考|思维|思維|推理|推論|考え|생각",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"(?:final_?)?(?:answer|response|solution|output|reply)|final", re.IGNORECASE)
_PARTS = re.compile(r"[_▁.:/-]+")
_ENDS = {"end", "eot", "eom", "eos", "eod", "eop", "return", "call", "stop", "endoftext", "endofprompt", "endofturn"}
_TURNS = {
    *("start", "begin", "bos", "sop", "s", "im", "startoftext", "assistant", "user", "system", "human", "bot", "model"),
    *("chatbot", "tool", "turn", "observation", "developer", "prompter"),
}
_TAGS = re.compile(
    r"(?P<end>/s|/?eo[sdtp]|/?end_?of_?\w+|/(?:assistant|bot|model)|im_end|eot_id)"
    r"|(?P<turn>s|bos|sop|(?:start|begin)_?of_?\w+|im_start|assistant|bot)"
    r"|(?P<filler>/?(?:pad|unk|mask)|reserved_\w+|unused\d+)",
    re.IGNORECASE,
)
_BRACKETS = {
    **{"THINK": Kind.OPENING, "THINKING": Kind.OPENING, "REASONING": Kind.OPENING},
    **{"/THINK": Kind.CLOSING, "/THINKING": Kind.CLOSING, "/REASONING": Kind.CLOSING},
    **{"BEGIN FINAL RESPONSE": Kind.CLOSING, "END FINAL RESPONSE": Kind.FILLER},
    **{"INST": Kind.TURN, "/INST": Kind.END, "BOS": Kind.TURN, "EOS": Kind.END, "SYSTEM_PROMPT": Kind.TURN},
    **{"PAD": Kind.FILLER, "UNK": Kind.FILLER, "gMASK": Kind.FILLER},
}


def read_mark(text: str, at: int, *, final: bool) -> Mark | None:
    """The mark that begins at ``at``; None while it cannot be told. ``final``: no more text comes."""
    if match := _MARK.match(text, at):
        return Mark(_kind(match), match.end())
    if final and _CUT_OFF.fullmatch(text, at):
        return Mark(Kind.FILLER, len(text))
    beginning = None if final or len(text) - at >= _LONGEST else _MAY_BECOME.fullmatch(text, at)
    if beginning and (beginning["named"] is None or _may_have_attributes(beginning["named"])):
        return None
    return Mark(Kind.TEXT, at + 1)


def _may_have_attributes(name: str) -> bool:
    return name.lower() == "details" or bool(_THOUGHT.search(name))


def _kind(match: re.Match[str]) -> Kind:
    if token := match["token"]:
        return _kind_of_token(token)
    if half := match["half"]:
        return Kind.CLOSING if half.lower() == "channel" else _kind_of_token("end_" + half)
    if tag := match["tag"]:
        return _kind_of_tag(tag, match["rest"] or "")
    if bracket := match["bracket"]:
        return _BRACKETS.get(bracket, Kind.TEXT)
    if triangle := match["triangle"]:
        return _thought(triangle) if _THOUGHT.search(triangle) else Kind.TEXT
    return Kind.TURN


def _kind_of_token(name: str) -> Kind:
    """Of ``<|name|>``."""
    lowered = name.lower()
    parts = set(_PARTS.split(lowered))
    if lowered in ("channel", "message", "content"):
        return Kind.CHANNEL if lowered == "channel" else Kind.MESSAGE
    if _THOUGHT.search(name):
        return _thought(name)
    if parts & {"header", "role"} and parts & _ENDS:
        return Kind.FILLER
    if parts & {"solution", "answer", "response"} or ("text" in parts and "of" not in parts):
        return Kind.FILLER
    if parts & _ENDS:
        return Kind.END
    return Kind.TURN if parts & _TURNS else Kind.FILLER


def _kind_of_tag(name: str, attributes: str) -> Kind:
    """Of ``<name attributes>``."""
    if attributes and "=" not in attributes:
        return Kind.TEXT
    if _THOUGHT.search(name) or (name.lower() == "details" and _THOUGHT.search(attributes)):
        return _thought(name)
    if attributes:
        return Kind.TEXT
    if match := _TAGS.fullmatch(name):
        return {"end": Kind.END, "turn": Kind.TURN, "filler": Kind.FILLER}[str(match.lastgroup)]
    return Kind.WRAPPER if _ANSWER.fullmatch(name.removeprefix("/")) else Kind.TEXT


def _thought(name: str) -> Kind:
    parts = set(_PARTS.split(name.lower()))
    return Kind.CLOSING if name.startswith("/") or parts & {*_ENDS, "close", "suffix"} else Kind.OPENING


_OPENING_QUOTES = "\"'“‘«「『（([【`*_"
_CLOSING_QUOTES = "\"'”’»」』）)]】`*_"
_PAUSES = ",，、:：;；|-–—"


def is_mentioned(before: str, after: str) -> bool:
    """Does a sentence speak of the mark between ``before`` and ``after``, the characters around it?

    A template's own mark stands at the end of a sentence or of the text, never in the middle of one.
    """
    if before[-1:] and before[-1] in _OPENING_QUOTES:
        return bool(after) and after[0] in _CLOSING_QUOTES
    if before[-1:] != " " or not (before[-2:-1].isalnum() or before[-2:-1] in (*_PAUSES,)):
        return False
    if after[:1] == " ":
        return len(after) > 1 and not after[1].isspace() and after[1] not in BEGINS
    return bool(after) and (after[0] in ".?!。？！)" or after[0] in _PAUSES)
