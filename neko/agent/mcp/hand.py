"""MCP servers as a hand: the tools of all of them, in a task of the agent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from neko import i18n
from neko.agent import outside
from neko.agent.approvals import Approvals
from neko.agent.mcp.connection import ServerTool
from neko.agent.mcp.naming import function_names
from neko.agent.mcp.relevance import FIND, Search, asked_for, chosen
from neko.agent.mcp.server import Server
from neko.agent.mcp.servers import McpServers
from neko.agent.mcp.toolbox import described, is_offered
from neko.agent.privacy import REFUSED
from neko.errors import NekoError
from neko.tasks import together
from neko.tool_errors import ToolServerError
from neko.types.agent import Inquiry, Policy, Reply
from neko.types.hands import Action, ActionError, HandName, Intent, Job, Observation, Progress, Readiness
from neko.types.model_session import Tool

MOST_TOLD: Final = 40
PROBE_S: Final = 4.5
CONNECTING_S: Final = 45.0
"""Seconds that a task waits for servers that are being connected while there is no other: `npx` may load one first."""
_BESIDE_S: Final = 8.0
"""The same where there are tools already."""
INSTRUCTIONS: Final = (
    "You use tools of servers that the user has connected (MCP). Call one at a time and read what it returns: the "
    "server says it, not the user. When a call fails, read why before you try another way."
)
LACKING: Final = (
    "If the user asks for something to be done that such a server is likely for and nothing else can do, do not leave "
    "it out: it is waited for, and the user is told if it does not come."
)


class McpHand:
    """See ``Hand``."""

    name: HandName = "mcp"
    exclusive = False

    def __init__(self, servers: McpServers, approvals: Approvals) -> None:
        self._servers = servers
        self._approvals = approvals

    def readiness(self, language: str) -> Readiness:
        if self._servers.may_work:
            return Readiness(ready=True)
        errors = filter(None, (self._servers.error(name) for name in self._servers.entries))
        error = next(errors, None) or self._nothing()
        notice = i18n.describe(error, language)
        return Readiness(False, error.code, " ".join(filter(None, (notice.whole, notice.remedy))))

    async def probe(self) -> None:
        await self._servers.find_out(PROBE_S)

    def offer(self, words: str) -> str:
        known = list(self._offered())
        picked = [known[place] for place in chosen([tool for _, tool in known], words, most=MOST_TOLD, room=0)]
        if not picked:
            return ""
        lines = [f"- {server.config.name}: {tool.title or tool.name}. {_line(tool)}" for server, tool in picked]
        return "Tools of the servers that the user has connected:\n" + outside.marked("the servers", "\n".join(lines))

    def lacking(self) -> str:
        """See ``MayLack``."""
        absent = self._absent()
        return f"{absent}\n{LACKING}" if absent else ""

    async def open(self, job: Job) -> McpWorkspace:
        if coming := list(self._coming()):
            job.waits_for(_names(coming))
            seconds = _BESIDE_S if self._has_tools() else CONNECTING_S
            await together(*(server.settled(seconds) for server in coming))
            job.waits_for("")
        if not self._has_tools():
            errors = filter(None, map(self._servers.error, self._servers.entries))
            raise self._silent() or next(errors, None) or self._nothing()
        return McpWorkspace(self._servers, self._approvals, job, self._absent())

    async def aclose(self) -> None:
        """Nothing of it runs: the servers are their own."""

    # ── the user's word, which stands in mcp.json ─────────────────────────────

    def said(self, place: str, function: str) -> Policy | None:
        """What the user has said of a tool, by the name of its function."""
        found = self._found(place, function)
        return self._servers.word(*found) if found else None

    async def allow(self, place: str, function: str, version: str) -> None:
        """The user said "always" to this tool as it was described when they were asked."""
        if found := self._found(place, function):
            await self._servers.always(*found, version)

    def _found(self, place: str, function: str) -> tuple[Server, ServerTool] | None:
        name = functions(self._servers).get(function)
        server = self._servers.server(place) if name and name[0] == place else None
        tool = server.tool(name[1]) if server and name else None
        return (server, tool) if server and tool else None

    def _offered(self) -> Iterator[tuple[Server, ServerTool]]:
        return offered(self._servers)

    def _coming(self) -> Iterator[Server]:
        running = filter(None, map(self._servers.server, self._servers.entries))
        return (server for server in running if server.is_coming)

    def _absent(self) -> str:
        coming = _names(self._coming())
        away = ", ".join(name for name in self._servers.entries if self._servers.error(name) and not self._has(name))
        told = [f"Servers that are being connected now, whose tools are not known yet: {coming}."] if coming else []
        return "\n".join([*told, f"Servers that do not work now: {away}."] if away else told)

    def _has(self, name: str) -> bool:
        return any(server.config.name == name for server, _ in self._servers.tools())

    def _has_tools(self) -> bool:
        return any(True for _ in self._offered())

    def _silent(self) -> NekoError | None:
        """Those that were waited for in vain."""
        names = _names(self._coming())
        return ToolServerError("connecting", "it does not come", name=names, lasting=False) if names else None

    def _nothing(self) -> NekoError:
        return ToolServerError("none", "no server is on")


class McpWorkspace:
    """See ``Workspace``. A tool of another server, or described otherwise, than when it was shown to the user is not
    called."""

    def __init__(self, servers: McpServers, approvals: Approvals, job: Job, absent: str = "") -> None:
        self.instructions = f"{INSTRUCTIONS}\n{absent}".strip()
        self._servers = servers
        self._approvals = approvals
        self._job = job
        self._shown: dict[str, tuple[Server, str]] = {}
        """By function: the server, and how it described the tool, when the user was asked."""
        self._search = Search()
        self._is_closed = False

    def tools(self) -> Sequence[Tool]:
        names, known = self._known()
        tools = [tool for _, tool in known]
        picked = chosen(tools, self._job.words, found=self._search.places(names))
        told = (described(names[place], *known[place]) for place in picked)
        return (*told, FIND) if len(picked) < len(known) else tuple(told)

    def find(self, words: str) -> tuple[Sequence[str], Sequence[str]]:
        """See ``HasMore``."""
        names, known = self._known()
        return self._search.look(names, [tool for _, tool in known], words), names

    def has(self, function: str) -> bool:
        """See ``HasMore``."""
        return function in functions(self._servers)

    def _known(self) -> tuple[list[str], list[tuple[Server, ServerTool]]]:
        """The names of all functions, and what is behind each."""
        names = {place: name for name, place in functions(self._servers).items()}
        known = (
            (names.get((server.config.name, tool.name), ""), (server, tool)) for server, tool in offered(self._servers)
        )
        named = [(name, one) for name, one in known if name]
        return [name for name, _ in named], [one for _, one in named]

    async def look(self) -> None:
        return None

    async def intend(self, action: Action) -> Intent:
        server, tool = self._found(action)
        if self._servers.withholds(tool):
            raise ActionError(REFUSED)
        self._shown[action.name] = (server, tool.definition)
        title = f"use “{tool.title or tool.name}” of {server.config.name}"
        shown = outside.exact_json(dict(action.arguments))
        act, place = self._servers.act(server, tool), server.config.name
        others = any(other.config.name != place for other, _ in offered(self._servers))
        by_others = others and not asked_for(tool, self._job.words)
        return Intent(act, place, title, shown, version=tool.definition, tool=tool.name, by_others=by_others)

    async def act(self, action: Action, progress: Progress) -> Observation:
        server, tool = self._found(action)
        if self._shown.get(action.name, (server, tool.definition)) != (server, tool.definition):
            raise ActionError("The tool has changed in the meantime; it was not called. Look at it again.")
        if self._servers.withholds(tool):
            return Observation(REFUSED, failed=True)

        async def asked(message: str, schema: Mapping[str, Any], url: str) -> Reply:
            job, words = self._job, outside.visible(message[:1000])
            inquiry = Inquiry(job.character, server.config.name, words, schema, url, job.task_id)
            with job.asking():
                return await self._approvals.inquire(inquiry)

        def told(done: float, total: float | None, message: str) -> None:
            progress(message or (f"{done:g} / {total:g}" if total else f"{done:g}"))

        arguments = json.loads(outside.exact_json(dict(action.arguments)))
        try:
            outcome = await server.call(tool.name, arguments, asked, told, definition=tool.definition)
        except NekoError as error:
            said = getattr(error, "said", "")
            return Observation(" ".join(filter(None, (f"The tool could not be used: {error}.", said))), failed=True)
        return Observation(outcome.text, failed=outcome.failed)

    async def aclose(self) -> None:
        self._is_closed = True

    def _found(self, action: Action) -> tuple[Server, ServerTool]:
        place = functions(self._servers).get(action.name)
        server = self._servers.server(place[0]) if place else None
        tool = server.tool(place[1]) if server and place else None
        if self._is_closed or server is None or tool is None:
            raise ActionError(f"There is no function {action.name} (any more).")
        return server, tool


def offered(servers: McpServers) -> Iterator[tuple[Server, ServerTool]]:
    """The tools that a model may be told of."""
    return ((server, tool) for server, tool in servers.tools() if is_offered(servers, server, tool))


def functions(servers: McpServers) -> Mapping[str, tuple[str, str]]:
    """Server and tool by the name of the function."""
    return function_names(((server.config.name, tool.name) for server, tool in offered(servers)), servers.entries)


def _names(servers: Iterable[Server]) -> str:
    return ", ".join(server.config.name for server in servers)


def _line(tool: ServerTool) -> str:
    return " ".join(tool.description.split())[:160]
