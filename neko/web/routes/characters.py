"""Who there is, who is there now, and the microphone that was chosen."""

from __future__ import annotations

import contextlib
import re
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, StringConstraints, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from neko.app import Neko
from neko.characters import KEPT_BY_PROGRAM, LIGHT, MICROPHONE, OWN, PROFILE_NAME, VOICE
from neko.errors import CharacterError, NekoError
from neko.sessions.lorebook import MOST_ENTRIES
from neko.storage import file_name_fault
from neko.tasks import in_thread
from neko.web.endpoint import Call, delete, get, patch, post, put
from neko.web.errors import HTTPError, failure_of, json_response, status_of
from neko.web.request_language import request_language
from neko.web.schemas import Done, Empty, Failure, JsonObject, Language, Schema, Success
from neko.web.upload import Upload

LONGEST_TEXT = 20_000
"""Characters of one field of a card."""

LARGEST_CARD = 4 << 20
"""Bytes; a lorebook may be long."""

LONGEST_OLD_NAME = 100
"""Characters of a name that N.E.K.O. gave."""

PICTURE_LIMIT = 2 * 1024 * 1024
PICTURE_NAME = r"^[0-9a-f]{64}\.(png|jpg|webp)$"
PICTURE_KINDS = {"png": rb"\x89PNG\r\n\x1a\n", "jpg": rb"\xff\xd8\xff", "webp": rb"RIFF....WEBP"}
"""How a picture begins, by ending."""

M = TypeVar("M", bound=Schema)
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]


class CurrentCharacter(Schema):
    current_catgirl: str


class CharacterChoice(Schema):
    catgirl_name: str = ""


class VoicesCleared(Done):
    cleared_count: int


class MicrophoneChoice(Schema):
    """Any value; pages send a device id or ``null``."""

    microphone_id: Any = None


class NamePath(Schema):
    name: str


class PicturePath(Schema):
    file: str = Field(pattern=PICTURE_NAME)


class PictureKept(Success):
    """``picture`` is the name of the file, as the card has it."""

    picture: str


class OldNamePath(Schema):
    old: str


class NewName(Schema):
    new_name: str = ""


class Likeness(Schema):
    """``like``: whose voice and reply settings she gets too."""

    like: str = ""


class Renamed(Schema):
    old_name: str = ""
    new_name: str = ""


class Created(Success):
    """``name`` is the trimmed one."""

    name: str


class CardReplaced(Success):
    voice_id_changed: bool
    session_restarted: bool


class UnknownVoice(Failure):
    available_voices: list[str]


class MasterRefused(Failure):
    """N.E.K.O.'s page shows ``detail`` or ``message``."""

    detail: str
    message: str


class Colours(Schema):
    """Of the built-in drawing, ``#rrggbb``; ``null`` is as she comes."""

    model_config = ConfigDict(extra="forbid")

    hair: Colour | None = None
    eyes: Colour | None = None
    clothes: Colour | None = None
    ears: Colour | None = None


class OwnFields(Schema):
    """What a card holds beside N.E.K.O.'s fields; ``null`` removes one."""

    model_config = ConfigDict(extra="forbid")

    greeting: str | None = Field(None, max_length=2000)
    language: Language | None = None
    picture: str | None = Field(None, pattern=PICTURE_NAME)
    colours: Colours | None = None
    lorebook: list[dict[str, Any]] | None = Field(None, max_length=MOST_ENTRIES)


class SomeLight(Schema):
    """Strengths of the lamps around a VRM model, and how its picture is exposed; ``toneMapping`` is a number of
    three.js. What is left out stays as it is."""

    ambient: float | None = Field(None, ge=0, le=1)
    main: float | None = Field(None, ge=0, le=2.5)
    fill: float | None = Field(None, ge=0, le=1)
    rim: float | None = Field(None, ge=0, le=1.5)
    top: float | None = Field(None, ge=0, le=1)
    bottom: float | None = Field(None, ge=0, le=0.5)
    exposure: float | None = Field(None, ge=0.5, le=2.5)
    toneMapping: int | None = Field(None, ge=0, le=7)


@get("/api/characters", "/api/characters/", response=JsonObject, summary="The whole characters.json, unchanged")
async def characters(call: Call) -> JsonObject:
    return JsonObject(call.neko.characters.cards.raw())


class Master(Schema):
    """``named``: ``name`` is a name, not what a fresh card says."""

    name: str
    named: bool


@get("/api/characters/master", response=Master, summary="What the user is called")
async def master(call: Call) -> Master:
    cards = call.neko.characters.cards
    return Master(name=cards.master_name, named=cards.is_master_named)


@get("/api/characters/current_catgirl", response=CurrentCharacter, summary="The current character")
async def current(call: Call) -> CurrentCharacter:
    return CurrentCharacter(current_catgirl=call.neko.characters.current)


@post(
    "/api/characters/current_catgirl",
    body=CharacterChoice,
    response=Success,
    summary="Make a character the current one; every page is told",
    failures={
        400: "A name is missing, or there is a call with who is current.",
        404: "There is no character of this name.",
    },
)
async def choose(call: Call[CharacterChoice]) -> Success:
    name = call.body.catgirl_name.strip()
    if not name:
        raise HTTPError(400, "no_name", "A character's name is needed.")
    if not call.neko.characters.cards.knows(name):
        raise HTTPError(404, "character", "There is no character of this name.", name=name)
    await call.neko.characters.select(name)
    return Success()


@post(
    "/api/characters/clear_voice_ids",
    response=VoicesCleared,
    summary="Forget the voice that each character's card names",
)
async def clear_voice_ids(call: Call) -> VoicesCleared:
    count = await call.neko.characters.clear_voices()
    return VoicesCleared(message="cleared", cleared_count=count)


@post(
    "/api/characters/master",
    body=JsonObject,
    response=Success,
    summary="Who the user is: the fields that have a value; what is no text stays if it is left out",
    failures={400: "The name is missing or too long."},
)
async def set_master(call: Call[JsonObject]) -> Success | Response:
    try:
        await call.neko.characters.set_master(call.body.root)
    except CharacterError as error:
        return await master_refused(call, error)
    return Success()


async def master_refused(call: Call[Any, Any, Any], error: NekoError) -> Response:
    """Why the user cannot be called so, wherever N.E.K.O.'s page looks for it."""
    failure = await failure_of(error, request_language(call.request, call.neko))
    refused = MasterRefused(**failure.model_dump(), detail=failure.error, message=failure.error)
    return json_response(refused, status_of(error))


@post(
    "/api/characters/catgirl",
    body=JsonObject,
    body_limit=LARGEST_CARD,
    query=Likeness,
    response=Created,
    summary="Add a character: `档案名` is the name, the other fields with a value are the card",
    failures={400: "The name cannot be one, or is taken, or a field cannot be kept."},
)
async def create(call: Call[JsonObject, Likeness]) -> Created:
    fields = checked_fields(call.body.root)
    return Created(name=await call.neko.characters.create(fields.get(PROFILE_NAME), fields, call.query.like))


@put(
    "/api/characters/catgirl/{name}",
    path=NamePath,
    body=JsonObject,
    body_limit=LARGEST_CARD,
    response=CardReplaced,
    summary="Save a form of a card; keys of the program, and what is no text, stay if they are left out",
    failures={
        400: "No data, an unknown voice, or a field that cannot be kept.",
        404: "There is no character of this name.",
    },
)
async def replace(call: Call[JsonObject, Empty, NamePath]) -> CardReplaced | Response:
    neko, name, fields = call.neko, known_character(call, call.path.name), call.body.root
    if not fields:
        raise HTTPError(400, "invalid", "There is no data.")
    voice = fields.get(VOICE)
    if isinstance(voice, str) and (refusal := await refused_voice(neko, name, voice)):
        return refusal
    changed, restarted = await neko.characters.replace_card(name, checked_fields(fields, own=False))
    return CardReplaced(voice_id_changed=changed, session_restarted=restarted)


@patch(
    "/api/characters/catgirl/{name}",
    path=NamePath,
    body=JsonObject,
    body_limit=LARGEST_CARD,
    response=Success,
    summary="Change the named fields of a card; `null` and empty ones are removed, in `neko` too",
    failures={400: "A field cannot be kept.", 404: "There is no character of this name."},
)
async def merge(call: Call[JsonObject, Empty, NamePath]) -> Success:
    await call.neko.characters.merge_card(known_character(call, call.path.name), checked_fields(call.body.root))
    return Success()


@delete(
    "/api/characters/catgirl/{name}",
    path=NamePath,
    response=Success,
    summary="Delete a character; card and memory are kept for 30 days",
    failures={400: "It is the current one.", 404: "There is no character of this name."},
)
async def remove(call: Call[Empty, Empty, NamePath]) -> Success:
    await call.neko.characters.delete(known_character(call, call.path.name))
    return Success()


@post(
    "/api/characters/{name}/restore",
    path=NamePath,
    response=Success,
    summary="Bring back the character of this name that was deleted last, with what she remembers",
    failures={400: "The name is taken.", 404: "Nothing is kept of such a character."},
)
async def restore(call: Call[Empty, Empty, NamePath]) -> Success:
    try:
        await call.neko.characters.restore(call.path.name)
    except CharacterError as error:
        raise HTTPError(404 if error.params["reason"] == "gone" else 400, error.code, str(error)) from error
    return Success()


@post(
    "/api/characters/catgirl/{old}/rename",
    path=OldNamePath,
    body=NewName,
    response=Success,
    summary="Give a character another name; memory, voice and pages go with her",
    failures={
        400: "The name cannot be one, or is taken, or there is a call with her.",
        404: "There is no character of this name.",
    },
)
async def rename(call: Call[NewName, Empty, OldNamePath]) -> Success:
    await call.neko.characters.rename(known_character(call, call.path.old), call.body.new_name)
    return Success()


@post(
    "/api/memory/update_catgirl_name",
    body=Renamed,
    response=Success,
    summary="Let the memory follow a renamed character, if it has not",
    failures={400: "A name cannot be one, or has a memory of its own.", 404: "Nothing is kept under the name."},
)
async def follow_renaming(call: Call[Renamed]) -> Success:
    old, new = call.body.old_name.strip(), call.body.new_name.strip()
    for name in (old, new):
        if file_name_fault(name) is not None or len(name) > LONGEST_OLD_NAME:
            raise HTTPError(400, "name", "This cannot be a name.")
    if not await call.neko.characters.adopt(old, known_character(call, new)):
        raise HTTPError(404, "memory", "There is no memory of this name.", name=old)
    return Success()


def _check_picture(_name: str, head: bytes) -> None:
    _kind(head)


@post(
    "/api/characters/catgirl/{name}/picture",
    path=NamePath,
    upload=Upload("file", PICTURE_LIMIT, check=_check_picture),
    response=PictureKept,
    summary="Give a character a picture: PNG, JPEG or WebP, up to 2 MB",
    failures={400: "It is no such picture.", 404: "There is no character of this name.", 413: "It is too large."},
)
async def set_picture(call: Call[Empty, Empty, NamePath]) -> PictureKept:
    name = known_character(call, call.path.name)
    content = await call.files[0].read()
    return PictureKept(picture=await call.neko.characters.set_picture(name, content, _kind(content)))


def _kind(content: bytes) -> str:
    """The ending for a picture that begins so."""
    for ending, pattern in PICTURE_KINDS.items():
        if re.match(pattern, content, re.DOTALL):
            return ending
    raise HTTPError(400, "picture_kind", "This is no PNG, JPEG or WebP picture.")


@get(
    "/api/characters/pictures/{file}",
    path=PicturePath,
    response=Empty,
    summary="A picture by the name that a card gives it",
    failures={404: "There is no such picture."},
)
async def picture(call: Call[Empty, Empty, PicturePath]) -> Response:
    path = call.neko.characters.picture(call.path.file)
    if not await in_thread(path.is_file):
        raise HTTPException(404)
    return FileResponse(path, headers={"cache-control": "private, max-age=31536000, immutable"})


@post("/api/characters/reload", response=Done, summary="Take what was written into characters.json by hand")
async def reload(call: Call) -> Done:
    await call.neko.characters.reload()
    return Done(message="reloaded")


def known_character(call: Call[Any, Any, Any], name: str) -> str:
    if not call.neko.characters.cards.knows(name):
        raise HTTPError(404, "character", "There is no character of this name.", name=name)
    return name


async def refused_voice(neko: Neko, name: str, voice: str) -> Response | None:
    """The answer to a page that names a voice which neither her card, the library nor her engine has."""
    library = await in_thread(neko.voice_library.all)
    if not voice or voice == neko.characters.cards.card(name).get(VOICE) or voice in library:
        return None
    with contextlib.suppress(NekoError):
        if voice in {one.name for one in await neko.voices.offered(neko.voices.engine(name))}:
            return None
    failure = Failure(error="There is no voice of this id.", code="unknown_voice")
    return json_response(UnknownVoice(**failure.model_dump(), available_voices=list(library)), 400)


def checked_fields(fields: dict[str, Any], *, own: bool = True) -> dict[str, Any]:
    """The fields as they are, with those of ours as ``OwnFields`` has them; without ``own`` they are left out."""
    result = {key: value for key, value in fields.items() if key != OWN}
    for key, value in result.items():
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise HTTPError(400, "character_field", "A field is too long.", field=key)
    if fields.get(LIGHT):
        _fitting(SomeLight, fields[LIGHT], LIGHT)
    if own and OWN in fields:
        own_fields = fields[OWN]
        if isinstance(own_fields, dict):  # what the program keeps there is no page's to set, but in a copy of a card
            own_fields = {key: value for key, value in own_fields.items() if key not in KEPT_BY_PROGRAM}
        ours = _fitting(OwnFields, own_fields, OWN)
        result[OWN] = ours.model_dump(exclude_unset=True)
        if ours.colours:
            result[OWN]["colours"] = ours.colours.model_dump(exclude_none=True)
    return result


def _fitting(model: type[M], value: object, key: str) -> M:
    """Raises ``HTTPError`` where a field of a card is none of the model's."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        where = str(error.errors()[0]["loc"][0] if error.errors()[0]["loc"] else key)
        raise HTTPError(400, "character_field", "A field cannot be kept.", field=where) from None


@get("/api/characters/get_microphone", response=MicrophoneChoice, summary="The input device chosen last")
async def microphone(call: Call) -> MicrophoneChoice:
    return MicrophoneChoice(microphone_id=call.neko.characters.cards.raw().get(MICROPHONE))


@post(
    "/api/characters/set_microphone",
    body=MicrophoneChoice,
    response=Success,
    summary="Remember an input device",
)
async def choose_microphone(call: Call[MicrophoneChoice]) -> Success:
    await call.neko.characters.set_microphone(call.body.microphone_id)
    return Success()


ENDPOINTS = (
    characters,
    master,
    current,
    choose,
    set_master,
    create,
    replace,
    merge,
    remove,
    rename,
    follow_renaming,
    set_picture,
    picture,
    restore,
    reload,
    clear_voice_ids,
    microphone,
    choose_microphone,
)
