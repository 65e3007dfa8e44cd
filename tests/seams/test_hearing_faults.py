"""Each fault of each recogniser: told in its own words, survived by the next utterance, and nothing is left of it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from neko.audio.hearing import transcriptions
from neko.audio.hearing.local import LocalHearing
from neko.audio.hearing.transcriptions import TranscriptionServer
from neko.errors import HearingError, ModelAddressError
from neko.hearing_errors import HearingKeyError, HearingRefusedError, HearingSilentError, HearingUnreadableError
from neko.model_process import Limits
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.types.hearing import HEARING_RATE
from tests import scripted_model
from tests.field.hostile_provider import HostileProvider, Raw, problem, whole
from tests.scripted_provider import tone
from tests.seams.hearing import HINTS, SECONDS, heard

SOUND = tone(0.5, rate=HEARING_RATE)
KEY = "sk-secret-123456"
WORDS = "no such model, sk-secret-123456"


async def _never(_number: int) -> None:
    await asyncio.Event().wait()


@pytest.fixture
async def provider() -> AsyncIterator[HostileProvider]:
    async with HostileProvider() as provider:
        yield provider


@pytest.fixture
async def server(provider: HostileProvider) -> AsyncIterator[TranscriptionServer]:
    engine = TranscriptionServer(ModelEndpoint("hearing", "local", "Scripted", provider.base_url, "m", KEY), Network())
    yield engine
    await engine.aclose()
    async with asyncio.timeout(SECONDS):
        while provider.connections:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (whole(problem(WORDS), 401), HearingKeyError, "no such model"),
        (whole(problem(WORDS), 403), HearingKeyError, "no such model"),
        (whole(problem(WORDS), 400), HearingRefusedError, "no such model"),
        (whole({"detail": "still loading"}, 503), HearingRefusedError, "still loading"),
        (whole(problem(WORDS)), HearingRefusedError, "no such model"),
        (Raw(status=502, content_type=None), HearingRefusedError, "HTTP 502"),
        (Raw(refuse=True), HearingError, ""),
        (Raw([b'{"text": "he'], cut=True), HearingError, ""),
        (whole("<html><title>Bad Gateway</title></html>", 200, "text/html"), HearingUnreadableError, "Bad Gateway"),
        (whole({"audio": "?"}), HearingUnreadableError, ""),
        (whole(b"\x1aE\xdf\xa3" + bytes(3000), 200, "audio/webm"), HearingUnreadableError, ""),
        (Raw([b"x" * 100_000] * 11, content_type="text/plain"), HearingError, ""),
    ],
    ids=["key", "forbidden", "refused", "loading", "error-in-a-200", "no-words", "gone", "cut", "web-page", "no-text",
         "wrong-format", "endless"],
)  # fmt: skip
async def test_a_server_tells_it_in_its_words_and_hears_the_next_utterance(
    provider: HostileProvider, server: TranscriptionServer, answer: Raw, kind: type[HearingError], said: str
) -> None:
    provider.transcription = answer
    with pytest.raises(kind) as failed:
        await heard(server, SOUND)
    told = failed.value
    assert told.params["engine"] == "Scripted"
    assert told.permanent == (kind is HearingKeyError)
    assert said in told.said
    assert not re.search("[\x00-\x08\ufffd]", told.said)
    assert KEY not in f"{told} {told.said}"
    provider.transcription = whole({"text": "Hello."})
    assert (await heard(server, SOUND)).text == "Hello."


async def test_a_server_that_says_nothing_is_told_in_time(
    provider: HostileProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcriptions, "_ANSWER_NEAR_TIMEOUT_S", 0.1)
    endpoint = ModelEndpoint("hearing", "local", "Scripted", provider.base_url, "m", "")
    engine = TranscriptionServer(endpoint, Network())
    for silent in (Raw([b"{"], before=_never), Raw([b'{"text": ', b'"he"}'], before=_second_never)):
        provider.transcription = silent
        with pytest.raises(HearingSilentError):
            await heard(engine, SOUND)
    await engine.aclose()


async def _second_never(number: int) -> None:
    if number:
        await asyncio.Event().wait()


async def test_a_server_that_is_not_there_is_told(free_port: int) -> None:
    endpoint = ModelEndpoint("hearing", "local", "Scripted", f"http://127.0.0.1:{free_port}/v1", "m", "")
    engine = TranscriptionServer(endpoint, Network())
    with pytest.raises(HearingSilentError):
        await heard(engine, SOUND)
    await engine.aclose()


@pytest.mark.parametrize("address", ["http://a\ufffdb/v1", "file:///v1"])
async def test_an_address_that_is_none_is_told_as_such(address: str) -> None:
    engine = TranscriptionServer(ModelEndpoint("hearing", "custom", "Mine", address, "m", KEY), Network())
    with pytest.raises(ModelAddressError):
        await heard(engine, SOUND)
    await engine.aclose()


async def test_silence_is_no_fault(provider: HostileProvider, server: TranscriptionServer) -> None:
    provider.transcription = whole({"text": ""})
    assert (await heard(server, SOUND)).text == ""


# ── a model in a process of its own ─────────────────────────────────────────────────────


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its file tells each process of the model how to behave."""
    scripted_model.install(monkeypatch)
    return tmp_path / "m" / "model.bin"


@pytest.fixture
async def local(script: Path, tmp_path: Path) -> AsyncIterator[LocalHearing]:
    engine = LocalHearing(scripted_model.hearing_model(script.parent), tmp_path / "log")
    yield engine
    await engine.aclose()
    assert engine.process_id is None


async def hears_again(script: Path, engine: LocalHearing) -> None:
    script.write_text('{"text": "hello"}')
    assert (await heard(engine, SOUND)).text == "hello"


async def test_a_process_that_ends_while_it_hears_is_told_and_another_hears(script: Path, local: LocalHearing) -> None:
    script.write_text('{"dies": true}')
    with pytest.raises(HearingError, match="7"):
        await heard(local, SOUND)
    await hears_again(script, local)


async def test_a_process_that_is_killed_between_two_utterances_is_replaced_unheard(
    script: Path, local: LocalHearing
) -> None:
    await hears_again(script, local)
    killed = local.process_id
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    async with asyncio.timeout(SECONDS):
        while local.is_running:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.005)
    await hears_again(script, local)
    assert local.process_id != killed


async def test_a_process_that_says_nothing_is_ended_and_another_hears(script: Path, tmp_path: Path) -> None:
    model = scripted_model.hearing_model(script.parent, holds=tmp_path / "never")
    engine = LocalHearing(model, tmp_path / "log", limits=Limits(answer_s=0.2))
    with pytest.raises(HearingSilentError):
        await heard(engine, SOUND)
    assert engine.process_id is None
    engine._process._limits = Limits()
    await hears_again(script, engine)
    await engine.aclose()


async def test_what_a_model_says_of_its_fault_is_told_and_it_hears_on(script: Path, local: LocalHearing) -> None:
    script.write_text(json.dumps({"fails": "a tensor of the wrong shape"}))
    for _ in range(5):
        with pytest.raises(HearingError) as failed:
            await heard(local, SOUND)
        assert "a tensor of the wrong shape" in failed.value.said


async def test_an_answer_that_is_none_is_told_and_another_process_hears(script: Path, local: LocalHearing) -> None:
    script.write_text('{"prints": "Segmentation fault"}')
    with pytest.raises(HearingUnreadableError):
        await heard(local, SOUND)
    await hears_again(script, local)


async def test_closing_while_it_loads_leaves_no_process(script: Path, local: LocalHearing) -> None:
    recognition = local.begin("u1", HINTS)
    recognition.feed(SOUND)
    waiting = asyncio.get_running_loop().create_task(recognition.finish())
    await asyncio.sleep(0)
    await local.aclose()
    with pytest.raises(HearingError):
        await waiting
