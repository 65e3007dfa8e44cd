"""Shows help beside the talk when the user's words say that somebody may be in danger. It never touches the reply."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from neko.safety import Danger, Help, Helplines, load_recognition, load_words, recognise, words
from neko.sessions.clients import Clients
from neko.sessions.events import HelpOffered
from neko.sessions.outbox import Outbox
from neko.tasks import in_thread

_AGAIN_AFTER_S = 600.0
"""Seconds for which a card stands: the same danger brings no second one, and a page that comes is shown it."""
_REMEMBERED = 8
"""Lines of which it is known that they told of danger."""


@dataclass(frozen=True, slots=True)
class _Offer:
    help: Help
    text: str
    turn_id: str
    client_id: str | None
    at: float


_SHORT = 200
"""Characters that are looked through at once: a way to a thread and back takes longer."""


class HelpOffers:
    """One conversation. ``language()`` is that of clients who named none. Words are kept in memory only, and few."""

    def __init__(self, clients: Clients, helplines: Helplines, language: Callable[[], str]) -> None:
        self._clients = clients
        self._helplines = helplines
        self._language = language
        self._found: deque[_Offer] = deque(maxlen=_REMEMBERED)
        self._shown: dict[Danger, _Offer] = {}
        self._prepared = False

    async def look(self, text: str, turn_id: str, client_id: str | None = None) -> None:
        """See whether the user's words tell of danger, and show help at once if they do."""
        is_quick = self._prepared and len(text) <= _SHORT
        danger = recognise(text) if is_quick else await in_thread(recognise, text)
        if danger is None:
            return
        await self.prepare()
        found = await in_thread(self._helplines.of, danger, self._clients.region)
        offer = _Offer(found, text, turn_id, client_id, asyncio.get_running_loop().time())
        self._found.append(offer)
        before = self._shown.get(danger)
        if before is None or offer.at - before.at >= _AGAIN_AFTER_S:
            self._shown[danger] = offer
            self._clients.tell(lambda language: _event(offer, language), self._language())

    def of(self, *texts: str) -> Help | None:
        """Help for one of these lines; that of the last one that needs it."""
        return next((offer.help for offer in reversed(self._found) if offer.text in texts), None)

    def show_again(self, outbox: Outbox) -> None:
        """A client has come: show it what stands."""
        due = asyncio.get_running_loop().time() - _AGAIN_AFTER_S
        for offer in self._shown.values():
            if offer.at > due:
                outbox.put(_event(offer, outbox.language or self._language()))

    def note(self, help_: Help, master: str, language: str) -> str:
        """What a model is told beside the user's words."""
        say = words(language)
        return say.note.format(master=master, danger=help_.danger.value, reach=say.whom(help_))

    async def prepare(self) -> None:
        """Read the model and the words ahead of their use; at once when they have been read."""
        await in_thread(load_recognition)
        await in_thread(load_words)
        self._prepared = True


def _event(offer: _Offer, language: str) -> HelpOffered:
    say, found = words(language), offer.help
    return HelpOffered(
        found.danger.value,
        say.card[found.danger],
        say.numbers(found),
        found.find,
        found.checked,
        found.region or "",
        offer.turn_id,
        offer.client_id,
    )
