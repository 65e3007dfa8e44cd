"""Model sessions: chat models over HTTP and the built-in one."""

from __future__ import annotations

from functools import partial

from neko.providers import ModelEndpoint
from neko.sessions.models.chat import ChatSession
from neko.sessions.models.offline import LABEL, OfflineSession
from neko.sessions.models.summary import complete
from neko.tasks import Owner
from neko.types import ModelLabel, ModelSession, Summarise


def build(endpoint: ModelEndpoint | None, vision: ModelEndpoint | None, owner: Owner) -> ModelSession:
    """The session for an endpoint; without one, the built-in model."""
    if endpoint is None:
        return OfflineSession(owner=owner)
    return ChatSession(endpoint, vision, owner=owner)


def label_of(endpoint: ModelEndpoint | None) -> ModelLabel:
    """What the user sees of the session that ``build`` makes."""
    return LABEL if endpoint is None else ModelLabel(endpoint.model, endpoint.provider_name)


def summariser(endpoint: ModelEndpoint) -> Summarise:
    """The summaries that memory asks for, by this model."""
    return partial(complete, endpoint)
