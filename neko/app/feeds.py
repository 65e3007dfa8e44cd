"""News and links that the user chose: the newest headlines of RSS and Atom feeds.

``feedparser`` reads whatever feeds are in use; it is imported when the first one is read.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from neko.app.fetching import fetched
from neko.errors import NekoError
from neko.net import Network
from neko.tasks import in_thread, together
from neko.well_formed import well_formed

logger = logging.getLogger(__name__)

MOST_OF_ONE: Final = 5
"""Headlines of one feed."""
MOST_FEEDS: Final = 20
_WHOLE_S: Final = 10.0
_FRESH_S: Final = 600.0
"""A feed is not fetched again sooner."""
_LONGEST_TITLE: Final = 200
_LONGEST_LINK: Final = 1000
_MARK: Final = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Headline:
    """``source`` is what the feed calls itself; ``link`` is an http(s) address or ""."""

    title: str
    link: str
    source: str


class Feeds:
    """Reads feeds, each at most every ten minutes. A feed that cannot be read has no headlines, which is logged, and
    ``failed`` names it until it can be."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._read: dict[str, tuple[float, tuple[Headline, ...]]] = {}
        self.failed: dict[str, str] = {}

    async def headlines(self, addresses: Sequence[str]) -> list[Headline]:
        """Those of all these feeds, in their order."""
        chosen = list(dict.fromkeys(addresses))[:MOST_FEEDS]
        for gone in set(self._read) - set(chosen):
            del self._read[gone]
        self.failed = {address: why for address, why in self.failed.items() if address in chosen}
        found = await together(*map(self._of, chosen))
        return [headline for headlines in found for headline in headlines]

    async def _of(self, address: str) -> tuple[Headline, ...]:
        read_at, headlines = self._read.get(address, (-_FRESH_S, ()))
        if time.monotonic() - read_at < _FRESH_S:
            return headlines
        try:
            async with asyncio.timeout(_WHOLE_S):
                content = await self._fetch(address)
            headlines = await in_thread(read_feed, content, address)
            self.failed.pop(address, None)
        except (NekoError, OSError, TimeoutError, ValueError) as error:
            logger.warning("the feed %s cannot be read: %s", address, error)
            self.failed[address] = str(error) or type(error).__name__
            headlines = ()
        self._read[address] = time.monotonic(), headlines
        return headlines

    async def _fetch(self, address: str) -> bytes:
        if not address.startswith(("http://", "https://")):
            raise ValueError("its address does not begin with http:// or https://")
        return await fetched(self._network, "news", address, follow_redirects=True)


def read_feed(content: bytes, address: str = "") -> tuple[Headline, ...]:
    """The first headlines of a feed. Raises ``ValueError`` for what is none."""
    import feedparser

    parsed: Any = feedparser.parse(content, sanitize_html=True, resolve_relative_uris=False)
    if not parsed.entries and (parsed.bozo or not parsed.version):
        raise ValueError("it is no RSS or Atom feed")
    source = _line(parsed.feed.get("title", "")) or address
    found = []
    for entry in parsed.entries:
        title, link = _line(entry.get("title", "")), str(entry.get("link", "")).strip()
        if title:
            shown = link if link.startswith(("http://", "https://")) and len(link) <= _LONGEST_LINK else ""
            found.append(Headline(title, shown, source))
        if len(found) == MOST_OF_ONE:
            break
    return tuple(found)


def _line(text: object) -> str:
    """Words of a feed in one line, without marks of HTML."""
    bare = _MARK.sub("", str(text)[: _LONGEST_TITLE * 5])
    return " ".join(well_formed(bare).split())[:_LONGEST_TITLE]
