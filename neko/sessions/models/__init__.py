"""Model sessions: chat models over HTTP and the built-in one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from neko.llm.adaptation import Adaptations
from neko.llm.client import Timeouts
from neko.llm.complete_once import SingleQuestions
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models.builtin.session import LABEL, BuiltinSession
from neko.sessions.models.chat import HISTORY_TOKENS, ChatSession
from neko.sessions.models.event_channel import EventChannel
from neko.sessions.models.history import picture_parts
from neko.sessions.models.realtime.described_pictures import Describe
from neko.settings.reply_options import ReplyOptions
from neko.tasks import TaskOwner, in_thread
from neko.types.memory import Summarise
from neko.types.model_session import ModelLabel, ModelSession

DESCRIPTION_TOKENS: Final = 500
DESCRIBE: Final = (
    "Describe this picture to somebody who cannot see it and talks with the person who shows it: what it is, what "
    "matters in it, what can be read on it, word for word if it is short. Say only what is there. A few sentences, no "
    "introduction."
)


def build(
    endpoint: ModelEndpoint | None,
    vision: ModelEndpoint | None,
    owner: TaskOwner,
    network: Network,
    adaptations: Adaptations | None = None,
    options: Callable[[], ReplyOptions] = ReplyOptions,
    check: Callable[[], None] | None = None,
    channel: EventChannel | None = None,
    *,
    tools: bool = True,
) -> ModelSession:
    """The session for an endpoint; without one, the built-in model.

    ``adaptations`` is what is known of the models so far, and grows. ``options`` is read for each reply. ``check``
    raises the ``ModelError`` that keeps the model from being asked at this moment. ``channel`` takes its events.
    Without ``tools`` it is told of no functions.
    """
    if endpoint is None:
        return BuiltinSession(owner=owner, channel=channel)
    return ChatSession(
        endpoint,
        vision,
        owner=owner,
        network=network,
        adaptations=adaptations,
        options=options,
        check=check,
        channel=channel,
        tools=tools,
    )


def label_of(endpoint: ModelEndpoint | None) -> ModelLabel:
    """What the user sees of the session that ``build`` makes."""
    return LABEL if endpoint is None else ModelLabel(endpoint.model, endpoint.provider_name)


def summariser(
    network: Network,
    endpoint: ModelEndpoint,
    adaptations: Adaptations | None = None,
    timeouts: Timeouts | None = None,
) -> Summarise:
    """The summaries that memory asks for, by this model; of no more at once than a conversation is asked with."""
    questions = SingleQuestions(network, endpoint, timeouts, adaptations, most_tokens=HISTORY_TOKENS)

    async def summarise(prompt: str) -> str:
        return (await questions.ask(prompt)).text

    return summarise


def describer(network: Network, endpoint: ModelEndpoint, adaptations: Adaptations | None = None) -> Describe:
    """Says what is on a picture, by this model, in at most ``DESCRIPTION_TOKENS``."""
    short = replace(endpoint, extra_body={**endpoint.extra_body, "max_tokens": DESCRIPTION_TOKENS})
    at_once = Timeouts(back_off_s=(), loading_timeout_s=0.0)

    async def describe(jpeg: bytes) -> str:
        parts = await in_thread(picture_parts, (jpeg,))
        question = [*parts, {"type": "text", "text": DESCRIBE}]
        return (await SingleQuestions(network, short, at_once, adaptations).ask(question)).text

    return describe
