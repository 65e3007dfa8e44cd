"""The list of models in every shape that servers send it in."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.llm import discovery
from neko.llm.model_catalogue import model_ids
from neko.net import Network
from tests.conftest import RunningServer
from tests.field.hostile_provider import HostileProvider, whole

OPENAI = [{"id": "one", "object": "model"}, {"id": "two", "object": "model", "owned_by": "x"}]
SHAPES: dict[str, Any] = {
    "OpenAI": {"object": "list", "data": OPENAI},
    "C11-a-bare-list": OPENAI,
    "texts": ["one", "two"],
    "texts in data": {"data": ["one", "two"]},
    "Ollama": {"models": [{"name": "one", "model": "one", "size": 1}, {"name": "two"}]},
    "Gemini": {"models": [{"name": "models/one", "displayName": "One"}, {"name": "models/two"}]},
    "llama.cpp": {"models": [{"name": "one"}], "object": "list", "data": OPENAI},
    "GitHub Models": [{"id": "azureml://registries/a/models/one", "name": "one"}, {"id": "two", "name": "Two"}],
    "list_byid": {"one": {"owned_by": "x"}, "two": {"object": "model", "name": "Two, the great"}},
    "by id in models": {"models": {"one": {"owned_by": "x"}, "two": {"name": "Two, the great"}}},
    "list_databyid": {"data": {"one": {}, "two": {"id": None}}},
    "by number": {"data": {"0": {"id": "one"}, "1": {"id": "two"}}},
    "by id, with other kinds": {"data": {"m3": {"type": "embedding"}, "one": {}, "two": {}}},
    "a gateway": {"success": True, "message": "", "data": OPENAI},
    "a gateway, deeper": {"code": 0, "data": {"data": OPENAI, "total": 2}},
    "by company": {"data": {"openai": [{"id": "one"}, {"id": "bge-m3"}], "anthropic": ["two"], "meta": []}},
    "by company, deeper": {"data": {"openai": {"name": "OpenAI", "models": ["one"]}, "x": {"models": ["two"]}}},
    "companies in a list": {"data": [{"provider": "openai", "models": ["one"]}, {"name": "X", "models": ["two"]}]},
    "list_cloudflare": {
        "result": [
            {"id": "429b9e8b-d99e-44de-91ad-706cf8183658", "name": "one"},
            {"id": "7f9a76e1-d120-48dd-a565-101d328bbb02", "name": "two"},
        ],
        "success": True,
        "errors": [],
    },
    "list_modelfield": {"data": [{"model": "one"}, {"model_name": "two"}]},
    "list_litellm": {"data": [{"id": {"model_name": "one"}, "object": "model"}, {"model_name": "two"}]},
    "with odd entries": {"data": [None, 7, {}, {"id": None}, {"id": ""}, *OPENAI, OPENAI[0]]},
    "with other kinds": {
        "data": [
            {"id": "big-picture", "type": "image"},
            {"id": "m3", "type": "embedding"},
            {"id": "ocr", "capabilities": {"completion_chat": False}},
            {"id": "whisper-1"},
            {"id": "kokoro-tts"},
            {"id": "bge-reranker"},
            *OPENAI,
        ]
    },
}


async def listed(server: RunningServer, hostile: HostileProvider) -> dict[str, Any]:
    query = {"provider": "custom", "base_url": hostile.base_url}
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as http:
        answer: dict[str, Any] = (await http.post("/api/models/list", json=query)).json()
        return answer


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_the_models_are_listed(server: RunningServer, hostile: HostileProvider, shape: Any) -> None:
    hostile.model_list = whole(shape)
    assert (await listed(server, hostile))["models"] == ["one", "two"]


async def test_a_byte_order_mark_and_a_wrong_type_do_not_matter(
    server: RunningServer, hostile: HostileProvider
) -> None:
    hostile.model_list = whole(b"\xef\xbb\xbf" + json.dumps(OPENAI).encode(), content_type="text/html")
    assert (await listed(server, hostile))["models"] == ["one", "two"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
async def test_list_jsonl_one_model_a_line(server: RunningServer, hostile: HostileProvider, end: str) -> None:
    hostile.model_list = whole("".join(json.dumps(model) + end for model in OPENAI))
    assert (await listed(server, hostile))["models"] == ["one", "two"]


async def test_a_refused_list_is_told_in_whole_words(server: RunningServer, hostile: HostileProvider) -> None:
    hostile.model_list = whole({"error": {"message": "Invalid API key"}}, 401)
    place = f"127.0.0.1:{hostile.port}"
    told = (await listed(server, hostile))["error"]
    assert told.startswith(f"The key was refused by {place}, so I could not ask {place}.")


@given(st.lists(st.from_regex(r"[a-z][a-z0-9]{0,9}", fullmatch=True), unique=True, min_size=1), st.sampled_from("dmri"))
def test_ids_for_keys_and_a_list_of_ids_say_the_same(ids: list[str], holder: str) -> None:
    name = {"d": "data", "m": "models", "r": "result", "i": "items"}[holder]
    ids = [one for one in ids if one not in ("data", "models", "result", "items", "error", "errors", "detail")]
    assert model_ids({name: {one: {} for one in ids}}) == model_ids({name: [{"id": one} for one in ids]})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param({"object": "list", "data": None}, 200, "no_model_yet", id="C12-data-null"),
        pytest.param({"models": None}, 200, "no_model_yet", id="C12-models-null"),
        pytest.param({"object": "list", "data": []}, 200, "no_model_yet", id="C12-empty"),
        pytest.param([], 200, "no_model_yet", id="C12-bare-empty"),
        pytest.param({"data": {"openai": [], "anthropic": []}}, 200, "no_model_yet", id="by-company-empty"),
        ({"hello": "world"}, 200, "model_wrong_path"),
        ({"server": {"version": "1"}, "status": {"up": True}}, 200, "model_wrong_path"),
        pytest.param("Ollama is running", 200, "model_wrong_path", id="list_plainok"),
        ("<!DOCTYPE html><title>Sign in</title>", 200, "model_web_page"),
        ({"code": 401, "msg": "bad key"}, 200, "model_refused_key"),
        ({"success": False, "message": "余额不足"}, 200, "model_out_of_credit"),
        ({"error": {"message": "Invalid API key"}}, 401, "model_refused_key"),
        pytest.param({"detail": "Not Found"}, 404, "no_model_list", id="list_l404"),
        ("404 page not found", 404, "no_model_list"),
        (b"", 404, "no_model_list"),
        ("<html><title>404 Not Found</title>", 404, "no_model_list"),
        ({"detail": "Method Not Allowed"}, 405, "no_model_list"),
        ({"error": {"message": "Listing is not implemented"}}, 501, "no_model_list"),
        ({"data": {"error": {"message": "Invalid API key"}}}, 200, "model_wrong_path"),
        ({"error": {"message": "Loading model", "code": 503}}, 503, "model_loading"),
    ],
)
async def test_what_is_no_list_says_why(
    server: RunningServer, hostile: HostileProvider, body: Any, status: int, code: str
) -> None:
    hostile.model_list = whole(body, status)
    answer = await listed(server, hostile)
    assert (answer["success"], answer["code"]) == (False, code)


@pytest.mark.parametrize("body", [{"object": "list", "data": None}, {"data": []}, {"models": []}], ids=str)
async def test_a_local_server_without_a_model_is_found_and_said_to_have_none(
    hostile: HostileProvider, body: Any
) -> None:
    """C12"""
    hostile.model_list = whole(body)
    [found] = await discovery.find_local_servers(Network(), {}, ports=[("Ollama", hostile.port)])
    assert (found.name, found.models) == ("Ollama", ())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["data", "models", "id", "name", "type", "capabilities", "x"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_json_is_a_list_of_names_or_none(listing: Any) -> None:
    names = model_ids(listing)
    assert names is None or all(isinstance(name, str) and name for name in names)
