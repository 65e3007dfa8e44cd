"""What was set, and where each value comes from."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from neko.application import Neko

KEY = "sk-0123456789abcdefWXYZ"
PASSWORD = "correct-horse"


@pytest.fixture
def launched_with() -> dict[str, Any]:
    return {
        "environ": {
            "LANG": "en_US.UTF-8",
            "NEKO_ASSIST_API": "openai",
            "NEKO_ASSIST_API_KEY_OPENAI": KEY,
            "NEKO_OPENAI_BASE_URL": f"http://me:{PASSWORD}@models.example/v1",
        },
        "flags": {"log-level": "warning"},
    }


async def overview(client: httpx2.AsyncClient) -> dict[str, dict[str, Any]]:
    answer = await client.get("/api/settings")
    assert KEY not in answer.text
    assert PASSWORD not in answer.text
    return {setting.pop("name"): setting for setting in answer.json()["settings"]}


async def test_each_value_says_what_decides_it_and_whether_the_page_can_change_it(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    await neko.config.change({"assistApi": "qwen", "neko": {"speech": {"engine": "off"}}, "agentModelId": "m"})
    found = await overview(client)
    assert found["assistApi"] == {
        "value": "openai",
        "origin": "environment",
        "from_name": "NEKO_ASSIST_API",
        "on_page": False,
    }
    assert found["neko.speech.engine"]["value"] == "off"
    assert (found["neko.speech.engine"]["origin"], found["neko.speech.engine"]["on_page"]) == ("file", True)
    assert (found["agentModelId"]["origin"], found["agentModelId"]["on_page"]) == ("file", False)
    assert (found["--log-level"]["origin"], found["--log-level"]["from_name"]) == ("flag", "--log-level")


async def test_what_is_as_it_comes_is_not_listed(client: httpx2.AsyncClient) -> None:
    assert set(await overview(client)) == {"--log-level", "openaiBaseUrl", "assistApi", "assistApiKeyOpenai"}


async def test_a_secret_is_shown_masked(client: httpx2.AsyncClient) -> None:
    assert (await overview(client))["assistApiKeyOpenai"]["value"] == "sk-…WXYZ"
