"""A scripted realtime provider on a real loopback WebSocket, in the dialect of any of them.

It hears by loudness, as ``tests.scripted_session`` does: PCM16 mono above ``LOUD`` is speech, ``PAUSE`` of quiet after
it ends the turn unless the client does that itself. Each turn takes the next ``Turn`` of the script. ``known`` is what
its model remembers; sound is forty milliseconds a character, so that what was heard is a number of characters.
"""

from __future__ import annotations

import array
import asyncio
import json
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, Generic, Literal, Self, TypeVar
from uuid import uuid4

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from neko.providers import ModelEndpoint
from neko.sessions.models.realtime.dialects import DIALECTS, Dialect
from tests.scripted_provider import tone
from tests.scripted_session import Call

LOUD = 500
PAUSE = 0.3
MS_A_CHARACTER = 40
KEY = "sk-realtime"

Fault = Literal[
    "cut",
    "normal close",
    "abnormal close",
    "error",
    "silence",
    "no reply",
    "no created",
    "done first",
    "failed",
    "cancelled",
]
"""In the middle of a reply: the connection breaks, is closed with 1000 or 1011, an ``error`` event comes, nothing
comes any more; no reply to what was heard is begun; ``response.created`` is left out; the end comes before the sound;
the reply fails, or the provider cancels it by itself."""


@cache
def _sound(characters: int, rate: int) -> str:
    return b64encode(tone(characters * MS_A_CHARACTER / 1000, rate=rate)).decode()


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn. ``hears``: the transcript (None: none ever comes, "": a cough, nothing follows), after ``partials``;
    ``late``: it comes in the reply, ``twice``: and once more. ``fault`` happens after ``fault_after`` deltas; ``error``
    is what its event says. ``waits``: the reply stands still after its first delta, until ``release``. ``between``: raw
    messages that are sent after the first delta. ``pauses``: her voice rests after each delta. ``thinks_s``: before the
    first one."""

    hears: str | None = "hello"
    partials: Sequence[str] = ()
    late: bool = False
    twice: bool = False
    deltas: Sequence[str] = ("I ", "hear ", "you ", "well.")
    calls: Sequence[Call] = ()
    deltas_after_calls: Sequence[str] = ("That ", "is ", "done.")
    waits: bool = False
    fault: Fault | None = None
    fault_after: int = 1
    error: Mapping[str, Any] = field(default_factory=lambda: {"type": "server_error", "message": "scripted fault"})
    between: Sequence[str | bytes] = ()
    pauses: bool = False
    thinks_s: float = 0.0


@dataclass(slots=True)
class Line:
    """What the model remembers."""

    role: str
    text: str
    id: str = field(default_factory=lambda: uuid4().hex)


CallerT = TypeVar("CallerT", bound="VoiceCaller")


class VoiceProvider(Generic[CallerT]):
    """A server with its script. ``always`` is the turn that comes when the script is empty."""

    def __init__(self, caller: Callable[[ServerConnection], CallerT], always: Turn | None) -> None:
        self.turns: deque[Turn] = deque()
        self.always = always or Turn()
        self.calls: list[CallerT] = []
        self.requests: list[Request] = []
        self.changed = asyncio.Condition()
        self.released = asyncio.Event()
        self._caller = caller
        self._server: Server | None = None

    @property
    def address(self) -> str:
        """Of the server, without a path."""
        assert self._server is not None
        return f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}"

    def script(self, *turns: Turn) -> None:
        self.turns.extend(turns)

    def next_turn(self) -> Turn:
        return self.turns.popleft() if self.turns else self.always

    @property
    def last(self) -> CallerT:
        """The newest connection."""
        return self.calls[-1]

    async def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait for something that holds once a message has come or a connection has gone."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(condition)

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve, "127.0.0.1", 0, process_request=self._admit, ping_interval=None, close_timeout=1
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def _admit(self, _: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        caller = self._caller(connection)
        self.calls.append(caller)
        try:
            await caller.run()
        except ConnectionClosed:
            pass
        finally:
            caller.end()
            async with self.changed:
                caller.closed = True
                self.changed.notify_all()


class VoiceCaller:
    """One connection to such a server. ``heard`` is the sound that came, ``pictures`` what was shown."""

    def __init__(self, connection: ServerConnection) -> None:
        self.heard = bytearray()
        self.pictures: list[bytes] = []
        self.closed = False
        self._connection = connection
        self._turn: Turn | None = None
        self._quiet_s = 0.0
        self._reply: asyncio.Task[None] | None = None
        self._continues: Turn | None = None

    async def run(self) -> None:
        """Take what comes until it closes."""
        raise NotImplementedError

    async def send_raw(self, message: str | bytes) -> None:
        await self._connection.send(message)

    async def close(self, code: int, reason: str = "") -> None:
        await self._connection.close(code, reason)

    def abort(self) -> None:
        self._connection.transport.abort()

    def end(self) -> None:
        if self._reply:
            self._reply.cancel()


class ScriptedRealtime(VoiceProvider["Caller"]):
    """See the module. ``refuses`` answers the handshake (with ``location``, elsewhere); without ``greets`` nothing is
    greeted or acknowledged, and ``closes`` ends the connection instead; unless it ``tells_of_speech`` the user's speech
    is told of only when it is whole."""

    def __init__(self, key: str = "openai", *, always: Turn | None = None) -> None:
        super().__init__(lambda connection: Caller(self, connection), always)
        self.dialect: Dialect = DIALECTS[key]
        self.refuses: tuple[int, Mapping[str, Any]] | None = None
        self.location = ""
        self.greets = True
        self.closes: tuple[int, str] | None = None
        self.tells_of_speech = True
        self.refuses_update: Mapping[str, Any] | None = None
        self.expires_at: float | None = None

    @property
    def url(self) -> str:
        return f"{self.address}/v1/realtime"

    @property
    def endpoint(self) -> ModelEndpoint:
        """Where it is, for a session."""
        key = self.dialect.key
        return ModelEndpoint("realtime", key, "Scripted", self.url, "scripted-voice", KEY, api_type=key)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        super()._admit(connection, request)
        if self.refuses is None:
            return None
        status, words = self.refuses
        body = json.dumps(words).encode()
        headers = Headers({"Content-Length": str(len(body))})
        if self.location:
            headers["Location"] = self.location
        return Response(status, HTTPStatus(status).phrase, headers, body)


class Caller(VoiceCaller):
    """One connection: ``events`` is all that came, ``heard`` the sound, ``known`` what the model remembers."""

    def __init__(self, provider: ScriptedRealtime, connection: ServerConnection) -> None:
        super().__init__(connection)
        self.provider = provider
        self.dialect = provider.dialect
        self.events: list[dict[str, Any]] = []
        self.known: list[Line] = []
        self.session: dict[str, Any] = {}
        self.outputs: list[tuple[str, str]] = []
        self._item_id = ""
        self._response_id = ""
        self._line: Line | None = None

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of one type."""
        return [event for event in self.events if event["type"] == kind]

    async def run(self) -> None:
        provider = self.provider
        if provider.greets and self.dialect.acknowledges:
            session = {"id": "sess_1"} | ({"expires_at": provider.expires_at} if provider.expires_at else {})
            await self.send("session.created", session=session)
        async for message in self._connection:
            event = json.loads(message)
            await self._take(event)
            async with provider.changed:
                self.events.append(event)
                provider.changed.notify_all()

    async def send(self, kind: str, **fields: Any) -> None:
        await self.send_raw(json.dumps({"event_id": uuid4().hex, "type": kind, **fields}, ensure_ascii=False))

    # ── what the client says ──────────────────────────────────────────────────

    async def _take(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.update":
                await self._update(event)
            case "input_audio_buffer.append":
                await self._hear(b64decode(event["audio"]))
            case "input_audio_buffer.commit":
                if self._turn:
                    await self._stop_hearing(self._turn, answer=False)
            case "input_audio_buffer.clear":
                self._turn = None
            case "input_image_buffer.append":
                self.pictures.append(b64decode(event["image"]))
            case "input_audio_buffer.append_video_frame":
                self.pictures.append(b64decode(event["video_frame"]))
            case "conversation.item.create":
                await self._item(event["item"], event.get("previous_item_id"))
            case "conversation.item.truncate":
                for line in self.known:
                    if line.id == event["item_id"]:
                        line.text = line.text[: event["audio_end_ms"] // MS_A_CHARACTER]
            case "conversation.item.delete":
                self.known = [line for line in self.known if line.id != event["item_id"]]
            case "response.create":
                await self._asked(event)
            case "response.cancel":
                await self._cancel(event)

    async def _update(self, event: dict[str, Any]) -> None:
        if closes := self.provider.closes:
            await self.close(*closes)
            return
        if refused := self.provider.refuses_update:
            await self.send("error", error=refused)
            return
        self.session |= event["session"]
        if self.provider.greets:
            await self.send("session.updated" if self.dialect.acknowledges else "session.created", session=self.session)

    @property
    def is_manual(self) -> bool:
        session = self.session.get("audio", {}).get("input", self.session)
        detection = session.get("turn_detection")
        return detection is None or detection["type"] == "client_vad"

    @property
    def is_mute(self) -> bool:
        """Is it asked for text alone, and can it keep quiet?"""
        asked = self.session.get("output_modalities", self.session.get("modalities"))
        return asked == ["text"]

    async def _item(self, item: dict[str, Any], after: str | None) -> None:
        if item["type"] == "function_call_output":
            self.outputs.append((item["call_id"], item["output"]))
            return
        text = "".join(part.get("text", "") for part in item["content"])
        self.pictures += [b64decode(p["image_url"].partition(",")[2]) for p in item["content"] if "image_url" in p]
        ids = [line.id for line in self.known]
        place = ids.index(after) + 1 if after in ids else len(ids)
        self.known.insert(place, Line(item["role"], text, item.get("id") or uuid4().hex))

    async def _asked(self, event: dict[str, Any]) -> None:
        if self._reply and not self._reply.done():
            error = {"type": "invalid_request_error", "code": "conversation_already_has_active_response"}
            await self.send("error", error={**error, "message": "busy", "event_id": event["event_id"]})
            return
        turn, self._continues = self._continues, None
        metadata = event.get("response", {}).get("metadata")
        self._answer(turn or self.provider.next_turn(), continues=turn is not None, metadata=metadata)

    async def _cancel(self, event: dict[str, Any]) -> None:
        named = event.get("response_id", self._response_id)
        if self._reply is None or self._reply.done() or named != self._response_id:
            error = {"type": "invalid_request_error", "code": "response_cancel_not_active", "message": "nothing"}
            await self.send("error", error=error)
            return
        self._reply.cancel()
        await asyncio.wait([self._reply])
        await self.send("response.done", response={"id": self._response_id, "status": "cancelled"})

    # ── hearing ───────────────────────────────────────────────────────────────

    async def _hear(self, pcm: bytes) -> None:
        self.heard += pcm
        samples = array.array("h", pcm)
        item = {} if self.dialect.key == "glm" else {"item_id": self._item_id}
        if max(map(abs, samples), default=0) > LOUD:
            self._quiet_s = 0.0
            if self._turn is None:
                self._turn = self.provider.next_turn()
                self._item_id = uuid4().hex
                if not self.is_manual and self.provider.tells_of_speech:
                    item = item and {"item_id": self._item_id}
                    await self.send("input_audio_buffer.speech_started", audio_start_ms=0, **item)
        elif self._turn is not None and not self.is_manual:
            self._quiet_s += len(samples) / self.dialect.input_rate
            if self._quiet_s >= PAUSE:
                if self.provider.tells_of_speech:
                    await self.send("input_audio_buffer.speech_stopped", audio_end_ms=0, **item)
                await self._stop_hearing(self._turn, answer=True)

    async def _stop_hearing(self, turn: Turn, *, answer: bool) -> None:
        self._turn = None
        await self.send("input_audio_buffer.committed", item_id=self._item_id)
        if turn.hears == "":
            await self._transcribe(turn)
            return
        if turn.hears is not None:
            self.known.append(Line("user", turn.hears, self._item_id))
        for piece in turn.partials:
            kind = "conversation.item.input_audio_transcription.delta"
            await self.send(kind, item_id=self._item_id, delta=piece)
        if turn.hears is not None and not turn.late:
            await self._transcribe(turn)
        if not answer:
            self._continues = turn
            return
        if turn.fault == "no reply":
            return
        if self._reply and not self._reply.done():
            self._reply.cancel()
            await asyncio.wait([self._reply])
            await self.send("response.done", response={"id": self._response_id, "status": "cancelled"})
        self._answer(turn)

    async def _transcribe(self, turn: Turn) -> None:
        kind = "conversation.item.input_audio_transcription.completed"
        await self.send(kind, item_id=self._item_id, transcript=turn.hears)

    # ── replying ──────────────────────────────────────────────────────────────

    def _answer(self, turn: Turn, *, continues: bool = False, metadata: Any = None) -> None:
        self._response_id = f"resp_{uuid4().hex}"
        self._reply = asyncio.create_task(self._make(turn, self._response_id, continues, metadata))

    async def _make(self, turn: Turn, response_id: str, continues: bool, metadata: Any) -> None:
        is_after_calls = continues and bool(turn.calls)
        deltas = turn.deltas_after_calls if is_after_calls else turn.deltas
        head = {"id": response_id, "metadata": metadata} if self.dialect.reply_instructions else {"id": response_id}
        try:
            if turn.fault != "no created":
                await self.send("response.created", response={**head, "status": "in_progress"})
            await asyncio.sleep(turn.thinks_s)
            line = Line("assistant", "", f"item_{uuid4().hex[:20]}")
            for count, text in enumerate(deltas):
                if turn.fault and count == turn.fault_after and await self._fail(turn, response_id):
                    return
                if not line.text:
                    self.known.append(line)
                line.text += text
                await self._speak(response_id, line.id, text)
                if turn.pauses:
                    await self._speak(response_id, line.id, "", quiet_s=0.3)
                await asyncio.sleep(0)  # whoever listens gets it piece by piece
                if count == 0:
                    for raw in turn.between:
                        await self.send_raw(raw)
                    for _ in range(turn.late + turn.twice):
                        await self._transcribe(turn)
                    if turn.waits:
                        await self.provider.released.wait()
            if turn.calls and not is_after_calls:
                await self._call(turn, response_id)
            await self.send("response.done", response={**head, "status": "completed"})
        except ConnectionClosed:
            pass

    async def _speak(self, response_id: str, item_id: str, text: str, quiet_s: float = 0.0) -> None:
        is_ga = self.dialect.key == "openai"
        ids = {"response_id": response_id, "item_id": item_id, "output_index": 0, "content_index": 0}
        if self.is_mute:
            await self.send("response.output_text.delta" if is_ga else "response.text.delta", **ids, delta=text)
            return
        rest = bytes(2 * round(quiet_s * self.dialect.output_rate))
        sound = b64encode(rest).decode() if rest else _sound(len(text), self.dialect.output_rate)
        kind = "response.output_audio" if is_ga else "response.audio"
        await self.send(f"{kind}.delta", **ids, delta=sound)
        await self.send(f"{kind}_transcript.delta", **ids, delta=text)

    async def _call(self, turn: Turn, response_id: str) -> None:
        for number, call in enumerate(turn.calls):
            call_id, item_id = f"call_{uuid4().hex[:12]}", f"item_{number}"
            arguments = json.dumps(call.arguments)
            item = {"id": item_id, "type": "function_call", "name": call.name, "call_id": call_id}
            await self.send("response.output_item.added", response_id=response_id, item={**item, "arguments": ""})
            await self.send(
                "response.function_call_arguments.done",
                response_id=response_id,
                item_id=item_id,
                call_id=call_id,
                arguments=arguments,
                **({} if self.dialect.key == "openai" else {"name": call.name}),
            )
            await self.send("response.output_item.done", response_id=response_id, item={**item, "arguments": arguments})
        self._continues = turn

    async def _fail(self, turn: Turn, response_id: str) -> bool:
        """What goes wrong; whether the reply is over with it."""
        match turn.fault:
            case "cut":
                self.abort()
            case "normal close":
                await self.close(1000)
            case "abnormal close":
                await self.close(1011, "internal error: response timeout")
            case "silence":
                await self._connection.wait_closed()
            case "error":
                await self.send("error", error=turn.error)
                return False
            case "failed":
                details = {"type": "failed", "error": turn.error}
                done = {"id": response_id, "status": "failed", "status_details": details}
                await self.send("response.done", response=done)
            case "cancelled":
                await self.send("response.done", response={"id": response_id, "status": "cancelled"})
            case "done first":
                await self.send("response.done", response={"id": response_id, "status": "completed"})
                return False
            case _:
                return False
        return True
