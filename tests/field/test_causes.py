"""What went wrong is told: each cause in its own words with its own remedy, and what cannot help is not tried again."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neko.net
from neko.providers.error_body import without_key
from neko.settings import ASSETS
from tests.conftest import RunningServer
from tests.field.hostile_provider import (
    DONE,
    HostileProvider,
    Raw,
    chunk,
    completion,
    deltas,
    event,
    problem,
    reply,
    whole,
)
from tests.field.talk import Talk

PAGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"
LM_STUDIO = (
    "Trying to keep the first 5120 tokens when context the overflows. However, the model is loaded with context "
    "length of only 4096 tokens, which is not enough."
)
TERMS = "Your account must accept the terms of this model at https://example.com/terms before use"
STOP = event(chunk({}, "stop"))
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

PERMANENT: dict[str, tuple[Raw, str, str]] = {
    "A22-error-event": (
        Raw([b"event: error\n" + event({"error": LM_STUDIO})]),
        "model_context_too_long",
        "only 4096 tokens",
    ),
    "A22-error-field": (
        Raw([b'error: {"code":500,"message":"context shift is disabled"}\n\n']),
        "model_context_too_long",
        "context shift",
    ),
    "A22-error-event-of-words": (
        Raw([b"event: error\ndata: The prompt is too long: 9000 tokens\n\n"]),
        "model_context_too_long",
        "too long",
    ),
    "A24-key-in-200": (
        whole(problem("Incorrect API key provided: sk-ab***yz", "invalid_api_key")),
        "model_refused_key",
        "Incorrect API key",
    ),
    "A24-credit-in-200": (
        whole({"code": 1113, "msg": "账户余额不足，请充值", "success": False}),
        "model_out_of_credit",
        "账户余额不足",
    ),
    "A24-credit-in-a-stream": (
        Raw([event({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}})]),
        "model_out_of_credit",
        "insufficient balance",
    ),
    "A24-key-in-words": (whole({"error": "Unauthorized"}), "model_refused_key", "Unauthorized"),
    "A24-model-in-200": (
        whole({"object": "error", "message": "The model `m` does not exist.", "code": 40401}),
        "model_not_found",
        "not exist",
    ),
    "A24-list-of-errors": (
        whole({"errors": [{"code": 10000, "message": "Authentication error"}], "success": False}),
        "model_refused_key",
        "Authentication error",
    ),
    "A26-html-200": (whole(PAGE, content_type="text/html"), "model_web_page", "Just a moment"),
    "A26-html-200-as-stream": (whole(PAGE, content_type="text/event-stream"), "model_web_page", "Just a moment"),
    "A26-html-403": (whole(PAGE, 403, content_type="text/html"), "model_web_page", "Just a moment"),
    "A26-html-401-login": (whole("<html><h1>Sign in</h1>", 401, content_type="text/html"), "model_web_page", "Sign in"),
    "A26-html-404": (whole("<html><title>404 Not Found</title>", 404), "model_wrong_path", "404 Not Found"),
    "A27-filter": (Raw([event(chunk({}, "content_filter")), DONE]), "model_content_filtered", ""),
    "A27-filter-of-Gemini": (Raw([event(chunk({}, "SAFETY")), DONE]), "model_content_filtered", ""),
    "A27-filter-by-status": (
        whole(problem("The response was filtered due to the content management policy", "content_filter"), 400),
        "model_content_filtered",
        "content management policy",
    ),
    "A27-refusal": (
        Raw([event(chunk({"refusal": "I'm sorry, "})), event(chunk({"refusal": "I cannot help."})), STOP, DONE]),
        "model_content_filtered",
        "I'm sorry, I cannot help.",
    ),
    "A27-length-without-a-word": (
        Raw([event(chunk({"reasoning_content": "hm"})), event(chunk({}, "length")), DONE]),
        "model_reply_cut",
        "",
    ),
    "C6-terms": (whole(problem(TERMS, "terms_not_accepted"), 400), "model_bad_request", TERMS),
    "C6-terms-403": (whole(problem(TERMS), 403), "model_forbidden", TERMS),
    "C6-region": (
        whole(problem("Country, region, or territory not supported"), 403),
        "model_forbidden",
        "territory not supported",
    ),
    "C9-fastapi-path": (whole({"detail": "Not Found"}, 404), "model_wrong_path", "Not Found"),
    "C9-go-path": (whole("404 page not found", 404, content_type="text/plain"), "model_wrong_path", "page not found"),
    "C9-method": (whole({"detail": "Method Not Allowed"}, 405), "model_wrong_path", "Method Not Allowed"),
    "C9-nothing-at-404": (whole(b"", 404), "model_wrong_path", ""),
    "C9-http-to-https": (
        whole("<html><title>400 The plain HTTP request was sent to HTTPS port</title>", 400),
        "model_scheme",
        "HTTPS port",
    ),
    "C9-go-http-to-https": (
        whole("Client sent an HTTP request to an HTTPS server.", 400),
        "model_scheme",
        "HTTPS server",
    ),
    "C9-redirect": (whole(b"", 307, location="https://elsewhere.example/v1/x?k=1"), "model_redirected", ""),
    "C9-redirect-login": (whole(PAGE, 302, location="/login"), "model_redirected", ""),
    "local-no-model-loaded": (
        whole(problem("No models loaded. Please load a model in the developer page."), 404),
        "no_model_loaded",
        "No models",
    ),
    "local-not-pulled": (
        whole(problem('model "m" not found, try pulling it first'), 404),
        "model_not_pulled",
        "try pulling it",
    ),
}


@pytest.mark.parametrize(("answer", "code", "said"), PERMANENT.values(), ids=PERMANENT)
async def test_the_cause_is_told_once_with_the_provider_s_words_and_nothing_is_tried_again(
    talk: Talk, answer: Raw, code: str, said: str
) -> None:
    talk.provider.answers = [answer]
    outcome = await talk.say()
    assert outcome.codes == [code]
    assert outcome.told[0]["level"] == "error"
    assert outcome.told[0]["remedy"]
    assert said in outcome.told[0]["message"]
    assert outcome.requests == 1
    assert outcome.text == ""


PASSING: dict[str, tuple[Raw, str]] = {
    "A8-error-beside-a-choice": (
        Raw(
            [
                *deltas("The ", "tea "),
                event(
                    {**chunk({"content": ""}, "error"), "error": {"code": "server_error", "message": "disconnected"}}
                ),
                DONE,
            ]
        ),
        "model_server_error",
    ),
    "A8-reason-error": (Raw([*deltas("The ", "tea "), event(chunk({}, "error")), DONE]), "model_server_error"),
    "A8-error-without-choice": (Raw([*deltas("The ", "tea "), event(problem("boom"))]), "model_server_error"),
    "A8-error-as-a-bare-line": (
        Raw([*deltas("The ", "tea "), json.dumps(problem("boom")).encode() + b"\n"]),
        "model_server_error",
    ),
    "A24-worker-away": (whole({"detail": "Model worker is not available"}), "model_server_error"),
    "A26-html-502": (whole("<html><body><h1>502 Bad Gateway</h1>nginx</body></html>", 502), "model_server_error"),
    "A26-html-504": (whole("<html><title>504 Gateway Time-out</title>", 504), "model_server_error"),
    "plain-text-200": (whole("no healthy upstream", content_type="text/plain"), "model_server_error"),
}


@pytest.mark.parametrize(("answer", "code"), PASSING.values(), ids=PASSING)
async def test_what_may_pass_is_told_and_tried_again(talk: Talk, answer: Raw, code: str) -> None:
    has_begun = len(answer.pieces) > 1
    talk.provider.answers = [answer, reply("tea is ready." if has_begun else "The tea is ready.")]
    outcome = await talk.say()
    assert outcome.text == "The tea is ready."
    assert outcome.is_complete
    assert outcome.codes == [code]
    assert outcome.told[0]["level"] == "info"
    assert outcome.requests == 2


CUT: dict[str, tuple[str, str, str]] = {
    "A27-length": ("length", "model_reply_cut", "info"),
    "A27-max-tokens": ("MAX_TOKENS", "model_reply_cut", "info"),
    "A27-filter-in-the-middle": ("content_filter", "model_content_filtered", "error"),
}


@pytest.mark.parametrize(("reason", "code", "level"), CUT.values(), ids=CUT)
@pytest.mark.parametrize("form", ["stream", "whole"])
async def test_what_came_before_a_cut_is_kept_and_the_cut_is_told(
    talk: Talk, reason: str, code: str, level: str, form: str
) -> None:
    words = "First you boil the water, then you warm the pot, and after that you"
    talk.provider.answers = [reply(words, finish=reason) if form == "stream" else whole(completion(words, reason))]
    outcome = await talk.say()
    assert outcome.text == words
    assert outcome.kept is not None
    assert outcome.kept["text"] == words
    assert [(status["code"], status["level"]) for status in outcome.told] == [(code, level)]
    assert outcome.requests == 1


async def test_a_call_of_a_tool_that_nobody_offered_is_told_as_no_reply(talk: Talk) -> None:
    """A27"""
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "web_search", "arguments": '{"q": "tea"}'}}
    talk.provider.answers = [
        Raw([event(chunk({"content": None, "tool_calls": [call]})), event(chunk({}, "tool_calls"))])
    ]
    outcome = await talk.say()
    assert (outcome.codes, outcome.requests) == (["model_empty_reply"], 1)


@pytest.mark.parametrize(("seconds", "said"), [("3600", "60 minutes"), ("86400", "24 hours"), ("61", "1 minutes")])
async def test_a_long_wait_is_told_by_its_length(talk: Talk, seconds: str, said: str) -> None:
    """A30"""
    talk.provider.answers = [whole(problem("Rate limit reached", "rate_limit_exceeded"), 429, retry_after=seconds)]
    outcome = await talk.say()
    assert (outcome.codes, outcome.requests) == (["model_rate_limited"], 1)
    assert said in outcome.told[0]["remedy"]


async def test_a_wait_of_a_moment_is_waited_for(talk: Talk) -> None:
    """A30"""
    talk.provider.answers = [whole(problem("Rate limit reached"), 429, retry_after="0"), reply("Here I am.")]
    outcome = await talk.say()
    assert (outcome.text, outcome.requests) == ("Here I am.", 2)


# ── the provider's words ────────────────────────────────────────────────────────────────


async def test_the_provider_s_words_are_logged_without_a_word_of_the_talk_or_a_key(
    talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    """C6"""
    secret = "my hidden pin is 4711 and nobody knows"
    words = f"Terms not accepted, see example.com (key good-key-1234567, sent: {secret})"
    talk.provider.answers = [whole(problem(words), 400)]
    with caplog.at_level(logging.DEBUG):
        outcome = await talk.say(secret)
    assert "Terms not accepted" in outcome.told[0]["message"]
    assert "Terms not accepted, see example.com" in caplog.text
    assert "4711" not in caplog.text
    assert "good-key-1234567" not in caplog.text + outcome.told[0]["message"]


KEY = "sk-Qz7JwLr2-VbT9xKd4MfHs8Yn"


@pytest.mark.parametrize(
    "break_", ["\n", "…", "...", " ", "\r\n  ", "\u200b", " [redacted] ", "%", "</b><b>"], ids=ascii
)
@pytest.mark.parametrize("status", [200, 401, 400])
async def test_a_key_that_the_provider_repeats_in_two_parts_is_not_shown_A24(
    server: RunningServer, hostile: HostileProvider, break_: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    words = f"Incorrect API key {KEY[:14]}{break_}{KEY[14:]}, see example.com"
    hostile.answers = [whole(problem(words), status)]
    hostile.model_list = whole(problem(words), status)
    with caplog.at_level(logging.DEBUG):
        told = [str(await try_out(server, hostile.base_url, KEY))]
        async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as rest:
            asked = {"provider": "custom", "base_url": hostile.base_url, "api_key": KEY}
            told.append((await rest.post("/api/models/list", json=asked)).text)
    for text in (*told, caplog.text):
        assert not shared(text, KEY)
    assert all("Incorrect API key" in text and "example.com" in text for text in told)


def shared(text: str, key: str) -> list[str]:
    """The runs of eight letters and digits of ``key`` between the masks of ``text``."""
    *plain, letters = ("".join(filter(str.isalnum, each)) for each in (*text.split("***"), key))
    runs = [letters[at : at + 8] for at in range(len(letters) - 7)]
    return [run for run in runs if any(run in each for each in plain)]


@given(st.text("abcXYZ0123456789", min_size=8, max_size=60), st.data())
def test_no_part_of_a_key_is_left_however_it_is_broken_up(key: str, data: st.DataObject) -> None:
    parts = st.tuples(st.sampled_from(["\n", "…", " ", "-", "key ", "", "*** "]), st.sampled_from(range(len(key) + 1)))
    text = "Wrong: "
    for between, at in data.draw(st.lists(parts, max_size=8)):
        text += between + key[:at] + between + key[at:]
    assert not shared(without_key(text, key), key)


@pytest.mark.parametrize("key", ["", "---", KEY])
def test_words_without_a_key_in_them_stay_as_they_are(key: str) -> None:
    words = "Incorrect API key sk-Qz7***, see example.com (Mf, Hs8Y)"
    assert without_key(words, key) == words


async def test_words_without_end_and_with_control_characters_are_shown_short_on_one_line(talk: Talk) -> None:
    talk.provider.answers = [whole(problem("No\x00 \u202e\r\n\n<b>way</b> " + "x y " * 5000), 400)]
    outcome = await talk.say()
    sentence, said = outcome.told[0]["message"].split("\n")
    assert "<b>way</b> x y" in said
    assert len(said) < 300
    assert said.isprintable()
    assert sentence


# ── the way to the server ───────────────────────────────────────────────────────────────


async def try_out(server: RunningServer, base_url: str, key: str = "good") -> dict[str, Any]:
    choice = {"provider": "custom", "model": "m", "base_url": base_url, "api_key": key}
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as rest:
        result: dict[str, Any] = (await rest.post("/api/models/test", json=choice)).json()
        return result


@pytest.fixture
def certificate() -> str:
    return str(Path(__file__).with_name("untrusted_certificate.pem"))


@asynccontextmanager
async def tls_server(certificate: str, answer: bytes = NOT_FOUND) -> AsyncIterator[int]:
    """A server by TLS with a certificate of its own making; yields its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_certificate_that_nobody_trusts_is_named_C9(server: RunningServer, certificate: str) -> None:
    async with tls_server(certificate) as port:
        result = await try_out(server, f"https://127.0.0.1:{port}/v1")
    assert result["code"] == "model_tls"
    assert "self-signed" in result["said"]


@pytest.mark.parametrize("to_tls", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""], ids=["refuses TLS", "hangs up at TLS"])
async def test_https_asked_of_an_http_server_is_named_C9(server: RunningServer, to_tls: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(1000)
        writer.write(NOT_FOUND if first.startswith(b"HEAD ") else to_tls)
        await writer.drain()
        writer.close()

    plain = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with plain:
        result = await try_out(server, f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}/v1")
    assert result["code"] == "model_scheme"
    assert "http://" in result["remedy"]


async def test_http_asked_of_an_https_server_is_named_C9(server: RunningServer, certificate: str) -> None:
    async with tls_server(certificate) as port:
        result = await try_out(server, f"http://127.0.0.1:{port}/v1")
    assert result["code"] == "model_scheme"
    assert "https://" in result["remedy"]


async def test_a_name_that_is_none_is_named_C9(server: RunningServer) -> None:
    result = await try_out(server, "http://no-such-host.invalid/v1")
    assert result["code"] == "model_host_unknown"
    assert "no-such-host.invalid" in result["error"]


async def test_a_port_where_nobody_listens_is_named_C9(server: RunningServer, free_port: int) -> None:
    assert (await try_out(server, f"http://127.0.0.1:{free_port}/v1"))["code"] == "model_unreachable"


async def test_a_redirect_says_where_to_without_account_and_query_C9(talk: Talk) -> None:
    talk.provider.answers = [whole(b"", 308, location="https://ann:pw@elsewhere.example/v1/chat/completions?key=k")]
    outcome = await talk.say()
    assert "https://elsewhere.example/v1/chat/completions" in outcome.told[0]["message"]
    assert "pw" not in outcome.told[0]["message"]


async def test_a_redirect_that_would_drop_the_question_is_not_followed_C9(
    server: RunningServer, hostile: HostileProvider, certificate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By https redirects are followed; a 301 turns the question into a look at a page, which has no answer."""
    monkeypatch.setattr(neko.net, "_tls", lambda: ssl.create_default_context(cafile=certificate))
    answer = f"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:{hostile.port}/home\r\nContent-Length: 0\r\n\r\n"
    async with tls_server(certificate, answer.encode()) as port:
        result = await try_out(server, f"https://127.0.0.1:{port}/v1")
    assert result["code"] == "model_redirected"
    assert f"127.0.0.1:{hostile.port}/home" in result["error"]


@pytest.mark.parametrize("language", ["en", "zh-CN", "zh-TW", "ja", "ko"])
def test_no_sentence_of_a_model_error_claims_what_was_tried(language: str) -> None:
    table = json.loads((ASSETS / "locales" / f"{language}.json").read_text(encoding="utf-8"))["errors"]
    claims = re.compile(r"tried|few times|several times|试了|試了|何度か|여러 번|몇 번", re.IGNORECASE)
    assert not [code for code, entry in table.items() if code.startswith("model_") and claims.search(entry["message"])]
