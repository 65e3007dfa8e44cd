"""All plug-ins: found in folders and packages, run while the user has them on, and what they push."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from neko.agent.plugins import checking, manifest
from neko.agent.plugins.manifest import FILE, Manifest
from neko.agent.plugins.plugin import Plugin, PluginState, entry_looks_or_listens
from neko.agent.plugins.process import Limits
from neko.agent.plugins.pushed import PushedMessages, proactive_message
from neko.tasks import TaskOwner, in_thread, together
from neko.tool_errors import PluginError

logger = logging.getLogger(__name__)

EXTRA: Final = "plugins"
NEEDED: Final = ("jsonschema", "packaging")
_AT_ONCE: Final = 3
"""Processes that are started beside each other."""
LARGEST_ARGUMENTS: Final = 500_000
"""Characters of JSON."""


class Plugins:
    """``folders``: each holds a folder a plug-in; ``data``: where an installed package finds its logs. ``publish``
    takes messages for the bus topic ``agent``; ``character``: who tells what a plug-in pushes. ``on_change``: a plug-in
    is in another state, or there are others. ``is_private``: none may look or listen."""

    def __init__(
        self,
        folders: Callable[[], Sequence[Path]],
        data: Path,
        publish: Callable[[Mapping[str, Any]], object],
        character: Callable[[], str],
        limits: Callable[[], Limits] = Limits,
        on_change: Callable[[], object] = lambda: None,
        is_private: Callable[[], bool] = lambda: False,
    ) -> None:
        self.on = False
        self.unusable: PluginError | None = PluginError("looking", "nobody has looked yet")
        """Why there are none to use, if so."""
        self.pushed = PushedMessages()
        self._folders = folders
        self._data = data
        self._publish = publish
        self._character = character
        self._limits = limits
        self._on_change = on_change
        self._is_private = is_private
        self._plugins: dict[str, Plugin] = {}
        self._found: dict[str, Manifest] = {}
        self._owner = TaskOwner("plugins")
        self._changing = asyncio.Lock()
        self._learning: asyncio.Task[None] | None = None

    @property
    def listed(self) -> list[Plugin]:
        """Those that were found when somebody looked last."""
        return list(self._plugins.values())

    def get(self, plugin_id: str) -> Plugin:
        """Raises ``PluginError``."""
        plugin = self._plugins.get(plugin_id)
        if plugin is None:
            raise PluginError("unknown", f"no plug-in {plugin_id}", name=plugin_id[:80])
        return plugin

    async def look(self) -> None:
        """Look into the folders and the packages anew. What runs and was changed stays as it is until it is reloaded.
        Raises ``PluginError`` where what reads them is not installed."""
        if missing := await in_thread(not_installed):
            self.unusable = missing
            raise missing
        async with self._changing:
            found = {one.id: one for one in await in_thread(manifest.discover, self._folders())}
            gone = [plugin for name, plugin in self._plugins.items() if name not in found]
            self._plugins = {
                name: self._kept(name, one) or await self._replaced(name, one) for name, one in found.items()
            }
            self._found = found
            self.unusable = None if found else PluginError("none", "no plug-in was found")
            await together(*(plugin.stop() for plugin in gone))
        self._on_change()

    async def learn(self) -> None:
        """Look anew, and ask every plug-in that has not told yet what it has; starts those that run by themselves.
        Raises ``PluginError``. It is brought to its end also when the caller is cancelled."""
        if self._learning is None or self._learning.done():
            self._learning = self._owner.spawn(self._learn(), name="learn")
        await asyncio.shield(self._learning)

    def switch(self, on: bool) -> None:
        """The user's word on all of them; it is followed in the background. Off: every process ends."""
        if on != self.on and not self._owner.closed:
            self.on = on
            self._owner.spawn(self._learn_all() if on else self.stop_all(), name="switch")

    def follow_privacy(self) -> None:
        """The privacy switch was moved: tell those that run."""
        for plugin in self.listed:
            plugin.tell_privacy()

    async def stop_all(self) -> None:
        """End every process; one that is wanted is started again."""
        await together(*(plugin.stop() for plugin in self.listed))
        self._on_change()

    async def aclose(self) -> None:
        """End everything; idempotent."""
        self.on = False
        await self._owner.aclose()
        await self.stop_all()

    # ── use ───────────────────────────────────────────────────────────────────

    async def start(self, plugin_id: str) -> None:
        await self._must_be_on(plugin_id)
        await self.get(plugin_id).start()

    async def stop(self, plugin_id: str) -> None:
        await self.get(plugin_id).stop()

    async def reload(self, plugin_id: str) -> None:
        """Look anew, and begin anew with one of them."""
        await self._must_be_on(plugin_id)
        await self.look()
        plugin = self.get(plugin_id)
        await plugin.restart(self._found[plugin_id])
        if plugin.error is not None:
            raise plugin.error

    async def check(self, plugin_id: str, entry_id: str, arguments: Mapping[str, Any]) -> None:
        """Raises ``PluginError`` for what is not there, is off, does not fit the entry's schema, or would look or
        listen while the user does not want that."""
        await self._must_be_on(plugin_id)
        plugin = self.get(plugin_id)
        if plugin.entries is None:
            await plugin.inspect()
        if plugin.entries is None and plugin.error is not None:
            raise plugin.error
        entry = plugin.entry(entry_id)
        if self._is_private() and entry_looks_or_listens(entry):
            raise PluginError("private", "the privacy switch is on", name=plugin.manifest.name, entry=entry_id)
        if not entry.input_schema:
            return
        try:
            wrong = await in_thread(checking.problem, entry.input_schema, arguments, patterns=False)
        except checking.SchemaError as error:
            wrong = str(error)
        if wrong:
            raise PluginError("arguments", wrong, name=plugin.manifest.name, entry=entry_id, reason=wrong)

    async def trigger(self, plugin_id: str, entry_id: str, arguments: Mapping[str, Any]) -> Any:
        """What an entry returns for arguments that fit. Raises ``PluginError``."""
        await self.check(plugin_id, entry_id, arguments)
        return await self.get(plugin_id).call(entry_id, arguments)

    def push(self, plugin_id: str, message: Mapping[str, Any]) -> dict[str, Any]:
        """Take a message as one of this plug-in: keep it, hand it to those that want it, have it told. Raises
        ``PluginError``."""
        return self._pushed(self.get(plugin_id), {**message, "plugin_id": plugin_id}, itself=False)

    # ──────────────────────────────────────────────────────────────────────────

    async def _learn(self) -> None:
        await self.look()
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def ask(plugin: Plugin) -> None:
            async with at_once:
                if self.on:
                    await plugin.inspect()
                if self.on and plugin.runs_by_itself and plugin.state is PluginState.STOPPED:
                    with contextlib.suppress(PluginError):  # it is its ``error`` then
                        await plugin.start()

        await together(*map(ask, self.listed))

    async def _must_be_on(self, plugin_id: str) -> None:
        """Raises ``PluginError`` while they are off; one that is nowhere is told as such also then."""
        if not self.on:
            with contextlib.suppress(PluginError):
                await self.look()
            self.get(plugin_id)
            raise PluginError("off", "plug-ins are switched off")

    def _kept(self, name: str, found: Manifest) -> Plugin | None:
        plugin = self._plugins.get(name)
        runs = plugin is not None and plugin.state not in (PluginState.STOPPED, PluginState.FAILED)
        return plugin if plugin is not None and (runs or plugin.manifest == found) else None

    async def _replaced(self, name: str, found: Manifest) -> Plugin:
        if before := self._plugins.get(name):
            await before.stop()
        path = found.path or self._data / name / FILE
        return Plugin(found, path, self._owner, self._limits, self._heard, self._on_change, self._is_private)

    async def _learn_all(self) -> None:
        try:
            await self.learn()
        except PluginError as error:
            logger.warning("plug-ins cannot be used: %s", error)

    def _heard(self, plugin: Plugin, message: dict[str, Any]) -> None:
        self._pushed(plugin, {**message, "plugin_id": plugin.id}, itself=True)

    def _pushed(self, plugin: Plugin, sent: Mapping[str, Any], *, itself: bool) -> dict[str, Any]:
        message = self.pushed.add(sent)
        text = str(message["content"] or message["description"] or "")
        for other in self.listed:
            if not (itself and other is plugin):
                other.message(str(message["source"]), text, str(message["time"] or message["timestamp"]))
        told = proactive_message(self._character(), plugin.manifest.name, message)
        if told is not None and self.on and (left := self.pushed.tell(plugin.id)):
            self._publish(told)
            if left == 1:
                plugin.log.add("neko", "it pushes much; for a while what it pushes is kept and not told")
        return message


def not_installed() -> PluginError | None:
    """What is missing to use plug-ins at all; looks for files."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    return PluginError("not_installed", f"missing: {', '.join(missing)}", extra=EXTRA) if missing else None
