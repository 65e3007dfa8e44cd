"""What one model at one server does not take or insists on, as its refusals have told, so that it is asked so."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final

from neko.errors import (
    ContextTooLongError,
    ModelError,
    ModelRateLimitedError,
    ParameterRefusedError,
    PicturesRefusedError,
    ToolsRefusedError,
)
from neko.providers import ModelEndpoint

_MOST_MODELS: Final = 256
_ENOUGH_THOUGHTS: Final = 2
"""One alone may be a mistake, and a reply that may be a thought is not shown before it is whole."""
_ROOM_FOR_REPLY: Final = 0.75
"""The part of a context that a request may fill."""
_SHRINK_LEAST, _SHRINK_MOST = 0.7, 0.4
"""A refused request is made shorter to between these parts of it: what a server says of its limit may be misread,
and it counts tokens in a way of its own."""
_NOTABLY: Final = 0.98
"""Less is no other request: of what can be left out, nothing that counts is left in it."""


def is_notably_less(tokens: int, than: int) -> bool:
    """Whether it is worth asking with so many tokens, after a request with more was too long."""
    return tokens < than * _NOTABLY


@dataclass(frozen=True, slots=True)
class Adaptation:
    """How a model wants to be asked.

    ``refused`` holds what it was sent once and does not take: keys of the request ("temperature", "stream", "tools"),
    and of its messages "system", "roles", "pictures", "empty" and "fields" (see ``chat_request``); "length" stands for
    long replies, which it cuts whatever room they have. ``required``: keys of the request that it insists on.
    ``most_tokens``: what a request may hold, as ``chat_request.estimate`` counts, None while no limit has shown.
    ``thoughts_ended``: how many of its last replies ended a thought that had no beginning, up to as many as tell that
    its template begins it.
    """

    refused: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    most_tokens: int | None = None
    thoughts_ended: int = 0

    def takes(self, name: str) -> bool:
        """Whether this has not been refused."""
        return name not in self.refused

    @property
    def opens_thoughts(self) -> bool:
        """Its template begins a thought, so that only the end of it comes."""
        return self.thoughts_ended >= _ENOUGH_THOUGHTS

    def after_reply(self, *, ends_a_thought: bool) -> Adaptation:
        """It has answered."""
        ended = min(self.thoughts_ended + 1, _ENOUGH_THOUGHTS) if ends_a_thought else 0
        return replace(self, thoughts_ended=ended)

    def after(self, error: ModelError, tokens: int) -> Adaptation | None:
        """How to ask again after a refusal of a request of so many tokens; None when it tells nothing new."""
        if isinstance(error, ContextTooLongError):
            return self.shorter(tokens, error.limit)
        name = _refused(error)
        if isinstance(error, ParameterRefusedError) and error.is_missing:
            return replace(self, required=self.required | {name}) if name and name not in self.required else None
        return self.without(name) if name and self.takes(name) else None

    def without(self, name: str) -> Adaptation:
        """This is refused too."""
        return replace(self, refused=self.refused | {name})

    def shorter(self, tokens: int, limit: int | None = None) -> Adaptation:
        """For a request that was too long; ``limit`` is what the server says that it takes, by its own count."""
        most = tokens * _SHRINK_LEAST
        if limit is not None:
            most = min(most, limit * _ROOM_FOR_REPLY)
        return replace(self, most_tokens=int(max(most, tokens * _SHRINK_MOST)))


AS_USUAL: Final = Adaptation()


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How the last question to a model ended; ``rests_until`` by the monotonic clock."""

    answered: bool
    rests_until: float = 0.0


class Adaptations:
    """What is known of each model, for as long as the process lives."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Adaptation] = {}
        self._outcomes: dict[tuple[str, str], _Outcome] = {}

    def of(self, endpoint: ModelEndpoint) -> Adaptation:
        return self._known.get(_key(endpoint), AS_USUAL)

    def learn(self, endpoint: ModelEndpoint, adaptation: Adaptation) -> None:
        """It has been asked like this, and has answered."""
        self._note(endpoint, _Outcome(answered=True))
        if adaptation != self.of(endpoint):
            self.forget(endpoint)
            while len(self._known) >= _MOST_MODELS:
                del self._known[next(iter(self._known))]
            self._known[_key(endpoint)] = adaptation

    def failed(self, endpoint: ModelEndpoint, error: ModelError) -> None:
        """It has been asked, and has not answered; the error may say for how long it wants a rest."""
        rest_s = float(error.params.get("seconds", 0)) if isinstance(error, ModelRateLimitedError) else 0.0
        self._note(endpoint, _Outcome(answered=False, rests_until=time.monotonic() + rest_s))

    def answered(self, endpoint: ModelEndpoint) -> bool | None:
        """Whether it answered what it was asked last; None when it has not been asked anything."""
        outcome = self._outcomes.get(_key(endpoint))
        return None if outcome is None else outcome.answered

    def rests(self, endpoint: ModelEndpoint) -> bool:
        """It has asked for a rest that is not over."""
        outcome = self._outcomes.get(_key(endpoint))
        return outcome is not None and time.monotonic() < outcome.rests_until

    def _note(self, endpoint: ModelEndpoint, outcome: _Outcome) -> None:
        self._outcomes.pop(_key(endpoint), None)
        while len(self._outcomes) >= _MOST_MODELS:
            del self._outcomes[next(iter(self._outcomes))]
        self._outcomes[_key(endpoint)] = outcome

    def forget(self, endpoint: ModelEndpoint) -> None:
        """It may have changed: begin as with an unknown one."""
        self._known.pop(_key(endpoint), None)


def is_same_model(one: ModelEndpoint, other: ModelEndpoint) -> bool:
    """Whether what is known of one holds for the other."""
    return _key(one) == _key(other)


def _key(endpoint: ModelEndpoint) -> tuple[str, str]:
    return endpoint.base_url, endpoint.model


def _refused(error: ModelError) -> str:
    """What a refusal is about, "" when it names nothing that could be asked otherwise."""
    match error:
        case ToolsRefusedError():
            return "tools"
        case PicturesRefusedError():
            return "pictures"
        case ParameterRefusedError():
            return error.parameter
        case _:
            return ""
