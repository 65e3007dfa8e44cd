"""The behaviour suite of speech engines on each service behind a WebSocket, and what goes wrong with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from neko.audio.engines.gpt_sovits import GPTSoVITS, read_voice, stream_url
from neko.audio.engines.service import SpeechServer
from neko.audio.engines.socket_speech import SocketSpeech
from neko.errors import NekoError, SpeechError, SpeechKeyRefusedError
from neko.net import Network
from neko.types.speech import Utterance, VoiceSettings
from tests import speech_protocols
from tests.seams.speech_engine import LONG, SECONDS, SHORT, Ear, Subject, VoiceBehaviour, whole
from tests.socket_service import Conversation, Fault, SocketService


@dataclass(frozen=True, slots=True)
class Kind:
    engine: type[SocketSpeech]
    talk: Callable[[Conversation], Awaitable[None]]


KINDS = [
    Kind(GPTSoVITS, speech_protocols.gpt_sovits),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.engine.kind)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
async def service(kind: Kind) -> AsyncIterator[SocketService]:
    async with SocketService(kind.talk) as service:
        yield service


class TestSocketServices(VoiceBehaviour):
    @pytest.fixture
    async def subject(self, kind: Kind, service: SocketService) -> AsyncIterator[Subject]:
        built: list[SocketSpeech] = []
        tasks = asyncio.all_tasks()

        def build() -> SocketSpeech:
            url = f"ws://127.0.0.1:{service.port}"
            built.append(kind.engine(SpeechServer("Scripted", url, "voice-1", "sk-secret"), Network()))
            return built[-1]

        async def stopped() -> None:
            await service.until(lambda: service.connections <= int(not built[0]._closed))

        yield Subject(build(), build, stopped)
        for engine in built:
            await engine.aclose()
        await service.until(lambda: service.connections == 0)
        mine = {task for task in asyncio.all_tasks() - tasks if task.get_name().startswith("speech")}
        assert not mine

    async def test_closing_the_iterator_stops_the_work_at_once(  # type: ignore[override]  # one more fixture
        self, subject: Subject, service: SocketService
    ) -> None:
        service.stalls_after = 3
        pieces = subject.engine.synthesise(LONG, Ear())
        async with asyncio.timeout(SECONDS):
            await anext(pieces)
            await pieces.aclose()
            await subject.stopped()

    async def test_closing_the_engine_ends_what_it_is_saying(  # type: ignore[override]  # one more fixture
        self, subject: Subject, service: SocketService
    ) -> None:
        service.stalls_after = 3
        await super().test_closing_the_engine_ends_what_it_is_saying(subject)

    async def test_all_of_the_sound_is_given(self, subject: Subject, service: SocketService) -> None:
        sound = await whole(subject.engine, SHORT)
        assert len(sound) == pytest.approx(3 * 0.1 * 96_000, rel=0.02)
        assert service.texts == [SHORT.text]

    async def test_the_next_connection_is_open_before_it_is_needed(
        self, subject: Subject, service: SocketService
    ) -> None:
        await subject.engine.prewarm()
        for number in range(3):
            await service.until(lambda: service.connections >= 1)
            opened = service.opened
            await whole(subject.engine, SHORT)
            assert service.opened <= opened + 1, number
        assert len(service.texts) == 3

    async def test_another_voice_is_never_said_with_the_one_before(
        self, subject: Subject, service: SocketService
    ) -> None:
        await subject.engine.prewarm()
        for name in ("anna", "bert", "bert"):
            await whole(subject.engine, Utterance(SHORT.text, "en", VoiceSettings(name)))
        assert len(service.texts) == 3
        spoken = [str(greeting) for greeting in service.greetings if "anna" in str(greeting) or "bert" in str(greeting)]
        assert len([one for one in spoken if "anna" in one]) in (1, 2)
        assert len([one for one in spoken if "bert" in one]) in (2, 3)

    async def test_a_connection_that_broke_while_it_waited_is_replaced(
        self, subject: Subject, service: SocketService
    ) -> None:
        await subject.engine.prewarm()
        port = service.port
        await service.stop()
        await service.start(port)
        assert await whole(subject.engine, SHORT)

    @pytest.mark.parametrize("fault", ["cut", "gone", "nonsense", "silence", "error"])
    async def test_what_goes_wrong_is_told_and_the_next_sentence_is_spoken(
        self, subject: Subject, service: SocketService, fault: Fault
    ) -> None:
        service.faults.append(fault)
        with pytest.raises(SpeechError) as told:
            await whole(subject.engine, SHORT)
        assert told.value.params["engine"] == "Scripted"
        assert fault != "error" or "scripted" in told.value.said
        assert await whole(subject.engine, SHORT)

    async def test_a_wrong_key_is_told_as_one_that_stays_wrong(self, subject: Subject, service: SocketService) -> None:
        service.always = "refused"
        for asked in (subject.engine.prewarm(), whole(subject.engine, SHORT)):
            with pytest.raises(SpeechKeyRefusedError) as told:
                await asked
            assert told.value.permanent
            assert "sk-secret" not in f"{told.value} {told.value.said}"

    async def test_a_server_that_is_not_there_is_told(self, kind: Kind, free_port: int) -> None:
        engine = kind.engine(SpeechServer("Scripted", f"ws://127.0.0.1:{free_port}"), Network())
        for asked in (engine.prewarm(), whole(engine, SHORT)):
            with pytest.raises(NekoError, match="does not answer"):
                await asked
        await engine.aclose()

    async def test_one_who_waits_for_sound_that_never_comes_can_be_cut(
        self, subject: Subject, service: SocketService
    ) -> None:
        service.always = "slow"

        async def listen() -> None:
            async with aclosing(subject.engine.synthesise(LONG, Ear())) as pieces:
                async for _ in pieces:
                    pass

        task = asyncio.create_task(listen())
        await service.until(lambda: bool(service.texts))
        task.cancel()
        await asyncio.wait([task], timeout=SECONDS)
        assert task.cancelled()


class TestGPTSoVITS:
    @pytest.mark.parametrize(
        ("base", "url"),
        [
            ("http://127.0.0.1:9881", "ws://127.0.0.1:9881/api/v3/tts/stream-input"),
            ("https://voice.example/sovits/", "wss://voice.example/sovits/api/v3/tts/stream-input"),
            ("", "ws://127.0.0.1:9881/api/v3/tts/stream-input"),
        ],
    )
    def test_its_address_is_below_the_one_that_was_given(self, base: str, url: str) -> None:
        assert stream_url(base) == url

    @pytest.mark.parametrize(
        ("text", "voice", "extra"),
        [
            ("mio", "mio", {}),
            ("", "_default", {}),
            ('mio|{"speed": 1.2, "cmd": "stop", "voice_id": "x"}', "mio", {"speed": 1.2}),
            ("mio|[1]", "mio", {}),
            ("mio|{", "mio", {}),
        ],
    )
    def test_a_voice_may_carry_options(self, text: str, voice: str, extra: dict[str, float]) -> None:
        assert read_voice(text) == (voice, extra)
