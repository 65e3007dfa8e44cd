"""The MCP servers whose tools she may use: which there are, how they are, and what may be done without asking."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field
from starlette.responses import RedirectResponse, Response

from neko.agent.mcp import config
from neko.agent.mcp.server import Server, ServerState
from neko.agent.mcp.sign_in import CALLBACK
from neko.agent.outside import visible
from neko.errors import NekoError
from neko.tasks import in_thread
from neko.tool_errors import AgentError
from neko.types.agent import Act, Policy
from neko.web.endpoint import Call, delete, get, post, put
from neko.web.errors import failure_of
from neko.web.request_language import request_language
from neko.web.schemas import Empty, Failure, Schema, Success

_LARGEST_IMPORT = 200_000
_UNKNOWN = {404: "There is no such server."}
_REFUSED = {**_UNKNOWN, 409: "It cannot be used as it is, or the disk refuses."}


class ServerPath(Schema):
    name: Annotated[str, Field(min_length=1, max_length=config.LONGEST_NAME)]


class McpTool(Schema):
    """``act``: at worst. ``policy``: what holds for it; ``chosen``, ``chosen_act``: the user's own words, if any."""

    name: str
    title: str
    description: str
    act: Act
    policy: Policy
    chosen: Policy | None
    chosen_act: Act | None


class McpServer(Schema):
    """``entry``: as in ``mcp.json``, with its secrets masked. ``place``: what is run, or its address. ``problem``: why
    it does not work."""

    name: str
    on: bool
    state: ServerState
    place: str
    version: str
    policy: Policy | None
    entry: dict[str, Any]
    tools: list[McpTool]
    problem: Failure | None
    signed_in: bool
    """The user signed in there (OAuth)."""


class McpServerList(Success):
    """``installed``: whether what speaks the protocol is there (the extra ``mcp``). ``used``: MCP as a whole is on,
    else no server runs, whatever is said of it here."""

    installed: bool
    used: bool
    servers: list[McpServer]


class ServerEntry(Schema):
    """``entry``: as other programs write it; a masked value that comes back is left as it is."""

    entry: dict[str, Any]


class Pasted(Schema):
    text: Annotated[str, Field(min_length=1, max_length=_LARGEST_IMPORT)]


class Imported(Success):
    names: list[str]


class FoundServer(Schema):
    """``place``: what would be run, or its address. ``known``: there is a server of this name, which would be changed.
    ``problem``: why it could not be used as it is."""

    name: str
    place: str
    known: bool
    problem: Failure | None


class FoundServers(Success):
    servers: list[FoundServer]


class Switched(Schema):
    on: bool


class PolicyChoice(Schema):
    """``policy`` null takes the word back; ``tool`` null: of the whole server. ``act``: what the tool can do, where the
    user knows better than it says."""

    policy: Policy | None
    act: Act | None = None
    tool: Annotated[str, Field(max_length=200)] | None = None


class TestResult(Success):
    """Of one connection that was made for this and ended."""

    works: bool
    seconds: float
    tools: list[str]
    log: list[str]
    problem: Failure | None


class SignInAddress(Success):
    """A page of the server, to be opened by the user."""

    address: str


class CameBack(Schema):
    """As OAuth 2.0 has it (RFC 6749 §4.1.2, RFC 9207)."""

    state: Annotated[str, Field(max_length=500)] = ""
    code: Annotated[str, Field(max_length=4_000)] = ""
    iss: Annotated[str, Field(max_length=500)] | None = None
    error: Annotated[str, Field(max_length=500)] = ""


class LogEntry(Schema):
    at: str
    source: str
    text: str


class ServerLogLines(Success):
    lines: list[LogEntry]


class McpAvailability(Schema):
    """As N.E.K.O. has it (``contract/agent.md`` §9)."""

    ready: bool
    capabilities_count: int
    reasons: list[str]


@get("/api/mcp/servers", response=McpServerList, summary="The MCP servers, their state and their tools")
async def mcp_servers(call: Call) -> McpServerList:
    installed = await in_thread(lambda: find_spec("mcp") is not None)
    listed = [await _shown(call, name, entry) for name, entry in call.neko.mcp.entries.items()]
    return McpServerList(installed=installed, used=call.neko.mcp.on, servers=listed)


@put(
    "/api/mcp/servers/{name:path}",
    path=ServerPath,
    body=ServerEntry,
    response=Success,
    summary="Add an MCP server, or change it",
    failures=_REFUSED,
)
async def put_mcp_server(call: Call[ServerEntry, Empty, ServerPath]) -> Success:
    await call.neko.mcp.put(call.path.name, call.body.entry)
    return Success()


@delete(
    "/api/mcp/servers/{name:path}",
    path=ServerPath,
    response=Success,
    summary="Forget an MCP server and what was said of it",
    failures=_REFUSED,
)
async def remove_mcp_server(call: Call[Empty, Empty, ServerPath]) -> Success:
    await call.neko.mcp.remove(call.path.name)
    return Success()


@post(
    "/api/mcp/import",
    body=Pasted,
    response=Imported,
    summary="Take over the servers of another program's settings; they are off until they are switched on",
    failures={409: "There is no server in it, or the disk refuses."},
)
async def import_mcp_servers(call: Call[Pasted]) -> Imported:
    return Imported(names=await call.neko.mcp.add(call.body.text))


@post(
    "/api/mcp/import/preview",
    body=Pasted,
    response=FoundServers,
    summary="Which servers another program's settings would bring; nothing is changed",
    failures={409: "There is no server in it."},
)
async def preview_mcp_servers(call: Call[Pasted]) -> FoundServers:
    found = await in_thread(config.parse, call.body.text)
    known = call.neko.mcp.entries
    listed = list(found.items())[: config.MOST_SERVERS]
    return FoundServers(
        servers=[
            FoundServer(
                name=name,
                place=config.place_of(entry),
                known=name in known,
                problem=await _problem(call, call.neko.mcp.problem(name, entry)),
            )
            for name, entry in listed
        ]
    )


@post(
    "/api/mcp/servers/{name:path}/switch",
    path=ServerPath,
    body=Switched,
    response=Success,
    summary="Switch an MCP server on or off",
    failures=_REFUSED,
)
async def switch_mcp_server(call: Call[Switched, Empty, ServerPath]) -> Success:
    await call.neko.mcp.switch(call.path.name, call.body.on)
    return Success()


@post(
    "/api/mcp/servers/{name:path}/restart",
    path=ServerPath,
    response=Success,
    summary="Begin anew with an MCP server",
    failures=_REFUSED,
)
async def restart_mcp_server(call: Call[Empty, Empty, ServerPath]) -> Success:
    await call.neko.mcp.restart(call.path.name)
    return Success()


@post(
    "/api/mcp/servers/{name:path}/test",
    path=ServerPath,
    response=TestResult,
    summary="Connect to an MCP server once, and list its tools",
    failures=_REFUSED,
)
async def test_mcp_server(call: Call[Empty, Empty, ServerPath]) -> TestResult:
    began = time.monotonic()
    tried = await call.neko.mcp.test(call.path.name)
    return TestResult(
        works=tried.state is ServerState.READY,
        seconds=round(time.monotonic() - began, 1),
        tools=[tool.name for tool in tried.tools],
        log=[line.text for line in tried.log.lines],
        problem=await _problem(call, tried.error),
    )


@get(
    "/api/mcp/servers/{name:path}/log",
    path=ServerPath,
    response=ServerLogLines,
    summary="What an MCP server wrote lately, without its secrets",
    failures=_UNKNOWN,
)
async def mcp_server_log(call: Call[Empty, Empty, ServerPath]) -> ServerLogLines:
    lines = call.neko.mcp.log(call.path.name)
    return ServerLogLines(
        lines=[LogEntry(at=line.at.isoformat(timespec="seconds"), source=line.source, text=line.text) for line in lines]
    )


@put(
    "/api/mcp/servers/{name:path}/policy",
    path=ServerPath,
    body=PolicyChoice,
    response=Success,
    summary="What may be done with an MCP server's tools, or one of them, without asking",
    failures=_REFUSED,
)
async def put_mcp_policy(call: Call[PolicyChoice, Empty, ServerPath]) -> Success:
    await call.neko.mcp.set_policy(call.path.name, call.body.policy, call.body.tool, act=call.body.act)
    return Success()


@post(
    "/api/mcp/servers/{name:path}/sign_in",
    path=ServerPath,
    response=SignInAddress,
    summary="Where the user signs in to an MCP server; from there they come back by themselves",
    failures=_REFUSED,
)
async def sign_in_to_mcp_server(call: Call[Empty, Empty, ServerPath]) -> SignInAddress:
    base = str(call.request.base_url).rstrip("/")
    return SignInAddress(address=await call.neko.mcp.sign_in(call.path.name, base + CALLBACK))


@post(
    "/api/mcp/servers/{name:path}/sign_out",
    path=ServerPath,
    response=Success,
    summary="Forget the sign-in to an MCP server",
    failures=_REFUSED,
)
async def sign_out_of_mcp_server(call: Call[Empty, Empty, ServerPath]) -> Success:
    await call.neko.mcp.sign_out(call.path.name)
    return Success()


@get(CALLBACK, query=CameBack, response=Empty, status=303, summary="The way back from signing in to an MCP server")
async def signed_in_to_mcp_server(call: Call[Empty, CameBack]) -> Response:
    query = call.query
    name = call.neko.mcp.came_back(query.state, query.code, query.iss, query.error)
    return RedirectResponse(f"/agent?signed_in={quote(name)}#mcp" if name else "/agent#mcp", 303)


@get(
    "/api/agent/mcp/availability",
    "/agent/mcp/availability",
    response=McpAvailability,
    summary="Whether any MCP tool can be used",
)
async def mcp_availability(call: Call) -> McpAvailability:
    count = sum(1 for _ in call.neko.mcp.tools())
    servers = [await _shown(call, name, entry) for name, entry in call.neko.mcp.entries.items()]
    reasons = [server.problem.error for server in servers if server.problem]
    if not (count or reasons):
        known = call.neko.agent.readiness("mcp", request_language(call.request, call.neko))
        off = await _problem(call, AgentError("hand_off", "tool servers are off"))
        reasons = [known.reason] if known.reason else [off.error] if off and not call.neko.mcp.on else []
    return McpAvailability(ready=count > 0, capabilities_count=count, reasons=reasons)


async def _shown(call: Call, name: str, entry: config.Entry) -> McpServer:
    server = call.neko.mcp.server(name)
    ours = entry.get("neko") if isinstance(entry.get("neko"), dict) else None
    return McpServer(
        name=name,
        on=config.is_on(entry),
        state=server.state if server else ServerState.FAILED if call.neko.mcp.error(name) else ServerState.OFF,
        place=config.place_of(entry),
        version=server.version if server else "",
        policy=config.policy_of(ours.get("policy")) if ours else None,
        entry=config.shown(entry),
        tools=_tools(call, server) if server else [],
        problem=await _problem(call, call.neko.mcp.error(name)),
        signed_in=call.neko.mcp.signed_in(name),
    )


def _tools(call: Call, server: Server) -> list[McpTool]:
    choices = server.config.choices
    return [
        McpTool(
            name=tool.name,
            title=tool.title or visible(tool.name),
            description=tool.description,
            act=call.neko.mcp.act(server, tool),
            policy=call.neko.mcp.policy(server, tool),
            chosen=choices[tool.name].policy if tool.name in choices else None,
            chosen_act=choices[tool.name].act if tool.name in choices else None,
        )
        for tool in server.tools
    ]


async def _problem(call: Call[Any, Any, Any], error: NekoError | None) -> Failure | None:
    return await failure_of(error, request_language(call.request, call.neko)) if error else None


ENDPOINTS = (
    mcp_servers,
    switch_mcp_server,
    restart_mcp_server,
    test_mcp_server,
    mcp_server_log,
    put_mcp_policy,
    put_mcp_server,
    remove_mcp_server,
    preview_mcp_servers,
    import_mcp_servers,
    sign_in_to_mcp_server,
    sign_out_of_mcp_server,
    signed_in_to_mcp_server,
    mcp_availability,
)
