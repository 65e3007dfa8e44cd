"""How a figure is printed: next to its floor from the same run, with the aim."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence


def show(name: str, figure: str, floor: str = "", ratio: float | None = None, aim: str = "") -> None:
    """One line of the report."""
    parts = [f"{name:<44} {figure:>14}"]
    parts.append(f"floor {floor:>12}" if floor else " " * 18)
    parts.append(f"{ratio:5.2f}×" if ratio is not None else " " * 6)
    parts.append(f"(aim {aim})" if aim else "")
    sys.stdout.write("  ".join(parts).rstrip() + "\n")
    sys.stdout.flush()


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
