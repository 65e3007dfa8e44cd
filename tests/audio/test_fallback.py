"""A voice that cannot speak gives way to the next one, at once, and is told once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from neko.audio.engines.browser import BrowserVoice
from neko.audio.engines.chained_voice import ChainedVoice, FirstSound, Standing
from neko.audio.engines.fallback import FallbackEngine
from neko.errors import NekoError, SpeechError
from neko.speech_errors import SpeechKeyRefusedError, SpeechSilentError
from neko.types.speech import Convert, SpeechCapabilities, Utterance, VoiceSettings
from tests.scripted_speech import PIECE, ScriptedSpeech, SpokenScript
from tests.seams.speech_engine import SECONDS, SHORT, Ear, Subject, VoiceBehaviour, told, whole

DEAD = SpokenScript(fail_after=0, error=SpeechSilentError("down", engine="service"))
CUT = SpokenScript(fail_after=1, error=SpeechError("cut", engine="service"))
WRONG_KEY = SpokenScript(fail_after=0, error=SpeechKeyRefusedError("401", engine="service", status=401, provider="s"))

ALL = 3
"""Pieces of one sentence: two of the script, and what the resampler held."""


class Service(ScriptedSpeech):
    """A voice elsewhere, which has to be reached first: ``unreachable`` says how that goes."""

    def __init__(self) -> None:
        super().__init__()
        self.capabilities = SpeechCapabilities("service", 24_000, local=False)
        self.unreachable: NekoError | None = None
        self.reached = asyncio.Event()
        self.reached.set()
        self.calls = 0

    async def prewarm(self, language: str = "") -> None:
        self.calls += 1
        await self.reached.wait()
        if self.unreachable:
            raise self.unreachable
        await super().prewarm(language)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def local() -> ScriptedSpeech:
    return ScriptedSpeech()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def chain(service: Service, local: ScriptedSpeech, clock: Clock) -> AsyncIterator[FallbackEngine]:
    chain = FallbackEngine([ChainedVoice(service), ChainedVoice(local, "m3")], clock=clock)
    yield chain
    await chain.aclose()


class TestFallbackEngine(VoiceBehaviour):
    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        built: list[FallbackEngine] = []

        def build() -> FallbackEngine:
            built.append(FallbackEngine([ChainedVoice(Service()), ChainedVoice(ScriptedSpeech())]))
            return built[-1]

        yield Subject(build(), build)
        for engine in built:
            await engine.aclose()
            assert not engine._owner.tasks


async def test_the_chosen_voice_speaks_as_long_as_it_can(
    chain: FallbackEngine, service: Service, local: ScriptedSpeech
) -> None:
    await chain.prewarm()
    assert await whole(chain, Utterance("Hi.", "en", VoiceSettings("anna")))
    assert ([one.voice.voice for one in service.utterances], local.utterances) == (["anna"], [])


async def test_the_next_one_says_the_sentence_in_its_own_voice_and_the_reason_is_told_once(
    chain: FallbackEngine, service: Service, local: ScriptedSpeech
) -> None:
    service.script(DEAD)
    pieces, fault = await told(chain, Utterance("Hello there.", "en", VoiceSettings("anna", rate=1.2)))
    assert pieces
    assert fault is DEAD.error
    assert [one.voice for one in local.utterances] == [VoiceSettings("m3", rate=1.2)]
    assert (await told(chain))[1] is None
    assert len(service.utterances) == 1


async def test_it_is_tried_again_after_a_while_each_time_a_longer_one(
    chain: FallbackEngine, service: Service, clock: Clock
) -> None:
    service.script(DEAD, DEAD)
    faults = []
    for now in (0, 5, 11, 21, 29, 40):
        clock.now = now
        faults.append((await told(chain))[1])
    assert [fault is not None for fault in faults] == [True, False, True, False, False, False]
    assert len(service.utterances) == 3


async def test_a_voice_that_recovered_rests_no_longer_than_at_first(
    chain: FallbackEngine, service: Service, clock: Clock
) -> None:
    service.script(DEAD, DEAD, SpokenScript(), DEAD)
    for now in (0, 11, 40, 41, 52):
        clock.now = now
        await told(chain)
    assert len(service.utterances) == 5


async def test_a_wrong_key_is_told_and_never_sent_again(chain: FallbackEngine, service: Service, clock: Clock) -> None:
    service.script(WRONG_KEY)
    assert (await told(chain))[1] is WRONG_KEY.error
    clock.now = 1e6
    assert (await told(chain))[1] is None
    assert len(service.utterances) == 1
    assert chain.standings[0] == ("service", Standing.OUT)


async def test_what_was_begun_is_not_said_twice(chain: FallbackEngine, service: Service, local: ScriptedSpeech) -> None:
    service.script(CUT)
    pieces, fault = await told(chain, Utterance("A sentence of some length.", "en"))
    assert (pieces, fault) == (1, CUT.error)
    assert local.utterances == []
    assert (await told(chain))[1] is None
    assert len(local.utterances) == 1


STALLED = SpokenScript(stall_after=0)
AT_ONCE_S, NEVER_S = 0.01, 60.0


def a_chain(service: Service, local: ScriptedSpeech, hedge_s: float, usual_s: float | None = None) -> FallbackEngine:
    return FallbackEngine(
        [ChainedVoice(service, name="My service", first_sound=FirstSound(usual_s)), ChainedVoice(local)],
        hedge_s=hedge_s,
    )


async def answer(service: Service, chain: FallbackEngine) -> None:
    """Let the service go on until what came of it is known."""
    service.release()
    async with asyncio.timeout(SECONDS):
        while chain.standings[0][1] is Standing.LATE:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0)


def said(number: int, reply: str = "") -> Utterance:
    return Utterance(f"Sentence {number}.", "en", reply=reply)


async def test_a_voice_without_a_sound_in_time_is_not_waited_for_and_the_reason_is_told_once(
    service: Service, local: ScriptedSpeech
) -> None:
    chain = a_chain(service, local, AT_ONCE_S)
    service.script(STALLED)
    pieces, fault = await told(chain)
    assert pieces == ALL
    assert isinstance(fault, SpeechSilentError)
    assert fault.params["engine"] == "My service"
    assert await told(chain) == (ALL, None)
    assert (len(service.utterances), len(local.utterances)) == (1, 2), "who has not answered is asked nothing more"
    assert chain.standings[0][1] is Standing.LATE
    await chain.aclose()
    assert service.running == 0


async def test_a_slow_voice_that_answers_after_all_says_the_next_reply(service: Service, local: ScriptedSpeech) -> None:
    chain = a_chain(service, local, AT_ONCE_S)
    service.script(STALLED)
    assert (await told(chain, said(1, "a")))[0] == ALL
    await answer(service, chain)
    for number, reply in ((2, "a"), (3, "b"), (4, "b")):
        assert await told(chain, said(number, reply)) == (ALL, None)
    assert service.texts == ["Sentence 1.", "Sentence 3.", "Sentence 4."]
    assert local.texts == ["Sentence 1.", "Sentence 2."], "the voice does not change again in a reply"
    await chain.aclose()


async def test_a_voice_that_is_known_to_be_slow_is_waited_for(service: Service, local: ScriptedSpeech) -> None:
    chain = a_chain(service, local, AT_ONCE_S, usual_s=NEVER_S)
    service.script(STALLED)
    telling = asyncio.get_running_loop().create_task(told(chain))
    await service.stalled.wait()
    await asyncio.wait([telling], timeout=10 * AT_ONCE_S)
    service.release()
    assert (await telling, local.utterances) == ((ALL, None), [])
    await chain.aclose()


async def test_whichever_voice_sounds_first_says_the_sentence(service: Service, local: ScriptedSpeech) -> None:
    chain = a_chain(service, local, AT_ONCE_S)
    service.script(STALLED)
    local.script(STALLED)
    telling = asyncio.get_running_loop().create_task(told(chain))
    await local.stalled.wait()
    service.release()
    assert await telling == (ALL, None)
    assert local.running == 0
    await chain.aclose()


async def test_a_voice_that_was_silent_holds_up_no_second_sentence(
    service: Service, local: ScriptedSpeech, clock: Clock
) -> None:
    chain = FallbackEngine([ChainedVoice(service), ChainedVoice(local)], clock=clock, hedge_s=AT_ONCE_S)
    service.script(SpokenScript(stall_after=0, fail_after=0, error=DEAD.error), STALLED)
    assert isinstance((await told(chain))[1], SpeechSilentError)
    await answer(service, chain)
    service.hold()
    chain._hedge_s = NEVER_S
    clock.now = 11
    assert (await told(chain))[0] == ALL
    assert (len(service.utterances), len(local.utterances)) == (2, 2)
    await answer(service, chain)
    assert await told(chain) == (ALL, None)
    assert (len(service.utterances), len(local.utterances)) == (3, 2)
    await chain.aclose()


async def test_a_late_voice_is_not_heard_in_the_sentence_that_another_says(
    service: Service, local: ScriptedSpeech
) -> None:
    chain, ear = a_chain(service, local, AT_ONCE_S), Ear()
    service.script(STALLED)
    local.script(SpokenScript(stall_after=1))
    pieces = chain.synthesise(SHORT, ear)
    async with asyncio.timeout(SECONDS):
        await anext(pieces)
        await answer(service, chain)
        local.release()
        with pytest.raises(SpeechSilentError):
            [_ async for _ in pieces]
    assert sum(map(len, ear.heard)) == pytest.approx(2 * PIECE * 96_000, rel=0.02)
    assert (service.pieces, service.running) == (1, 0)
    await chain.aclose()


async def test_what_a_late_voice_says_of_its_fault_is_told(service: Service, local: ScriptedSpeech) -> None:
    chain = a_chain(service, local, AT_ONCE_S)
    service.script(SpokenScript(stall_after=0, fail_after=0, error=WRONG_KEY.error))
    assert isinstance((await told(chain))[1], SpeechSilentError)
    await answer(service, chain)
    assert await told(chain) == (ALL, WRONG_KEY.error)
    assert chain.standings[0][1] is Standing.OUT
    await chain.aclose()


async def test_a_sentence_that_is_cut_before_its_first_sound_leaves_no_work_behind(
    service: Service, local: ScriptedSpeech
) -> None:
    chain = a_chain(service, local, AT_ONCE_S)
    service.script(STALLED)
    local.script(STALLED)
    telling = asyncio.get_running_loop().create_task(told(chain))
    await local.stalled.wait()
    telling.cancel()
    await asyncio.wait([telling], timeout=SECONDS)
    assert (telling.cancelled(), service.running, local.running) == (True, 0, 0)
    assert await told(chain) == (ALL, None), "and it counts for nothing"
    assert len(service.utterances) == 2
    await chain.aclose()


async def test_closing_ends_a_sentence_that_has_no_sound_yet(service: Service, local: ScriptedSpeech) -> None:
    chain = a_chain(service, local, NEVER_S)
    service.script(STALLED)
    telling = asyncio.get_running_loop().create_task(told(chain))
    await service.stalled.wait()
    await chain.aclose()
    assert isinstance((await telling)[1], SpeechError)


async def test_an_engine_that_breaks_gives_way_too(
    service: Service, local: ScriptedSpeech, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = a_chain(service, local, NEVER_S)
    service.script(SpokenScript(fail_after=0, error=KeyError("defect")))
    pieces, fault = await told(chain)
    assert pieces == ALL
    assert isinstance(fault, SpeechError)
    await chain.aclose()


async def test_a_voice_that_cannot_be_reached_is_told_before_the_first_sentence(
    chain: FallbackEngine, service: Service, local: ScriptedSpeech
) -> None:
    service.unreachable = SpeechSilentError("down", engine="service")
    with pytest.raises(SpeechSilentError):
        await chain.prewarm()
    assert await told(chain) == (ALL, None)
    assert service.calls == 1


async def test_whoever_speaks_next_is_told_of_a_reply_to_come_in_its_own_voice(
    chain: FallbackEngine, service: Service, local: ScriptedSpeech
) -> None:
    chain.expect(VoiceSettings("anna", rate=1.2))
    service.script(DEAD)
    await told(chain)
    chain.expect(VoiceSettings("anna", rate=1.2))
    assert (service.expected, local.expected) == ([VoiceSettings("anna", 1.2)], [VoiceSettings("m3", 1.2)])


async def test_a_voice_that_falls_silent_in_a_sentence_leaves_its_rest_out(
    service: Service, local: ScriptedSpeech, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neko.audio.engines.fallback._GAP_S", 0.05)
    chain = a_chain(service, local, NEVER_S)
    service.script(SpokenScript(stall_after=1))
    pieces, fault = await told(chain, Utterance("A sentence of some length.", "en"))
    assert (pieces, service.running, local.utterances) == (1, 0, [])
    assert isinstance(fault, SpeechSilentError)
    await chain.aclose()


async def test_where_nobody_else_can_speak_a_voice_is_waited_for_longer(
    service: Service, local: ScriptedSpeech, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = a_chain(service, local, AT_ONCE_S)
    service.script(STALLED)
    local.script(DEAD)
    telling = asyncio.get_running_loop().create_task(told(chain))
    await local.until(lambda: bool(local.utterances) and local.running == 0)
    await asyncio.wait([telling], timeout=10 * AT_ONCE_S)
    service.release()
    assert await telling == (ALL, DEAD.error)
    await chain.aclose()


async def test_the_page_says_a_sentence_of_which_there_is_no_sound_in_time(service: Service) -> None:
    chain = FallbackEngine([ChainedVoice(service), ChainedVoice(BrowserVoice())], hedge_s=AT_ONCE_S)
    service.script(STALLED)
    pieces, fault = await told(chain)
    assert pieces == 0
    assert isinstance(fault, SpeechSilentError)
    assert chain.capabilities.on_page
    await answer(service, chain)
    assert not chain.capabilities.on_page
    await chain.aclose()


async def test_the_page_speaks_when_no_voice_here_can(service: Service) -> None:
    chain = FallbackEngine([ChainedVoice(service), ChainedVoice(BrowserVoice())])
    assert not chain.capabilities.on_page
    service.script(DEAD)
    assert (await told(chain))[0] == 0
    assert chain.capabilities.on_page
    await chain.aclose()


async def test_without_any_voice_left_the_reason_is_told_again(service: Service) -> None:
    chain = FallbackEngine([ChainedVoice(service)])
    service.script(WRONG_KEY)
    for _ in range(2):
        assert (await told(chain))[1] is WRONG_KEY.error
    await chain.aclose()


async def test_a_voice_that_rests_is_tried_when_nobody_else_can_speak(service: Service) -> None:
    chain = FallbackEngine([ChainedVoice(service)])
    service.script(DEAD)
    assert (await told(chain))[1] is DEAD.error
    assert await told(chain) == (ALL, None)
    await chain.aclose()


async def test_who_listens_is_not_mistaken_for_a_voice_that_fails(chain: FallbackEngine, service: Service) -> None:
    def broken(pcm: bytes) -> bytes:
        raise ValueError("broken")

    convert: Convert = broken
    with pytest.raises(SpeechError):
        async for _ in chain.synthesise(SHORT, convert):
            pass
    assert chain.standings[0][1] is Standing.READY
