"""What a server refuses once is left out or folded, asked again in the same turn, and remembered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neko.errors import ParameterRefusedError
from neko.llm.client import Timeouts
from neko.llm.complete_once import complete_once
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models.chat import ChatSession
from neko.tasks import TaskOwner
from neko.types.model_session import ReplyDone, SessionSetup, TextDelta, Tool, ToolCall, ToolResult, UserMessage
from tests.client import is_turn_end
from tests.field.chat_talk import chat_talk
from tests.field.hostile_provider import DONE, HostileProvider, Raw, chunk, completion, event, problem, reply, whole
from tests.field.talk import Talk, talking, told
from tests.scripted_provider import Request

Body = Mapping[str, Any]
TEA = "The tea is ready."


@dataclass(frozen=True, slots=True)
class Picky:
    """A refusal in a real server's words, of requests that are of a certain form."""

    refuses: Callable[[Body], bool]
    words: Any
    status: int = 400

    def __call__(self, body: Body) -> Raw | None:
        return whole(self.words, self.status) if self.refuses(body) else None


def has_system(body: Body) -> bool:
    return any(message["role"] == "system" for message in body["messages"])


def has_picture(body: Body) -> bool:
    return any(isinstance(message["content"], list) for message in body["messages"])


def sends(name: str) -> Callable[[Body], bool]:
    return lambda body: name in body


def lacks(name: str) -> Callable[[Body], bool]:
    return lambda body: name not in body


def streams(body: Body) -> bool:
    return bool(body.get("stream"))


JINJA = "Conversation roles must alternate user/assistant/user/assistant/..."
FORM: dict[str, Picky] = {
    "C3-stream-account": Picky(
        streams,
        problem("Your organization must be verified to stream this model.", "unsupported_value", param="stream"),
    ),
    "C3-stream-model": Picky(
        streams,
        problem("Unsupported value: 'stream' does not support true with this model.", "unsupported_value"),
    ),
    "C3-stream-detail": Picky(streams, {"detail": "stream is not supported for this deployment"}, 422),
    "C3-temperature-default": Picky(
        sends("temperature"),
        problem(
            "Unsupported value: 'temperature' does not support 1.0 with this model. Only the default (1) value is "
            "supported.",
            "unsupported_value",
            param="temperature",
        ),
    ),
    "C3-temperature-one-value": Picky(
        sends("temperature"), problem("invalid temperature: only 0.6 is allowed for this model")
    ),
    "C3-temperature-pydantic": Picky(
        sends("temperature"),
        {
            "detail": [
                {"type": "extra_forbidden", "loc": ["body", "temperature"], "msg": "Extra inputs are not permitted"}
            ]
        },
        422,
    ),
    "C3-system-vllm": Picky(
        has_system,
        {"object": "error", "message": "System role not supported", "type": "BadRequestError", "code": 400},
    ),
    "C3-system-google": Picky(
        has_system, [{"error": {"code": 400, "message": "Developer instruction is not enabled for models/m"}}]
    ),
    "C3-system-o1": Picky(
        has_system,
        problem(
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
            "unsupported_value",
            param="messages[0].role",
        ),
    ),
    "C3-stream_422": Picky(streams, {"detail": "Streaming is not supported by this deployment"}, 422),
    "C3-stream_bedrock": Picky(streams, {"message": "The model is unsupported for streaming"}),
    "C3-stream_501": Picky(streams, {"error": "stream=true is not implemented"}, 501),
    "C3-sys_zh": Picky(has_system, {"error": {"code": "1214", "message": "messages 参数非法：不支持 system 角色"}}),
    "C3-sys_validation": Picky(
        has_system,
        {
            "detail": [
                {"loc": ["body", "messages", 0, "role"], "msg": "unexpected value; permitted: 'user', 'assistant'"}
            ]
        },
        422,
    ),
    "C3-roles-jinja-500": Picky(has_system, {"error": {"code": 500, "message": JINJA, "type": "server_error"}}, 500),
    "C3-roles-vllm": Picky(has_system, {"object": "error", "message": f"{JINJA} {JINJA}", "code": 400}),
    "C3-roles-supported": Picky(has_system, problem("Only user and assistant roles are supported!")),
}


NEEDED: dict[str, Picky] = {
    "C3-max_needed": Picky(
        lacks("max_tokens"), {"type": "error", "error": problem("max_tokens: Field required")["error"]}
    ),
    "C3-max_needed_422": Picky(
        lacks("max_tokens"),
        {"detail": [{"type": "missing", "loc": ["body", "max_tokens"], "msg": "Field required"}]},
        422,
    ),
    "C3-top_p_needed": Picky(
        lacks("top_p"), {"message": "temperature and top_p: `top_p` must be specified", "type": "bad"}
    ),
}
"""Fields that are sent where they are insisted on. No server insists on what it refuses."""


def refusing(*picky: Picky, text: str = TEA) -> Callable[[Request], Raw]:
    """A server that answers what none of these refuse, in one piece where no stream is asked for."""

    def answer(request: Request) -> Raw:
        body = request.json
        refusals = (refused for one in picky if (refused := one(body)) is not None)
        good = reply(*text) if body.get("stream") else whole(completion(text))
        return next(refusals, good)

    return answer


@pytest.mark.parametrize("picky", (FORM | NEEDED).values(), ids=FORM | NEEDED)
@pytest.mark.few(8)
async def test_what_is_refused_is_not_asked_for_again(talk: Talk, picky: Picky) -> None:
    talk.provider.answers = [refusing(picky)]
    first = await talk.say("Hello")
    assert (first.text, told(first), first.requests) == (TEA, [], 2)
    assert first.is_complete
    second = await talk.say("And now?")
    assert (second.text, told(second), second.requests) == (TEA, [], 1)
    sent = talk.provider.chats[-1].json
    words = json.dumps(sent["messages"], ensure_ascii=False)
    assert "You are Mio" in words
    assert "And now?" in words
    assert [line["text"] for line in await talk.history()] == ["Hello", TEA, "And now?", TEA]


async def test_it_is_remembered_for_the_server_and_not_for_another_model_C3(talk: Talk) -> None:
    talk.provider.answers = [refusing(FORM["C3-system-vllm"])]
    await talk.say("Hello")
    async with talking(talk.server, talk.provider) as again:
        assert (await again.say("Me again")).requests == 1
    async with talking(talk.server, talk.provider, "another") as other:
        assert (await other.say("Who are you?")).requests == 2


@pytest.mark.parametrize(
    "words",
    [
        problem("Your account must accept the terms of this model", "terms_not_accepted"),
        problem("Invalid request"),
        {"detail": "the input was not understood"},
        problem("Unsupported parameter: 'logit_bias'", param="logit_bias"),
    ],
    ids=["C6-terms", "C6-nothing", "C6-detail", "C6-not-sent"],
)
async def test_a_refusal_that_names_nothing_of_the_request_is_told_and_not_guessed_at(talk: Talk, words: Any) -> None:
    talk.provider.answers = [whole(words, 400)]
    outcome = await talk.say()
    assert outcome.requests == 1
    assert [status["level"] for status in outcome.told] == ["error"]


async def test_a_server_that_refuses_everything_is_asked_a_bounded_number_of_times_C3(talk: Talk) -> None:
    def everything(request: Request) -> Raw:
        names = [name for name in ("temperature", "stream") if name in request.json]
        return whole(problem(f"Unsupported parameter: {(names or ['system role not supported'])[0]}"), 400)

    talk.provider.answers = [everything]
    outcome = await talk.say()
    assert outcome.requests == 4
    assert [status["level"] for status in outcome.told] == ["error"]


async def test_a_server_that_refuses_something_else_each_time_is_asked_a_bounded_number_of_times_C3(
    data_dir: Path, hostile: HostileProvider
) -> None:
    extra = {f"option_{letter}": 1 for letter in "abcdefghijklmnopqrst"}

    def another(request: Request) -> Raw:
        name = next(name for name in request.json if name.startswith("option_"))
        return whole(problem(f"Unrecognized request argument supplied: {name}", param=name), 400)

    hostile.answers = [another]
    async with chat_talk(data_dir, hostile, extra_body=extra) as talk:
        outcome = await talk.say()
        assert outcome.requests == 1 + 12
        assert [status["level"] for status in outcome.told] == ["error"]
    endpoint = ModelEndpoint("conversation", "custom", "Picky", hostile.base_url, "m", "k", extra)
    before = len(hostile.chats)
    with pytest.raises(ParameterRefusedError):
        await complete_once(Network(), endpoint, "Say hello.")
    assert len(hostile.chats) - before == 1 + 12


async def test_it_is_remembered_although_the_reply_was_stopped_C3(talk: Talk) -> None:
    picky = FORM["C3-system-vllm"]
    never = asyncio.Event()

    def answer(request: Request) -> Raw:
        async def before(number: int) -> None:
            if number == 1:
                await never.wait()

        good = Raw([event(chunk({"content": TEA})), event(chunk({}, "stop"))], before=before)
        return picky(request.json) or good

    talk.provider.answers = [answer]
    await talk.page.say("Hello")
    await talk.page.until("gemini_response")
    await talk.page.send("stop_reply")
    await talk.page.until(is_turn_end)
    talk.provider.answers = [refusing(picky)]
    assert (await talk.say("And now?")).requests == 1


# ── more than one thing at once ─────────────────────────────────────────────────────────

WEATHER = Tool("weather", "The weather.", {"type": "object", "properties": {}})


@asynccontextmanager
async def session(
    provider: HostileProvider, *tools: Tool, extra_body: Mapping[str, Any] | None = None
) -> AsyncIterator[ChatSession]:
    endpoint = ModelEndpoint("conversation", "custom", "Picky", provider.base_url, "m", "k", extra_body or {})
    async with TaskOwner("test") as owner:
        chat = ChatSession(endpoint, None, owner=owner, network=Network(), timeouts=Timeouts(back_off_s=()))
        await chat.open(SessionSetup("Mio", "Sam", "You are Mio.", "en", tools=tools))
        yield chat
        await chat.aclose()


async def said(chat: ChatSession, text: str, reply_id: str) -> str:
    """The reply to ``text``; every call of a tool is answered with "sunny"."""
    await chat.send(UserMessage(reply_id, text))
    words: list[str] = []
    async with asyncio.timeout(10):
        async for heard in chat.events():
            match heard:
                case TextDelta():
                    words.append(heard.text)
                case ToolCall():
                    await chat.send(ToolResult(heard.call_id, "sunny"))
                case ReplyDone():
                    assert heard.reason == "complete", heard.error
                    break
    return "".join(words)


EXTRA = {"max_tokens": 500, "enable_thinking": False}
MORE: dict[str, Picky] = {
    **FORM,
    "max-tokens-name": Picky(
        sends("max_tokens"),
        problem(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'.",
            "unsupported_parameter",
            param="max_tokens",
        ),
    ),
    "unknown-argument": Picky(
        sends("enable_thinking"), problem("Unrecognized request argument supplied: enable_thinking")
    ),
    "unknown-name": Picky(
        sends("enable_thinking"),
        [
            {
                "error": {
                    "code": 400,
                    "message": 'Invalid JSON payload received. Unknown name "enable_thinking": Cannot find field.',
                }
            }
        ],
    ),
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.sets(st.sampled_from(sorted(MORE)), max_size=8))
def test_any_of_them_together_are_adapted_to(names: set[str]) -> None:
    async def test() -> None:
        async with HostileProvider() as provider, session(provider, extra_body=EXTRA) as chat:
            provider.answers = [refusing(*(MORE[name] for name in names))]
            assert await said(chat, "Hello", "a") == TEA
            asked = len(provider.chats)
            assert asked <= 1 + len(names)
            assert await said(chat, "And now?", "b") == TEA
            assert len(provider.chats) == asked + 1
            last = provider.chats[-1].json
            assert ("max_completion_tokens" in last) == ("max-tokens-name" in names)

    asyncio.run(test())


# ── messages of tools ───────────────────────────────────────────────────────────────────


def is_empty(body: Body) -> bool:
    return not all(message.get("content") for message in body["messages"])


def thinks(body: Body) -> bool:
    return any("reasoning_content" in message for message in body["messages"])


MESSAGES: dict[str, Picky] = {
    "empty-ollama": Picky(is_empty, problem("invalid message content type: <nil>")),
    "empty-openai": Picky(is_empty, problem("Invalid value for 'content': expected a string, got null.")),
    "empty-lmstudio": Picky(
        is_empty, {"error": "Invalid 'content': 'content' field must be a string or an array of objects."}
    ),
    "empty-anthropic": Picky(is_empty, problem("messages.2: all messages must have non-empty content")),
    "empty-bedrock": Picky(is_empty, problem("The content field in the Message object at messages.2 is empty.")),
    "fields-groq": Picky(
        thinks,
        problem(
            "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property "
            "'reasoning_content' is unsupported)]"
        ),
    ),
    "fields-mistral": Picky(
        thinks,
        {
            "detail": [
                {
                    "type": "extra_forbidden",
                    "loc": ["body", "messages", 2, "assistant", "reasoning_content"],
                    "msg": "Extra inputs are not permitted",
                }
            ]
        },
        422,
    ),
    "tools-llama.cpp": Picky(
        sends("tools"), {"error": {"code": 500, "message": "tools param requires --jinja flag"}}, 500
    ),
}


@pytest.mark.parametrize("picky", MESSAGES.values(), ids=MESSAGES)
async def test_the_messages_of_tools_are_written_as_the_server_takes_them(
    hostile: HostileProvider, picky: Picky
) -> None:
    good = refusing(picky)
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    thought = chunk({"role": "assistant", "content": None, "reasoning_content": "Let me look.", "tool_calls": [call]})
    hostile.answers = [Raw([event(thought), event(chunk({}, "tool_calls")), DONE]), good]
    if "tools" in str(picky.words):
        hostile.answers = [good]
    async with session(hostile, WEATHER) as chat:
        assert (await said(chat, "What is the weather?", "a")).strip() == TEA
        asked = len(hostile.chats)
        assert asked <= 3
        assert await said(chat, "And now?", "b") == TEA
        assert len(hostile.chats) == asked + 1


# ── pictures ────────────────────────────────────────────────────────────────────────────

SIGHT: dict[str, Picky] = {
    "C2-img_zhipu": Picky(
        has_picture, {"error": {"code": "1210", "message": "messages.content.type 参数非法，取值范围 ['text']"}}
    ),
    "C2-img_pydantic": Picky(
        has_picture,
        {
            "detail": [
                {
                    "type": "string_type",
                    "loc": ["body", "messages", 1, "content"],
                    "msg": "Input should be a valid string",
                }
            ]
        },
        422,
    ),
    "C5-llama.cpp": Picky(
        has_picture,
        {
            "error": {
                "code": 500,
                "type": "server_error",
                "message": "image input is not supported - hint: you may need to provide the mmproj",
            }
        },
        500,
    ),
    "C5-deepseek": Picky(
        has_picture,
        problem(
            "Failed to deserialize the JSON body into the target type: messages[1]: unknown variant `image_url`, "
            "expected `text`"
        ),
    ),
    "C5-openrouter": Picky(has_picture, problem("No endpoints found that support image input", 404), 404),
    "C5-string-only": Picky(has_picture, problem("messages[1].content must be a string")),
    "C5-vllm": Picky(has_picture, {"object": "error", "message": "m is not a multimodal model", "code": 400}),
}


@pytest.mark.parametrize("picky", SIGHT.values(), ids=SIGHT)
async def test_a_model_without_eyes_answers_the_words_and_this_is_told(talk: Talk, picky: Picky) -> None:
    talk.provider.answers = [refusing(picky)]
    first = await talk.say("What is this?", images=1)
    assert (first.text, first.requests) == (TEA, 2)
    assert [(status["code"], status["level"]) for status in first.told] == [("model_pictures_refused", "info")]
    again = await talk.say("And this?", images=1)
    assert (again.text, again.requests, told(again)) == (TEA, 1, ["model_pictures_refused"])
    words = await talk.say("Never mind.")
    assert (words.text, words.requests, told(words)) == (TEA, 1, [])
    assert [line["text"] for line in await talk.history() if line["role"] == "assistant"] == [TEA] * 3


@pytest.mark.parametrize(
    ("words", "said"),
    [("What is this?", "did not reach you"), ("これは何?", "届いていません"), ("이게 뭐야?", "닿지 않았습니다")],
)
async def test_a_model_without_eyes_is_told_so_in_the_language_of_the_words(talk: Talk, words: str, said: str) -> None:
    talk.provider.answers = [refusing(SIGHT["C5-string-only"])]
    await talk.say(words, images=1)
    [asked] = [message["content"] for message in talk.provider.chats[-1].json["messages"] if message["role"] == "user"]
    assert words in asked
    assert said in asked
