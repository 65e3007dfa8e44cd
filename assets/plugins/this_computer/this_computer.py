"""How this computer is. A sample of a plug-in: two entries, a timer, something to tell."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path
from typing import Any

from neko.plugin import NekoPluginBase, PluginContext, lifecycle, neko_plugin, plugin_entry, timer_interval

LITTLE = 0.03
"""A disk with less of it free is nearly full."""
READ_ONLY = {"read_only": True, "open_world": False}
DICE = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 1, "maximum": 100, "description": "How many dice."},
        "sides": {"type": "integer", "minimum": 2, "maximum": 1000, "description": "Sides of each."},
    },
    "additionalProperties": False,
}


@neko_plugin
class ThisComputer(NekoPluginBase):
    def __init__(self, ctx: PluginContext) -> None:
        super().__init__(ctx)
        self._has_told = False

    @lifecycle(id="startup")
    def startup(self) -> None:
        self.report_status({"state": "ready"})

    @plugin_entry(
        id="status",
        name="How this computer is",
        description="Free disk space, load, number of processors, hours since it was switched on, and the local time.",
        extra=READ_ONLY,
    )
    def status(self) -> dict[str, Any]:
        disk = shutil.disk_usage(Path.home())
        return {
            "disk_free_gb": round(disk.free / 1e9, 1),
            "disk_total_gb": round(disk.total / 1e9, 1),
            "processors": os.cpu_count(),
            "load": [round(part, 2) for part in os.getloadavg()] if hasattr(os, "getloadavg") else None,
            "hours_on": round(time.monotonic() / 3600, 1),
            "time": time.strftime("%Y-%m-%d %H:%M:%S"),
        }

    @plugin_entry(
        id="roll",
        name="Roll dice",
        description="Rolls dice and returns what each of them shows.",
        input_schema=DICE,
        extra=READ_ONLY,
    )
    async def roll(self, count: int = 1, sides: int = 6) -> dict[str, Any]:
        dice = [random.randint(1, sides) for _ in range(count)]
        return {"dice": dice, "sum": sum(dice)}

    @timer_interval(id="disk", seconds=600)
    def look_at_disk(self) -> None:
        disk = shutil.disk_usage(Path.home())
        nearly_full = disk.free < LITTLE * disk.total
        if nearly_full and not self._has_told:
            gigabytes = f"{disk.free / 1e9:.1f}"
            self.ctx.push_message(
                source="disk",
                message_type="text",
                description="The disk is nearly full",
                priority=6,
                content=f"Only {gigabytes} GB of the disk are free.",
            )
        self._has_told = nearly_full
