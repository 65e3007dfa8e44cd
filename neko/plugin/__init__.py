"""What a plug-in for Neko is written with; ``docs/plugins.md`` shows how.

    from neko.plugin import NekoPluginBase, neko_plugin, plugin_entry

The names and their meaning are those of N.E.K.O.'s SDK (0.1.0), under whose import path ``plugin.sdk`` a plug-in finds
the same things. Nothing here imports anything but Python's own library: it is used in the plug-in's own process.
"""

from __future__ import annotations

from neko.plugin.context import PluginContext
from neko.plugin.decorators import lifecycle, message, neko_plugin, on_event, plugin_entry, timer_interval
from neko.plugin.events import EventHandler, EventMeta
from neko.plugin.file_log import plugin_file_logger
from neko.plugin.plugin_class import NekoPluginBase
from neko.plugin.version import SDK_VERSION

__all__ = [
    "SDK_VERSION",
    "EventHandler",
    "EventMeta",
    "NekoPluginBase",
    "PluginContext",
    "lifecycle",
    "message",
    "neko_plugin",
    "on_event",
    "plugin_entry",
    "plugin_file_logger",
    "timer_interval",
]
