"""A call: what 20 calls at once cost, and the wait at the end of a turn.

``python -m tests.bench.bench_call [many] [ends] [all]``: one part alone; ``all``: every turn, for which the recogniser
takes some ten minutes of a processor, instead of one in ``ONE_IN``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from neko.app.listening import STRATEGIES
from neko.application import Neko
from neko.audio import voice_activity
from neko.audio.hearing.models import local_models, missing_libraries
from neko.audio.turn_taking.patience import Strategy
from neko.serve import listen, serving
from neko.settings import Settings
from neko.types.hearing import Heard, HearingCapabilities, HearingEngine, HearingHints
from tests.audio.spoken_set import Recording, held_out_set, recording, spoken_set
from tests.bench import smart_turn
from tests.bench.figures import median, ms, show
from tests.bench.sound_time import Timed, in_sound_time
from tests.bench.turn_ends import Ended, fixed, play
from tests.spoken import FRAME

CALLS = 20
SETS = (spoken_set(), held_out_set())
ONE_IN = 8
CALL_S = 10.0


def percentile(values: Sequence[float], percent: float) -> float:
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))]


# ── the end of a turn ───────────────────────────────────────────────────────────────────


async def turn_ends(tuned: Sequence[Recording], held_out: Sequence[Recording]) -> None:
    """Ours, in the time of the sound, on both sets; timers, loudness and Smart Turn on the one nobody tuned on."""
    models = local_models(Path("/nonexistent"))
    if not models or missing_libraries():
        sys.stdout.write("no local recogniser is installed: the wait at the end of a turn is not measured\n")
        return
    engine = Timed(models[0])
    await measure("ours, tuned", tuned, engine, STRATEGIES, split=True)
    await measure("ours, held out", held_out, engine, STRATEGIES, split=True)
    await measure("timer of 0.5 s", held_out, engine, (fixed(0.5),))
    await measure("timer of 1.1 s", held_out, engine, (fixed(1.1),))
    await measure("ours, by loudness", held_out, engine, STRATEGIES, silero=False)
    if path := smart_turn.installed():
        model = smart_turn.SmartTurn(path)
        for name, vote in smart_turn.VOTES.items():
            judged = smart_turn.judged(lambda: bytes(engine.sounds[-1]), model, vote)
            await measure(f"Smart Turn {name}", held_out, engine, (*STRATEGIES, judged))
        show("Smart Turn, of the processor at a pause", ms(median(model.seconds)))
    else:
        sys.stdout.write("Smart Turn is not installed (tests/bench/smart_turn.py): not compared\n")
    looks = [seconds for _, seconds in engine.known.values()]
    show("recognition at a pause, on idle cores", ms(median(looks)))


async def measure(
    name: str,
    turns: Sequence[Recording],
    engine: Timed,
    strategies: Sequence[Strategy],
    *,
    silero: bool = True,
    split: bool = False,
) -> None:
    """One way to find the end, on one set; ``split``: each language too."""
    ended = [await play(one, engine, strategies, silero=silero) for one in turns]
    for language in ("", "en", "zh", "ja") if split else ("",):
        tell_ends(f"{name} {language}".strip(), [e for e in ended if language in ("", e.recording.turn.language)])


def tell_ends(name: str, ended: Sequence[Ended]) -> None:
    waits = [one.wait_s for one in ended if one.wait_s is not None]
    cut = sum(one.cuts > 0 for one in ended)
    lost = max(one.lost_s for one in ended)
    figure = f"{median(waits) * 1000:.0f} / {percentile(waits, 95) * 1000:.0f} ms"
    aim = f"≤ 500 ms, ≤ 5 %, 0; cut {cut} of {len(ended)} ({cut / len(ended):.0%}), start lost {lost * 1000:.0f} ms"
    show(f"end of turn, median / p95: {name}", figure, "", None, aim)


# ── many calls ──────────────────────────────────────────────────────────────────────────


class Arrivals:
    """A recogniser that notes when how much sound of each call has come. ``calls``: (moment, bytes so far)."""

    capabilities = HearingCapabilities("arrivals", local=False)

    def __init__(self) -> None:
        self.calls: dict[str, list[tuple[float, int]]] = {}

    async def prewarm(self) -> None:
        """Nothing to load."""

    def begin(self, utterance_id: str, hints: HearingHints) -> Arriving:
        return Arriving(utterance_id, self.calls.setdefault(hints.vocabulary[0], []))

    async def aclose(self) -> None:
        """Nothing is held."""


class Arriving:
    def __init__(self, utterance_id: str, arrived: list[tuple[float, int]]) -> None:
        self._id = utterance_id
        self._arrived = arrived

    def feed(self, pcm: bytes) -> None:
        so_far = self._arrived[-1][1] if self._arrived else 0
        self._arrived.append((time.monotonic(), so_far + len(pcm)))

    async def partial(self) -> Heard:
        return Heard(self._id, "words", False)

    async def finish(self) -> Heard:
        return Heard(self._id, "words", True)

    def cancel(self) -> None:
        """Nothing runs."""


async def many_calls() -> None:
    """From the frame that completes a window of voice activity to the recogniser having it."""
    one, _ = await delays(1)
    all_of_them, busy = await delays(CALLS)
    for percent in (50, 99):
        delay, floor = percentile(all_of_them, percent), percentile(one, percent)
        aim = "≤ 5 ms" if percent == 99 else ""
        show(f"frame → recogniser, {CALLS} calls, p{percent}", ms(delay), ms(floor), delay / floor, aim)
    detector = voice_activity.detector(silero=voice_activity.silero_installed())
    began = time.process_time()
    for _ in range(round(CALL_S / voice_activity.WINDOW_S)):
        detector.probability(bytes(voice_activity.WINDOW_BYTES))
    alone = (time.process_time() - began) / CALL_S
    share = busy / CALLS / CALL_S
    show("processor for one call, of a core", f"{share:.1%}", f"{alone:.1%}", share / alone)


async def delays(calls: int) -> tuple[list[float], float]:
    """Seconds for each window of each call; processor seconds of it all."""
    hearing = Arrivals()
    async with server(hearing, calls) as url:
        began = time.process_time()
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.microphones", url, str(calls), str(CALL_S)),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await child.communicate()
        busy = time.process_time() - began
    sent = json.loads(out)
    found = []
    for number in range(calls):
        for moment, so_far in hearing.calls[f"c{number}"]:
            frame = (so_far - 1) // FRAME
            if frame < len(sent[number]):
                found.append(moment - sent[number][frame])
    return found, busy


@asynccontextmanager
async def server(hearing: HearingEngine, characters: int) -> AsyncIterator[str]:
    """A whole Neko in this process, with characters called c0, c1, …"""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config"
        config.mkdir()
        cards = {f"c{number}": {"system_prompt": f"You are c{number}."} for number in range(characters)}
        people = {"主人": {"档案名": "Sam"}, "猫娘": cards, "当前猫娘": "c0"}
        (config / "characters.json").write_text(json.dumps(people), encoding="utf-8")
        settings = Settings(data_dir=Path(folder), port=0, environ={"LANG": "en"}, find_local_servers=False)
        with listen(settings.host, settings.port) as listener:
            async with Neko(settings, hearing=hearing) as neko, serving(neko, listener):
                yield f"ws://127.0.0.1:{listener.port}"


def main(wanted: Sequence[str]) -> None:
    whole = not {"ends", "many"} & set(wanted)
    if whole or "many" in wanted:
        asyncio.run(many_calls())
    if whole or "ends" in wanted:
        sets = [turns if "all" in wanted else turns[::ONE_IN] for turns in SETS]
        said = sum(map(len, sets))
        sys.stdout.write(
            f"{said} of {sum(map(len, SETS))} turns are played; those never heard before are spoken first\n"
        )
        sys.stdout.flush()
        tuned, held_out = ([recording(turn, lead_s=0.5, tail_s=1.7) for turn in turns] for turns in sets)
        in_sound_time(turn_ends(tuned, held_out))


if __name__ == "__main__":
    main(sys.argv[1:])
