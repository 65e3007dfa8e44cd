"""JSON files that somebody edits by hand: their encodings, and what can be read of one that is not quite JSON.

The lenient reader is ``json-repair`` (MIT): of the kept ones it alone takes smart quotes, missing brackets and commas
as well as comments, single quotes and bare keys, and its time is linear. It always finds something, so a reading is
held against what the text writes before it counts for more than a backup.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from neko.well_formed import check_depth, load_json

_TOKEN: Final = re.compile(
    r"""//[^\n]* | \#[^\n]* | /\*(?:[^*]|\*(?!/))*+ | "((?:[^"\\\n]|\\.)*+)(?:"(\s*+:)?)? | [^"/\#]++ | .""", re.VERBOSE
)
"""A comment, a text in double quotes (closed or not, a key or not), or what is between them. Nothing is read twice."""
_CUT_OFF: Final = re.compile(r'"(?:[^"\\\n]|\\.)*+"\s*+:\s*+(?:t|tr|tru|f|fa|fal|fals|n|nu|nul)\s*+\Z')
"""A ``true``, ``false`` or ``null`` that the text breaks off in, with its key; the lenient reader takes it for text."""
_LONGEST_CUT_OFF: Final = 300
_MARK: Final = "\ufffd"
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")


def decoded(content: bytes, errors: str = "strict", *, is_json: bool = True) -> str:
    """The text of a document in any encoding that JSON may have (RFC 4627 §3), with or without a byte order mark, or in
    that of Chinese Windows, whose editors write it. Only whole JSON is taken for the latter where it ``is_json``.

    Raises ``UnicodeDecodeError`` unless ``errors`` says otherwise.
    """
    try:
        text = content.decode(json.detect_encoding(content))
    except UnicodeDecodeError:
        chinese = _in_gb18030(content, is_json)
        text = content.decode(json.detect_encoding(content), errors) if chinese is None else chinese
    return text.removeprefix("\ufeff")


def _in_gb18030(content: bytes, is_json: bool) -> str | None:
    """A document in GB 18030 (also GBK and GB 2312), None if it is none. Nearly any bytes can be read as
    such: most of its letters have to be common ones, and it must not be nearly UTF-8."""
    try:
        text = content.decode("gb18030")
        if is_json:
            json.loads(text)
    except (ValueError, RecursionError):
        return None
    letters = "".join(letter for letter in text if not letter.isascii())
    common = letters.encode("gb2312", "ignore").decode("gb2312")
    as_utf8 = content.decode("utf-8", "replace")
    lost = as_utf8.count(_MARK)
    # by chance some pairs of bytes in GBK are letters of UTF-8 too, but hardly ever three bytes are one
    whole = sum((letter > "\x7f") + 2 * (letter > "\u07ff") for letter in as_utf8) - 3 * lost
    is_nearly_utf8 = whole > 2 * lost
    return text if 2 * len(common) > len(letters) and not is_nearly_utf8 else None


def read_leniently(content: bytes) -> Any:
    """What can be read of a damaged document; None when that is nothing, or the document is not damaged.

    First as one sign put in or left out makes it JSON, else as the lenient reader takes it; where that swallows keys
    of other lines, the line of the fault is given up for them. Two seconds for a megabyte at worst. What comes back
    is clean JSON, whatever stood in the file.
    """
    text = decoded(content, "replace")
    if cut_off := _CUT_OFF.search(text, max(0, len(text) - _LONGEST_CUT_OFF)):
        text = text[: cut_off.start()]
    fault = _first_fault(text)
    if fault is None or _NO_TEXT.search(text):
        return None
    for edited in _edits(text, fault):
        if _first_fault(edited) is None:
            with contextlib.suppress(ValueError):
                return check_depth(load_json(edited))
    reading, written = _repaired(text), _written_keys(text)
    if written <= _names(reading).keys():
        return reading
    line = text.count("\n", 0, fault)
    lines = text.split("\n")
    without = (_repaired("\n".join(lines[:at] + lines[at + 1 :])) for at in (line, line - 1) if at >= 0)
    return max((reading, *without), key=lambda one: len(written & _names(one).keys()))


def _first_fault(text: str) -> int | None:
    """Where the text stops being JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos
    except (ValueError, RecursionError):
        return 0
    return None


def _edits(text: str, fault: int) -> Iterator[str]:
    """The text with one sign less, or one more, where it stops being JSON and at the last sign before."""
    before = max(0, len(text[:fault].rstrip()) - 1)
    shorter = [(text[at].isalnum(), text[:at] + text[at + 1 :]) for at in (before, fault) if at < len(text)]
    yield from (edited for is_word, edited in shorter if not is_word)
    for at in (fault, before, before + 1):
        yield from (text[:at] + sign + text[at:] for sign in '",:}]')
    yield from (edited for is_word, edited in shorter if is_word)


def _repaired(text: str) -> Any:
    from json_repair import loads

    try:
        return check_depth(load_json(json.dumps(loads(text, skip_json_loads=True)))) or None
    except (ValueError, RecursionError):
        return None


def holds_all(value: Any, content: bytes, backup: Any) -> bool:
    """Is a lenient reading the whole of what stands in ``content``, so that it is newer than ``backup``, not less?

    It is not when letters are lost, a key that is written there is missing, a key of the backup's top level is
    further down, or the text breaks off and the backup has keys that it lacks or has less often.
    """
    text = decoded(content, "replace")
    found = _names(value)
    top = set(value) if isinstance(value, dict) else set()
    above = set(backup) if isinstance(backup, dict) else set()
    breaks_off = not text.rstrip().endswith(("}", "]"))
    return (
        _MARK not in text
        and _written_keys(text) <= found.keys()
        and not (above & found.keys()) - top
        and not (breaks_off and _names(backup) - found)
    )


def _written_keys(text: str) -> set[str]:
    """The keys in double quotes, those in comments left out."""
    keys = set()
    for token in _TOKEN.finditer(text):
        if token[2]:
            try:
                keys.add(str(load_json(f'"{token[1]}"')))
            except ValueError:
                keys.add(token[1])
    return keys


def _names(value: Any) -> Counter[str]:
    """All keys, at every depth, and how often they are there."""
    names: Counter[str] = Counter()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            names.update(one.keys())
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return names
