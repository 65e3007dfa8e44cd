"""Exceptions become JSON: a sentence for a person, a code for a program, nothing of the inside."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from neko import i18n
from neko.app import Neko
from neko.avatar_errors import AvatarError
from neko.errors import (
    ConfigError,
    InputError,
    LocalOnlyError,
    MemoryStoreError,
    NekoError,
    PinnedSettingError,
    ProxyError,
)
from neko.speech_errors import (
    SpeechCutError,
    SpeechNotInstalledError,
    SpeechRefusedError,
    SpeechSilentError,
    SpeechUnreadableError,
)
from neko.steam_errors import SteamError
from neko.storage import is_full, write_failure
from neko.tasks import in_thread
from neko.tool_errors import AgentError, PluginError, ToolServerError
from neko.web.request_language import request_language
from neko.web.schemas import Detail, Failure, InvalidRequest, Problem, Unavailable
from neko.workshop_errors import WorkshopError

log = logging.getLogger(__name__)

_OF_PLUGINS = {
    "plugin_unknown": 404,
    "plugin_no_entry": 404,
    "plugin_not_allowed": 403,
    "plugin_off": 403,
    "plugin_arguments": 422,
    "plugin_timeout": 504,
}
_FILE_STATUS = {
    "avatar_unknown": 404,
    "avatar_not_own": 403,
    "workshop_outside": 403,
    "workshop_not_here": 403,
    "workshop_missing": 404,
    "workshop_too_large": 413,
}
_AGENT_STATUS = {
    "agent_off": 403,
    "agent_hand_off": 403,
    "agent_unknown_task": 404,
    "agent_no_words": 400,
    "agent_unknown_command": 400,
    "agent_journal": 503,
}
_SECRET_WORDS = ("key", "token", "secret", "password")


class HTTPError(InputError):
    """A request that is not served.

    ``sentence`` is English and stands in where ``code`` has none in the reader's language.
    """

    def __init__(self, status: int, code: str, sentence: str, **params: str | int | float) -> None:
        super().__init__(sentence, **params)
        self.status = status
        self.code = code


def json_response(answer: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer as UTF-8 JSON that no cache keeps."""
    return Response(
        answer.model_dump_json(by_alias=True),
        status,
        {"cache-control": "no-store", **(headers or {})},
        media_type="application/json",
    )


async def failure_of(error: NekoError, language: str) -> Failure:
    """An error of ours in the reader's language."""
    await in_thread(i18n.load, language)
    if isinstance(error, InputError) and not i18n.known(error.code, language):
        return Failure(error=str(error), code=error.code, remedy="", link=None)
    notice = i18n.describe(error, language, files_by_name=True)
    return Failure(
        error=notice.whole, code=notice.code, said=notice.said, remedy=notice.remedy, link=notice.link or None
    )


async def error_response(error: Exception, where: str, request: Request, neko: Neko) -> Response:
    """The answer to any exception; ``where`` names the route in the log.

    What nobody foresaw is logged whole and told only as "something went wrong".
    """
    if isinstance(error, HTTPException):
        return http_exception_response(error)
    language = request_language(request, neko)
    if isinstance(error, OSError) and is_full(error):
        error = write_failure(Path(error.filename or "what came"), error)
    if isinstance(error, NekoError):
        status = status_of(error)
        if status >= 500 and not isinstance(error, HTTPError | SteamError):
            log.error("%s failed: %s", where, error)
        failure = await failure_of(error, language)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            failure = Unavailable(**failure.model_dump(), message=failure.error)
        return json_response(failure, status)
    log.error("%s crashed", where, exc_info=error)
    return json_response(await failure_of(NekoError(), language), 500)


def http_exception_response(error: HTTPException) -> Response:
    """Starlette's own refusals (no such path, wrong method, body too large)."""
    return json_response(Detail(detail=error.detail), error.status_code, error.headers)


async def invalid_response(errors: Sequence[tuple[str, ValidationError]], status: int, language: str) -> Response:
    """A request that does not fit its models; each error comes with its place: ``body``, ``query`` or ``path``."""
    problems = [
        Problem(
            type=one["type"],
            loc=[where, *one["loc"]],
            msg=one["msg"],
            input=_without_secrets(one["loc"], one["input"]),
        )
        for where, error in errors
        for one in error.errors(include_url=False, include_context=False)
    ]
    failure = await failure_of(HTTPError(status, "invalid", "Something in the request is missing or wrong."), language)
    return json_response(InvalidRequest(**failure.model_dump(), detail=problems), status)


def _without_secrets(loc: tuple[int | str, ...], value: Any) -> Any:
    if any(word in str(part).lower() for part in loc for word in _SECRET_WORDS):
        return None
    if isinstance(value, dict):
        return {name: _without_secrets((str(name),), part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_secrets((), part) for part in value]
    return value if isinstance(value, str | int | float | bool) else None


def status_of(error: NekoError) -> int:
    """The status of the answer to an error of ours."""
    if isinstance(error, HTTPError):
        return error.status
    if isinstance(error, PinnedSettingError):
        return 409
    if isinstance(error, AvatarError | WorkshopError):
        return _FILE_STATUS.get(error.code, 400)
    if isinstance(error, InputError):
        return 400
    if isinstance(error, MemoryStoreError):
        return 503
    if isinstance(error, ToolServerError):
        return 404 if error.code == "tool_server_unknown" else 409
    if isinstance(error, PluginError):
        return _OF_PLUGINS.get(error.code, 503)
    if isinstance(error, AgentError):
        return _AGENT_STATUS.get(error.code, 409)
    if isinstance(error, SpeechSilentError):
        return 504
    if isinstance(error, SpeechRefusedError | SpeechCutError | SpeechUnreadableError):
        return 502
    if isinstance(error, SteamError):
        return 500 if error.code == "steam_refused" else 503
    is_for_settings = ConfigError | LocalOnlyError | ProxyError | SpeechNotInstalledError
    return 409 if isinstance(error, is_for_settings) else 500
