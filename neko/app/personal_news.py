"""What is new on the media sites where the user has given a login: asked with that login, of that site alone.

Bilibili and Weibo by the addresses that their own pages ask, Reddit by its documented listing
(https://www.reddit.com/dev/api). The others give such a list to nobody but their own programs.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from neko.agent.outside import visible
from neko.app.fetching import fetched
from neko.app.site_logins import SITE_LOGIN, kept_login
from neko.errors import NekoError
from neko.net import Network
from neko.tasks import in_thread, together
from neko.well_formed import load_json

logger = logging.getLogger(__name__)

_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"
_WHOLE_S: Final = 10.0
_LONGEST: Final = 300
_MARK: Final = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Post:
    """``link`` is an address of the site, or ""."""

    author: str
    text: str
    link: str


Read = Callable[[Any], Iterator[Post]]


def _bilibili(answer: Any) -> Iterator[Post]:
    for item in answer["data"]["items"]:
        modules = item["modules"]
        dynamic = modules.get("module_dynamic") or {}
        major = dynamic.get("major") or {}
        video = major.get("archive") or {}
        words = (dynamic.get("desc") or {}).get("text") or video.get("title") or ""
        link = f"https://t.bilibili.com/{item['id_str']}" if item.get("id_str") else ""
        yield Post(modules["module_author"]["name"], words, link)


def _weibo(answer: Any) -> Iterator[Post]:
    for status in answer["data"]["statuses"]:
        link = f"https://m.weibo.cn/detail/{status['id']}" if status.get("id") else ""
        yield Post(status["user"]["screen_name"], status["text"], link)


def _reddit(answer: Any) -> Iterator[Post]:
    for child in answer["data"]["children"]:
        post = child["data"]
        yield Post(f"r/{post['subreddit']}", post["title"], f"https://www.reddit.com{post['permalink']}")


@dataclass(frozen=True, slots=True)
class Site:
    """``host`` is where it is asked, at ``path``."""

    name: str
    host: str
    path: str
    read: Read


SITES: Final[Mapping[str, Site]] = {
    "bilibili": Site("Bilibili", "https://api.bilibili.com", "/x/polymer/web-dynamic/v1/feed/all?type=all", _bilibili),
    "weibo": Site("Weibo", "https://m.weibo.cn", "/feed/friends", _weibo),
    "reddit": Site("Reddit", "https://www.reddit.com", "/.json?raw_json=1&limit=25", _reddit),
}


@dataclass(frozen=True, slots=True)
class Found:
    """Posts by site; ``failed``: why a site with a login has none, in English."""

    posts: Mapping[str, tuple[Post, ...]]
    failed: Mapping[str, str] = field(default_factory=dict)


class PersonalNews:
    """``folder`` has the files ``<site>_cookies.json``."""

    def __init__(self, network: Network, folder: Path, sites: Mapping[str, Site] = SITES) -> None:
        self._network = network
        self._folder = folder
        self._sites = sites

    async def find(self, most: int) -> Found:
        """At most so many of each site that has a login."""
        logins = await in_thread(self._logins)
        asked = [self._of(self._sites[site], cookies, most) for site, cookies in logins.items()]
        answers = dict(zip(logins, await together(*asked), strict=True))
        return Found(
            {site: posts for site, posts in answers.items() if not isinstance(posts, str)},
            {site: why for site, why in answers.items() if isinstance(why, str)},
        )

    def _logins(self) -> dict[str, dict[str, str]]:
        found = {}
        for site in self._sites:
            stored = kept_login(self._folder / f"{site}{SITE_LOGIN}")
            cookies = {name: value for name, value in (stored or {}).items() if isinstance(value, str)}
            if cookies:
                found[site] = cookies
        return found

    async def _of(self, site: Site, cookies: Mapping[str, str], most: int) -> tuple[Post, ...] | str:
        """Its posts, or why there are none."""
        try:
            async with asyncio.timeout(_WHOLE_S):
                answer = load_json(await self._fetch(site, cookies))
            return tuple(post for post in map(_clean, site.read(answer)) if post.text)[:most]
        except (KeyError, TypeError, IndexError, AttributeError, RecursionError):
            why = "it answers otherwise than expected; the login may have run out"
        except (NekoError, OSError, ValueError, TimeoutError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        logger.warning("what is new on %s cannot be read: %s", site.name, why)
        return why

    async def _fetch(self, site: Site, cookies: Mapping[str, str]) -> bytes:
        """Without following redirects: the login goes nowhere else."""
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), "user-agent": _AGENT}
        return await fetched(self._network, "personal news", site.host + site.path, headers=headers)


def _clean(post: Post) -> Post:
    return Post(_line(post.author), _line(post.text), post.link)


def _line(text: object) -> str:
    return " ".join(visible(_MARK.sub(" ", str(text)[: 10 * _LONGEST])).split())[:_LONGEST]
