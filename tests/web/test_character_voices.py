"""The voice that a card names, as N.E.K.O.'s pages set it [rest 3.3]."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from neko.application import Neko

CARD: dict[str, Any] = {"性格": "calm", "voice_id": "v-1"}


@pytest.fixture
async def name(neko: Neko) -> str:
    """A character with a card of these fields, who is the current one."""
    await neko.characters.edit(lambda raw: raw["猫娘"].update({"Mio": dict(CARD)}))
    await neko.characters.select("Mio")
    return "Mio"


def card_of(neko: Neko, name: str) -> dict[str, Any]:
    return dict(neko.characters.cards.card(name))


async def test_a_voice_is_taken_away_and_an_unknown_one_refused(
    client: httpx2.AsyncClient, neko: Neko, name: str
) -> None:
    """[rest 3.3]"""
    path = f"/api/characters/catgirl/voice_id/{name}"
    refused = await client.put(path, json={"voice_id": "nobody"})
    assert (refused.status_code, refused.json()["available_voices"]) == (400, [])
    assert (await client.put(path, json={})).status_code == 400
    kept = await client.put(path, json={"voice_id": "v-1"})
    assert kept.json() == {"success": True, "session_restarted": False}
    assert (await client.post(f"/api/characters/catgirl/{name}/unregister_voice")).json()["success"]
    assert card_of(neko, name) == {key: value for key, value in CARD.items() if key != "voice_id"}
    assert (await client.post(f"/api/characters/catgirl/{name}/unregister_voice")).status_code == 400


async def test_who_is_in_a_call_is_told_also_of_nobody(client: httpx2.AsyncClient, name: str) -> None:
    """[rest 3.3]"""
    for asked, is_current in ((name, True), ("nobody", False)):
        answer = await client.get(f"/api/characters/catgirl/{asked}/voice_mode_status")
        assert answer.json() == {"is_voice_mode": False, "is_current": is_current, "is_active": False}
