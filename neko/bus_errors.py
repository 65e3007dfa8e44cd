"""What can be wrong with the bus to another process; its place in the tree of errors stands in ``neko.errors``."""

from __future__ import annotations

from neko.errors import ConfigError


class RemoteBusError(ConfigError):
    """The ZeroMQ sockets cannot be used. ``why`` is the end of its ``code``: missing, port, address, clear, keys,
    keys_there, refused, broken."""

    code = "remote_bus"

    def __init__(self, why: str, detail: str, **params: str | int) -> None:
        super().__init__(detail, **params)
        self.code = f"remote_bus_{why}"
