"""An action in the browser that has been understood."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from neko.agent.browser.elements import Element
from neko.agent.browser.trials import NOTHING_TRIED, Judged
from neko.agent.outside import exact_json
from neko.types.agent import Act
from neko.types.hands import Action, Progress

if TYPE_CHECKING:
    from playwright.async_api import Locator

ACT_S: Final = 45.0
"""However long its parts may take; only the user may take longer."""


@dataclass(frozen=True, slots=True)
class Deed:
    """``element``: what it is about, with how to find it. ``bits``: what the choice tells the page. ``in_page``: it
    does something in a page, rather than open another."""

    act: Act
    place: str
    title: str
    do: Callable[[Progress], Awaitable[str]]
    more: Any = None
    element: Element | None = None
    locator: Locator | None = None
    thumbnail: bool = True
    shows_page: bool = True
    downloads_s: float = 0.0
    bits: float = 0.0
    most_s: float | None = ACT_S
    judged: Judged = NOTHING_TRIED
    in_page: bool = True

    def shown(self, action: Action, page: str) -> str:
        """What the user reads of it: the arguments, the page, the element, what its form holds and where it leads."""
        given = dict(action.arguments)
        about: dict[str, Any] = {"page": page, **given} if self.element else given
        if self.element is not None:
            about |= {"element": self.element.words[:500] or self.element.title, "form": dict(self.element.fields)}
            if self.element.target:
                about["form is sent to"] = self.element.target
        if self.judged.would_send:
            about["the page will send"] = list(self.judged.would_send)
        if self.more is not None:
            about["what"] = self.more
        return exact_json(about)
