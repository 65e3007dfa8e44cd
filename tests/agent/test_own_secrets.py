"""What of ``mcp.json`` is a secret of the user's."""

from __future__ import annotations

from typing import Any

import pytest

from neko.agent.mcp.own_secrets import secrets_of

KEY = "k3y-1234567"


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "x", "env": {"MY_TOKEN": KEY}},
        {"command": "x", "args": ["--api-key", KEY]},
        {"command": "x", "args": ["-y", "server", f"--token={KEY}"]},
        {"command": "x", "args": ["-e", f"SOME_SECRET={KEY}"]},
        {"url": "https://example.com/mcp", "headers": {"Authorization": f"Bearer {KEY}"}},
        {"url": f"https://example.com/mcp?api_key={KEY}"},
        {"url": f"https://me:{KEY}@example.com/mcp"},
        {"serverUrl": "https://example.com/mcp", "requestHeaders": {"X-Key": KEY}},
    ],
)
def test_what_is_called_a_secret_is_one(entry: dict[str, Any]) -> None:
    assert KEY in secrets_of(entry)


def test_what_looks_like_a_key_is_one_whatever_it_is_called() -> None:
    key = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
    assert key in secrets_of({"command": "x", "env": {"GITHUB_PAT": key}})
    assert key in secrets_of({"command": "x", "args": [key]})
    assert key in secrets_of({"url": f"https://example.com/s/{key}/mcp"})


def test_what_a_server_is_about_can_be_spoken_of() -> None:
    entry = {
        "command": "npx",
        "args": [
            "-y",
            "@modelcontextprotocol/server-filesystem",
            "/home/mio/papers2026/letters",
            "mcp-server-time-2026.11.5-beta",
        ],
        "env": {"FOLDER": "/home/mio/papers2026/letters", "NODE_ENV": "production", "SITE": "https://example.com/a1"},
    }
    assert secrets_of(entry) == frozenset()
    assert secrets_of({"url": "https://example.com/mcp?team=writers"}) == frozenset()
