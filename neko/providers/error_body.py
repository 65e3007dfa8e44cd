"""What a provider says in an answer that is no reply: its sentence, its codes, and what they name.

There are many shapes: OpenAI's ``{"error": {"message", "type", "code", "param"}}``, FastAPI's ``{"detail"}``,
MiniMax's ``{"base_resp": {"status_code", "status_msg"}}``, gateways' ``{"code", "msg"}``, lists of any of them,
one as text inside another, plain text, a web page. So they are not told apart: the body is walked, and what
stands under a name for a sentence is one, whatever is around it.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from neko.late_patterns import late_pattern
from neko.well_formed import load_json

LONGEST_SAID: Final = 200
LONGEST_PART: Final = 8
"""Letters and digits of a key in a row that are too many to show."""
_MOST_VALUES: Final = 200
_DEEPEST: Final = 8
_MOST_EVENTS: Final = 20
_SENTENCE = late_pattern(
    r"(err|error|status|fault)?(message|msg|string|text)|(error)?description|details?|errors?|cause|reason|raw|title"
)
_CODED = late_pattern(r"(err|error|status)?code|type|status|object|finishreason|blockreason")
_WAIT = late_pattern(r"retryafter|estimatedtime")
_ECHO = late_pattern(r"input|ctx|messages|request|usage|choices|url|headers")
"""Where the request is repeated, with the user's words in it."""
_CODE = late_pattern(r"[\w.-]+")
_CODE_NAME = late_pattern(r"((err|error|status)_?)?code", re.IGNORECASE)
_GOOD_CODES: Final = frozenset(("", "0", "200", "ok", "success", "none", "true"))
_ERROR_WORDS: Final = frozenset(("error", "errors", "failed", "fail", "failure", "exception"))
_SECONDS = late_pattern(r"(\d+(?:\.\d+)?)s?")
_MARKUP = late_pattern(r"\s*<(?:!doctype|html|head|body|title|center|h1|p|meta|script|div)\b", re.IGNORECASE)
_HEADING = late_pattern(r"<(title|h1)\b[^<>]{0,200}>", re.IGNORECASE)
_TAG = late_pattern(r"<[^<>]*>")
_EVENT = re.compile(rb"(?:\A|\n)(?:data|error):(.*)")
_SECRET = late_pattern(
    r"\b(?:(?:sk|key|tok|gsk|pk|xai|hf)[-_]|AIza)[\w*.-]{6,}|\b[A-Za-z0-9_*-]{32,}(?![A-Za-z0-9_*.-])"
    r"|Bearer \S+|(?<=//)[^/\s@]+(?=@)|(?<=\bkey=)[^&\s]+|(?<=token=)[^&\s]+|(?<=api[_-]key=)[^&\s]+"
)


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """``said``: the provider's own sentence, cleaned. ``words``: all its sentences and codes, to look for causes in.

    ``status``: an HTTP status that it names. ``parameter``: the field of the request that it blames.
    ``context``: the tokens that the model takes. ``wait_s``: seconds after which to try again.
    """

    said: str = ""
    words: str = ""
    status: int | None = None
    parameter: str = ""
    context: int | None = None
    wait_s: float | None = None
    is_page: bool = False


def decoded_body(raw: bytes) -> object:
    """The body of an error answer: JSON, also as one event of a stream, else its text."""
    events = islice(_EVENT.finditer(raw), _MOST_EVENTS)
    for part in (raw, *(event[1] for event in events)):
        try:
            return load_json(part)
        except (ValueError, RecursionError):
            continue
    return raw.decode("utf-8", "replace")


def read_error(body: object) -> ErrorBody:
    """What ``body`` says, JSON as it was decoded or text."""
    if isinstance(body, str):
        return _read_text(body)
    return _read_values(body)


def has_substance(error: object) -> bool:
    """Whether a value called "error" is one: many servers send it empty, as null, as zero or with empty fields."""
    if isinstance(error, Mapping):
        return any(map(has_substance, error.values()))
    return bool(error) and str(error).lower() not in _GOOD_CODES


def is_error(event: Mapping[str, Any]) -> bool:
    """Whether an object without choices says that something went wrong (``{"type": "ping"}`` and the like do not)."""
    if event.get("success") is False or any(has_substance(event.get(name)) for name in ("error", "errors", "detail")):
        return True
    if any(str(event.get(name)).lower() in _ERROR_WORDS for name in ("object", "type", "status")):
        return True
    inner = event.get("base_resp") or event.get("header") or event
    if not isinstance(inner, Mapping):
        return False
    code = next((inner[name] for name in inner if _CODE_NAME.fullmatch(name)), None)
    return code is not None and str(code).lower() not in _GOOD_CODES and bool(read_error(inner).said)


def clean(text: str, *, keep: str = "") -> str:
    """On one line, short, without control characters and without what looks like a secret; ``keep`` is none."""
    text = _SECRET.sub(lambda found: found[0] if keep and found[0] in keep else "***", text[: 20 * LONGEST_SAID])
    shown = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    shown = " ".join(shown.split())
    return shown if len(shown) <= LONGEST_SAID else shown[: LONGEST_SAID - 1].rstrip() + "…"


def without_key(text: str, key: str) -> str:
    """``text`` without ``key`` and without any part of it of ``LONGEST_PART`` or more, however it is broken up: servers
    repeat keys over two lines, with blanks or with an ellipsis in their middle."""
    letters = "".join(filter(str.isalnum, key))
    size = min(LONGEST_PART, len(letters))
    if not size:
        return text
    parts = {letters[at : at + size] for at in range(len(letters) - size + 1)}
    places = [at for at, character in enumerate(text) if character.isalnum()]
    plain = "".join(text[at] for at in places)
    shown: list[str] = []
    end, masked = 0, -2
    for at in range(len(plain) - size + 1):
        if plain[at : at + size] in parts:
            if at > masked + 1:
                shown += text[end : places[at]], "***"
            masked = at + size - 1
            end = places[masked] + 1
    return "".join(shown) + text[end:]


def _read_text(text: str) -> ErrorBody:
    text = text[:64_000]
    if not _MARKUP.match(text):
        plain = _TAG.sub(" ", text) if text.lstrip().startswith("<") else text
        return ErrorBody(said=clean(plain), words=plain.strip()[:4_000])
    words = html.unescape(_TAG.sub(" ", text)).strip()
    return ErrorBody(said=clean(_heading(text) or words), words=words[:4_000], is_page=True)


def _heading(page: str) -> str:
    """The title of a page, or its first heading."""
    found = _HEADING.search(page)
    if found is None:
        return ""
    end = page.lower().find(f"</{found[1].lower()}", found.end())
    return html.unescape(_TAG.sub(" ", page[found.end() : end])) if end >= 0 else ""


def _read_values(body: object) -> ErrorBody:
    sentences: list[ErrorBody] = []
    codes: list[ErrorBody] = []
    found: dict[str, Any] = {}
    places: list[str] = []
    for name, value in _values(body, ""):
        if _SENTENCE.fullmatch(name) and isinstance(value, str):
            text = _read_text(value)
            found["is_page"] = text.is_page or found.get("is_page", False)
            (codes if _CODE.fullmatch(text.words) else sentences).append(text)
        elif _CODED.fullmatch(name) and isinstance(value, str | int):
            codes.append(ErrorBody(str(value), f"{name} {value}" if name == "blockreason" else str(value)))
            if str(value).isdecimal() and 400 <= int(value) < 600:
                found.setdefault("status", int(value))
        elif name in ("param", "loc") and isinstance(value, str):
            found["parameter"] = value
            places.append(value)
        elif name == "nctx" and isinstance(value, int):
            found["context"] = value
        elif _WAIT.fullmatch(name) and (match := _SECONDS.fullmatch(str(value))):
            found["wait_s"] = float(match[1])
    said = list(dict.fromkeys(text.said for text in sentences))
    said = said or [code.said for code in codes if not code.said.isdecimal()]
    words = " ".join([text.words for text in [*sentences, *codes]] + places)
    return ErrorBody(clean(": ".join(said[:2])), words[:8_000], **found)


def _values(body: object, name: str) -> Iterator[tuple[str, object]]:
    """The plain values in ``body`` with the names that they stand under, in order, without case and underscores."""
    waiting: list[tuple[str, object, int]] = [(name, body, 0)]
    for _ in range(_MOST_VALUES):
        if not waiting:
            return
        name, value, depth = waiting.pop()
        if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            value = _as_json(value)
        children: list[tuple[str, object]] = []
        if isinstance(value, Mapping):
            children = [(re.sub(r"[_-]", "", str(key)).lower(), child) for key, child in value.items()]
        elif isinstance(value, list):
            children = [(name, child) for child in value[:20]]
        elif value is not None:
            yield name, value
        if depth < _DEEPEST:
            waiting += [(key, child, depth + 1) for key, child in reversed(children) if not _ECHO.fullmatch(key)]


def _as_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
