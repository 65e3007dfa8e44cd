"""The decorators that declare a plug-in and what of it can be called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from neko.plugin.events import EVENT_META_ATTR, NEKO_PLUGIN_TAG, EventMeta

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])

MESSAGE_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "sender": {"type": "string"}, "ts": {"type": "string"}},
}
"""What a handler of messages is called with."""


def neko_plugin(cls: C) -> C:
    """Mark a class as a plug-in."""
    setattr(cls, NEKO_PLUGIN_TAG, True)
    return cls


def on_event(
    *,
    event_type: str,
    id: str,
    name: str | None = None,
    description: str = "",
    input_schema: Mapping[str, Any] | None = None,
    kind: str = "action",
    auto_start: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> Callable[[F], F]:
    """Declare a method by hand; the other decorators are short for this one."""

    def mark(method: F) -> F:
        meta = EventMeta(
            event_type, id, name or id, description, input_schema, kind, auto_start, dict(extra) if extra else {}
        )
        setattr(method, EVENT_META_ATTR, meta)
        return method

    return mark


def plugin_entry(
    id: str,
    name: str | None = None,
    description: str = "",
    input_schema: Mapping[str, Any] | None = None,
    kind: str = "action",
    auto_start: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> Callable[[F], F]:
    """Something that the plug-in can do when asked. ``input_schema`` (JSON schema of an object) is what its arguments
    are checked against; the method gets them by name, and returns what JSON can hold."""
    return on_event(
        event_type="plugin_entry",
        id=id,
        name=name,
        description=description,
        input_schema=input_schema,
        kind=kind,
        auto_start=auto_start,
        extra=extra,
    )


def lifecycle(
    *, id: str, name: str | None = None, description: str = "", extra: Mapping[str, Any] | None = None
) -> Callable[[F], F]:
    """``startup``: before anything else is called. ``shutdown``: after all else, for two seconds. ``reload``: after
    ``startup``, when the user had the plug-in loaded anew."""
    return on_event(event_type="lifecycle", id=id, name=name, description=description, kind="lifecycle", extra=extra)


def timer_interval(
    *,
    id: str,
    seconds: float,
    name: str | None = None,
    description: str = "",
    auto_start: bool = True,
    extra: Mapping[str, Any] | None = None,
) -> Callable[[F], F]:
    """Called in a thread of its own as soon as the plug-in runs, then ``seconds`` after each time that it has ended.
    What it raises is logged and stops nothing."""
    return on_event(
        event_type="timer",
        id=id,
        name=name,
        description=description,
        kind="timer",
        auto_start=auto_start,
        extra={**(extra or {}), "mode": "interval", "seconds": seconds},
    )


def message(
    *,
    id: str,
    name: str | None = None,
    description: str = "",
    input_schema: Mapping[str, Any] | None = None,
    source: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Callable[[F], F]:
    """Called with what other plug-ins and programs push: ``text``, ``sender``, ``ts``, as far as the method takes
    them. ``source``: only what comes from there."""
    return on_event(
        event_type="message",
        id=id,
        name=name,
        description=description,
        input_schema=input_schema or MESSAGE_SCHEMA,
        kind="consumer",
        extra={**(extra or {}), "source": source},
    )
