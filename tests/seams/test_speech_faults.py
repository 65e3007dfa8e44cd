"""Each fault of each speech service: told in its own words, survived, and nothing is left of it.

Alone, an engine tells what went wrong and says the next sentence. In a chain the next voice says what was not begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from neko.audio.engines import SERVICES, cosyvoice, service
from neko.audio.engines.chained_voice import ChainedVoice, Standing
from neko.audio.engines.fallback import FallbackEngine
from neko.audio.engines.openai_speech import OpenAISpeech
from neko.audio.engines.service import SpeechServer
from neko.errors import NekoError, SpeechError
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.speech_errors import (
    SpeechCutError,
    SpeechKeyRefusedError,
    SpeechRefusedError,
    SpeechSilentError,
    SpeechUnreadableError,
)
from neko.types.speech import SpeechEngine
from tests import speech_protocols
from tests.http_service import HttpService
from tests.scripted_speech import ScriptedSpeech
from tests.seams.speech_engine import LONG, SECONDS, SHORT, told, whole
from tests.socket_service import Fault, SocketService

KEY = "sk-secret"
NEVER_S, AT_ONCE_S = 60.0, 0.05
PROTOCOLS: dict[str, Callable[..., Any]] = {
    "gptsovits": speech_protocols.gpt_sovits,
    "cosyvoice": speech_protocols.local_cosyvoice,
    "step": speech_protocols.step,
    "free": speech_protocols.step,
    "qwen": speech_protocols.qwen,
    "cosyvoice_cloud": speech_protocols.cosyvoice_cloud,
    "edge": speech_protocols.edge,
    "cogtts": speech_protocols.cogtts,
    "gemini": speech_protocols.gemini,
    "voicevox": speech_protocols.voicevox,
    "openai": speech_protocols.openai,
}
HTTP = ("cogtts", "gemini", "voicevox", "openai")
TOLD: dict[Fault, type[NekoError]] = {
    "refused": SpeechKeyRefusedError,
    "error": SpeechRefusedError,
    "gone": SpeechError,
    "nonsense": SpeechError,
    "wrong": SpeechUnreadableError,
    "silence": SpeechError,
    "cut": SpeechCutError,
}
"""What is told of a fault that shows by itself."""
SILENT: tuple[Fault, ...] = ("slow", "late", "stall")
BEGUN: tuple[Fault, ...] = ("cut", "stall")
"""They come when a part of the sentence has been heard."""


@dataclass(slots=True)
class Subject:
    kind: str
    server: SocketService | HttpService
    engine: SpeechEngine

    def may_have(self, fault: Fault) -> bool:
        """HTTP knows no greeting; a local CosyVoice that falls quiet has said all, and of Edge nothing is begun yet."""
        return not (fault == "late" and self.kind in HTTP) and not (
            fault == "stall" and self.kind in ("cosyvoice", "edge")
        )

    def begins(self, fault: Fault) -> bool:
        """Whether something is heard before it; two pieces of Edge's MP3 are too short to be decoded."""
        return fault in BEGUN and self.kind != "edge"

    def script(self, fault: Fault) -> None:
        """One utterance goes wrong; OpenAI's is asked for in every format before it is given up."""
        self.server.faults.extend([fault] * (4 if (self.kind, fault) == ("openai", "wrong") else 1))

    async def has_no_connections(self) -> None:
        async with asyncio.timeout(SECONDS):
            while self.server.connections:  # noqa: ASYNC110  # two servers, one of which tells nobody
                await asyncio.sleep(0.005)


def built(kind: str, url: str) -> SpeechEngine:
    if kind == "openai":
        endpoint = ModelEndpoint("tts_default", "custom", "Scripted", url, "voice-1", KEY)
        return OpenAISpeech(endpoint, Network())
    return service(kind)(SpeechServer("Scripted", url, "voice-1", KEY), Network(), None)


def test_every_service_is_tried() -> None:
    assert set(PROTOCOLS) == {*SERVICES, "openai"}


@pytest.fixture(params=PROTOCOLS)
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    kind: str = request.param
    make: Callable[..., SocketService | HttpService] = HttpService if kind in HTTP else SocketService
    async with make(PROTOCOLS[kind]) as server:
        engine = built(kind, server.url)
        yield Subject(kind, server, engine)
        await engine.aclose()


@pytest.mark.parametrize("fault", TOLD)
async def test_an_engine_tells_it_in_the_services_words_and_says_the_next_sentence(
    subject: Subject, fault: Fault
) -> None:
    subject.script(fault)
    with pytest.raises(TOLD[fault]) as failed:
        await whole(subject.engine, SHORT)
    failure = failed.value
    assert failure.params["engine"] == "Scripted"
    assert failure.permanent == (fault == "refused")
    assert KEY not in f"{failure} {failure.said}"
    if fault in ("error", "refused"):
        assert failure.said.startswith("scripted: no such")
    assert await whole(subject.engine, SHORT)
    await subject.engine.aclose()
    await subject.has_no_connections()


async def test_a_server_that_is_not_there_is_told_ahead_and_with_a_sentence(subject: Subject, free_port: int) -> None:
    engine = built(subject.kind, subject.server.url.replace(str(subject.server.port), str(free_port)))
    for asked in (engine.prewarm, lambda: whole(engine, SHORT)):
        with pytest.raises(SpeechSilentError) as failed:
            await asked()
        assert failed.value.params["engine"] == "Scripted"
    await engine.aclose()


@pytest.mark.parametrize("fault", [*TOLD, *SILENT])
async def test_another_voice_says_what_was_not_begun_and_the_service_the_next_but_one(
    subject: Subject, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not subject.may_have(fault):
        return
    monkeypatch.setattr("neko.audio.engines.fallback._GAP_S", SECONDS if fault not in SILENT else AT_ONCE_S)
    monkeypatch.setattr(cosyvoice, "_QUIET_S", 10.0)
    now, local = 0.0, ScriptedSpeech()
    chain = FallbackEngine(
        [ChainedVoice(subject.engine, name="Scripted"), ChainedVoice(local)],
        clock=lambda: now,
        hedge_s=AT_ONCE_S if fault in ("slow", "late") else NEVER_S,
    )
    subject.script(fault)
    pieces, failure = await told(chain, LONG)
    assert isinstance(failure, TOLD.get(fault, SpeechSilentError))
    assert failure.params["engine"] == "Scripted"
    assert pieces
    assert local.texts == ([] if subject.begins(fault) else [LONG.text])
    assert await told(chain) == (pytest.approx(2, abs=1), None)
    assert local.texts[-1] == SHORT.text
    if fault not in ("slow", "late"):
        now = 100.0
        before = len(local.texts)
        assert (await told(chain))[1] is None
        assert (len(local.texts) == before) == (fault != "refused")
    else:
        assert chain.standings[0][1] is Standing.LATE
    await chain.aclose()
    await subject.has_no_connections()
