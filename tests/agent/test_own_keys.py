"""However a key of the user's is written, no model reads it and no act carries it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from neko.agent.own_keys import KEPT_BACK, OwnKeys
from neko.types.agent import Act
from tests.agent.test_poison import World, lair
from tests.scripted_hand import do, done

KEY = "sk-proj-a1B2c3D4/e5F6+g7="
WAYS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "backwards": lambda key: key[::-1],
    "in base64": lambda key: base64.b64encode(key.encode()).decode(),
    "in base64 for addresses": lambda key: base64.urlsafe_b64encode(key.encode()).decode().rstrip("="),
    "in base64 after one letter": lambda key: base64.b64encode(f"x{key}yz".encode()).decode(),
    "in base64 after two letters": lambda key: base64.b64encode(f"my{key}".encode()).decode(),
    "in base64 of it backwards": lambda key: base64.b64encode(key[::-1].encode()).decode(),
    "in base32": lambda key: base64.b32encode(key.encode()).decode(),
    "in an address": lambda key: quote(key, safe=""),
    "in an address, every letter": lambda key: "".join(f"%{byte:02X}" for byte in key.encode()),
    "in hex": lambda key: key.encode().hex(),
    "in hex with spaces": lambda key: key.encode().hex(" "),
    "as of a program": lambda key: "".join(f"\\x{byte:02x}" for byte in key.encode()),
    "as numbers": lambda key: ", ".join(f"0x{byte:02X}" for byte in key.encode()),
    "as escapes of JSON": lambda key: "".join(f"\\u{ord(sign):04x}" for sign in key),
    "as signs of HTML": lambda key: "".join(f"&#{ord(sign)};" for sign in key),
    "as signs of HTML in hex": lambda key: "".join(f"&#x{ord(sign):x};" for sign in key),
    "with spaces": " ".join,
    "with dashes": "-".join,
    "in lines": "\n".join,
    "in quotes": lambda key: f'"{key[:9]}" + "{key[9:]}"',
}


@pytest.mark.parametrize("way", WAYS)
def test_a_key_is_found_however_it_is_written_and_left_out_of_what_is_read(way: str) -> None:
    keys = OwnKeys(lambda: [KEY, "short"])
    written = WAYS[way](KEY)
    text = f"Before, {written} and after. short"
    assert keys.are_in(text)
    left = keys.without(text)
    assert not keys.are_in(left)
    assert left.startswith("Before, ")
    assert left.endswith("and after. short")
    assert "…" in left


def test_what_is_no_key_is_left_as_it_is() -> None:
    keys = OwnKeys(lambda: [KEY])
    text = f"sk-proj-… is how keys begin; {base64.b64encode(b'nothing else, and nothing of it').decode()}"
    assert keys.without(text) == text
    assert not keys.are_in(text)
    assert OwnKeys().without(text) == text


def test_a_key_in_two_arguments_is_one() -> None:
    keys = OwnKeys(lambda: [KEY])
    assert keys.are_in({"first": KEY[:9], "more": [{"then": KEY[9:]}]})
    assert not keys.are_in({"first": KEY[:9], "more": ["else", 7, None]})


@pytest.mark.few(2)
@pytest.mark.parametrize("way", ["in base64", "with spaces", *WAYS])
async def test_no_act_carries_a_key_that_the_user_did_not_give_themselves(tmp_path: Path, way: str) -> None:
    world, told = World(), WAYS[way](KEY)
    async with lair(tmp_path, world) as scene:
        scene.agent.own_keys._keys = lambda: [KEY]
        await scene.run(do("read"), do("send", told), do("read", told), done())
        assert scene.asked == []
        assert world.done == [Act.READ]
        answers: list[Any] = [said.text for said in scene.thinker.asked[-1] if said.role == "tool"]
        assert sum(KEPT_BACK in answer for answer in answers) == 2
