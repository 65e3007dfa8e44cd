"""The plug-ins that she may use: which there are, how they are, what they push (``contract/agent.md`` §13.1)."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from neko.agent.audit import Deed, Outcome
from neko.agent.messages import timestamp
from neko.agent.outside import exact_json
from neko.agent.permission import Permit
from neko.agent.plugins.hand import function_name, title_of
from neko.agent.plugins.plugin import Plugin, PluginState, act
from neko.agent.plugins.plugins import LARGEST_ARGUMENTS
from neko.app import Neko
from neko.errors import NekoError
from neko.plugin.context import LARGEST_BINARY, LONGEST_TEXT
from neko.plugin.version import SDK_VERSION
from neko.tool_errors import PluginError
from neko.types.agent import Act, Policy
from neko.web.endpoint import Call, get, post
from neko.web.errors import failure_of
from neko.web.request_language import request_language
from neko.web.routes.mcp import LogEntry
from neko.web.schemas import Empty, Failure, Schema, Success

_UNKNOWN = {404: "There is no such plug-in."}
_NOT_USABLE = {403: "Plug-ins are switched off.", **_UNKNOWN, 503: "It cannot be used now."}

PluginId = Annotated[str, Field(min_length=1, max_length=120)]


class PluginPath(Schema):
    plugin_id: PluginId


class PluginEntry(Schema):
    """``act``: at worst, by its own hints."""

    id: str
    name: str
    description: str
    event_key: str
    input_schema: dict[str, Any]
    return_message: str
    kind: str
    act: Act


class PluginDetails(Schema):
    """Ours beside N.E.K.O.'s fields. ``known``: what it has is known; ``problems``: what is not right with it, in its
    own or in English words; ``problem``: why it does not run; ``place``: where it is."""

    state: PluginState
    known: bool
    place: str
    process_id: int | None
    problems: list[str]
    problem: Failure | None


class PluginListed(Schema):
    id: str
    name: str
    description: str
    version: str
    sdk_version: str
    entries: list[PluginEntry]
    neko: PluginDetails


class PluginList(Success):
    """``on``: they may be used at all."""

    plugins: list[PluginListed]
    message: str
    on: bool


class PluginStatus(Schema):
    """``status``: what the plug-in told of itself last, at ``updated_at``."""

    plugin_id: str
    status: dict[str, Any]
    state: PluginState
    updated_at: str
    source: Literal["plugin", "main_process"]


class PluginStatuses(Schema):
    plugins: dict[str, PluginStatus]
    time: str


class PluginQuery(Schema):
    plugin_id: PluginId | None = None


class MessagesQuery(PluginQuery):
    max_count: Annotated[int, Field(ge=1, le=1000)] = 100
    priority_min: int | None = None


class PluginMessage(Schema):
    """``binary_data`` is base64."""

    plugin_id: str
    source: str
    description: str
    priority: int
    message_type: str
    content: str | None
    binary_data: str | None
    binary_url: str | None
    metadata: dict[str, Any]
    time: str | None
    message_id: str
    timestamp: str


class PluginMessages(Schema):
    """``dropped``: how many were lost since the start because nobody read them."""

    messages: list[PluginMessage]
    count: int
    time: str
    dropped: int


class Trigger(Schema):
    plugin_id: PluginId
    entry_id: Annotated[str, Field(min_length=1, max_length=200)]
    args: dict[str, Any] = Field(default_factory=dict)
    task_id: str | None = None

    @field_validator("args")
    @classmethod
    def _are_small(cls, args: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(args)) > LARGEST_ARGUMENTS:
            raise ValueError(f"more than {LARGEST_ARGUMENTS} characters")
        return args


class Triggered(Schema):
    """``success`` false: the plug-in did what was asked and failed; ``plugin_forward_error`` has its words."""

    success: bool
    plugin_id: str
    executed_entry: str
    args: dict[str, Any]
    plugin_response: Any
    received_at: str
    plugin_forward_error: str | None


class Push(Schema):
    plugin_id: PluginId
    source: Annotated[str, Field(max_length=200)] = ""
    description: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""
    priority: Annotated[int, Field(ge=0, le=10)] = 0
    message_type: Literal["text", "url", "binary", "binary_url"] = "text"
    content: Annotated[str, Field(max_length=LONGEST_TEXT)] | None = None
    binary_data: Annotated[str, Field(max_length=2 * LARGEST_BINARY)] | None = None
    binary_url: Annotated[str, Field(max_length=2000)] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    time: str | None = None

    @field_validator("binary_data")
    @classmethod
    def _is_base64(cls, text: str | None) -> str | None:
        try:
            base64.b64decode(text or "", validate=True)
        except binascii.Error:
            raise ValueError("no base64") from None
        return text


class Pushed(Success):
    message_id: str
    received_at: str


class PluginLogLines(Success):
    lines: list[LogEntry]


@get("/api/agent/plugins", response=PluginList, summary="The plug-ins, their state and what can be called of them")
async def plugins(call: Call) -> PluginList:
    found = call.neko.plugins
    message = ""
    try:
        await found.look()
    except PluginError as error:
        message = (await _problem(call, error)).error
    listed = [await _shown(call, plugin) for plugin in found.listed]
    return PluginList(plugins=listed, message=message, on=found.on)


@post(
    "/api/agent/plugins/{plugin_id}/start",
    path=PluginPath,
    response=Success,
    summary="Start a plug-in",
    failures=_NOT_USABLE,
)
async def start_plugin(call: Call[Empty, Empty, PluginPath]) -> Success:
    await call.neko.plugins.start(call.path.plugin_id)
    return Success()


@post(
    "/api/agent/plugins/{plugin_id}/stop",
    path=PluginPath,
    response=Success,
    summary="End a plug-in's process",
    failures=_UNKNOWN,
)
async def stop_plugin(call: Call[Empty, Empty, PluginPath]) -> Success:
    await call.neko.plugins.stop(call.path.plugin_id)
    return Success()


@post(
    "/api/agent/plugins/{plugin_id}/reload",
    path=PluginPath,
    response=Success,
    summary="Read a plug-in anew and start it",
    failures=_NOT_USABLE,
)
async def reload_plugin(call: Call[Empty, Empty, PluginPath]) -> Success:
    await call.neko.plugins.reload(call.path.plugin_id)
    return Success()


@get(
    "/api/agent/plugins/{plugin_id}/log",
    path=PluginPath,
    response=PluginLogLines,
    summary="What a plug-in wrote lately",
    failures=_UNKNOWN,
)
async def plugin_log(call: Call[Empty, Empty, PluginPath]) -> PluginLogLines:
    lines = call.neko.plugins.get(call.path.plugin_id).log.lines
    return PluginLogLines(
        lines=[LogEntry(at=line.at.isoformat(timespec="seconds"), source=line.source, text=line.text) for line in lines]
    )


@get(
    "/api/agent/plugins/status",
    query=PluginQuery,
    response=PluginStatuses,
    summary="What plug-ins tell of themselves",
    failures=_UNKNOWN,
)
async def plugin_status(call: Call[Empty, PluginQuery]) -> PluginStatuses:
    found = call.neko.plugins
    asked = found.listed if call.query.plugin_id is None else [found.get(call.query.plugin_id)]
    return PluginStatuses(plugins={plugin.id: _status(plugin) for plugin in asked}, time=timestamp())


@post(
    "/api/agent/plugins/trigger",
    body=Trigger,
    response=Triggered,
    summary="Call an entry of a plug-in",
    failures={
        403: "The user has said that it shall never be called, or plug-ins are switched off.",
        404: "There is no such plug-in, or it has no such entry.",
        503: "It cannot be used now.",
        504: "It did not answer in time, and was ended.",
    },
)
async def trigger_plugin(call: Call[Trigger]) -> Triggered:
    body, response, said = call.body, None, None
    try:
        await call.neko.plugins.check(body.plugin_id, body.entry_id, body.args)
        response = await _called(call.neko, body)
    except PluginError as error:
        if error.code != "plugin_failed":
            raise
        said = error.said
    return Triggered(
        success=said is None,
        plugin_id=body.plugin_id,
        executed_entry=body.entry_id,
        args=body.args,
        plugin_response=response,
        received_at=timestamp(),
        plugin_forward_error=said,
    )


@get(
    "/api/agent/plugins/messages",
    query=MessagesQuery,
    response=PluginMessages,
    summary="What plug-ins have pushed and nobody has read; read once",
)
async def plugin_messages(call: Call[Empty, MessagesQuery]) -> PluginMessages:
    pushed = call.neko.plugins.pushed
    taken = pushed.take(call.query.plugin_id, call.query.max_count, call.query.priority_min)
    messages = [
        PluginMessage(
            **{
                **message,
                "source": message["source"] or "",
                "description": message["description"] or "",
                "message_type": message["message_type"] or "text",
                "metadata": message["metadata"] or {},
            }
        )
        for message in taken
    ]
    return PluginMessages(messages=messages, count=len(messages), time=timestamp(), dropped=pushed.dropped)


@post(
    "/api/agent/plugins/push",
    body=Push,
    response=Pushed,
    summary="Push a message as a plug-in would",
    failures=_UNKNOWN,
)
async def push_plugin_message(call: Call[Push]) -> Pushed:
    message = call.neko.plugins.push(call.body.plugin_id, call.body.model_dump())
    return Pushed(message_id=message["message_id"], received_at=message["timestamp"])


async def _shown(call: Call, plugin: Plugin) -> PluginListed:
    manifest = plugin.manifest
    entries = [
        PluginEntry(
            id=entry.id,
            name=entry.name or entry.id,
            description=entry.description,
            event_key=f"{plugin.id}.{entry.id}",
            input_schema=dict(entry.input_schema),
            return_message="",
            kind=entry.kind,
            act=act(entry),
        )
        for entry in plugin.entries or ()
    ]
    details = PluginDetails(
        state=plugin.state,
        known=plugin.entries is not None,
        place=manifest.place,
        process_id=plugin.process_id,
        problems=list(plugin.problems),
        problem=await _problem(call, plugin.error) if plugin.error else None,
    )
    return PluginListed(
        id=plugin.id,
        name=manifest.name or plugin.id,
        description=manifest.description,
        version=manifest.version,
        sdk_version=SDK_VERSION,
        entries=entries,
        neko=details,
    )


async def _called(neko: Neko, wanted: Trigger) -> Any:
    """What an entry returns. Whoever calls is the user: only their "never" is in the way. It is in the audit trail."""
    plugin, journal = neko.plugins.get(wanted.plugin_id), neko.agent.journal
    entry = plugin.entry(wanted.entry_id)
    tool = function_name(neko.plugins, plugin.id, entry.id)
    is_refused = neko.agent.policies.of("user_plugin", plugin.id, tool, act(entry)) is Policy.NEVER
    row = await journal.begin(
        Deed(
            at=datetime.now(UTC),
            task_id="",
            character=neko.characters.current,
            hand="user_plugin",
            place=plugin.id,
            tool=entry.id,
            title=title_of(plugin, entry),
            act=act(entry),
            arguments=exact_json(wanted.args),
            verdict=Permit.REFUSED if is_refused else Permit.ALLOWED,
        )
    )
    if is_refused:
        raise PluginError("not_allowed", "by the user's word", name=plugin.manifest.name, entry=entry.id)
    outcome: Outcome = "cancelled"
    detail = ""
    try:
        response = await plugin.call(entry.id, wanted.args)
        outcome, detail = "done", response if isinstance(response, str) else json.dumps(response, ensure_ascii=False)
    except NekoError as error:
        outcome, detail = "failed", str(error)
        raise
    finally:
        journal.finish(row, outcome, detail)
    return response


def _status(plugin: Plugin) -> PluginStatus:
    told = bool(plugin.status)
    return PluginStatus(
        plugin_id=plugin.id,
        status=plugin.status,
        state=plugin.state,
        updated_at=plugin.status_time,
        source="plugin" if told else "main_process",
    )


async def _problem(call: Call[Any, Any, Any], error: NekoError) -> Failure:
    return await failure_of(error, request_language(call.request, call.neko))


ENDPOINTS = (
    plugins,
    plugin_status,
    plugin_messages,
    trigger_plugin,
    push_plugin_message,
    start_plugin,
    stop_plugin,
    reload_plugin,
    plugin_log,
)
