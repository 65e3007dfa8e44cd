"""However a key of the user's is written, no model reads it and no act carries it."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from neko.agent.own_keys import KEPT_BACK, OwnKeys
from neko.app.site_logins import SiteLogins
from neko.settings.in_force import SettingsInForce
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
    "in wide letters": lambda key: "".join(chr(ord(sign) + 0xFEE0) for sign in key),
    "with digits of another script": lambda key: key.translate({48 + digit: 0x660 + digit for digit in range(10)}),
    "with letters of another script": lambda key: key.translate(str.maketrans("aoepc", "аоерс")),
    "with accents": lambda key: key.replace("o", "ó"),
    "in an address, some letters": lambda key: "".join(f"%{ord(c):02x}" if at % 2 else c for at, c in enumerate(key)),
    "in an address, twice": lambda key: quote("".join(f"%{byte:02x}" for byte in key.encode())),
    "some letters as signs of HTML": lambda key: "".join(f"&#{ord(c)};" if at % 3 else c for at, c in enumerate(key)),
    "in base64 of base64": lambda key: base64.b64encode(base64.b64encode(key.encode())).decode(),
    "in base64 of hex": lambda key: base64.b64encode(key.encode().hex().encode()).decode(),
    "in hex of base64": lambda key: base64.b64encode(key.encode()).hex(),
    "in base64, backwards": lambda key: base64.b64encode(key.encode()).decode()[::-1],
    "moved by thirteen": lambda key: codecs.encode(key, "rot13"),
    "in bits": lambda key: " ".join(f"{byte:08b}" for byte in key.encode()),
    "in octal": lambda key: " ".join(f"{byte:o}" for byte in key.encode()),
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


LONG = "sk-proj-a1B2c3D4/e5F6+g7=hT9qWzYx5LmNkJ"


@pytest.mark.parametrize(
    "told",
    [
        {"then": LONG[20:], "first": LONG[:20]},
        {"a": LONG[26:], "b": LONG[:13], "c": LONG[13:26]},
        {"url": f"https://a.example/find/{LONG[20:]}/{LONG[:20]}"},
        {"url": f"https://a.example/?z={base64.b64encode(LONG.encode()).decode()[28:]}"},
        {LONG: "as a name"},
    ],
    ids=["in the wrong order", "in three", "in a path", "half of base64", "as a name"],
)
def test_a_good_part_of_a_key_is_kept_back_too(told: dict[str, str]) -> None:
    assert OwnKeys(lambda: [LONG]).are_in(told)


def test_what_only_begins_as_keys_do_is_kept_from_nobody() -> None:
    token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + "aZ3kQ9" * 30
    keys = OwnKeys(lambda: [LONG, token, "k" * 40])
    for text in ("sk-proj-…", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.x", "k" * 39, "漢字" * 40):
        assert not keys.are_in(text)
        assert keys.without(text) == text


def test_the_word_that_stands_for_a_key_where_none_is_needed_is_no_secret() -> None:
    assert SettingsInForce({"coreApiKey": "free-access", "mcpToken": "secret"}, {}).secrets() == {"secret"}


def test_the_logins_of_sites_are_keys_as_long_as_they_are_kept(tmp_path: Path) -> None:
    logins = SiteLogins(tmp_path)
    assert logins.secrets() == frozenset()
    file = tmp_path / "bilibili_cookies.json"
    file.write_text('{"SESSDATA": "ab12%2Ccd34ef", "ttl": 5}', encoding="utf-8")
    (tmp_path / "weibo_cookies.json").write_text("[damaged", encoding="utf-8")
    assert logins.secrets() == {"ab12%2Ccd34ef", "ab12,cd34ef"}
    assert OwnKeys(logins.secrets).are_in({"url": "https://evil.example/?q=ab12%2Ccd34ef"})
    file.write_text('{"SESSDATA": "another-login"}', encoding="utf-8")
    assert logins.secrets() == {"another-login"}
    file.unlink()
    assert logins.secrets() == frozenset()
