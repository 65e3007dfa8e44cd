"""A plug-in as it runs in its own process: its methods by what calls them."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from neko.agent.mcp.server_log import MARK
from neko.agent.plugins import checking
from neko.agent.plugins.child.loading import LoadError, last_line, load_class
from neko.plugin.context import PluginContext, Tell
from neko.plugin.events import EVENT_META_ATTR, EventMeta
from neko.tasks import TaskOwner

LARGEST_RESULT: Final = 200_000
"""Characters of a result as JSON."""
LONGEST_ERROR: Final = 500


class Running:
    """``order`` is the first line that Neko sends (``process``). ``told`` is what Neko is told of the plug-in."""

    def __init__(self, order: Mapping[str, Any], tell: Tell) -> None:
        config_path = Path(order["config_path"])
        self._tell = tell
        self._class = load_class(order["entry"], None if order["installed"] else config_path.parent)
        self._problems: list[str] = []
        self._methods = _decorated(self._class)
        self._declare(order["declared"])
        self.context = PluginContext(order["plugin_id"], config_path, _logger(order["plugin_id"]), tell)
        self.context.is_private = order["private"]
        self._plugin: Any = None
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._owner = TaskOwner("plug-in")
        self._one_at_a_time = ThreadPoolExecutor(1, "plug-in")
        self._ending = threading.Event()

    @property
    def told(self) -> dict[str, Any]:
        metas = [meta for meta, _ in self._methods.values()]
        return {
            "entries": [_entry_told(meta) for meta in metas if meta.event_type == "plugin_entry"],
            "timers": [meta.id for meta in metas if meta.event_type == "timer" and meta.auto_start],
            "messages": [meta.extra.get("source") for meta in metas if meta.event_type == "message"],
            "auto_start": any(meta.auto_start for meta in metas if meta.event_type != "lifecycle"),
            "problems": self._problems,
        }

    # ── from beginning to end ─────────────────────────────────────────────────

    async def start(self, reloaded: bool) -> None:
        """Make the instance, and have it start. Raises ``LoadError`` when it cannot be made."""
        loop = asyncio.get_running_loop()
        try:
            self._plugin = await loop.run_in_executor(self._one_at_a_time, self._class, self.context)
        except BaseException as error:
            traceback.print_exc()
            raise LoadError(last_line(error)) from error
        await self._lifecycle("startup")
        if reloaded:
            await self._lifecycle("reload")
        for meta, name in self._methods.values():
            if meta.event_type == "timer" and meta.auto_start:
                timer = threading.Thread(target=self._tick, args=(meta, name, loop), name=meta.id, daemon=True)
                timer.start()

    async def stop(self) -> None:
        """Let timers and calls go, and have the plug-in shut down."""
        self._ending.set()
        for task in self._owner.tasks:
            task.cancel()
        await self._lifecycle("shutdown")

    async def _lifecycle(self, event: str) -> None:
        """What it raises is logged and told, and stops nothing."""
        for meta, name in self._methods.values():
            if meta.event_type == "lifecycle" and meta.id.removeprefix("on_") == event:
                try:
                    await self._run(getattr(self._plugin, name), {})
                except Exception as error:
                    traceback.print_exc()
                    self._problems.append(f"{event}: {last_line(error)}"[:LONGEST_ERROR])

    def _tick(self, meta: EventMeta, name: str, loop: asyncio.AbstractEventLoop) -> None:
        handler = getattr(self._plugin, name)
        pause = max(0.1, float(meta.extra.get("seconds", 60)))
        while not self._ending.is_set():
            try:
                ran = handler()
                if inspect.isawaitable(ran):
                    asyncio.run_coroutine_threadsafe(_awaited(ran), loop).result()
            except Exception:
                traceback.print_exc()
            self._ending.wait(pause)

    # ── calls ─────────────────────────────────────────────────────────────────

    def call(self, request_id: str, entry_id: str, arguments: Mapping[str, Any]) -> None:
        """Call an entry; the result is told under ``request_id``."""
        task = self._owner.spawn(self._answered(request_id, entry_id, arguments), name=entry_id)
        self._calls[request_id] = task
        task.add_done_callback(lambda _: self._calls.pop(request_id, None))

    def cancel(self, request_id: str) -> None:
        if task := self._calls.get(request_id):
            task.cancel()

    def message(self, sent: Mapping[str, Any]) -> None:
        """Hand a message to the methods that want one from there."""
        for meta, name in self._methods.values():
            if meta.event_type == "message" and meta.extra.get("source") in (None, sent["source"]):
                words = {"text": sent["text"], "sender": sent["sender"], "ts": sent["ts"]}
                self._owner.spawn(self._handed(getattr(self._plugin, name), words), name=meta.id)

    async def _handed(self, handler: Callable[..., Any], words: dict[str, str]) -> None:
        try:
            await self._run(handler, _taken(handler, words) or words)
        except Exception:
            traceback.print_exc()

    async def _answered(self, request_id: str, entry_id: str, arguments: Mapping[str, Any]) -> None:
        answer: dict[str, Any] = {"type": "RESULT", "req_id": request_id, "success": False, "data": None, "error": ""}
        try:
            answer |= {"data": await self._called(entry_id, arguments), "success": True}
        except asyncio.CancelledError:
            answer["error"] = "it was cancelled"
        except RefusedCallError as error:
            answer["error"] = str(error)
        except BaseException as error:
            traceback.print_exc()
            answer["error"] = last_line(error)[:LONGEST_ERROR]
        _end_words()
        self._tell(answer)

    async def _called(self, entry_id: str, arguments: Mapping[str, Any]) -> Any:
        meta, name = self._methods.get(f"entry {entry_id}", (None, ""))
        if meta is None:
            raise RefusedCallError(f"there is no entry {entry_id}")
        if meta.input_schema and checking.has_patterns(meta.input_schema):
            try:
                wrong = checking.problem(meta.input_schema, arguments, patterns=True)
            except checking.SchemaError as error:
                wrong = str(error)
            if wrong:
                raise RefusedCallError(f"the arguments do not fit: {wrong}")
        method = getattr(self._plugin, name)
        return _as_json(await self._run(method, arguments))

    async def _run(self, method: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        """Call a method by names; one that takes a single thing and none of these names gets all of them as it."""
        by_name = _fits(method, arguments)
        if inspect.iscoroutinefunction(method):
            return await (method(**arguments) if by_name else method(arguments))
        call = (lambda: method(**arguments)) if by_name else (lambda: method(arguments))
        work = self._one_at_a_time.submit(call)
        waited_for = asyncio.wrap_future(work)
        try:
            result = await asyncio.shield(waited_for)
        except asyncio.CancelledError:
            if not work.cancel():  # it has begun, and no thread can be stopped: it is over when it is over
                await asyncio.wait({waited_for})
            raise
        return await result if inspect.isawaitable(result) else result

    # ── what is declared ──────────────────────────────────────────────────────

    def _declare(self, declared: list[Mapping[str, Any]]) -> None:
        """Lay what ``plugin.toml`` says of the entries beside what the decorators do, whose words come first."""
        for told in declared:
            key = f"entry {told['id']}"
            if key not in self._methods:
                name = next((name for name in (told["id"], f"entry_{told['id']}") if self._has(name)), "")
                if not name:
                    self._problems.append(f"entry {told['id']!r} is in plugin.toml, and the class has no such method")
                    continue
                self._methods[key] = (EventMeta("plugin_entry", told["id"]), name)
            meta, name = self._methods[key]
            self._methods[key] = (
                EventMeta(
                    "plugin_entry",
                    meta.id,
                    meta.name if meta.name and meta.name != meta.id else told["name"] or meta.id,
                    meta.description or told["description"],
                    meta.input_schema or told["input_schema"],
                    meta.kind,
                    meta.auto_start,
                    {**told["extra"], **meta.extra},
                ),
                name,
            )

    def _has(self, name: str) -> bool:
        return not name.startswith("_") and callable(getattr(self._class, name, None))


class RefusedCallError(Exception):
    """A call that the plug-in never sees."""


def _end_words() -> None:
    """What was written up to now is of a call that is over, and says nothing of a crash to come."""
    sys.stdout.flush()
    sys.stderr.write(MARK)
    sys.stderr.flush()


def _decorated(cls: type) -> dict[str, tuple[EventMeta, str]]:
    """What is declared in a class: its words and the name of the method, by kind and id."""
    found: dict[str, tuple[EventMeta, str]] = {}
    for name in dir(cls):
        meta = getattr(getattr(cls, name, None), EVENT_META_ATTR, None)
        if meta is not None:
            kind = "entry" if meta.event_type == "plugin_entry" else meta.event_type
            found.setdefault(f"{kind} {meta.id}", (meta, name))
    return found


def _entry_told(meta: EventMeta) -> dict[str, Any]:
    return {
        "id": meta.id,
        "name": meta.name or meta.id,
        "description": meta.description,
        "input_schema": json.loads(json.dumps(meta.input_schema or {}, default=str)),
        "kind": meta.kind,
        "extra": json.loads(json.dumps(dict(meta.extra), default=str)),
    }


def _fits(method: Callable[..., Any], arguments: Mapping[str, Any]) -> bool:
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(**arguments)
    except TypeError:
        return len(signature.parameters) != 1
    return True


def _taken(method: Callable[..., Any], words: dict[str, str]) -> dict[str, str]:
    """Those of the words that the method has a parameter for."""
    parameters = inspect.signature(method).parameters
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return words
    return {name: word for name, word in words.items() if name in parameters}


def _as_json(result: Any) -> Any:
    """The result, if JSON can hold it; one that is too large as the beginning of its text."""
    try:
        text = json.dumps(result, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise RefusedCallError(f"its result is not JSON: {error}"[:LONGEST_ERROR]) from None
    if len(text) <= LARGEST_RESULT:
        return result
    return {"truncated": True, "characters": len(text), "beginning": text[:LARGEST_RESULT]}


def _logger(plugin_id: str) -> logging.Logger:
    """What a plug-in logs goes where its errors go, which Neko keeps the last lines of."""
    logger = logging.getLogger(f"plugin.{plugin_id}")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return logger


async def _awaited(work: Any) -> Any:
    return await work
