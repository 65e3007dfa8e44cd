"""What the calls about the agent take and answer: N.E.K.O.'s shapes, and ours beside them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, RootModel, StrictBool

from neko.agent.messages import AgentTask, Flags, Gate, Snapshot
from neko.types.hands import HandName
from neko.web.schemas import CleanText, Failure, Schema, Success

TaskId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Name = Annotated[CleanText, Field(min_length=1, max_length=200)]
Words = Annotated[str, Field(min_length=1, max_length=4_000)]
PRIVATE: Final = {"cache-control": "private, no-store", "x-content-type-options": "nosniff"}
"""Headers of what no cache keeps and no browser takes for something else."""
FlagName = Literal["mcp_enabled", "computer_use_enabled", "browser_use_enabled", "user_plugin_enabled"]


# ── how it stands ───────────────────────────────────────────────────────────────


class ServerHealth(Schema):
    """As N.E.K.O.'s agent server has it."""

    app: Literal["N.E.K.O"] = "N.E.K.O"
    service: Literal["agent"] = "agent"
    status: Literal["ok"] = "ok"
    instance_id: str
    agent_flags: Flags


class AgentHealth(Schema):
    status: Literal["ok"] = "ok"
    tool: ServerHealth


class AgentFlags(Success):
    """``notification``: why the last switch stayed off; told once."""

    agent_flags: Flags
    analyzer_enabled: bool
    agent_api_gate: Gate
    revision: int
    notification: str | None = None


class FlagsSet(Success):
    """A flag that cannot be on is left off; ``notification`` says why."""

    agent_flags: Flags
    notification: str | None = None


class AgentState(Success):
    snapshot: Snapshot


class Availability(Schema):
    """Whether an ability could be used, as far as is known now; it is found out anew in the background."""

    enabled: bool
    ready: bool
    reasons: list[str]
    provider: str = ""
    model: str = ""


class McpCapability(Schema):
    title: str
    description: str
    input_schema: dict[str, Any]
    type: Literal["mcp_tool"] = "mcp_tool"


class McpCapabilities(Success):
    """By ``server.tool``."""

    capabilities: dict[str, McpCapability]


# ── switches and commands ───────────────────────────────────────────────────────


class WantedFlags(Schema):
    """What is not named stays as it is."""

    mcp_enabled: StrictBool | None = None
    computer_use_enabled: StrictBool | None = None
    browser_use_enabled: StrictBool | None = None
    user_plugin_enabled: StrictBool | None = None

    def flags(self) -> dict[str, bool]:
        values = self.model_dump(include=set(Flags.__annotations__))
        return {name: value for name, value in values.items() if value is not None}


class WantedSwitches(WantedFlags):
    agent_enabled: StrictBool | None = None


class MainFlags(Schema):
    """As a page of N.E.K.O. sends it."""

    lanlan_name: Name | None = None
    flags: WantedSwitches


class ServerFlags(WantedFlags):
    """As N.E.K.O.'s main sends it to its agent server."""

    lanlan_name: Name | None = None


class _Command(Schema):
    request_id: str | None = Field(None, max_length=100)
    lanlan_name: Name | None = None


class SetAgentEnabled(_Command):
    """Off ends every task and switches every ability off."""

    command: Literal["set_agent_enabled"]
    enabled: StrictBool
    profile: str | None = Field(None, max_length=100)


class SetFlag(_Command):
    command: Literal["set_flag"]
    key: FlagName
    value: StrictBool


class RefreshState(_Command):
    command: Literal["refresh_state"]


class CommandTask(_Command):
    command: Literal["pause", "resume", "cancel", "retry"]
    task_id: TaskId


class StopAll(_Command):
    """Without a name every character's."""

    command: Literal["stop_all"]


class StartTask(_Command):
    """``hand``: only with this ability."""

    command: Literal["start"]
    instruction: Words
    hand: HandName | None = None


class AgentCommand(
    RootModel[
        Annotated[
            SetAgentEnabled | SetFlag | RefreshState | CommandTask | StopAll | StartTask, Field(discriminator="command")
        ]
    ]
):
    """One of the commands, by ``command``."""


class Timing(Schema):
    """Milliseconds."""

    agent_total_ms: float
    set_flags_ms: float | None = None
    main_proxy_ms: float = 0.0
    main_total_ms: float


class CommandDone(Success):
    """``notification``: why a switch stayed off. ``task``: the one that was commanded, or begun. ``ended``: how many
    tasks were."""

    request_id: str | None
    timing: Timing
    snapshot: Snapshot
    notification: str | None = None
    task: AgentTask | None = None
    ended: int | None = None


class Control(Schema):
    action: Literal["enable_analyzer", "disable_analyzer", "end_all"]
    profile: str | None = Field(None, max_length=100)


class Controlled(Success):
    """``ended``: how many tasks were."""

    ended: int
    analyzer_enabled: bool


# ── tasks ───────────────────────────────────────────────────────────────────────


class TaskPath(Schema):
    id: TaskId


class TaskFilePath(TaskPath):
    name: Annotated[str, Field(min_length=1, max_length=500)]


class ListedTask(Schema):
    """As N.E.K.O. has a task, and what our page shows of it (``neko``)."""

    id: str
    type: str
    status: str
    start_time: str
    end_time: str | None = None
    params: dict[str, Any]
    result: dict[str, Any] | None = None
    error: str | None = None
    lanlan_name: str
    source: str = "runtime"
    neko: dict[str, Any]


class TaskQuery(Schema):
    character: str | None = Field(None, max_length=200)
    limit: int = Field(100, ge=1, le=500)


class TaskCounts(Schema):
    task_registry_count: int
    task_pool_count: int = 0
    total_returned: int


class TaskListing(Schema):
    """The newest first."""

    tasks: list[ListedTask]
    debug: TaskCounts


class Said(Schema):
    role: Literal["user", "assistant"]
    content: str = Field("", max_length=20_000)
    text: str = Field("", max_length=20_000)


class AnalyzeRequested(Schema):
    trigger: Literal["turn_end", "session_end"] = "turn_end"
    lanlan_name: Name
    messages: list[Said] = Field(default_factory=list, max_length=100)


class Analyzed(Schema):
    """Whether somebody took it."""

    success: bool


class ComputerRun(Schema):
    """The picture is not needed: the screen is looked at when it is the task's turn."""

    instruction: Words
    screenshot_b64: str | None = Field(None, max_length=14_000_000)
    lanlan_name: Name | None = None


class BrowserRun(Schema):
    instruction: Words
    lanlan_name: Name | None = None


class PluginRun(Schema):
    plugin_id: Name
    entry_id: Name | None = None
    args: dict[str, Any] = Field(default_factory=dict)
    lanlan_name: Name | None = None


class RunBegun(Success):
    task_id: str
    status: str
    start_time: str


class RunResult(Schema):
    """``result``: for whom the task was done; ``error``: the sentence why it was not."""

    success: bool
    result: str
    error: str = ""
    done: bool
    steps: int


class RunDone(Success):
    task_id: str
    result: RunResult


class Duplicate(Failure):
    """The same is being done already, by the task ``matched_id``."""

    duplicate: Literal[True] = True
    matched_id: str
