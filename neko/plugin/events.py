"""What a decorator writes on a method: when it is called, and what of it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

EVENT_META_ATTR: Final = "__neko_event_meta__"
NEKO_PLUGIN_TAG: Final = "__neko_plugin__"

EventType = Literal["plugin_entry", "lifecycle", "message", "timer"]


@dataclass(frozen=True, slots=True)
class EventMeta:
    """``event_type`` is one of ``EventType``; another is kept and never called. ``auto_start``: a timer runs as soon as
    the plug-in does; a plug-in with another method that has it is started with Neko. ``extra`` may say ``read_only``,
    ``destructive`` and ``open_world`` of an entry, which are hints."""

    event_type: str
    id: str
    name: str = ""
    description: str = ""
    input_schema: Mapping[str, Any] | None = None
    kind: str = "action"
    auto_start: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventHandler:
    """A method of a plug-in that is ready to be called, and what is told of it."""

    meta: EventMeta
    handler: Callable[..., Any]
