"""Tasks: from the end of a turn to the task that it asks for, from the call to the first action, an action with all
that stands before it, cancel to the end of the act, and eight characters at once against one. The hand and the model
are scripted, the journal is real.

The floor of a turn is one question to the same scripted model over such a socket; that of an action is the same three
calls of the hand, bare; those of the first action and of a cancel are an asyncio task that does nothing but that act;
that of eight characters is one.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from neko.agent.task_list import Tasks
from neko.agent.tasks import TaskState
from neko.types.agent import Policy
from neko.types.hands import Action, Job, Said
from tests.agent.scripted_thoughts import thinking
from tests.agent.test_task_loop import Scene
from tests.agent.test_turns_to_tasks import DONE, PLAN, REACHED, WISH, able
from tests.bench.figures import median, ms, show
from tests.scripted_hand import ScriptedHand, ScriptedThinker, do, done
from tests.scripted_provider import ScriptedProvider

TIMES = 200
ACTIONS = 10
PACE_S = 0.02
CHARACTERS = 8
TURNS = 20


async def over(tasks: Tasks, task_id: str) -> None:
    await tasks.wait(task_id)


async def from_turn_to_task(folder: Path) -> float:
    """From the end of a turn until its task is known."""
    times: list[float] = []
    async with ScriptedProvider() as provider, able(folder, provider) as talk:
        tasks = talk.neko.agent.tasks
        for _ in range(TURNS):
            provider.script(["I will look."], PLAN, DONE, REACHED)
            await talk.say(WISH)
            ended = time.perf_counter()
            async with asyncio.timeout(30.0):
                while not tasks.listed():
                    await asyncio.sleep(0)
            times.append(time.perf_counter() - ended)
            [task] = tasks.listed()
            await tasks.wait(task.id)
            assert task.state is not TaskState.FAILED
            tasks._tasks.clear()
    return median(times)


async def a_question() -> float:
    """Seconds that the agent's model takes for one answer."""
    times = []
    async with thinking() as (provider, thinker):
        for _ in range(TURNS):
            provider.script(PLAN)
            began = time.perf_counter()
            await thinker.think((Said("user", WISH),))
            times.append(time.perf_counter() - began)
    return median(times)


async def to_first_action(scene: Scene) -> float:
    """From ``start`` until the hand is asked for its first act."""
    times = []
    for _ in range(TIMES):
        scene.hand.world.busy.clear()
        scene.thinker = ScriptedThinker(do("linger"), done())
        began = time.perf_counter()
        task = await scene.agent.tasks.start("Mio", "x", hand="browser_use")
        await scene.hand.world.busy.wait()
        times.append(time.perf_counter() - began)
        scene.hand.world.free.set()
        await over(scene.agent.tasks, task.id)
        scene.hand.world.free.clear()
    return median(times)


async def to_the_end_of_an_act(scene: Scene) -> tuple[float, float]:
    """From ``cancel`` until nothing of the task runs, and until its end is told."""
    times, told = [], []
    for _ in range(TIMES):
        scene.hand.world.busy.clear()
        scene.thinker = ScriptedThinker(do("linger"))
        task = await scene.agent.tasks.start("Mio", "x", hand="browser_use")
        await scene.hand.world.busy.wait()
        began = time.perf_counter()
        scene.agent.tasks.cancel(task.id)
        told.append(time.perf_counter() - began)
        await over(scene.agent.tasks, task.id)
        times.append(time.perf_counter() - began)
    return median(times), median(told)


async def bare_task() -> tuple[float, float, float]:
    """The same of an asyncio task that only opens the hand and acts: from its start to the act, from ``cancel`` until
    it is over, and the call of ``cancel`` itself."""
    begun, ended, told = [], [], []
    for number in range(TIMES):
        hand = ScriptedHand()

        async def act(hand: ScriptedHand = hand, number: int = number) -> None:
            workspace = await hand.open(Job(str(number), "Mio", "x", Path()))
            await workspace.act(Action("linger", {}), lambda words: None)

        async with asyncio.TaskGroup() as group:
            began = time.perf_counter()
            task = group.create_task(act())
            await hand.world.busy.wait()
            begun.append(time.perf_counter() - began)
            began = time.perf_counter()
            task.cancel()
            told.append(time.perf_counter() - began)
            await asyncio.wait({task})
            ended.append(time.perf_counter() - began)
    return median(begun), median(ended), median(told)


async def an_action(scene: Scene) -> float:
    """Seconds that one more action takes, from thought to thought."""
    times = []
    for _ in range(TIMES // 10):
        spent = []
        for number in (0, ACTIONS):
            scene.thinker = ScriptedThinker(*(do("look", str(at)) for at in range(number)), done())
            began = time.perf_counter()
            task = await scene.agent.tasks.start("Mio", "x", hand="browser_use")
            await over(scene.agent.tasks, task.id)
            spent.append(time.perf_counter() - began)
        times.append((spent[1] - spent[0]) / ACTIONS)
    return median(times)


async def bare_action(folder: Path) -> float:
    hand = ScriptedHand()
    workspace = await hand.open(Job("t", "Mio", "x", folder))
    times = []
    for number in range(TIMES):
        action = Action("look", {"text": str(number)})
        began = time.perf_counter()
        workspace.tools()
        await workspace.intend(action)
        await workspace.act(action, lambda words: None)
        times.append(time.perf_counter() - began)
    await workspace.aclose()
    return median(times)


async def together(scene: Scene, characters: int) -> float:
    """Seconds until each of so many characters has done a task of five actions with a hand that takes its time."""
    scene.hand.world.pace_s = PACE_S
    scene.thinker = ScriptedThinker(lambda said: do("look", "x") if len(said) < 12 else done())
    began = time.perf_counter()
    tasks = [await scene.agent.tasks.start(f"C{number}", "x", hand="browser_use") for number in range(characters)]
    for task in tasks:
        await over(scene.agent.tasks, task.id)
    scene.hand.world.pace_s = 0.0
    return time.perf_counter() - began


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        turn, question = await from_turn_to_task(Path(folder) / "neko"), await a_question()
        show("end of a turn → its task", ms(turn), ms(question))
        scene = Scene(Path(folder))
        await scene.policies.put({"hands": {"browser_use": Policy.ALLOW}})
        bare_begun, bare_ended, bare_told = await bare_task()
        show("call → first action", ms(await to_first_action(scene)), ms(bare_begun))
        ended, told = await to_the_end_of_an_act(scene)
        show("cancel → the end is told", ms(told), ms(bare_told), aim="≤ 300 ms")
        show("cancel → nothing runs", ms(ended), ms(bare_ended), aim="≤ 300 ms")
        action, floor = await an_action(scene), await bare_action(Path(folder))
        show("an action, permitted and written down", ms(action), ms(floor))
        one, eight = await together(scene, 1), await together(scene, CHARACTERS)
        show(f"{CHARACTERS} characters with a task each", ms(eight), ms(one), eight / one, "≤ 1.5×")
        await scene.aclose()


if __name__ == "__main__":
    asyncio.run(main())
