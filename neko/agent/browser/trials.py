"""What is tried before the user is asked: an act that most likely only changes what is seen, in a page that can send
nothing meanwhile (``restraint``). When that would have sent something, nothing came of it but that we know so: the
same act again is asked for, and the question shows what would be sent."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

from neko.agent.browser.elements import Element, shown
from neko.agent.browser.restraint import HeldBack, Restraint
from neko.agent.browser.risk import worst
from neko.agent.browser.snapshot import hidden_values
from neko.agent.browser.tabs import Tab
from neko.tasks import together
from neko.types.agent import Act

if TYPE_CHECKING:
    from playwright.async_api import Page

    from neko.agent.browser.deed import Deed

_MOST_TOLD: Final = 3
_MOST_KNOWN: Final = 500
_SHORTEST_SECRET: Final = 4
_SAVED_LATE_S: Final = 1.0
"""So long after something was tried a page may still begin to save it; only then may it send what was approved."""
_TOLD: Final = (
    "The page wanted to send something, which was held back: {}. Nothing was sent. If the page shows what you need, go "
    "on; if the sending is what the task needs, do the same again, and the user is asked first."
)
_TOLD_OF_COUNTING: Final = (
    "The page wanted to have it counted elsewhere what is done in it, which was held back: {}. Nothing was sent, and "
    "nothing waits for it; go on."
)


@dataclass(frozen=True, slots=True)
class Judged:
    """``tried``: it is done while the page can send nothing. ``would_send``: what it wanted to when it was."""

    act: Act
    tried: bool = False
    would_send: tuple[str, ...] = ()


NOTHING_TRIED: Final = Judged(Act.READ)


class Trials:
    """Of one task."""

    def __init__(self, restraint: Restraint) -> None:
        self._restraint = restraint
        self._known: dict[Hashable, tuple[str, ...]] = {}
        self._unsent: dict[Hashable, list[HeldBack]] = {}
        self._last: Hashable = None
        self._untold: list[HeldBack] = []
        self._tried_at = -math.inf

    def judged(self, tabs: Iterable[Tab], element: Element, act: Act, *, may_try: bool) -> Judged:
        """An act on an element that does this at worst, as it is now, in one of these tabs."""
        known = self._known.get(_key(element))
        if known:
            return Judged(worst(act, Act.WRITE), would_send=known)
        if act is not Act.READ and may_try and not any(tab.has_socket for tab in tabs):
            return Judged(Act.READ, tried=True)
        return Judged(act)

    async def begin(self, tabs: Sequence[Tab], deed: Deed) -> None:
        """Before an act that may be done. A page can have another one send for it, so it counts for all; and a yes to
        open another page is none to what one wanted to send. Raises Playwright's errors, ``TimeoutError``."""
        element = deed.element
        self._untold += await self._taken(tabs)
        pages = [tab.page for tab in tabs if not tab.crashed and not tab.page.is_closed()]
        if deed.judged.tried:
            await together(*map(self._restraint.restrain, pages))
            self._tried_at = asyncio.get_running_loop().time()
        elif deed.act is not Act.READ:
            if any(map(self._restraint.restrains, pages)):
                await asyncio.sleep(self._tried_at + _SAVED_LATE_S - asyncio.get_running_loop().time())
                self._untold += await self._taken(tabs)
            if deed.in_page:
                self._restraint.approved(self._unsent.pop(_key(element), ()) if element is not None else ())
            await together(*map(self._restraint.free, pages))
        if element is not None:
            self._last = _key(element)

    async def came_of_it(self, tabs: Iterable[Tab]) -> str:
        """What was held back in them since the last time, in words for the model."""
        held = [*self._untold, *await self._taken(tabs)]
        self._untold.clear()
        if not held:
            return ""
        kinds = (
            (_TOLD, [one for one in held if not one.counts]),
            (_TOLD_OF_COUNTING, [one for one in held if one.counts]),
        )
        return "\n".join(
            words.format(", ".join(shown(one.title, 160) for one in kind[:_MOST_TOLD])) for words, kind in kinds if kind
        )

    async def _taken(self, tabs: Iterable[Tab]) -> list[HeldBack]:
        """What was held back since it was asked last, by what was done last. That a visitor is counted is no reason to
        ask the user."""
        held, written = [], []
        for tab in tabs:
            if here := self._restraint.taken(tab.page):
                held += here
                written += await _without_secrets(tab.page, [one for one in here if not one.counts])
        if written and len(self._known) < _MOST_KNOWN:
            self._known[self._last] = tuple(written[:_MOST_TOLD])
        if written:
            self._unsent.setdefault(self._last, []).extend(one for one in held if not one.counts)
        return held

    def close(self) -> None:
        """The task is over: nothing of it is held back any more."""
        for held in self._unsent.values():
            self._restraint.forget(held)


async def _without_secrets(page: Page, held: Sequence[HeldBack]) -> list[str]:
    """The requests whole, for the user to read, but for what stands in fields for passwords, codes and cards."""
    texts = [f"{one.method} {one.url} {one.body}".strip() for one in held[:_MOST_TOLD]]
    for secret in await hidden_values(page) if not page.is_closed() else ():
        if len(secret) >= _SHORTEST_SECRET:
            for written in {secret, quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}:
                texts = [text.replace(written, "…") for text in texts]
    return texts


def _key(element: Element) -> Hashable:
    """The same of whatever looks and is named alike at a place."""
    return (element.host, element.tag, element.role, element.type, element.words, element.submits)
