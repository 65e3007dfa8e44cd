"""Is there a model that the agent could think with (``contract/agent.md`` §5)?"""

from __future__ import annotations

from typing import Final

from neko.providers.addresses import host_of
from neko.providers.resolution import ModelEndpoint
from neko.settings.loopback import is_near

_NO_KEY: Final = "free-access"


def closed_by(endpoint: ModelEndpoint | None) -> list[str]:
    """Why there is none, as codes of sentences; nothing when there is one. A server in this house needs no key."""
    if endpoint is None:
        return ["agent_no_model"]
    if endpoint.provider == "free":
        return ["agent_gate_free"]
    found = []
    if not endpoint.model.strip():
        found.append("agent_gate_model")
    if not endpoint.base_url.strip():
        found.append("agent_gate_address")
    key = endpoint.api_key.strip()
    if key == _NO_KEY or (not key and not is_near(host_of(endpoint.base_url))):
        found.append("agent_gate_key")
    return found
