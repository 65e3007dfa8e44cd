"""What an error says beside its kind: the parameter, the limit, the sentence, and no secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.errors import (
    ContextTooLongError,
    ModelContentFilteredError,
    ModelError,
    ModelReplyCutError,
    ModelServerError,
    ParameterRefusedError,
)
from neko.providers.error_body import LONGEST_SAID, read_error
from tests.llm.provider_answers import ASKED_MUCH, ERRORS, problem, told

NEEDED = {
    "max_needed": ({"type": "error", "error": {"message": "max_tokens: Field required"}}, "max_tokens"),
    "max_needed_422": (
        {"detail": [{"type": "missing", "loc": ["body", "max_tokens"], "msg": "Field required"}]},
        "max_tokens",
    ),
    "max-missing": (problem("Missing required parameter: 'max_completion_tokens'."), "max_completion_tokens"),
    "max-chinese": (problem("缺少参数 max_tokens"), "max_tokens"),
    "top_p_needed": ({"message": "temperature and top_p: `top_p` must be specified", "type": "bad"}, "top_p"),
}


@pytest.mark.parametrize(("body", "name"), NEEDED.values(), ids=NEEDED)
@pytest.mark.parametrize("status", [400, 422, None])
def test_what_a_server_insists_on_is_named(body: object, name: str, status: int | None) -> None:
    error = told(status, body)
    assert isinstance(error, ParameterRefusedError)
    assert (error.parameter, error.is_missing) == (name, True)


def test_what_is_sent_and_refused_is_not_insisted_on() -> None:
    error = told(400, problem("max_tokens must be set to less than 100"), ASKED_MUCH)
    assert isinstance(error, ParameterRefusedError)
    assert (error.parameter, error.is_missing) == ("max_tokens", False)


FINISHES: dict[str, type[ModelError] | None] = {
    "content_filter: SAFETY": ModelContentFilteredError,
    "contentFilter": ModelContentFilteredError,
    "content-filter": ModelContentFilteredError,
    "FinishReason.SAFETY": ModelContentFilteredError,
    "FINISH_REASON_MAX_TOKENS": ModelReplyCutError,
    "length (2048 tokens)": ModelReplyCutError,
    "MaxTokens": ModelReplyCutError,
    "error: upstream closed": ModelServerError,
    "stop": None,
    "stop_sequence": None,
    "end_turn": None,
    "languages": None,
    "": None,
}


@pytest.mark.parametrize(("reason", "kind"), FINISHES.items())
def test_the_first_word_of_a_reason_counts_fr_filter_colon(reason: str, kind: type[ModelError] | None) -> None:
    error = ERRORS.from_finish(reason)
    assert (type(error) if error else None) is kind


LIMITS = {
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.": 8192,
    "maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages)": 4096,
    "prompt is too long: 213462 tokens > 200000 maximum": 200000,
    "context length of only 4096 tokens, which is not enough. (first 5120 tokens)": 4096,
    "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).": 1048575,
    "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length": 32768,
    "Range of input length should be [1, 30720]": 30720,
    "`inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000 `inputs` tokens": 4097,
    "This model's maximum prompt length is 131,072 but the request contains 537812 tokens": 131072,
    "Prompt length 5120 is greater than max_seq_len 4096": 4096,
    "Your input exceeds the context window of this model.": None,
}


@pytest.mark.parametrize(("words", "limit"), LIMITS.items())
def test_the_limit_of_a_context_is_read_from_the_words(words: str, limit: int | None) -> None:
    error = told(400, problem(words))
    assert isinstance(error, ContextTooLongError)
    assert error.limit == limit


PARAMETERS = {
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'.": "max_tokens",
    "Unsupported value: 'temperature' does not support 0.16 with this model. Only the default (1)": "temperature",
    "Unrecognized request argument supplied: stream_options": "stream_options",
    "temperature: Extra inputs are not permitted": "temperature",
    "Your organization must be verified to stream this model.": "stream",
    "System role not supported": "system",
    "Streaming is not supported by this deployment": "stream",
    "Conversation roles must alternate user/assistant/user/assistant/...": "roles",
}


@pytest.mark.parametrize(("words", "parameter"), PARAMETERS.items())
def test_the_refused_parameter_is_named(words: str, parameter: str) -> None:
    error = told(400, problem(words), ASKED_MUCH)
    assert isinstance(error, ParameterRefusedError)
    assert error.parameter == parameter


@pytest.mark.parametrize(
    "body",
    [
        problem("Pay attention"),
        {"error": "Pay attention"},
        {"error": ["Pay attention"]},
        {"errors": [{"code": 7, "message": "Pay attention"}]},
        {"detail": "Pay attention"},
        {"detail": [{"loc": ["body"], "msg": "Pay attention", "input": {"messages": "the user's words"}}]},
        {"message": "Pay attention", "messages": "the user's words"},
        {"code": 1, "msg": "Pay attention"},
        {"error_msg": "Pay attention", "error_code": 17},
        {"base_resp": {"status_code": 1004, "status_msg": "Pay attention"}},
        {"object": "error", "message": "Pay attention", "type": "x", "code": 400},
        {"type": "error", "error": {"type": "x_error", "message": "Pay attention"}},
        {"ResponseMetadata": {"Error": {"Code": "X", "Message": "Pay attention"}}},
        {"header": {"code": 10013, "message": "Pay attention"}},
        [{"error": {"code": 400, "message": "Pay attention", "status": "INVALID"}}],
        problem('{"error": {"message": "Pay attention"}}'),
        "Pay\n attention",
        "<html><title>Pay  attention</title><body>much</body></html>",
        "<?xml version='1.0'?><Error><Message>Pay attention</Message></Error>",
    ],
)
def test_the_sentence_is_found_in_any_shape(body: object) -> None:
    assert read_error(body).said == "Pay attention"


@pytest.mark.parametrize(
    "secret", ["SECRETKEY", "sk-abcdefgh12345", "user:pass@", "Bearer abc.def", "0123456789abcdef0123456789abcdef"]
)
def test_no_secret_is_repeated(secret: str) -> None:
    error = told(400, problem(f"Bad key at https://{secret if '@' in secret else secret + '/'}host/v1, try again"))
    assert secret.rstrip("@") not in f"{error} {error.params} {error.said}"
    assert "try again" in error.said


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["error", "message", "code", "detail", "x"]) | st.text(max_size=5), inner)
    ),
    max_leaves=12,
)


@given(st.none() | st.integers(300, 599), JSON)
def test_any_body_becomes_an_error_that_can_be_shown(status: int | None, body: object) -> None:
    error = told(status, body)
    assert isinstance(error, ModelError)
    assert len(error.said) <= LONGEST_SAID
    assert error.said.isprintable()
