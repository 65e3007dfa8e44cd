"""Model sessions: chat models over HTTP and the built-in one."""

from __future__ import annotations

from functools import partial

from neko.llm.adaptation import Adaptations
from neko.llm.complete_once import complete
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models.builtin.session import LABEL, BuiltinSession
from neko.sessions.models.chat import ChatSession
from neko.tasks import TaskOwner
from neko.types.memory import Summarise
from neko.types.model_session import ModelLabel, ModelSession


def build(
    endpoint: ModelEndpoint | None,
    vision: ModelEndpoint | None,
    owner: TaskOwner,
    network: Network,
    adaptations: Adaptations | None = None,
) -> ModelSession:
    """The session for an endpoint; without one, the built-in model.

    ``adaptations`` is what is known of the models so far, and grows.
    """
    if endpoint is None:
        return BuiltinSession(owner=owner)
    return ChatSession(endpoint, vision, owner=owner, network=network, adaptations=adaptations)


def label_of(endpoint: ModelEndpoint | None) -> ModelLabel:
    """What the user sees of the session that ``build`` makes."""
    return LABEL if endpoint is None else ModelLabel(endpoint.model, endpoint.provider_name)


def summariser(network: Network, endpoint: ModelEndpoint, adaptations: Adaptations | None = None) -> Summarise:
    """The summaries that memory asks for, by this model."""
    return partial(complete, network, endpoint, adaptations=adaptations)
