"""The agent's model answers in words and calls, whatever forms it writes them in and whatever its server refuses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from neko.errors import (
    ModelBadRequestError,
    ModelError,
    ModelKeyRefusedError,
    ModelRateLimitedError,
    ModelReplyCutError,
    ModelTimeoutError,
)
from neko.llm.adaptation import Adaptations
from neko.llm.client import Timeouts
from neko.llm.thinker import NEAR_FACTOR, ChatThinker
from neko.llm.written_calls import written_calls
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.tool_errors import AgentError
from neko.types.hands import Action, Picture, Said, Thought, ThoughtCall
from neko.types.model_session import Tool
from tests.field.chat_talk import Pauses
from tests.scripted_provider import Script, ScriptedProvider, failure, tool_calls

CLICK = Tool("click", "Click on something.", {"type": "object", "properties": {"ref": {"type": "string"}}})
WAIT = Tool("wait", "Wait.", {"type": "object", "properties": {}})
TASK = (Said("system", "You act."), Said("user", "Press the button."))
NO_TOOLS = failure(400, "this model does not support tools")


@dataclass(slots=True)
class Asked:
    """A scripted provider and the thinker that asks it."""

    provider: ScriptedProvider
    adaptations: Adaptations = field(default_factory=Adaptations)
    pauses: Pauses = field(default_factory=Pauses)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def thinker(self) -> ChatThinker:
        endpoint = ModelEndpoint("agent", "custom", "Scripted", self.provider.base_url, "m", "key", self.extra)
        return ChatThinker(Network(), lambda: endpoint, self.adaptations, Timeouts(sleep=self.pauses))

    async def think(self, *scripts: Script, must_call: bool = False, timeout_s: float = 45.0) -> Thought:
        self.provider.script(*scripts)
        return await self.thinker.think(TASK, (CLICK, WAIT), must_call=must_call, timeout_s=timeout_s)

    def sent(self, number: int = -1) -> dict[str, Any]:
        body: dict[str, Any] = self.provider.chats[number].json
        return body


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    async with ScriptedProvider() as provider:
        yield Asked(provider)


def actions(thought: Thought) -> list[Action]:
    return [call.action for call in thought.calls]


# ── by the protocol ───────────────────────────────────────────────────────────


async def test_a_model_that_takes_tools_calls_them_and_is_asked_with_temperature_zero(asked: Asked) -> None:
    thought = await asked.think(tool_calls(("c1", "click", '{"ref": "b7"}'), text=("I press ", "it.")))
    assert (thought.text, thought.calls) == ("I press it.", (ThoughtCall("c1", Action("click", {"ref": "b7"})),))
    assert thought.tokens > 0
    assert asked.sent()["temperature"] == 0
    assert [tool["function"]["name"] for tool in asked.sent()["tools"]] == ["click", "wait"]
    assert "tool_choice" not in asked.sent()


async def test_what_the_provider_wants_for_this_model_goes_with_the_request(asked: Asked) -> None:
    asked.extra["enable_thinking"] = False
    await asked.think(Script(("Done.",)))
    assert asked.sent()["enable_thinking"] is False


async def test_results_and_pictures_are_sent_in_the_order_that_the_protocol_wants(asked: Asked) -> None:
    call = ThoughtCall("c1", Action("click", {"ref": "b7"}))
    shot = Picture(b"png", "image/png")
    talk = (*TASK, Said("assistant", "", calls=(call,)), Said("tool", "Clicked.", (shot,), call_id="c1"))
    asked.provider.script(Script(("Done.",)))
    await asked.thinker.think(talk, (CLICK,))
    *_, assistant, result, picture = asked.sent()["messages"]
    assert assistant["tool_calls"][0]["function"] == {"name": "click", "arguments": '{"ref": "b7"}'}
    assert result == {"role": "tool", "tool_call_id": "c1", "content": "Clicked."}
    assert picture["content"] == [{"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}}]


async def test_thoughts_are_not_words(asked: Asked) -> None:
    thought = await asked.think(Script(("<think>{'name': 'click'}</think>", "All done.")))
    assert (thought.text, thought.calls) == ("All done.", ())


# ── what a server refuses ─────────────────────────────────────────────────────


async def test_a_model_without_tools_is_asked_for_json_and_that_is_remembered(asked: Asked) -> None:
    answer = Script(('{"tool": "click", "arguments": {"ref": "b7"}}',))
    assert actions(await asked.think(NO_TOOLS, answer)) == [Action("click", {"ref": "b7"})]
    assert "tools" not in asked.sent()
    assert '"name": "click"' in asked.sent()["messages"][0]["content"]
    await asked.think(answer)
    assert len(asked.provider.chats) == 3


async def test_a_talk_with_calls_is_told_in_words_to_a_model_without_tools(asked: Asked) -> None:
    call = ThoughtCall("c1", Action("click", {"ref": "b7"}))
    talk = (*TASK, Said("assistant", "", calls=(call,)), Said("tool", "Clicked.", call_id="c1"))
    asked.provider.script(NO_TOOLS, Script(("Done.",)))
    thought = await asked.thinker.think(talk, (CLICK,))
    assert thought.text == "Done."
    assert [message["role"] for message in asked.sent()["messages"]] == ["system", "user", "assistant", "user"]
    assert '"arguments": {"ref": "b7"}' in asked.sent()["messages"][2]["content"]


async def test_a_model_that_must_call_is_told_so_as_far_as_its_server_takes_it(asked: Asked) -> None:
    call = tool_calls(("c1", "wait", "{}"))
    await asked.think(call, must_call=True)
    assert asked.sent()["tool_choice"] == "required"
    await asked.think(failure(400, "tool_choice 'required' is not supported by this model"), call, must_call=True)
    assert "tool_choice" not in asked.sent()
    assert asked.sent()["tools"]


async def test_a_model_that_refuses_pictures_is_asked_without_and_is_known_not_to_see(asked: Asked) -> None:
    assert asked.thinker.sees
    asked.provider.script(failure(400, "image_url is not supported by this model"), Script(("I see nothing.",)))
    thought = await asked.thinker.think([Said("user", "What is there?", (Picture(b"png", "image/png"),))])
    assert thought.text == "I see nothing."
    assert "image_url" not in json.dumps(asked.sent())
    assert not asked.thinker.sees


async def test_a_model_that_takes_no_temperature_is_asked_without(asked: Asked) -> None:
    await asked.think(failure(400, "Unsupported parameter: temperature"), Script(("Done.",)))
    assert "temperature" not in asked.sent()


async def test_a_talk_that_is_too_long_is_asked_again_with_its_old_steps_in_short(asked: Asked) -> None:
    steps = [said for n in range(6) for said in step(n)]
    too_long = failure(400, "This model's maximum context length is 3000 tokens", code="context_length_exceeded")
    asked.provider.script(too_long, Script(("Done.",)))
    await asked.thinker.think([*TASK, *steps], (CLICK,))
    first, second = (asked.sent(number)["messages"] for number in (0, 1))
    assert len(json.dumps(second)) < len(json.dumps(first))
    assert second[:2] == first[:2]
    assert second[-1] == first[-1]


def step(number: int) -> tuple[Said, Said]:
    call = ThoughtCall(f"c{number}", Action("click", {"ref": f"b{number}"}))
    return Said("assistant", "", calls=(call,)), Said("tool", f"Page {number}. " * 200, call_id=f"c{number}")


# ── faults ────────────────────────────────────────────────────────────────────


async def test_a_passing_fault_is_waited_out_and_a_lasting_one_is_not(asked: Asked) -> None:
    busy = failure(429, "slow down", retry_after="2")
    assert (await asked.think(busy, Script(("Done.",)))).text == "Done."
    assert asked.pauses.seconds == [2.0]
    with pytest.raises(ModelKeyRefusedError):
        await asked.think(failure(401, "Incorrect API key provided"))
    assert len(asked.provider.chats) == 3


async def test_what_the_provider_says_is_in_the_error(asked: Asked) -> None:
    with pytest.raises(ModelBadRequestError) as raised:
        await asked.think(failure(400, "the moon is in the wrong phase"))
    assert "the moon is in the wrong phase" in raised.value.said


async def test_a_wait_beyond_the_deadline_fails_at_once_with_the_provider_s_reason(asked: Asked) -> None:
    with pytest.raises(ModelRateLimitedError):
        await asked.think(failure(429, "slow down", retry_after="3600"), timeout_s=5)
    assert asked.pauses.seconds == []


async def test_silence_ends_at_the_deadline_and_the_request_is_dropped(asked: Asked) -> None:
    with pytest.raises(ModelTimeoutError):
        await asked.think(Script(stall_after=0), timeout_s=0.3 / NEAR_FACTOR)
    await asked.provider.chats[0].aborted.wait()


async def test_without_a_model_nothing_is_asked() -> None:
    thinker = ChatThinker(Network(), lambda: None, Adaptations())
    assert not thinker.sees
    with pytest.raises(AgentError) as raised:
        await thinker.think(TASK)
    assert raised.value.code == "agent_no_model"


# ── answers that cannot be used ───────────────────────────────────────────────


async def test_broken_arguments_are_mended(asked: Asked) -> None:
    assert actions(await asked.think(tool_calls(("c1", "click", '{"ref": "b7",')))) == [Action("click", {"ref": "b7"})]
    assert len(asked.provider.chats) == 1


async def test_an_answer_that_cannot_be_used_is_asked_for_once_more_and_only_once(asked: Asked) -> None:
    good = tool_calls(("c2", "click", '{"ref": "b7"}'))
    thought = await asked.think(Script(("I would click on it.",)), good, must_call=True)
    assert actions(thought) == [Action("click", {"ref": "b7"})]
    assert "could not be used" in asked.sent()["messages"][-1]["content"]
    words = Script(("I would click on it.",))
    thought = await asked.think(words, words, must_call=True)
    assert (thought.text, thought.calls) == ("I would click on it.", ())
    assert len(asked.provider.chats) == 4


async def test_json_that_is_broken_is_mended_for_a_model_without_tools(asked: Asked) -> None:
    broken = Script(("Sure!\n```json\n{'tool': 'click', 'arguments': {'ref': 'b7',}}\n```",))
    assert actions(await asked.think(NO_TOOLS, broken)) == [Action("click", {"ref": "b7"})]


async def test_of_an_answer_that_its_server_cut_counts_what_can_be_used(asked: Asked) -> None:
    def cut(text: str) -> Script:
        return Script((text,), finish_reason="length")

    call = '{"tool": "click", "arguments": {"ref": "b7"}}'
    assert actions(await asked.think(NO_TOOLS, cut(f"{call} and then I"))) == [Action("click", {"ref": "b7"})]
    with pytest.raises(ModelReplyCutError):
        await asked.think(cut(call[:-8]))
    asked.provider.script(cut("It is 12 degrees and"))
    assert (await asked.thinker.think(TASK)).text == "It is 12 degrees and"


async def test_a_reply_without_end_is_cut(asked: Asked) -> None:
    with pytest.raises(ModelError) as raised:
        await asked.think(Script(["word " * 2_000] * 6))
    assert raised.value.code == "reply_too_long"


# ── calls in words ────────────────────────────────────────────────────────────

FORMS = {
    "hermes": '<tool_call>\n{"name": "click", "arguments": {"ref": "b7"}}\n</tool_call>',
    "hermes, cut": '<tool_call>{"name": "click", "arguments": {"ref": "b7"}}',
    "mistral": '[TOOL_CALLS][{"name": "click", "arguments": {"ref": "b7"}}]',
    "new mistral": '[TOOL_CALLS]click[ARGS]{"ref": "b7"}',
    "llama": '<|python_tag|>{"name": "click", "parameters": {"ref": "b7"}}',
    "deepseek": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>click\n"
    '```json\n{"ref": "b7"}\n```<｜tool▁call▁end｜>',
    "kimi": '<|tool_call_begin|>functions.click:0<|tool_call_argument_begin|>{"ref": "b7"}<|tool_call_end|>',
    "qwen coder": "<tool_call><function=click><parameter=ref>\nb7\n</parameter></function></tool_call>",
    "glm": "<tool_call>click\n<arg_key>ref</arg_key>\n<arg_value>b7</arg_value></tool_call>",
    "invoke": '<function_calls><invoke name="click"><parameter name="ref">b7</parameter></invoke></function_calls>',
    "bare": '{"name": "click", "arguments": {"ref": "b7"}}',
    "arguments as text": '{"name": "click", "arguments": "{\\"ref\\": \\"b7\\"}"}',
    "function object": '{"type": "function", "function": {"name": "click", "arguments": {"ref": "b7"}}}',
    "list": '{"tool_calls": [{"name": "click", "args": {"ref": "b7"}}]}',
    "agent": '```json\n{"thought": "there", "action": "click", "action_input": {"ref": "b7"}}\n```',
    "loose": '{"action": "click", "ref": "b7"}',
    "keyed": '{"click": {"ref": "b7"}}',
    "after a thought": '<think>{"name": "wait"}</think>{"name": "click", "arguments": {"ref": "b7"}}',
}


@pytest.mark.parametrize("form", FORMS)
def test_a_call_in_words_is_understood_in_every_usual_form(form: str) -> None:
    [call] = written_calls(FORMS[form], {"click", "wait"})
    assert (call.name, dict(call.arguments)) == ("click", {"ref": "b7"})


QUOTED = 'The page says: {"name": "click", "arguments": {"ref": "b7"}}'


def test_a_call_that_is_quoted_among_words_is_none_unless_calls_come_as_words() -> None:
    assert written_calls(QUOTED, {"click"}) == []
    assert [call.name for call in written_calls(QUOTED, {"click"}, anywhere=True)] == ["click"]


@pytest.mark.parametrize(
    "text", ["", "{}", "[1, 2]", '{"name": "delete_all", "arguments": {}}', "{" * 10_000, "<tool_call>"]
)
def test_what_names_no_tool_that_is_offered_is_no_call(text: str) -> None:
    assert written_calls(text, {"click"}, anywhere=True, repair=True) == []


async def test_code_in_the_text_is_handed_on_as_words(asked: Asked) -> None:
    code = "## Action:\nClick.\n## Code:\n```python\npyautogui.click(x=500, y=320)\n```"
    thought = await asked.think(Script((code,)))
    assert (thought.text, thought.calls) == (code, ())
