"""Calls as N.E.K.O.'s own page holds them, by both of its buttons, through all of Neko: over a provider's voice model
and over a text model that is given ears and a voice."""

from __future__ import annotations

import json
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest

from neko.application import Neko
from neko.audio.resample import PcmStream
from neko.serve import listen, serving
from neko.settings import Settings
from neko.types.hearing import HEARING_RATE
from tests.client import Client, client, is_turn_end, text_of, types_of
from tests.scripted_hearing import ScriptedHearing, Words
from tests.scripted_provider import ScriptedProvider
from tests.scripted_realtime import KEY, ScriptedRealtime, Turn
from tests.spoken import quiet, spoken

NAME = "Mio"
SAID = "Hello, can you hear me?"
DESKTOP, MOBILE = 480, 512
"""Samples of a frame, at 48 and at 16 kHz (``contract/websocket.md`` §5.1)."""

Way = Literal["direct", "text"]


@asynccontextmanager
async def neko_answering(data_dir: Path, way: Way) -> AsyncIterator[str]:
    """Where a Neko is whose calls go this way."""
    async with ScriptedRealtime() as voice, ScriptedProvider() as text:
        voice.always = Turn(hears=SAID, deltas=("I hear you ", "well."))
        text.script(["I hear you well."])
        config = {
            "coreApi": "openai",
            "enableCustomApi": True,
            "omniModelUrl": voice.url,
            "omniModelId": "scripted-voice",
            "omniModelApiKey": KEY,
            "conversationModelUrl": text.base_url,
            "conversationModelId": "scripted-1",
            "conversationModelApiKey": "sk-text",
            "neko": {"call": {"way": way}, "speech": {"engine": "builtin"}},
        }
        folder = data_dir / "config"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "core_config.json").write_text(json.dumps(config), encoding="utf-8")
        settings = Settings(data_dir=data_dir, port=0, environ={"LANG": "en"}, find_local_servers=False)
        with listen(settings.host, settings.port) as door:
            async with Neko(settings, hearing=ScriptedHearing(Words(SAID))) as neko, serving(neko, door):
                yield f"ws://127.0.0.1:{door.port}"


async def speak(page: Client, samples: int, *, is_started: bool) -> None:
    """Speech and the quiet after it, in frames of JSON as a desktop or a phone sends them."""
    sound = quiet(0.3) + await spoken(SAID) + quiet(1.6)
    if samples == DESKTOP:
        converter = PcmStream(HEARING_RATE)
        sound = converter.process(sound) + converter.flush()
    frames = array("h", sound)
    for number, at in enumerate(range(0, len(frames) - samples, samples)):
        await page.send("stream_data", input_type="audio", data=frames[at : at + samples].tolist())
        if number == 4 and not is_started:
            await page.until("session_started")  # all of it at once is more than is kept until then


@pytest.mark.contract("ws-2-audio-unasked", "ws-9.4", "ws-4.4")
@pytest.mark.parametrize("samples", [DESKTOP, pytest.param(MOBILE, marks=pytest.mark.long)])
@pytest.mark.parametrize("is_started", [True, False], ids=["with a start", "with frames"])
@pytest.mark.parametrize("way", ["direct", "text"])
async def test_both_buttons_hold_a_call_and_her_sound_comes_as_a_header_and_a_frame(
    data_dir: Path, way: Way, is_started: bool, samples: int
) -> None:
    async with neko_answering(data_dir, way) as url, client(url, NAME) as page:
        if is_started:
            await page.send("start_session", input_type="audio")
            await page.until("session_started")
        await speak(page, samples, is_started=is_started)
        await page.until(is_turn_end)
        if "neko_speech_end" not in types_of(page.frames):
            await page.until("neko_speech_end")
        seen = page.frames
        kinds = types_of(seen)
        assert {"type": "session_started", "input_mode": "audio"} in seen
        assert kinds.index("session_started") < kinds.index("user_transcript") < kinds.index("gemini_response")
        assert next(frame["text"] for frame in seen if frame["type"] == "user_transcript") == SAID
        assert text_of(seen) == "I hear you well."
        binary = [place for place, kind in enumerate(kinds) if kind == "binary"]
        assert binary, "she is heard"
        for place in binary:
            header = seen[place - 1]
            assert header["type"] == "audio_chunk"
            assert isinstance(header["speech_id"], str)
            assert len(seen[place]["data"]) % 2 == 0
        assert sum(len(seen[place]["data"]) for place in binary) > 0.3 * 96_000, "PCM16 at 48 kHz"
        assert max(array("h", b"".join(seen[place]["data"] for place in binary))) > 500
