"""What a chat completion holds, read from its events.

Protocol: https://platform.openai.com/docs/api-reference/chat-streaming, as servers really speak it: what is no
choice is passed over, a part of a choice that is of another kind than it should be is none, text that comes once more
as a whole is not told twice, and an error is one wherever it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from neko.errors import ModelContentFilteredError, ModelEmptyReplyError, ModelStreamBrokenError, ReplyTooLongError
from neko.llm.answer_body import AnswerBody, json_texts
from neko.llm.other_forms import text_of_content, text_without_choices
from neko.llm.provider_errors import ProviderErrors
from neko.llm.said_so_far import SaidSoFar
from neko.llm.sse import ErrorData
from neko.llm.tool_calls import RequestedCall, ToolCallAssembler
from neko.providers.error_body import decoded_body, has_substance, is_error, read_error
from neko.well_formed import TextPieces, load_json, well_formed

_DONE: Final = "[DONE]"
_JSON: Final = (b"{", b"[")
_ENVELOPES: Final = ("data", "result", "response", "output")
_MOST_ODD_EVENTS: Final = 50
"""Without a choice, that are looked at for words."""


@dataclass(frozen=True, slots=True)
class CompletionEnd:
    """What a completion held beside its text: the calls it asks for, and the reasoning before them.

    ``has_left_out``: it asked for more calls than are taken.
    """

    calls: tuple[RequestedCall, ...] = ()
    reasoning: str = ""
    has_left_out: bool = False


class CompletionDecoder:
    """Bytes in, text out by ``push``, which says false when its reader is behind (``is_sink_full``).

    Text goes out by ``hand_on``: what came together, together, whatever the events it was cut into.

    ``request`` is what is answered. ``done``: the provider said that this is all. ``has_text``: some text has come,
    ``has_begun``: something of a reply has, were it thoughts.
    """

    def __init__(self, push: Callable[[str], bool], errors: ProviderErrors, request: Mapping[str, Any]) -> None:
        self._push = push
        self._errors = errors
        self._request = request
        self._body = AnswerBody()
        self._calls = ToolCallAssembler()
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._clean = TextPieces()
        self._said = SaidSoFar()
        self._new: list[str] = []
        self._index: object = None
        self._has_deltas = False
        self._broken_at = -1
        self._finish_reason = ""
        self._words: object = None
        self._odd_events = 0
        self.done = False
        self.has_begun = False
        self.is_sink_full = False

    @property
    def has_text(self) -> bool:
        return self._said.length > 0

    @property
    def has_ended(self) -> bool:
        """The provider has said that the reply is at its end, or that this is all."""
        return self.done or bool(self._finish_reason)

    def feed(self, chunk: bytes) -> bool:
        """Take bytes; true when they held any event. Raises ``ModelError``."""
        events = [] if self.done else self._cut_up(self._body.feed, chunk)
        for data in events:
            self._event(data)
            if self.done:
                break
        return bool(events)

    def finish(self, *, is_delimited: bool) -> CompletionEnd:
        """The bytes are over; ``is_delimited``: HTTP says that these were all. Raises ``ModelError`` unless the
        reply came to a good end."""
        if not self.done:
            is_whole = is_delimited or self._body.is_whole
            for data in self._cut_up(self._body.flush):
                self._event(data)
            if not (is_whole or self.has_ended):
                raise self._errors.make(ModelStreamBrokenError, "the stream stopped without an end")
            if self._broken_at == self._said.length and not self.has_ended:
                raise self._errors.make(ModelStreamBrokenError, "a chunk that is no JSON")
        self.done = True
        for rest in (self._said.rest(), self._clean.flush()):
            if rest:
                self._tell(rest)
        self.hand_on()
        calls = self._calls.finish()
        if (error := self._errors.from_finish(self._finish_reason)) is not None:
            raise error
        if self._refusal:
            raise self._errors.make(ModelContentFilteredError, "a refusal", said=well_formed("".join(self._refusal)))
        if not (self._said.pieces or calls or self._reasoning):
            self._raise_for_nothing()
        reasoning = well_formed("".join(self._reasoning)) if calls else ""
        return CompletionEnd(calls, reasoning, self._calls.has_left_out)

    def _cut_up(self, cut: Callable[..., list[bytes]], *data: bytes) -> list[bytes]:
        """The result of ``cut``, whose ``ValueError`` says that something in the body is too long."""
        try:
            return cut(*data)
        except ValueError as error:
            raise self._errors.make(ReplyTooLongError, str(error)) from error

    def _event(self, data: bytes) -> None:
        if type(data) is ErrorData:
            raise self._errors.from_answer(decoded_body(data), self._request)
        try:
            event = load_json(data, pieces=True) if data.startswith(_JSON) else data
        except (ValueError, RecursionError):
            event = self._pieces_of(data) if data.startswith(b"{") else data
        if isinstance(event, dict):
            self._take(event)
        elif isinstance(event, bytes):
            self._take_plain(event)
        else:
            for one in event:
                if isinstance(one, dict):
                    self._take(one)

    def _pieces_of(self, data: bytes) -> list[Any]:
        """The whole objects that broken data begins with. What is broken is passed over: it ends a reply only where
        nothing comes after it."""
        found: list[Any] = []
        for text in self._cut_up(json_texts, data):
            try:
                found.append(load_json(text, pieces=True))
            except (ValueError, RecursionError):
                self._broken_at = self._said.length
        return found

    def _take_plain(self, data: bytes) -> None:
        """Data that holds no object: the end, or nothing that matters unless nothing else comes."""
        text = data.decode("utf-8", "replace").strip().strip('"')
        if text.upper() == _DONE:
            self.done = True
        elif self._words is None and text[:1].isalpha() and text not in ("null", "true", "false"):
            self._words = text

    def _take(self, event: dict[str, Any]) -> None:
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and len(choices) == 1 else self._chosen(choices)
        if not isinstance(choice, dict):
            self._take_without_choice(event)
            return
        index = choice.get("index")
        if index != self._index and index is not None:
            if self._index is not None:
                self._check(event, choice)
                return
            self._index = index
        delta = choice.get("delta")
        reason = choice.get("finish_reason")
        if isinstance(delta, dict) and delta:
            text = delta.get("content")
            if not isinstance(text, str):
                text = text_of_content(text)
            if text:
                self._has_deltas = True
                self._say(text, is_last=bool(reason))
            if len(delta) > 1 or not text:
                self._take_rest(delta)
        elif isinstance(delta, str) and delta:
            self._say(delta, is_last=bool(reason))
        if "message" in choice or not delta:
            self._take_message(choice, is_last=bool(reason))
        if reason:
            self._finish_reason = str(reason)
        if "error" in event or "error" in choice:
            self._check(event, choice)

    def _chosen(self, choices: object) -> object:
        """The choice of several that the reply is made of: the one of the index that came first."""
        if not isinstance(choices, list):
            return choices
        found = [one for one in choices if isinstance(one, dict)]
        return next((one for one in found if one.get("index") == self._index), found[0] if found else None)

    def _check(self, *holders: Mapping[str, Any]) -> None:
        """Raise for an error beside a choice."""
        for holder in holders:
            if has_substance(holder.get("error")):
                raise self._errors.from_answer({"error": holder["error"]}, self._request)

    def _take_without_choice(self, event: dict[str, Any]) -> None:
        """An error, Ollama's own form, a choice in an envelope, or something that is none of our business."""
        if not event:
            return
        message = event.get("message")
        if isinstance(message, dict) and "content" in message and "role" in message:
            self._take({"choices": [{"delta": message, "finish_reason": event.get("done_reason")}]})
            return
        for name in _ENVELOPES:
            inner = event.get(name)
            if isinstance(inner, dict) and inner.get("choices"):
                self._take(inner)
                return
        if is_error(event):
            raise self._errors.from_answer(event, self._request)
        text, reason = ("", "") if self._has_deltas else text_without_choices(event)
        if text:
            self._take({"choices": [{"text": text, "finish_reason": reason}]})
            return
        if self._words is None and self._odd_events < _MOST_ODD_EVENTS:
            self._odd_events += 1
            self._words = event if read_error(event).said else None

    def _take_message(self, choice: Mapping[str, Any], *, is_last: bool) -> None:
        """What a choice holds beside deltas or in place of them: the whole message, or text of the older API."""
        message = choice.get("message")
        if not isinstance(message, dict):
            text = choice.get("text") if message is None else message
            if isinstance(text, str) and text:
                self._say(text, is_last=is_last)
            return
        text = text_of_content(message.get("content"))
        if text:
            text = self._said.of_message(text, has_deltas=self._has_deltas, is_last=is_last)
        if text:
            self._say(text, is_last=is_last)
        if not (self._calls or self._reasoning):
            self._take_rest(message)

    def _say(self, text: str, *, is_last: bool) -> None:
        text = self._clean.feed(text)
        if not text:
            return
        said = self._said
        if said.is_watched or len(text) >= said.length:
            text = said.new_part(text, is_last=is_last)
            if not text:
                return
        self.has_begun = True
        self._tell(text)

    def _tell(self, text: str) -> None:
        said = self._said
        said.pieces.append(text)
        said.length += len(text)
        self._new.append(text)

    def hand_on(self) -> None:
        """Push the text that has come since the last time. Raises what ``push`` does."""
        if self._new:
            text = "".join(self._new)
            self._new.clear()
            if not self._push(text):
                self.is_sink_full = True

    def _take_rest(self, message: Mapping[str, Any]) -> None:
        self._calls.feed(message)
        self.has_begun = self.has_begun or bool(message.get("reasoning") or message.get("tool_calls"))
        for name, kept in (("reasoning_content", self._reasoning), ("refusal", self._refusal)):
            text = message.get(name)
            if isinstance(text, str) and text:
                self.has_begun = True
                kept.append(text)

    def _raise_for_nothing(self) -> None:
        """No word of a reply in a good answer: what it held instead may say why."""
        if self._body.shape == "page":
            raise self._errors.web_page(self._body.page)
        if self._body.is_plain_text and not self._finish_reason:
            self._take_plain(self._body.head)
        if self._words:
            raise self._errors.from_answer(self._words, self._request)
        if self._broken_at >= 0:
            raise self._errors.make(ModelStreamBrokenError, "a chunk that is no JSON")
        if not self._finish_reason:
            raise self._errors.make(ModelEmptyReplyError, "nothing at all")
