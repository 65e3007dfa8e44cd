"""The behaviour suite of speech engines on each service behind a WebSocket, and what goes wrong with them."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import pytest
from websockets.exceptions import ConnectionClosed

from neko.audio.engines import cosyvoice, edge
from neko.audio.engines.cogtts import CogTTS
from neko.audio.engines.cosyvoice import CosyVoiceCloud, LocalCosyVoice
from neko.audio.engines.edge import EdgeSpeech
from neko.audio.engines.gemini_speech import GeminiSpeech
from neko.audio.engines.gpt_sovits import GPTSoVITS, read_voice, stream_url
from neko.audio.engines.http_speech import HttpSpeech
from neko.audio.engines.qwen_speech import QwenSpeech
from neko.audio.engines.service import SpeechServer
from neko.audio.engines.socket_speech import SocketSpeech
from neko.audio.engines.step_speech import FreeSpeech, StepSpeech
from neko.audio.engines.voicevox import Voicevox
from neko.net import Network
from neko.speech_errors import SpeechKeyRefusedError, SpeechNotInstalledError
from neko.types.speech import Utterance, VoiceSettings
from tests import speech_protocols
from tests.http_service import HttpService
from tests.http_service import Talk as HttpTalk
from tests.seams.speech_engine import LONG, SECONDS, SHORT, Ear, Subject, VoiceBehaviour, whole
from tests.socket_service import Conversation, SocketService


@dataclass(frozen=True, slots=True)
class Kind:
    """``lossy``: its coding changes the length. ``greets_with_voice``: before the text."""

    engine: type[SocketSpeech]
    talk: Callable[[Conversation], Awaitable[None]]
    lossy: bool = False
    greets_with_voice: bool = True


KINDS = [
    Kind(GPTSoVITS, speech_protocols.gpt_sovits),
    Kind(LocalCosyVoice, speech_protocols.local_cosyvoice),
    Kind(StepSpeech, speech_protocols.step),
    Kind(FreeSpeech, speech_protocols.step),
    Kind(QwenSpeech, speech_protocols.qwen),
    Kind(CosyVoiceCloud, speech_protocols.cosyvoice_cloud),
    Kind(EdgeSpeech, speech_protocols.edge, lossy=True, greets_with_voice=False),
]
HTTP = [
    (CogTTS, speech_protocols.cogtts),
    (GeminiSpeech, speech_protocols.gemini),
    (Voicevox, speech_protocols.voicevox),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.engine.kind)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
async def service(kind: Kind) -> AsyncIterator[SocketService]:
    async with SocketService(kind.talk) as service:
        yield service


class ServiceBehaviour(VoiceBehaviour):
    """Of an engine before a ``service``, which stops in the middle of what is cut."""

    async def test_closing_the_iterator_stops_the_work_at_once(  # type: ignore[override]  # one more fixture
        self, subject: Subject, service: SocketService | HttpService
    ) -> None:
        service.stalls_after = 3
        pieces = subject.engine.synthesise(LONG, Ear())
        async with asyncio.timeout(SECONDS):
            await anext(pieces)
            await pieces.aclose()
            await subject.stopped()

    async def test_closing_the_engine_ends_what_it_is_saying(  # type: ignore[override]  # one more fixture
        self, subject: Subject, service: SocketService | HttpService
    ) -> None:
        service.stalls_after = 3
        await super().test_closing_the_engine_ends_what_it_is_saying(subject)


class TestSocketServices(ServiceBehaviour):
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

    async def test_all_of_the_sound_is_given(self, subject: Subject, kind: Kind, service: SocketService) -> None:
        sound = len(await whole(subject.engine, SHORT))
        assert sound > 0.2 * 96_000 if kind.lossy else sound == pytest.approx(0.3 * 96_000, rel=0.02)
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

    async def test_the_connection_of_an_expected_reply_is_open_before_its_words_are_there(
        self, subject: Subject, kind: Kind, service: SocketService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("en-US-AnaNeural", "en-US-BrianNeural"):
            subject.engine.expect(VoiceSettings(name))
            await service.until(lambda: service.connections == 1 and bool(service.greetings))
        opened = service.opened
        subject.engine.expect(VoiceSettings("en-US-BrianNeural"))
        monkeypatch.setattr(kind.engine, "kept_s", 0.0)
        subject.engine.expect(VoiceSettings("en-US-BrianNeural"))
        await service.until(lambda: service.opened == opened + 1)
        monkeypatch.undo()
        await whole(subject.engine, Utterance(SHORT.text, "en", VoiceSettings("en-US-BrianNeural")))
        assert service.opened <= opened + 2

    async def test_a_connection_on_which_the_service_has_told_an_error_meanwhile_is_replaced(
        self, subject: Subject, service: SocketService
    ) -> None:
        service.faults.append("error")
        await subject.engine.prewarm()
        assert await whole(subject.engine, SHORT)
        assert len(service.texts) == 2

    async def test_another_voice_is_never_said_with_the_one_before(
        self, subject: Subject, kind: Kind, service: SocketService
    ) -> None:
        if not kind.greets_with_voice:
            return
        await subject.engine.prewarm()
        for name in ("anna", "bert", "bert"):
            await whole(subject.engine, Utterance(SHORT.text, "en", VoiceSettings(name)))
        assert len(service.texts) == 3
        spoken = [str(greeting) for greeting in service.greetings if "anna" in str(greeting) or "bert" in str(greeting)]
        assert len([one for one in spoken if "anna" in one]) in (1, 2)
        assert len([one for one in spoken if "bert" in one]) in (1, 2, 3)

    async def test_a_connection_that_broke_while_it_waited_is_replaced(
        self, subject: Subject, service: SocketService
    ) -> None:
        await subject.engine.prewarm()
        port = service.port
        await service.stop()
        await service.start(port)
        assert await whole(subject.engine, SHORT)

    async def test_a_wrong_key_is_told_as_one_that_stays_wrong(self, subject: Subject, service: SocketService) -> None:
        service.always = "refused"
        for asked in (subject.engine.prewarm(), whole(subject.engine, SHORT)):
            with pytest.raises(SpeechKeyRefusedError) as told:
                await asked
            assert told.value.permanent
            assert "sk-secret" not in f"{told.value} {told.value.said}"

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


class TestHttpServices(ServiceBehaviour):
    @pytest.fixture(params=HTTP, ids=lambda one: one[0].kind)
    def one(self, request: pytest.FixtureRequest) -> tuple[type[HttpSpeech], HttpTalk]:
        chosen: tuple[type[HttpSpeech], HttpTalk] = request.param
        return chosen

    @pytest.fixture
    async def service(self, one: tuple[type[HttpSpeech], HttpTalk]) -> AsyncIterator[HttpService]:
        async with HttpService(one[1]) as service:
            yield service

    @pytest.fixture
    async def subject(self, one: tuple[type[HttpSpeech], HttpTalk], service: HttpService) -> AsyncIterator[Subject]:
        built: list[HttpSpeech] = []

        def build() -> HttpSpeech:
            built.append(one[0](SpeechServer("Scripted", service.url, "voice-1", "sk-secret"), Network()))
            return built[-1]

        async def stopped() -> None:
            await service.requests[-1].aborted.wait()

        yield Subject(build(), build, stopped)
        for engine in built:
            await engine.aclose()

    async def test_all_of_the_sound_is_given_over_one_connection(self, subject: Subject, service: HttpService) -> None:
        for voice in ("3", "4"):
            sound = await whole(subject.engine, Utterance(SHORT.text, "en", VoiceSettings(voice)))
            assert len(sound) == pytest.approx(0.3 * 96_000, rel=0.02)
        assert (service.texts, service.voices, service.connections) == ([SHORT.text] * 2, ["3", "4"], 1)

    async def test_one_who_waits_for_sound_that_never_comes_can_be_cut(
        self, subject: Subject, service: HttpService
    ) -> None:
        service.always = "slow"
        task = asyncio.create_task(whole(subject.engine, LONG))
        await service.spoken.wait()
        task.cancel()
        await asyncio.wait([task], timeout=SECONDS)
        assert task.cancelled()


class TestCosyVoice:
    @pytest.mark.parametrize(
        ("text", "name", "speed"),
        [
            ("", "中文女", 1.0),
            ("mio", "mio", 1.0),
            ("mio:1.2", "mio", 1.2),
            ("mio:fast", "mio:fast", 1.0),
            (":2", ":2", 1.0),
        ],
    )
    def test_a_voice_may_carry_its_speed(self, text: str, name: str, speed: float) -> None:
        assert cosyvoice.read_voice(text) == (name, speed)

    async def test_it_is_over_when_the_server_falls_quiet(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cosyvoice, "_QUIET_S", 0.05)
        heard: list[bytes] = []

        async def stay(talk: Conversation) -> None:
            await speech_protocols.local_cosyvoice(talk)
            with pytest.raises(ConnectionClosed):
                await talk.receive()

        async with SocketService(stay) as service:
            engine = LocalCosyVoice(SpeechServer("S", f"ws://127.0.0.1:{service.port}"), Network())
            heard.append(await whole(engine, SHORT))
            await engine.aclose()
        assert len(heard[0]) == pytest.approx(0.3 * 96_000, rel=0.02)

    @pytest.mark.parametrize(
        ("voice", "model"),
        [
            ("", "m"),
            ("longanhuan", "m"),
            ("cosyvoice-v3-plus-mio-1a2b", "cosyvoice-v3-plus"),
            ("cosyvoice-v2-x", "cosyvoice-v2"),
        ],
    )
    async def test_a_cloned_voice_is_asked_of_the_model_that_it_was_made_for(self, voice: str, model: str) -> None:
        async with SocketService(speech_protocols.cosyvoice_cloud) as service:
            engine = CosyVoiceCloud(SpeechServer("S", f"ws://127.0.0.1:{service.port}", "m", "k"), Network())
            for _ in range(2):
                assert await whole(engine, Utterance(SHORT.text, "en", VoiceSettings(voice)))
            await engine.aclose()
            assert {greeting["model"] for greeting in service.greetings} == {model}
            assert service.opened == 1
            assert service.requests[0].headers["Authorization"] == "Bearer k"

    async def test_a_task_waits_for_its_text(self) -> None:
        async with SocketService(speech_protocols.cosyvoice_cloud) as service:
            engine = CosyVoiceCloud(SpeechServer("S", f"ws://127.0.0.1:{service.port}", "m", "k"), Network())
            engine.expect(VoiceSettings("longanhuan"))
            await service.until(lambda: len(service.greetings) == 1)
            assert await whole(engine, Utterance(SHORT.text, "en", VoiceSettings("longanhuan")))
            await service.until(lambda: len(service.greetings) == 2)
            assert (service.opened, service.texts) == (1, [SHORT.text])
            await engine.aclose()


class TestQwen:
    """[tts 4.2]"""

    @pytest.fixture
    async def service(self) -> AsyncIterator[SocketService]:
        async with SocketService(speech_protocols.qwen) as service:
            yield service

    @pytest.fixture
    async def engine(self, service: SocketService) -> AsyncIterator[QwenSpeech]:
        engine = QwenSpeech(SpeechServer("S", service.url, "qwen3-tts", "k"), Network())
        yield engine
        await engine.aclose()

    async def test_a_reply_is_said_in_one_session(self, engine: QwenSpeech, service: SocketService) -> None:
        how = VoiceSettings(rate=3.0, pitch=12)
        for text in ("One.", "Two is longer than one.", "Three."):
            assert await whole(engine, Utterance(text, "en", how, "reply"))
        assert (service.opened, service.texts) == (1, ["One.", "Two is longer than one.", "Three."])
        assert service.greetings == [
            {
                "mode": "commit",
                "voice": "Momo",
                "response_format": "pcm",
                "sample_rate": 24_000,
                "channels": 1,
                "bit_depth": 16,
                "speech_rate": 2.0,
                "pitch_rate": 2.0,
            }
        ]
        assert service.requests[0].path == "/?model=qwen3-tts"
        assert service.requests[0].headers["Authorization"] == "Bearer k"

    async def test_an_end_that_names_no_response_ends_the_session_too(self) -> None:
        async def nameless(talk: Conversation) -> None:
            await talk.send({"type": "session.created"})
            await talk.greeted(await talk.receive())
            text = (await talk.receive())["text"]
            assert (await talk.receive())["type"] == "input_text_buffer.commit"
            await talk.speak(
                text, lambda pcm: {"type": "response.audio.delta", "delta": base64.b64encode(pcm).decode()}, 24_000
            )
            for kind in ("response.audio.done", "response.done"):
                await talk.send({"type": kind})

        async with SocketService(nameless) as service:
            engine = QwenSpeech(SpeechServer("S", service.url, "m", "k"), Network())
            for _ in range(2):
                assert len(await whole(engine, SHORT)) == pytest.approx(0.3 * 96_000, rel=0.02)
            await engine.aclose()
            assert service.opened == 2


class TestEdge:
    async def test_it_tells_what_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "edge_tts.constants", None)
        edge._package.cache_clear()
        engine = EdgeSpeech(SpeechServer("Edge", "ws://127.0.0.1:1"), Network())
        with pytest.raises(SpeechNotInstalledError):
            await engine.prewarm()
        await engine.aclose()
        edge._package.cache_clear()


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
