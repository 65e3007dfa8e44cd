"""What can be done with mouse and keyboard, as values, and as tools for a model. Nothing else can.

Names and parameters: ``contract/agent.md`` §11. A place is given in thousandths of the monitor, 0 to 999 on an axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal
from unicodedata import category

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from neko.agent.computer.keys import Key, key_named
from neko.types.hands import ActionError
from neko.types.model_session import Tool
from neko.well_formed import well_formed

MOST_TEXT: Final = 5_000
LONGEST_WAIT_S: Final = 30.0
MOST_NOTCHES: Final = 100
MOST_PRESSES: Final = 50

Button = Literal["left", "right", "middle"]
Coordinate = Annotated[float, Field(ge=-100_000, le=100_000, allow_inf_nan=False)]
MonitorNumber = Annotated[int, Field(ge=1, le=16)]


class ComputerAction(BaseModel):
    """One action. ``monitor``: the one that is meant, counted from 1; the one that was last looked at otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    name: ClassVar[str]
    description: ClassVar[str]
    monitor: MonitorNumber | None = Field(None, description="number of the monitor; else the one last seen")


class _AtPlace(ComputerAction):
    x: Coordinate = Field(description="0 is the left edge, 999 the right edge")
    y: Coordinate = Field(description="0 is the top edge, 999 the bottom edge")


class _MaybeAtPlace(ComputerAction):
    x: Coordinate | None = Field(None, description="0 is the left edge, 999 the right edge")
    y: Coordinate | None = Field(None, description="0 is the top edge, 999 the bottom edge")

    @model_validator(mode="after")
    def _both_or_none(self) -> _MaybeAtPlace:
        if (self.x is None) != (self.y is None):
            raise ValueError("give both x and y, or neither for where the mouse is")
        return self


class Click(_MaybeAtPlace):
    name: ClassVar[str] = "click"
    description: ClassVar[str] = "Click at a place, or where the mouse is."
    clicks: int = Field(1, ge=1, le=3)
    button: Button = "left"


class DoubleClick(_MaybeAtPlace):
    name: ClassVar[str] = "double_click"
    description: ClassVar[str] = "Click twice with the left button."


class RightClick(_MaybeAtPlace):
    name: ClassVar[str] = "right_click"
    description: ClassVar[str] = "Click with the right button."


class Move(_AtPlace):
    name: ClassVar[str] = "move"
    description: ClassVar[str] = "Move the mouse to a place without a click."


class Drag(_AtPlace):
    name: ClassVar[str] = "drag"
    description: ClassVar[str] = "Hold a button where the mouse is, move to a place, let go. Move to the start first."
    duration: float = Field(0.5, ge=0, le=5, allow_inf_nan=False, description="seconds")
    button: Button = "left"


class Scroll(_MaybeAtPlace):
    name: ClassVar[str] = "scroll"
    description: ClassVar[str] = "Turn the wheel: a positive number scrolls up, a negative one down."
    clicks: int = Field(ge=-MOST_NOTCHES, le=MOST_NOTCHES)
    sideways: bool = Field(False, description="to the right when positive, to the left when negative")


class Write(ComputerAction):
    name: ClassVar[str] = "write"
    description: ClassVar[str] = "Type a text, of any script, where the keyboard's input goes. A line break is Enter."
    text: str = Field(min_length=1, max_length=MOST_TEXT, strict=True)

    @field_validator("text")
    @classmethod
    def _typed(cls, text: str) -> str:
        kept = (sign for sign in text.replace("\r\n", "\n") if category(sign) != "Cc" or sign in "\n\t")
        text = well_formed("".join(kept))
        if not text:
            raise ValueError("there is nothing in it that can be typed; use press for keys")
        return text


class Press(ComputerAction):
    name: ClassVar[str] = "press"
    description: ClassVar[str] = "Press and release one key: enter, esc, tab, backspace, delete, up, pagedown, f5, a, …"
    key: str
    times: int = Field(1, ge=1, le=MOST_PRESSES)

    @field_validator("key")
    @classmethod
    def _known(cls, key: str) -> str:
        return key_named(key).name

    @property
    def keys(self) -> Sequence[Key]:
        return [key_named(self.key)]


class Hotkey(ComputerAction):
    name: ClassVar[str] = "hotkey"
    description: ClassVar[str] = 'Press keys together, as in ["ctrl", "c"].'
    pressed: list[str] = Field(alias="keys", min_length=1, max_length=5)

    @field_validator("pressed")
    @classmethod
    def _known(cls, keys: list[str]) -> list[str]:
        return [key_named(key).name for key in keys]

    @property
    def keys(self) -> Sequence[Key]:
        return [key_named(key) for key in self.pressed]


class Wait(ComputerAction):
    name: ClassVar[str] = "wait"
    description: ClassVar[str] = "Do nothing for some seconds, then see the screen. With 0 seconds: see it now."
    seconds: float = Field(5.0, ge=0, allow_inf_nan=False)

    @field_validator("seconds")
    @classmethod
    def _bounded(cls, seconds: float) -> float:
        return min(seconds, LONGEST_WAIT_S)


class Terminate(ComputerAction):
    name: ClassVar[str] = "terminate"
    description: ClassVar[str] = "End the work: whether it succeeded, and what to tell the user."
    status: Literal["success", "failure"] = "failure"
    answer: str = Field("", max_length=4_000)


ACTIONS: Final[dict[str, type[ComputerAction]]] = {
    kind.name: kind
    for kind in (Click, DoubleClick, RightClick, Move, Drag, Scroll, Write, Press, Hotkey, Wait, Terminate)
}


@cache
def tools() -> tuple[Tool, ...]:
    """The actions as a model is offered them; the first call makes what checks them, too."""
    return tuple(Tool(name, kind.description, _schema(kind)) for name, kind in ACTIONS.items())


def _schema(kind: type[ComputerAction]) -> dict[str, Any]:
    schema = kind.model_json_schema()
    for part in ("title", "description"):
        schema.pop(part, None)
    schema["properties"] = {name: _plain(field) for name, field in schema["properties"].items()}
    return schema


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """A parameter without its title; one that may be left out says so by that alone, not by a null."""
    field.pop("title", None)
    for kind in field.pop("anyOf", ()):
        if kind.get("type") != "null":
            field.update(kind)
    if field.get("default", "") is None:
        del field["default"]
    return field


def checked(name: str, arguments: dict[str, Any]) -> ComputerAction:
    """The action of this name. Raises ``ActionError`` with what is wrong, and what there is."""
    kind = ACTIONS.get(name)
    if kind is None:
        raise ActionError(f"There is no action {name[:60]!r}. There are: {', '.join(ACTIONS)}.")
    try:
        return kind.model_validate(arguments)
    except ValidationError as error:
        faults = "; ".join(_fault(fault) for fault in error.errors(include_url=False)[:4])
        raise ActionError(f"{name}: {faults}. It takes: {', '.join(_parameters(kind))}.") from None


def _fault(fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    what = str(fault["msg"]).removeprefix("Value error, ")
    return f"{where}: {what}" if where else what


def _parameters(kind: type[ComputerAction]) -> list[str]:
    return [field.alias or name for name, field in kind.model_fields.items()]
