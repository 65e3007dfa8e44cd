"""Keys and custom endpoints, as the key page reads and writes them."""

from __future__ import annotations

from typing import Any

from neko.tasks import in_thread
from neko.web import core_config_form
from neko.web.endpoint import Call, get, post
from neko.web.schemas import Done, Empty, Success


class Saved(Done):
    sessions_ended: int


@get(
    "/api/config/core_api",
    response_model=core_config_form.CoreApi,
    summary="Providers, custom endpoints and which keys are set (masked)",
)
async def core_api(call: Call[Empty]) -> Success:
    return await in_thread(core_config_form.shown, call.neko.config.values, call.neko.settings.environ)


@post(
    "/api/config/core_api",
    request_model=core_config_form.CoreApiChange,
    response_model=Saved,
    summary="Change providers, keys and custom endpoints; what is left out stays",
    invalid_status=200,
)
async def change_core_api(call: Call[Any]) -> Saved:
    changes = await in_thread(
        core_config_form.changes_of,
        call.body.model_dump(exclude_none=True),
        call.neko.config.values,
        call.neko.settings.environ,
    )
    ended = await call.neko.config.change(changes, reload_pages=True)
    return Saved(message="saved", sessions_ended=ended)


ENDPOINTS = (core_api, change_core_api)
