"""Character cards as files: listed, put into use, put to a model (``contract/rest.md`` §3.5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from neko.avatars.places import Source
from neko.characters import PROFILE_NAME
from neko.hand_written import decoded
from neko.storage import file_name_fault, is_plain_name, write_json
from neko.tasks import in_thread
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.routes.characters import checked_fields
from neko.web.schemas import Schema, Success
from neko.well_formed import load_json

CARD = ".chara.json"
_LARGEST_CARD = 4 << 20
_MOST_CARDS = 1000


class ListedCard(Schema):
    """``path`` is that below the folder of cards."""

    id: str
    name: str
    description: str
    tags: list[str]
    rawData: dict[str, Any]
    path: str


class ListedCards(Success):
    character_cards: list[ListedCard]


class CardToUse(Schema):
    charaData: dict[str, Any] = Field(min_length=1)
    character_card_name: str = Field("", max_length=200)


class CardInUse(Success):
    character_card_name: str


class CardToKeep(Schema):
    charaData: dict[str, Any] = Field(min_length=1)
    modelName: str = Field(min_length=1, max_length=200)
    fileName: str = Field(min_length=1, max_length=200)


class CardKept(Success):
    path: str
    modelFolderPath: str


@get("/api/characters/character-card/list", response=ListedCards, summary="The cards in the folder of cards")
async def listed(call: Call) -> ListedCards:
    return ListedCards(character_cards=await in_thread(_cards_in, call.neko.folder.path / "character_cards"))


def _cards_in(folder: Path) -> list[ListedCard]:
    """Those that have a name; what cannot be read is no card."""
    found = []
    for file in sorted(folder.glob(f"*{CARD}"))[:_MOST_CARDS]:
        try:
            if file.is_symlink() or file.stat().st_size > _LARGEST_CARD:
                continue
            raw = load_json(decoded(file.read_bytes()))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(raw, dict) and isinstance(raw.get("name"), str) and raw["name"]:
            tags = raw.get("tags")
            found.append(
                ListedCard(
                    id=file.name.removesuffix(CARD),
                    name=raw["name"],
                    description=str(raw.get("description") or ""),
                    tags=[tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
                    rawData=raw,
                    path=file.name,
                )
            )
    return found


@post(
    "/api/characters/character-card/save",
    body=CardToUse,
    response=CardInUse,
    summary="Make a character of a card; one that is there keeps what the card does not say",
    invalid_status=400,
    failures={400: "There is no card, or its name cannot be one."},
)
async def put_into_use(call: Call[CardToUse]) -> CardInUse:
    data, characters = call.body.charaData, call.neko.characters
    named = data.get(PROFILE_NAME) or data.get("name") or call.body.character_card_name
    fields = checked_fields(data, own=False)
    if isinstance(named, str) and characters.cards.knows(named.strip()):
        name = named.strip()
        await characters.merge_card(
            name, {key: value for key, value in fields.items() if value and key != PROFILE_NAME}
        )
    else:
        name = await characters.create(named, fields)
    return CardInUse(character_card_name=name)


@post(
    "/api/characters/catgirl/save-to-model-folder",
    body=CardToKeep,
    response=CardKept,
    summary="Put a card into the folder of one of the user's own models",
    invalid_status=400,
    failures={
        400: "There is no card, or the file cannot be called that.",
        403: "The model is not the user's own.",
        404: "There is no model of this name.",
    },
)
async def keep_with_model(call: Call[CardToKeep]) -> CardKept:
    name = call.body.fileName.strip()
    if file_name_fault(name) or not is_plain_name(name) or not name.lower().endswith(CARD):
        raise HTTPError(400, "invalid", "The file of a card ends in .chara.json and has no path.")
    if len(json.dumps(call.body.charaData)) > _LARGEST_CARD:
        raise HTTPError(400, "invalid", "The card is too large.")
    model = await in_thread(call.neko.avatars.live2d.find, call.body.modelName)
    if model.root.source is not Source.USER:
        raise HTTPError(403, "avatar_not_own", "The model is not in the user's own folder.", name=model.name)
    await in_thread(write_json, model.folder / name, call.body.charaData)
    return CardKept(path=f"{model.folder.name}/{name}", modelFolderPath=model.folder.name)


ENDPOINTS = (listed, put_into_use, keep_with_model)
