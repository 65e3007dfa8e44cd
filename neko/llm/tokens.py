"""How long a text is for a model, roughly."""

from __future__ import annotations

from bisect import bisect_right


def estimate_tokens(text: str) -> int:
    """A rough upper count of tokens: four ASCII characters or one other character each."""
    plain = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    return plain // 4 + (len(text) - plain) + 1


def beginning(text: str, most_tokens: int) -> str:
    """``text``, or its beginning within so many tokens, marked as cut."""
    if estimate_tokens(text) <= most_tokens:
        return text
    end = bisect_right(range(len(text)), most_tokens - 2, key=lambda length: estimate_tokens(text[:length]))
    return text[: max(1, end - 1)].rstrip() + " …"
