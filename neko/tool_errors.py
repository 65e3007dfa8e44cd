"""What can be wrong with what the agent works with; where it stands in the tree of errors: ``neko.errors``."""

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


class AgentError(NekoError):
    """The agent does not do what it was asked to. ``why`` is the end of its ``code``; ``said``: what the other
    side said of it."""

    code = "agent"

    def __init__(self, why: str, detail: str, *, said: str = "", **params: str | int) -> None:
        super().__init__(detail, **params)
        self.code = f"agent_{why}"
        self.said = said


class PluginError(NekoError):
    """A plug-in, or one of its entries, cannot be used. ``why`` is the end of its ``code``; ``said``: its own words."""

    code = "plugin"

    def __init__(self, why: str, detail: str, *, said: str = "", **params: str | int | float) -> None:
        super().__init__(detail, **params)
        self.code = f"plugin_{why}"
        self.said = said


class ComputerError(NekoError):
    """Screen, mouse and keyboard cannot be used. ``why`` is the end of its ``code``."""

    code = "computer"

    def __init__(self, why: str, detail: str, **params: str | int) -> None:
        super().__init__(detail, **params)
        self.code = f"computer_{why}"


class BrowserError(NekoError):
    """The browser cannot be started, or has ended. ``why`` is the end of its ``code``; ``said``: its last words."""

    code = "browser"

    def __init__(self, why: str, detail: str, *, said: str = "", **params: str | int) -> None:
        super().__init__(detail, **params)
        self.code = f"browser_{why}"
        self.said = said
