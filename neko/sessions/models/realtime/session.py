"""A call with a provider's own voice model over its realtime WebSocket.

Everything but opening and closing happens at once: what is sent waits in the queue of the connection, so that no state
changes while something is under way. The provider keeps the talk; a session that is lost is told with the provider's
reason, and is never one that looks alive and hears nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

from neko.audio.turn_taking.segmenter import Speech
from neko.errors import ModelError, NekoError
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.providers.addresses import socket_address
from neko.sessions.models.event_channel import EventChannel
from neko.sessions.models.history import dated
from neko.sessions.models.realtime.calls import FunctionCalls
from neko.sessions.models.realtime.connection import RealtimeConnection
from neko.sessions.models.realtime.described_pictures import Describe, DescribedPictures
from neko.sessions.models.realtime.dialects import Dialect, SessionWishes
from neko.sessions.models.realtime.faults import RealtimeFaults
from neko.sessions.models.realtime.noise import RoomNoise
from neko.sessions.models.realtime.owed import OwedAnswer
from neko.sessions.models.realtime.own_turns import MISSING_S, Detection, OwnTurns
from neko.sessions.models.realtime.responses import Ask, Response, Responses
from neko.sessions.models.realtime.server_events import ServerEvents
from neko.sessions.models.realtime.talk import Reply, Talk
from neko.sessions.models.realtime.wording import Wording
from neko.tasks import TaskOwner
from neko.types.model_session import (
    AddContext,
    EndOfSpeech,
    HearOn,
    HoldToTalk,
    ModelCapabilities,
    ModelEvent,
    ModelInput,
    ModelLabel,
    OfferTools,
    Respond,
    SessionEnds,
    SessionLost,
    SessionSetup,
    ToolResult,
    UserAudio,
    UserImage,
    UserMessage,
)

logger = logging.getLogger(__name__)

_SHORTEST_S: Final = 0.1
"""Less than this between pressing and letting go of the key is nothing to answer."""
_QUIET_S: Final = 1.0
"""Quiet that is sent when the microphone is shut in mid-sentence, so that the provider finds its end."""
_LAST_SECOND: Final = 2.0**40
"""Of Unix time; a provider that names a later one means that nothing ends."""


@dataclass(frozen=True, slots=True)
class RealtimeTimeouts:
    """Seconds: to connect; until the provider has taken what the session is set up with; until anything comes of what
    is owed (a reply, the words of the user); for the result of a function; during which no sound is sent to a provider
    that says it is overloaded (``contract/realtime-providers.md`` §8)."""

    connect_timeout_s: float = 5.0
    ready_timeout_s: float = 5.0
    owed_timeout_s: float = 30.0
    tool_result_timeout_s: float = 300.0
    overload_pause_s: float = 2.0


class RealtimeSession:
    """Talks with ``endpoint`` in ``dialect``. ``speaks``: with the model's own voice; else it writes, and is spoken
    for. ``detection``: finds the user's turns in place of the provider, where that lets it. ``describe``: says what is
    on pictures that the provider does not take. ``longest_units``: what a reply may be long (``reply_length``)."""

    def __init__(
        self,
        endpoint: ModelEndpoint,
        dialect: Dialect,
        *,
        owner: TaskOwner,
        network: Network,
        speaks: bool = True,
        detection: Detection | None = None,
        describe: Describe | None = None,
        longest_units: int | None = None,
        timeouts: RealtimeTimeouts | None = None,
    ) -> None:
        self.label = ModelLabel(endpoint.model, endpoint.provider_name)
        self.capabilities = ModelCapabilities(
            audio_input=True,
            image_input=dialect.pictures != "none" or describe is not None,
            images_in_speech_only=dialect.pictures != "none",
            looks=dialect.tools and (dialect.pictures == "item" or describe is not None),
            audio_output=speaks,
            input_rate=dialect.input_rate,
            tools=dialect.tools,
            truncation=dialect.truncates,
            turn_detection=True,
            transcription=True,
            answers_speech=True,
            connects=True,
            idles_free=dialect.quiet_timeout_s is None,
            quiet_timeout_s=dialect.quiet_timeout_s,
        )
        self._endpoint = endpoint
        self._dialect = dialect
        self._owner = owner
        self._network = network
        self._timeouts = timeouts or RealtimeTimeouts()
        self._lasts_s = dialect.longest_s
        self._clock = asyncio.get_running_loop().time
        self._faults = RealtimeFaults(endpoint)
        self._channel = EventChannel()
        self._talk = Talk(self._channel, longest_units, is_spoken=speaks)
        self._responses = Responses(dialect, self._talk, self._send)
        self._described = DescribedPictures(describe, self._note, owner) if describe else None
        if self._described and dialect.pictures == "none":
            self._talk.on_speech = self._described.speech_began
        self._calls = FunctionCalls(
            self._channel,
            owner,
            self._timeouts.tool_result_timeout_s,
            self._send_output,
            self._go_on,
            *((self._show,) if dialect.pictures == "item" else (lambda _: None, self._words_of)),
        )
        self._events = ServerEvents(
            self, dialect, self._talk, self._responses, self._channel, self._faults, speaks=speaks
        )
        is_manual = detection is not None and dialect.manual
        self._wishes = SessionWishes(endpoint.model, "", dialect.voice(""), speaks=speaks, manual=is_manual)
        self._wording = Wording(dialect)
        self._noise = RoomNoise()
        self._own_turns = OwnTurns(detection, dialect.input_rate) if detection and dialect.manual else None
        self._missing: asyncio.TimerHandle | None = None
        self._connection: RealtimeConnection | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._owed = OwedAnswer(
            self._timeouts.owed_timeout_s,
            lambda: self._responses.is_owed or self._talk.is_owed,
            lambda: self.lose(self._faults.silent(self._timeouts.owed_timeout_s)),
        )
        self._overload: tuple[ModelError, float] | None = None
        """The provider wants no sound until then."""
        self._held_s: float | None = None
        self._exchange: list[str] = []
        self._closed = False
        self._lost = False

    # ── ModelSession ──────────────────────────────────────────────────────────

    async def open(self, setup: SessionSetup) -> None:
        """Connect, and wait until the provider has taken what the session is set up with."""
        self._wording.begin(setup)
        self._calls.tools = setup.tools if self._dialect.tools else ()
        self._wishes = replace(
            self._wishes,
            instructions=setup.instructions,
            voice=self._dialect.voice(setup.voice),
            tools=self._calls.tools,
        )
        key, url = self._endpoint.api_key, self._url
        self._faults.check(url, key)
        try:
            self._connection = await RealtimeConnection.open(
                self._network,
                url,
                {"Authorization": f"Bearer {key}"} if key else {},
                owner=self._owner,
                name=self.label.model,
                on_event=self._events.take,
                on_end=lambda error: self.lose(self._faults.told(error, began=self.is_open)),
                timeout_s=self._timeouts.connect_timeout_s,
            )
            self._send("session.update", session=self._dialect.session(self._wishes))
            async with asyncio.timeout(self._timeouts.ready_timeout_s):
                await self._ready
        except (OSError, TimeoutError) as error:
            raise self._faults.told(error) from error

    async def send(self, item: ModelInput) -> None:
        """See ``ModelSession``; raises ``RuntimeError`` once the session is closed, ``ModelError`` for sound that the
        provider has no room for at the moment: who sent it keeps it."""
        if self._closed:
            raise RuntimeError("the session is closed")
        if isinstance(item, UserAudio):
            await self._hear(item)
        elif not self._lost and (take := _INPUTS.get(type(item))):
            take(self, item)

    async def interrupt(self, reply_id: str, text: str, played_ms: int | None = None) -> None:
        reply = self._talk.interrupt(reply_id)
        if reply is not None:
            self._responses.cancel(reply)
            self._truncate(reply, text, played_ms)
        elif (ended := self._talk.find(reply_id)) is not None and text != ended.text:
            self._truncate(ended, text, played_ms)

    def events(self) -> AsyncIterator[ModelEvent]:
        return self._channel.read()

    async def aclose(self) -> None:
        self._closed = True
        self._talk.supersede()
        self._channel.close()
        self._stop()
        await self._calls.aclose()
        if self._connection is not None:
            await self._connection.aclose()

    # ── what the user says ────────────────────────────────────────────────────

    async def _hear(self, sound: UserAudio) -> None:
        connection, pcm = self._connection, sound.pcm
        if connection is None or self._lost:
            return
        if self._overload is not None:
            error, until = self._overload
            if self._clock() < until:
                raise error
            self._overload = None
        if self._held_s is not None:
            self._held_s += len(pcm) / (2 * self._dialect.input_rate)
        if self._dialect.noise == "never":
            pcm = await self._noise.clean(pcm, wanted=sound.reduce_noise)
        elif self._dialect.noise == "when told" and sound.reduce_noise != self._wishes.reduce_noise:
            self._wishes = replace(self._wishes, reduce_noise=sound.reduce_noise)
            self._update_input("noise_reduction")
        if self._own_turns is None or self._held_s is not None:
            connection.send_sound(pcm)
        else:
            self._heard(await self._own_turns.feed(pcm))
        await connection.room()

    def _heard(self, heard: Sequence[bytes | Speech]) -> None:
        """What we found in the sound ourselves, for a provider that does not look."""
        for item in heard:
            if isinstance(item, bytes):
                self._send_sound(item)
            elif item is Speech.BEGAN:
                self._talk.speech_started()
            else:
                self._commit()
        self._expect_sound()

    def _hear_on(self, other: HearOn) -> None:
        before = other.before
        if self._own_turns and isinstance(before, RealtimeSession) and before._own_turns:
            self._own_turns.go_on_from(before._own_turns)

    def _expect_sound(self) -> None:
        if self._missing is not None:
            self._missing.cancel()
            self._missing = None
        if self._own_turns is not None and self._own_turns.open and not (self._closed or self._lost):
            self._missing = asyncio.get_running_loop().call_later(MISSING_S, self._end_own_turn, self._own_turns)

    def _end_own_turn(self, turns: OwnTurns) -> None:
        self._heard(turns.end())

    def _commit(self) -> None:
        """The user's turn is over: it is to be answered."""
        self._talk.speech_stopped()
        self._send("input_audio_buffer.commit")
        self._responses.ask(Ask(None))
        self.owes()

    def _hold(self, _: HoldToTalk) -> None:
        """Nobody but the user ends their turn now."""
        if not self._dialect.manual or self._held_s is not None:
            return
        if self._own_turns is not None:
            self._heard(self._own_turns.leave())
        else:
            self._listen(manual=True)
        self._held_s = 0.0
        self._talk.speech_started()

    def _end_speech(self, _: EndOfSpeech) -> None:
        held, self._held_s = self._held_s, None
        if held is None:
            if self._own_turns is not None:
                self._end_own_turn(self._own_turns)
            elif self._talk.is_speaking:
                self._send_sound(bytes(2 * round(_QUIET_S * self._dialect.input_rate)))
            return
        if held < _SHORTEST_S:
            self._talk.speech_stopped()
            self._send("input_audio_buffer.clear")
            self._talk.all_words("", "")
        else:
            self._commit()
        if self._own_turns is None:
            self._listen(manual=False)

    def _listen(self, *, manual: bool) -> None:
        self._wishes = replace(self._wishes, manual=manual)
        self._update_input("turn_detection")

    def _update_input(self, name: str) -> None:
        """Tell what is wished now of how the provider hears."""
        session = self._dialect.session(self._wishes)
        if "audio" in session:
            self._update({"audio": {"input": {name: session["audio"]["input"][name]}}})
        else:
            self._update({name: session[name]})

    def _answer(self, message: UserMessage) -> None:
        self._supersede()
        if message.again:
            self._forget_exchange()
        reply = self._talk.begin(message.id)
        if message.images and self._described and self._dialect.pictures == "none":
            self._owner.spawn(self._look_and_question(reply, message, self._described), name="look, then answer")
        else:
            self._question(reply, message)

    async def _look_and_question(self, reply: Reply, message: UserMessage, described: DescribedPictures) -> None:
        seen = await described.words(message.images)
        if not (reply.done or self._lost or self._closed):
            context = "\n\n".join(filter(None, (seen, message.context)))
            self._question(reply, replace(message, images=(), context=context))

    def _question(self, reply: Reply, message: UserMessage) -> None:
        text = dated(message.time, message.text)
        if not self._dialect.text_items:
            self._show(message.images)
            self._ask_by_instructions(reply, message.context, *self._wording.typed(text, message.text))
            return
        pictures = message.images if self._dialect.pictures == "item" else ()
        if not pictures:
            self._show(message.images)
        context = "" if self._dialect.reply_instructions else message.context
        self._exchange = [self._create(self._wording.question(text, context, pictures))]
        self._ask(reply, message.context)

    def _respond(self, wish: Respond) -> None:
        self._supersede()
        reply = self._talk.begin(wish.id)
        directive = self._wording.speak_first(wish.instructions)
        if not self._dialect.text_items:
            self._ask_by_instructions(reply, wish.context, directive, "")
        elif self._dialect.reply_instructions:
            self._ask(reply, "\n\n".join(filter(None, (wish.context, directive))))
        else:
            self._create(self._wording.question(directive, wish.context, ()))
            self._ask(reply, "")

    def _add(self, context: AddContext) -> None:
        if self._dialect.text_items:
            self._create(self._wording.line(context.role, context.text))
        else:
            self._wording.note(context.role, context.text)
            self._update({"instructions": self._wording.instructions()})

    def _offer(self, offer: OfferTools) -> None:
        if not self._dialect.tools or offer.tools == self._calls.tools:
            return
        self._calls.tools = offer.tools
        self._wishes = replace(self._wishes, tools=offer.tools)
        session = self._dialect.session(self._wishes)
        self._update({name: session[name] for name in ("tools", "turn_detection") if name in session})

    # ── asking ────────────────────────────────────────────────────────────────

    def _ask(self, reply: Reply, extra: str) -> None:
        body = {}
        if extra and self._dialect.reply_instructions:
            body["instructions"] = self._wording.instructions(extra)
        self._responses.ask(Ask(reply, body))
        self.owes()

    def _ask_by_instructions(self, reply: Reply, context: str, directive: str, said: str) -> None:
        """To a provider that takes nothing in writing but its instructions: they say it until the next ones."""
        asked = self._wording.instructions("\n\n".join(filter(None, (context, directive))))
        self._responses.ask(Ask(reply, prepare=lambda: self._update({"instructions": asked})))
        if said:
            self._wording.note("user", said)
        self.owes()

    def _go_on(self, reply: Reply) -> None:
        self._responses.ask(Ask(reply))
        self.owes()

    def _supersede(self) -> None:
        reply = self._talk.supersede()
        if reply is not None:
            self._responses.cancel(reply)
            self._truncate(reply, reply.text, None)

    def _truncate(self, reply: Reply, text: str, played_ms: float | None) -> None:
        """Have the provider forget what was not heard of a reply. Without ``played_ms`` by how much of its text was.

        More of it may be on its way than has come, so the end of what has is told too.
        """
        if reply.written and self._dialect.deletes:
            self._write_anew(reply, text)
        if not self._dialect.truncates or not reply.items:
            return
        if played_ms is None:
            whole = len(reply.text)
            played_ms = reply.sound_ms * (len(text) / whole if whole else 0.0)
        for item_id, sound_ms in list(reply.items.items()):
            heard = min(max(played_ms, 0.0), sound_ms)
            played_ms -= sound_ms
            if item_id:
                self._send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=int(heard))
                reply.items[item_id] = heard

    def _write_anew(self, reply: Reply, text: str) -> None:
        """A reply that was spoken for the model: what was heard takes the place of what it wrote."""
        gone, reply.written = reply.written, []
        if text:
            reply.written = [self._create(self._wording.line("assistant", text), after=gone[-1])]
        for item_id in gone:
            self._send("conversation.item.delete", item_id=item_id)

    def _forget_exchange(self) -> None:
        """What was said last is asked once more."""
        if self._dialect.deletes:
            for item_id in self._exchange:
                self._send("conversation.item.delete", item_id=item_id)
        self._exchange = []

    # ── pictures ──────────────────────────────────────────────────────────────

    def _see(self, image: UserImage) -> None:
        if self._described and self._dialect.pictures == "none":
            self._described.show(image.jpeg, is_speaking=self._talk.is_speaking)
        else:
            self._show((image.jpeg,))

    async def _words_of(self, pictures: tuple[bytes, ...]) -> str:
        return await self._described.words(pictures) if self._described else ""

    def _note(self, text: str) -> None:
        self._add(AddContext(text))

    def _show(self, pictures: tuple[bytes, ...]) -> None:
        for picture in pictures:
            if event := self._wording.picture(picture):
                self._send(**event)

    # ── what the provider does to the session (``server_events.Session``) ─────

    def acknowledged(self, session: Mapping[str, Any], *, updated: bool) -> None:
        expires = session.get("expires_at")
        if isinstance(expires, int | float) and (left_s := min(expires, _LAST_SECOND) - time.time()) > 0:
            self._lasts_s = left_s
        if (updated or not self._dialect.acknowledges) and not self._ready.done():
            self._ready.set_result(None)
            if self._lasts_s is not None:
                self._channel.put(SessionEnds(self._clock() + self._lasts_s))

    @property
    def is_open(self) -> bool:
        return self._ready.done()

    def heard(self) -> None:
        self._owed.alive()

    def wants_calls(self, response: Response) -> None:
        self._calls.begin(response)

    def shortened(self, reply: Reply) -> None:
        self._truncate(reply, reply.text, None)

    def overloaded(self, error: ModelError) -> None:
        self._overload = error, self._clock() + self._timeouts.overload_pause_s

    def owes(self) -> None:
        """Something is to come: when nothing does, the session is lost."""
        if not (self._closed or self._lost):
            self._owed.begin()

    def lose(self, error: NekoError) -> None:
        """The session is over, by the provider or by a fault."""
        if self._lost or self._closed:
            return
        self._lost = True
        self._stop()
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # nobody may be waiting any more
        self._talk.lose(error)
        self._channel.put(SessionLost(error))
        self._channel.close()
        if self._connection is not None and not self._owner.closed:
            self._owner.spawn(self._connection.aclose(), name=f"leave {self.label.model}")

    def _stop(self) -> None:
        self._responses.close()
        if self._described is not None:
            self._described.close()
        if self._missing is not None:
            self._missing.cancel()
            self._missing = None
        self._owed.stop()

    # ── sending ───────────────────────────────────────────────────────────────

    @property
    def _url(self) -> str:
        base, model = socket_address(self._endpoint.base_url), self._endpoint.model
        if not self._dialect.model_in_address or "model" in parse_qs(urlsplit(base).query):
            return base
        return f"{base}{'&' if '?' in base else '?'}model={quote(model, safe='')}"

    def _send_sound(self, pcm: bytes) -> None:
        if self._connection is not None:
            self._connection.send_sound(pcm)

    def _send(self, kind: str, **fields: Any) -> str:
        return self._connection.send(kind, **fields) if self._connection is not None else ""

    def _create(self, item: dict[str, Any], after: str = "") -> str:
        """Add an item to the talk, at its end or ``after`` another; returns its id."""
        item_id = uuid4().hex
        if self._dialect.deletes:
            item = {"id": item_id, **item}
        self._send("conversation.item.create", **({"previous_item_id": after} if after else {}), item=item)
        return item_id

    def _update(self, changes: dict[str, Any]) -> None:
        if self._dialect.reply_instructions:
            changes = {"type": "realtime", **changes}
        self._send("session.update", session=changes)

    def _send_output(self, call_id: str, output: str) -> None:
        self._create({"type": "function_call_output", "call_id": call_id, "output": output})

    def _take_result(self, result: ToolResult) -> None:
        self._calls.resolve(result)


_INPUTS: Final[Mapping[type, Callable[[RealtimeSession, Any], None]]] = {
    UserMessage: RealtimeSession._answer,
    Respond: RealtimeSession._respond,
    AddContext: RealtimeSession._add,
    OfferTools: RealtimeSession._offer,
    ToolResult: RealtimeSession._take_result,
    UserImage: RealtimeSession._see,
    HoldToTalk: RealtimeSession._hold,
    EndOfSpeech: RealtimeSession._end_speech,
    HearOn: RealtimeSession._hear_on,
}
