"""What can be wrong with a server of tools; the place of this in the tree of errors stands in ``neko.errors``."""

from __future__ import annotations

from neko.errors import NekoError


class ToolServerError(NekoError):
    """An MCP server, or what its settings say, cannot be used.

    ``why`` is the end of its ``code``; ``lasting``: it stays so until settings or this computer are changed; ``said``:
    the server's own last words.
    """

    code = "tool_server"

    def __init__(self, why: str, detail: str, *, lasting: bool = True, said: str = "", **params: str | int) -> None:
        super().__init__(detail, **params)
        self.code = f"tool_server_{why}"
        self.lasting = lasting
        self.said = said
