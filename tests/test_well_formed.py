"""Half an emoji hurts nobody, wherever it comes from."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko import Neko, Settings
from neko.sessions.events import ReplyText, Status
from neko.well_formed import load_json, well_formed
from tests.client import client
from tests.conftest import RunningServer
from tests.scripted_provider import Script, ScriptedProvider

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_text_becomes_writable_and_well_formed_text_stays(text: str) -> None:
    written = well_formed(text).encode()
    assert len(well_formed(text)) == len(text)
    assert text.isascii() is False or written == text.encode()


@given(
    st.recursive(st.text(alphabet=st.characters(exclude_categories=())), lambda inner: st.lists(inner), max_leaves=5)
)
def test_json_is_read_with_every_text_writable(value: Any) -> None:
    for raw in (json.dumps(value), json.dumps(value).encode()):
        json.dumps(load_json(raw), ensure_ascii=False).encode()


def test_bytes_that_are_no_utf_8_are_read_too() -> None:
    assert load_json(b'"\xed\xa0\x80 x"').endswith(" x")
    json.dumps(load_json(b'"\xed\xa0\x80"'), ensure_ascii=False).encode()


def test_a_whole_pair_stays_an_emoji() -> None:
    assert load_json('"\\ud83d\\ude00"') == "😀"


@pytest.mark.parametrize(
    "frame",
    [
        '{"action":"HALF"}',
        '{"action":"start_session","input_type":"HALF"}',
        '{"action":"stream_data","input_type":"text","data":"hi HALF","client_id":"aHALF"}',
    ],
)
async def test_a_frame_with_half_an_emoji_leaves_the_socket_and_the_log_usable(
    server: RunningServer, frame: str
) -> None:
    async with client(server.ws_url, "Mio") as page:
        await page.connection.send(frame.replace("HALF", "\\ud83d"))
        await page.quiet()
        await page.say("still there?")
        await page.reply()
    async with httpx2.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{server.url}/api/history/Mio")).status_code == 200


async def test_a_model_that_splits_an_emoji_goes_on_talking(data_dir: Any) -> None:
    async with ScriptedProvider() as provider:
        provider.script(Script(["so ", "\ud83d", "\ude00", " far"]), Script(["and on"]))
        environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url, "LANG": "en"}
        async with Neko(Settings(data_dir=data_dir, environ=environ, find_local_servers=False)) as neko:
            events = [event for text in ("one", "two \ud800") async for event in neko.chat("Mio", text)]
    assert "".join(event.text for event in events if isinstance(event, ReplyText)) == "so \ufffd\ufffd farand on"
    assert not [event for event in events if isinstance(event, Status) and event.level == "error"]
