"""Plug-ins that were written for N.E.K.O. run unchanged: its import paths, its ways to name a class, its SDK."""

from __future__ import annotations

from pathlib import Path

import pytest

from neko.agent.plugins.plugin import PluginState
from tests.agent.plugins.conftest import Shelf, until

WINDOW = """
import logging
from typing import Any

from plugin.core.context import PluginContext
from plugin.sdk.base import NekoPluginBase
from plugin.sdk.decorators import neko_plugin, on_event, plugin_entry
from plugin.sdk.events import EventMeta
from plugin.sdk.logger import plugin_file_logger
from . import words


@neko_plugin
@plugin_file_logger(log_level=logging.INFO)
class WindowPlugin(NekoPluginBase):
    def __init__(self, ctx: Any):
        super().__init__(ctx)
        assert isinstance(ctx, PluginContext)
        self.is_open = False
        self.own_logger = self.enable_file_logging(log_level="INFO")
        self.own_logger.info("window ready")

    @plugin_entry(id="open", name="Open", description="Opens.", input_schema={
        "type": "object", "properties": {"title": {"type": "string"}}})
    def open_window(self, title: str | None = None, **_):
        self.is_open = True
        self.file_logger.info("opening %s", title)
        self.ctx.push_message(source="open_window", message_type="text", description="Opening",
                              priority=5, content=words.HELLO, metadata={"action": "open"})
        self.report_status({"open": True})
        return {"title": title, "entries": sorted(self.collect_entries()), "id": self._plugin_id}

    @on_event(event_type="lifecycle", id="startup", kind="hook", auto_start=True)
    def startup(self, **_):
        self.report_status({"open": self.is_open})

    def run(self, args):
        return {"got": args}

    def entry_close(self):
        return "closed"
"""


@pytest.mark.parametrize(
    "entry", ["plugin.plugins.window:WindowPlugin", "plugins.window:WindowPlugin", "window:WindowPlugin"]
)
async def test_a_package_of_n_e_k_o_runs_as_it_is(shelf: Shelf, entry: str) -> None:
    place = put(shelf, entry)
    async with shelf.plugins() as plugins:
        plugin = plugins.get("window")
        assert plugin.error is None
        assert plugin.state is PluginState.STOPPED
        told = await plugins.trigger("window", "open", {"title": "Hi"})
        assert told == {"title": "Hi", "entries": ["open", "startup"], "id": "window"}
        assert plugin.status == {"open": True}
        await until(lambda: shelf.published)
        assert shelf.published[0]["text"] == "window: Opening\nhello from beside"
        (log,) = (place / "logs").glob("window_*.log")
        assert "opening Hi" in log.read_text(encoding="utf-8")


async def test_entries_of_plugin_toml_are_methods_by_their_name(shelf: Shelf) -> None:
    put(shelf, "plugins.window:WindowPlugin", 'entries = ["run", "close", "nothing"]\n')
    async with shelf.plugins() as plugins:
        assert await plugins.trigger("window", "run", {"a": 1}) == {"got": {"a": 1}}
        assert await plugins.trigger("window", "close", {}) == "closed"
        assert any("'nothing'" in problem for problem in plugins.get("window").problems)


def put(shelf: Shelf, entry: str, more: str = "") -> Path:
    place = shelf.folder / "window"
    place.mkdir(parents=True)
    (place / "plugin.toml").write_text(f'[plugin]\nid = "window"\nentry = "{entry}"\n{more}')
    (place / "__init__.py").write_text(WINDOW)
    (place / "words.py").write_text('HELLO = "hello from beside"\n')
    return place
