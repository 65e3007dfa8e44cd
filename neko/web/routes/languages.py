"""Which language the page should speak, by three roads, and the user's own choice."""

from __future__ import annotations

from typing import Literal

from neko.language import LANGUAGES
from neko.web.endpoint import Call, get, post
from neko.web.reader import configured_language, reader_language
from neko.web.shapes import Language, Nothing, Shape, Success


class SteamLanguage(Success):
    """There is no Steam: the language is the chosen one or the browser's."""

    steam_language: None = None
    i18n_language: str
    ip_country: None = None
    is_mainland_china: bool = False


class UserLanguage(Success):
    language: Literal["zh", "en", "ja", "ko"]


class LanguageChoice(Shape):
    """``null`` leaves it to the browser and the system."""

    language: Language | None


class LanguageState(Shape):
    language: Language | None
    effective: str
    languages: list[str]


@get("/api/config/steam_language", answer=SteamLanguage, summary="The language for the page's words")
async def steam_language(call: Call[Nothing]) -> SteamLanguage:
    return SteamLanguage(i18n_language=reader_language(call.request, call.services))


@get("/api/config/user_language", answer=UserLanguage, summary="The language for subtitles, without its region")
async def user_language(call: Call[Nothing]) -> UserLanguage:
    return UserLanguage.model_validate({"language": call.services.language.split("-")[0]})


@get("/api/language", answer=LanguageState, summary="The chosen language and the one in force")
async def language(call: Call[Nothing]) -> LanguageState:
    return _state(call)


@post("/api/language", given=LanguageChoice, answer=LanguageState, summary="Choose a language")
async def choose_language(call: Call[LanguageChoice]) -> LanguageState:
    await call.services.change_config({"neko": {"language": call.given.language}})
    return _state(call)


def _state(call: Call[Nothing] | Call[LanguageChoice]) -> LanguageState:
    chosen = configured_language(call.services)
    return LanguageState.model_validate(
        {"language": chosen, "effective": reader_language(call.request, call.services), "languages": LANGUAGES}
    )


ENDPOINTS = (steam_language, user_language, language, choose_language)
