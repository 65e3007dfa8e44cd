"""One session after another: how long the microphone waits, how soon a call is ready, what holds the loop, and what the
conversion of sound costs it.

The provider is scripted, and takes ``CONNECT_S`` to connect.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import soxr

from neko.audio.resample import PcmStream
from neko.sessions.actions import EndSession, SendAudio, StartSession
from neko.sessions.events import SessionStarted, SpeechEnded
from neko.sessions.microphone import Microphone, MicrophoneState
from neko.types.model_session import ModelSession, SessionSetup
from tests.bench.figures import median, ms, show
from tests.loop_watchdog import watching
from tests.scripted_session import ScriptedSpeechSession
from tests.sessions.speech_conversation import QUIET, TALK, SpeechConversation, speech_conversation

CONNECT_S = 0.3
SWAPS = 30
STARTS = 15


class Slow(ScriptedSpeechSession):
    """Is far away."""

    async def open(self, setup: SessionSetup) -> None:
        await asyncio.sleep(CONNECT_S)
        await super().open(setup)


class Far(SpeechConversation):
    def open_model(self, mode: object, owner: object) -> ModelSession:
        session = Slow(owner=owner, turns=self.turns, **self.options)  # type: ignore[arg-type]
        self.sessions.append(session)
        return session


class Waits:
    """Notes how long the microphone keeps its sound at each change."""

    def __init__(self, microphone: Microphone) -> None:
        self.seconds: list[float] = []
        self._since = 0.0
        wait, listen = microphone.wait, microphone.listen

        def noted_wait() -> None:
            wait()
            self._since = time.perf_counter()

        def noted_listen(session: ModelSession) -> None:
            if microphone.state is MicrophoneState.CHANGING:
                self.seconds.append(time.perf_counter() - self._since)
            listen(session)

        microphone.wait, microphone.listen = noted_wait, noted_listen  # type: ignore[method-assign]


async def swaps(executor: ThreadPoolExecutor) -> None:
    """A call whose microphone never stops, through many sessions."""
    async with speech_conversation(executor) as talk:
        talk.manager.handle(StartSession("audio"))
        await talk.until(SessionStarted)
        waits = Waits(talk.manager._microphone)
        begun, sent = time.perf_counter(), 0
        with watching() as watchdog:
            while len(waits.seconds) < SWAPS:
                if sent % 20 == 0:
                    talk.manager._renewals.outdated()
                talk.manager.handle(SendAudio(bytes(960), 48_000))
                sent += 1
                await asyncio.sleep(max(0.0, begun + sent * 0.01 - time.perf_counter()))
            for sound in (TALK, QUIET):
                talk.manager.handle(SendAudio(sound, 16_000))
            await talk.until(SpeechEnded)
            talk.manager.handle(EndSession())
            await asyncio.sleep(0.2)
        heard = sum(len(session.heard) for session in talk.sessions) / 32_000
        given = sent * 0.01 + (len(TALK) + len(QUIET)) / 32_000
        show("sound waits at a swap, median", ms(median(waits.seconds)))
        show("sound waits at a swap, longest", ms(max(waits.seconds)), "", None, "≤ 20 ms")
        show("microphone given − heard, all sessions", ms(given - heard), "", None, "what the converter holds")
        show("longest step of the loop, swaps and end", ms(watchdog.longest), "", None, "≤ 20 ms")


async def starts(executor: ThreadPoolExecutor) -> None:
    """From the button to ``session_started``."""
    cold: list[float] = []
    warm: list[float] = []
    for times, ahead in ((cold, False), (warm, True)):
        for _ in range(STARTS):
            async with speech_conversation(executor, kind=Far, opens_ahead=ahead, idles_free=ahead) as talk:
                while ahead and (talk.manager._slot._next is None or talk.manager._slot._next.handle is None):
                    await asyncio.sleep(0.01)
                begun = time.perf_counter()
                talk.manager.handle(StartSession("audio"))
                await talk.until(SessionStarted)
                times.append(time.perf_counter() - begun)
    floor = ms(CONNECT_S)
    show("button → session_started, cold, median", ms(median(cold)), floor, median(cold) / CONNECT_S)
    show("button → session_started, opened ahead, median", ms(median(warm)))
    show("button → session_started, opened ahead, longest", ms(max(warm)), "", None, "≤ 150 ms")


def conversion() -> None:
    """A stream in pieces of 10 ms against all of it at once, at soxr's best quality."""
    for rate_in, rate_out in ((48_000, 16_000), (48_000, 24_000), (24_000, 48_000)):
        at = np.arange(rate_in * 4) / rate_in
        tones = [np.sin(2 * np.pi * hertz * at + hertz) for hertz in (220, 440, 1_000, 3_100, 7_000)]
        pcm = (5_000 * np.sum(tones, axis=0)).astype("<i2")
        stream, piece = PcmStream(rate_in, rate_out), rate_in // 100
        pieces = [stream.process(pcm[at : at + piece].tobytes()) for at in range(0, len(pcm), piece)]
        held = len(pcm) / rate_in - sum(map(len, pieces)) / (2 * rate_out)
        streamed = np.frombuffer(b"".join([*pieces, stream.flush()]), "<i2").astype(float)
        whole = soxr.resample(pcm.astype(float), rate_in, rate_out, quality="VHQ")[: len(streamed)]
        edge = rate_out // 10
        error = (streamed[: len(whole)] - whole)[edge:-edge]
        snr = 10 * np.log10((whole[edge:-edge] ** 2).mean() / (error**2).mean())
        show(f"{rate_in} → {rate_out} Hz: SNR against offline soxr", f"{snr:.1f} dB")
        show(f"{rate_in} → {rate_out} Hz: held at the end", ms(held))


async def main() -> None:
    conversion()
    with ThreadPoolExecutor(2) as executor:
        await swaps(executor)
        await starts(executor)


if __name__ == "__main__":
    asyncio.run(main())
