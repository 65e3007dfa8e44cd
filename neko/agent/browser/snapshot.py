"""A page as a model reads it: Playwright's accessibility snapshot, made shorter, in parts that fit.

Its lines are ``- role "name" [ref=e12]: text``; frames and open shadow roots stand in it where they are on the page.
A ref is good until the next snapshot (playwright.dev, "Aria snapshots").
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from neko.llm.tokens import estimate_tokens

if TYPE_CHECKING:
    from playwright.async_api import Page

_FRAMES_MS: Final = 2_000
"""Frames that have nothing to show by then are left out; a page that is itself not done by then gets more time."""
_LONGEST_S: Final = 12.0
SECRET_FIELDS: Final = (
    'input[type="password"], input[autocomplete~="current-password"], input[autocomplete~="new-password"], '
    'input[autocomplete~="one-time-code"], input[autocomplete^="cc-"]'
)
_MOST_FRAMES: Final = 30
_FRAME_S: Final = 0.5
_HIDDEN: Final = "(hidden)"
_SHORTEST_SECRET: Final = 4
_LONGEST_ADDRESS: Final = 200
_LONGEST_LINE: Final = 1_000
_MOST_LINES: Final = 20_000
_LINE: Final = re.compile(r"^( *)- (.*)$")
_FIELD: Final = re.compile(r"^( *- '?(?:textbox|searchbox|spinbutton|combobox)\b[^\n]*?\]'?): (.*)$", re.MULTILINE)
_ESCAPED_BYTE: Final = re.compile(r"\\x([0-9a-fA-F]{2})")
_REF: Final = re.compile(r" \[ref=\w+\]")
_POINTER: Final = " [cursor=pointer]"
_PLAIN: Final = frozenset({"listitem", "paragraph", "text", "rowgroup", "strong", "emphasis", "code", "cell", "term"})
"""Roles with nothing to act on; without the hand of a pointer over them their refs only cost tokens."""


async def snapshot_of(page: Page) -> str:
    """Nothing in it is secret. Raises Playwright's errors, ``TimeoutError``."""
    async with asyncio.timeout(_LONGEST_S):
        try:
            text = await page.aria_snapshot(mode="ai", timeout=_FRAMES_MS)
        except _timeout_error():
            text = await page.aria_snapshot(mode="ai", timeout=_LONGEST_S * 1000)
        return tidied(without_secrets(text, await hidden_values(page)))


def _timeout_error() -> type[Exception]:
    from playwright.async_api import TimeoutError as PlaywrightTimeoutError

    return PlaywrightTimeoutError


async def hidden_values(page: Page) -> list[str]:
    """What stands in fields for passwords, codes and cards, in every frame and open shadow root.

    A frame that is still loading never answers; then there is nothing of it in the snapshot either.
    """
    from playwright.async_api import Error

    found: list[Any] = []
    for frame in page.frames[:_MOST_FRAMES]:
        with contextlib.suppress(TimeoutError, Error):
            async with asyncio.timeout(_FRAME_S):
                found += await frame.locator(SECRET_FIELDS).evaluate_all("fields => fields.map(field => field.value)")
    return [secret for secret in found if isinstance(secret, str) and secret]


def without_secrets(text: str, secrets: list[str]) -> str:
    """No field shows one of these, or what cannot be told from one; nor does the rest of the page."""
    if not secrets:
        return text
    same = {_in_one_line(secret) for secret in secrets}

    def shown(match: re.Match[str]) -> str:
        value = _scalar(match[2])
        return match[0] if value is not None and _in_one_line(value) not in same else f"{match[1]}: {_HIDDEN}"

    text = _FIELD.sub(shown, text)
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, _HIDDEN)
    return text


def _scalar(written: str) -> str | None:
    """The text of a value in the snapshot's YAML; None when it is not written in a way that we know."""
    if not written.startswith(('"', "'")):
        return written
    try:
        return str(json.loads(_ESCAPED_BYTE.sub(r"\\u00\1", written)))
    except ValueError:
        return None


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def tidied(snapshot: str) -> str:
    """Without lines that say nothing, and refs of what nobody acts on."""
    kept: list[str] = []
    depths: list[int] = []
    for line in snapshot.splitlines()[:_MOST_LINES]:
        match = _LINE.match(line)
        if match is None:
            continue
        depth, body = len(match[1]), match[2]
        while depths and depths[-1] >= depth:
            depths.pop()
        role = body.lstrip("'").partition(" ")[0].rstrip(":")
        pointed = _POINTER in body
        body = body.replace(_POINTER, "").replace(" [active]", "")
        if role == "generic" and not pointed:
            body = _REF.sub("", body, count=1)
            if body.rstrip(":'") == "generic":
                continue
        elif role in _PLAIN and not pointed:
            body = _REF.sub("", body, count=1)
        elif role == "/url":
            body = _short_address(body)
        kept.append(f"{'  ' * len(depths)}- {body[:_LONGEST_LINE]}")
        depths.append(depth)
    return "\n".join(kept)


def _short_address(body: str) -> str:
    if body.removeprefix("/url: ").lstrip("\"'").startswith("data:"):
        return "/url: data:…"
    return body if len(body) <= _LONGEST_ADDRESS else body[:_LONGEST_ADDRESS] + "…"


def parts_of(snapshot: str, most_tokens: int) -> list[str]:
    """The snapshot in pieces of whole lines; at least one."""
    parts: list[str] = []
    lines: list[str] = []
    tokens = 0
    for line in snapshot.splitlines():
        size = estimate_tokens(line) + 1
        if lines and tokens + size > most_tokens:
            parts.append("\n".join(lines))
            lines, tokens = [], 0
        lines.append(line)
        tokens += size
    return [*parts, "\n".join(lines)]


def found_in(snapshot: str, text: str, most: int = 25) -> list[str]:
    """The lines that hold this, in any case of letters, each below what it stands in."""
    wanted = text.casefold()
    above: list[tuple[int, str]] = []
    shown: set[int] = set()
    result: list[str] = []
    hits = 0
    for number, line in enumerate(snapshot.splitlines()):
        depth = len(line) - len(line.lstrip())
        while above and above[-1][0] >= depth:
            above.pop()
        if wanted in line.casefold():
            hits += 1
            if hits > most:
                return [*result, "…"]
            if above and number - 1 not in shown and (not result or result[-1] != above[-1][1]):
                result.append(above[-1][1])
            result.append(line)
            shown.add(number)
        above.append((depth, line))
    return result
