"""What a provider says, told apart: the words of real servers, and the error that each stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from neko.errors import (
    ContextTooLongError,
    ModelBadRequestError,
    ModelContentFilteredError,
    ModelError,
    ModelForbiddenError,
    ModelKeyRefusedError,
    ModelLoadingError,
    ModelNotFoundError,
    ModelNotPulledError,
    ModelOutOfCreditError,
    ModelRateLimitedError,
    ModelSchemeError,
    ModelServerError,
    ModelWebPageError,
    ModelWrongPathError,
    NoModelLoadedError,
    ParameterRefusedError,
    PicturesRefusedError,
    ToolsRefusedError,
)
from tests.llm.provider_answers import ASKED, ASKED_MUCH, ASKED_WITH_PICTURE, PAGE, QUESTION, problem, told

KINDS: list[tuple[type[ModelError], Mapping[str, Any], list[tuple[int | None, object]]]] = [
    (
        ContextTooLongError,
        ASKED,
        [
            (
                400,
                problem(
                    "This model's maximum context length is 8192 tokens. However, your messages resulted "
                    "in 9000 tokens. Please reduce the length of the messages."
                ),
            ),
            (
                400,
                problem(
                    "This model's maximum context length is 4097 tokens, however you requested 4231 "
                    "tokens (3975 in your prompt; 256 for the completion). Please reduce your prompt; or "
                    "completion length."
                ),
            ),
            (400, problem("Your input exceeds the context window of this model.")),
            (400, problem("prompt is too long: 213462 tokens > 200000 maximum")),
            (400, problem("The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).")),
            (400, problem("This model's maximum prompt length is 131072 but the request contains 537812 tokens")),
            (400, problem("Please reduce the length of the messages or completion")),
            (400, problem("the request exceeds the available context size, try increasing it")),
            (400, problem("the request exceeds the available context size (4096 tokens), try increasing it")),
            (
                400,
                problem("The number of tokens to keep from the initial prompt is greater than the context length."),
            ),
            (
                400,
                problem(
                    "Trying to keep the first 5120 tokens when context the overflows. However, the model "
                    "is loaded with context length of only 4096 tokens, which is not enough."
                ),
            ),
            (400, problem("prompt token count of 9000 exceeds the limit of 8000")),
            (400, problem("invalid params, context window exceeds limit")),
            (400, problem("Your request exceeded model token limit: 8192 (requested: 9000)")),
            (
                400,
                problem(
                    "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 "
                    "maximum context length"
                ),
            ),
            (400, problem("Range of input length should be [1, 30720]")),
            (400, problem("Prompt exceeds max length")),
            (400, problem("Input is too long for requested model.")),
            (
                400,
                problem(
                    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: "
                    "5000 `inputs` tokens and 512 `max_new_tokens`"
                ),
            ),
            (400, problem("too many tokens: total number of tokens in the prompt cannot exceed 4081")),
            (400, problem("Input tokens exceed the configured limit of 272000 tokens")),
            (400, problem("The prompt (total length 5000) is too long to fit into the model (context length 4096).")),
            (400, problem("context shift is disabled")),
            (400, problem("输入超长")),
            (400, problem("Error code: 400 - context_length_exceeded")),
            (400, problem("Request too large for gpt-4 on tokens per min (TPM): Limit 10000, Requested 12000")),
            (400, problem("The decoder prompt (length 5000) is longer than the maximum model length of 4096.")),
            (413, "<html><head><title>413 Request Entity Too Large</title>"),
            (
                400,
                problem(
                    "the request exceeds", code=400, type="exceed_context_size_error", n_prompt_tokens=4444, n_ctx=4096
                ),
            ),
            (
                400,
                {
                    "error": {
                        "message": "Provider returned error",
                        "code": 400,
                        "metadata": {
                            "raw": (
                                '{"error":{"message":"This model\'s maximum context length is 262144 tokens. However, '
                                'your messages resulted in 262897 tokens."}}'
                            )
                        },
                    }
                },
            ),
        ],
    ),
    (
        ParameterRefusedError,
        ASKED_MUCH,
        [
            (
                400,
                problem(
                    "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                    "'max_completion_tokens' instead."
                ),
            ),
            (
                400,
                problem("Unsupported value: 'temperature' does not support 0.16 with this model. Only the default (1)"),
            ),
            (400, problem("Unrecognized request argument supplied: stream_options")),
            (400, problem("temperature: Extra inputs are not permitted")),
            (400, problem('Invalid JSON payload received. Unknown name "stream_options": Cannot find field.')),
            (400, problem('json: unknown field "enable_thinking"')),
            (400, problem("System role not supported")),
            (400, problem("Conversation roles must alternate user/assistant/user/assistant/...")),
            (400, problem("Developer instruction is not enabled for models/gemma-3-27b-it")),
            (400, problem("Only user and assistant roles are supported!")),
            (400, problem("Only user, assistant and tool roles are supported, got system")),
            (400, problem("max_tokens is too large: 5000. This model supports at most 4096 completion tokens")),
            (
                400,
                problem(
                    "Your organization must be verified to stream this model. Please go to: "
                    "https://platform.openai.com/"
                ),
            ),
            (400, problem("messages with role 'system' are not allowed")),
        ],
    ),
    (
        ParameterRefusedError,
        ASKED,
        [
            (500, problem("got an unexpected keyword argument 'temperature'")),
            (
                500,
                problem(
                    "\n---\nWhile executing CallExpression\nError: Jinja Exception: After the optional "
                    "system message, conversation roles must alternate user and assistant"
                ),
            ),
            (
                422,
                {
                    "detail": [
                        {
                            "type": "extra_forbidden",
                            "loc": ["body", "temperature"],
                            "msg": "Extra inputs are not permitted",
                            "input": 1,
                        }
                    ]
                },
            ),
        ],
    ),
    (
        PicturesRefusedError,
        ASKED_WITH_PICTURE,
        [
            (
                500,
                problem(
                    "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
                ),
            ),
            (
                400,
                problem(
                    "Failed to deserialize the JSON body into the target type: messages[1]: unknown "
                    "variant `image_url`, expected `text`"
                ),
            ),
            (404, problem("No endpoints found that support image input")),
            (400, problem("At most 0 image(s) may be provided in one request.")),
            (400, problem("Model does not support images. Please use a model that does")),
            (400, problem("Invalid content type. image_url is only supported by certain models.")),
            (422, problem("messages.1.content: Input should be a valid string")),
            (
                400,
                problem(
                    "json: cannot unmarshal array into Go struct field ChatMessage.messages.content of type string"
                ),
            ),
            (400, problem("gpt-x is not a multimodal model")),
            (400, problem("The provided model is not a vision model")),
        ],
    ),
    (
        ToolsRefusedError,
        ASKED,
        [
            (400, problem("gpt-x does not support tools")),
        ],
    ),
    (
        ModelOutOfCreditError,
        ASKED,
        [
            (402, problem("x")),
            (429, problem("You exceeded your current quota, please check your plan and billing details.")),
            (None, problem("账户余额不足，请充值")),
            (400, problem("Your credit balance is too low to access the Anthropic API.")),
            (403, problem("用户额度不足, 剩余额度: ¥0")),
            (400, problem("Access denied, please make sure your account is in good standing.")),
            (402, problem("This request requires more credits, or fewer max_tokens")),
            (403, problem("insufficient_user_quota")),
            (None, problem("Insufficient Balance")),
            (429, problem("Your team has either used all available credits or reached its monthly spending limit")),
            (None, {"code": 1113, "msg": "账户余额不足，请充值", "success": False}),
            (None, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}),
        ],
    ),
    (
        ModelKeyRefusedError,
        ASKED,
        [
            (401, "x"),
            (None, problem("Incorrect API key provided: sk-ab***yz", code="invalid_api_key")),
            (
                None,
                {
                    "base_resp": {
                        "status_code": 1004,
                        "status_msg": (
                            "login fail: Please carry the API secret key in the 'Authorization' field of the "
                            "request header"
                        ),
                    }
                },
            ),
            (None, {"error": "Unauthorized"}),
            (403, problem("Forbidden")),
            (400, problem("API key not valid. Please pass a valid API key.")),
            (None, {"code": 401, "message": "无效的令牌"}),
            (None, problem("User not found.", code=401)),
            (401, problem("No auth credentials found")),
            (
                400,
                [
                    {
                        "error": {
                            "code": 400,
                            "message": "API key not valid. Please pass a valid API key.",
                            "status": "INVALID_ARGUMENT",
                            "details": [{"@type": "x", "reason": "API_KEY_INVALID"}],
                        }
                    }
                ],
            ),
        ],
    ),
    (
        ModelLoadingError,
        ASKED,
        [
            (503, problem("Loading model", code=503, type="unavailable_error")),
            (503, {"error": "Model gpt-x is currently loading", "estimated_time": 20.0}),
            (None, problem("Loading model", code=503)),
            (503, problem("model is loading")),
            (500, problem("The model is still loading, try later")),
        ],
    ),
    (
        ModelRateLimitedError,
        ASKED,
        [
            (429, problem("Rate limit reached")),
            (None, problem("Rate limit reached", code="rate_limit_exceeded")),
            (None, {"base_resp": {"status_code": 1002, "status_msg": "rate limit exceeded(RPM)"}}),
            (None, problem("当前请求过多，请稍后再试", code="1305")),
            (
                429,
                [
                    {
                        "error": {
                            "code": 429,
                            "message": "You exceeded your current quota, please check your plan and billing",
                            "details": [{"retryDelay": "34.5s"}],
                        }
                    }
                ],
            ),
        ],
    ),
    (
        ModelContentFilteredError,
        ASKED,
        [
            (
                400,
                problem(
                    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
                ),
            ),
            (400, problem("Input data may contain inappropriate content.")),
            (400, problem("系统检测到输入或生成内容可能包含不安全或敏感内容")),
            (403, problem('gpt-x requires moderation on OpenAI. Your input was flagged for "violence".')),
            (None, problem("Content Exists Risk: content_filter")),
            (400, problem("Invalid prompt: your prompt was flagged as potentially violating our usage policy.")),
        ],
    ),
    (
        ModelNotFoundError,
        ASKED,
        [
            (404, problem("The model `gpt-x` does not exist or you do not have access to it.")),
            (400, problem("Model Not Exist")),
            (404, problem("model 'gpt-x' not found")),
            (404, problem("models/gpt-x is not found for API version v1main")),
            (404, problem("The API deployment for this resource does not exist. DeploymentNotFound")),
            (503, problem("当前分组 default 下对于模型 gpt-x 无可用渠道")),
            (400, problem("gpt-x is not a valid model ID")),
            (None, problem("Unknown Model, please check the model code.")),
            (404, problem("No endpoints found for gpt-x.")),
            (400, problem("Invalid model: gpt-x")),
        ],
    ),
    (
        ModelNotPulledError,
        ASKED,
        [
            (404, problem("model 'gpt-x' not found, try pulling it first")),
        ],
    ),
    (
        NoModelLoadedError,
        ASKED,
        [
            (
                400,
                problem("No models loaded. Please load a model in the developer page or use the `lms load` command."),
            ),
            (404, {"error": "No models loaded. Please load a model"}),
        ],
    ),
    (
        ModelWrongPathError,
        ASKED,
        [
            (404, ""),
            (404, {"detail": "Not Found"}),
            (404, "404 page not found"),
            (404, "<html><title>404 Not Found</title>"),
            (405, {"detail": "Method Not Allowed"}),
            (404, problem("Invalid URL (POST /v1/v1/chat/completions)")),
            (404, {"statusCode": 404, "error": "Not Found", "message": "Cannot POST /chat/completions"}),
            (404, problem("File Not Found", code=404, type="not_found_error")),
            (404, {"error": "Unexpected endpoint or method. (POST /chat/completions)"}),
        ],
    ),
    (
        ModelWebPageError,
        ASKED,
        [
            (403, PAGE),
            (401, PAGE),
        ],
    ),
    (
        ModelSchemeError,
        ASKED,
        [
            (400, "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title>"),
            (400, "Client sent an HTTP request to an HTTPS server."),
            (400, "<html><title>400 Bad Request</title><p>You're speaking plain HTTP to an SSL-enabled server port."),
        ],
    ),
    (
        ModelServerError,
        ASKED,
        [
            (502, "<html><body><h1>502 Bad Gateway</h1>nginx"),
            (500, problem("x")),
            (None, {"detail": "Model worker is not available"}),
            (None, problem("Provider disconnected unexpectedly", code="server_error")),
            (504, ""),
            (529, problem("Overloaded", type="overloaded_error")),
            (None, "boom"),
            (503, ""),
        ],
    ),
    (
        ModelForbiddenError,
        ASKED,
        [
            (403, problem("Country, region, or territory not supported", code="unsupported_country_region_territory")),
        ],
    ),
    (
        ModelBadRequestError,
        ASKED,
        [
            (
                400,
                problem(
                    ("Your account must accept the terms of this model at https://example.com/terms before use"),
                    code="terms_not_accepted",
                ),
            ),
            (400, problem("Bad key http://user:pass@h/x SECRETKEY sk-abcdefgh12345")),
        ],
    ),
]
ANSWERS = [
    pytest.param(kind, request, status, body, id=f"{kind.__name__}-{number}")
    for kind, request, answers in KINDS
    for number, (status, body) in enumerate(answers)
]


@pytest.mark.parametrize(("kind", "request_", "status", "body"), ANSWERS)
def test_words_of_real_servers_are_understood(
    kind: type[ModelError], request_: Mapping[str, Any], status: int | None, body: object
) -> None:
    error = told(status, body, request_)
    assert type(error) is kind
    assert (error.params["model"], error.params["provider"]) == ("gpt-x", "OpenAI")


@pytest.mark.parametrize(("kind", "request_", "status", "body"), ANSWERS)
def test_the_same_words_inside_a_good_answer_mean_the_same(
    kind: type[ModelError], request_: Mapping[str, Any], status: int | None, body: object
) -> None:
    """Gateways answer 200 and put the status inside."""
    assert type(told(None, {"status": status, "error": body}, request_)) is kind


SYSTEM = {**ASKED, "messages": [{"role": "system", "content": "You are Mio"}, QUESTION]}
Row = tuple[type[ModelError], int | None, object]
ROWS: dict[str, Row] = {
    "m_tabby": (NoModelLoadedError, 400, {"detail": "No models are currently loaded."}),
    "m_tabby-503": (NoModelLoadedError, 503, {"detail": "No model has been loaded"}),
    "loading_llamaswap": (
        ModelLoadingError,
        502,
        "unable to start process: upstream command not ready yet, model loading",
    ),
    "loading-being-loaded": (ModelLoadingError, 503, problem("Model gpt-x is currently being loaded")),
    "loading-not-yet": (ModelLoadingError, 503, problem("The model is not loaded yet")),
    "loading-chinese": (ModelLoadingError, 503, problem("模型正在加载中，请稍候")),
    "stream_422": (ParameterRefusedError, 422, {"detail": "Streaming is not supported by this deployment"}),
    "stream_bedrock": (ParameterRefusedError, 400, {"message": "The model is unsupported for streaming"}),
    "stream_501": (ParameterRefusedError, 501, {"error": "stream=true is not implemented"}),
    "stream-cannot": (ParameterRefusedError, 400, problem("This model can't be streamed")),
    "stream-with-this-model": (ParameterRefusedError, 400, problem("Streaming with this model is not supported")),
    "stream-chinese": (ParameterRefusedError, 400, problem("该模型不支持流式输出")),
    "ctx_tabby": (ContextTooLongError, 400, {"detail": "Prompt length 5120 is greater than max_seq_len 4096"}),
    "ctx_zhipu": (ContextTooLongError, 400, problem("Prompt 超长")),
    "ctx-larger": (ContextTooLongError, 400, problem("input has 9000 tokens, which is more than the 8192 it takes")),
    "sys_zh": (ParameterRefusedError, 400, problem("messages 参数非法：不支持 system 角色", code="1214")),
    "sys_validation": (
        ParameterRefusedError,
        422,
        {
            "detail": [
                {"loc": ["body", "messages", 0, "role"], "msg": "unexpected value; permitted: 'user', 'assistant'"}
            ]
        },
    ),
    "sys-by-its-place": (
        ParameterRefusedError,
        400,
        problem("Invalid value", param="messages[0].role"),
    ),
    "f_openrouter_mod": (
        ModelContentFilteredError,
        403,
        problem('gpt-x requires moderation. Your input was flagged for "sexual". No credits were charged.'),
    ),
    "f_minimax_sse": (
        ModelContentFilteredError,
        None,
        {"choices": None, "base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}},
    ),
    "f_gemini_block": (ModelContentFilteredError, None, {"promptFeedback": {"blockReason": "OTHER"}}),
    "f_deepseek": (ModelContentFilteredError, 400, problem("Content Exists Risk", code="invalid_request_error")),
    "mem_ollama": (
        ModelBadRequestError,
        500,
        problem("model requires more system memory (8.4 GiB) than is available (3.2 GiB)", type="api_error"),
    ),
    "mem-cuda": (ModelBadRequestError, 500, problem("CUDA error: out of memory")),
    "p_lmstudio_200": (
        ModelWrongPathError,
        None,
        {"error": "Unexpected endpoint or method. (POST /chat/completions)"},
    ),
}


@pytest.mark.parametrize(("kind", "status", "body"), ROWS.values(), ids=ROWS)
def test_more_words_of_real_servers_are_understood(kind: type[ModelError], status: int | None, body: object) -> None:
    assert type(told(status, body, SYSTEM)) is kind


AT_CONTENT = {
    "img_zhipu": (400, problem("messages.content.type 参数非法，取值范围 ['text']", code="1210")),
    "img_pydantic": (
        422,
        {"detail": [{"loc": ["body", "messages", 1, "content"], "msg": "Input should be a valid string"}]},
    ),
    "img-pydantic-union": (422, {"detail": [{"loc": ["body", "messages", 1, "content", "str"], "msg": "Bad type"}]}),
    "img-openai": (400, problem("Invalid value: 'x'.", param="messages[1].content[1].type")),
}


@pytest.mark.parametrize(("status", "body"), AT_CONTENT.values(), ids=AT_CONTENT)
def test_a_fault_of_a_content_with_pictures_is_the_pictures(status: int, body: object) -> None:
    assert type(told(status, body, ASKED_WITH_PICTURE)) is PicturesRefusedError
    assert type(told(status, body)) is not PicturesRefusedError
