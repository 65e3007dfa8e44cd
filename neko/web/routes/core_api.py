"""Keys and custom endpoints, as the key page reads and writes them."""

from __future__ import annotations

from typing import Any

from pydantic import create_model

from neko.errors import SettingError
from neko.providers import key_form
from neko.settings.registry import CORE_API_KEY, ENABLE_CUSTOM_API, TEXTS
from neko.tasks import in_thread
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError, failure_of
from neko.web.request_language import request_language
from neko.web.schemas import Done, Schema, Success

_SHOWN_KEY = "api_key"
"""What a page reads the core key as; it writes it as ``coreApiKey``."""

_CUSTOM = ENABLE_CUSTOM_API.name
_shown: dict[str, Any] = {_SHOWN_KEY if name == CORE_API_KEY.name else name: (str, "") for name in TEXTS}
_shown[_CUSTOM] = (bool, False)
_sent: dict[str, Any] = dict.fromkeys(TEXTS, (str | None, None))
_sent[_CUSTOM] = (bool | None, None)

CoreApi = create_model(
    "CoreApi",
    __base__=Success,
    __doc__=(
        "The key page's values. Secrets are masked; ``secrets_set`` names those that have a value, "
        "``pinned`` the values that the environment decides, by variable."
    ),
    **_shown,
    secrets_set=(list[str], []),
    pinned=(dict[str, str], {}),
)
CoreApiChange = create_model(
    "CoreApiChange",
    __base__=Schema,
    __doc__=(
        "Any subset; what is left out stays as it is, and so does a secret sent back masked. With ``coreApiKey`` and "
        "``enableCustomApi`` it is the whole form: what is left out of it was emptied."
    ),
    **_sent,
)


class Saved(Done):
    """``message`` says so when a stored key was deleted, since its address has changed."""

    sessions_ended: int


@get(
    "/api/config/core_api",
    response=CoreApi,
    summary="Providers, custom endpoints and which keys are set (masked)",
)
async def core_api(call: Call) -> Success:
    form = await in_thread(key_form.shown, call.neko.config.values, call.neko.settings.environ)
    form[_SHOWN_KEY] = form.pop(CORE_API_KEY.name)
    return CoreApi.model_validate(form)


@post(
    "/api/config/core_api",
    body=CoreApiChange,
    response=Saved,
    summary="Change providers, keys and custom endpoints; what is left out stays",
    invalid_status=200,
    failures={200: "A value cannot be."},
)
async def change_core_api(call: Call[Any]) -> Saved:
    form, neko = call.body.model_dump(exclude_none=True), call.neko
    try:
        changes = await in_thread(key_form.changes_of, form, neko.config.values, neko.settings.environ)
    except SettingError as error:
        raise HTTPError(200, error.code, str(error), **error.params) from error
    ended = await neko.config.change(changes.merge, reload_pages=True)
    words = await _words_of(changes.left_behind, call)
    return Saved(message=words, sessions_ended=ended)


async def _words_of(left_behind: tuple[str, ...], call: Call[Any]) -> str:
    if not left_behind:
        return "saved"
    told = await failure_of(
        SettingError("key_again", "The address has changed."), request_language(call.request, call.neko)
    )
    return f"{told.error} {told.remedy}"


ENDPOINTS = (core_api, change_core_api)
