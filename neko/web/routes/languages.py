"""Which language the page should speak, from the browser, Steam or the system, and the user's own choice."""

from __future__ import annotations

from typing import Literal

from neko.language import LANGUAGES
from neko.settings.in_force import change_of
from neko.settings.registry import LANGUAGE
from neko.web.endpoint import Call, get, post
from neko.web.request_language import page_language
from neko.web.schemas import Language, Schema, Success


class SteamLanguage(Success):
    """``i18n_language`` is the chosen one, Steam's or the browser's; without Steam nothing is told of it."""

    steam_language: str | None = None
    i18n_language: str
    ip_country: str | None = None
    is_mainland_china: bool = False


class UserLanguage(Success):
    language: Literal["zh", "en", "ja", "ko"]


class LanguageChoice(Schema):
    """``null`` leaves it to the browser and the system."""

    language: Language | None


class LanguageState(Schema):
    language: Language | None
    effective: str
    languages: list[str]


@get("/api/config/steam_language", response=SteamLanguage, summary="The language for the page's words")
async def steam_language(call: Call) -> SteamLanguage:
    who = await call.neko.steam.who()
    country = who.get("country") or None
    return SteamLanguage(
        steam_language=who.get("language") or None,
        i18n_language=await _of_steam(call) or page_language(call.request, call.neko),
        ip_country=country,
        is_mainland_china=country == "CN",
    )


@get("/api/config/user_language", response=UserLanguage, summary="The language for subtitles, without its region")
async def user_language(call: Call) -> UserLanguage:
    language = await _of_steam(call) or page_language(call.request, call.neko)
    return UserLanguage.model_validate({"language": language.split("-")[0]})


@get("/api/language", response=LanguageState, summary="The chosen language and the one in force")
async def language(call: Call) -> LanguageState:
    return _state(call)


@post("/api/language", body=LanguageChoice, response=LanguageState, summary="Choose a language")
async def choose_language(call: Call[LanguageChoice]) -> LanguageState:
    await call.neko.config.change(change_of(LANGUAGE, call.body.language))
    return _state(call)


async def _of_steam(call: Call) -> str | None:
    """Steam's language, where the user has chosen none here."""
    return None if call.neko.language.chosen else await call.neko.steam.language()


def _state(call: Call | Call[LanguageChoice]) -> LanguageState:
    chosen = call.neko.language.chosen
    return LanguageState.model_validate(
        {"language": chosen, "effective": page_language(call.request, call.neko), "languages": LANGUAGES}
    )


ENDPOINTS = (steam_language, user_language, language, choose_language)
