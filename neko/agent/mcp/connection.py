"""One connection to an MCP server: its tools, calls of them, and what it asks meanwhile.

The SDK does the protocol; here are deadlines, its faults in our words, and how it is told that a connection is lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

import orjson

from neko.agent.approvals import INQUIRY_S
from neko.agent.mcp.config import ServerConfig
from neko.agent.mcp.process_group import end_whole_groups
from neko.agent.mcp.results import LONGEST, Outcome, leave_out_unknown, outcome_of
from neko.agent.mcp.server_log import ServerLog
from neko.agent.outside import visible
from neko.agent.policy import act_of
from neko.errors import NekoError
from neko.net import Network, addresses_of
from neko.settings import is_loopback, is_near, is_this_computer
from neko.tasks import in_thread, is_cancelled
from neko.tool_errors import ToolServerError
from neko.types.agent import Act, Reply

if TYPE_CHECKING:
    from mcp.client import Client

CONNECT_S: Final = 60.0
"""Seconds for a server to start and list its tools: one that is run by ``npx`` may be fetched first."""
SILENCE_S: Final = 60.0
"""Seconds that a call may go without a sign; each report of progress begins them anew."""
LONGEST_CALL_S: Final = 240.0
STDIN_S: Final = 0.5
"""Seconds in which a process has to end when its input does; then it is told to by a signal."""
SIGNAL_S: Final = 1.0
"""Then it is killed, with all that it has started."""
MOST_TOOLS: Final = 500
_MOST_PAGES: Final = 100
_MOST_INQUIRIES: Final = 5
"""Of one call; then the user is asked nothing more by it."""
LONGEST_DESCRIPTION: Final = 4_000
_DEFINES: Final = {"name", "title", "description", "input_schema", "annotations"}
_LOST: Final = -32000
"""The SDK's code for a connection that is closed."""
_FROM_HTTP: Final = frozenset({-32600, -32603})
"""Its codes for an answer that is no message of the protocol: a server that was restarted knows no session of ours."""
_BROKEN: Final = frozenset({"ClosedResourceError", "BrokenResourceError"})
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

Progress = Callable[[float, float | None, str], None]


@dataclass(frozen=True, slots=True)
class ServerTool:
    """A tool as its server describes it. ``definition`` is a hash of all that a model is told of it and all it says of
    itself: with another one it is another tool, whatever its name."""

    name: str
    title: str
    description: str
    parameters: Mapping[str, Any] = field(hash=False)
    act: Act
    definition: str


Asked = Callable[[str, Mapping[str, Any], str], Awaitable[Reply]]
"""Message, schema, address: what the user answers to a server that asks during a call."""


@dataclass(slots=True, eq=False)
class _RunningCall:
    asked: Asked
    deadline: asyncio.Timeout
    inquiries: int = 0
    asking: list[asyncio.Timeout] = field(default_factory=list)
    """Of each question to the user that is open: it ends with the call."""

    def over(self) -> None:
        """Nobody waits for what the user would answer any more."""
        for question in self.asking:
            question.reschedule(asyncio.get_running_loop().time())


class Connection:
    """Made by ``connect``. ``on_news`` is called when the tools have changed (``changed``) or it is ``lost``."""

    def __init__(self, name: str, log: ServerLog, on_news: Callable[[], object]) -> None:
        self.statuses: list[int] = []
        """Of answers over HTTP, those that refuse."""
        self.lost = False
        self.changed = False
        self.version = ""
        self._name = name
        self._log = log
        self._on_news = on_news
        self._calls: list[_RunningCall] = []
        self._client: Client | None = None

    async def list_tools(self) -> tuple[ServerTool, ...]:
        """All tools of the server, at most ``MOST_TOOLS``; of those with one name, which could not be told apart when
        one is called, the first."""
        self.changed = False
        found: dict[str, ServerTool] = {}
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self._connected.list_tools(cursor=cursor, cache_mode="bypass")
            for one in page.tools[: MOST_TOOLS - len(found)]:
                found.setdefault(one.name, _tool(one))
            cursor = page.next_cursor
            if not cursor or len(found) >= MOST_TOOLS:
                break
        return tuple(found.values())

    async def call(self, tool: str, arguments: Mapping[str, Any], asked: Asked, on_progress: Progress) -> Outcome:
        """Call a tool; what it says of its own failure is an outcome. Raises ``ToolServerError`` when there is none.

        When it is cancelled, or takes too long, the server is told that nobody waits any more.
        """
        loop = asyncio.get_running_loop()
        latest = loop.time() + LONGEST_CALL_S
        refusals = len(self.statuses)

        async def note_progress(progress: float, total: float | None, message: str | None) -> None:
            call.deadline.reschedule(min(latest, loop.time() + SILENCE_S))
            on_progress(progress, total, visible((message or "")[:200]))

        try:
            async with asyncio.timeout(SILENCE_S) as deadline:
                call = _RunningCall(asked, deadline)
                self._calls.append(call)
                try:
                    result = await self._connected.call_tool(tool, dict(arguments), progress_callback=note_progress)
                finally:
                    self._calls.remove(call)
                    call.over()
        except TimeoutError:
            raise ToolServerError("silent", "a call got no answer", name=self._name, lasting=False) from None
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            raise self._lose("the connection was lost in a call") from None
        except Exception as error:
            code = getattr(error, "code", None)
            knows_us_no_more = code in _FROM_HTTP and len(self.statuses) > refusals
            if type(error).__name__ == "ValidationError":
                self._log.add("neko", f"an answer that is none of the protocol: {error}")
                raise ToolServerError("form", "an answer that is none", name=self._name, lasting=False) from error
            if self.lost or code == _LOST or knows_us_no_more or type(error).__name__ in _BROKEN:
                raise self._lose("the connection was lost in a call") from error
            return Outcome(visible(str(error)[:LONGEST]), failed=True)
        return outcome_of(result)

    # ── what the server says by itself ────────────────────────────────────────

    async def on_message(self, message: Any) -> None:
        """A notification, or what could not be read."""
        if isinstance(message, Exception):
            self._log.add("neko", "The server wrote something that is no message of the protocol.")
        elif getattr(message, "method", "") == "notifications/tools/list_changed":
            self.changed = True
            self._on_news()

    async def on_log(self, params: Any) -> None:
        self._log.add("server", f"{params.level}: {params.data}")

    async def on_elicitation(self, context: Any, params: Any) -> Any:
        """The server asks the user something; outside a call there is nobody to ask."""
        import mcp_types

        if not self._calls:
            return mcp_types.ElicitResult(action="cancel")
        call = self._calls[-1]
        call.inquiries += 1
        if call.inquiries > _MOST_INQUIRIES:
            return mcp_types.ElicitResult(action="cancel")
        loop = asyncio.get_running_loop()
        call.deadline.reschedule(loop.time() + INQUIRY_S + SILENCE_S)
        schema = params.requested_schema if params.mode == "form" else {}
        try:
            async with asyncio.timeout(None) as question:
                call.asking.append(question)
                try:
                    reply = await call.asked(params.message, schema, params.url if params.mode == "url" else "")
                finally:
                    call.asking.remove(question)
        except TimeoutError:
            reply = Reply("cancel")
        if call in self._calls:
            call.deadline.reschedule(loop.time() + SILENCE_S)
        content = dict(reply.content) if reply.content is not None and reply.action == "accept" else None
        return mcp_types.ElicitResult(action=reply.action, content=content)

    def on_answer(self, result: object) -> None:
        for note in leave_out_unknown(result):
            self._log.add("neko", note)

    def on_lost(self) -> None:
        self.lost = True
        self._on_news()

    # ── the SDK's client ──────────────────────────────────────────────────────

    def use(self, client: Client) -> None:
        self._client = client
        info = client.session.server_info
        self.version = f"{info.name} {info.version}"[:100] if info else ""

    @property
    def _connected(self) -> Client:
        if self._client is None or self.lost:
            raise ToolServerError("ended", "there is no connection", name=self._name, lasting=False)
        return self._client

    def _lose(self, detail: str) -> ToolServerError:
        self.on_lost()
        return ToolServerError("ended", detail, name=self._name, lasting=False, said=self._log.last_words())


@asynccontextmanager
async def connect(
    config: ServerConfig,
    network: Network,
    log: ServerLog,
    on_news: Callable[[], object],
    *,
    auth: Callable[[], Any] = lambda: None,
    connect_s: float = CONNECT_S,
) -> AsyncIterator[Connection]:
    """A connection that has been made; raises ``NekoError`` when that cannot be, or when it breaks. ``auth`` makes what
    signs requests (``httpx2.Auth``), if anything does."""
    connection = Connection(config.name, log, on_news)
    try:
        end_whole_groups(await in_thread(_load))
        from mcp.client import Client
        from mcp_types import Implementation

        async with AsyncExitStack() as stack:
            async with asyncio.timeout(connect_s):
                transport = await _transport(stack, config, network, log, connection.statuses, auth)
                client = await stack.enter_async_context(
                    Client(
                        _watched(transport, connection.on_answer, connection.on_lost),
                        message_handler=connection.on_message,
                        logging_callback=connection.on_log,
                        elicitation_callback=connection.on_elicitation,
                        client_info=Implementation(name="neko", version="1"),
                        cache=None,
                    )
                )
            connection.use(client)
            yield connection
    except (Exception, asyncio.CancelledError) as error:
        if not isinstance(error, Exception) and is_cancelled():
            raise
        raise _in_our_words(config, error, log, connection.statuses) from error


def _load() -> ModuleType:
    """The SDK, which takes a second to be imported: its client over stdio. What it logs may hold what a server sent, so
    it logs nothing."""
    try:
        importlib.import_module("mcp.client")
    except ImportError as error:
        raise ToolServerError("not_installed", str(error), extra="mcp") from error
    for name in ("mcp", "client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # It takes no argument for these; its own 2 s each are too long for who ends Neko in the middle of a call.
    stdio = importlib.import_module("mcp.client.stdio")
    vars(stdio).update(PROCESS_TERMINATION_TIMEOUT=STDIN_S, FORCE_KILL_TIMEOUT=SIGNAL_S)
    return stdio


async def _transport(
    stack: AsyncExitStack,
    config: ServerConfig,
    network: Network,
    log: ServerLog,
    statuses: list[int],
    auth: Callable[[], Any],
) -> Any:
    if not config.url:
        from mcp.client.stdio import StdioServerParameters, stdio_client

        process = StdioServerParameters(
            command=config.command,
            args=list(config.args),
            env=dict(config.env),
            cwd=config.cwd or None,
            encoding_error_handler="replace",
        )
        return stdio_client(process, errlog=stack.enter_context(log.capture()))
    from mcp.client.streamable_http import streamable_http_client

    client = await network.http_client("mcp", config.url, connect_timeout_s=10.0)
    await stack.enter_async_context(client)
    client.headers.update(config.headers)
    client.auth = auth()

    async def note_status(response: Any) -> None:
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            statuses.append(response.status_code)

    async def admit(request: Any) -> None:
        if await _leads_near(config.url, str(request.url)):
            raise ToolServerError("leads_near", "", name=config.name, host=request.url.host)

    client.event_hooks["request"].append(admit)
    client.event_hooks["response"].append(note_status)
    return streamable_http_client(config.url, http_client=client)


async def _leads_near(configured: str, url: str) -> bool:
    """Whether what a server says of signing in sends us nearer than it is itself: from elsewhere into the user's
    network, or from there to this computer.

    A name that means something else a moment later is not known for it; one that means nothing here is for a proxy.
    """
    server, asked = urlsplit(configured), urlsplit(url)
    if (server.hostname, _port(server)) == (asked.hostname, _port(asked)):
        return False
    return await _nearness(asked) > await _nearness(server)


async def _nearness(parts: SplitResult) -> int:
    """2: on this computer; 1: in its network; 0: elsewhere."""
    host = parts.hostname or ""
    meant = [host]
    with suppress(OSError):
        meant += await addresses_of(host, _port(parts))
    if any(is_loopback(one) or is_this_computer(one) for one in meant):
        return 2
    return int(any(map(is_near, meant)))


def _port(parts: SplitResult) -> int:
    return parts.port or {"https": 443}.get(parts.scheme, 80)


@asynccontextmanager
async def _watched(
    transport: Any, on_answer: Callable[[object], None], on_end: Callable[[], None]
) -> AsyncIterator[tuple[Any, Any]]:
    """The transport; ``on_answer`` gets each raw result before it is looked at, and ``on_end`` is called when nothing
    more can be read of it, which the SDK tells nobody."""
    async with transport as (read, write):
        yield _WatchedStream(read, on_answer, on_end), write


class _WatchedStream:
    """Iterates by itself, by what the stream does when it is iterated: each further frame costs every message."""

    def __init__(self, stream: Any, on_answer: Callable[[object], None], on_end: Callable[[], None]) -> None:
        import anyio

        self._stream = stream
        self._on_answer = on_answer
        self._receive = stream.receive
        self._end = anyio.EndOfStream
        self._on_end = on_end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> _WatchedStream:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> Any:
        return await self._stream.__aexit__(*error)

    def __aiter__(self) -> _WatchedStream:
        return self

    async def __anext__(self) -> Any:
        try:
            read = await self._receive()
        except self._end:
            self._on_end()
            raise StopAsyncIteration from None
        except BaseException:
            self._on_end()
            raise
        if (result := getattr(getattr(read, "message", None), "result", None)) is not None:
            self._on_answer(result)
        return read


def _tool(tool: Any) -> ServerTool:
    hints = tool.annotations
    told = tool.model_dump(mode="json", by_alias=True, include=_DEFINES)
    return ServerTool(
        name=tool.name,
        title=visible((tool.title or (hints.title if hints else None) or "")[:120]),
        description=visible((tool.description or "")[:LONGEST_DESCRIPTION]),
        parameters=_seen(tool.input_schema),
        act=act_of(
            read_only=hints.read_only_hint if hints else None,
            destructive=hints.destructive_hint if hints else None,
            open_world=hints.open_world_hint if hints else None,
        ),
        definition=hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest(),
    )


def _seen(value: Any) -> Any:
    """A schema without what nobody sees, which a model would read all the same."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {visible(key): _seen(one) for key, one in value.items()}
    return [_seen(one) for one in value] if isinstance(value, list) else value


def _is_about_signing_in(error: BaseException) -> bool:
    return any(kind.__module__.startswith("mcp.client.auth") for kind in type(error).__mro__)


def _in_our_words(config: ServerConfig, error: BaseException, log: ServerLog, statuses: list[int]) -> NekoError:
    cause = error
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    if isinstance(cause, NekoError):
        return cause
    name, detail = config.name, type(cause).__name__
    if isinstance(cause, FileNotFoundError | PermissionError | NotADirectoryError) and not config.url:
        return ToolServerError("no_command", detail, name=name, command=config.command)
    if _is_about_signing_in(cause):
        return ToolServerError("sign_in_failed", detail, name=name, said=visible(str(cause)[:300]))
    if isinstance(cause, TimeoutError):
        return ToolServerError("silent", detail, name=name, lasting=False, said=log.last_words())
    if statuses:
        if statuses[-1] == HTTPStatus.UNAUTHORIZED and not config.authorizes:
            return ToolServerError("sign_in", detail, name=name)
        refused = statuses[-1] in _REFUSED
        return ToolServerError(
            "refused" if refused else "status", detail, name=name, status=statuses[-1], lasting=refused
        )
    if config.url:
        host = urlsplit(config.url).hostname or ""
        return ToolServerError("unreachable", detail, name=name, host=host, lasting=False)
    return ToolServerError("ended", detail, name=name, lasting=False, said=log.last_words())
