"""The provider lists of the key page."""

from __future__ import annotations

from neko.providers import catalogue
from neko.settings.registry import OWN_ASSIST_PROVIDERS
from neko.tasks import in_thread
from neko.web.endpoint import Call, get
from neko.web.schemas import Schema, Success


class ProviderEntry(Schema):
    key: str
    name: str
    description: str


class ProviderLists(Success):
    core_api_providers: list[ProviderEntry]
    assist_api_providers: list[ProviderEntry]


@get("/api/config/api_providers", response=ProviderLists, summary="The providers to choose from")
async def api_providers(call: Call) -> ProviderLists:
    providers = await in_thread(catalogue)
    return ProviderLists(
        core_api_providers=[_entry(one.key, one.name, one.description) for one in providers.core.values()],
        assist_api_providers=[
            _entry(one.key, one.name, one.description)
            for one in providers.assist.values()
            if one.base_url and one.key.capitalize() not in OWN_ASSIST_PROVIDERS
        ],
    )


def _entry(key: str, name: str, description: str) -> ProviderEntry:
    return ProviderEntry(key=key, name=name, description=description)


ENDPOINTS = (api_providers,)
