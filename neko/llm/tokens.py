"""How long a text is for a model, roughly."""

from __future__ import annotations


def estimate_tokens(text: str) -> int:
    """A rough upper count of tokens: four ASCII characters or one other character each."""
    plain = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    return plain // 4 + (len(text) - plain) + 1
