"""All MCP servers: what ``mcp.json`` says of them, kept running, and what may be done with their tools."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from neko.agent.mcp import config
from neko.agent.mcp.config import ROUTER, Entry, ServerConfig, ToolChoice
from neko.agent.mcp.connection import ServerTool, connect
from neko.agent.mcp.own_secrets import secrets_among, secrets_of
from neko.agent.mcp.server import STOP_S, Server, ServerState
from neko.agent.mcp.server_log import LogLine, ServerLog
from neko.agent.mcp.sign_in import ADDRESS_S, SIGN_IN_S, SIGN_INS_FILE, SignIn, SignIns
from neko.agent.policy import in_force
from neko.agent.privacy import looks_or_listens
from neko.errors import ConfigError, NekoError, UnusableValueError
from neko.net import Network
from neko.storage import OnFault, is_object, log_fault, read_again, read_document, write_json
from neko.tasks import TaskOwner, in_thread, together
from neko.tool_errors import ToolServerError
from neko.types.agent import Act, Policy

TEST_S: Final = 65.0
"""Seconds that a server which is tried gets: longer than connecting may take."""


class McpServers:
    """``load`` reads the file, ``start`` connects what is on in it, while MCP as a whole is (``on``).
    ``on_change``: a server or its tools are others.
    ``on_word``: the user says otherwise than before what may be done with a server, or a tool of it.
    ``is_private``: no tool may look or listen."""

    def __init__(
        self,
        path: Path,
        network: Network,
        environ: Mapping[str, str],
        *,
        on_fault: OnFault = log_fault,
        on_change: Callable[[], object] = lambda: None,
        on_word: Callable[[str, str | None], object] = lambda name, tool: None,
        router: Callable[[], Entry | None] = lambda: None,
        is_private: Callable[[], bool] = lambda: False,
    ) -> None:
        self._on_word = on_word
        self._is_private = is_private
        self._router = router
        self._router_now = router()
        self._sign_ins = SignIns(path.with_name(SIGN_INS_FILE), on_fault)
        self._signing_in: dict[str, SignIn] = {}
        self._path = path
        self._network = network
        self._environ = environ
        self._on_fault = on_fault
        self._on_change = on_change
        self._document: dict[str, Any] = {}
        self._servers: dict[str, Server] = {}
        self._unusable: dict[str, NekoError] = {}
        self._owner = TaskOwner("mcp")
        self._changing = asyncio.Lock()
        self._trying = 0
        self.on = True
        """The user's word on all of them; ``use`` follows it."""

    def load(self) -> None:
        """Read the file; blocks. Of one that was damaged nothing is started until the user switches it on again: what
        could be read of it may be another program, or the same with other arguments."""
        faults: list[ConfigError] = []
        document = read_document(self._path, {}, is_object, faults.append)
        if faults and config.entries(document):
            document = config.all_off(document)
            with suppress(ConfigError):
                write_json(self._path, document)
        self._document = document
        for key in config.misplaced(document):
            why = f"{self._path}: {key} is no table"
            faults.append(UnusableValueError(why, file=str(self._path), key=key, wanted="{…}"))
        for fault in faults:
            self._on_fault(fault)
        self._sign_ins.load()

    def start(self) -> None:
        """Connect all servers that are on, beside everything else."""
        self._begin_all()

    def use(self, on: bool) -> None:
        """The user's word on all of them; it is followed in the background. Off: nothing of them runs."""
        has_changed, self.on = on != self.on, on
        if (has_changed if on else self._servers) and not self._trying and not self._owner.closed:
            self._owner.spawn(self._follow_use(), name="use")

    async def find_out(self, timeout_s: float) -> None:
        """Wait until it is known of each whether it works, or for ``timeout_s``. While they are switched off they are
        started for it, and ended again when none may work."""
        self._trying += 1
        try:
            async with self._changing:
                self._begin_all()
            await together(*(server.settled(timeout_s) for server in list(self._servers.values())))
        finally:
            self._trying -= 1
        if not self.on and not self.may_work:
            self.use(False)

    async def aclose(self) -> None:
        """End all connections and processes; idempotent."""
        self.on = False
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S), self._changing:
                pass  # those that are being ended have their time, or their processes would be left to the collector
        await self._end_all()
        await self._owner.aclose()

    # ── what there is ─────────────────────────────────────────────────────────

    @property
    def entries(self) -> dict[str, Entry]:
        """What the file says, by name, and the router."""
        found = config.entries(self._document)
        of_file = found.pop(ROUTER, {})
        if router := self._router_now:
            return {ROUTER: {**router, **of_file}, **found}
        return {**found, **({ROUTER: of_file} if config.is_entry(of_file) else {})}

    def server(self, name: str) -> Server | None:
        """A server that is on."""
        return self._servers.get(name)

    @property
    def may_work(self) -> bool:
        """A server has tools, or it is not known yet that none does."""
        if self._servers:
            is_connecting = any(server.state is ServerState.CONNECTING for server in self._servers.values())
            return is_connecting or any(True for _ in self.tools())
        wanted = (name for name, entry in self.entries.items() if config.is_on(entry))
        return not self.on and any(name not in self._unusable for name in wanted)

    def problem(self, name: str, entry: Entry) -> NekoError | None:
        """Why this entry could not be used, if it could not."""
        try:
            config.read(name, entry, self._environ)
        except NekoError as error:
            return error
        return None

    def error(self, name: str) -> NekoError | None:
        """Why it does not work, if it should."""
        server = self._servers.get(name)
        return server.error if server else self._unusable.get(name)

    def secrets(self) -> frozenset[str]:
        """What the user has given servers, on or off, that is for nobody else."""
        running = (server.config for server in self._servers.values())
        resolved = (secrets_among({**one.env, **one.headers}) for one in running)
        return frozenset().union(*map(secrets_of, self.entries.values()), *resolved, self._sign_ins.secrets())

    def log(self, name: str) -> list[LogLine]:
        """What a server wrote lately; raises ``ToolServerError`` for one that is not there."""
        self._known(name)
        server = self._servers.get(name)
        return server.log.lines if server else []

    def tools(self) -> Iterator[tuple[Server, ServerTool]]:
        """The tools of all servers that work or may work again soon, in the order of the file."""
        for server in self._servers.values():
            if server.state in (ServerState.READY, ServerState.WAITING):
                yield from ((server, tool) for tool in server.tools)

    def act(self, server: Server, tool: ServerTool) -> Act:
        """What a tool can do, at worst: the user's word, else its own hints."""
        choice = self._choice(server, tool)
        return (choice.act if choice else None) or tool.act

    def withholds(self, tool: ServerTool) -> bool:
        """May this one not be called now, since the user wants to be neither seen nor heard?"""
        return self._is_private() and looks_or_listens(tool.name, tool.title)

    def policy(self, server: Server, tool: ServerTool) -> Policy:
        """What holds for a tool."""
        choice = self._choice(server, tool)
        return in_force((choice.policy if choice else None, server.config.policy), self.act(server, tool))

    def word(self, server: Server, tool: ServerTool) -> Policy | None:
        """What the user has said of a tool, or of its server."""
        choice = self._choice(server, tool)
        of_tool = choice.policy if choice else None
        return Policy.NEVER if Policy.NEVER in (of_tool, server.config.policy) else of_tool or server.config.policy

    async def always(self, server: Server, tool: ServerTool, definition: str) -> None:
        """The user said "always" to this tool as it is described by this; what they said it can do stays."""
        known = server.config.choices.get(tool.name)
        act, name = known.act if known else None, server.config.name
        await self.set_policy(name, Policy.ALLOW, tool.name, act=act, definition=definition)

    @staticmethod
    def _choice(server: Server, tool: ServerTool) -> ToolChoice | None:
        """What the user has said of this tool. What they said of one that was described otherwise was not said of it,
        but for that it shall never be used."""
        choice = server.config.choices.get(tool.name)
        if choice is None or choice.definition in ("", tool.definition):
            return choice
        return ToolChoice(Policy.NEVER) if choice.policy is Policy.NEVER else None

    # ── changes, by the user ──────────────────────────────────────────────────

    async def put(self, name: str, sent: Entry) -> None:
        """Add a server, or change one; raises ``NekoError``. One that cannot be used is refused."""
        name = name.strip()
        async with self._changing:
            before = self.entries.get(name, {})
            entry = config.came_back(sent, before)
            if not name or len(name) > config.LONGEST_NAME or (not before and len(self.entries) >= config.MOST_SERVERS):
                raise ToolServerError("bad_name", "no such name", name=name[:80])
            config.read(name, entry, self._environ)
            await self._store(name, entry)
            self._on_word(name, None)  # another program, for all that is known
            await self._renew(name)

    async def add(self, text: str | bytes) -> list[str]:
        """Take over the servers of a pasted document, the names of those that were; an equal name is changed.

        They are off until the user switches them on: what is pasted may come from anywhere, and runs programs.
        Raises ``ToolServerError`` when there is none in it.
        """
        found = config.parse(text)
        async with self._changing:
            for name, entry in list(found.items())[: config.MOST_SERVERS]:
                without = {key: value for key, value in entry.items() if key != "neko"}
                await self._store(name, config.switched(without, on=False))
                self._on_word(name, None)
                await self._renew(name)
        return list(found)

    async def remove(self, name: str) -> None:
        """Forget a server and what was said of it."""
        async with self._changing:
            url = self._url(name)
            from_settings = name == ROUTER and self._router_now
            await self._store(name, {"disabled": True} if from_settings else None)
            await self._sign_ins.forget(url)
            self._on_word(name, None)
            await self._renew(name)

    async def follow(self) -> None:
        """The settings may name another router now."""
        async with self._changing:
            if (router := self._router()) != self._router_now:
                self._router_now = router
                await self._renew(ROUTER)

    async def switch(self, name: str, on: bool) -> None:
        async with self._changing:
            entry = config.switched(self._known(name), on)
            try:
                await self._store(name, entry)
            except NekoError:
                if not on:  # at once, whatever the disk says; until the next start
                    self._document = self._with(self._document, name, entry)
                    await self._renew(name)
                raise
            await self._renew(name)

    async def set_policy(
        self,
        name: str,
        policy: Policy | None,
        tool: str | None = None,
        *,
        act: Act | None = None,
        definition: str | None = None,
    ) -> None:
        """The user's word on a tool, or on a whole server; None takes it back. ``act``: what the tool can do, by the
        user. ``definition``: of the tool that they were asked about, else it is the one that it has now."""
        async with self._changing:
            entry = self._known(name)
            server = self._servers.get(name)
            described = server.tool(tool) if server and tool else None
            known = definition or (described.definition if described else "")
            changed = config.with_policy(entry, policy, tool, known, act)
            try:
                await self._store(name, changed)
            except NekoError:
                if policy is Policy.NEVER:  # at once, whatever the disk says; until the next start
                    self._document = self._with(self._document, name, changed)
                    self._say(name, changed, tool)
                raise
            self._say(name, changed, tool)

    def _say(self, name: str, entry: Entry, tool: str | None) -> None:
        """The user's word on a server or a tool is another one."""
        if server := self._servers.get(name):
            server.config = config.read(name, entry, self._environ)
        self._on_word(name, tool)
        self._on_change()

    async def test(self, name: str) -> Server:
        """Connect to a server once, beside the running one if it runs, and end it: its state, tools and log remain."""
        read = config.read(name, self._known(name), self._environ)
        tried = Server(read, self._network, self._owner, auth=self._auth(read))
        tried.start()
        await asyncio.sleep(0)
        await tried.settled(TEST_S)
        state, error = tried.state, tried.error
        await tried.stop()
        tried.state, tried.error = state, error
        return tried

    async def restart(self, name: str) -> None:
        """Begin anew with one that gave up."""
        async with self._changing:
            self._known(name)
            await self._renew(name)

    # ── signing in ────────────────────────────────────────────────────────────

    def signed_in(self, name: str) -> bool:
        """Does it let us in because the user signed in?"""
        return self._sign_ins.has(self._url(name))

    async def sign_in(self, name: str, redirect: str) -> str:
        """Where the user signs in; they come back to ``redirect``. Raises ``ToolServerError`` when the server does not
        say it."""
        read = config.read(name, self._known(name), self._environ)
        if before := self._signing_in.pop(name, None):
            before.close()
        one = self._signing_in[name] = self._sign_ins.begin(name, read.url, redirect)
        connecting = self._owner.spawn(self._signing(one, read), name=f"sign in to {name}")
        either: set[asyncio.Future[Any]] = {one.address, connecting}
        await asyncio.wait(either, timeout=ADDRESS_S, return_when=asyncio.FIRST_COMPLETED)
        if one.address.done() and not one.address.cancelled():
            return one.address.result()
        if one.address.done():  # connecting has ended with nobody asked, and is about to say why
            await asyncio.wait({connecting}, timeout=ADDRESS_S)
        one.close()
        if connecting.done() and (error := connecting.result()):
            raise error
        raise ToolServerError("no_sign_in", "it asks for none", name=name)

    def came_back(self, state: str, code: str, issuer: str | None, error: str) -> str | None:
        """The user is back from signing in: the server's name, None when nobody waits for them."""
        one = self._sign_ins.came_back(state, code, issuer, error)
        return one.name if one else None

    async def sign_out(self, name: str) -> None:
        """Forget what the sign-in gave us."""
        await self._sign_ins.forget(self._url(name))
        await self.restart(name)

    async def _signing(self, one: SignIn, read: ServerConfig) -> NekoError | None:
        """Connect once with the user there; what it fails with. Then the server begins anew."""
        log = ServerLog(read.secrets())
        failed: NekoError | None = None
        try:
            async with connect(read, self._network, log, lambda: None, auth=one.auth, connect_s=SIGN_IN_S):
                pass
        except NekoError as error:
            failed = error
        finally:
            one.close()
            if self._signing_in.get(one.name) is one:
                del self._signing_in[one.name]
        if one.name in self.entries:
            await self.restart(one.name)
            if failed and (server := self._servers.get(one.name)):
                server.log.add("neko", f"{failed.code}: {failed}")
        return failed

    def _auth(self, read: ServerConfig) -> Callable[[], Any]:
        if not read.url or read.authorizes:
            return lambda: None
        return lambda: self._sign_ins.unattended(read.name, read.url) if self._sign_ins.has(read.url) else None

    # ──────────────────────────────────────────────────────────────────────────

    def _url(self, name: str) -> str:
        try:
            return config.read(name, self._known(name), self._environ).url
        except ToolServerError as error:
            if error.code == "tool_server_unknown":
                raise
            return ""

    def _known(self, name: str) -> Entry:
        entry = self.entries.get(name)
        if entry is None:
            raise ToolServerError("unknown", "there is no such server", name=name[:80])
        return entry

    def _begin(self, name: str) -> None:
        entry = self.entries[name]
        self._unusable.pop(name, None)
        if not config.is_on(entry):
            return
        try:
            read = config.read(name, entry, self._environ)
        except NekoError as error:
            self._unusable[name] = error
            return
        if self.on or self._trying:
            server = self._servers[name] = Server(read, self._network, self._owner, self._on_change, self._auth(read))
            server.start()

    def _begin_all(self) -> None:
        for name in self.entries:
            if name not in self._servers:
                self._begin(name)

    async def _end_all(self) -> None:
        servers, self._servers = list(self._servers.values()), {}
        await together(*(server.stop() for server in servers))

    async def _follow_use(self) -> None:
        async with self._changing:
            if self.on:
                self._begin_all()
            elif not self._trying:
                await self._end_all()
        self._on_change()

    async def _renew(self, name: str) -> None:
        if server := self._servers.pop(name, None):
            await server.stop()
        self._unusable.pop(name, None)
        if name in self.entries:
            self._begin(name)
        self._on_change()

    async def _store(self, name: str, entry: Entry | None) -> None:
        self._document = await in_thread(self._stored, name, entry)

    def _stored(self, name: str, entry: Entry | None) -> dict[str, Any]:
        faults: list[ConfigError] = []
        document = read_again(self._path, self._document, is_object, faults.append)
        for fault in faults:
            self._on_fault(fault)
        if faults and document is not self._document:
            document = config.all_off(document)
        changed = self._with(document, name, entry)
        write_json(self._path, changed)
        return changed

    def _with(self, document: dict[str, Any], name: str, entry: Entry | None) -> dict[str, Any]:
        table = config.entries(document)
        if entry is None:
            table.pop(name, None)
        else:
            of_settings = (self._router_now or {}) if name == ROUTER else {}
            table[name] = {key: value for key, value in entry.items() if of_settings.get(key) != value}
        return config.with_table(document, table)
