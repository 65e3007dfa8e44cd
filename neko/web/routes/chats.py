"""The chats with a character: a new one, an earlier one again, titles, and an end to one."""

from __future__ import annotations

from pydantic import Field

from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.routes.history import CharacterPath, Deleted, known, manager_of
from neko.web.schemas import Empty, Id, Schema, Success


class ChatShape(Schema):
    """``last_at`` is ISO 8601 with its offset, null while nothing was said in it."""

    id: int
    title: str
    is_named: bool
    last_at: str | None


class ChatsShape(Schema):
    """The newest first; ``current`` is the number of the open one."""

    current: int
    chats: list[ChatShape]


@get(
    "/api/chats/{character}",
    path=CharacterPath,
    response=ChatsShape,
    summary="The chats with a character",
    failures={404: "There is no character of this name."},
)
async def chats(call: Call[Empty, Empty, CharacterPath]) -> ChatsShape:
    found = await call.neko.memory.chats(known(call, call.path.character))
    return ChatsShape(
        current=found.current,
        chats=[
            ChatShape(
                id=chat.id,
                title=chat.title,
                is_named=chat.is_named,
                last_at=chat.last_at.astimezone().isoformat(timespec="seconds") if chat.last_at else None,
            )
            for chat in found.chats
        ],
    )


class ChatToOpen(Schema):
    """``chat``: null for a new one."""

    chat: Id | None


class Opened(Success):
    chat: int


@post(
    "/api/chats/{character}/open",
    path=CharacterPath,
    body=ChatToOpen,
    response=Opened,
    summary="Go on in an earlier chat, or in a new one",
    failures={404: "There is no character of this name, or no such chat."},
)
async def open_chat(call: Call[ChatToOpen, Empty, CharacterPath]) -> Opened:
    opened = await manager_of(call, call.path.character).edits.open_chat(call.body.chat)
    if opened is None:
        raise _no_chat(call.body.chat)
    return Opened(chat=opened)


class Title(Schema):
    """An empty ``title``: the one of its first words again."""

    chat: Id
    title: str = Field(max_length=200)


@post(
    "/api/chats/{character}/rename",
    path=CharacterPath,
    body=Title,
    response=Success,
    summary="Give a chat a title",
    failures={404: "There is no character of this name, or no such chat."},
)
async def rename(call: Call[Title, Empty, CharacterPath]) -> Success:
    character = known(call, call.path.character)
    if not await call.neko.memory.rename_chat(character, call.body.chat, call.body.title):
        raise _no_chat(call.body.chat)
    return Success()


class ChatToDelete(Schema):
    chat: Id


@post(
    "/api/chats/{character}/delete",
    path=CharacterPath,
    body=ChatToDelete,
    response=Deleted,
    summary="Delete all that was said in a chat, for good",
    failures={404: "There is no character of this name."},
)
async def delete(call: Call[ChatToDelete, Empty, CharacterPath]) -> Deleted:
    return Deleted(ids=await manager_of(call, call.path.character).edits.delete_chat(call.body.chat))


def _no_chat(chat: int | None) -> HTTPError:
    return HTTPError(404, "chat", "There is no such chat.", chat=str(chat))


ENDPOINTS = (chats, open_chat, rename, delete)
