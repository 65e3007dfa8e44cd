"""``mcp.json``: which servers there are, as other programs write it (``mcpServers``), read liberally.

Known besides: ``mcp_servers``, ``servers`` and ``mcp.servers`` (VS Code), a bare table of servers; ``serverUrl``
(Windsurf), ``httpUrl`` (Gemini CLI); ``disabled`` or ``enabled``; ``${NAME}`` and ``${env:NAME}`` for variables of the
environment. What an entry says beside this stays in the file. Ours is the key ``neko`` of an entry: the policies.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from neko.agent.mcp.own_secrets import URLS, of_arguments
from neko.agent.outside import visible
from neko.hand_written import decoded, read_leniently
from neko.settings.masking import is_masked, masked, masked_url
from neko.tool_errors import ToolServerError
from neko.types.agent import Act, Policy
from neko.well_formed import load_json

MCP_FILE: Final = "mcp.json"
ROUTER: Final = "MCP Router"
"""The name of an entry that stands in no file, but for what the user has said of it."""
LONGEST_NAME: Final = 60
LONGEST_PLACE: Final = 2_000
MOST_SERVERS: Final = 64
SHORTEST_SECRET: Final = 8
_TABLES: Final = ("mcpServers", "mcp_servers", "servers")
_KINDS: Final[Mapping[str, type]] = {
    **dict.fromkeys(("command", "cwd", "type", "transport", *URLS), str),
    **dict.fromkeys(("env", "headers", "requestHeaders"), dict),
    **dict.fromkeys(("disabled", "enabled"), bool),
    "args": list,
}
_HTTP: Final = frozenset({"", "http", "https", "streamable-http", "streamableHttp", "streamable_http"})
_VARIABLE: Final = re.compile(r"\$\{(?:env:)?([A-Za-z_]\w*)\}")
_INPUT: Final = re.compile(r"\$\{(input:[^}]*)\}")
_PATH: Final = re.compile(r"\$\{(?:workspaceFolder|userHome|pathSeparator|/)[^}]*\}")

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """The user's word on a tool, and the ``definition`` (its hash) that they gave it for; "" for whatever it is.

    ``act``: what it can do, where the user knows better than the tool says.
    """

    policy: Policy | None = None
    act: Act | None = None
    definition: str = ""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """One server: ``command`` with ``args``, ``env`` and ``cwd``, or ``url`` with ``headers``."""

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    cwd: str = ""
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    on: bool = True
    policy: Policy | None = None
    choices: Mapping[str, ToolChoice] = field(default_factory=dict, hash=False)

    @property
    def authorizes(self) -> bool:
        """Does it bring a key of its own? Else the user may sign in."""
        return any(name.lower() == "authorization" for name in self.headers)

    def secrets(self) -> frozenset[str]:
        """What must stand in no log, and no model may read."""
        values = [*self.env.values(), *self.headers.values()]
        parts = [part for value in values for part in (value, *value.split())]
        return frozenset(part for part in parts if len(part) >= SHORTEST_SECRET)


def parse(text: str | bytes) -> dict[str, Entry]:
    """The servers of a pasted or dropped document, by name; comments and small slips in it are forgiven.

    Raises ``ToolServerError`` when there is none in it.
    """
    content = text.encode() if isinstance(text, str) else text
    try:
        document = load_json(decoded(content))
    except (ValueError, RecursionError):
        document = read_leniently(content)
    found = entries(document)
    if not found:
        raise ToolServerError("no_servers", "there is no table of servers in it")
    return found


def entries(document: Any) -> dict[str, Entry]:
    """The entries of a document, wherever they stand in it."""
    if not isinstance(document, dict):
        return {}
    for name in _TABLES:
        if isinstance(table := document.get(name), dict):
            return {str(key)[:LONGEST_NAME]: dict(one) for key, one in table.items() if isinstance(one, dict)}
    if isinstance(inner := document.get("mcp"), dict) and inner is not document:
        return entries(inner)
    bare = {str(key)[:LONGEST_NAME]: dict(one) for key, one in document.items() if is_entry(one)}
    if not bare and is_entry(document):
        bare = {str(document.get("name") or "server")[:LONGEST_NAME]: dict(document)}
    return bare


def with_table(document: dict[str, Any], table: dict[str, Entry]) -> dict[str, Any]:
    """The document with this table of servers in the place where it keeps its own; all else stays."""
    key = next((name for name in _TABLES if isinstance(document.get(name), dict)), None)
    if key is not None:
        return {**document, key: table}
    if isinstance(inner := document.get("mcp"), dict) and entries(inner):
        return {**document, "mcp": with_table(inner, table)}
    rest = {} if is_entry(document) else {name: one for name, one in document.items() if not is_entry(one)}
    return {**rest, _TABLES[0]: table}


def misplaced(document: dict[str, Any]) -> Iterator[str]:
    """The keys, dotted, where a table of servers or an entry should stand and something else does."""
    for name in _TABLES:
        table = document.get(name, {})
        if not isinstance(table, dict):
            yield name
            continue
        yield from (f"{name}.{key}" for key, one in table.items() if not isinstance(one, dict))


def all_off(document: dict[str, Any]) -> dict[str, Any]:
    """The document with every server in it off."""
    found = entries(document)
    return with_table(document, {name: switched(one, on=False) for name, one in found.items()}) if found else document


def is_entry(value: Any) -> bool:
    """Is it an entry that says where the server is?"""
    return isinstance(value, dict) and any(isinstance(value.get(key), str) for key in ("command", *URLS))


def read(name: str, entry: Entry, environ: Mapping[str, str]) -> ServerConfig:
    """One entry, ready to be used. Raises ``ToolServerError`` with what keeps it from that: what is of another kind
    than it has to be is not left out, as it may be what holds the server back."""
    if wrong := _wrong_kind(name, entry):
        raise ToolServerError("kind", f"{wrong} is of the wrong kind", name=name, key=wrong)
    resolve = _Resolver(name, environ)
    url = next((str(entry[key]) for key in URLS if entry.get(key)), "")
    command, kind = str(entry.get("command") or ""), str(entry.get("type") or entry.get("transport") or "")
    ours = entry.get("neko") if isinstance(entry.get("neko"), dict) else {}
    if url and kind not in _HTTP:
        raise ToolServerError("transport", f"{kind} is not spoken", name=name, transport=kind)
    if not url and not command:
        raise ToolServerError("no_address", "it has neither a command nor an address", name=name)
    args = entry.get("args") if isinstance(entry.get("args"), list) else []
    return ServerConfig(
        name=name,
        command="" if url else resolve(command),
        args=tuple(resolve(str(one)) for one in args or ()),
        env=resolve.texts(entry.get("env")),
        cwd=resolve(str(entry.get("cwd") or "")),
        url=_address(name, resolve(url)) if url else "",
        headers=resolve.texts(entry.get("headers") or entry.get("requestHeaders")),
        on=is_on(entry),
        policy=policy_of(ours.get("policy")) if isinstance(ours, dict) else None,
        choices=_choices(ours.get("tools")) if isinstance(ours, dict) else {},
    )


def _wrong_kind(name: str, entry: Entry) -> str:
    """The first key that holds what it cannot; "" when none does."""
    if not name.strip():
        return "name"
    given = {key: value for key, value in entry.items() if value is not None}
    for key, kind in _KINDS.items():
        if key in given and not isinstance(given[key], kind):
            return key
    parts = [(f"args.{place}", one) for place, one in enumerate(given.get("args", []))]
    for key in ("env", "headers", "requestHeaders"):
        parts += [(f"{key}.{one}", value) for one, value in given.get(key, {}).items()]
    return next((key for key, value in parts if not isinstance(value, str | int | float)), "")


def router(token: str, url: str) -> Entry | None:
    """The entry of the MCP router of N.E.K.O. (``contract/agent.md`` §10), which is there once its token is set."""
    if not token.strip():
        return None
    path = "" if urlsplit(url).path.strip("/") else "/mcp"
    return {"url": url.rstrip("/") + path, "headers": {"Authorization": f"Bearer {token.strip()}"}}


def is_on(entry: Entry) -> bool:
    """Whether the user has left it on; what is neither yes nor no is a no."""
    return entry.get("disabled") in (None, False) and entry.get("enabled") in (None, True)


def switched(entry: Entry, on: bool) -> Entry:
    """The entry, on or off, in the word that it uses for that."""
    if "enabled" in entry:
        return {**entry, "enabled": on, **({"disabled": not on} if "disabled" in entry else {})}
    without = {key: value for key, value in entry.items() if key != "disabled"}
    return without if on else {**without, "disabled": True}


def with_policy(
    entry: Entry, policy: Policy | None, tool: str | None = None, definition: str = "", act: Act | None = None
) -> Entry:
    """The entry with the user's word on a tool, or on the whole server; None takes it back."""
    ours = dict(entry["neko"]) if isinstance(entry.get("neko"), dict) else {}
    if tool is None:
        ours = _with(ours, "policy", policy.value if policy else None)
    else:
        tools = dict(ours["tools"]) if isinstance(ours.get("tools"), dict) else {}
        word = {"policy": policy and policy.value, "act": act and act.value}
        word = {key: value for key, value in word.items() if value is not None}
        whole = {**word, **({"definition": definition} if definition else {})} if word else None
        ours = _with(ours, "tools", _with(tools, tool, whole) or None)
    return _with(dict(entry), "neko", ours or None)


def _with(table: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    rest = {name: one for name, one in table.items() if name != key}
    return rest if value is None else {**rest, key: value}


def policy_of(value: Any) -> Policy | None:
    """A policy by its name; what is none is as if nothing were said, which is the strict side."""
    return Policy(value) if value in set(Policy) else None


def _choices(table: Any) -> dict[str, ToolChoice]:
    found = {}
    for tool, word in table.items() if isinstance(table, dict) else ():
        word = word if isinstance(word, dict) else {"policy": word}
        act = word.get("act")
        choice = ToolChoice(
            policy_of(word.get("policy")), Act(act) if act in set(Act) else None, str(word.get("definition") or "")
        )
        if choice.policy or choice.act:
            found[str(tool)] = choice
    return found


def _address(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port is not False
    except ValueError:
        usable = False
    if not usable:
        raise ToolServerError("bad_address", "its address is none", name=name, url=masked_url(url)[:200])
    return url


class _Resolver:
    """Puts the variables of the environment in."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self._name = name
        self._environ = environ

    def __call__(self, text: str) -> str:
        if wanted := _INPUT.search(text) or _PATH.search(text):
            raise ToolServerError("input", "it waits for an input", name=self._name, input=wanted[0])
        return _VARIABLE.sub(self._value, text)

    def texts(self, table: Any) -> dict[str, str]:
        if not isinstance(table, dict):
            return {}
        return {str(key): self(_text(value)) for key, value in table.items() if value is not None}

    def _value(self, found: re.Match[str]) -> str:
        value = self._environ.get(found[1])
        if value is None:
            raise ToolServerError("variable", "a variable is not set", name=self._name, variable=found[1])
        return value


def _text(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


# ── what a page is shown, and what comes back from it ─────────────────────────


def shown(entry: Entry) -> Entry:
    """The entry without its secrets: ``env`` and ``headers`` are masked, and so is what an address carries."""
    safe = {key: value for key, value in entry.items() if key != "neko"}
    for key in ("env", "headers", "requestHeaders"):
        if isinstance(table := safe.get(key), dict):
            safe[key] = {name: _shown_value(value) for name, value in table.items()}
    for key in URLS:
        if isinstance(safe.get(key), str):
            safe[key] = masked_url(safe[key])
    return safe


def place_of(entry: Entry) -> str:
    """Where it is, for people: what is run, with the names of its variables, or the address; without secrets."""
    url = next((str(entry[key]) for key in URLS if entry.get(key)), "")
    if url:
        return visible(masked_url(url))
    args, env = entry.get("args"), entry.get("env")
    given = [f"{name}=…" for name in env] if isinstance(env, dict) else []
    words = [shlex.quote(str(entry.get("command") or "")), *_shown_args(args if isinstance(args, list) else [])]
    return visible(" ".join([*given, *words])[:LONGEST_PLACE])


def _shown_args(args: list[Any]) -> Iterator[str]:
    """Each as a shell takes it, without what looks like a key, by the name before it or by itself."""
    texts = list(map(str, args))
    secrets = sorted(set(of_arguments(texts)), key=len, reverse=True)
    for text in texts:
        found = next((secret for secret in secrets if secret and text.endswith(secret)), None)
        yield text.removesuffix(found) + masked(found) if found else shlex.quote(text)


def _shown_value(value: Any) -> str:
    text = _text(value) if value is not None else ""
    return text if _VARIABLE.fullmatch(text) else masked(text)


def came_back(sent: Entry, before: Entry) -> Entry:
    """What a page sent for an entry, with what it was shown masked as it was; policies are not the page's to send here.

    Raises ``ToolServerError`` for a mask that stands for nothing.
    """
    whole = {key: value for key, value in sent.items() if key != "neko"}
    known = shown(before)
    for key in ("env", "headers", "requestHeaders"):
        table, old = whole.get(key), before.get(key)
        if isinstance(table, dict):
            old = old if isinstance(old, dict) else {}
            whole[key] = {name: _unmasked(value, old.get(name)) for name, value in table.items()}
    for key in URLS:
        if isinstance(value := whole.get(key), str) and is_masked(value):
            if value != known.get(key):
                raise ToolServerError("masked", "a masked value was changed")
            whole[key] = before[key]
    return {**whole, "neko": before["neko"]} if isinstance(before.get("neko"), dict) else whole


def _unmasked(sent: Any, before: Any) -> Any:
    if not isinstance(sent, str) or not is_masked(sent):
        return sent
    if before is None or sent != _shown_value(before):
        raise ToolServerError("masked", "a masked value was changed")
    return before
