"""What went wrong with a realtime provider, as the errors that users know from chat models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from neko.errors import (
    ModelBadRequestError,
    ModelCallNotBegunError,
    ModelError,
    ModelForbiddenError,
    ModelKeyRefusedError,
    ModelNotFoundError,
    ModelOutOfCreditError,
    ModelRateLimitedError,
    ModelServerError,
    ModelSessionEndedError,
    ModelStreamBrokenError,
    ModelTimeoutError,
    NekoError,
    ReplyTooLongError,
)
from neko.llm.provider_errors import ProviderErrors
from neko.net import WebSocketClosedError, WebSocketRefusedError
from neko.providers import ModelEndpoint
from neko.providers.error_body import decoded_body

_GOOD_CLOSES: Final = (1000, 1001)
_BUSY: Final = "conversation_already_has_active_response"
_HARMLESS: Final = frozenset(
    (
        "response_cancel_not_active",
        "input_audio_buffer_commit_empty",
        _BUSY,
        "item_truncate_invalid_item_id",
    )
)
"""Codes of errors that say that we were too late, or too early."""
_ENDED: Final = frozenset(("session_expired", "session_timeout", "connection_timeout"))
_FATAL: Final = (ModelKeyRefusedError, ModelForbiddenError, ModelNotFoundError, ModelOutOfCreditError)
_ABOUT_OURS: Final = "invalid_request_error"
_OVERLOADED: Final = ("503", "overloaded")


class ModelPartRefusedError(ModelBadRequestError):
    """In a call that goes on."""

    code = "model_part_refused"


class RealtimeFaults:
    """Makes the errors of one endpoint."""

    def __init__(self, endpoint: ModelEndpoint) -> None:
        self._errors = ProviderErrors.of(endpoint, in_call=True)
        self._host = urlsplit(endpoint.base_url).hostname or ""

    def check(self, url: str, key: str) -> None:
        """Raises the error for an address or a key that no request can carry."""
        self._errors.check(url.replace("ws", "http", 1), key)

    def silent(self, seconds: float) -> ModelError:
        """Nothing came for so long, though something was owed."""
        return self._errors.make(ModelTimeoutError, f"silent for {seconds:g} s", seconds=round(seconds))

    def ended(self) -> ModelError:
        """The provider ended the session, as it does with all after a time."""
        return self._errors.make(ModelSessionEndedError, "the session was ended")

    def told(self, error: Exception, *, began: bool = True) -> NekoError:
        """For what opening or reading raised; ``began``: the provider had taken the session."""
        if isinstance(error, NekoError):
            return error
        if isinstance(error, WebSocketRefusedError) and error.status:
            if 300 <= error.status < 400 and error.location:
                return self._errors.redirected(error.location)
            return self._errors.from_status(error.status, decoded_body(error.body))
        if isinstance(error, WebSocketClosedError):
            return self._closed(error, began=began)
        if isinstance(error, TimeoutError):
            return self._errors.make(ModelTimeoutError, "no session in time", seconds=0)
        if isinstance(error, WebSocketRefusedError):
            return self._errors.from_opening(error, self._host)
        return self._errors.make(ModelStreamBrokenError, type(error).__name__)

    def _closed(self, error: WebSocketClosedError, *, began: bool) -> ModelError:
        if not error.reason and not began:
            return self._errors.make(ModelCallNotBegunError, str(error))
        if not error.reason:
            return self.ended() if error.code in _GOOD_CLOSES else self._errors.make(ModelStreamBrokenError, str(error))
        judged = self._errors.from_answer(error.reason)
        if type(judged) is ModelServerError and not began:
            return self._errors.make(ModelCallNotBegunError, str(error), said=error.reason)
        if error.code in _GOOD_CLOSES and type(judged) is ModelServerError:
            return self._errors.make(ModelSessionEndedError, str(error), said=error.reason)
        return judged

    def reported(self, event: Mapping[str, Any]) -> ModelError:
        """For an event ``error``, or the details of a reply that failed."""
        return self._errors.from_answer(event)

    def noticed(self, event: Mapping[str, Any]) -> ModelError:
        """For an event ``error`` about neither a reply nor the user's words: a picture, or a setting of ours."""
        return self._about_ours(event, ModelPartRefusedError)

    def not_set_up(self, event: Mapping[str, Any]) -> ModelError:
        """For an event ``error`` of a session that is not open yet: mostly about what it is set up with."""
        return self._about_ours(event, ModelBadRequestError)

    def _about_ours(self, event: Mapping[str, Any], kind: type[ModelError]) -> ModelError:
        error = self.reported(event)
        about_ours = type(error) is ModelBadRequestError or (
            type(error) is ModelServerError and _part_of(event, "type") == _ABOUT_OURS
        )
        return self._errors.make(kind, "refused", said=error.said) if about_ours else error

    def incomplete(self, reason: str) -> ModelError | None:
        """For a reply that ended before it was whole; None where that is no fault."""
        return self._errors.from_finish("length" if reason == "max_output_tokens" else reason)

    def endless(self) -> ModelError:
        """For a reply of a model that does not stop by itself."""
        return self._errors.make(ReplyTooLongError, "a reply without an end")

    def empty(self, kind: type[ModelError]) -> ModelError:
        """For a reply without anything in it."""
        return self._errors.make(kind, "nothing came")


def code_of(event: Mapping[str, Any]) -> str:
    """The code of an event ``error``."""
    return _part_of(event, "code")


def _part_of(event: Mapping[str, Any], name: str) -> str:
    error = event.get("error")
    return str(error.get(name) or "") if isinstance(error, dict) else ""


def is_harmless(event: Mapping[str, Any]) -> bool:
    """Did something only come too late or too early?"""
    return code_of(event) in _HARMLESS


def is_busy(event: Mapping[str, Any]) -> bool:
    """Was a response asked for while another one is made?"""
    return code_of(event) == _BUSY


def ends_session(event: Mapping[str, Any]) -> bool:
    """Is the session over because of its age?"""
    return code_of(event) in _ENDED


def is_fatal(error: NekoError) -> bool:
    """Is it in vain to go on?"""
    return isinstance(error, _FATAL)


def is_overload(event: Mapping[str, Any], error: NekoError) -> bool:
    """Does the provider want less for a moment?"""
    said = f"{code_of(event)} {error.said}".lower()
    return isinstance(error, ModelRateLimitedError) or any(sign in said for sign in _OVERLOADED)
