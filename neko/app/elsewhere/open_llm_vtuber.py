"""Characters of Open-LLM-VTuber: ``character_config`` in ``conf.yaml`` and the files beside it
(https://github.com/Open-LLM-VTuber/Open-LLM-VTuber, ``config_templates``). Its talks lie in
``chat_history/<conf_uid>/<history>.json`` (``chat_history_manager.py``), a list that ``memory/import_files`` reads."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from neko.hand_written import decoded

HISTORY: Final = "chat_history"
_LARGEST: Final = 1 << 20
MISSING: Final = "to read all of it: pip install '.[yaml]'"
_FIELD: Final = re.compile(r"^\s+(conf_uid|conf_name|character_name)\s*:\s*(['\"]?)(.*?)\2\s*(?:#.*)?$", re.MULTILINE)
"""A field on a line of its own, as every ``conf.yaml`` has these."""


def config_in(path: Path) -> Mapping[str, Any] | str | None:
    """The character of a configuration, None if it is none, or why it cannot be read. Raises ``OSError``."""
    if path.stat().st_size > _LARGEST:
        return None
    text = decoded(path.read_bytes(), "replace", is_json=False)
    if "character_config:" not in text and '"character_config"' not in text:
        return None
    try:
        yaml = importlib.import_module("yaml")
    except ImportError:
        return MISSING
    try:
        document = yaml.safe_load(text)
    except (ValueError, RecursionError, yaml.YAMLError):
        return "it is no YAML"
    config = document.get("character_config") if isinstance(document, dict) else None
    return config if isinstance(config, dict) else None


def names_in(path: Path) -> dict[str, str]:
    """What a configuration calls its character, read without YAML: enough to tell whose talks are whose. Raises
    ``OSError``."""
    text = decoded(path.read_bytes(), "replace", is_json=False)
    fields = {key: value for key, _, value in reversed(_FIELD.findall(text))}
    return {fields["conf_uid"]: name} if fields.get("conf_uid") and (name := name_of(fields)) else {}


def name_of(config: Mapping[str, Any]) -> str:
    return str(config.get("character_name") or config.get("conf_name") or "").strip()


def card_of(config: Mapping[str, Any]) -> dict[str, Any]:
    prompt = config.get("persona_prompt")
    return {"system_prompt": prompt.strip()} if isinstance(prompt, str) and prompt.strip() else {}
