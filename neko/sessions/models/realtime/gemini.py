"""A call with Gemini over its Live API, spoken directly: the SDK for it has a way out of its own, past ``net``.

What it remembers of the talk is its own affair: nothing can be cancelled or taken back, so that it is told what was not
heard. A connection lives for ten minutes; one that breaks is mended by the handle that the provider gave, with the talk
as it was, else the session is lost.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from neko.errors import ModelEmptyReplyError, NekoError
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models.event_channel import EventChannel
from neko.sessions.models.history import dated
from neko.sessions.models.realtime import gemini_messages as messages
from neko.sessions.models.realtime.calls import FunctionCalls
from neko.sessions.models.realtime.connection import RealtimeConnection
from neko.sessions.models.realtime.dialects import SessionWishes
from neko.sessions.models.realtime.faults import RealtimeFaults, is_fatal
from neko.sessions.models.realtime.gemini_messages import GEMINI, Message
from neko.sessions.models.realtime.gemini_turns import GeminiTurns
from neko.sessions.models.realtime.noise import RoomNoise
from neko.sessions.models.realtime.owed import OwedAnswer
from neko.sessions.models.realtime.responses import Response
from neko.sessions.models.realtime.session import RealtimeTimeouts
from neko.sessions.models.realtime.talk import Reply, Talk
from neko.sessions.models.realtime.wording import Wording
from neko.tasks import TaskOwner
from neko.types.model_session import (
    AddContext,
    EndOfSpeech,
    HoldToTalk,
    ModelCapabilities,
    ModelEvent,
    ModelInput,
    ModelLabel,
    OfferTools,
    Reconnected,
    Respond,
    SessionEnds,
    SessionLost,
    SessionSetup,
    ToolResult,
    UserAudio,
    UserImage,
    UserMessage,
)
from neko.well_formed import dump_json, load_json

logger = logging.getLogger(__name__)

_LAST_WORDS_S: Final = 0.5
"""How long after the last sound of a reply its transcription may come."""
_REST_S: Final = 0.3
"""How long after a piece of the user's words the next one may come while she answers them."""
_MOST_NOTES: Final = 200
_UNHELD_BYTES: Final = round(0.3 * 2 * GEMINI.input_rate)
"""So much sound without the key to talk is of somebody who uses it no more."""
_MOST_UNHELD_BYTES: Final = 10 * 2 * GEMINI.input_rate
_MENDED_AGAIN_S: Final = 10.0
"""A connection that breaks sooner after it was mended is given up."""
_MOST_KEPT_BYTES: Final = 512 * 1024
"""Of what is said while a connection is mended: eleven seconds of sound in base64; the oldest goes first."""


class GeminiSession:
    """Talks with ``endpoint``. ``speaks``: with the model's own voice; else its words are spoken for it.
    ``longest_units``: what a reply may be long (``reply_length``)."""

    def __init__(
        self,
        endpoint: ModelEndpoint,
        *,
        owner: TaskOwner,
        network: Network,
        speaks: bool = True,
        longest_units: int | None = None,
        timeouts: RealtimeTimeouts | None = None,
    ) -> None:
        self.label = ModelLabel(endpoint.model, endpoint.provider_name)
        self.capabilities = ModelCapabilities(
            audio_input=True,
            image_input=True,
            audio_output=speaks,
            input_rate=GEMINI.input_rate,
            tools=True,
            turn_detection=True,
            transcription=True,
            answers_speech=True,
            connects=True,
            idles_free=True,
        )
        self._endpoint = endpoint
        self._url = messages.address(endpoint.base_url)
        self._owner = owner
        self._network = network
        self._speaks = speaks
        self._timeouts = timeouts or RealtimeTimeouts()
        self._loop = asyncio.get_running_loop()
        self._faults = RealtimeFaults(replace(endpoint, base_url=self._url))
        self._channel = EventChannel()
        self._talk = Talk(self._channel, longest_units, is_spoken=speaks)
        self._turns = GeminiTurns(self._talk, self._came_empty)
        self._calls = FunctionCalls(
            self._channel, owner, self._timeouts.tool_result_timeout_s, self._take_output, self._send_outputs
        )
        self._called: dict[str, str] = {}
        self._outputs: list[tuple[str, str, str]] = []
        self._wording = Wording(GEMINI)
        self._noise = RoomNoise()
        self._wishes = self._set_up = SessionWishes(endpoint.model, "")
        self._held = False
        self._unheld = bytearray()
        self._notes: list[Message] = []
        self._cut_off: Message | None = None
        self._connection: RealtimeConnection | None = None
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._handle = ""
        self._is_fresh = False
        """Does the handle name the talk as it is now?"""
        self._mended_at = float("-inf")
        self._kept: list[bytes] = []
        self._mending: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._owed = OwedAnswer(
            self._timeouts.owed_timeout_s,
            lambda: self._turns.is_owed,
            self._silent,
            self._all_settled,
        )
        self._closed = self._lost = False

    # ── ModelSession ──────────────────────────────────────────────────────────

    async def open(self, setup: SessionSetup) -> None:
        """Connect, and wait until the provider has taken what the session is set up with."""
        self._wording.begin(setup)
        self._calls.tools = setup.tools
        self._wishes = self._set_up = replace(
            self._wishes, instructions=setup.instructions, voice=GEMINI.voice(setup.voice), tools=setup.tools
        )
        self._faults.check(self._url, self._endpoint.api_key)
        try:
            await self._connect()
        except (OSError, TimeoutError) as error:
            raise self._faults.told(error) from error

    async def send(self, item: ModelInput) -> None:
        """See ``ModelSession``; raises ``RuntimeError`` once the session is closed."""
        if self._closed:
            raise RuntimeError("the session is closed")
        if self._lost:
            return
        if isinstance(item, UserAudio):
            self._hear(await self._noise.clean(item.pcm, wanted=item.reduce_noise))
            if self._connection is not None:
                await self._connection.room()
        elif take := _INPUTS.get(type(item)):
            take(self, item)

    async def interrupt(self, reply_id: str, text: str, played_ms: int | None = None) -> None:
        """See ``ModelSession``. The provider is told what was heard with the next words, since it cannot forget."""
        reply = self._talk.interrupt(reply_id) or self._talk.find(reply_id)
        if reply is not None and reply.text and text != reply.text:
            self._cut_off = messages.turn("system", f'Of what you said last only this was heard: "{text}"')

    def events(self) -> AsyncIterator[ModelEvent]:
        return self._channel.read()

    async def aclose(self) -> None:
        self._closed = True
        self._talk.supersede()
        self._channel.close()
        self._stop()
        if self._mending is not None:
            self._mending.cancel()
            await asyncio.wait([self._mending], timeout=1.0)
        await self._calls.aclose()
        self._leave()
        if self._leaving is not None:
            await asyncio.wait([self._leaving])

    # ── what the user says ────────────────────────────────────────────────────

    def _answer(self, message: UserMessage) -> None:
        text = dated(message.time, message.text)
        if message.context:
            text = f"[{message.context}]\n\n{text}"
        self._ask(message.id, messages.turn("user", text, message.images))

    def _respond(self, wish: Respond) -> None:
        directive = self._wording.speak_first(wish.instructions)
        self._ask(wish.id, messages.turn("user", "\n\n".join(filter(None, (wish.context, directive)))))

    def _ask(self, reply_id: str, turn: Message) -> None:
        self._turns.ask(self._talk.begin(reply_id))
        told = [self._cut_off] if self._cut_off else []
        self._say(messages.content([*told, *self._notes, turn], answer=True))
        self._cut_off, self._notes = None, []
        self._owes()

    def _add(self, context: AddContext) -> None:
        self._note(messages.turn(context.role, context.text))

    def _note(self, turn: Message) -> None:
        """Something to know, which must not interrupt what is being said: the newest wait for its end."""
        self._notes = [*self._notes, turn][-_MOST_NOTES:]
        self._tell_notes()

    def _tell_notes(self) -> None:
        if self._notes and self._turns.is_quiet:
            self._say(messages.content(self._notes, answer=False))
            self._notes = []

    def _hear(self, pcm: bytes) -> None:
        if self._held or not self._set_up.manual:
            self._put(messages.sound(pcm))
            return
        self._unheld += pcm
        del self._unheld[:-_MOST_UNHELD_BYTES]
        if len(self._unheld) > _UNHELD_BYTES:
            self._wish(replace(self._wishes, manual=False))

    def _hold(self, _: HoldToTalk) -> None:
        """Nobody but the user ends their turn from here on, if the session can be resumed now; else the provider finds
        its end, this once."""
        if self._held:
            return
        self._unheld.clear()
        self._wish(replace(self._wishes, manual=True))
        if self._set_up.manual:
            self._held = True
            self._turns.pressed()
            self._say(messages.activity(begins=True))

    def _end_speech(self, _: EndOfSpeech) -> None:
        if self._held:
            self._held = False
            self._say(messages.activity(begins=False))
            self._talk.speech_stopped()
            self._owes()
        elif not self._set_up.manual:
            self._say(messages.sound_ends())

    def _offer(self, offer: OfferTools) -> None:
        if not set(offer.tools) <= set(self._wishes.tools):
            self._wish(replace(self._wishes, tools=offer.tools))

    def _see(self, image: UserImage) -> None:
        self._say(messages.picture(image.jpeg))

    def _take_result(self, result: ToolResult) -> None:
        for jpeg in result.images:
            self._say(messages.picture(jpeg))
        self._calls.resolve(result)

    # ── what the provider says ────────────────────────────────────────────────

    async def _take(self, message: Mapping[str, Any]) -> None:
        self._owed.alive()
        if "setupComplete" in message:
            self._opened()
        if content := messages.part(message, "serverContent"):
            self._is_fresh = False
            await self._take_content(content)
        if calls := messages.calls(message):
            self._begin_calls(calls)
        if gone := messages.cancelled(message):
            self._called = {call_id: name for call_id, name in self._called.items() if call_id not in gone}
            self._turns.calls_cancelled()
        if "goAway" in message:
            left_s = messages.seconds(messages.part(message, "goAway").get("timeLeft"))
            self._channel.put(SessionEnds(self._loop.time() + (left_s or 0.0)))
        update = messages.part(message, "sessionResumptionUpdate")
        if isinstance(handle := update.get("newHandle"), str) and update.get("resumable"):
            self._handle, self._is_fresh = handle, True
        self._follow_wishes()

    async def _take_content(self, content: Mapping[str, Any]) -> None:
        if heard := messages.part(content, "inputTranscription"):
            self._turns.heard(messages.words(content, "inputTranscription"), finished=bool(heard.get("finished")))
            self._cut_off = None
            self._owes()
        if messages.words(content, "interimInputTranscription").strip():
            self._turns.hears()
        if content.get("waitingForInput"):
            self._turns.waits()
        if content.get("interrupted"):
            if self._expects_no_more() and (current := self._turns.current) is not None:
                self._talk.end(current.reply)
            self._turns.interrupted()
            self._owes()
        behind = False
        if text := messages.words(content, "outputTranscription"):
            behind = not self._talk.text(self._turns.content(sound=False).reply, text)
        for pcm, rate in messages.sounds(content):
            reply = self._turns.content(sound=True).reply
            if self._speaks:
                behind = not self._talk.sound(reply, pcm, rate) or behind
        if (current := self._turns.current) is not None and current.reply.is_endless:
            self._talk.cut_short(current.reply, self._faults.endless())  # nothing stops it: the rest of it is dropped
        if behind:
            await self._channel.drain()
        if content.get("generationComplete") and (made := self._turns.made()) is not None:
            self._ending = self._loop.call_later(_LAST_WORDS_S, self._all_said, made)
        self._wait_for_rest(again=bool(heard))
        if content.get("turnComplete"):
            self._expects_no_more()
            broken = self._faults.incomplete(messages.finish_reason(content))
            self._turns.complete(broken, wants_more=content.get("turnCompleteReason") == messages.NEEDS_MORE)
            self._tell_notes()

    def _wait_for_rest(self, *, again: bool) -> None:
        """What she answers is all there when for a moment nothing more of it was recognised."""
        if not self._turns.words_linger or (self._resting is not None and not again):
            return
        if self._resting is not None:
            self._resting.cancel()
        self._resting = self._loop.call_later(_REST_S, self._all_heard)

    def _all_heard(self) -> None:
        self._resting = None
        if self._turns.words_linger:
            self._turns.end_hearing()

    def _all_said(self, reply: Reply) -> None:
        self._ending = None
        self._talk.end(reply)

    def _expects_no_more(self) -> bool:
        """Wait no longer for the last words of a reply; was there one?"""
        ending, self._ending = self._ending, None
        if ending is not None:
            ending.cancel()
        return ending is not None

    def _came_empty(self, reply: Reply) -> None:
        self._talk.end(reply, "failed", self._faults.empty(ModelEmptyReplyError))

    # ── functions ─────────────────────────────────────────────────────────────

    def _begin_calls(self, wanted: list[tuple[str, str, Any]]) -> None:
        generation = self._turns.content(sound=False)
        if self._expects_no_more():
            generation.made = False
        self._called = {call_id: name for call_id, name, _ in wanted}
        self._outputs = []
        generation.calls = len(wanted)
        made = {call_id: (name, json.dumps(arguments or {})) for call_id, name, arguments in wanted}
        self._calls.begin(Response(None, generation.reply, calls=made))

    def _take_output(self, call_id: str, output: str) -> None:
        if (name := self._called.pop(call_id, None)) is not None:
            self._outputs.append((call_id, name, output))

    def _send_outputs(self, reply: Reply) -> None:
        current = self._turns.current
        if current is not None and current.reply is reply and self._outputs:
            current.calls = 0
            self._say(messages.tool_response(self._outputs))
            self._owes()

    # ── the connection ────────────────────────────────────────────────────────

    async def _connect(self) -> None:
        """Raises what opening does, or what the provider said instead of taking the setup."""
        self._ready = self._loop.create_future()
        key = self._endpoint.api_key
        connection = self._connection = await RealtimeConnection.open(
            self._network,
            self._url,
            {"x-goog-api-key": key} if key else {},
            owner=self._owner,
            name=self.label.model,
            on_event=self._take,
            on_end=self._ended,
            decode=load,
            timeout_s=self._timeouts.connect_timeout_s,
        )
        connection.put(dump_json(messages.setup(self._set_up, self._handle)))
        async with asyncio.timeout(self._timeouts.ready_timeout_s):
            await self._ready

    def _opened(self) -> None:
        if self._ready.done():
            return
        self._ready.set_result(None)
        if GEMINI.longest_s is not None:
            self._channel.put(SessionEnds(self._loop.time() + GEMINI.longest_s))

    def _ended(self, error: Exception) -> None:
        """The connection is over."""
        told = self._faults.told(error, began=self._ready.done())
        if not self._ready.done():
            self._ready.set_exception(told)
            self._ready.exception()  # nobody may be waiting any more
        elif self._handle and not is_fatal(told) and self._loop.time() - self._mended_at > _MENDED_AGAIN_S:
            self._resume(told)
        else:
            self._lose(told)

    def _wish(self, wishes: SessionWishes) -> None:
        """Be set up so, as soon as that can be changed."""
        self._wishes = wishes
        self._follow_wishes()

    def _follow_wishes(self) -> None:
        """What a connection is set up with can be changed only by resuming the session over another one. Nothing said
        may be lost by that; but without it somebody who uses the key no more would not be heard."""
        is_deaf = self._set_up.manual and not self._wishes.manual
        can_resume = bool(self._handle) and (self._is_fresh or is_deaf)
        is_free = self._mending is None and self._turns.is_quiet and not self._held
        if self._wishes != self._set_up and can_resume and is_free and not (self._closed or self._lost):
            self._resume(None)

    def _resume(self, error: NekoError | None) -> None:
        """Go on over another connection, with the talk as it was; ``error`` is why the one before is over, if it is."""
        self._stop()
        self._leave()
        self._turns.reset()
        if error and self._talk.reply is not None:
            self._talk.end(self._talk.reply, "failed", error)
        self._set_up = self._wishes
        self._calls.tools = self._set_up.tools
        self._mending = self._owner.spawn(self._reconnect(error), name=f"resume {self.label.model}")
        if self._unheld and not self._set_up.manual:
            self._put(messages.sound(bytes(self._unheld)))
            self._unheld.clear()

    async def _reconnect(self, error: NekoError | None) -> None:
        try:
            await self._connect()
        except (OSError, TimeoutError, NekoError) as failure:
            logger.info("a Gemini session could not be resumed: %s", type(failure).__name__)
            self._mending = None
            self._lose(error or self._faults.told(failure))
            return
        self._mending = None
        if error:
            self._mended_at = self._loop.time()
            self._channel.put(Reconnected())
        kept, self._kept = self._kept, []
        for message in kept:
            self._put(message)

    def _say(self, message: Message) -> None:
        self._is_fresh = False
        self._put(dump_json(message))

    def _put(self, message: bytes) -> None:
        if self._mending is None and self._connection is not None:
            self._connection.put(message)
            return
        self._kept.append(message)
        while len(self._kept) > 1 and sum(map(len, self._kept)) > _MOST_KEPT_BYTES:
            del self._kept[0]

    def _lose(self, error: NekoError) -> None:
        if self._lost or self._closed:
            return
        self._lost = True
        self._stop()
        if self._turns.words_linger:
            self._turns.end_hearing()
        self._talk.lose(error)
        self._channel.put(SessionLost(error))
        self._channel.close()
        self._leave()

    def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not self._owner.closed:
            self._leaving = self._owner.spawn(connection.aclose(), name=f"leave {self.label.model}")

    # ── what is owed ──────────────────────────────────────────────────────────

    def _owes(self) -> None:
        """Something is to come: when nothing does, the session is lost."""
        if not (self._closed or self._lost):
            self._owed.begin()

    def _silent(self) -> None:
        """Nothing came of what the user said: what was recognised of it is all there is, and another session's."""
        self._turns.end_hearing()
        self._lose(self._faults.silent(self._timeouts.owed_timeout_s))

    def _all_settled(self) -> None:
        self._turns.end_hearing()
        self._follow_wishes()

    def _stop(self) -> None:
        self._owed.stop()
        for handle in (self._ending, self._resting):
            if handle is not None:
                handle.cancel()
        self._ending = self._resting = None


def load(raw: bytes) -> Mapping[str, Any] | None:
    """A message of the provider; None for what is none."""
    try:
        message = load_json(raw)
    except (ValueError, RecursionError):
        logger.debug("a message of %d bytes is no JSON", len(raw))
        return None
    return message if isinstance(message, dict) else None


_INPUTS: Final[Mapping[type, Callable[[GeminiSession, Any], None]]] = {
    UserMessage: GeminiSession._answer,
    Respond: GeminiSession._respond,
    AddContext: GeminiSession._add,
    ToolResult: GeminiSession._take_result,
    UserImage: GeminiSession._see,
    EndOfSpeech: GeminiSession._end_speech,
    HoldToTalk: GeminiSession._hold,
    OfferTools: GeminiSession._offer,
}
