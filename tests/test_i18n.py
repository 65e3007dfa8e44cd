"""Sentences for users: every code has one, in every language, with the same blanks."""

from __future__ import annotations

import ast
import functools
import json
import re
from itertools import chain
from pathlib import Path

import pytest

import neko
from neko.errors import ModelKeyRefusedError, NekoError
from neko.i18n import describe, known, notice
from neko.language import LANGUAGES
from neko.settings import ASSETS
from neko.settings.registry import ASSIST_KEYS, ROLE_SETTINGS, SETTINGS
from neko.tool_errors import AgentError, ToolServerError

CODE_CALLS = {
    "say",
    "_say",
    "tell",
    "FrameError",
    "AvatarError",
    "WorkshopError",
    "SteamError",
    "VoiceSampleError",
    "message",
}


@functools.cache
def codes_in_the_code() -> set[str]:
    """Codes of error classes, and string literals given to what speaks by code."""
    found: set[str] = set()
    for file in Path(neko.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found.update(
                    str(part.value.value)
                    for part in node.body
                    if isinstance(part, ast.Assign)
                    and ast.unparse(part.targets[0]) == "code"
                    and isinstance(part.value, ast.Constant)
                )
            elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in CODE_CALLS and isinstance(node.args[0].value, str):
                    found.add(node.args[0].value)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "HTTPError":
                found.update(str(one.value) for one in node.args[1:2] if isinstance(one, ast.Constant))
    return {code for code in found if re.fullmatch(r"[a-z_]+", code)} - {"system", "user", "assistant"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_sentence(language: str) -> None:
    assert not {code for code in codes_in_the_code() if not known(code, language)}


def blanks(language: str) -> dict[str, set[str]]:
    table = json.loads((ASSETS / "locales" / f"{language}.json").read_text(encoding="utf-8"))["errors"]
    return {
        code: set(re.findall(r"{(\w+)}", entry["message"] + entry.get("remedy", ""))) for code, entry in table.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_sentences_with_the_same_blanks(language: str) -> None:
    assert blanks(language) == blanks("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_place_in_the_settings_is_called_as_it_is_there(language: str) -> None:
    text = (ASSETS / "locales" / f"{language}.json").read_text(encoding="utf-8")
    places = "|".join(map(re.escape, json.loads(text)["settings"]["pages"].values()))
    named = re.findall(r"(?:Settings|设置|設定|설정) › (?!{page})(.{30})", text)
    assert named
    assert not [one for one in named if not re.match(rf"(?:{places})(?![a-z])", one)]


def test_the_blanks_are_filled_and_a_missing_value_leaves_nothing_strange() -> None:
    said = describe(ModelKeyRefusedError("401", model="m-1", provider="OpenAI"), "en")
    assert "OpenAI" in said.text
    assert "{" not in describe(ModelKeyRefusedError("401"), "en").text
    assert describe(ToolServerError("ended", "gone", said="no", name="paper"), "en").said == "paper says: “no”"
    assert describe(AgentError("gave_up", "no", said="no"), "en").said == "“no”", "nobody is named"


def test_an_unknown_code_still_says_something() -> None:
    assert notice("no_such_code", "en").text == describe(NekoError(), "en").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_has_a_name_in_words(language: str) -> None:
    words = json.loads((ASSETS / "locales" / f"{language}.json").read_text(encoding="utf-8"))["origins"]
    named_by_rule = {setting.name for setting in (*ASSIST_KEYS, *chain(*ROLE_SETTINGS.values()))}
    others = {setting.name for setting in SETTINGS} - named_by_rule
    assert set(words["names"]) == {re.sub(r"[.-]", "_", name) for name in others}
    assert set(words["roles"]) == set(ROLE_SETTINGS)
