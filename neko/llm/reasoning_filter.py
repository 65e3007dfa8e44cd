"""Reasoning that a local model writes into its reply as ``<think>…</think>`` is not for the user."""

from __future__ import annotations

_OPENING = ("<think>", "<thinking>")
_CLOSING = ("</think>", "</thinking>")
_ALL = _OPENING + _CLOSING


class ReasoningFilter:
    """Text deltas in, text without reasoning out; a tag may be cut anywhere between deltas."""

    __slots__ = ("_has_text", "_inside", "_pending")

    def __init__(self, *, begun: bool = False) -> None:
        """``begun``: this text goes on with a reply, so its white space counts."""
        self._inside = False
        self._pending = ""
        self._has_text = begun

    def feed(self, text: str) -> str:
        """What may be shown now. White space before the first word of a reply is dropped."""
        if self._has_text and not self._inside and not self._pending and "<" not in text:
            return text
        text = self._pending + text
        self._pending = ""
        shown: list[str] = []
        while text:
            text = self._step(text, shown)
        return self._trim("".join(shown))

    def flush(self) -> str:
        """What was held back as the possible start of a tag."""
        text, self._pending = self._pending, ""
        return "" if self._inside else self._trim(text)

    def _step(self, text: str, shown: list[str]) -> str:
        """Consume up to the next tag; returns what is left to look at."""
        at = text.find("<")
        if at < 0:
            if not self._inside:
                shown.append(text)
            return ""
        if not self._inside:
            shown.append(text[:at])
        text = text[at:]
        for tag in _ALL:
            if text.startswith(tag):
                self._inside = tag in _OPENING
                return text[len(tag) :]
        if any(tag.startswith(text) for tag in _ALL):
            self._pending = text
            return ""
        if not self._inside:
            shown.append("<")
        return text[1:]

    def _trim(self, text: str) -> str:
        if not self._has_text:
            text = text.lstrip()
            self._has_text = bool(text)
        return text
