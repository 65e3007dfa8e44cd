"""What an action in the browser would do, at worst; pure rules.

* To look is to read. To follow a link or press what only opens a part of the page is, too: a page can lead where it
  likes, but it has nothing of the user's to send along. But *which* of many links is chosen can spell something, so
  that in a task only so many bits are told in this way to places that do not know what the task has heard; then each
  further choice there is a ``WRITE``.
* What the *model* composes, an address or a text, may carry what it read elsewhere. It carries nothing while all of its
  words are the user's own, or all that the task has heard from outside came from the very host that it goes to. Else an
  address leaks, ``EXFILTRATING``; to a host that the user named it is a ``WRITE``, and so is a text.
* A text in a field, a choice, a button that says no more than that it looks on or closes something: ``WRITE``. The
  user's own words in a form that only asks for a page: to read.
* A button that sends or publishes, and every upload, is ``EXFILTRATING``. Any other that says that it pays, deletes,
  confirms, or says what is not known (in which language ever), or nothing at all, is taken for the worst:
  ``DESTRUCTIVE``. So it is asked for each time, whatever else the user has approved at that place.
* That is what an act does at worst. One that most likely only changes what is seen is tried first, unasked, in a page
  that can send nothing meanwhile (``may_try_…``, ``trials``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_plus, urljoin, urlsplit

from neko.agent.browser.elements import Element
from neko.agent.browser.gate import named_places, place_of
from neko.agent.browser.harmless_names import is_harmless, is_rid_of_cookies
from neko.agent.browser.restraint import names_deed
from neko.agent.browser.risky_names import act_of_name
from neko.types.agent import Act

_ORDER: Final = (Act.READ, Act.WRITE, Act.EXFILTRATING, Act.DESTRUCTIVE)
_WORD: Final = re.compile(r"[^\W_]+")
_LINK: Final = re.compile(r"^ *- /url: [\"']?([^\"'\n]+)", re.MULTILINE)
_USUAL: Final = "www com org net html htm php asp aspx index search results query q s wiki http https home"
_USUAL_IN_ADDRESSES: Final = frozenset(f"{_USUAL} en de fr es it ja zh ko".split())
_USUAL_PORTS: Final = (80, 443)
_MOST_LINKS: Final = 5_000
_MOST_DATA: Final = 4_000
_WORDS_OF_A_CARD: Final = 6
"""What has more and is no button tells of something, as a link does."""
MOST_CHOSEN: Final = 64.0
"""Bits: some ten choices among sixty links."""
_OPENING_ROLES: Final = frozenset(
    {"columnheader", "combobox", "heading", "row", "searchbox", "tab", "textbox", "treeitem"}
)
_SETTING_ROLES: Final = frozenset(
    {"checkbox", "menuitemcheckbox", "menuitemradio", "option", "radio", "slider", "switch"}
)
_SETTING_TAGS: Final = frozenset({"label", "option", "select"})
_SETTING_TYPES: Final = frozenset({"checkbox", "color", "file", "radio", "range", "reset"})


@dataclass(slots=True)
class Heard:
    """What a task knows. ``words``: the user's; ``elsewhere``: it has heard from outside by another hand; ``hosts``:
    whose pages it has read; ``links``: the addresses that it has seen in them."""

    words: str
    elsewhere: Callable[[], bool]
    hosts: set[str] = field(default_factory=set)
    links: dict[str, None] = field(default_factory=dict)
    chosen: float = 0.0
    """Bits that choices have told so far."""

    def read(self, url: str, snapshot: str = "", frames: Sequence[str] = ()) -> None:
        """The model is shown this page, with what stands in its frames."""
        self.hosts.update(filter(None, (place_of(one)[0] for one in (url, *frames))))
        for match in _LINK.finditer(snapshot):
            if len(self.links) >= _MOST_LINKS:
                break
            self.links[urljoin(url, match[1].strip())] = None

    def links_to(self, host: str) -> int:
        """How many of the links that it has seen lead there."""
        return sum(place_of(link)[0] == host for link in self.links)

    def names(self, host: str) -> bool:
        """The user has named this host, or the domain that it is in."""
        return any(host == named or host.endswith(f".{named}") for named, _ in named_places(self.words))

    def may_leak(self, host: str, text: str) -> bool:
        """Whether a text of the model's may tell ``host`` what that does not know."""
        return (self.elsewhere() or bool(self.hosts - {host})) and not self.are_the_users(text)

    def bits(self, hosts: Sequence[str], among: int) -> float:
        """What it tells these hosts that one of so many things on a page is chosen: none where they know all that the
        task does, or the user has named them."""
        tells = any((self.elsewhere() or self.hosts - {host}) and not self.names(host) for host in filter(None, hosts))
        return math.log2(max(2, among)) if tells else 0.0

    def are_the_users(self, text: str, others: frozenset[str] = frozenset()) -> bool:
        """All words of this are the user's. Where words are not set apart by spaces, pieces of theirs."""
        if len(text) > _MOST_DATA:
            return False
        said = self.words.casefold()
        known = {*_WORD.findall(said), *others}
        words = _WORD.findall(text.casefold())
        return all(word in known or (not word.isascii() and word in said) for word in words)


def worst(*acts: Act) -> Act:
    return max(acts, key=_ORDER.index)


def of_address(url: str, heard: Heard) -> Act:
    """To open an address that the model gives."""
    host = place_of(url)[0]
    if url in heard.links or not (heard.elsewhere() or heard.hosts - {host}):
        return Act.READ
    parts = urlsplit(url)
    known_host = "" if host in heard.hosts else host  # a name below one that the user named can be a text, too
    port = "" if place_of(url)[1] in _USUAL_PORTS else place_of(url)[1]
    data = unquote_plus(f"{known_host} {port} {parts.path} {parts.query} {parts.fragment}")
    if heard.are_the_users(data, _USUAL_IN_ADDRESSES):
        return Act.READ
    return Act.WRITE if heard.names(host) else Act.EXFILTRATING


def of_choice(act: Act, bits: float, heard: Heard) -> Act:
    """What an act would do at worst whose choice tells so many bits."""
    return Act.WRITE if act is Act.READ and bits and heard.chosen + bits > MOST_CHOSEN else act


def of_click(element: Element) -> Act:
    if element.in_cookie_notice and is_rid_of_cookies(element.words) and not element.filled:
        return Act.READ
    plain_link = _is_plain_link(element)
    harmless = is_harmless(element.words)
    risky = None if harmless else act_of_name(element.words, link=plain_link)
    if risky is not None:
        return risky
    if plain_link:
        return Act.DESTRUCTIVE if names_deed(element.link) else Act.READ
    if element.submits:
        return of_submit(element)
    if _is_set(element):
        return Act.WRITE
    if element.opens or element.role in _OPENING_ROLES or element.tag == "summary" or element.takes_text:
        return Act.READ
    return Act.WRITE if harmless else Act.DESTRUCTIVE


def _is_set(element: Element) -> bool:
    return element.role in _SETTING_ROLES or element.tag in _SETTING_TAGS or element.type in _SETTING_TYPES


def _is_plain_link(element: Element) -> bool:
    return element.link.startswith(("http:", "https:")) and not element.link_is_button and not element.submits


def may_try_click(element: Element) -> bool:
    """A click may be tried in a page that can send nothing: its element does not say that it is risky and sends no
    form, nor stands in one with texts, where it would have to say that it only looks on, or be a cell to choose."""
    harmless = is_harmless(element.words)
    is_card = (
        element.tag not in ("button", "input") and not element.role and len(element.words.split()) > _WORDS_OF_A_CARD
    )
    if _is_plain_link(element) or (not harmless and act_of_name(element.words, link=is_card) is not None):
        return False
    if element.submits:
        return may_try_submit(element)
    return not element.filled or harmless or element.in_grid


def may_try_submit(element: Element) -> bool:
    """So may the sending of a form that searches, or whose button says that it only looks on."""
    return not element.filled and (is_harmless(element.submitter) or (not element.submitter and _searches(element)))


def of_submit(element: Element) -> Act:
    """To send the form of an element, as its button or the enter key does."""
    harmless = is_harmless(element.submitter) or (not element.submitter and _searches(element))
    risky = None if harmless else act_of_name(element.submitter)
    if risky is not None:
        return risky
    if element.form_asks:
        return Act.READ
    return (Act.EXFILTRATING if element.filled else Act.WRITE) if harmless else Act.DESTRUCTIVE


def _searches(element: Element) -> bool:
    return element.type == "search" or element.role == "searchbox"


def of_typing(element: Element, text: str, host: str, heard: Heard) -> Act:
    if heard.may_leak(host, text):
        return Act.WRITE if heard.names(host) else Act.EXFILTRATING
    asks = element.form_asks or _searches(element)
    return Act.READ if asks and heard.are_the_users(text) else Act.WRITE


def may_try_key(key: str, element: Element | None) -> bool:
    if element is not None and key in _SETTING and _is_set(element):
        return not element.filled
    if element is None or element.tag == "body" or key not in ("Enter", "Space", " "):
        return False
    if element.takes_text:
        return key == "Enter" and element.tag == "input" and may_try_submit(element)
    return may_try_click(element)


_MOVING: Final = frozenset(
    {
        "Tab",
        "Shift+Tab",
        "Escape",
        "ArrowUp",
        "ArrowDown",
        "ArrowLeft",
        "ArrowRight",
        "PageUp",
        "PageDown",
        "Home",
        "End",
        "F5",
        "Control+Home",
        "Control+End",
    }
)
_SETTING: Final = _MOVING - {"Tab", "Shift+Tab", "Escape", "F5"}
"""In a list, between radio buttons or on a slider they choose."""
KEYS: Final = len(_MOVING)
"""So many are pressed unasked."""
_EDITING: Final = frozenset(
    {"Backspace", "Delete", "Control+a", "Control+A", "Meta+a", "Control+z", "Control+Backspace"}
)


def of_key(key: str, element: Element | None) -> Act:
    """``element``: what has the focus. A key that a page may take for a shortcut of its own can do anything."""
    if key in _MOVING:
        return Act.WRITE if key in _SETTING and element is not None and _is_set(element) else Act.READ
    if element is not None and key == "Enter" and element.takes_text and element.tag == "input":
        return of_submit(element)
    if element is not None and key in ("Enter", "Space", " ") and not element.takes_text:
        return of_click(element) if element.tag != "body" else (Act.READ if key != "Enter" else Act.WRITE)
    if element is not None and element.takes_text and (key in _EDITING or len(key) == 1 or key in ("Enter", "Space")):
        return Act.WRITE
    return Act.DESTRUCTIVE
