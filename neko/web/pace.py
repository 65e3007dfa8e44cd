"""How slow a client may be before it counts as one that never finishes."""

from __future__ import annotations

GRACE_S = 30.0
SLOWEST = 16 * 1024
"""Bytes a second."""


def allowed_seconds(size: int) -> float:
    """How long so many bytes may take on their way."""
    return GRACE_S + size / SLOWEST
