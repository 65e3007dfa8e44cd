"""Rows of the resolution table are named by what they say; the environment comes last."""

from typing import Any

import pytest

from neko.providers import ASSIST_ROLES, ModelEndpoint, catalogue, extra_body, normalise_base_url, pinned, resolve

ALL_ROLES = (*ASSIST_ROLES, "realtime", "tts_default", "tts_custom")
COMPANIES = [key for key, provider in catalogue().assist.items() if provider.base_url and provider.key_field]
CORE_COMPANIES = [key for key, provider in catalogue().core.items() if not provider.fixed_key]
QWEN = "https://dashscope.aliyuncs.com/compatible-mode/v1"


def found(role: str, config: dict[str, Any], environ: dict[str, str] | None = None) -> ModelEndpoint:
    endpoint = resolve(role, config, environ or {})
    assert endpoint is not None
    return endpoint


def asked(role: str, config: dict[str, Any], environ: dict[str, str] | None = None) -> tuple[str, str, str]:
    """Provider, model and key."""
    endpoint = found(role, config, environ)
    return endpoint.provider, endpoint.model, endpoint.api_key


# ── the catalogue ─────────────────────────────────────────────────────────────


def test_the_catalogue_has_every_provider_of_the_contract() -> None:
    known = catalogue()
    assert list(known.assist) == [
        *("free", "qwen", "openai", "glm", "step", "silicon", "gemini", "kimi"),
        *("claude", "openrouter", "mistral", "groq", "xai", "deepseek"),
        *("custom", "local"),
    ]
    assert set(known.core) == {"free", "qwen", "openai", "step", "gemini", "glm"}
    assert len(known.free_voices) == 10
    for provider in known.assist.values():
        if provider.base_url:
            assert set(provider.models) - {"hearing", "semantic"} == set(ASSIST_ROLES)
            assert normalise_base_url(provider.base_url) == provider.base_url
            assert provider.needs_key == bool(provider.key_field)
    assert (known.assist_default, known.core_default) == ("qwen", "qwen")


def test_an_unknown_role_is_a_defect() -> None:
    with pytest.raises(ValueError, match="dancing"):
        resolve("dancing", {}, {})


# ── nothing configured ────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", ALL_ROLES)
@pytest.mark.parametrize(
    "config",
    [
        {},
        {"coreApi": "qwen", "assistApi": "openai"},
        {"coreApiKey": "   "},
        {"coreApiKey": "free-access"},
        {"assistApiKeyKimi": 5, "assistApi": None},
    ],
)
def test_without_a_key_or_an_address_no_role_has_a_model(role: str, config: dict[str, Any]) -> None:
    assert resolve(role, config, {"OLLAMA_HOST": "http://localhost:11434", "LANG": "C"}) is None


def test_the_built_in_model_can_be_chosen_over_everything() -> None:
    config = {"coreApiKey": "k", "enableCustomApi": True, "agentModelUrl": "http://x", "neko": {"offline": True}}
    for role in ALL_ROLES:
        assert resolve(role, config, {"OPENAI_API_KEY": "k"}) is None


# ── assist roles ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", ASSIST_ROLES)
@pytest.mark.parametrize("key", ["qwen", "openai", "glm", "step", "silicon", "gemini", "kimi"])
def test_a_chosen_assist_provider_with_its_own_key_plays_every_text_role(role: str, key: str) -> None:
    provider = catalogue().assist[key]
    endpoint = found(role, {"assistApi": key, f"assistApiKey{key.capitalize()}": " mine "})
    assert endpoint.base_url == provider.base_url
    assert (endpoint.provider, endpoint.provider_name) == (key, provider.name)
    assert (endpoint.model, endpoint.api_key) == (provider.models[role], "mine")
    assert endpoint.api_type == "chat"
    assert "mine" not in repr(endpoint)


@pytest.mark.parametrize("role", ASSIST_ROLES)
@pytest.mark.parametrize("assist", COMPANIES)
@pytest.mark.parametrize("core", CORE_COMPANIES)
def test_the_core_key_goes_to_an_assist_provider_of_the_same_company_only(core: str, assist: str, role: str) -> None:
    config = {"coreApi": core, "coreApiKey": "core", "assistApi": assist}
    endpoint = resolve(role, config, {})
    assert (endpoint.provider, endpoint.api_key) == (core, "core") if endpoint else core != assist
    assert (endpoint is None) == (core != assist)
    assert asked(role, {**config, f"assistApiKey{assist.capitalize()}": "own"})[::2] == (assist, "own")


@pytest.mark.parametrize("core", CORE_COMPANIES)
def test_with_no_choice_made_the_company_of_the_core_key_answers(core: str) -> None:
    assert asked("conversation", {"coreApi": core, "coreApiKey": "core"})[::2] == (core, "core")


def everything_stored(company: str) -> dict[str, Any]:
    """Every key that the file can hold for the catalogue's providers."""
    keys = {f"assistApiKey{one.capitalize()}": f"key-of-{one}" for one in COMPANIES}
    return {**keys, "coreApi": "qwen", "coreApiKey": "core", "assistApi": company}


@pytest.mark.parametrize("company", COMPANIES)
@pytest.mark.parametrize("role", ASSIST_ROLES)
@pytest.mark.parametrize("model", ["m", ""])
def test_a_typed_address_gets_no_key_that_was_not_given_with_it(role: str, company: str, model: str) -> None:
    typed = {"enableCustomApi": True, f"{role}ModelUrl": "http://localhost:1", f"{role}ModelId": model}
    endpoint = found(role, {**everything_stored(company), **typed})
    if role != "agent" and not model:
        assert endpoint.provider == company
    else:
        assert (endpoint.base_url, endpoint.api_key) == ("http://localhost:1/v1", "")


@pytest.mark.parametrize("company", COMPANIES)
def test_the_address_of_the_vision_model_gets_no_key_for_the_agent_but_its_own(company: str) -> None:
    config = {**everything_stored(company), **own("vision", visionModelApiKey=""), "agentModelId": "hands"}
    endpoint = found("agent", config)
    assert (endpoint.base_url, endpoint.api_key) == ("http://localhost:1234/v1", "")


@pytest.mark.parametrize("core", CORE_COMPANIES)
def test_an_address_of_the_environment_gets_no_key_of_the_file(core: str) -> None:
    environ = {"NEKO_OPENAI_BASE_URL": "http://localhost:9000"}
    config = {**everything_stored("openai"), "coreApi": core}
    endpoint = found("conversation", config, environ)
    assert (endpoint.base_url, endpoint.api_key) == ("http://localhost:9000/v1", "")
    environ["NEKO_ASSIST_API_KEY_OPENAI"] = "given-with-it"
    assert found("conversation", config, environ).api_key == "given-with-it"
    assert found("conversation", config, {"NEKO_OPENAI_BASE_URL": "api.openai.com"}).api_key == "key-of-openai"


@pytest.mark.parametrize("assist", ["", None, "nonsense", "custom", "local"])
def test_an_unknown_or_empty_assist_provider_is_qwen(assist: str | None) -> None:
    assert asked("emotion", {"assistApi": assist, "coreApiKey": "k"}) == ("qwen", "qwen-flash", "k")


def test_with_no_choice_made_the_only_key_there_is_decides() -> None:
    assert asked("conversation", {"assistApiKeyKimi": "k"}) == ("kimi", "kimi-k2-0905-preview", "k")
    assert resolve("conversation", {"assistApi": "qwen", "assistApiKeyKimi": "k"}, {}) is None


def test_free_core_forces_free_assist() -> None:
    config = {"coreApi": "free", "assistApi": "openai", "assistApiKeyOpenai": "k"}
    assert asked("conversation", config) == ("free", "free-model", "free-access")
    assert asked("vision", config)[1] == "free-vision-model"
    assert asked("realtime", config) == ("free", "free-model", "free-access")


def test_free_assist_alone_leaves_core_as_it_is() -> None:
    config = {"assistApi": "free"}
    assert asked("conversation", config)[0] == "free"
    assert resolve("realtime", config, {}) is None


# ── custom values ─────────────────────────────────────────────────────────────


def own(role: str, **changes: Any) -> dict[str, Any]:
    config = {
        "enableCustomApi": True,
        f"{role}ModelUrl": "http://localhost:1234",
        f"{role}ModelId": "tiny",
        f"{role}ModelApiKey": "own",
    }
    return {**config, "coreApiKey": "core", **changes}


@pytest.mark.parametrize("role", ["conversation", "summary", "correction", "emotion", "vision", "agent"])
def test_a_role_with_its_own_model_and_address_uses_its_own_three_values(role: str) -> None:
    endpoint = found(role, own(role))
    assert (endpoint.base_url, endpoint.model, endpoint.api_key) == ("http://localhost:1234/v1", "tiny", "own")
    assert (endpoint.provider, endpoint.provider_name) == ("local", "localhost:1234")


@pytest.mark.parametrize("role", ["conversation", "summary", "correction", "emotion", "vision"])
def test_own_values_that_are_off_or_incomplete_do_not_count(role: str) -> None:
    for missing in ({"enableCustomApi": False}, {f"{role}ModelUrl": ""}, {f"{role}ModelId": None}):
        assert found(role, own(role, **missing)).provider == "qwen"


def test_a_core_key_never_goes_to_a_custom_server() -> None:
    assert found("conversation", own("conversation", conversationModelApiKey="")).api_key == ""


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1/", "openai"),
        ("https://example.org", "custom"),
        ("http://127.0.0.1:8000/v1", "local"),
        ("http://[::1]:8000", "local"),
        ("http://[broken", "custom"),
    ],
)
def test_a_custom_address_is_named_after_who_lives_there(url: str, provider: str) -> None:
    assert found("conversation", own("conversation", conversationModelUrl=url)).provider == provider


def test_one_custom_model_is_enough_for_the_text_roles_behind_the_scenes() -> None:
    config = own("conversation", coreApiKey="")
    for role in ("summary", "correction", "emotion", "agent"):
        endpoint = found(role, config)
        assert (endpoint.role, endpoint.model, endpoint.api_key) == (role, "tiny", "own")
    assert resolve("vision", config, {}) is None
    assert found("summary", {**config, "assistApiKeyQwen": "k"}).provider == "qwen"


# ── agent ─────────────────────────────────────────────────────────────────────


def test_agent_values_count_without_the_custom_switch() -> None:
    config = own("agent", enableCustomApi=False)
    assert found("agent", config).base_url == "http://localhost:1234/v1"


def test_each_missing_agent_value_comes_from_the_assist_provider() -> None:
    config = {"coreApiKey": "core", "coreApi": "openai", "assistApi": "openai"}
    assert asked("agent", config) == ("openai", "gpt-5.2-codex", "core")
    assert asked("agent", {**config, "agentModelId": "m"}) == ("openai", "m", "core")
    assert asked("agent", {**config, "agentModelApiKey": "a"}) == ("openai", "gpt-5.2-codex", "a")
    endpoint = found("agent", {**config, "agentModelUrl": "http://localhost:1"})
    assert (endpoint.base_url, endpoint.model, endpoint.api_key) == ("http://localhost:1/v1", "gpt-5.2-codex", "")
    assert asked("agent", {**config, "agentModelUrl": "api.openai.com"}) == ("openai", "gpt-5.2-codex", "core")


def test_an_agent_model_without_an_address_lives_where_the_custom_vision_model_does() -> None:
    config = own("vision", agentModelId="hands")
    endpoint = found("agent", config)
    assert (endpoint.base_url, endpoint.model, endpoint.api_key) == ("http://localhost:1234/v1", "hands", "own")


def test_an_agent_model_name_alone_is_not_a_model() -> None:
    assert resolve("agent", {"agentModelId": "m"}, {}) is None


# ── realtime and voices ───────────────────────────────────────────────────────


@pytest.mark.parametrize("key", ["qwen", "openai", "step", "gemini", "glm"])
def test_realtime_is_the_core_provider(key: str) -> None:
    core = catalogue().core[key]
    endpoint = found("realtime", {"coreApi": key, "coreApiKey": "k"})
    assert (endpoint.base_url, endpoint.model, endpoint.api_key) == (core.url, core.model, "k")
    assert endpoint.api_type == key


def test_an_unknown_core_provider_is_qwen_protocol_included() -> None:
    endpoint = found("realtime", {"coreApi": "nonsense", "coreApiKey": "k"})
    assert (endpoint.provider, endpoint.api_type) == ("qwen", "qwen")


def test_a_custom_realtime_model_has_the_local_protocol_and_keeps_its_address() -> None:
    endpoint = found("realtime", own("omni", omniModelUrl="ws://localhost:9/rt/"))
    assert (endpoint.base_url, endpoint.model, endpoint.api_type) == ("ws://localhost:9/rt", "tiny", "local")
    assert found("realtime", own("omni", omniModelId="")).api_type == "qwen"


def test_the_default_voice_is_its_own_values_else_core() -> None:
    assert found("tts_default", own("tts")).model == "tiny"
    assert asked("tts_default", {"coreApi": "step", "coreApiKey": "k"}) == ("step", "step-audio-2", "k")


def test_cloned_voices_are_qwens_else_the_assist_providers() -> None:
    assert found("tts_custom", own("tts")).model == "tiny"
    config = {"coreApi": "openai", "assistApi": "openai", "assistApiKeyOpenai": "o"}
    assert asked("tts_custom", {**config, "assistApiKeyQwen": "q"}) == ("qwen", "", "q")
    assert asked("tts_custom", {**config, "coreApiKey": "c", "coreApi": "qwen"}) == ("qwen", "", "c")
    assert asked("tts_custom", {**config, "coreApiKey": "c"}) == ("openai", "", "o")
    assert asked("tts_custom", config) == ("openai", "", "o")


# ── thinking switches ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("model", "body"),
    [
        *((name, {"enable_thinking": False}) for name in ("qwen-flash", "qwen-plus", "qwen3.5-plus", "qwen3-vl-plus")),
        *((name, {"enable_thinking": False}) for name in ("qwen3-vl-plus-2025-09-23", "qwen3-vl-flash")),
        *((name, {"enable_thinking": False}) for name in ("deepseek-ai/DeepSeek-V3.2", "zai-org/GLM-4.6V")),
        *((name, {"thinking": {"type": "disabled"}}) for name in ("glm-4.5-air", "glm-4.6v-flash")),
        *((name, {"thinking": {"type": "disabled"}}) for name in ("glm-4.7-flash", "glm-4.6v")),
        ("gemini-2.5-flash", {"extra_body": {"google": {"thinking_config": {"thinking_budget": 0}}}}),
        ("gemini-2.5-flash-lite", {"extra_body": {"google": {"thinking_config": {"thinking_budget": 0}}}}),
        (
            "gemini-3-flash-preview",
            {"extra_body": {"google": {"thinking_config": {"thinking_level": "low", "include_thoughts": False}}}},
        ),
        ("gpt-5-chat-latest", {}),
        ("Qwen-Plus", {}),
        ("", {}),
    ],
)
def test_thinking_is_switched_off_by_exact_model_name(model: str, body: dict[str, Any]) -> None:
    assert dict(extra_body(model)) == body


def test_step_mini_may_search_the_web() -> None:
    body = found("conversation", {"assistApi": "step", "assistApiKeyStep": "k"}).extra_body
    assert body["tools"][0]["type"] == "web_search"


def test_a_custom_model_of_a_known_name_gets_its_switch_too() -> None:
    assert found("conversation", own("conversation", conversationModelId="qwen-plus")).extra_body == {
        "enable_thinking": False
    }


# ── the environment on top ────────────────────────────────────────────────────


@pytest.mark.parametrize("key", ["qwen", "openai", "glm", "step", "silicon", "gemini", "kimi"])
def test_a_key_of_the_environment_wins_over_the_file(key: str) -> None:
    name, field = f"NEKO_ASSIST_API_KEY_{key.upper()}", f"assistApiKey{key.capitalize()}"
    environ = {name: "env"}
    assert asked("conversation", {"assistApi": key, field: "file"}, environ)[2] == "env"
    assert pinned(environ) == {field: name}
    assert asked("conversation", {}, environ)[::2] == (key, "env")


def test_choices_of_the_environment_win_over_the_file() -> None:
    config = {"coreApi": "qwen", "coreApiKey": "file", "assistApi": "qwen"}
    environ = {
        "NEKO_CORE_API": "openai",
        "NEKO_CORE_API_KEY": "env",
        "NEKO_ASSIST_API": "openai",
        "NEKO_MCP_TOKEN": "t",
    }
    assert asked("realtime", config, environ)[::2] == ("openai", "env")
    assert asked("conversation", config, environ)[::2] == ("openai", "env")
    assert pinned(environ) == {
        "coreApi": "NEKO_CORE_API",
        "coreApiKey": "NEKO_CORE_API_KEY",
        "assistApi": "NEKO_ASSIST_API",
        "mcpToken": "NEKO_MCP_TOKEN",
    }


def test_free_can_be_chosen_by_the_environment() -> None:
    assert asked("conversation", {}, {"NEKO_CORE_API": "free"})[0] == "free"


@pytest.mark.parametrize("role", ASSIST_ROLES)
def test_a_model_of_the_environment_replaces_the_roles_model(role: str) -> None:
    environ = {f"NEKO_{role.upper()}_MODEL": "pinned-model"}
    assert asked(role, {"coreApiKey": "k"}, environ) == ("qwen", "pinned-model", "k")
    assert found(role, own(role), environ).model == "pinned-model"
    assert pinned(environ) == {f"{role}ModelId": f"NEKO_{role.upper()}_MODEL"}


def test_a_realtime_model_of_the_environment_replaces_the_core_model() -> None:
    config = {"coreApiKey": "k"}
    assert found("realtime", config, {"NEKO_REALTIME_MODEL": "rt"}).model == "rt"
    assert found("realtime", config, {"NEKO_OMNI_MODEL": "rt"}).model == "rt"


def test_the_open_router_key_is_that_of_the_chosen_assist_provider() -> None:
    environ = {"NEKO_OPENROUTER_API_KEY": "env"}
    config = {"assistApi": "glm", "assistApiKeyGlm": "file"}
    assert asked("conversation", config, environ)[2] == "env"
    assert pinned(environ, config) == {"assistApiKeyGlm": "NEKO_OPENROUTER_API_KEY"}
    assert asked("conversation", {"assistApi": "nonsense"}, environ)[::2] == ("qwen", "env")
    both = {**environ, "NEKO_ASSIST_API_KEY_GLM": "own"}
    assert asked("conversation", config, both)[2] == "own"
    assert pinned(both, config) == {"assistApiKeyGlm": "NEKO_ASSIST_API_KEY_GLM"}


def test_the_variables_of_other_programs_count_once_the_user_said_yes_to_them() -> None:
    yes = {"neko": {"borrowedVariables": ["OPENAI_API_KEY", "OPENAI_BASE_URL"]}}
    assert resolve("conversation", {}, {"OPENAI_API_KEY": "sk"}) is None
    assert asked("conversation", yes, {"OPENAI_API_KEY": "sk"}) == ("openai", "gpt-5-chat-latest", "sk")
    environ = {"OPENAI_BASE_URL": "http://localhost:9000", "NEKO_CONVERSATION_MODEL": "tiny"}
    endpoint = found("conversation", yes, environ)
    assert (endpoint.base_url, endpoint.model, endpoint.api_key) == ("http://localhost:9000/v1", "tiny", "")
    assert pinned(environ, yes) == {
        "conversationModelId": "NEKO_CONVERSATION_MODEL",
        "openaiBaseUrl": "OPENAI_BASE_URL",
    }
    chosen = {**yes, "assistApi": "glm", "assistApiKeyGlm": "k"}
    assert asked("conversation", chosen, {"OPENAI_API_KEY": "sk"})[0] == "glm"
    assert pinned({"OPENAI_API_KEY": "a", "NEKO_ASSIST_API_KEY_OPENAI": "b"}, yes) == {
        "assistApiKeyOpenai": "NEKO_ASSIST_API_KEY_OPENAI"
    }


def test_our_own_variables_are_a_yes() -> None:
    environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk", "NEKO_OPENAI_BASE_URL": "http://localhost:9000"}
    endpoint = found("conversation", {}, environ)
    assert (endpoint.base_url, endpoint.api_key) == ("http://localhost:9000/v1", "sk")


def test_blank_variables_pin_nothing() -> None:
    assert pinned({"NEKO_CORE_API_KEY": " ", "NEKO_ASSIST_API_KEY_OPENAI": "", "NEKO_OPENAI_BASE_URL": " "}) == {}


# ── addresses ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:11434/", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1///", "http://localhost:11434/v1"),
        ("http://localhost:11434/api/chat", "http://localhost:11434/v1"),
        ("localhost:1234", "http://localhost:1234/v1"),
        ("127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        ("[::1]:8080", "http://[::1]:8080/v1"),
        ("192.168.1.20:5001", "http://192.168.1.20:5001/v1"),
        ("nas.local:8000", "http://nas.local:8000/v1"),
        ("api.openai.com", "https://api.openai.com/v1"),
        ("  HTTPS://API.OpenAI.com/v1/chat/completions  ", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/models", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/audio/speech", "https://api.openai.com/v1"),
        ("https://api.openai.com/chat/completions", "https://api.openai.com/v1"),
        ("https://open.bigmodel.cn/api/paas/v4/", "https://open.bigmodel.cn/api/paas/v4"),
        ("https://aistudio.example/v1beta/openai/", "https://aistudio.example/v1beta/openai"),
        (QWEN + "/chat/completions#y", QWEN),
        ("https://Me:PassWord@Host.example/v1", "https://Me:PassWord@host.example/v1"),
        ("", ""),
        ("   ", ""),
        ("http://[broken", "http://[broken"),
        ("http://host:port", "http://host:port"),
    ],
)
def test_whatever_is_pasted_becomes_a_base_url(given: str, expected: str) -> None:
    assert normalise_base_url(given) == expected
    assert normalise_base_url(expected) == expected


# ── the role router ───────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("config", "environ", "expected"),
    [
        ({}, {"NEKO_ROUTER_MODEL": "small"}, ("https://dashscope", "small")),
        ({"routerModelId": "small"}, {}, ("https://dashscope", "small")),
        ({"routerModelUrl": "http://127.0.0.1:9/v1", "routerModelId": "small"}, {}, ("http://127.0.0.1:9/v1", "small")),
    ],
    ids=["by a variable", "a model", "an address"],
)
def test_the_router_is_the_model_that_is_named_for_it(
    config: dict[str, Any], environ: dict[str, str], expected: tuple[str, str]
) -> None:
    base = {"assistApi": "qwen", "assistApiKeyQwen": "k"}
    router = found("router", base | config, environ)
    assert router.base_url.startswith(expected[0])
    assert router.model == expected[1]
    assert router.role == "router"


def test_without_a_model_that_is_named_for_it_there_is_no_router() -> None:
    assert resolve("router", {}, {}) is None
    assert resolve("router", {"assistApi": "qwen", "assistApiKeyQwen": "k"}, {}) is None
    assert resolve("router", {"routerModelUrl": "http://127.0.0.1:9/v1"}, {}) is None
    assert (
        resolve("router", {"routerModelUrl": "http://x", "routerModelId": "m", "neko": {"offline": True}}, {}) is None
    )
