"""Subtitles in the reader's language: a text translated by the model of the role ``emotion`` (``contract/rest.md`` §9).

No public translator is asked: what is said here goes to the providers that the user chose, and to nobody else.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from neko.errors import NekoError
from neko.language import guess
from neko.prompts import phrases
from neko.web.endpoint import Call, post
from neko.web.errors import HTTPError
from neko.web.schemas import Schema, Success

_LANGUAGES: Final = {"zh": "Simplified Chinese", "en": "English", "ja": "Japanese", "ko": "Korean"}
_UNKNOWN: Final = "unknown"


class Translation(Schema):
    """``target_lang`` is one of zh, en, ja, ko, with or without a region; ``skip_google`` changes nothing."""

    text: str = Field(max_length=5000)
    target_lang: str = Field("zh", max_length=20)
    source_lang: str | None = Field(None, max_length=20)
    skip_google: bool = False


class Translated(Success):
    """The text unchanged where it is in that language already, or in none that can be told ("unknown")."""

    translated_text: str
    source_lang: str
    target_lang: str
    google_failed: Literal[False] = False


@post(
    "/api/translate",
    body=Translation,
    response=Translated,
    summary="A text in another language, by the model of the role emotion",
    invalid_status=200,
    failures={200: "No model translates it."},
)
async def translate(call: Call[Translation]) -> Translated:
    text, target = call.body.text, _short(call.body.target_lang)
    source = _short(call.body.source_lang or guess(text, _UNKNOWN))
    if not text.strip() or source in (target, _UNKNOWN) or target not in _LANGUAGES:
        return Translated(translated_text=text, source_lang=source, target_lang=target)
    ask = call.neko.models.translator()
    if ask is None:
        raise HTTPError(200, "no_translator", "No model is chosen that could translate.")
    prompt = phrases("en")["translate"].format(language=_LANGUAGES[target], text=text)
    try:
        translated = await ask(prompt)
    except NekoError as error:
        raise HTTPError(200, error.code, str(error), **error.params) from error
    return Translated(translated_text=translated.strip(), source_lang=source, target_lang=target)


def _short(tag: str) -> str:
    return tag.lower().replace("_", "-").partition("-")[0]


ENDPOINTS = (translate,)
