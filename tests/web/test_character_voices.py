"""Voices that cards name and that are kept in the library, over real HTTP and real files."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import httpx2

from neko.application import Neko

CHARACTERS = "/api/characters"
VOICE = f"{CHARACTERS}/catgirl/voice_id/Mio"


async def test_a_voice_is_kept_named_by_a_card_and_gone_from_it_when_it_is_removed(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    added = {"voice_id": "v-1", "voice_data": {"prefix": "soft"}}
    assert (await client.post(f"{CHARACTERS}/voices", json=added)).json()["success"] is True
    found = (await client.get(f"{CHARACTERS}/voices")).json()
    assert found["voices"]["v-1"].items() >= {"voice_id": "v-1", "prefix": "soft"}.items()
    assert found["free_voices"] == {}
    answer = await client.put(VOICE, json={"voice_id": "v-1"})
    assert answer.json() == {"success": True, "session_restarted": False}
    assert neko.characters.cards.voice("Mio") == "v-1"
    assert (await client.delete(f"{CHARACTERS}/voices/v-1")).json()["success"] is True
    assert neko.characters.cards.voice("Mio") == ""
    assert "v-1" not in (data_dir / "config/voice_storage.json").read_text(encoding="utf-8")
    assert (await client.delete(f"{CHARACTERS}/voices/v-1")).status_code == 404


async def test_voices_of_every_key_count_and_no_key_is_told(client: httpx2.AsyncClient, data_dir: Path) -> None:
    stored = {"sk-secret-1": {"a": {"prefix": "x"}}, "sk-secret-2": {"b": {}}, "odd": 1}
    (data_dir / "config/voice_storage.json").write_text(json.dumps(stored), encoding="utf-8")
    answer = await client.get(f"{CHARACTERS}/voices")
    assert answer.json()["voices"] == {"a": {"prefix": "x", "voice_id": "a"}, "b": {"voice_id": "b"}}
    assert "secret" not in answer.text
    await client.delete(f"{CHARACTERS}/voices/a")
    kept = json.loads((data_dir / "config/voice_storage.json").read_text(encoding="utf-8"))
    assert kept == stored | {"sk-secret-1": {}}


async def test_a_voice_that_nobody_has_is_refused_and_an_empty_one_takes_it_away(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    await client.post(f"{CHARACTERS}/voices", json={"voice_id": "v-1", "voice_data": {}})
    answer = await client.put(VOICE, json={"voice_id": "v-9"})
    assert (answer.status_code, answer.json()["available_voices"]) == (400, ["v-1"])
    assert (await client.put(VOICE, json={})).status_code == 400
    assert (await client.put(f"{VOICE}x", json={"voice_id": ""})).status_code == 404
    await client.put(VOICE, json={"voice_id": "v-1"})
    unregister = f"{CHARACTERS}/catgirl/Mio/unregister_voice"
    assert (await client.post(unregister)).json()["success"] is True
    assert neko.characters.cards.voice("Mio") == ""
    assert (await client.post(unregister)).status_code == 400


async def test_a_page_learns_whether_somebody_is_in_a_call(client: httpx2.AsyncClient) -> None:
    nobody = {"is_voice_mode": False, "is_current": False, "is_active": False}
    answers = {
        name: (await client.get(f"{CHARACTERS}/catgirl/{name}/voice_mode_status")).json() for name in ("Mio", "X")
    }
    assert answers == {"Mio": nobody | {"is_current": True}, "X": nobody}


async def test_a_voice_is_heard_before_it_is_chosen(client: httpx2.AsyncClient) -> None:
    await client.post("/api/speech", json={"engine": "builtin"})
    voices = (await client.get("/api/speech/voices", params={"engine": "builtin"})).json()["voices"]
    answer = await client.get(f"{CHARACTERS}/voice_preview", params={"voice_id": voices[0]["name"]})
    assert answer.json()["mime_type"] == "audio/wav"
    assert base64.b64decode(answer.json()["audio"])[:4] == b"RIFF"
    assert (await client.get(f"{CHARACTERS}/voice_preview")).status_code == 422


async def test_a_window_has_a_title_only_where_one_can_be_asked_for(client: httpx2.AsyncClient) -> None:
    answer = (await client.get("/api/get_window_title")).json()
    assert answer["success"] is (answer["window_title"] is not None)
