"""``Mio: `` at the start of a line: a model writes on in the shape that the talk has in its prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from neko.late_patterns import late_pattern

_LEAD = late_pattern(r"(?:#{1,6} ?)?(?P<emphasis>[*_]{0,3})[\[【「<(]?")
_END = late_pattern(r"[*_\]】」>)]{0,3}[ \u3000]?[:：]")
_MAY_BECOME_END = late_pattern(r"[*_\]】」>)]{0,3}[ \u3000]?")
_HEADING_END = late_pattern(r"[ :：]*\n")
_WORD = r"[^\W\d_a-z][\w.'-]{0,30}"
_LABEL = late_pattern(rf"((?:#{{1,6}} |\W{{0,3}}){_WORD}(?: {_WORD})?[*_]{{0,3}}[:：])[*_]{{0,3}}\s")
"""Of anybody: one or two words with capitals."""
_MAY_BECOME_LABEL = late_pattern(rf"(?:#{{1,6}} ?|\W{{0,3}})(?:{_WORD}(?: (?:{_WORD})?)?[*_]{{0,3}}[:：]?[*_]{{0,3}})?")
_NEXT_LABEL = late_pattern(rf"\n[ \n]*{_LABEL.pattern}")
LONGEST_TURN = 1000
"""Characters in which another label is looked for."""
LONGEST = 120
"""Characters that are enough to tell a label by."""

_OWN_ROLES = ("assistant", "助手", "アシスタント", "어시스턴트")
_OTHER_ROLES = ("user", "human", "用户", "用戶", "使用者", "ユーザー", "사용자")
_OWN_HEADINGS = ("assistant", "response", "answer")
_OTHER_HEADINGS = ("user", "human", "instruction", "input", "system")


class SpeakerLabels:
    """The names of the two who talk, and the few words for roles that templates use."""

    def __init__(self, own: str = "", other: str = "") -> None:
        self._own = _names(own, _OWN_ROLES)
        self._others = _names(other, (*_OTHER_ROLES, "assistant"))

    def own(self, text: str, *, final: bool) -> int | None:
        """The length of a label of herself at the start of ``text``, 0 for none, None while it cannot be told."""
        return _label(text, self._own, _OWN_HEADINGS, final)

    def other(self, text: str, *, final: bool) -> int | None:
        """The same for a label that begins somebody else's turn."""
        return _label(text, self._others, (*_OTHER_HEADINGS, *_OWN_HEADINGS), final)

    def third(self, text: str, *, final: bool) -> bool | None:
        """Does ``text`` begin with the label of anybody else? None while it cannot be told."""
        if match := _LABEL.match(text):
            return self._is_third(match[1])
        return None if not final and _MAY_BECOME_LABEL.fullmatch(text) else False

    def _is_third(self, label: str) -> bool:
        return not (self.own(label + " ", final=True) or self.other(label + " ", final=True))

    def is_dialogue(self, text: str, *, final: bool) -> bool | None:
        """Does a third one speak after the label that begins ``text``? None while no other label has come.

        Where nobody but the two speaks, a model writes the talk on by itself; else it tells of others.
        """
        for line in _NEXT_LABEL.finditer(text, 0, LONGEST_TURN):
            return self._is_third(line[1])
        return False if final or len(text) >= LONGEST_TURN else None


def _names(name: str, roles: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in (name.strip().lower(), *roles) if one))


def _label(text: str, names: Sequence[str], headings: Sequence[str], final: bool) -> int | None:
    lead = _LEAD.match(text)
    start = lead.end() if lead else 0
    emphasis = lead["emphasis"] if lead else ""
    rest = text[start:].lower()
    heading = text.startswith("#")
    if not rest:
        return 0 if final or not text else None
    undecided = False
    for name in (*names, *headings) if heading else names:
        if rest.startswith(name):
            if end := _END.match(rest, len(name)) or (heading and _HEADING_END.match(rest, len(name))):
                length, following = end.end(), rest[end.end() : end.end() + len(emphasis)]
                if emphasis in end.group() or not emphasis.startswith(following):
                    return start + length
                return None if len(following) < len(emphasis) and not final else start + length + len(following)
            undecided |= bool(_MAY_BECOME_END.fullmatch(rest, len(name)))
        undecided |= name.startswith(rest)
    return None if undecided and not final and len(text) < LONGEST else 0
