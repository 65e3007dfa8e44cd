"""Motions that leave the mouth alone, so that her voice can move it (``contract/rest.md`` §4). Pure.

A curve is ``Segments``: a first point (two numbers), then segments, each begun by its kind: 0 linear, 2 stepped,
3 inverse stepped (a point each), 1 Bézier (three points)
(https://github.com/Live2D/CubismSpecs/blob/master/FileFormats/motion3.json.md). ``Meta`` counts them all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

_POINTS: Final = {0: 1, 1: 3, 2: 1, 3: 1}
MOUTH: Final = frozenset(
    {"ParamMouthOpenY", "ParamMouthForm", "ParamMouthOpen", "ParamA", "ParamI", "ParamU", "ParamE", "ParamO"}
    | {"PARAM_MOUTH_OPEN_Y", "PARAM_MOUTH_FORM"}
)


def mouth_parameters(config: Mapping[str, Any]) -> frozenset[str]:
    """The parameters that a voice moves: the usual ones, and those of the model's own group ``LipSync``."""
    groups = config.get("Groups")
    own = [
        str(name)
        for group in (groups if isinstance(groups, list) else [])
        if isinstance(group, dict) and group.get("Name") == "LipSync" and isinstance(group.get("Ids"), list)
        for name in group["Ids"]
    ]
    return MOUTH.union(own)


def without_mouth(motion: Mapping[str, Any], mouth: Collection[str]) -> dict[str, Any] | None:
    """The motion without the curves of these parameters; None where it has none of them, or cannot be read."""
    curves, meta = motion.get("Curves"), motion.get("Meta")
    if not isinstance(curves, list) or not isinstance(meta, dict):
        return None
    left = [curve for curve in curves if not (isinstance(curve, dict) and curve.get("Id") in mouth)]
    if len(left) == len(curves):
        return None
    counts = [_count(curve.get("Segments")) if isinstance(curve, dict) else None for curve in left]
    if None in counts:
        return None
    known = [count for count in counts if count]
    return {
        **motion,
        "Meta": {
            **meta,
            "CurveCount": len(left),
            "TotalSegmentCount": sum(segments for segments, _ in known),
            "TotalPointCount": sum(points for _, points in known),
        },
        "Curves": left,
    }


def _count(numbers: object) -> tuple[int, int] | None:
    """Segments and points of a curve; None where it is none."""
    if not isinstance(numbers, list) or len(numbers) < 2:
        return None
    at, segments, points = 2, 0, 1
    while at < len(numbers):
        more = _POINTS.get(numbers[at]) if isinstance(numbers[at], int | float) else None
        if more is None:
            return None
        at += 1 + 2 * more
        segments, points = segments + 1, points + more
    return segments, points
