"""A hand over a small world, and a model that wants what a script says: for tests of tasks.

Its tools are named by what they do. ``note`` writes a word into the world, which keeps what was done in order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from neko.types.agent import Act, Picture
from neko.types.hands import (
    Action,
    ActionError,
    HandName,
    Intent,
    Job,
    Observation,
    Progress,
    Readiness,
    Said,
    Thought,
    ThoughtCall,
)
from neko.types.model_session import Tool

PICTURE = Picture(b"\x89PNG scripted", "image/png")
ACTS = {
    "look": Act.READ,
    "note": Act.WRITE,
    "erase": Act.DESTRUCTIVE,
    "send": Act.EXFILTRATING,
    "linger": Act.READ,
    "cling": Act.READ,
    "fail": Act.READ,
    "refuse": Act.READ,
    "crash": Act.READ,
    "hand_over": Act.READ,
    "be_asked": Act.READ,
    "download": Act.READ,
}


@dataclass
class World:
    """``done`` are the acts that took effect; ``text`` is what there is to see. ``busy`` is set while something takes
    long, until ``free`` is; ``open`` counts the workspaces that are open."""

    text: str = "A quiet page."
    place: str = "example.com"
    done: list[str] = field(default_factory=list)
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    open: int = 0
    most_open: int = 0
    keeps_open: bool = False
    """A workspace does not let go when it is told to."""
    pace_s: float = 0.0
    """Seconds that every step of the hand takes."""


class ScriptedHand:
    def __init__(self, name: HandName = "browser_use", *, exclusive: bool = False) -> None:
        self.name: HandName = name
        self.exclusive = exclusive
        self.world = World()
        self.jobs: list[Job] = []
        self.ready = Readiness(ready=True)

    def readiness(self, language: str) -> Readiness:
        return self.ready

    async def probe(self) -> None: ...

    def offer(self, words: str) -> str:
        return "Do things in a small world."

    async def open(self, job: Job) -> ScriptedWorkspace:
        self.jobs.append(job)
        await asyncio.sleep(self.world.pace_s)
        return ScriptedWorkspace(self.world, job)

    async def aclose(self) -> None: ...


class ScriptedWorkspace:
    instructions = "Act in the small world."

    def __init__(self, world: World, job: Job) -> None:
        self._world = world
        self._job = job
        self._closed = False
        world.open += 1
        world.most_open = max(world.most_open, world.open)

    def tools(self) -> Sequence[Tool]:
        text = {"type": "object", "properties": {"text": {"type": "string"}}}
        return [Tool(name, name, text) for name in ACTS]

    async def look(self) -> Observation | None:
        await asyncio.sleep(self._world.pace_s)
        return Observation(self._world.text, picture=PICTURE, thumbnail=PICTURE) if self._world.text else None

    async def intend(self, action: Action) -> Intent:
        await asyncio.sleep(self._world.pace_s)
        if action.name not in ACTS or action.name == "refuse":
            raise ActionError("There is no such thing here.")
        text = str(action.arguments.get("text", ""))
        act = ACTS[action.name]
        picture = None if act is Act.READ else PICTURE
        place = str(action.arguments.get("place", self._world.place))
        return Intent(act, place, f"{action.name} “{text}”", f'{{"text": "{text}"}}', picture)

    async def act(self, action: Action, progress: Progress) -> Observation:
        world, text = self._world, str(action.arguments.get("text", ""))
        await asyncio.sleep(world.pace_s)
        match action.name:
            case "linger":
                progress("lingering")
                world.busy.set()
                await world.free.wait()
            case "cling":
                world.busy.set()
                while not self._closed and not world.free.is_set():
                    try:
                        await world.free.wait()
                    except asyncio.CancelledError:
                        continue
            case "fail":
                return Observation(f"It is broken: {text}", failed=True)
            case "crash":
                raise RuntimeError("a defect")
            case "hand_over":
                return Observation(f"answered: {await self._job.hand_over(text)}")
            case "be_asked":
                with self._job.asking():
                    world.busy.set()
                    await world.free.wait()
            case "download":
                file = self._job.folder / text
                file.write_text("x", encoding="utf-8")
                return Observation("saved", files=[file])
        if self._closed:
            raise ActionError("It is closed.")
        world.done.append(f"{action.name} {text}".strip())
        return Observation(f"{world.text} {action.name} {len(world.done)}", thumbnail=PICTURE)

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._world.open -= 1
        if self._world.keeps_open:
            await asyncio.Event().wait()


# ── the model ─────────────────────────────────────────────────────────────────


Say = Callable[[Sequence[Said]], Thought]


def calls(*actions: tuple[str, dict[str, Any]] | str, tokens: int = 10) -> Thought:
    """A thought that wants these: names, or names with arguments."""
    named = [(one, {}) if isinstance(one, str) else one for one in actions]
    return Thought(
        "", [ThoughtCall(f"c{number}", Action(name, given)) for number, (name, given) in enumerate(named)], tokens
    )


def do(name: str, text: str = "", **more: str) -> Thought:
    return calls((name, {"text": text, **more}))


def done(answer: str = "All done.") -> Thought:
    return calls(("done", {"answer": answer}))


def give_up(reason: str) -> Thought:
    return calls(("give_up", {"reason": reason}))


class ScriptedThinker:
    """Thinks what ``script`` says, the last thing again and again; ``asked`` is what it was told each time."""

    def __init__(self, *script: Thought | Exception | Say, sees: bool = True) -> None:
        self.sees = sees
        self.script: deque[Thought | Exception | Say] = deque(script)
        self.asked: list[list[Said]] = []
        self.tools: list[str] = []
        self.pace_s = 0.0

    async def think(
        self, messages: Sequence[Said], tools: Sequence[Tool] = (), *, must_call: bool = False, timeout_s: float = 45.0
    ) -> Thought:
        self.asked.append(list(messages))
        self.tools = [tool.name for tool in tools]
        await asyncio.sleep(self.pace_s)
        said = self.script.popleft() if len(self.script) > 1 else self.script[0]
        if isinstance(said, Exception):
            raise said
        return said(messages) if callable(said) else said
