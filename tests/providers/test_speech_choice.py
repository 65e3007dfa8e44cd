"""What the keys of N.E.K.O. mean for her voice, and what a choice of ours does."""

from __future__ import annotations

from typing import Any

import pytest

from neko.app.speech_choice import SpeechChoice
from neko.settings.in_force import SettingsInForce

CUSTOM: dict[str, Any] = {"enableCustomApi": True, "ttsModelId": "m"}
HTTP = {**CUSTOM, "ttsModelUrl": "http://127.0.0.1:9999"}
SOCKET = {**CUSTOM, "ttsModelUrl": "ws://127.0.0.1:9999"}
OFF = "__gptsovits_disabled__|http://127.0.0.1:9881|mio"


def choice(values: dict[str, Any]) -> SpeechChoice:
    return SpeechChoice(SettingsInForce(values, {}), values, {})


@pytest.mark.parametrize(
    ("values", "card_voice", "kind"),
    [
        ({}, "", "builtin"),
        (HTTP, "", "gptsovits"),
        ({**HTTP, "ttsModelUrl": "HTTPS://voice.example"}, "", "gptsovits"),
        (SOCKET, "", "cosyvoice"),
        ({**HTTP, "ttsModelId": ""}, "", "builtin"),
        ({**HTTP, "enableCustomApi": False}, "", "builtin"),
        ({**HTTP, "ttsVoiceId": OFF}, "", "builtin"),
        ({**HTTP, "neko": {"offline": True}}, "", "builtin"),
        ({**HTTP, "neko": {"speech": {"engine": "browser"}}}, "", "browser"),
        ({"coreApi": "free"}, "", "free"),
        ({"coreApi": "free"}, "voice-tone-OdVwaw2Az2", "free"),
        ({"coreApi": "step", "coreApiKey": "k"}, "", "step"),
        ({"coreApi": "step"}, "", "builtin"),
        ({"coreApi": "glm", "coreApiKey": "k"}, "", "cogtts"),
        ({"coreApi": "gemini", "coreApiKey": "k"}, "", "gemini"),
        ({"coreApi": "openai", "coreApiKey": "k"}, "", "openai"),
        ({"coreApi": "qwen", "coreApiKey": "k"}, "", "qwen"),
        ({"coreApi": "qwen", "coreApiKey": "k"}, "cosyvoice-v3-plus-mio-1", "cosyvoice_cloud"),
        ({"coreApi": "step", "coreApiKey": "k"}, "cosyvoice-v3-plus-mio-1", "step"),
        ({"coreApi": "step", "coreApiKey": "k", "assistApiKeyQwen": "q"}, "cosyvoice-v3-mio", "cosyvoice_cloud"),
    ],
)
def test_the_engine_is_what_the_keys_say(values: dict[str, Any], card_voice: str, kind: str) -> None:
    """[tts 2]"""
    assert choice(values).kind(card_voice, "builtin") == kind


@pytest.mark.parametrize(
    ("values", "kind", "url"),
    [
        (HTTP, "gptsovits", "http://127.0.0.1:9999"),
        (SOCKET, "cosyvoice", "ws://127.0.0.1:9999"),
        (SOCKET, "gptsovits", "http://127.0.0.1:9881"),
        ({**HTTP, "neko": {"speech": {"engine": "gptsovits"}}}, "gptsovits", "http://127.0.0.1:9881"),
        ({"neko": {"speech": {"addresses": {"voicevox": "http://box:50021"}}}}, "voicevox", "http://box:50021"),
    ],
)
def test_a_service_is_where_the_user_says(values: dict[str, Any], kind: str, url: str) -> None:
    server = choice(values).server(kind)
    assert server is not None
    assert (server.url, server.key) == (url, "")


def test_a_key_goes_to_the_company_that_it_was_given_for() -> None:
    values = {"coreApi": "step", "coreApiKey": "k-step", "assistApiKeyGemini": "k-gemini"}
    keys = {kind: server.key for kind in ("step", "gemini", "cogtts") if (server := choice(values).server(kind))}
    assert keys == {"step": "k-step", "gemini": "k-gemini"}


@pytest.mark.parametrize(
    ("kind", "named", "voice"),
    [
        ("gptsovits", 'mio|{"speed": 1.2}', 'mio|{"speed": 1.2}'),
        ("cosyvoice", "中文女:1.1", "中文女:1.1"),
        ("gptsovits", OFF, ""),
        ("openai", "mio", ""),
    ],
)
def test_the_voice_of_the_keys_counts_for_the_servers_that_they_name(kind: Any, named: str, voice: str) -> None:
    assert choice({**HTTP, "ttsVoiceId": named}).voice(kind, "") == voice
