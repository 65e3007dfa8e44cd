"""What was set, and where each value comes from."""

from __future__ import annotations

from neko.settings.in_force import Origin
from neko.settings.overview import overview
from neko.web.endpoint import Call, get
from neko.web.schemas import Schema


class SettingShape(Schema):
    """``from_name`` is the variable, the flag or the key of ``core_config.json``; secrets are masked in ``value``."""

    name: str
    value: str
    origin: Origin
    from_name: str
    on_page: bool


class SettingList(Schema):
    settings: list[SettingShape]


@get("/api/settings", response=SettingList, summary="What is not as it comes, and what decides it")
async def settings(call: Call) -> SettingList:
    shapes = [
        SettingShape(
            name=one.name,
            value=one.value,
            origin=one.source.origin,
            from_name=one.source.name,
            on_page=one.on_page,
        )
        for one in overview(call.neko.config.in_force)
    ]
    return SettingList(settings=shapes)


ENDPOINTS = (settings,)
