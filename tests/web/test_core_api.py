"""The key page's call: what is shown, what is kept, what is never told [rest 2.1, config 4-5]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.application import Neko
from neko.sessions.actions import StartSession
from neko.sessions.events import ReloadPage, SessionStarted
from neko.sessions.outbox import Outbox
from neko.settings.registry import TEXTS
from neko.storage import read_json
from tests.web.running_app import serving, started

KEY = "sk-0123456789abcdefWXYZ"
SHOWN = "sk-…WXYZ"
URL = "/api/config/core_api"


async def test_a_fresh_folder_shows_every_field_empty_with_its_default(client: httpx2.AsyncClient) -> None:
    answer = (await client.get(URL)).json()
    assert answer["success"] is True
    assert (answer["coreApi"], answer["assistApi"], answer["enableCustomApi"]) == ("qwen", "qwen", False)
    roles = ("conversation", "summary", "correction", "emotion", "vision", "agent", "omni", "tts")
    empty = [f"{role}Model{part}" for role in roles for part in ("Url", "Id", "ApiKey")]
    empty += [f"assistApiKey{name}" for name in ("Qwen", "Openai", "Glm", "Step", "Silicon", "Gemini", "Kimi")]
    assert all(answer[name] == "" for name in (*empty, "api_key", "mcpToken", "ttsVoiceId"))
    assert (answer["secrets_set"], answer["pinned"]) == ([], {})


SECRETS = (
    "coreApiKey",
    "mcpToken",
    "assistApiKeyQwen",
    "assistApiKeyKimi",
    "conversationModelApiKey",
    "ttsModelApiKey",
    "agentModelApiKey",
)


async def test_secrets_are_masked_in_every_answer_of_the_server(client: httpx2.AsyncClient, neko: Neko) -> None:
    secrets = {name: f"{name[:3]}-{index}-secret-{index * 7919:012d}" for index, name in enumerate(SECRETS)}
    await neko.config.change({**secrets, "conversationModelUrl": "https://user:hunter2222222222@host.example/v1"})
    paths = (URL, "/api/models/current", "/api/speech", "/api/config/api_providers", "/api/characters", "/api/metrics")
    text = "".join([(await client.get(path)).text for path in paths])
    assert not [secret for secret in secrets.values() if secret in text]
    assert "hunter2222222222" not in text
    answer = (await client.get(URL)).json()
    assert answer["assistApiKeyKimi"] == f"{secrets['assistApiKeyKimi'][:3]}…{secrets['assistApiKeyKimi'][-4:]}"
    assert answer["secrets_set"] == sorted(SECRETS)


async def test_a_short_secret_shows_nothing_of_itself(client: httpx2.AsyncClient, neko: Neko) -> None:
    await neko.config.change({"coreApiKey": "short-key"})
    assert (await client.get(URL)).json()["api_key"] == "…"


async def test_what_comes_back_masked_stays_as_it_is(client: httpx2.AsyncClient, neko: Neko) -> None:
    await neko.config.change({"coreApiKey": KEY, "assistApiKeyKimi": "kimi-0123456789-abcdef", "mcpToken": "tiny"})
    shown = (await client.get(URL)).json()
    body = {name: value for name, value in shown.items() if value and name not in ("success", "secrets_set", "pinned")}
    body["coreApiKey"] = body.pop("api_key")
    assert body["coreApiKey"] == SHOWN
    assert (await client.post(URL, json=body)).json()["success"] is True
    stored = neko.config.values
    assert (stored["coreApiKey"], stored["assistApiKeyKimi"]) == (KEY, "kimi-0123456789-abcdef")
    assert stored["mcpToken"] == "tiny"


async def test_saving_merges_and_loses_no_key_of_the_file(client: httpx2.AsyncClient, neko: Neko) -> None:
    await neko.config.change(
        {"recent_memory_auto_review": False, "someone's own": {"x": 1}, "assistApiKeyKimi": "k-old"}
    )
    answer = await client.post(URL, json={"coreApiKey": KEY, "coreApi": "openai", "assistApiKeyKimi": "k-new"})
    assert (answer.status_code, answer.json()["success"], answer.json()["sessions_ended"]) == (200, True, 0)
    saved: dict[str, Any] = read_json(neko.folder.config("core_config.json"), {})
    assert saved["recent_memory_auto_review"] is False
    assert saved["someone's own"] == {"x": 1}
    assert (saved["coreApiKey"], saved["coreApi"], saved["assistApiKeyKimi"]) == (KEY, "openai", "k-new")


async def test_saving_ends_the_sessions_and_reloads_their_pages(client: httpx2.AsyncClient, neko: Neko) -> None:
    manager = neko.conversations.get(neko.characters.current)
    assert manager is not None
    page = Outbox(wants_audio=False)
    with manager.tap(page):
        manager.handle(StartSession("text"))
        while not isinstance(await page.get(), SessionStarted):
            pass
        answer = await client.post(URL, json={"coreApiKey": KEY})
        assert answer.json()["sessions_ended"] == 1
        while not isinstance(await page.get(), ReloadPage):
            pass


async def test_an_empty_value_clears_and_an_absent_one_does_not(client: httpx2.AsyncClient, neko: Neko) -> None:
    await neko.config.change({"coreApiKey": KEY, "assistApiKeyQwen": "q", "assistApiKeyGlm": "g"})
    assert (await client.post(URL, json={"coreApiKey": SHOWN, "assistApiKeyQwen": ""})).json()["success"] is True
    assert (neko.config.values["assistApiKeyQwen"], neko.config.values["assistApiKeyGlm"]) == ("", "g")


@pytest.mark.parametrize(
    "body", [{}, {"coreApiKey": ""}, {"coreApiKey": "  "}, {"coreApiKey": None}, {"coreApiKey": 7}, {"coreApiKey": "…"}]
)
async def test_without_custom_endpoints_a_core_key_is_needed(
    client: httpx2.AsyncClient, neko: Neko, body: dict[str, object]
) -> None:
    answer = await client.post(URL, json={"coreApi": "qwen", **body})
    assert answer.status_code == 200
    assert answer.json()["success"] is False
    assert answer.json()["error"]
    assert neko.config.values == {}


@pytest.mark.parametrize(
    "body",
    [
        {"enableCustomApi": True},
        {"coreApi": "free"},
        {"assistApi": "free", "coreApiKey": ""},
        {"coreApi": "free", "coreApiKey": "free-access"},
    ],
)
async def test_custom_endpoints_and_free_need_none(
    client: httpx2.AsyncClient, neko: Neko, body: dict[str, object]
) -> None:
    assert (await client.post(URL, json=body)).json()["success"] is True
    assert body.items() <= dict(neko.config.values).items()


async def test_the_free_key_is_no_secret(client: httpx2.AsyncClient) -> None:
    await client.post(URL, json={"coreApi": "free", "coreApiKey": "free-access"})
    assert (await client.get(URL)).json()["api_key"] == "free-access"


async def test_broken_json_changes_nothing(client: httpx2.AsyncClient, neko: Neko) -> None:
    answer = await client.post(URL, content=b'{"coreApiKey":', headers={"content-type": "application/json"})
    assert answer.json()["success"] is False
    assert neko.config.values == {}


class TestPinned:
    """What the environment decides is shown, named, and not written into the file."""

    @pytest.fixture
    def launched_with(self) -> dict[str, object]:
        return {"environ": {"NEKO_CORE_API_KEY": KEY, "NEKO_CORE_API": "openai", "NEKO_ASSIST_API_KEY_KIMI": KEY}}

    async def test_it_is_named_and_masked(self, client: httpx2.AsyncClient) -> None:
        answer = (await client.get(URL)).json()
        assert (answer["coreApi"], answer["api_key"], answer["assistApiKeyKimi"]) == ("openai", SHOWN, SHOWN)
        assert answer["pinned"]["coreApiKey"] == "NEKO_CORE_API_KEY"
        assert KEY not in (await client.get(URL)).text

    async def test_sending_it_back_writes_nothing(self, client: httpx2.AsyncClient, neko: Neko) -> None:
        body = {"coreApiKey": SHOWN, "coreApi": "openai", "assistApiKeyKimi": SHOWN, "assistApi": "kimi"}
        assert (await client.post(URL, json=body)).json()["success"] is True
        assert dict(neko.config.values) == {"assistApi": "kimi"}


async def test_the_provider_lists_hold_the_contract_providers(client: httpx2.AsyncClient) -> None:
    answer = (await client.get("/api/config/api_providers")).json()
    assert answer["success"] is True
    assert {"free", "qwen", "openai", "step", "gemini"} <= {entry["key"] for entry in answer["core_api_providers"]}
    assist = [entry["key"] for entry in answer["assist_api_providers"]]
    assert set(assist) == {"free", "qwen", "openai", "glm", "step", "silicon", "gemini", "kimi"}
    assert all(
        entry["name"] and entry.keys() == {"key", "name", "description"} for entry in answer["core_api_providers"]
    )


async def test_keys_of_providers_that_the_page_of_keys_does_not_know_outlive_its_saves(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    await neko.config.change({"assistApiKeyClaude": "sk-ant-0123456789abcdef"})
    answer = await client.post(URL, json=PAGE | {"coreApiKey": KEY})
    assert answer.json()["success"] is True
    assert neko.config.values["assistApiKeyClaude"] == "sk-ant-0123456789abcdef"


# ── deleting, and keys that stay where they were given for ──────────────────────────────

PAGE = {"coreApi": "qwen", "assistApi": "qwen", "enableCustomApi": True}
"""What the page of keys sends at the least."""
ROLES = ("conversation", "summary", "correction", "emotion", "vision", "agent", "omni", "tts")
KEPT = {"recent_memory_auto_review": False, "someone's own": {"x": 1}, "neko": {"language": "ja"}}


async def after_a_restart(data_dir: Path) -> dict[str, Any]:
    async with started(data_dir) as neko, serving(neko.asgi) as client:
        return dict((await client.get(URL)).json())


@pytest.mark.parametrize(
    "emptied",
    [
        *("coreApiKey", "mcpToken", "ttsVoiceId"),
        *(f"assistApiKey{name}" for name in ("Qwen", "Openai", "Glm", "Step", "Silicon", "Gemini", "Kimi")),
        *(f"{role}Model{part}" for role in ROLES for part in ("Url", "Id", "ApiKey")),
    ],
)
@pytest.mark.few(10)
async def test_what_the_page_of_keys_leaves_out_is_deleted_for_good_and_nothing_else(
    data_dir: Path, emptied: str
) -> None:
    async with started(data_dir) as neko, serving(neko.asgi) as client:
        full = {name: f"http://{name}.example/v1" if name.endswith("Url") else f"value-of-{name}" for name in TEXTS}
        await neko.config.change({**KEPT, **full, **PAGE})
        shown = (await client.get(URL)).json()
        sent = {name: shown["api_key" if name == "coreApiKey" else name] for name in full}
        body = {**sent, **PAGE} | ({"coreApiKey": ""} if emptied == "coreApiKey" else {})
        if emptied != "coreApiKey":
            del body[emptied]
        assert (await client.post(URL, json=body)).json()["success"] is True
        stored = dict(neko.config.values)
    assert not stored.get(emptied)
    assert {name: stored.get(name) for name in KEPT} == KEPT
    gone = (emptied, emptied.replace("Url", "ApiKey"), "coreApi", "assistApi")
    left = {name: stored.get(name) for name in full if name not in gone}
    assert left == {name: full[name] for name in left}
    after = await after_a_restart(data_dir)
    assert after["api_key" if emptied == "coreApiKey" else emptied] == ""


async def test_a_save_of_some_values_deletes_nothing(client: httpx2.AsyncClient, neko: Neko) -> None:
    await neko.config.change({"coreApiKey": KEY, "enableCustomApi": True, "visionModelId": "v", "mcpToken": "m"})
    for body in ({"assistApi": "glm"}, {"enableCustomApi": True}, {"coreApiKey": KEY}):
        assert (await client.post(URL, json=body)).json()["success"] is True
    assert (neko.config.values["visionModelId"], neko.config.values["mcpToken"]) == ("v", "m")


async def test_an_empty_core_key_alone_is_refused_with_custom_endpoints_too_core_wipe(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    await neko.config.change({"coreApiKey": KEY, "enableCustomApi": True})
    for empty in ("", "  ", "\n", "\u200b", "\ufeff\u00a0", '""', "Bearer ", "OPENAI_API_KEY="):
        answer = (await client.post(URL, json={"coreApiKey": empty})).json()
        assert (answer["success"], answer["code"]) == (False, "key_needed")
    assert neko.config.values["coreApiKey"] == KEY


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("sent", ["masked", "", "new-key"], ids=["masked", "left-out", "new"])
async def test_a_new_address_never_gets_the_key_of_another(
    client: httpx2.AsyncClient, neko: Neko, role: str, sent: str
) -> None:
    key, url = f"{role}ModelApiKey", f"{role}ModelUrl"
    await neko.config.change({url: "https://one.example/v1", key: KEY, "enableCustomApi": True})
    shown = (await client.get(URL)).json()[key]
    body = {key: shown if sent == "masked" else sent} if sent else {}
    answer = (await client.post(URL, json={url: "https://two.example/v1", **body})).json()
    stored = neko.config.values
    if sent == "masked":
        assert (answer["success"], answer["code"]) == (False, "key_again")
        assert (stored[url], stored[key]) == ("https://one.example/v1", KEY)
    elif not sent:
        assert answer["success"] is True
        assert "key" in answer["message"]
        assert (stored[url], stored.get(key)) == ("https://two.example/v1", None)
    else:
        assert (answer["success"], answer["message"]) == (True, "saved")
        assert (stored[url], stored[key]) == ("https://two.example/v1", "new-key")


@pytest.mark.parametrize(
    "again", ["https://one.example/v1", "https://one.example/v1/", "one.example", "HTTPS://One.example"]
)
async def test_the_same_address_in_other_words_keeps_its_key(
    client: httpx2.AsyncClient, neko: Neko, again: str
) -> None:
    await neko.config.change(
        {"visionModelUrl": "https://one.example/v1", "visionModelApiKey": KEY, "enableCustomApi": True}
    )
    answer = await client.post(URL, json={"visionModelUrl": again, "visionModelApiKey": SHOWN})
    assert answer.json()["success"] is True
    assert neko.config.values["visionModelApiKey"] == KEY


async def test_another_core_provider_does_not_get_the_key_of_the_first(client: httpx2.AsyncClient, neko: Neko) -> None:
    await neko.config.change({"coreApiKey": KEY})
    answer = (await client.post(URL, json={"coreApiKey": SHOWN, "coreApi": "openai"})).json()
    assert (answer["success"], answer["code"]) == (False, "key_again")
    assert (await client.post(URL, json={"coreApiKey": SHOWN, "coreApi": "qwen"})).json()["success"] is True
    assert (neko.config.values["coreApiKey"], neko.config.values["coreApi"]) == (KEY, "qwen")


async def test_an_address_shown_without_its_password_cannot_be_changed_in_part(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    secret = "https://me:hunter2@one.example/v1"
    await neko.config.change({"visionModelUrl": secret, "enableCustomApi": True})
    shown = (await client.get(URL)).json()["visionModelUrl"]
    assert (await client.post(URL, json={"visionModelUrl": shown})).json()["success"] is True
    other = shown.replace("one.example", "two.example")
    assert (await client.post(URL, json={"visionModelUrl": other})).json()["code"] == "bad_address"
    assert neko.config.values["visionModelUrl"] == secret
