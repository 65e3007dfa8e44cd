"""All settings of Neko, each defined once: launch options, ``core_config.json``, its section ``neko``, variables.

Keys of ``core_config.json`` and their meaning: ``contract/config.md`` §4–5. Keys of that file that are not
here are not ours; they are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from neko.language import LANGUAGES
from neko.settings.setting import (
    FOLDER,
    KEY,
    MAPPING,
    NAMES,
    PORT,
    SECONDS,
    SWITCH,
    TEXT,
    Place,
    Setting,
    one_of,
    seconds_between,
    whole_between,
)
from neko.settings.speaking_first import SPEAKING_FIRST

EngineKind = Literal[
    "builtin",
    "openai",
    "gptsovits",
    "cosyvoice",
    "voicevox",
    "edge",
    "gemini",
    "step",
    "free",
    "cogtts",
    "qwen",
    "cosyvoice_cloud",
    "browser",
    "off",
]
SemanticKind = Literal["server", "e5", "use", "off"]
SEMANTIC_KINDS: Final[tuple[SemanticKind, ...]] = get_args(SemanticKind)
CallWay = Literal["direct", "text"]
CALL_WAYS: Final[tuple[CallWay, ...]] = get_args(CallWay)
CallVoice = Literal["model", "hers"]
CALL_VOICES: Final[tuple[CallVoice, ...]] = get_args(CallVoice)
CallTurns = Literal["model", "here"]
CALL_TURNS_KINDS: Final[tuple[CallTurns, ...]] = get_args(CallTurns)

HearingKind = Literal["server", "local", "browser", "off"]
HEARING_KINDS: Final[tuple[HearingKind, ...]] = get_args(HearingKind)
ENGINE_KINDS: Final[tuple[EngineKind, ...]] = get_args(EngineKind)

ROLES: Final = (
    "conversation",
    "summary",
    "correction",
    "emotion",
    "vision",
    "agent",
    "omni",
    "tts",
    "hearing",
    "semantic",
    "router",
)
"""The roles that can have a model of their own; ``omni`` is speech to speech, ``hearing`` speech to text, ``semantic``
text to vectors, ``router`` decides which lines a memo leaves as they were said."""
OWN_ROLES: Final = ("hearing", "semantic", "router")
"""Those that N.E.K.O. does not know; its page of keys neither shows nor covers them."""
ASSIST_PROVIDERS: Final = ("Qwen", "Openai", "Glm", "Step", "Silicon", "Gemini", "Kimi")
OWN_ASSIST_PROVIDERS: Final = ("Claude", "Openrouter", "Mistral", "Groq", "Xai", "Deepseek")
"""Those that N.E.K.O. does not know; its page of keys neither shows nor covers them."""
_BORROWED_KEYS: Final = {
    "Qwen": ("DASHSCOPE_API_KEY",),
    "Openai": ("OPENAI_API_KEY",),
    "Glm": ("ZHIPUAI_API_KEY",),
    "Silicon": ("SILICONFLOW_API_KEY",),
    "Gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "Kimi": ("MOONSHOT_API_KEY",),
    "Claude": ("ANTHROPIC_API_KEY",),
    "Openrouter": ("OPENROUTER_API_KEY",),
    "Mistral": ("MISTRAL_API_KEY",),
    "Groq": ("GROQ_API_KEY",),
    "Xai": ("XAI_API_KEY",),
    "Deepseek": ("DEEPSEEK_API_KEY",),
}
"""Where the providers' own tools look for a key."""

# ── launch ────────────────────────────────────────────────────────────────────

HOST: Final[Setting[str]] = Setting(
    "host", TEXT, "127.0.0.1", "address to listen on", Place.COMMAND_LINE, ("NEKO_HOST",)
)
PORT_NUMBER: Final[Setting[int]] = Setting(
    "port",
    PORT,
    48911,
    "port of the page; 0 takes any free one",
    Place.COMMAND_LINE,
    environment=("NEKO_PORT",),
    older=("NEKO_MAIN_SERVER_PORT", "MAIN_SERVER_PORT"),
)
DATA_DIR: Final[Setting[Path | None]] = Setting(
    "data-dir",
    FOLDER,
    None,
    "where everything is kept",
    Place.COMMAND_LINE,
    ("NEKO_DATA_DIR",),
    shown_default="Documents/N.E.K.O",
)
NO_BROWSER: Final[Setting[bool]] = Setting(
    "no-browser", SWITCH, False, "do not open the page by itself", Place.COMMAND_LINE, ("NEKO_NO_BROWSER",)
)
LOG_LEVEL: Final[Setting[str]] = Setting(
    "log-level",
    one_of("debug", "info", "warning", "error"),
    "info",
    "how much is written to the terminal",
    Place.COMMAND_LINE,
    ("NEKO_LOG_LEVEL",),
)
TOKEN: Final[Setting[str | None]] = Setting(
    "token",
    TEXT,
    None,
    "password of the page, 16 characters or more; needed when the host is not this computer",
    Place.COMMAND_LINE,
    ("NEKO_TOKEN",),
    secret=True,
)

PAGES: Final[Setting[Path | None]] = Setting(
    "pages",
    FOLDER,
    None,
    "folder of N.E.K.O. whose own pages are shown; hers are below `/neko-pages/` then",
    Place.COMMAND_LINE,
    ("NEKO_PAGES",),
)

LAUNCH: Final[tuple[Setting[Any], ...]] = (HOST, PORT_NUMBER, DATA_DIR, NO_BROWSER, LOG_LEVEL, TOKEN, PAGES)

# ── environment only ──────────────────────────────────────────────────────────

ALLOWED_HOSTS: Final[Setting[tuple[str, ...]]] = Setting(
    "allowed-hosts",
    NAMES,
    (),
    "further host names that she answers to, behind a proxy",
    Place.ENVIRONMENT,
    ("NEKO_ALLOWED_HOSTS",),
)
ROOT_PATH: Final[Setting[str]] = Setting(
    "root-path",
    TEXT,
    "",
    "path below which a proxy shows her, if it hands that path on: `/neko`",
    Place.ENVIRONMENT,
    ("NEKO_ROOT_PATH",),
)
INSTANCE_ID: Final[Setting[str]] = Setting(
    "instance-id",
    TEXT,
    "",
    "what `/health` calls this process; random at each start",
    Place.ENVIRONMENT,
    ("NEKO_INSTANCE_ID",),
)
OPENAI_BASE_URL: Final[Setting[str]] = Setting(
    "openaiBaseUrl",
    TEXT,
    "",
    "address of the assist provider `openai`",
    Place.ENVIRONMENT,
    ("NEKO_OPENAI_BASE_URL",),
    borrowed=("OPENAI_BASE_URL",),
)
CHOSEN_PROVIDER_KEY: Final[Setting[str]] = Setting(
    "chosenProviderKey",
    TEXT,
    "",
    "key of the assist provider that is chosen",
    Place.ENVIRONMENT,
    ("NEKO_OPENROUTER_API_KEY",),
    secret=True,
)

BUS: Final[Setting[str]] = Setting(
    "bus",
    one_of("local", "zmq"),
    "local",
    "`zmq` lets the agent be in another process: N.E.K.O.'s own, or a second Neko",
    Place.ENVIRONMENT,
    ("NEKO_BUS",),
)
STOP_KEY: Final[Setting[str]] = Setting(
    "stop-key",
    one_of("esc esc", "pause", "scrolllock", "f9", "f12"),
    "esc esc",
    "key that stops her at your mouse and keyboard; twice is within a second",
    Place.ENVIRONMENT,
    ("NEKO_STOP_KEY",),
)
BUS_ROLE: Final[Setting[str]] = Setting(
    "bus-role",
    one_of("main", "agent"),
    "main",
    "with `zmq`: `main` talks, `agent` does the tasks of a main",
    Place.ENVIRONMENT,
    ("NEKO_BUS_ROLE",),
)
BUS_HOST: Final[Setting[str]] = Setting(
    "bus-host",
    TEXT,
    "127.0.0.1",
    "with `zmq`: address that the main listens on, and the agent connects to",
    Place.ENVIRONMENT,
    ("NEKO_BUS_HOST",),
)
BUS_KEYS: Final[Setting[Path | None]] = Setting(
    "bus-keys",
    FOLDER,
    None,
    "with `zmq`: folder of the keys; needed when the address is not this computer",
    Place.ENVIRONMENT,
    ("NEKO_BUS_KEYS",),
    shown_default="none",
)


def _bus_port(queue: str, variable: str, default: int, carries: str) -> Setting[int]:
    help = f"with `zmq`: port of {carries}"
    return Setting(f"bus-{queue}-port", PORT, default, help, Place.ENVIRONMENT, older=(variable,))


BUS_PORTS: Final[Mapping[str, Setting[int]]] = MappingProxyType(
    {
        "session": _bus_port("session", "NEKO_ZMQ_SESSION_PUB_PORT", 48961, "what the main tells"),
        "agent": _bus_port("agent", "NEKO_ZMQ_AGENT_PUSH_PORT", 48962, "what the agent reports"),
        "analyze": _bus_port("analyze", "NEKO_ZMQ_ANALYZE_PUSH_PORT", 48963, "the turns that an agent looks through"),
    }
)

MCP_ROUTER_URL: Final = Setting(
    "mcp-router-url",
    TEXT,
    "http://localhost:3282/mcp",
    "address of the MCP router, which is used once its token is set",
    Place.ENVIRONMENT,
    ("NEKO_MCP_ROUTER_URL",),
)

# ── core_config.json ──────────────────────────────────────────────────────────


def _core(
    name: str, help: str, *environment: str, default: str = "", secret: bool = False, borrowed: tuple[str, ...] = ()
) -> Setting[str]:
    kind = KEY if secret else TEXT
    return Setting(name, kind, default, help, Place.CORE_CONFIG, environment, borrowed=borrowed, secret=secret)


CORE_API_KEY: Final = _core(
    "coreApiKey", "key of the core provider; also of assist providers without one", "NEKO_CORE_API_KEY", secret=True
)
CORE_API: Final = _core("coreApi", "core provider (speech to speech)", "NEKO_CORE_API", default="qwen")
ASSIST_API: Final = _core("assistApi", "assist provider (text)", "NEKO_ASSIST_API", default="qwen")
MCP_TOKEN: Final = _core("mcpToken", "token of the MCP router", "NEKO_MCP_TOKEN", secret=True)
ENABLE_CUSTOM_API: Final[Setting[bool]] = Setting(
    "enableCustomApi", SWITCH, False, "let the roles below use their own addresses", Place.CORE_CONFIG
)
MEMORY_REVIEW: Final[Setting[bool]] = Setting(
    "recent_memory_auto_review",
    SWITCH,
    True,
    "let a model tidy the recent window once a memo is made",
    Place.CORE_CONFIG,
)
TTS_VOICE_ID: Final = _core("ttsVoiceId", "voice of the speech server when a character names none")


def assist_key(provider: str) -> Setting[str]:
    """The key of one of ``ASSIST_PROVIDERS`` and ``OWN_ASSIST_PROVIDERS``."""
    variable, name = f"NEKO_ASSIST_API_KEY_{provider.upper()}", f"assistApiKey{provider}"
    help = f"key of the assist provider `{provider.lower()}`"
    return _core(name, help, variable, secret=True, borrowed=_BORROWED_KEYS.get(provider, ()))


def role_settings(role: str) -> tuple[Setting[str], Setting[str], Setting[str]]:
    """Address, model and key that one of ``ROLES`` has for itself."""
    also = ("NEKO_REALTIME_MODEL",) if role == "omni" else ()
    return (
        _core(f"{role}ModelUrl", f"own address of the role `{role}`"),
        _core(f"{role}ModelId", f"own model of the role `{role}`", f"NEKO_{role.upper()}_MODEL", *also),
        _core(f"{role}ModelApiKey", f"own key of the role `{role}`", secret=True),
    )


ASSIST_KEYS: Final = tuple(map(assist_key, (*ASSIST_PROVIDERS, *OWN_ASSIST_PROVIDERS)))
ROLE_SETTINGS: Final = {role: role_settings(role) for role in ROLES}
CORE_CONFIG: Final[tuple[Setting[Any], ...]] = (
    CORE_API_KEY,
    CORE_API,
    ASSIST_API,
    *ASSIST_KEYS,
    MCP_TOKEN,
    ENABLE_CUSTOM_API,
    *(setting for settings in ROLE_SETTINGS.values() for setting in settings),
    MEMORY_REVIEW,
    TTS_VOICE_ID,
)

# ── the section ``neko`` ──────────────────────────────────────────────────────

LANGUAGE: Final[Setting[str | None]] = Setting(
    "language", one_of(*LANGUAGES), None, "language of the page; without one the browser's", Place.NEKO_SECTION
)
OFFLINE: Final[Setting[bool]] = Setting(
    "offline", SWITCH, False, "answer with the built-in model whatever else is configured", Place.NEKO_SECTION
)
SMALL_MODEL: Final[Setting[bool]] = Setting(
    "small_model",
    SWITCH,
    False,
    "answer with the small model on this computer whatever else is configured",
    Place.NEKO_SECTION,
)
SMALL_MODEL_FILE: Final[Setting[str]] = Setting(
    "small_model_file",
    TEXT,
    "",
    "GGUF file of the small model: a path, or a name in the folder `models`",
    Place.NEKO_SECTION,
    ("NEKO_SMALL_MODEL_FILE",),
)
BORROWED_VARIABLES: Final[Setting[tuple[str, ...]]] = Setting(
    "borrowedVariables", NAMES, (), "variables of other programs that the user lets her use", Place.NEKO_SECTION
)
SPEECH_ENGINE: Final[Setting[EngineKind | None]] = Setting(
    "speech.engine",
    one_of(*ENGINE_KINDS),
    None,
    "engine of her voice; without one what N.E.K.O.'s keys mean, else the built-in if installed",
    Place.NEKO_SECTION,
)
SPEECH_ADDRESSES: Final[Setting[Mapping[str, Any]]] = Setting(
    "speech.addresses",
    MAPPING,
    MappingProxyType({}),
    "addresses of `gptsovits`, `cosyvoice` and `voicevox` that are not the usual ones",
    Place.NEKO_SECTION,
)
CALL_WAY: Final[Setting[CallWay | None]] = Setting(
    "call.way",
    one_of(*CALL_WAYS),
    None,
    "who answers calls: `direct`, the core provider's voice model, or `text`; without one the first if it has a key",
    Place.NEKO_SECTION,
    ("NEKO_CALL_WAY",),
)
CALL_VOICE: Final[Setting[CallVoice | None]] = Setting(
    "call.voice",
    one_of(*CALL_VOICES),
    None,
    "whose voice is heard when a voice model answers: `model`, its own, or `hers`, with which she reads texts; without "
    "one hers if a voice was chosen for her that the model does not have",
    Place.NEKO_SECTION,
    ("NEKO_CALL_VOICE",),
)
CALL_TURNS: Final[Setting[CallTurns | None]] = Setting(
    "call.turns",
    one_of(*CALL_TURNS_KINDS),
    None,
    "who finds out that you have finished when a voice model answers: `model`, its provider, or `here`, this computer; "
    "without one the provider if it can",
    Place.NEKO_SECTION,
    ("NEKO_CALL_TURNS",),
)
CALL_MARK_S: Final[Setting[int]] = Setting(
    "call.mark_s",
    seconds_between(10, 3600),
    40,
    "seconds after which the session of a call with a voice model is old and what is remembered is brought up to date",
    Place.NEKO_SECTION,
    ("NEKO_CALL_MARK_S",),
)
CALL_PREPARE_S: Final[Setting[int]] = Setting(
    "call.prepare_s",
    seconds_between(1, 600),
    10,
    "seconds from then until another session is prepared, which takes over at a quiet moment",
    Place.NEKO_SECTION,
    ("NEKO_CALL_PREPARE_S",),
)
CALL_LIMIT_LEAD_S: Final[Setting[int]] = Setting(
    "call.limit_lead_s",
    seconds_between(30, 600),
    60,
    "seconds before its provider ends a session at which another one is prepared",
    Place.NEKO_SECTION,
    ("NEKO_CALL_LIMIT_LEAD_S",),
)
HEARING_ENGINE: Final[Setting[HearingKind | None]] = Setting(
    "hearing.engine",
    one_of(*HEARING_KINDS),
    None,
    "what turns speech into words; without one the server configured for it, else this computer, else the provider",
    Place.NEKO_SECTION,
)
HEARING_LOCAL_MODEL: Final[Setting[str]] = Setting(
    "hearing.local_model",
    TEXT,
    "",
    "model that hears on this computer: its name, or its folder; without one the best there is",
    Place.NEKO_SECTION,
    ("NEKO_HEARING_LOCAL_MODEL",),
)
MODELS_MIRROR: Final[Setting[str]] = Setting(
    "models.mirror",
    TEXT,
    "",
    "address that models are fetched from in place of the hub",
    Place.NEKO_SECTION,
    ("NEKO_MODELS_MIRROR",),
)
HEARING_LANGUAGE: Final[Setting[str]] = Setting(
    "hearing.language", TEXT, "", "language that is spoken to her; without one she finds out", Place.NEKO_SECTION
)
SEMANTIC_ENGINE: Final[Setting[SemanticKind | None]] = Setting(
    "semantic.engine",
    one_of(*SEMANTIC_KINDS),
    None,
    "what finds memories by their meaning; without one the server configured for it, else `e5` on this computer, "
    "else the provider, else `use` on this computer",
    Place.NEKO_SECTION,
    ("NEKO_SEMANTIC_ENGINE",),
)
FACTS_BY_MODEL: Final[Setting[bool]] = Setting(
    "facts_by_model",
    SWITCH,
    True,
    "let a model look for facts in what was said, and sum up what was brought in from elsewhere; rules do both without",
    Place.NEKO_SECTION,
    ("NEKO_FACTS_BY_MODEL",),
)
VOICES: Final[Setting[Mapping[str, Any]]] = Setting(
    "voices", MAPPING, MappingProxyType({}), "`voice`, `rate` and `pitch` by character", Place.NEKO_SECTION
)
REPLIES: Final[Setting[Mapping[str, Any]]] = Setting(
    "replies", MAPPING, MappingProxyType({}), "`temperature` and `max_tokens` by character", Place.NEKO_SECTION
)

PLUGIN_FOLDERS: Final[Setting[tuple[str, ...]]] = Setting(
    "plugins.folders",
    NAMES,
    (),
    "further folders that hold plug-ins, beside `plugins` in the data folder",
    Place.NEKO_SECTION,
    ("NEKO_PLUGIN_FOLDERS",),
    older=("PLUGIN_CONFIG_ROOT",),
)
PLUGIN_TIMEOUT_S: Final[Setting[int]] = Setting(
    "plugins.timeout_s",
    SECONDS,
    30,
    "seconds that a plug-in has for one call before it is ended",
    Place.NEKO_SECTION,
    ("NEKO_PLUGIN_TIMEOUT_S",),
)
LOCAL_ONLY: Final[Setting[bool]] = Setting(
    "network.local_only",
    SWITCH,
    False,
    "contact no other computer: no model, voice or page elsewhere",
    Place.NEKO_SECTION,
    ("NEKO_LOCAL_ONLY",),
)

BROWSER_VISIBLE: Final[Setting[bool]] = Setting(
    "browser.visible",
    SWITCH,
    True,
    "show the window of the browser that she drives; without a screen there is none",
    Place.NEKO_SECTION,
    ("NEKO_BROWSER_VISIBLE",),
)
BROWSER_PROGRAM: Final[Setting[str]] = Setting(
    "browser.program",
    TEXT,
    "",
    "Chrome, Chromium or Edge that she drives: a path; without one she finds one",
    Place.NEKO_SECTION,
    ("NEKO_BROWSER_PROGRAM",),
)
BROWSER_NEAR: Final[Setting[bool]] = Setting(
    "browser.own_network",
    SWITCH,
    False,
    "let the browser that she drives into your own network, also where you do not name the address",
    Place.NEKO_SECTION,
    ("NEKO_BROWSER_OWN_NETWORK",),
)

STEAM: Final[Setting[bool]] = Setting(
    "steam.enabled",
    SWITCH,
    False,
    "ask Steam's client on this computer for items of the Workshop, achievements and playing time",
    Place.NEKO_SECTION,
    ("NEKO_STEAM",),
)
STEAM_APP: Final[Setting[int]] = Setting(
    "steam.app_id",
    whole_between(1, 2**32 - 1),
    4099310,
    "number of the app that she is for Steam; yours must own it",
    Place.NEKO_SECTION,
    ("NEKO_STEAM_APP_ID",),
)

PRIVACY: Final[Setting[bool]] = Setting(
    "privacy",
    SWITCH,
    False,
    "keep microphone, camera and screen from her, whoever asks",
    Place.NEKO_SECTION,
)

NEKO_SECTION: Final[tuple[Setting[Any], ...]] = (
    LANGUAGE,
    OFFLINE,
    SMALL_MODEL,
    SMALL_MODEL_FILE,
    BORROWED_VARIABLES,
    SPEECH_ENGINE,
    SPEECH_ADDRESSES,
    CALL_WAY,
    CALL_VOICE,
    CALL_TURNS,
    CALL_MARK_S,
    CALL_PREPARE_S,
    CALL_LIMIT_LEAD_S,
    HEARING_ENGINE,
    HEARING_LOCAL_MODEL,
    HEARING_LANGUAGE,
    MODELS_MIRROR,
    SEMANTIC_ENGINE,
    FACTS_BY_MODEL,
    VOICES,
    REPLIES,
    PLUGIN_FOLDERS,
    PLUGIN_TIMEOUT_S,
    LOCAL_ONLY,
    *SPEAKING_FIRST,
    PRIVACY,
    BROWSER_VISIBLE,
    BROWSER_PROGRAM,
    BROWSER_NEAR,
    STEAM,
    STEAM_APP,
)

SETTINGS: Final[tuple[Setting[Any], ...]] = (
    *LAUNCH,
    ALLOWED_HOSTS,
    ROOT_PATH,
    INSTANCE_ID,
    OPENAI_BASE_URL,
    CHOSEN_PROVIDER_KEY,
    BUS,
    STOP_KEY,
    BUS_ROLE,
    BUS_HOST,
    BUS_KEYS,
    *BUS_PORTS.values(),
    MCP_ROUTER_URL,
    *CORE_CONFIG,
    *NEKO_SECTION,
)
TEXTS: Final[Mapping[str, Setting[str]]] = MappingProxyType(
    {setting.name: setting for setting in CORE_CONFIG if setting.kind in (TEXT, KEY)}
)
"""The keys of ``core_config.json`` that hold text."""
