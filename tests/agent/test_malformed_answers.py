"""What models really write when they are asked for a decision: it counts, as far as it can be understood."""

from __future__ import annotations

import json
from typing import Any

import pytest

from neko.agent.messages import Utterance
from neko.agent.planner import Offer, Planner, Turn, Wanted
from tests.agent.scripted_thoughts import call, decided, thinking, told
from tests.scripted_provider import Script, ScriptedProvider, tool_calls

STEP = {"ability": "browser_use", "instruction": "Find Paris.", "done_when": "it is seen"}
GOOD: dict[str, Any] = {"why": "asked for", "task": True, "words": "look up Paris", "title": "Paris", "steps": [STEP]}
PLAIN = json.dumps(GOOD)
CALL = json.dumps({"tool": "decide", "arguments": GOOD})


def but(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes})


ANSWERS = [
    CALL,
    PLAIN,
    f"```json\n{PLAIN}\n```",
    f"```\n{CALL}\n```",
    f"Sure! Here is the decision:\n\n```json\n{PLAIN}\n```\n\nLet me know if you need anything else.",
    f"{PLAIN}\n\nExplanation: the user asked me to look up Paris.",
    f"<think>The user wants {{something}} looked up.</think>\n{PLAIN}",
    f"decide({PLAIN})",
    f"decide\n{PLAIN}",
    f"[{CALL}]",
    f"[{PLAIN}]",
    json.dumps({"decide": GOOD}),
    json.dumps({"arguments": GOOD}),
    json.dumps({"name": "decide", "parameters": GOOD}),
    json.dumps({"type": "function", "function": {"name": "decide", "arguments": PLAIN}}),
    json.dumps({"tool_calls": [{"function": {"name": "decide", "arguments": GOOD}}]}),
    f"<tool_call>\n{json.dumps({'name': 'decide', 'arguments': GOOD})}\n</tool_call>",
    f"[TOOL_CALLS][{json.dumps({'name': 'decide', 'arguments': GOOD})}]",
    str(GOOD),
    PLAIN.replace('"', "'").replace("true", "True"),
    PLAIN[:-1] + ",}",
    PLAIN[:-2],
    PLAIN.replace(', "title"', ', // the title\n "title"'),
    PLAIN.replace("{", "{\n", 1).replace(", ", ",\n"),
    but(task="true"),
    but(task="yes"),
    but(steps=json.dumps([STEP])),
    but(steps=STEP),
    but(steps=["Find Paris."]),
    but(steps=[{"ability": "Browser_Use", "description": "Find Paris.", "doneWhen": "it is seen"}]),
    but(steps=[{"tool": "browser", "action": "Find Paris."}]),
    json.dumps({"reasoning": "asked for", "has_task": True, "user_words": "look up Paris", "plan": [STEP]}),
    json.dumps({"Why": "asked for", "Task": True, "Words": "look up Paris", "Title": "Paris", "Steps": [STEP]}),
    json.dumps({"reason": "asked", "isTask": True, "request": "look up Paris", "taskSteps": [STEP]}),
    f"**Decision:** {PLAIN.replace('true', 'True')}",
]


async def decision(provider: ScriptedProvider, planner: Planner, *scripts: Script) -> Wanted:
    provider.script(*scripts)
    said = [Utterance(role="user", content="Please look up Paris for me.")]
    return await planner.wanted(Turn("Mio", said))


def is_understood(wanted: Wanted) -> bool:
    return wanted.plan is not None and [(one.hand, one.instruction) for one in wanted.plan.steps] == [
        ("browser_use", "Find Paris.")
    ]


async def test_every_usual_way_of_writing_a_decision_is_understood_at_once() -> None:
    async with thinking() as (provider, thinker):
        planner = Planner(thinker, lambda words: [Offer("browser_use", "Looks up web pages.")])
        missed = []
        for number, answer in enumerate(ANSWERS, 1):
            wanted = await decision(provider, planner, Script((answer,)))
            if not is_understood(wanted) or len(provider.chats) != number:
                missed.append(answer)
                break
    assert missed == []


async def test_arguments_that_a_server_passes_on_as_they_came_are_understood_too() -> None:
    async with thinking() as (provider, thinker):
        planner = Planner(thinker, lambda words: [Offer("browser_use", "Looks up web pages.")])
        for arguments in (PLAIN[:-2], str(GOOD), json.dumps({"has_task": True, **GOOD})):
            assert is_understood(await decision(provider, planner, tool_calls(("c1", "decide", arguments))))


@pytest.mark.parametrize("answer", ["I would look that up.", "{", "[]", '{"weather": "fine"}', "null", "decide()"])
async def test_what_is_no_decision_is_asked_for_once_more_with_an_example(answer: str) -> None:
    async with thinking() as (provider, thinker):
        planner = Planner(thinker, lambda words: [Offer("browser_use", "Looks up web pages.")])
        good = decided("look up paris", ("browser_use", "Find Paris."))
        assert is_understood(await decision(provider, planner, Script((answer,)), good))
        assert '"tool": "decide"' in told(provider)
        assert (await decision(provider, planner, Script((answer,)), Script((answer,)))).plan is None
        assert len(provider.chats) == 4


async def test_what_a_decision_lacks_is_told_once_and_then_goes_without() -> None:
    async with thinking() as (provider, thinker):
        planner = Planner(thinker, lambda words: [Offer("browser_use", "Looks up web pages.")])
        lacking = call("decide", why="asked for", task=True)
        assert (await decision(provider, planner, lacking, lacking)).plan is None
        assert "decide lacks words" in told(provider)
        assert len(provider.chats) == 2
