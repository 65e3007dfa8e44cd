"""The behaviour suite of hands, run on plug-ins in real processes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from neko.agent.plugins.hand import PluginHand
from neko.types.hands import Action
from tests.agent.plugins.conftest import Shelf, until
from tests.seams.hand import HandBehaviour, HandCase

DESK = """
import time

class P(NekoPluginBase):
    def at(self, name):
        return self.ctx.config_path.with_name(name)

    @plugin_entry(id="look", description="What lies there.", extra={"read_only": True, "open_world": False})
    def look(self):
        return "a pen"

    @plugin_entry(id="note", description="Writes a note.", extra={"destructive": False, "open_world": False},
                  input_schema={"type": "object", "properties": {"text": {"type": "string"}}})
    def note(self, text):
        with self.at("notes").open("a") as file:
            file.write(text + "\\n")
        return "written"

    @plugin_entry(id="linger", description="Takes long.")
    def linger(self):
        self.at("busy").touch()
        time.sleep(600)
"""


class TestPluginHand(HandBehaviour):
    @pytest.fixture
    async def case(self, shelf: Shelf) -> AsyncIterator[HandCase]:
        place = shelf.put("desk", DESK)

        def effects() -> int:
            notes = place / "notes"
            return len(notes.read_text().splitlines()) if notes.exists() else 0

        async with shelf.plugins() as plugins:
            hand = PluginHand(plugins)
            await hand.probe()
            yield HandCase(
                hand,
                Action("desk__look", {}),
                Action("desk__note", {"text": "a"}),
                Action("desk__note", {"text": 3}),
                Action("desk__linger", {}),
                effects,
                lambda: until((place / "busy").exists),
            )
