"""What a memory is busy with, and what finds memories by their meaning."""

from __future__ import annotations

from typing import Literal

from neko.app import Neko
from neko.llm.embeddings import models as local_models
from neko.providers.addresses import host_of
from neko.settings import is_loopback
from neko.settings.registry import FACTS_BY_MODEL, MEMORY_REVIEW, SEMANTIC_ENGINE, SemanticKind
from neko.tasks import in_thread
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.routes.history import CharacterPath, known
from neko.web.routes.memory import MeaningState, meaning_state
from neko.web.schemas import Empty, Schema, Success

_NO_CHARACTER = {404: "There is no character of this name."}


class Indexing(Schema):
    """Ids of lines: up to ``done`` of ``total`` something is done."""

    done: int
    total: int


class Work(Schema):
    """``indexing`` is null unless an old log is being taken into the index: until then not all of it is found.
    ``learning`` is null unless there is something that was brought in and has not been learnt from."""

    indexing: Indexing | None
    learning: Indexing | None
    meaning: MeaningState


@get(
    "/api/memory_browser/{character}/work",
    path=CharacterPath,
    response=Work,
    summary="What the memory is busy with, and how far it is",
    failures=_NO_CHARACTER,
)
async def work(call: Call[Empty, Empty, CharacterPath]) -> Work:
    name, memory = known(call, call.path.character), call.neko.memory
    indexing, learning = await memory.indexing(name), await memory.learning(name)
    return Work(indexing=_reached(indexing), learning=_reached(learning), meaning=await meaning_state(call))


def _reached(at: tuple[int, int] | None) -> Indexing | None:
    return Indexing(done=at[0], total=at[1]) if at else None


class Pause(Schema):
    on: bool


@post(
    "/api/memory_browser/{character}/pause",
    path=CharacterPath,
    body=Pause,
    response=Success,
    summary="Embed none of the lines until further notice, or go on",
    failures=_NO_CHARACTER,
)
async def pause(call: Call[Pause, Empty, CharacterPath]) -> Success:
    await call.neko.memory.pause_embedding(known(call, call.path.character), on=call.body.on)
    return Success()


class EmbedderOption(Schema):
    """``name`` is a model or a provider. ``state``: "processor" when this computer cannot run it, "missing" when
    ``command`` installs it, "none" when there is no server. ``local``: nothing leaves this computer."""

    kind: SemanticKind
    name: str
    local: bool
    state: Literal["ready", "missing", "processor", "none"]
    command: str = ""


class EmbedderChoice(Success):
    """``engine`` is in force; ``chosen`` is null while that is left to her. ``pinned``: the environment decides it."""

    engine: SemanticKind
    chosen: SemanticKind | None
    pinned: bool
    options: list[EmbedderOption]


@get("/api/memory_embedder", response=EmbedderChoice, summary="What finds memories by their meaning, and what could")
async def embedder(call: Call) -> EmbedderChoice:
    return await _choice(call.neko)


class EmbedderChange(Schema):
    """``auto`` leaves the choice to her."""

    engine: SemanticKind | Literal["auto"]


@post(
    "/api/memory_embedder",
    body=EmbedderChange,
    response=EmbedderChoice,
    summary="Choose what finds memories by their meaning; all lines are embedded anew, and found meanwhile",
    failures={409: "The environment decides it."},
)
async def choose_embedder(call: Call[EmbedderChange, Empty, Empty]) -> EmbedderChoice:
    if call.neko.config.in_force.is_pinned(SEMANTIC_ENGINE):
        raise HTTPError(409, "pinned", "NEKO_SEMANTIC_ENGINE decides this.")
    engine = None if call.body.engine == "auto" else call.body.engine
    await call.neko.config.change({"neko": {"semantic": {"engine": engine}}})
    return await _choice(call.neko)


class Habits(Success):
    """What she does with what was said, by herself. ``pinned``: the environment decides on the facts."""

    facts_by_model: bool
    review: bool
    pinned: bool


@get("/api/memory_habits", response=Habits, summary="What she does by herself with what was said")
async def habits(call: Call) -> Habits:
    return _habits(call.neko)


class HabitsChange(Schema):
    """What is null stays as it is."""

    facts_by_model: bool | None = None
    review: bool | None = None


@post(
    "/api/memory_habits",
    body=HabitsChange,
    response=Habits,
    summary="Switch that on or off, of all characters",
    failures={409: "The environment decides it."},
)
async def change_habits(call: Call[HabitsChange, Empty, Empty]) -> Habits:
    if call.body.facts_by_model is not None:
        if call.neko.config.in_force.is_pinned(FACTS_BY_MODEL):
            raise HTTPError(409, "pinned", "NEKO_FACTS_BY_MODEL decides this.")
        await call.neko.config.change({"neko": {FACTS_BY_MODEL.name: call.body.facts_by_model}})
    if call.body.review is not None:
        await call.neko.config.change({MEMORY_REVIEW.name: call.body.review})
    return _habits(call.neko)


def _habits(neko: Neko) -> Habits:
    in_force = neko.config.in_force
    return Habits(
        facts_by_model=in_force.get(FACTS_BY_MODEL),
        review=in_force.get(MEMORY_REVIEW),
        pinned=neko.config.in_force.is_pinned(FACTS_BY_MODEL),
    )


async def _choice(neko: Neko) -> EmbedderChoice:
    server = neko.embedding.server
    options = [await in_thread(_local_option, model) for model in local_models.MODELS.values()]
    options.append(
        EmbedderOption(
            kind="server",
            name=f"{server.provider_name} · {server.model}" if server else "",
            local=server is not None and is_loopback(host_of(server.base_url)),
            state="ready" if server else "none",
        )
    )
    options.append(EmbedderOption(kind="off", name="", local=True, state="ready"))
    return EmbedderChoice(
        engine=neko.embedding.kind,
        chosen=neko.config.in_force.get(SEMANTIC_ENGINE),
        pinned=neko.config.in_force.is_pinned(SEMANTIC_ENGINE),
        options=options,
    )


def _local_option(model: local_models.LocalModel) -> EmbedderOption:
    option = EmbedderOption(kind=model.kind, name=model.model.title, local=True, state="ready")
    if local_models.folder(model) is not None:
        return option
    if local_models.can_be_installed(model.kind):
        option.state, option.command = "missing", local_models.install_command(model.kind)
    else:
        option.state = "processor"
    return option


ENDPOINTS = (work, pause, embedder, choose_embedder, habits, change_habits)
