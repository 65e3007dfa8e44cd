"""How long a text is for a model, roughly."""

from __future__ import annotations

from bisect import bisect_right

_MARK_TOKENS = 14


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


def both_ends(text: str, most_tokens: int) -> str:
    """``text``, or its beginning and its end within so many tokens, with a mark between them that says how much of it
    is missing."""
    if estimate_tokens(text) <= most_tokens:
        return text
    half = max(1, (most_tokens - _MARK_TOKENS) // 2)
    first, last = text[: 4 * half], text[-4 * half :]
    lengths = range(1, len(first) + 1)
    begins = max(1, bisect_right(lengths, half, key=lambda length: estimate_tokens(first[:length])))
    ends = max(1, bisect_right(lengths, half, key=lambda length: estimate_tokens(last[-length:])))
    missing = max(0, len(text) - begins - ends)
    return f"{text[:begins].rstrip()}\n[… {missing} characters left out …]\n{text[-ends:].lstrip()}"
