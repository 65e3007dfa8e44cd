"""What a provider tells, event by event (``contract/realtime-providers.md`` §4). Unknown events mean nothing."""

from __future__ import annotations

import logging
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from neko.errors import ModelEmptyReplyError, ModelError, ModelReplyCutError, NekoError
from neko.sessions.models.event_channel import EventChannel
from neko.sessions.models.realtime import faults
from neko.sessions.models.realtime.dialects import Dialect
from neko.sessions.models.realtime.faults import RealtimeFaults
from neko.sessions.models.realtime.responses import Response, Responses
from neko.sessions.models.realtime.talk import Reply, Talk
from neko.types.model_session import SessionNotice

logger = logging.getLogger(__name__)

Event = Mapping[str, Any]
_NO_SIGNS: Final = frozenset(("heartbeat", "ping", "rate_limits.updated"))
"""They come although nothing moves."""

_MOST_REPORTED: Final = 16
"""Errors of one session that are logged, each once: one may come for every piece of sound."""


class Session(Protocol):
    """What the events of a provider do to the session beyond its talk."""

    def acknowledged(self, session: Event, *, updated: bool) -> None:
        """The provider has greeted, or has taken what it was set up with."""
        ...

    @property
    def is_open(self) -> bool:
        """Has the provider taken what the session is set up with?"""
        ...

    def heard(self) -> None:
        """It lives."""
        ...

    def wants_calls(self, response: Response) -> None:
        """A response has ended, which asks for these functions first."""
        ...

    def shortened(self, reply: Reply) -> None:
        """No more of this reply is heard than has come."""
        ...

    def overloaded(self, error: ModelError) -> None:
        """The provider wants less for a moment."""
        ...

    def owes(self) -> None:
        """Something is to come now."""
        ...

    def lose(self, error: NekoError) -> None:
        """It is over."""
        ...


class ServerEvents:
    """Takes the events of one session in their order. Unless it ``speaks``, the sound that some send all the same is
    heard by nobody."""

    def __init__(
        self,
        session: Session,
        dialect: Dialect,
        talk: Talk,
        responses: Responses,
        channel: EventChannel,
        makes: RealtimeFaults,
        *,
        speaks: bool,
    ) -> None:
        self._session = session
        self._dialect = dialect
        self._talk = talk
        self._responses = responses
        self._channel = channel
        self._faults = makes
        self._speaks = speaks
        self._reported: set[str] = set()

    def take(self, event: Event) -> Awaitable[None] | None:
        """What is returned is to be waited for before the next one: the reader is behind."""
        kind = event["type"]
        if kind not in _NO_SIGNS:
            self._session.heard()
        handler = _HANDLERS.get(kind)
        return handler(self, event) if handler else None

    # ── the session ───────────────────────────────────────────────────────────

    def _on_created(self, event: Event) -> None:
        self._session.acknowledged(_part(event, "session"), updated=False)

    def _on_updated(self, event: Event) -> None:
        self._session.acknowledged(_part(event, "session"), updated=True)

    def _on_error(self, event: Event) -> None:
        if faults.ends_session(event):
            self._session.lose(self._faults.ended())
            return
        event_id = str(_part(event, "error").get("event_id") or event.get("client_event_id") or "")
        if faults.is_harmless(event):
            if faults.is_busy(event):
                self._responses.refused(event_id, busy=True)
            logger.debug("a realtime provider was told something too late: %s", faults.code_of(event))
            return
        error = self._faults.reported(event)
        if faults.is_fatal(error) or not self._session.is_open:
            self._session.lose(error if self._session.is_open else self._faults.not_set_up(event))
            return
        if error.said not in self._reported and len(self._reported) < _MOST_REPORTED:
            self._reported.add(error.said)
            logger.warning("a realtime provider reports: %s: %s", error, error.said)
        refused = self._responses.refused(event_id, busy=False)
        if refused is not None and refused.reply is not None:
            self._talk.end(refused.reply, "failed", error)
        elif (utterance := self._talk.unanswered) is not None and not utterance.answered:
            self._talk.all_words(utterance.item_id, "", error)
        elif event.get("error") and not faults.is_overload(event, error):
            self._channel.put(SessionNotice(self._faults.noticed(event)))
        if faults.is_overload(event, error):
            self._session.overloaded(error)
        self._responses.go_on()

    # ── the user's speech ─────────────────────────────────────────────────────

    def _on_speech_started(self, event: Event) -> None:
        self._talk.speech_started(_text(event, "item_id"))

    def _on_speech_stopped(self, event: Event) -> None:
        self._talk.speech_stopped(_text(event, "item_id"))
        self._session.owes()

    def _on_committed(self, event: Event) -> None:
        if item_id := _text(event, "item_id"):
            self._talk.committed(item_id)

    def _on_words(self, event: Event) -> None:
        self._talk.words(_text(event, "item_id"), _text(event, "delta"))

    def _on_all_words(self, event: Event) -> None:
        self._talk.all_words(_text(event, "item_id"), _text(event, "transcript"))
        self._session.owes()

    def _on_no_words(self, event: Event) -> None:
        logger.warning("a realtime provider did not recognise an utterance: %s", faults.code_of(event))
        self._talk.all_words(_text(event, "item_id"), "")

    # ── responses ─────────────────────────────────────────────────────────────

    def _on_response(self, event: Event) -> None:
        self._responses.created(_part(event, "response"))
        self._session.owes()

    def _on_text(self, event: Event) -> Awaitable[None] | None:
        response = self._responses.of(event)
        if response is None or not response.is_wanted or response.reply is None:
            return None
        kind = event["type"].removesuffix(".delta")
        if response.text_from not in ("", kind):
            return None  # the same words by another name
        response.text_from = kind
        self._note_item(response.reply, event)
        has_room = self._talk.text(response.reply, _text(event, "delta"))
        self._stop_endless(response.reply)
        return None if has_room else self._channel.drain()

    def _on_all_text(self, event: Event) -> None:
        """Where no piece of it has come, the whole of it is the first."""
        response = self._responses.of(event)
        if response and response.is_wanted and response.reply and not response.text_from:
            response.text_from = event["type"].removesuffix(".done")
            self._note_item(response.reply, event)
            self._talk.text(response.reply, _text(event, "transcript") or _text(event, "text"))
            self._stop_endless(response.reply)

    def _on_sound(self, event: Event) -> Awaitable[None] | None:
        response = self._responses.of(event)
        if response is None or not response.is_wanted or response.reply is None or not self._speaks:
            return None
        try:
            pcm = response.odd + a2b_base64(event["delta"])
        except (Base64Error, KeyError, TypeError, ValueError):
            logger.warning("a piece of a realtime provider's sound cannot be read")
            return None
        whole = len(pcm) & ~1
        response.odd = pcm[whole:]
        item_id = _text(event, "item_id")
        has_room = self._talk.sound(response.reply, pcm[:whole], self._dialect.output_rate, item_id)
        self._stop_endless(response.reply)
        return None if has_room else self._channel.drain()

    def _note_item(self, reply: Reply, event: Event) -> None:
        item_id = _text(event, "item_id")
        if item_id and not self._speaks and item_id not in reply.written:
            reply.written.append(item_id)

    def _stop_endless(self, reply: Reply) -> None:
        if reply.is_endless:
            self._talk.cut_short(reply, self._faults.endless())
            self._responses.cancel(reply)
            self._session.shortened(reply)

    def _on_item(self, event: Event) -> None:
        """A function call is named by its item, and is whole with it."""
        item = _part(event, "item")
        response = self._responses.of(event) if item.get("type") == "function_call" else None
        if response is None:
            return
        call_id = str(item.get("call_id") or item.get("id") or "")
        response.names[str(item.get("id") or call_id)] = response.names[call_id] = _text(item, "name")
        if event["type"] == "response.output_item.done" and _text(item, "arguments"):
            response.calls[call_id] = (_text(item, "name"), _text(item, "arguments"))

    def _on_arguments(self, event: Event) -> None:
        response = self._responses.of(event)
        if response is None:
            return
        item_id = _text(event, "item_id")
        call_id = _text(event, "call_id") or item_id or f"call_{len(response.calls)}"
        name = _text(event, "name") or response.names.get(item_id, "") or response.names.get(call_id, "")
        response.calls[call_id] = (name, _text(event, "arguments"))

    def _on_done(self, event: Event) -> None:
        told = _part(event, "response")
        response = self._responses.ended(told)
        if response is not None and response.is_wanted and response.reply is not None:
            self._end(response, told)
        self._responses.go_on()

    def _end(self, response: Response, told: Event) -> None:
        reply, status = response.reply, told.get("status")
        assert reply is not None
        details = _part(told, "status_details")
        if status == "failed":
            error = self._faults.reported(details or told)
            self._talk.end(reply, "failed", error)
            if faults.is_fatal(error):
                self._session.lose(error)
        elif status == "cancelled":
            self._talk.end(reply, "interrupted")
        elif status == "incomplete" and (cut := self._faults.incomplete(_text(details, "reason"))):
            if isinstance(cut, ModelReplyCutError) and not reply.is_empty:
                self._talk.cut_short(reply, cut)
            else:
                self._talk.end(reply, "failed", cut)
        elif response.calls:
            self._session.wants_calls(response)
        elif reply.is_empty:
            self._talk.end(reply, "failed", self._faults.empty(ModelEmptyReplyError))
        else:
            self._talk.end(reply)


def _part(event: Event, name: str) -> Event:
    part = event.get(name)
    return part if isinstance(part, dict) else {}


def _text(event: Event, name: str) -> str:
    text = event.get(name)
    return text if isinstance(text, str) else ""


_HANDLERS: Final[Mapping[str, Callable[[ServerEvents, Event], Awaitable[None] | None]]] = {
    "session.created": ServerEvents._on_created,
    "session.updated": ServerEvents._on_updated,
    "error": ServerEvents._on_error,
    "input_audio_buffer.speech_started": ServerEvents._on_speech_started,
    "input_audio_buffer.speech_stopped": ServerEvents._on_speech_stopped,
    "input_audio_buffer.committed": ServerEvents._on_committed,
    "conversation.item.input_audio_transcription.delta": ServerEvents._on_words,
    "conversation.item.input_audio_transcription.completed": ServerEvents._on_all_words,
    "conversation.item.input_audio_transcription.failed": ServerEvents._on_no_words,
    "response.created": ServerEvents._on_response,
    "response.output_item.added": ServerEvents._on_item,
    "response.output_item.done": ServerEvents._on_item,
    "response.function_call_arguments.done": ServerEvents._on_arguments,
    "response.done": ServerEvents._on_done,
    **dict.fromkeys(
        (
            "response.text.delta",
            "response.output_text.delta",
            "response.audio_transcript.delta",
            "response.output_audio_transcript.delta",
        ),
        ServerEvents._on_text,
    ),
    **dict.fromkeys(
        (
            "response.text.done",
            "response.output_text.done",
            "response.audio_transcript.done",
            "response.output_audio_transcript.done",
        ),
        ServerEvents._on_all_text,
    ),
    **dict.fromkeys(("response.audio.delta", "response.output_audio.delta"), ServerEvents._on_sound),
}
