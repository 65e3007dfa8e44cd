"""Which motions and expressions of a Live2D model go with which emotion (``contract/rest.md`` §4). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

Mapped = Mapping[str, Mapping[str, list[str]]]
"""``{"motions": {emotion: [path]}, "expressions": {emotion: [path]}}``; paths from the ``.model3.json``."""

RESIDENT: Final = "常驻"
"""The group of expressions that are always on."""
_OF_THE_FORM: Final = frozenset({"happy", "sad", "angry", "neutral", "surprised", "Idle"})
"""What N.E.K.O.'s page of emotions covers: what it leaves out of these, the user took away."""


def derived(references: Mapping[str, Any]) -> Mapped:
    """What the model's own names tell: groups of motions, and expressions by what stands before the first ``_``."""
    motions = {str(group): _files(entries) for group, entries in _object(references.get("Motions")).items()}
    expressions: dict[str, list[str]] = {}
    for entry in entries_of(references.get("Expressions")):
        emotion, separator, _ = str(entry.get("Name") or "").partition("_")
        expressions.setdefault(emotion if separator else "neutral", []).append(entry["File"])
    return {"motions": {group: files for group, files in motions.items() if files}, "expressions": expressions}


def mapped_into(config: Mapping[str, Any], mapping: Mapped, here: Collection[str]) -> dict[str, Any]:
    """The ``.model3.json`` with this mapping.

    Groups and expressions that the mapping does not cover stay, as do the resident ones when it does not name them.
    Files that are not ``here`` are passed over.
    """
    references = dict(_object(config.get("FileReferences")))
    earlier = _object(config.get("EmotionMapping"))
    motions = _found(_object(mapping.get("motions")), here)
    motions.pop(RESIDENT, None)
    expressions = _found(_object(mapping.get("expressions")), here)
    if RESIDENT not in expressions:
        resident = _found(_object(earlier.get("expressions")), here).get(RESIDENT)
        expressions.update({RESIDENT: resident} if resident else {})

    groups = _object(references.get("Motions"))
    known = {entry["File"]: entry for entries in groups.values() for entry in entries_of(entries)}
    covered = _OF_THE_FORM | motions.keys()
    references["Motions"] = {group: entries for group, entries in groups.items() if group not in covered} | {
        emotion: [known.get(file, {"File": file}) for file in files] for emotion, files in motions.items()
    }
    placed = {file for files in expressions.values() for file in files}
    references["Expressions"] = [
        entry for entry in entries_of(references.get("Expressions")) if entry["File"] not in placed
    ] + [{"Name": _named(emotion, file), "File": file} for emotion, files in expressions.items() for file in files]
    return {
        **config,
        "FileReferences": references,
        "EmotionMapping": {**mapping, "motions": motions, "expressions": expressions},
    }


def _named(emotion: str, file: str) -> str:
    name = PurePosixPath(file).name.split(".")[0]
    return name if name.startswith(f"{emotion}_") else f"{emotion}_{name}"


def _found(groups: Mapping[str, Any], here: Collection[str]) -> dict[str, list[str]]:
    cleaned = {
        str(emotion): [path for path in dict.fromkeys(map(str, files)) if path in here]
        for emotion, files in groups.items()
        if isinstance(files, list)
    }
    return {emotion: files for emotion, files in cleaned.items() if files}


def _files(entries: object) -> list[str]:
    return [entry["File"] for entry in entries_of(entries)]


def entries_of(value: object) -> list[dict[str, Any]]:
    """The motions of a group, or the expressions, of ``FileReferences``: those that name a file."""
    entries = value if isinstance(value, list) else []
    return [one for one in entries if isinstance(one, dict) and isinstance(one.get("File"), str)]


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
