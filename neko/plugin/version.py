"""The version of the SDK that a plug-in's ``plugin.toml`` is held against."""

from __future__ import annotations

from typing import Final

SDK_VERSION: Final = "0.1.0"
