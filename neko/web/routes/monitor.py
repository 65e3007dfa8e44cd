"""How every part of Neko is just now, in one answer for a page that asks again and again. There is no secret in it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any

from pydantic import Field

from neko import i18n
from neko.agent.mcp.server import ServerState
from neko.agent.messages import agent_task
from neko.app import Neko
from neko.bus import CAPACITY
from neko.errors import NekoError
from neko.memory.meaning import Progress
from neko.web.endpoint import Call, get
from neko.web.request_language import request_language
from neko.web.routes.faults import FaultShape, standing_faults
from neko.web.schemas import Schema, Success

_MEMORY_TIMEOUT_S = 0.5
"""A memory that is busy is shown without how far its work is."""
_ACTIVE = ("queued", "running")


class ProcessShape(Schema):
    """Seconds; ``memory`` in bytes, null where the system does not say; ``processor`` in cores. ``lag_s``: how late the
    loop woke up last, ``worst_lag_s`` at worst in the last ten seconds."""

    uptime_s: float
    processor: float
    memory: int | None
    threads: int
    tasks: int
    lag_s: float
    worst_lag_s: float


class SessionShape(Schema):
    mode: str
    model: str
    provider: str
    offline: bool
    began: datetime


class ConversationShape(Schema):
    """``phase``, ``step`` and ``slot``: as the turn machine and the place of the model session have them. ``waiting``
    events of one client at most, ``fill`` of its queue, 0 to 1."""

    character: str
    phase: str
    step: str | None
    slot: str
    session: SessionShape | None
    questions: int
    lines: int
    unkept: int
    owner: bool
    viewers: int
    taps: int
    waiting: int
    fill: float
    voice: str


class QueueShape(Schema):
    """Messages: not handled yet, lost so far, and handled in vain."""

    name: str
    waiting: int
    drops: int
    failures: int


class BusShape(Schema):
    """``capacity`` of each queue."""

    capacity: int
    queues: list[QueueShape]


class ReachedShape(Schema):
    done: int
    total: int


class MemoryShape(Schema):
    """Of a character whose files are open. ``job``: what is done in the background, "" for nothing; ``jobs``: what
    waits behind it. ``meaning``, ``indexing``, ``learning``: how far, null for nothing to do or when that could not be
    asked in time."""

    character: str
    job: str
    jobs: list[str]
    meaning: ReachedShape | None = None
    meaning_state: str = ""
    indexing: ReachedShape | None = None
    learning: ReachedShape | None = None


class TaskShape(Schema):
    id: str
    character: str
    title: str
    hand: str
    state: str
    began: str


class ServerShape(Schema):
    name: str
    state: str
    tools: int
    problem: str


class AgentShape(Schema):
    """``questions``: to the user, about what may be done."""

    on: bool
    tasks: list[TaskShape]
    questions: int
    servers: list[ServerShape]


class HostShape(Schema):
    """Bytes are those of bodies and messages."""

    purpose: str
    host: str
    requests: int
    connections: int
    refused: int
    bytes_out: int
    bytes_in: int


class NetworkShape(Schema):
    """``steam``: Steam's client is asked, which contacts whom it likes; how much goes there is not known here."""

    local_only: bool
    steam: bool
    hosts: list[HostShape]


class TimingShape(Schema):
    """Seconds."""

    name: str
    count: int
    p50: float
    p95: float
    max: float


class ModelShape(Schema):
    """The model that the next session is opened with. ``works``: null until it has been asked something."""

    model: str
    provider: str
    offline: bool
    works: bool | None


class MonitorShape(Success):
    process: ProcessShape
    model: ModelShape
    hearing: str
    conversations: list[ConversationShape]
    bus: BusShape
    memories: list[MemoryShape]
    agent: AgentShape
    network: NetworkShape
    faults: list[FaultShape]
    timings: list[TimingShape] = Field(description="What has been measured at least once.")


@get("/api/monitor", response=MonitorShape, summary="How every part is just now")
async def monitor(call: Call) -> MonitorShape:
    neko, language = call.neko, request_language(call.request, call.neko)
    measured = neko.metrics.snapshot()
    label = neko.models.label
    return MonitorShape(
        process=ProcessShape.model_validate(neko.process.look(), from_attributes=True),
        model=ModelShape.model_validate(label, from_attributes=True),
        hearing=neko.hearing.kind,
        conversations=[_conversation(neko, name) for name in neko.conversations.opened],
        bus=_bus(measured["bus"]),
        memories=await _memories(neko),
        agent=_agent(neko, language),
        network=NetworkShape(**measured["network"], steam=neko.steam.is_asked),
        faults=standing_faults(neko, language),
        timings=[TimingShape(name=name, **one) for name, one in measured["histograms"].items() if one["count"]],
    )


def _conversation(neko: Neko, name: str) -> ConversationShape:
    state = neko.conversations.opened[name].look()
    session, audience = state.session, state.audience
    return ConversationShape(
        character=name,
        phase=state.phase,
        step=state.step.value if state.step else None,
        slot=state.slot.value,
        session=SessionShape(
            mode=session.mode,
            model=session.label.model,
            provider=session.label.provider,
            offline=session.label.offline,
            began=session.began.astimezone(),
        )
        if session
        else None,
        questions=state.questions,
        lines=state.lines,
        unkept=state.unkept,
        owner=audience.owner,
        viewers=audience.viewers,
        taps=audience.taps,
        waiting=audience.waiting,
        fill=audience.fill,
        voice=neko.voices.engine(name),
    )


def _bus(counted: dict[str, dict[str, int]]) -> BusShape:
    """A topic that nobody hears is no queue, and its losses are none."""
    names = sorted({*counted["waiting"], *counted["failures"]})
    return BusShape(
        capacity=CAPACITY,
        queues=[
            QueueShape(
                name=name,
                waiting=counted["waiting"].get(name, 0),
                drops=counted["drops"].get(name, 0),
                failures=counted["failures"].get(name, 0),
            )
            for name in names
        ],
    )


async def _memories(neko: Neko) -> list[MemoryShape]:
    found = []
    for name in neko.characters.cards.names:
        if (jobs := neko.memory.jobs(name)) is None:
            continue
        shape = MemoryShape(character=name, job=jobs[0], jobs=list(jobs[1]))
        with suppress(NekoError, TimeoutError):
            async with asyncio.timeout(_MEMORY_TIMEOUT_S):
                _add_meaning(shape, await neko.memory.meaning(name))
                shape.indexing = _reached(await neko.memory.indexing(name))
                shape.learning = _reached(await neko.memory.learning(name))
        found.append(shape)
    return found


def _add_meaning(shape: MemoryShape, progress: Progress) -> None:
    shape.meaning_state = progress.state
    if progress.state != "off":
        shape.meaning = ReachedShape(done=progress.done, total=progress.total)


def _reached(at: tuple[int, int] | None) -> ReachedShape | None:
    return ReachedShape(done=at[0], total=at[1]) if at else None


def _agent(neko: Neko, language: str) -> AgentShape:
    agent = neko.agent
    tasks: list[Any] = [one.task for one in agent.calls.listed()]
    tasks += map(agent_task, agent.tasks.listed(active=True))
    tasks += agent.elsewhere.tasks() if agent.elsewhere else ()
    return AgentShape(
        on=agent.switches.master,
        tasks=[_task(one) for one in tasks if one.get("status") in _ACTIVE],
        questions=len(neko.approvals.pending()),
        servers=[_server(neko, name, language) for name in neko.mcp.entries],
    )


def _task(task: dict[str, Any]) -> TaskShape:
    ours = task.get("neko", {})
    return TaskShape(
        id=task["id"],
        character=ours.get("character", task.get("lanlan_name", "")),
        title=ours.get("title", ""),
        hand=task.get("type", ""),
        state=ours.get("state", task["status"]),
        began=task.get("start_time", ""),
    )


def _server(neko: Neko, name: str, language: str) -> ServerShape:
    server, error = neko.mcp.server(name), neko.mcp.error(name)
    return ServerShape(
        name=name,
        state=server.state if server else ServerState.FAILED if error else ServerState.OFF,
        tools=len(server.tools) if server else 0,
        problem=i18n.describe(error, language).text if error else "",
    )


ENDPOINTS = (monitor,)
