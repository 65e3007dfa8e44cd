"""Text from outside is clean behind every door: it can be written anywhere, and clean text stays as it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request

from neko import Neko, Settings
from neko.llm.completion_decoder import CompletionDecoder
from neko.llm.provider_errors import ProviderErrors
from neko.memory.line_codec import logged_line
from neko.providers.error_body import decoded_body, read_error
from neko.sessions.actions import SendText
from neko.sessions.events import ReplyText, Status
from neko.storage import read_json as read_file
from neko.web import wire
from neko.web.request_body import read_form, read_json
from neko.well_formed import TextPieces, load_json, well_formed
from tests.client import client
from tests.conftest import RunningServer
from tests.scripted_provider import Script, ScriptedProvider

ANY = st.text(alphabet=st.characters(exclude_categories=()), max_size=40)
UNCLEAN = st.text(alphabet=st.sampled_from("\ud83d\ude00\udfff\ud800\0\x1b\r\n\t a猫😀"), max_size=12)
CLEAN = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=40)
TEXTS = st.one_of(ANY, UNCLEAN, CLEAN)
NAMES = {"user": "Anna", "assistant": "Mio", "system": "s"}


def is_clean(text: str) -> bool:
    return not any((c < " " and c not in "\n\t") or "\ud800" <= c <= "\udfff" for c in text)


# ── the doors: each gets a text in, and hands on what came through ────────────


def frame(text: str) -> str:
    sent = {"action": "stream_data", "input_type": "text", "data": text, "client_id": text[:20], "language": text}
    action, language, _ = wire.decode(json.dumps(sent))
    assert isinstance(action, SendText)
    assert is_clean(f"{action.client_id}{language}")
    return action.text


class Stream:
    """A model's answer, its text in pieces of ``size`` characters."""

    def __init__(self, text: str, size: int) -> None:
        self.text = ""
        decoder = CompletionDecoder(self._push, ProviderErrors("m", "p"), {})
        call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}
        self._feed(decoder, {"role": "assistant", "tool_calls": [call]})
        for at in range(0, len(text), size):
            piece = text[at : at + size]
            arguments = {"index": 0, "function": {"arguments": piece}}
            self._feed(decoder, {"content": piece, "reasoning_content": piece, "tool_calls": [arguments]})
        self.end = decoder.finish(is_delimited=True)

    def _feed(self, decoder: CompletionDecoder, delta: Mapping[str, Any]) -> None:
        decoder.feed(f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n".encode())

    def _push(self, text: str) -> bool:
        assert is_clean(text)
        self.text += text
        return True


def deltas(size: int) -> Callable[[str], str]:
    return lambda text: Stream(text, size).text


def reasoning(text: str) -> str:
    return Stream(text, 3).end.reasoning


def arguments(text: str) -> str:
    calls = Stream(text, 3).end.calls
    return calls[0].arguments


def file(text: str) -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "characters.json"
        path.write_text(json.dumps({"name": text}), encoding="utf-8")
        return str(read_file(path, None)["name"])


def row(text: str) -> str:
    message = {"type": "human", "data": {"content": text}}
    return logged_line((1, "s", json.dumps(message), None), NAMES).line.text  # type: ignore[arg-type]


def body(text: str) -> str:
    return str(_read(json.dumps({"text": text}).encode(), "application/json")["text"])


def _read(content: bytes, kind: str) -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    request = Request(scope | {"headers": [(b"content-type", kind.encode())]}, receive)
    return asyncio.run(read_json(request) if kind == "application/json" else read_form(request))


DOORS: dict[str, Callable[[str], str]] = {
    "frame": frame,
    "deltas, a letter each": deltas(1),
    "deltas": deltas(4),
    "reasoning": reasoning,
    "tool arguments": arguments,
    "file": file,
    "row of the log": row,
    "body": body,
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@given(TEXTS)
@example("half \ud83d")
@example("\ude00 half")
@example("\ud83d\ude00 whole")
@example("000\r\r0")
@example("a\0b\x1b[0m\r\nc\rd")
def test_what_comes_in_is_clean_and_what_was_clean_stays(door: Callable[[str], str], text: str) -> None:
    came = door(text)
    assert is_clean(came)
    if is_clean(text):
        assert came == text
    assert came == well_formed(text)


@given(TEXTS)
def test_the_words_of_an_error_are_clean(text: str) -> None:
    for raw in (json.dumps({"error": {"message": text}}).encode(), text.encode("utf-8", "surrogatepass")):
        assert is_clean(read_error(decoded_body(raw)).said)


# ── what clean means ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("half \ud83d", "half \ufffd"),
        ("\ud83d\ude00", "😀"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("a\0b", "a\ufffdb"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("one\r\ntwo\rthree\n\tfour", "one\ntwo\nthree\n\tfour"),
        ("naïve 猫 😀 \u0301 \u200d", "naïve 猫 😀 \u0301 \u200d"),
    ],
)
def test_halves_are_joined_or_marked_and_lines_end_alike(text: str, clean: str) -> None:
    assert well_formed(text) == clean
    assert well_formed(clean) == clean


@given(TEXTS, st.integers(1, 3))
def test_pieces_are_made_clean_as_the_whole_would_be(text: str, size: int) -> None:
    pieces = TextPieces()
    came = [pieces.feed(text[at : at + size]) for at in range(0, len(text), size)]
    assert "".join(came) + pieces.flush() == well_formed(text)


@given(st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=5))
def test_json_is_read_with_every_text_clean(value: Any) -> None:
    for raw in (json.dumps(value), json.dumps(value).encode()):
        json.dumps(load_json(raw), ensure_ascii=False).encode()


def test_bytes_that_are_no_utf_8_are_read_too() -> None:
    assert load_json(b'"\xed\xa0\x80 x"').endswith("\ufffd x")
    assert _read(b'{"a": "caf\xe9"}', "application/json") == {"a": "caf\ufffd"}


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_is_no_body(constant: str) -> None:
    with pytest.raises(ValueError, match="no JSON"):
        load_json(f'{{"a": {constant}}}', strict=True)


# ── with everything around it ─────────────────────────────────────────────────


@pytest.mark.parametrize(
    "frame",
    [
        '{"action":"HALF"}',
        '{"action":"start_session","input_type":"HALF"}',
        '{"action":"stream_data","input_type":"text","data":"hi HALF","client_id":"aHALF"}',
        '{"action":"stream_data","input_type":"text","data":"hi","language":"HALF"}',
    ],
)
@pytest.mark.parametrize("half", ["\\ud83d", "\\ude00", "\\u0000"])
async def test_a_frame_with_half_an_emoji_leaves_the_socket_and_the_log_usable(
    server: RunningServer, frame: str, half: str
) -> None:
    async with client(server.ws_url, "Mio") as page:
        await page.connection.send(frame.replace("HALF", half))
        await page.quiet()
        await page.say("still there?")
        await page.reply()
    async with httpx2.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{server.url}/api/history/Mio")).status_code == 200


@pytest.mark.parametrize("half", ["\\ud83d", "\\u0000"])
async def test_a_request_with_half_an_emoji_is_answered_and_so_are_those_after_it(
    server: RunningServer, half: str
) -> None:
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as http:
        for path, sent in (
            ("/api/emotion/analysis", '{"text": "I am happy HALF", "lanlan_name": "HALF"}'),
            ("/api/characters/set_microphone", '{"microphone_id": "HALF"}'),
            ("/api/config/preferences", '{"model_path": "/HALF", "HALF": 1}'),
            ("/api/speech", '{"voice": "HALF"}'),
            ("/api/models/use", '{"provider": "local", "base_url": "http://127.0.0.1:1/HALF", "model": "HALF"}'),
        ):
            content = sent.replace("HALF", half)
            answer = await http.post(path, content=content, headers={"content-type": "application/json"})
            assert answer.status_code < 500, path
        for path in ("/api/characters", "/api/characters/get_microphone", "/api/config/preferences", "/api/speech"):
            assert (await http.get(path)).status_code == 200, path


async def test_a_path_or_a_query_with_what_is_no_text_is_answered(server: RunningServer) -> None:
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as http:
        for path in ("/api/history/%00", "/api/history/%ED%A0%BD", "/api/history/Mio?before=%00", "/%00", "/%ff"):
            assert (await http.get(path)).status_code < 500, path
        form = urlencode({"a": "\0"}) + "&b=%ED%A0%BD"
        answer = await http.post("/api/history/Mio", content=form.encode())
        assert answer.status_code < 500


async def test_a_model_that_splits_an_emoji_shows_it_whole(data_dir: Any) -> None:
    async with ScriptedProvider() as provider:
        provider.script(Script(["so ", "\ud83d", "\ude00", " far"]), Script(["and \ud83d", " on"]))
        environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url, "LANG": "en"}
        async with Neko(Settings(data_dir=data_dir, environ=environ, find_local_servers=False)) as neko:
            events = [event for text in ("one", "two \ud800") async for event in neko.chat("Mio", text)]
    assert "".join(event.text for event in events if isinstance(event, ReplyText)) == "so 😀 farand \ufffd on"
    assert not [event for event in events if isinstance(event, Status) and event.level == "error"]


async def test_a_client_that_cannot_be_written_to_is_closed_not_left_waiting(server: RunningServer) -> None:
    async with client(server.ws_url, "Mio") as page:
        for outbox in server.neko.conversations.clients:
            outbox.put("no event")  # type: ignore[arg-type]
        assert (await page.closed())[0] == 1011
    async with client(server.ws_url, "Mio") as page:
        await page.say("still there?")
        await page.reply()
