"""Which response of the provider is which reply, and when the next one may be asked for.

A provider makes one response at a time. So what is asked while one is under way, or is being cancelled, waits for its
end: asked earlier it is refused. Some never tell the end of what they cancelled, so the wait has a deadline.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from neko.sessions.models.realtime.dialects import Dialect
from neko.sessions.models.realtime.talk import Reply, Talk

END_TIMEOUT_S: Final = 3.0
"""How long the end of a cancelled response is waited for."""
_REMEMBERED: Final = 16
_MARK: Final = "neko_reply"


@dataclass(slots=True, eq=False)
class Ask:
    """A response to be asked for. ``reply`` None: it answers what was just heard. ``prepare`` says what has to be said
    right before."""

    reply: Reply | None
    body: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[], None] | None = None


@dataclass(slots=True, eq=False)
class Response:
    """One response. ``id`` is "" until the provider tells it, ``event_id`` is that of our ``response.create``.

    ``text_from``: the kind of event that brings its words; others repeat them. ``calls``: functions that it wants,
    by the provider's ids, with those of which only the name is known yet. ``odd``: half a sample that waits for the
    other half.
    """

    ask: Ask | None
    reply: Reply | None
    id: str = ""
    event_id: str = ""
    cancelled: bool = False
    text_from: str = ""
    names: dict[str, str] = field(default_factory=dict)
    calls: dict[str, tuple[str, str]] = field(default_factory=dict)
    odd: bytes = b""

    @property
    def is_wanted(self) -> bool:
        """Does anybody wait for what comes of it?"""
        return not self.cancelled and self.reply is not None and not self.reply.done


class Responses:
    """``active`` is what the provider is working on as far as we know, with or without a name."""

    def __init__(self, dialect: Dialect, talk: Talk, send: Callable[..., str]) -> None:
        self.active: Response | None = None
        self._dialect = dialect
        self._talk = talk
        self._send = send
        self._next: Ask | None = None
        self._known: OrderedDict[str, Response] = OrderedDict()
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def is_owed(self) -> bool:
        """Is something of a response awaited?"""
        return self.active is not None or self._next is not None

    def ask(self, ask: Ask) -> None:
        """Ask for a response as soon as the provider is free, in place of any other that waits."""
        self._next = ask
        if self.active is None:
            self._ask()
        elif self.active.cancelled:
            self._expect_end()

    def cancel(self, reply: Reply) -> None:
        """Stop what is made for this reply."""
        if self._next is not None and self._next.reply is reply:
            self._next = None
        response = self.active
        if response is None or response.reply is not reply or response.cancelled:
            return
        response.cancelled = True
        self._send_cancel(response)
        self._expect_end()

    def created(self, told: Mapping[str, Any]) -> Response:
        """The provider has begun a response: the one that was asked for, or one to what it heard."""
        response_id = str(told.get("id") or "")
        known = self._known.get(response_id)
        if known is not None:
            return known
        response = self.active
        if response is None or response.id or not self._is_ours(response, told):
            if response is not None and not response.id and response.ask and not response.cancelled:
                self._next = response.ask  # another one was first
            response = Response(None, None)
            self._stop_waiting()
        elif response.cancelled:
            response.id = response_id
            self._send_cancel(response)  # the first time it had no name, and may not have begun
        response.id = response_id
        if response.reply is None and not response.cancelled:
            response.reply = self._talk.begin_spoken()
        self.active = response
        if response_id:
            self._known[response_id] = response
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return response

    def of(self, event: Mapping[str, Any]) -> Response | None:
        """The response that an event is about. One that nobody announced begins with its first event."""
        response_id = str(event.get("response_id") or "")
        if not response_id:
            return self.active
        return self._known.get(response_id) or self.created({"id": response_id})

    def ended(self, told: Mapping[str, Any]) -> Response | None:
        """The provider has ended a response; None for one that nobody knows of and nobody waits for."""
        response_id = str(told.get("id") or "")
        response = self._known.get(response_id)
        active = self.active
        if response is None and active is not None and (not response_id or not active.id):
            response = active
        if response is not None and response is active:
            self.active = None
        return response

    def go_on(self) -> None:
        """Ask for what waits, now that the end of the one before has been dealt with."""
        if self.active is None:
            self._stop_waiting()
            self._ask()

    def refused(self, event_id: str, *, busy: bool) -> Response | None:
        """The provider does not make the response that was asked for by this event, or by none ("") that it names.
        ``busy``: it makes another, after which it is asked again."""
        response = self.active
        if response is None or response.id or (event_id and event_id != response.event_id):
            return None
        self.active = None
        if busy and response.ask and not response.cancelled:
            self.active = Response(None, None)  # the other one, which has not been told of
            self.active.cancelled = True
            self._next = self._next or response.ask
            self._expect_end()
            return None
        return response

    def close(self) -> None:
        """Wait for nothing any more."""
        self._next = None
        self._stop_waiting()

    def _ask(self) -> None:
        ask, self._next = self._next, None
        if ask is None or (ask.reply is not None and ask.reply.done):
            return
        if ask.prepare:
            ask.prepare()
        response = self.active = Response(ask, ask.reply)
        body = dict(ask.body)
        if self._dialect.reply_instructions and ask.reply is not None:
            body["metadata"] = {_MARK: ask.reply.id}
        response.event_id = self._send("response.create", **({"response": body} if body else {}))

    def _is_ours(self, response: Response, told: Mapping[str, Any]) -> bool:
        if not self._dialect.reply_instructions or response.reply is None:
            return True
        metadata = told.get("metadata")
        if "metadata" not in told:
            return True
        return isinstance(metadata, dict) and metadata.get(_MARK) == response.reply.id

    def _send_cancel(self, response: Response) -> None:
        named = self._dialect.names_cancelled and response.id
        self._send("response.cancel", **({"response_id": response.id} if named else {}))

    def _expect_end(self) -> None:
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(END_TIMEOUT_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        self.active = None
        self._ask()
