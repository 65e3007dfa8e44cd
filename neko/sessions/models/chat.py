"""A model session over any OpenAI-compatible chat completions API."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from urllib.parse import urlsplit

from neko.errors import ModelError
from neko.llm.adaptation import Adaptations
from neko.llm.chat_request import NO_WORDS
from neko.llm.client import ProviderClient, Timeouts, open_client
from neko.llm.reading_ahead import read_ahead
from neko.llm.speaker_labels import SpeakerLabels
from neko.net import Network
from neko.prompts import phrases
from neko.providers import ModelEndpoint
from neko.sessions.models.asking import Model, Question
from neko.sessions.models.chat_reply import ReplyMaker
from neko.sessions.models.event_channel import EventChannel
from neko.sessions.models.history import History, dated
from neko.sessions.models.pending_calls import PendingCalls
from neko.sessions.models.reply_runner import CLOSE_TIMEOUT_S, Reply, ReplyRunner
from neko.settings import is_loopback
from neko.settings.reply_options import ReplyOptions
from neko.tasks import TaskOwner
from neko.types.model_session import (
    AddContext,
    HistoryCut,
    HistoryFills,
    ModelCapabilities,
    ModelEvent,
    ModelInput,
    ModelLabel,
    OfferTools,
    Prepare,
    Renew,
    Respond,
    SessionSetup,
    ToolResult,
    UserImage,
    UserMessage,
)

HISTORY_TOKENS = 8_000


class ChatSession:
    """Talks with ``endpoint``; a message with pictures goes to ``vision`` (by default the same model).

    A live ``UserImage`` waits for the next message and is replaced by a newer one. ``adaptations`` is what sessions
    before this one have found out about the models. ``options`` is read for each reply. ``check`` is called before each
    request and raises the ``ModelError`` that keeps the model from being asked. Without ``tools`` it is told of none.
    """

    def __init__(
        self,
        endpoint: ModelEndpoint,
        vision: ModelEndpoint | None,
        *,
        owner: TaskOwner,
        network: Network,
        timeouts: Timeouts | None = None,
        adaptations: Adaptations | None = None,
        options: Callable[[], ReplyOptions] = ReplyOptions,
        check: Callable[[], None] | None = None,
        history_tokens: int = HISTORY_TOKENS,
        channel: EventChannel | None = None,
        tools: bool = True,
    ) -> None:
        self.label = ModelLabel(endpoint.model, endpoint.provider_name)
        self._tools = tools
        self._endpoint = endpoint
        self._vision = vision or endpoint
        self._owner = owner
        self._network = network
        self._timeouts = timeouts or Timeouts()
        self._adaptations = adaptations or Adaptations()
        self._options = options
        self._check = check
        self._history = History(history_tokens, lambda turn_id, gist: self._replies.tell(HistoryCut(turn_id, gist)))
        self._calls = PendingCalls()
        self._maker = ReplyMaker(self._history, self._calls, self._timeouts)
        self._replies = ReplyRunner(owner, self.label, self._remember, channel)
        self._clients: dict[tuple[str, str], ProviderClient] = {}
        self._models: dict[ModelEndpoint, Model] = {}
        self._connecting: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._has_read = ""
        self._live_picture: bytes | None = None
        self._speak_first = ""

    @property
    def capabilities(self) -> ModelCapabilities:
        """Whether the model sees is known once it was shown something, and how much it reads once that was too much."""
        sees, most_tokens = self._adaptations.of(self._vision).takes("pictures"), self._most_tokens
        return ModelCapabilities(image_input=sees, tools=self._tools, most_tokens=most_tokens)

    @property
    def _most_tokens(self) -> int | None:
        return self._adaptations.of(self._endpoint).most_tokens

    async def open(self, setup: SessionSetup) -> None:
        """Make the client; the server is not asked anything, so it may be down."""
        self._history.instructions = setup.instructions
        self._history.gist = setup.gist
        self._history.before = phrases(setup.language)["gist"]
        self._maker.tools = setup.tools
        self._maker.labels = SpeakerLabels(setup.character, setup.master)
        self._speak_first = _SPEAK_FIRST.format(master=setup.master, character=setup.character)
        client = (await self._model(self._endpoint)).client
        self._connecting = self._owner.spawn(
            client.connect_ahead(self._timeouts.connect_timeout_s), name=f"connect to {self.label.provider}"
        )

    async def send(self, item: ModelInput) -> None:
        """See ``ModelSession``; raises ``RuntimeError`` once the session is closed."""
        if self._replies.closed:
            raise RuntimeError("the session is closed")
        match item:
            case UserMessage():
                self._answer(item)
            case Prepare(time, words):
                self._read_ahead(dated(time, words) or NO_WORDS)
            case Respond(reply_id, instructions, context):
                self._start(reply_id, Question(context, ask=f"[{self._speak_first} {instructions}]"))
            case UserImage(jpeg):
                self._live_picture = jpeg
            case Renew(instructions, covered):
                self._history.instructions = instructions
                self._history.forget(covered)
            case ToolResult():
                self._calls.resolve(item)
            case OfferTools(tools):
                self._maker.tools = tools
            case AddContext(text, "system"):
                self._history.note(text)
            case AddContext(text, "user" | "assistant" as role):
                self._history.line(role, text)

    async def interrupt(self, reply_id: str, text: str, played_ms: int | None = None) -> None:
        if not self._replies.interrupt(reply_id, text):
            self._history.shorten(reply_id, text)

    def events(self) -> AsyncIterator[ModelEvent]:
        return self._replies.events()

    async def aclose(self) -> None:
        await self._replies.aclose()
        if tasks := [task for task in (self._connecting, self._reading) if task is not None]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_S)
        clients, self._clients = self._clients, {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                for client in clients.values():
                    await client.aclose()

    def _answer(self, message: UserMessage) -> None:
        self._replies.supersede()
        if message.again:
            self._history.forget_last()
        live, self._live_picture = self._live_picture, None
        images = (*message.images, live) if live else message.images
        self._history.user(message.id, message.text, len(images), message.time)
        self._start(message.id, Question(message.context, images))

    def _remember(self, reply_id: str, text: str) -> None:
        if (most_tokens := self._most_tokens) is not None:
            self._history.fit(most_tokens)
        self._history.reply(reply_id, text)
        if turn_id := self._history.to_go():
            self._replies.tell(HistoryFills(turn_id, at_any_rate=self._history.is_over))

    def _start(self, reply_id: str, question: Question) -> None:
        sees = question.images and self._adaptations.of(self._vision).takes("pictures")
        endpoint = self._with_options(self._vision if sees else self._endpoint)

        async def seeing() -> Model:
            return await self._model(self._with_options(self._vision))

        async def produce(reply: Reply) -> None:
            if self._reading:  # asked beside it, the server would read everything twice
                await asyncio.wait([self._reading], timeout=self._timeouts.near.late_s)
            await self._maker.make(await self._model(endpoint), question, reply, seeing)

        self._has_read = ""
        self._replies.start(reply_id, produce)

    def _read_ahead(self, begins: str) -> None:
        """Where reading costs nothing but time, and the model has nothing else to do."""
        host = urlsplit(self._endpoint.base_url).hostname or ""
        is_busy = self._replies.running or (self._reading and not self._reading.done())
        if is_loopback(host) and not is_busy and begins != self._has_read:
            self._has_read = begins
            self._reading = self._owner.spawn(self._read(begins), name=f"{self.label.model} reads ahead")

    async def _read(self, begins: str) -> None:
        try:
            if self._check:
                self._check()
            model = await self._model(self._with_options(self._endpoint))
        except ModelError:
            return  # the first question tells
        adaptation = self._adaptations.of(model.endpoint)
        messages = self._history.request(ask=begins, most_tokens=adaptation.most_tokens)
        timeout_s = self._timeouts.near.first_words_timeout_s
        await read_ahead(model.client, model.endpoint, messages, self._maker.tools, adaptation, timeout_s)

    def _with_options(self, endpoint: ModelEndpoint) -> ModelEndpoint:
        body = self._options().body
        return replace(endpoint, extra_body={**endpoint.extra_body, **body}) if body else endpoint

    async def _model(self, endpoint: ModelEndpoint) -> Model:
        """A model with its client: one a server and key, which the vision model mostly shares."""
        model = self._models.get(endpoint)
        if model is None:
            key = (endpoint.base_url, endpoint.api_key)
            client = self._clients.get(key) or await open_client(self._network, endpoint, self._timeouts)
            client = self._clients.setdefault(key, client)
            model = self._models[endpoint] = Model(endpoint, client, self._adaptations, self._check)
        return model


_SPEAK_FIRST = "This does not come from {master}. Speak up as {character} now, of your own accord:"
