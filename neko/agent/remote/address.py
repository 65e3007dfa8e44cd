"""Where the sockets are, and which there are."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from neko.agent.remote import keys
from neko.agent.remote.keys import CurveKeys, Role
from neko.bus_errors import RemoteBusError
from neko.settings.loopback import is_loopback


class Channel(StrEnum):
    """Named as the queues of the bus that they carry."""

    SESSION = "session"
    AGENT = "agent"
    ANALYZE = "analyze"


Peers = Mapping[Channel, int]
"""Connections that have shaken hands, by channel."""


@dataclass(frozen=True, slots=True)
class Address:
    """Bound by the main, connected to by the agent. ``keys``: the folder of CURVE keys; without one all is in the
    clear, and stays on this computer."""

    role: Role
    host: str
    ports: Mapping[Channel, int] = field(hash=False)
    keys: Path | None = None

    def endpoint(self, channel: Channel) -> str:
        host = "127.0.0.1" if self.host == "localhost" else self.host.strip("[]")
        return f"tcp://[{host}]:{self.ports[channel]}" if ":" in host else f"tcp://{host}:{self.ports[channel]}"


@dataclass(slots=True)
class Counts:
    """What went, came, was lost (``drops``), was no message (``malformed``), and who was not let in (``refused``)."""

    sent: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)
    malformed: Counter[str] = field(default_factory=Counter)
    refused: int = 0

    def snapshot(self) -> dict[str, Any]:
        """For the metrics."""
        named = ("sent", "received", "drops", "malformed")
        return {**{name: dict(getattr(self, name)) for name in named}, "refused": self.refused}


def prepared(address: Address) -> CurveKeys | None:
    """Look whether the sockets could be opened, and read their keys; blocks, and imports pyzmq.

    Raises ``RemoteBusError``.
    """
    try:
        importlib.import_module("zmq")
    except ImportError as error:
        raise RemoteBusError("missing", "pyzmq is not installed") from error
    if address.keys is not None:
        return keys.load(address.keys, address.role)
    if not is_loopback(address.host):
        raise RemoteBusError("clear", f"{address.host} is not this computer, and there are no keys", host=address.host)
    return None
