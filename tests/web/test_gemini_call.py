"""A call with Gemini through the whole of Neko: ``coreApi`` chooses it, the page hears it and may type."""

from __future__ import annotations

import json
from pathlib import Path

from neko.application import Neko
from neko.serve import listen, serving
from neko.settings import Settings
from tests.client import client, is_turn_end, text_of, types_of
from tests.scripted_gemini import ScriptedGemini
from tests.scripted_provider import tone
from tests.scripted_realtime import Turn

NAME = "Mio"
RATE = 16_000


async def test_it_is_called_typed_to_and_remembered(data_dir: Path) -> None:
    async with ScriptedGemini() as provider:
        provider.script(Turn(hears="what time is it", deltas=["Noon."]), Turn(deltas=["Yes, ", "really."]))
        endpoint = provider.endpoint
        custom = {"enableCustomApi": True, "omniModelUrl": endpoint.base_url, "omniModelId": "scripted-voice"}
        config = {"coreApi": "gemini", **custom, "omniModelApiKey": "k"}
        (data_dir / "config").mkdir(parents=True, exist_ok=True)
        (data_dir / "config" / "core_config.json").write_text(json.dumps(config), encoding="utf-8")
        settings = Settings(data_dir=data_dir, port=0, environ={"LANG": "en"}, find_local_servers=False)
        with listen(settings.host, settings.port) as door:
            async with (
                Neko(settings) as neko,
                serving(neko, door),
                client(f"ws://127.0.0.1:{door.port}", NAME) as page,
            ):
                await page.send("start_session", input_type="audio", audio_format="pcm16", sample_rate=RATE)
                await page.until("session_started")
                sound = tone(0.4, hertz=180, rate=RATE) + bytes(2 * round(0.6 * RATE))
                for at in range(0, len(sound), 640):
                    await page.connection.send(sound[at : at + 640])
                seen = await page.until("neko_speech_end")
                assert text_of(seen) == "Noon."
                assert {"user_transcript", "audio_chunk"} <= set(types_of(seen))
                await page.send("stream_data", input_type="text", data="really?")
                assert text_of(await page.until(is_turn_end)) == "Yes, really."
                lines = [(line.role, line.text) for line in await neko.memory.lines(NAME)]
                assert lines[0] == ("user", "what time is it")
                assert lines[-1] == ("assistant", "Yes, really.")
                assert len(provider.last.heard) >= 0.4 * 2 * RATE
