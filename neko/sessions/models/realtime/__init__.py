"""Calls with a provider's own voice model: speech in, speech out, over one connection for the whole talk.

``talk`` is what any such provider has in common (replies, utterances and their order), ``session`` is one over the
WebSocket protocol that OpenAI began and others speak in dialects (``dialects``).
"""

from __future__ import annotations

from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models.realtime.described_pictures import Describe
from neko.sessions.models.realtime.dialects import DIALECTS
from neko.sessions.models.realtime.gemini_messages import GEMINI
from neko.sessions.models.realtime.own_turns import Detection
from neko.tasks import TaskOwner
from neko.types.model_session import ModelSession


def is_spoken(provider: str) -> bool:
    """Can calls be held with the voice model of this core provider?"""
    return provider in DIALECTS or provider == GEMINI.key


def voices(provider: str) -> tuple[str, ...]:
    """The voices of the model of a core provider, the first of which is used where nobody chose; () where unknown."""
    dialect = GEMINI if provider == GEMINI.key else DIALECTS.get(provider)
    return dialect.voices if dialect else ()


def finds_turns(provider: str) -> bool:
    """Does this core provider find out itself when the user has finished?"""
    return provider == GEMINI.key or DIALECTS[provider].finds_turns


def lets_find_turns(provider: str) -> bool:
    """Can it be found out here, too?"""
    return provider in DIALECTS and DIALECTS[provider].manual


def build(
    endpoint: ModelEndpoint,
    provider: str,
    owner: TaskOwner,
    network: Network,
    *,
    speaks: bool = True,
    detection: Detection | None = None,
    describe: Describe | None = None,
    longest_units: int | None = None,
) -> ModelSession:
    """A session with the voice model at ``endpoint``, in the dialect of a core provider; it is not yet open.

    ``speaks``: the model's own voice is heard; without it, only its words come. ``detection``: what finds the user's
    turns here instead of at the provider, where the dialect allows it (``lets_find_turns``). ``describe``: puts a
    picture into words for a model that takes no pictures. ``longest_units``: the most that a reply may be long, in
    the units of ``reply_length``; None: as long as it likes.

    Raises ``KeyError`` for a provider without a voice model (``is_spoken``).
    """
    if provider == GEMINI.key:
        from neko.sessions.models.realtime.gemini import GeminiSession

        return GeminiSession(endpoint, owner=owner, network=network, speaks=speaks, longest_units=longest_units)
    from neko.sessions.models.realtime.session import RealtimeSession

    return RealtimeSession(
        endpoint,
        DIALECTS[provider],
        owner=owner,
        network=network,
        speaks=speaks,
        detection=detection,
        describe=describe,
        longest_units=longest_units,
    )
