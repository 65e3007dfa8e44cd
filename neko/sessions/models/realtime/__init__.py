"""Calls with a provider's own voice model: speech in, speech out, over one connection for the whole talk.

``talk`` is what any such provider has in common (replies, utterances and their order), ``session`` is one over the
WebSocket protocol that OpenAI began and others speak in dialects (``dialects``).
"""

from __future__ import annotations

from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models.realtime.dialects import DIALECTS
from neko.sessions.models.realtime.gemini import GeminiSession
from neko.sessions.models.realtime.gemini_messages import GEMINI
from neko.sessions.models.realtime.session import RealtimeSession
from neko.tasks import TaskOwner
from neko.types.model_session import ModelSession


def is_spoken(provider: str) -> bool:
    """Can calls be held with the voice model of this core provider?"""
    return provider in DIALECTS or provider == GEMINI.key


def build(
    endpoint: ModelEndpoint, provider: str, owner: TaskOwner, network: Network, *, speaks: bool = True
) -> ModelSession:
    """A session with the voice model at ``endpoint``, in the manner of a core provider. ``speaks``: with its own voice.

    Raises ``KeyError`` for a provider that is not spoken with.
    """
    if provider == GEMINI.key:
        return GeminiSession(endpoint, owner=owner, network=network, speaks=speaks)
    return RealtimeSession(endpoint, DIALECTS[provider], owner=owner, network=network, speaks=speaks)
