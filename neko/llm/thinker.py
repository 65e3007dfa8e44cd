"""The model that the agent thinks with (``Thinker``): a talk of ours, tools and pictures in, words and calls out.

A model that takes no tools is asked for JSON in its text instead, and what any model writes into its text in place of
a call counts as one (``written_calls``). That it takes none, or no pictures, is remembered in its adaptation.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from neko.errors import (
    ModelError,
    ModelReplyCutError,
    ModelTimeoutError,
    ReplyTooLongError,
)
from neko.llm.adaptation import Adaptation, Adaptations, is_notably_less
from neko.llm.chat_request import estimate
from neko.llm.client import ProviderClient, Timeouts, open_client
from neko.llm.completion_decoder import CompletionEnd
from neko.llm.fitted_arguments import bare_arguments, fitted, missing
from neko.llm.thinker_request import call_again, chat_messages
from neko.llm.tokens import estimate_tokens
from neko.llm.tries import Tries
from neko.llm.written_calls import WrittenCall, without_thought, written_calls
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.settings import is_near
from neko.tasks import in_thread
from neko.tool_errors import AgentError
from neko.types.hands import Action, Said, Thought, ThoughtCall
from neko.types.model_session import Tool

LONGEST_ANSWER: Final = 40_000
"""Characters: a small model may never stop by itself."""
NEAR_FACTOR: Final = 4
"""A model in this network reads a page at the pace of this network's computers."""


class ChatThinker:
    """``endpoint`` tells the agent's model of this moment; ``adaptations`` is what is known of all, and grows."""

    def __init__(
        self,
        network: Network,
        endpoint: Callable[[], ModelEndpoint | None],
        adaptations: Adaptations,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._network = network
        self._endpoint = endpoint
        self._adaptations = adaptations
        self._timeouts = timeouts or Timeouts()

    @property
    def sees(self) -> bool:
        endpoint = self._endpoint()
        return endpoint is not None and self._adaptations.of(endpoint).takes("pictures")

    async def think(
        self, messages: Sequence[Said], tools: Sequence[Tool] = (), *, must_call: bool = False, timeout_s: float = 45.0
    ) -> Thought:
        """See ``Thinker``; a model in this network has ``NEAR_FACTOR`` times as long."""
        endpoint = self._endpoint()
        if endpoint is None:
            raise AgentError("no_model", "no model is configured for the agent")
        if is_near(urlsplit(endpoint.base_url).hostname or ""):
            timeout_s *= NEAR_FACTOR
        client = await open_client(self._network, endpoint, self._timeouts)
        asking = _Asking(client, endpoint, self._adaptations, self._timeouts, timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                return await asking.thought(messages, tools, must_call=must_call)
        except TimeoutError as error:
            raise asking.late() from error
        finally:
            await client.aclose()


class _Asking:
    """One thought, asked for until it is there."""

    def __init__(
        self,
        client: ProviderClient,
        endpoint: ModelEndpoint,
        adaptations: Adaptations,
        timeouts: Timeouts,
        timeout_s: float,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._adaptations = adaptations
        self._timeout_s = timeout_s
        self._timeouts = replace(timeouts, longest_wait_s=timeout_s)
        self._end = asyncio.get_running_loop().time() + timeout_s
        self._last: ModelError | None = None
        self._must_call = False
        self._tries = self._new_tries()

    def _new_tries(self) -> Tries:
        options: dict[str, Any] = {"temperature": 0.0}
        if self._must_call:
            options["tool_choice"] = "required"
        endpoint = replace(self._endpoint, extra_body={**options, **self._endpoint.extra_body})
        return Tries(endpoint, self._timeouts, self._adaptations)

    async def thought(self, messages: Sequence[Said], tools: Sequence[Tool], *, must_call: bool) -> Thought:
        """Ask, and once more when what came cannot be used."""
        self._must_call = must_call and bool(tools)
        self._tries = self._new_tries()
        thought, fault = await self._once(messages, tools)
        if not fault:
            return thought
        again = [*messages, Said("assistant", thought.text or "…"), Said("user", call_again(fault, tools))]
        second, _ = await self._once(again, tools)
        better = second if second.calls or not thought.calls else thought
        return replace(better, tokens=thought.tokens + second.tokens)

    async def _once(self, messages: Sequence[Said], tools: Sequence[Tool]) -> tuple[Thought, str]:
        """An answer, and what is wrong with it, "" if nothing is."""
        self._tries.begin()
        text, end, tokens = await self._completion(messages, tools)
        as_text = not self._tries.adaptation.takes("tools")
        calls, fault = await self._calls(end, text, tools, anywhere=as_text or self._must_call)
        said = without_thought(text).strip()
        if self._must_call and not calls and not fault:
            fault = "no call"
        return Thought(said, tuple(calls), tokens), fault

    async def _completion(self, messages: Sequence[Said], tools: Sequence[Tool]) -> tuple[str, CompletionEnd, int]:
        tries = self._tries
        while True:
            request = chat_messages(messages, tools, tries.adaptation, must_call=self._must_call)
            offered = tools if tries.adaptation.takes("tools") else ()
            tokens = estimate(request, offered)

            def is_shorter(adapted: Adaptation, asked: int = tokens) -> bool:
                shorter = chat_messages(messages, tools, adapted, must_call=self._must_call)
                return is_notably_less(estimate(shorter, tools if adapted.takes("tools") else ()), asked)

            answer = _Answer()
            try:
                end = await tries.ask(self._client, request, answer, offered)
            except ModelReplyCutError as error:
                if tries.make_room(error, tokens, len(answer.text), is_shorter):
                    continue
                if not self._is_usable(answer.text, tools):
                    raise tries.failed(error) from error
                tries.was_cut()
                return answer.text, CompletionEnd(), tokens + estimate_tokens(answer.text)
            except ModelError as error:
                self._last = error
                if not tries.adapt(error, tokens, is_shorter):
                    await self._pause(error)
            else:
                tries.answered()
                calls = sum(estimate_tokens(call.name + call.arguments) for call in end.calls)
                return answer.text, end, tokens + estimate_tokens(answer.text + end.reasoning) + calls

    def _is_usable(self, text: str, tools: Sequence[Tool]) -> bool:
        """Of an answer that was cut: words where words are wanted, or a whole call before more of them."""
        if tools:
            return bool(written_calls(text, {tool.name for tool in tools}, anywhere=True))
        return bool(without_thought(text).strip()) and len(text) < LONGEST_ANSWER

    async def _pause(self, error: ModelError) -> None:
        """Wait for the next try; raises the error when there is none in time."""
        pause_s = self._tries.pause_s(error)
        if asyncio.get_running_loop().time() + pause_s >= self._end:
            raise self._tries.failed(error)
        await self._timeouts.sleep(pause_s)

    def late(self) -> ModelError:
        """The time is up: for the reason of the last try that failed, else for nothing having come."""
        if self._last is not None and not self._last.permanent:
            return self._last
        late = self._tries.errors.make(ModelTimeoutError, "no thought in time", seconds=round(self._timeout_s))
        return self._tries.failed(late)

    async def _calls(
        self, end: CompletionEnd, text: str, tools: Sequence[Tool], *, anywhere: bool
    ) -> tuple[list[ThoughtCall], str]:
        names = {tool.name for tool in tools}
        if not end.calls:
            found = written_calls(text, names, anywhere=anywhere) if names and text else []
            if names and not found and "{" in text and (anywhere or text.lstrip(" `\n").startswith(("{", "json\n{"))):
                found = await in_thread(written_calls, text, names, anywhere=anywhere, repair=True)
            if not found and self._must_call and len(tools) == 1 and "{" in text:
                alone = await in_thread(bare_arguments, text, tools[0])
                found = [alone] if alone else []
            return _fitting([_numbered(call) for call in found], tools)
        calls = []
        for call in end.calls:
            arguments = await _arguments(call.arguments)
            if arguments is None:
                return [], f"the arguments of {call.name[:60]} are no JSON object"
            calls.append(ThoughtCall(call.id or _new_id(), Action(call.name, arguments)))
        if self._must_call and len(tools) == 1 and not any(call.action.name in names for call in calls):
            return [], f"there is no function {calls[0].action.name[:60]}"
        return _fitting(calls, tools)


class _Answer:
    """Takes the whole text of an answer, thoughts and marks included."""

    def __init__(self) -> None:
        self.text = ""
        self.is_over = False

    @property
    def ends_a_thought(self) -> bool:
        return "</think>" in self.text and "<think>" not in self.text

    def push(self, text: str) -> bool:
        self.text += text
        if len(self.text) > LONGEST_ANSWER:
            raise ReplyTooLongError(f"longer than {LONGEST_ANSWER} characters")
        return True

    def flush(self, *, cut: bool = False) -> None:
        """Nothing was held back."""

    async def drain(self) -> None:
        """Takes everything."""


async def _arguments(text: str) -> Mapping[str, Any] | None:
    """The arguments of a call, mended where they are broken; None when nothing can be read."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        found = await in_thread(written_calls, '{"name": "x", "arguments": ' + text + "}", {"x"}, repair=True)
        return found[0].arguments if found and found[0].arguments else None
    return value if isinstance(value, dict) else None


def _fitting(calls: Sequence[ThoughtCall], tools: Sequence[Tool]) -> tuple[list[ThoughtCall], str]:
    """With the names of arguments that the only tool has; and what it lacks, which no hand would tell the model."""
    if len(tools) != 1:
        return list(calls), ""
    [tool] = tools
    fitting, fault = [], ""
    for call in calls:
        arguments = fitted(call.action.arguments, tool.parameters)
        if lacking := missing(arguments, tool.parameters):
            fault = f"{tool.name} lacks {', '.join(lacking)}"
        fitting.append(replace(call, action=Action(call.action.name, arguments)))
    return fitting, fault


def _numbered(call: WrittenCall) -> ThoughtCall:
    return ThoughtCall(_new_id(), Action(call.name, call.arguments))


def _new_id() -> str:
    return f"call_{uuid4().hex[:12]}"
