"""The behaviour suite of speech engines, run on each of them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from neko.audio import engines
from neko.audio.engines import japanese
from neko.audio.engines.browser import BrowserVoice
from neko.audio.engines.by_script import BuiltinVoice
from neko.audio.engines.espeak import EspeakEngine
from neko.audio.engines.espeak_library import EspeakHost, host
from neko.audio.engines.model_voice import ModelVoice
from neko.audio.engines.openai_speech import OpenAISpeech
from neko.audio.engines.silent import SilentEngine
from neko.errors import SpeechError
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.types.speech import Utterance, VoiceSettings
from tests.scripted_provider import Script, ScriptedProvider, failure
from tests.scripted_speech import ScriptedSpeech, SpokenScript
from tests.scripted_voice_model import ScriptedVoiceModel
from tests.seams.speech_engine import LONG, SECONDS, SHORT, Ear, SilenceBehaviour, Subject, VoiceBehaviour, alike, whole


class TestSilentEngine(SilenceBehaviour):
    @pytest.fixture
    def subject(self) -> Subject:
        return Subject(SilentEngine(), SilentEngine)


class TestBrowserVoice(SilenceBehaviour):
    @pytest.fixture
    def subject(self) -> Subject:
        return Subject(BrowserVoice(), BrowserVoice)

    def test_the_page_speaks_itself(self, subject: Subject) -> None:
        assert subject.engine.capabilities.on_page


class TestScriptedSpeech(VoiceBehaviour):
    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        engine = ScriptedSpeech()
        yield Subject(engine, ScriptedSpeech)
        await engine.aclose()
        assert engine.running == 0

    async def test_a_stalled_utterance_ends_with_its_engine(self, subject: Subject) -> None:
        assert isinstance(subject.engine, ScriptedSpeech)
        subject.engine.script(SpokenScript(stall_after=1))
        await self.test_closing_the_engine_ends_what_it_is_saying(subject)


async def espeak_is_free() -> None:
    worker = host().borrow()
    try:
        began = time.monotonic()
        await asyncio.get_running_loop().run_in_executor(worker, time.monotonic)
        assert time.monotonic() - began < 0.3
    finally:
        host().give_back()


class TestEspeakEngine(VoiceBehaviour):
    """espeak-ng by itself."""

    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        engine = EspeakEngine()
        yield Subject(engine, EspeakEngine, espeak_is_free)
        await engine.aclose()

    async def test_a_page_of_text_leaves_the_worker_free_once_it_is_cut(self, subject: Subject) -> None:
        page = Utterance("This sentence goes on and on and on. " * 500, "en")
        async with asyncio.timeout(SECONDS), aclosing(subject.engine.synthesise(page, Ear())) as pieces:
            await anext(pieces)
        await subject.stopped()

    @pytest.mark.parametrize(
        ("text", "language"),
        [
            ("今天天气很好。", "zh-CN"),
            ("今天天氣很好。", "zh-TW"),
            ("今日はいい天気ですね。", "ja"),
            ("안녕하세요.", "ko"),
            ("Bonjour.", "fr"),
            ("Hello.", "xx"),
            ("a\0b\ud800c", "en"),
        ],
    )
    async def test_it_speaks_every_language(self, subject: Subject, text: str, language: str) -> None:
        assert len(await whole(subject.engine, Utterance(text, language))) > 20_000

    @pytest.mark.parametrize("voice", ["alloy", "../../../etc/passwd", "f2\0", "", "Annie"])
    async def test_a_voice_it_does_not_have_is_its_own_voice(self, subject: Subject, voice: str) -> None:
        sound = await whole(subject.engine, Utterance("Hello.", "en", VoiceSettings(voice)))
        own = await whole(subject.engine, Utterance("Hello.", "en"))
        assert alike(sound, own) == (voice != "Annie")

    async def test_without_the_library_it_says_what_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "espeakng_loader", None)
        with pytest.raises(SpeechError, match="espeakng_loader") as missing:
            EspeakHost().load()
        assert missing.value.params == {"engine": "builtin"}

    async def test_without_the_dictionary_it_still_says_the_kana(
        self, subject: Subject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pykakasi", None)
        japanese._converter.cache_clear()
        try:
            assert japanese.to_kana("今日はいい天気ですね") == "きょうはいい ですね"
            assert await whole(subject.engine, Utterance("今日はいい天気ですね", "ja"))
        finally:
            japanese._converter.cache_clear()

    def test_kana_alone_need_no_dictionary(self) -> None:
        code = (
            "import sys; from neko.audio.engines.japanese import to_kana; "
            "print(to_kana('おはよう、ミオ'), 'pykakasi' in sys.modules)"
        )
        out = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, timeout=20, check=True
        )
        assert out.stdout.split() == ["おはよう、ミオ", "False"]

    def test_warming_loads_all_that_the_first_utterance_needs(self) -> None:
        code = (
            "import asyncio, sys\n"
            "from neko.audio.engines.espeak import EspeakEngine\n"
            "from neko.audio.speech_pipeline import say\n"
            "from neko.types.speech import Utterance\n"
            "async def main():\n"
            "    engine = EspeakEngine()\n"
            "    assert not {'numpy', 'soxr', 'espeakng_loader'} & set(sys.modules)\n"
            "    await engine.prewarm()\n"
            "    before = set(sys.modules)\n"
            "    assert await say(engine, Utterance('Hello there.', 'en'))\n"
            "    print(sorted(set(sys.modules) - before))\n"
            "    await engine.aclose()\n"
            "asyncio.run(main())\n"
        )
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
        assert out.stdout.strip() == "[]"


class TestModelVoice(VoiceBehaviour):
    """A scripted model: what the real ones do is tested in ``tests/real``."""

    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        model = ScriptedVoiceModel()
        engine = ModelVoice(model)
        yield Subject(engine, lambda: ModelVoice(model), model.idle)
        await engine.aclose()


class TestBuiltinVoice(VoiceBehaviour):
    """English by a scripted model, everything else by espeak-ng."""

    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        model = ScriptedVoiceModel()
        engine = BuiltinVoice([model])
        yield Subject(engine, lambda: BuiltinVoice([model]), model.idle)
        await engine.aclose()


class TestBuiltinVoiceAlone(VoiceBehaviour):
    """Where nothing but espeak-ng is installed."""

    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        engine = BuiltinVoice([])
        yield Subject(engine, lambda: BuiltinVoice([]), espeak_is_free)
        await engine.aclose()


class TestOpenAISpeech(VoiceBehaviour):
    """Over real HTTP, with the scripted provider."""

    @pytest.fixture
    async def provider(self) -> AsyncIterator[ScriptedProvider]:
        async with ScriptedProvider() as provider:
            yield provider

    @pytest.fixture
    async def subject(self, provider: ScriptedProvider) -> AsyncIterator[Subject]:
        built: list[OpenAISpeech] = []

        def build() -> OpenAISpeech:
            built.append(OpenAISpeech(self.endpoint(provider.base_url), Network()))
            return built[-1]

        async def stopped() -> None:
            await provider.speeches[-1].aborted.wait()

        yield Subject(build(), build, stopped)
        for engine in built:
            await engine.aclose()

    def endpoint(self, base_url: str, key: str = "sk-secret") -> ModelEndpoint:
        return ModelEndpoint("tts_default", "custom", "Scripted", base_url, "voice-1", key)

    async def test_closing_the_iterator_stops_the_work_at_once(  # type: ignore[override]  # one more fixture
        self, subject: Subject, provider: ScriptedProvider
    ) -> None:
        provider.script_speech(Script(stall_after=3))
        await super().test_closing_the_iterator_stops_the_work_at_once(subject)

    async def test_closing_the_engine_ends_what_it_is_saying(  # type: ignore[override]  # one more fixture
        self, subject: Subject, provider: ScriptedProvider
    ) -> None:
        provider.script_speech(Script(stall_after=3))
        await super().test_closing_the_engine_ends_what_it_is_saying(subject)

    async def test_closing_the_engine_wakes_one_who_waits_for_sound(
        self, subject: Subject, provider: ScriptedProvider
    ) -> None:
        provider.script_speech(Script(stall_after=3))
        ear = Ear()
        async with asyncio.timeout(SECONDS), aclosing(subject.engine.synthesise(LONG, ear)) as pieces:
            await anext(pieces)
            waiting = asyncio.ensure_future(anext(pieces, None))
            while len(b"".join(ear.heard)) < 3 * 1920:
                await waiting
                waiting = asyncio.ensure_future(anext(pieces, None))
            await asyncio.sleep(0)
            await subject.engine.aclose()
            assert await waiting is None

    async def test_it_asks_as_openai_is_asked(self, subject: Subject, provider: ScriptedProvider) -> None:
        sound = await whole(subject.engine, Utterance("Hello.", "en", VoiceSettings("nova", rate=1.5)))
        request = provider.speeches[0]
        assert request.json == {
            "model": "voice-1",
            "input": "Hello.",
            "voice": "nova",
            "response_format": "pcm",
            "speed": 1.5,
        }
        assert request.headers["authorization"] == "Bearer sk-secret"
        assert len(sound) == pytest.approx(0.06 * 6 * 96_000, rel=0.01)

    async def test_one_connection_serves_many_sentences(self, subject: Subject, provider: ScriptedProvider) -> None:
        for _ in range(3):
            await whole(subject.engine, SHORT)
        assert provider.connections == 1

    @pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
    async def test_a_refusal_tells_status_engine_and_model_and_no_key(
        self, subject: Subject, provider: ScriptedProvider, status: int
    ) -> None:
        provider.script_speech(failure(status, "sk-secret is wrong"))
        with pytest.raises(SpeechError) as refused:
            await whole(subject.engine, SHORT)
        assert refused.value.params["engine"] == refused.value.params["provider"] == "Scripted"
        assert refused.value.params["status"] == status
        assert refused.value.said == "*** is wrong"
        assert "sk-secret" not in str(refused.value)
        assert await whole(subject.engine, SHORT)

    @pytest.mark.parametrize("kind", ["application/json", "text/html; charset=utf-8", "audio/mpeg", "audio/wav"])
    async def test_sound_is_sound_whatever_the_header_says(
        self, subject: Subject, provider: ScriptedProvider, kind: str
    ) -> None:
        provider.script_speech(Script(content_type=kind))
        assert alike(await whole(subject.engine, SHORT), await whole(subject.engine, SHORT))

    @pytest.mark.parametrize("script", [Script(refuse=True), Script(cut_after=0), Script(cut_after=4)])
    async def test_a_broken_connection_is_told(
        self, subject: Subject, provider: ScriptedProvider, script: Script
    ) -> None:
        provider.script_speech(script)
        with pytest.raises(SpeechError) as broken:
            await whole(subject.engine, SHORT)
        assert broken.value.params == {"engine": "Scripted", "model": "voice-1"}

    async def test_a_server_that_is_not_there_is_told(self, free_port: int) -> None:
        engine = OpenAISpeech(self.endpoint(f"http://127.0.0.1:{free_port}/v1", key=""), Network())
        with pytest.raises(SpeechError, match="does not answer"):
            await whole(engine, SHORT)
        await engine.aclose()


@pytest.mark.parametrize(
    ("kind", "engine"),
    [("builtin", BuiltinVoice), ("browser", BrowserVoice), ("off", SilentEngine), ("?", SilentEngine)],
)
def test_an_engine_is_built_by_its_kind(kind: str, engine: type) -> None:
    assert type(engines.build(kind, Network())) is engine


def test_openai_without_an_endpoint_is_silent() -> None:
    assert type(engines.build("openai", Network())) is SilentEngine
    assert (
        type(engines.build("openai", Network(), ModelEndpoint("tts_default", "x", "X", "http://x/v1", "m", "")))
        is OpenAISpeech
    )
