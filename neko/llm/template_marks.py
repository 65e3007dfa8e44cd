"""What chat templates and reasoning models write around a reply, told apart from what a person would write.

Spellings: the reasoning parsers of vLLM and llama.cpp, the tags that Open WebUI knows, and OpenAI's harmony format
(https://cookbook.openai.com/articles/openai-harmony). A *token* has a shape that ordinary text never has, ``<|name|>``:
it is a mark whatever its name is. A *tag*, ``<name>`` or ``[NAME]``, is one only by a name that is known, and a
thought's by its last word, as in ``my:deep_thought`` but not ``ThinkPad`` or ``thoughtful``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from neko.late_patterns import late_pattern

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
    ROLE = auto()
    """A tag around a whole reply, named after who speaks: only as its first line, or as its last word."""
    CHANNEL = auto()
    """The name of a channel follows."""
    MESSAGE = auto()
    """The header of a message is over."""
    WRAPPER = auto()
    """Begins or ends the answer where a thought came before it; else it is text."""
    CALL = auto()
    """A call of a tool; after a tag only if it looks like one."""
    FILLER = auto()
    """Of no meaning."""
    TEXT = auto()
    """It only looks like a mark."""


@dataclass(frozen=True, slots=True)
class Mark:
    kind: Kind
    end: int
    """Where it ends in the text that it was read from."""
    tag: str = ""
    """The name of a tag, in small letters, with the ``/`` of a closing one; "" for a token."""


_MARK = late_pattern(
    r"< ?[|｜] ?(?P<token>/?[\w▁.:/-]{1,48})(?: ?(?P<bar>[|｜]) ?)?>"
    r"|<(?P<half>\w{1,40})[|｜]>"
    r"|(?P<unused><unused\d{1,4}>thought(?=\s))"
    r"|<(?P<function>function)=[\w.:-]{1,64}>"
    r"|<(?P<tag>/?[\w.:-]{1,40})(?P<rest>[ \t][^<>\n]{0,80})?(?P<empty>/?)>"
    r"|(?P<system><<(?:/?SYS)>>)"
    r"|(?P<minimax>\[e~\[)"
    r"|\[(?P<bracket>/?(?:gMASK|[A-Z]{3,9}(?:[ _][A-Z]{3,9}){0,2}))\]"
    r"|◁(?P<triangle>/?\w{1,20})▷"
)
_MAY_BECOME = late_pattern(
    r"< ?[|｜] ?(?:/?[\w▁.:/-]{0,48} ?[|｜]? ?)?"
    r"|< "
    r"|<unused\d{1,4}>(?:t|th|tho|thou|thoug|though|thought)?"
    r"|<(?:/?[\w.:-]{0,40}[|｜/]?)?"
    r"|<(?P<named>[\w.:-]{1,40})[ \t][^<>\n]{0,80}"
    r"|<function=[\w.:-]{0,64}"
    r"|<<(?:/?(?:S|SY|SYS>?)?)?"
    r"|\[(?:e~?)?"
    r"|\[/?(?:g|gM|gMA|gMAS|gMASK|[A-Z]{0,9}(?:[ _][A-Z]{0,9}){0,2})"
    r"|◁/?\w{0,20}"
)
_CUT_OFF = late_pattern(r"<[|｜][\w▁]{2,48}[|｜]?")
"""A token that the end of the text cut short."""
_NAMED = late_pattern(r"<([\w.:-]{1,40})[ \t]")
_LONGEST = 130

_THOUGHT = late_pattern(
    r"think(?:ing)?|thoughts?|reason(?:ing)?|reflect(?:ions?|ing)?|scratch_?pad|(?:inner_?)?monologue|brainstorm(?:ing)?"
    r"|justification|rationale|analysis|introspecti(?:on|ng)|deliberat(?:e|ion|ing)|cot"
    r"|(?:思考|思维|思維|推理|推論)(?:过程|過程|中)?|考え|생각"
)
"""The last word of the name of a thought."""
_ABOUT_IT = {"process", "block", "content", "trace", "steps", "step", "begin", "start", "open", "end", "stop", "close"}
"""Words after that one."""
_WORDS = late_pattern(r"(?<=[a-z])(?=[A-Z])|[_▁.:/-]+")
_HAS_THOUGHT = late_pattern(rf"\b(?:{_THOUGHT.pattern})\b", re.IGNORECASE)
_ANSWER = late_pattern(r"(?:final_?)?(?:answer|response|solution|output|reply)|final", re.IGNORECASE)
_PARTS = late_pattern(r"[_▁.:/-]+")
_ENDS = {
    *("end", "eot", "eom", "eos", "eod", "eop", "return", "call", "stop", "endoftext", "endofprompt", "endofturn"),
}
_CALLS = {"call", "calls", "python"}
_TURNS = {
    *("start", "begin", "bos", "sop", "s", "im", "startoftext", "assistant", "user", "system", "human", "bot", "model"),
    *("chatbot", "tool", "turn", "observation", "developer", "prompter"),
}
_TAGS = late_pattern(
    r"(?P<END>/s|/?eo[sdtp]|/?end_?of_?(?:turn|text|utterance|sentence)|im_end|eot_id)"
    r"|(?P<TURN>s|bos|sop|(?:start|begin)_?of_?(?:turn|text|utterance|sentence)|im_start)"
    r"|(?P<ROLE>/?(?:assistant|bot|model))"
    r"|(?P<CALL>tool_?calls?|function_?calls?)"
    r"|(?P<FILLER>/?(?:pad|unk|mask)|reserved_\d+|unused\d+)",
    re.IGNORECASE,
)
_BRACKETS = {
    **{"THINK": Kind.OPENING, "THINKING": Kind.OPENING, "REASONING": Kind.OPENING},
    **{"/THINK": Kind.CLOSING, "/THINKING": Kind.CLOSING, "/REASONING": Kind.CLOSING},
    **{"BEGIN FINAL RESPONSE": Kind.CLOSING, "END FINAL RESPONSE": Kind.FILLER},
    **{"INST": Kind.TURN, "/INST": Kind.END, "BOS": Kind.TURN, "EOS": Kind.END, "SYSTEM_PROMPT": Kind.TURN},
    **{"PAD": Kind.FILLER, "UNK": Kind.FILLER, "gMASK": Kind.FILLER, "TOOL_CALLS": Kind.CALL},
}


def read_mark(text: str, at: int, *, final: bool) -> Mark | None:
    """The mark that begins at ``at``; None while it cannot be told. ``final``: no more text comes."""
    undecided = not final and len(text) - at < _LONGEST
    if match := _MARK.match(text, at):
        kind, tag = _kind(match), (match["tag"] or match["bracket"] or match["function"] or "").lower()
        if undecided and tag.startswith("unused") and _MAY_BECOME.fullmatch(text, at):
            return None
        return Mark(kind, match.end(), tag)
    if final and _CUT_OFF.fullmatch(text, at):
        return Mark(Kind.FILLER, len(text))
    beginning = _MAY_BECOME.fullmatch(text, at) if undecided else None
    if beginning and (beginning["named"] is None or _may_have_attributes(beginning["named"])):
        return None
    named = _NAMED.match(text, at)
    return Mark(Kind.TEXT, at + 1, named[1].lower() if named else "")


def closing_of(opening: str) -> str:
    """The mark that ends the thought or the call which this one, as it is written, begins."""
    if opening.startswith("<unused"):
        return f"<unused{int(opening[len('<unused') : opening.index('>')]) + 1}>"
    if opening.startswith(("<|", "<｜")):
        name = opening.strip("<|｜>")
        if not opening.endswith(("|>", "｜>")):
            return f"<{name}{opening[1]}>"
        return opening.replace("begin", "end") if "begin" in name else opening.replace(name, "/" + name)
    return "</" + re.split("[ =]", opening[1:-1], maxsplit=1)[0] + ">"


def _may_have_attributes(name: str) -> bool:
    return name.lower() == "details" or _is_thought(name)


def _is_thought(name: str) -> bool:
    words = [word.lower() for word in _WORDS.split(name) if word]
    while len(words) > 1 and words[-1] in _ABOUT_IT:
        words.pop()
    if not words or "no" in words:
        return False
    return bool(_THOUGHT.fullmatch(words[-1]) or _THOUGHT.fullmatch("_".join(words[-2:])))


def _kind(match: re.Match[str]) -> Kind:
    if token := match["token"]:
        kind = _kind_of_token(token)
        is_whole = match["bar"] and " " not in match[0]
        return kind if len(token) > 1 and (is_whole or kind is not Kind.FILLER) else Kind.TEXT
    if half := match["half"]:
        return Kind.CLOSING if half.lower() == "channel" else _kind_of_half(half.lower())
    if tag := match["tag"]:
        return _kind_of_tag(tag, match["rest"] or "", is_empty=bool(match["empty"]))
    if bracket := match["bracket"]:
        return _BRACKETS.get(bracket, Kind.TEXT)
    if triangle := match["triangle"]:
        return _thought(triangle) if _is_thought(triangle) else Kind.TEXT
    if match["unused"] or match["function"]:
        return Kind.OPENING if match["unused"] else Kind.CALL
    return Kind.END if match["minimax"] else Kind.TURN


def _kind_of_half(name: str) -> Kind:
    """Of ``<name|>``, which ends what ``<|name>`` begins."""
    return Kind.END if len(name) > 1 and {*_PARTS.split(name)} & _TURNS else Kind.TEXT


def _kind_of_token(name: str) -> Kind:
    """Of ``<|name|>``."""
    lowered = name.lower()
    parts = set(_PARTS.split(lowered))
    if lowered in ("channel", "message", "content"):
        return Kind.CHANNEL if lowered == "channel" else Kind.MESSAGE
    if _is_thought(name) or lowered in ("inner_prefix", "inner_suffix"):
        return _thought(name)
    if parts & {"header", "role"} and parts & _ENDS:
        return Kind.FILLER
    if parts & {"solution", "answer", "response"} or ("text" in parts and "of" not in parts):
        return Kind.FILLER
    if parts & _CALLS and len(parts) > 1:
        return Kind.CALL
    if parts & _ENDS:
        return Kind.END
    return Kind.TURN if parts & _TURNS else Kind.FILLER


def _kind_of_tag(name: str, attributes: str, *, is_empty: bool) -> Kind:
    """Of ``<name attributes>``."""
    if attributes and "=" not in attributes:
        return Kind.TEXT
    if _is_thought(name) or (name.lower() == "details" and _HAS_THOUGHT.search(attributes)):
        return Kind.FILLER if is_empty else _thought(name)
    if attributes:
        return Kind.TEXT
    if match := _TAGS.fullmatch(name):
        return Kind[str(match.lastgroup)]
    return Kind.WRAPPER if _ANSWER.fullmatch(name.removeprefix("/")) else Kind.TEXT


def _thought(name: str) -> Kind:
    parts = set(_PARTS.split(name.lower()))
    return Kind.CLOSING if name.startswith("/") or parts & {*_ENDS, "close", "suffix"} else Kind.OPENING
