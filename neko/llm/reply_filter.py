"""What of a model's text is the reply: without its thoughts and without what a chat template left in it.

A thought is hidden where it begins a reply, or where a reply that began with one has another, spelled alike.
Where the template has opened it, only its end is in the text: then everything shown so far was a thought and is
taken back. No reply is held back for fear of that. A turn ends at the first mark of an end, of another turn or of a
call, or where the other of the two who talk speaks.

Text are marks in code, those that a sentence speaks of (``mentions``), closing tags whose opening was shown, and an
opening that no end follows though its sentence goes on. When nothing tells, it is shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from enum import Enum, auto

from neko.late_patterns import late_pattern
from neko.llm.mentions import LOOK_AHEAD, goes_on, is_mentioned, runs
from neko.llm.shown_text import ShownText
from neko.llm.speaker_labels import LONGEST, LONGEST_TURN, SpeakerLabels
from neko.llm.template_marks import BEGINS, Kind, Mark, closing_of, read_mark

_SENTENCE_ENDS = ".!?…。！？"
_STOP = late_pattern(rf"[\n{re.escape(BEGINS)}]")
_NOT_PLAIN = late_pattern(rf"[\n{re.escape(BEGINS)}]|[{_SENTENCE_ENDS}]a(?:s|\Z)")
_GLUED = late_pattern(rf"[{_SENTENCE_ENDS}](?=as|a\Z)")
_BARE_TURN = "assistant\n"
"""What is left between a sentence and the next turn where a server drops the marks of Llama's template."""
_MARK_STOP = late_pattern(f"[{re.escape(BEGINS)}]")
_SPACE = late_pattern(r"\s+")
_ROLES = ("assistant", "model", "bot", "user", "system")
_ROLE = late_pattern(rf"(?:{'|'.join(_ROLES)})(?=[\s<]|$)")
_TAG = late_pattern(r"<\w+>")
_LONGEST_HEADER = 120
_STRIPPED_CHANNEL = late_pattern(r"(?:analysis|commentary)(?=[^\sa-z.,:;!?'’-])")
_STRIPPED_FINAL = "assistantfinal"
"""What is left of harmony's marks where a server drops them: ``analysis…assistantfinal…``."""
_FENCE_END = "\n```"
"""The end of a block of code, unless a word follows at once."""
_PHRASES = (
    ("Here is my thought process:", "Here is my response:"),
    ("Here's my thought process:", "Here's my response:"),
    ("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]"),
    ("Thinking...\n", "...done thinking."),
    *((f"```{name}\n", _FENCE_END) for name in ("think", "thinking", "thought", "thoughts", "reasoning")),
)
"""How Granite, Apriel and Ollama's shell begin and end a thought, in words. It is one only if the end comes."""
_CALL = late_pattern(r"\s*(?:[{\[]|<(?:function|invoke|arg|param|tool))|\w[\w.-]*(?:\n|<arg|\[ARGS|\{|\Z)")
"""How a call begins after its mark: as JSON, as XML, or with the name of the tool."""
_DOUBT = late_pattern(r" [^\W\d_]| ?(?:…|\.\.\.)|[,.;:)，。、；：）]")
"""After the mark of a thought: perhaps a sentence goes on."""
_ANY_THOUGHT = "thought"
LONGEST_DOUBT = 12_000
"""Characters: what may be a thought and is longer is one, since no reply is so long."""
_LONGEST_LEFTOVER = 1_000
"""Characters after the end of a turn in which a channel is still looked for."""

_NO_MARK = Mark(Kind.TEXT, 0)


class _State(Enum):
    START = auto()
    """Nothing of the answer has come."""
    ANSWER = auto()
    HIDDEN = auto()
    """A thought."""
    HEADER = auto()
    """The name of a channel."""
    OVER = auto()
    """The turn is over; only the channel of the answer can still begin."""
    ENDED = auto()
    """Somebody else speaks: nothing more is read."""


class ReplyFilter:
    """Deltas of one completion in, text of the reply out; marks may be cut anywhere between deltas.

    ``take_back`` is called when all that was shown is to be withdrawn. ``begun``: the end of the text that this one
    goes on with, so its white space counts. ``opened``: this model's template is known to open the thought.
    """

    def __init__(
        self,
        take_back: Callable[[], object],
        labels: SpeakerLabels | None = None,
        *,
        begun: str = "",
        opened: bool = False,
    ) -> None:
        self._take_back = take_back
        self._labels = labels or SpeakerLabels()
        self._keeps_space = bool(begun)
        self._opened = opened
        self.ends_a_thought = False
        self.restarts = 0
        """Times that what had come was no part of the reply, shown or not."""
        """The end of a thought came that had no beginning."""
        self._state = self._resumed = _State.START
        self._text, self._at, self._final = "", 0, False
        self._out: list[str] = []
        self._held = ""
        self._maybe: list[str] | None = None
        self._maybe_length = self._leftover = 0
        self._assumed = False
        self._passed = ShownText()
        self._thinks = ""
        self._label = ""
        self._first_line: list[str] = []
        self._until = self._closing = ""
        self._header = ""
        self._by_token = self._in_final = self._wrapped = self._is_role_next = False
        self._shown = ShownText(begun)
        self._open: Counter[str] = Counter()
        self._at_line_start = self._is_dialogue = self._has_headings = False

    @property
    def has_ended(self) -> bool:
        """Nothing that could still come would be shown."""
        return self._state is _State.ENDED

    def feed(self, text: str) -> str:
        """What may be shown now."""
        if (
            self._state is _State.ANSWER
            and not (self._held or self._label or self._shown.has_space or self._at_line_start)
            and not (_NOT_PLAIN.search(text) or (text[:1] == "a" and self._shown.tail[-1:] in _SENTENCE_ENDS))
            and not ("l" in text and _STRIPPED_FINAL in self._shown.tail + text)
        ):
            return self._shown.show(text)
        return self._take(self._held + text, final=False)

    def flush(self, *, cut: bool = False) -> str:
        """The completion is over: what was held back. ``cut``: its end is missing, perhaps that of a thought."""
        rest = self._take(self._held, final=True)
        if self._state is _State.HIDDEN and self._maybe is not None and not (cut and self._closing):
            self._give_back()
            rest += self._take(self._text, final=True)
        return rest

    def _take(self, text: str, *, final: bool) -> str:
        self._text, self._at, self._final = text, 0, final
        while self._at < len(self._text) and _STEPS[self._state](self):
            pass
        self._held = self._text[self._at :]
        out = "".join(self._out)
        self._out.clear()
        return out

    # ── steps: each takes some text, or returns False to wait for more ───────────────────

    def _start(self) -> bool:
        text, at = self._text, self._at
        if space := _SPACE.match(text, at):
            self._at = space.end()
            if self._label:
                self._label += space.group()
            if self._keeps_space or self._shown.length:
                self._shown.keep_space(space.group())
            return True
        mark = read_mark(text, at, final=self._final) if text[at] in BEGINS else _NO_MARK
        if mark is None or mark.kind is not Kind.TEXT:
            return mark is not None and self._starting_mark(mark)
        if self._is_role_next or text.startswith("assistant\n", at):
            role = text[at : at + LONGEST]
            if not self._final and any(one.startswith(role) for one in _ROLES):
                return False
            self._is_role_next = False
            if match := _ROLE.match(text, at):
                self._at = match.end()
                return True
        label = self._labels.own(text[at : at + LONGEST], final=self._final)
        if label is None:
            return False
        if label:
            if not (self._shown.length or self._keeps_space):
                self._label += text[at : at + label]
            self._at += label
            self._shown.drop_space()
            return True
        return self._starting_words() if mark is _NO_MARK else self._starting_mark(mark)

    def _starting_mark(self, mark: Mark) -> bool:
        text, at = self._text, self._at
        if mark.kind is Kind.TEXT and not _TAG.fullmatch(text, at, mark.end):
            return self._answers()
        if mark.kind in (Kind.TEXT, Kind.WRAPPER):
            if mark.kind is Kind.TEXT or not self._wrapped:
                return self._show_mark(mark)
            self._at = mark.end
            return True
        if len(text) < mark.end + LOOK_AHEAD and not self._final:
            return False
        after = text[mark.end : mark.end + LOOK_AHEAD]
        if self._is_subject(mark, after):
            self._show_mark(mark)
            return self._answers()
        self._at = mark.end
        match mark.kind:
            case Kind.OPENING:
                self._open_thought(mark, text[at : mark.end], after)
            case Kind.CHANNEL:
                self._state, self._header = _State.HEADER, ""
            case Kind.CLOSING:
                self._wrapped = True
            case Kind.TURN:
                self._is_role_next = True
            case Kind.CALL:
                self._pass_call(text[at : mark.end])
        return True

    def _is_subject(self, mark: Mark, after: str) -> bool:
        """Does the reply begin with a sentence about this mark?"""
        match mark.kind:
            case Kind.OPENING:
                return self._shown.length > 0 and not mark.tag.startswith(("think", "thought"))
            case Kind.CLOSING | Kind.END | Kind.FILLER:
                return goes_on(after)
            case Kind.TURN:
                return mark.tag not in ("", "s") and goes_on(after)
            case Kind.ROLE:
                return mark.tag.startswith("/") or after[:1] != "\n" or after.strip()[:1] in BEGINS
            case Kind.CALL:
                return mark.tag != "" and not _CALL.match(after)
            case _:
                return False

    def _open_thought(self, mark: Mark, written: str, after: str) -> None:
        self._opened = False
        is_doubtful = mark.tag != "" and _DOUBT.match(after) is not None and not after[1:2].isupper()
        self._hide(by_token=not mark.tag, maybe=[written] if is_doubtful else None)
        self._closing = closing_of(written)
        if not is_doubtful:
            self._thinks = mark.tag or written

    def _pass_call(self, written: str) -> None:
        """A call that stands in the text is not hers to say."""
        if written.startswith("["):
            self._state = _State.OVER
        else:
            self._hide(until=closing_of(written))

    def _starting_words(self) -> bool:
        """The first words are there: a thought that is opened in words, or the answer."""
        rest = self._text[self._at : self._at + LONGEST]
        if _STRIPPED_CHANNEL.match(rest):
            self._hide(until=_STRIPPED_FINAL, maybe=[])
            return True
        wait = not self._final and any(word.startswith(rest) for word in ("analysis", "commentary"))
        for opening, closing in _PHRASES:
            if rest.startswith(opening):
                self._hide(until=closing, maybe=[])
                return True
            wait |= not self._final and opening.startswith(rest)
        if wait:
            return False
        if self._opened:
            self._opened = False
            self._hide(maybe=[])
            self._assumed = True
            return True
        return self._answers()

    def _answers(self) -> bool:
        self._state = _State.ANSWER
        self._is_role_next = False
        return True

    def _hide(self, *, until: str = "", maybe: list[str] | None = None, by_token: bool = False) -> None:
        """``maybe``: what is given back, with all that follows, if it turns out to be no thought."""
        self._resumed = _State.ANSWER if self._state is _State.ANSWER else _State.START
        self._state = _State.HIDDEN
        self._until = until
        self._maybe = maybe
        self._maybe_length = 0
        self._assumed = False
        self._passed = ShownText()
        self._by_token = by_token
        self._closing = ""

    def _give_back(self) -> None:
        self._text, self._at = "".join(self._maybe or ()) + self._text[self._at :], 0
        self._maybe = None
        self._open.clear()
        self._state = _State.ANSWER

    def _answer(self) -> bool:
        text, at = self._text, self._at
        if self._at_line_start and (space := _SPACE.match(text, at)):
            self._shown.keep_space(space.group())
            self._at = space.end()
            return True
        if self._at_line_start and not self._shown.is_code:
            label = self._labels.other(text[at : at + LONGEST], final=self._final)
            if label is None:
                return False
            is_section = text[at] == "#" and self._has_headings
            self._has_headings |= text[at] == "#" and not label
            if label and not (self._is_dialogue or is_section) and not self._shown.is_listing():
                dialogue = self._labels.is_dialogue(text[at : at + LONGEST_TURN], final=self._final)
                if dialogue is False:
                    self._state = _State.ENDED
                self._is_dialogue = bool(dialogue)
                return dialogue is not None
        if self._at_line_start and self._label:
            is_third = self._labels.third(text[at : at + LONGEST], final=self._final)
            if is_third is None:
                return False
            if is_third and self._shown.ends_a_line:
                return self._tell_dialogue()
            self._label = ""
        self._at_line_start = False
        if text[at] == "a" and self._shown.before[-1:] in _SENTENCE_ENDS:
            if text.startswith(_BARE_TURN, at):
                self._state = _State.OVER
                return True
            if not self._final and _BARE_TURN.startswith(text[at : at + len(_BARE_TURN)]):
                return False
        stop = _STOP.search(text, at)
        end = stop.start() if stop else len(text)
        if end > at:
            glued = _GLUED.search(text, at, end)
            return self._words(text[at : glued.end() if glued else end])
        if text[at] == "\n":
            self._at_line_start = True
            return True
        if self._shown.is_code:
            self._at += 1
            self._show(text[at])
            return True
        mark = read_mark(text, at, final=self._final)
        return mark is not None and self._mark_in_answer(mark)

    def _tell_dialogue(self) -> bool:
        """Her label was the first of a listing: it is shown after all."""
        first = "".join((self._label, *self._first_line, self._shown.space))
        self._withdraw(thought=False)
        self._text, self._at = first + self._text[self._at :], 0
        self._is_dialogue = True
        return self._answers()

    def _words(self, words: str) -> bool:
        """Show plain words, unless they hold what is left of the mark before the answer."""
        before = self._shown.tail[1 - len(_STRIPPED_FINAL) :]
        found = (before + words).find(_STRIPPED_FINAL)
        if found >= 0:
            self._at += found + len(_STRIPPED_FINAL) - len(before)
            self._withdraw()
            return True
        self._at += len(words)
        bare = words.rstrip(" ") if self._at < len(self._text) else words
        if bare:
            self._show(bare)
        if len(bare) < len(words):
            self._shown.keep_space(words[len(bare) :])
        return True

    def _mark_in_answer(self, mark: Mark) -> bool:
        text, at, kind = self._text, self._at, mark.kind
        written = text[at : mark.end]
        if kind is Kind.TEXT or mark.tag == "s" or (kind is Kind.OPENING and self._thinks != (mark.tag or written)):
            return self._show_mark(mark)
        if len(text) < mark.end + LOOK_AHEAD and not self._final:
            return False
        after = text[mark.end : mark.end + LOOK_AHEAD]
        if (
            self._open[_opened_by(mark)] > 0
            or is_mentioned(kind, self._shown.before, after)
            or self._is_tag(mark, after)
        ):
            return self._show_mark(mark)
        self._at = mark.end
        match kind:
            case Kind.OPENING:
                self._open_thought(mark, written, "")
            case Kind.CLOSING if not self._wrapped or after.strip():
                self._withdraw()
            case Kind.CALL:
                self._pass_call(text[at : mark.end])
            case Kind.CHANNEL:
                self._state, self._header = _State.HEADER, ""
            case Kind.MESSAGE if self._shown.length <= len(self._shown.tail):
                header = self._shown.tail
                self._withdraw(thought=False)
                self._channel(header)
            case Kind.END | Kind.TURN | Kind.ROLE:
                self._state = _State.OVER
        return True

    def _is_tag(self, mark: Mark, after: str) -> bool:
        """Is it a tag like any other, where it stands?"""
        match mark.kind:
            case Kind.WRAPPER:
                return not (self._wrapped and mark.tag.startswith("/"))
            case Kind.ROLE:
                return not mark.tag.startswith("/") or after.strip() != ""
            case Kind.CALL if mark.tag:
                return not _CALL.match(after) or (runs(self._shown.before) and after[:1] != "\n")
            case Kind.FILLER:
                before = self._shown.before
                is_line = mark.tag != "" and before.endswith("\n")
                return runs(before) or (is_line and after.strip()[:1] not in BEGINS)
            case _:
                return False

    def _show_mark(self, mark: Mark) -> bool:
        if mark.kind is Kind.OPENING:
            self._open[_ANY_THOUGHT] += 1
        elif mark.kind is Kind.CLOSING or mark.tag.startswith("/"):
            self._open[_opened_by(mark)] = max(0, self._open[_opened_by(mark)] - 1)
        elif mark.tag:
            self._open[mark.tag] += 1
        self._show(self._text[self._at : mark.end])
        self._at = mark.end
        return True

    def _hidden(self) -> bool:
        text, at = self._text, self._at
        if self._until:
            end = text.find(self._until, at)
            if self._until == _FENCE_END and end >= 0 and not self._final:
                follows = end + len(_FENCE_END)
                if follows == len(text):
                    self._pass(end)
                    return False
                if not text[follows].isspace():
                    self._pass(follows)
                    return True
            if end < 0:
                keep = 0 if self._final else len(self._until) - 1
                self._pass(max(at, len(text) - keep))
                return False
            self._at = end + len(self._until)
            self._state = self._resumed
            return True
        stop = _MARK_STOP.search(text, at)
        self._pass(stop.start() if stop else len(text))
        if stop is None:
            return True
        mark = read_mark(text, self._at, final=self._final)
        if mark is None or (self._maybe is not None and len(text) < mark.end + LOOK_AHEAD and not self._final):
            return False
        if self._assumed and self._is_in_sentence(mark):
            self._pass(mark.end)
        elif mark.kind is Kind.CLOSING or text[self._at : mark.end] == self._closing:
            if self._maybe is not None and not self._assumed and goes_on(text[mark.end : mark.end + LOOK_AHEAD]):
                self._give_back()
                return True
            self.ends_a_thought |= self._assumed
            self._open.clear()
            self._state = self._resumed
            self._wrapped = True
        elif mark.kind is Kind.CHANNEL:
            self.ends_a_thought |= self._assumed
            self._state, self._header = _State.HEADER, ""
        elif mark.kind is Kind.END and self._maybe is None:
            self._state = _State.START if self._by_token else _State.OVER
        else:
            self._pass(mark.end)
        self._at = mark.end
        return True

    def _is_in_sentence(self, mark: Mark) -> bool:
        """Of text that is only thought to be a thought: is this mark of it code, or spoken of?"""
        if self._passed.is_code:
            return True
        if mark.kind is Kind.CLOSING and self._open[_ANY_THOUGHT]:
            self._open[_ANY_THOUGHT] -= 1
            return True
        self._open[_ANY_THOUGHT] += mark.kind is Kind.OPENING
        after = self._text[mark.end : mark.end + LOOK_AHEAD]
        return is_mentioned(mark.kind, self._passed.before, after)

    def _pass(self, end: int) -> None:
        """Go on to ``end`` without showing anything."""
        piece = self._text[self._at : end]
        if self._assumed and piece:
            self._passed.show(piece)
        if self._maybe is not None:
            self._maybe.append(piece)
            self._maybe_length += len(piece)
            if self._maybe_length > LONGEST_DOUBT:
                self._maybe = None
        self._at = end

    def _read_header(self) -> bool:
        text, at = self._text, self._at
        stop = _STOP.search(text, at)
        end = stop.start() if stop else len(text)
        self._header = (self._header + text[at:end])[:_LONGEST_HEADER]
        self._at = end
        if stop is None:
            return True
        if text[end] == "\n":
            self._at += 1
            self._channel(self._header)
            return True
        mark = read_mark(text, end, final=self._final)
        if mark is None:
            return False
        self._at = mark.end
        if mark.kind is Kind.MESSAGE:
            self._channel(self._header)
        return True

    def _channel(self, header: str) -> None:
        """A channel begins: the final one is the reply, and only the first of those."""
        if not header.strip().startswith("final"):
            if not self._in_final:
                self._hide(by_token=True)
            else:
                self._state = _State.OVER
            return
        if self._in_final:
            self._state = _State.ENDED
            return
        self._in_final = True
        self._withdraw(thought=False)

    def _over(self) -> bool:
        stop = _MARK_STOP.search(self._text, self._at)
        end = stop.start() if stop else len(self._text)
        self._leftover += max(1, end - self._at)
        if self._leftover > _LONGEST_LEFTOVER:
            self._state = _State.ENDED
            return True
        self._at = end
        if stop is None:
            return True
        mark = read_mark(self._text, self._at, final=self._final)
        if mark is None:
            return False
        self._at = mark.end
        if mark.kind is Kind.CHANNEL:
            self._state, self._header = _State.HEADER, ""
        return True

    def _ended(self) -> bool:
        self._at = len(self._text)
        return True

    # ── what is shown ────────────────────────────────────────────────────────────────────

    def _show(self, piece: str) -> None:
        shown = self._shown.show(piece)
        self._out.append(shown)
        if self._label:
            self._first_line.append(shown)

    def _withdraw(self, *, thought: bool = True) -> None:
        """What was shown was a thought, or belongs to another channel: the reply begins here."""
        self._out.clear()
        self.restarts += 1
        if self._shown.length:
            self._take_back()
        self._shown = ShownText()
        self._open.clear()
        self._label = ""
        self._first_line.clear()
        self._at_line_start = self._is_dialogue = self._has_headings = False
        self.ends_a_thought |= thought
        self._wrapped = self._wrapped or thought
        self._state = _State.START


def _opened_by(mark: Mark) -> str:
    """The tag that a closing one closes."""
    if mark.kind is Kind.CLOSING:
        return _ANY_THOUGHT
    return mark.tag[1:] if mark.tag.startswith("/") else ""


_STEPS: dict[_State, Callable[[ReplyFilter], bool]] = {
    _State.START: ReplyFilter._start,
    _State.ANSWER: ReplyFilter._answer,
    _State.HIDDEN: ReplyFilter._hidden,
    _State.HEADER: ReplyFilter._read_header,
    _State.OVER: ReplyFilter._over,
    _State.ENDED: ReplyFilter._ended,
}
