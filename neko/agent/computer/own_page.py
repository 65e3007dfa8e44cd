"""Tells a browser that shows a page of ours by the title of its window: there only the user acts.

Whoever could click there could allow what they ask for, and change what has to be asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import chain
from typing import Final

from neko.i18n import sentence
from neko.language import LANGUAGES

_UNREAD: Final = re.compile(r"\(\d+\) ")
_AFTER_TITLE: Final = (" - ", " – ", " — ", " and ")
"""What browsers write between the title of a page and their own name."""


def is_own_page(title: str, characters: Collection[str]) -> bool:
    """``title``: of a window; ``characters``: the names of all of them. May be true of a page with the same title."""
    title = _UNREAD.sub("", title, count=1) if _UNREAD.match(title) else title
    return any(
        title == ours or title.startswith(tuple(ours + end for end in _AFTER_TITLE)) for ours in _titles(characters)
    )


def _titles(characters: Collection[str]) -> set[str]:
    """Of the chat, of what she remembers, and of tasks and tools, in every language (the page's ``document.title``)."""
    of_one = chain.from_iterable(
        (name, *(sentence("memory.title", language).format(name=name) for language in LANGUAGES)) for name in characters
    )
    return {"Neko", *(sentence("agent.title", language) for language in LANGUAGES), *of_one}
