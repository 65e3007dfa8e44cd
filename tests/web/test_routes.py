"""What a page asks while it loads, and what it gets [ws 7, rest 2]."""

from __future__ import annotations

import json
import logging

import httpx2
import pytest

from neko.application import Neko
from neko.language import LANGUAGES


async def test_health_names_the_service_and_the_process(client: httpx2.AsyncClient, neko: Neko) -> None:
    """[rest 2]"""
    answer = await client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"app": "N.E.K.O", "service": "main", "status": "ok", "instance_id": neko.instance_id}


async def test_a_closing_page_shuts_nothing_down_whatever_it_sends(client: httpx2.AsyncClient) -> None:
    """[rest 2]"""
    body = json.dumps({"timestamp": 1, "action": "shutdown"})
    answer = await client.post(
        "/api/beacon/shutdown", content=body, headers={"content-type": "text/plain;charset=UTF-8"}
    )
    assert answer.status_code == 200
    assert answer.json() is None
    assert (await client.get("/health")).status_code == 200


async def test_page_config_names_the_current_character(client: httpx2.AsyncClient, neko: Neko) -> None:
    """[rest 2.1, ws 7 row 3]"""
    expected = {"success": True, "lanlan_name": neko.characters.current, "model_path": "", "model_type": "live2d"}
    assert (await client.get("/api/config/page_config")).json() == expected
    assert (await client.get("/api/config/page_config?lanlan_name=")).json() == expected


async def test_page_config_of_an_unknown_name_still_succeeds(client: httpx2.AsyncClient) -> None:
    """[rest 2.1]"""
    answer = (await client.get("/api/config/page_config", params={"lanlan_name": "谁"})).json()
    assert (answer["success"], answer["lanlan_name"]) == (True, "谁")


@pytest.mark.parametrize(
    ("vrm", "path"),
    [("/user_vrm/a.vrm", "/user_vrm/a.vrm"), ("https://a.example/b.vrm", "https://a.example/b.vrm"), ("a.vrm", "")],
)
async def test_page_config_passes_on_the_vrm_address_of_a_card(
    client: httpx2.AsyncClient, neko: Neko, vrm: str, path: str
) -> None:
    """[rest 2.1]"""
    name = neko.characters.current
    await neko.characters.edit(lambda raw: raw["猫娘"][name].update(model_type="vrm", vrm=vrm))
    answer = (await client.get("/api/config/page_config")).json()
    assert (answer["model_type"], answer["model_path"]) == ("vrm", path)


async def test_the_page_words_follow_the_browser_without_steam(client: httpx2.AsyncClient) -> None:
    """[rest 2.1, ws 7 row 5]"""
    answer = await client.get("/api/config/steam_language", headers={"accept-language": "ja-JP,en;q=0.5"})
    assert answer.json() == {
        "success": True,
        "steam_language": None,
        "i18n_language": "ja",
        "ip_country": None,
        "is_mainland_china": False,
    }


async def test_the_helplines_of_all_regions_are_named_in_the_readers_language(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/api/helplines", headers={"accept-language": "ja"})
    medical = answer.json()["regions"]["US"]["medical"]
    assert medical[0] == {"number": "911", "name": "緊急", "hours": "", "url": ""}


async def test_a_chosen_language_wins_over_the_browser_and_can_be_taken_back(client: httpx2.AsyncClient) -> None:
    """[rest 2.1, ws 7 rows 5 and 7]"""
    french = {"accept-language": "ja"}
    before = (await client.get("/api/language", headers=french)).json()
    assert before == {"language": None, "effective": "ja", "languages": list(LANGUAGES)}
    chosen = await client.post("/api/language", json={"language": "zh-TW"}, headers=french)
    assert chosen.json()["effective"] == "zh-TW"
    assert (await client.get("/api/config/steam_language", headers=french)).json()["i18n_language"] == "zh-TW"
    assert (await client.get("/api/config/user_language")).json() == {"success": True, "language": "zh"}
    back = await client.post("/api/language", json={"language": None}, headers=french)
    assert back.json() == before


async def test_a_language_nobody_here_speaks_is_refused(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/api/language", json={"language": "fr"})).status_code == 422


@pytest.mark.parametrize("path", ["/api/characters", "/api/characters/"])
async def test_the_characters_file_is_answered_unchanged_on_both_addresses(
    client: httpx2.AsyncClient, neko: Neko, path: str
) -> None:
    """[rest 3.1, ws 7 row 11]"""
    await neko.characters.edit(lambda raw: raw.update({"somebody's key": [1, None, {"深": "い"}]}))
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.text == json.dumps(neko.characters.cards.raw(), ensure_ascii=False, separators=(",", ":"))


async def test_a_character_is_chosen_by_name(client: httpx2.AsyncClient, neko: Neko) -> None:
    """[rest 3.1]"""
    await neko.characters.edit(lambda raw: raw["猫娘"].update({"测试": {}}))
    answer = await client.post("/api/characters/current_catgirl", json={"catgirl_name": "测试"})
    assert answer.json() == {"success": True}
    assert (await client.get("/api/characters/current_catgirl")).json() == {"current_catgirl": "测试"}


@pytest.mark.parametrize(("name", "status"), [("", 400), ("  ", 400), ("nobody", 404)])
async def test_a_character_that_is_not_there_is_not_chosen(
    client: httpx2.AsyncClient, neko: Neko, name: str, status: int
) -> None:
    """[rest 3.1]"""
    before = neko.characters.current
    answer = await client.post("/api/characters/current_catgirl", json={"catgirl_name": name})
    assert answer.status_code == status
    assert answer.json()["success"] is False
    assert answer.json()["error"]
    assert neko.characters.current == before


@pytest.mark.parametrize("device", ["a1b2", None, {"any": "value"}])
async def test_the_microphone_is_remembered_as_it_was_sent(
    client: httpx2.AsyncClient, neko: Neko, device: object
) -> None:
    """[rest 3.4, ws 7.1]"""
    assert (await client.get("/api/characters/get_microphone")).json() == {"microphone_id": None}
    answer = await client.post("/api/characters/set_microphone", json={"microphone_id": device})
    assert answer.json() == {"success": True}
    assert (await client.get("/api/characters/get_microphone")).json() == {"microphone_id": device}
    assert neko.characters.cards.raw()["当前麦克风"] == device


async def test_everything_about_the_agent_is_off_and_each_snapshot_is_newer(client: httpx2.AsyncClient) -> None:
    """[rest 7, ws 3.3, ws 7 rows 8 and 16]"""
    health = await client.get("/api/agent/health")
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert health.json()["tool"] == (await client.get("/agent/health")).json()
    flags = (await client.get("/api/agent/flags")).json()
    assert flags["success"] is True
    assert set(flags["agent_flags"].values()) == {False}
    assert flags["analyzer_enabled"] is False
    assert flags["agent_api_gate"]["ready"] is False
    revisions = [flags["revision"]]
    for _ in range(3):
        state = (await client.get("/api/agent/state")).json()
        snapshot = state["snapshot"]
        assert state["success"] is True
        assert (snapshot["server_online"], snapshot["active_tasks"]) == (True, [])
        assert snapshot["flags"] == flags["agent_flags"], "what could be used is off until it is switched on"
        assert all(ability["ready"] or ability["reason"] for ability in snapshot["capabilities"].values()), snapshot
        revisions.append(snapshot["revision"])
    assert revisions == sorted(set(revisions))
    assert max(revisions) < 2**53


@pytest.mark.parametrize("path", ["/api/steam/update-playtime", "/api/steam/set-achievement-status/ACH_MEOW_100"])
async def test_steam_calls_say_that_there_is_no_steam(client: httpx2.AsyncClient, path: str) -> None:
    """[rest 12, ws 7 row 4]"""
    answer = await client.post(path, json={"seconds": 10})
    assert answer.status_code == 503
    assert answer.json()["success"] is False


async def test_a_page_learns_where_vrm_models_would_be(client: httpx2.AsyncClient) -> None:
    """[ws 7 row 10]"""
    assert (await client.get("/api/model/vrm/config")).json() == {
        "success": True,
        "paths": {"user_vrm": "/user_vrm", "static_vrm": "/static/vrm", "static_animation": "/static/vrm/animation"},
    }


async def test_there_is_no_live2d_model_to_tell_about(client: httpx2.AsyncClient) -> None:
    """[ws 7 rows 14 and 15]"""
    mapping = await client.get("/api/live2d/emotion_mapping/mao_pro")
    assert (mapping.status_code, mapping.json()["success"]) == (404, False)
    assert (await client.get("/api/live2d/load_model_parameters/mao_pro")).json()["success"] is False


@pytest.mark.parametrize(
    ("text", "emotion"), [("I am so happy, this is wonderful!", "happy"), ("The train leaves at nine.", "neutral")]
)
async def test_a_text_has_a_feeling(client: httpx2.AsyncClient, text: str, emotion: str) -> None:
    """[rest 9, ws 7.1]"""
    answer = await client.post("/api/emotion/analysis", json={"text": text, "lanlan_name": "x"})
    assert answer.json()["emotion"] == emotion
    assert 0 <= answer.json()["confidence"] <= 1


async def test_a_feeling_without_text_is_an_error_with_status_200(client: httpx2.AsyncClient) -> None:
    """[rest 9]"""
    answer = await client.post("/api/emotion/analysis", json={"lanlan_name": "x"})
    assert answer.status_code == 200
    assert answer.json()["error"]


async def test_metrics_are_a_snapshot(client: httpx2.AsyncClient, neko: Neko) -> None:
    neko.metrics.histogram("turn.turn_end").record(0.5)
    assert (await client.get("/api/metrics")).json() == neko.metrics.snapshot()


async def test_an_unknown_path_of_several_segments_is_json_404(client: httpx2.AsyncClient) -> None:
    """[rest 1]"""
    answer = await client.get("/api/nothing/here")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


async def test_a_wrong_method_is_json_405_and_names_the_right_ones(client: httpx2.AsyncClient) -> None:
    """[rest 1]"""
    answer = await client.put("/api/config/preferences", json={})
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert {"GET", "POST"} <= set(answer.headers["allow"].replace(" ", "").split(","))


async def test_a_crash_tells_a_sentence_and_nothing_of_the_inside(
    client: httpx2.AsyncClient, neko: Neko, caplog: pytest.LogCaptureFixture
) -> None:
    neko.metrics = None  # type: ignore[assignment]
    answer = await client.get("/api/metrics")
    assert answer.status_code == 500
    assert (answer.json()["success"], answer.json()["code"]) == (False, "internal")
    assert "NoneType" not in answer.text
    assert "GET /api/metrics crashed" in caplog.text


# ── what the original page asks besides ─────────────────────────────────────────────────


async def test_what_needs_steam_is_503_and_no_error_of_ours(
    client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """[rest 12]"""
    for method, path in (
        ("GET", "/api/steam/workshop/subscribed-items"),
        ("POST", "/api/steam/update-playtime"),
        ("POST", "/api/steam/set-achievement-status/ACH_FIRST_DIALOGUE"),
    ):
        answer = await client.request(method, path)
        assert (answer.status_code, answer.json()["success"]) == (503, False)
        assert answer.json()["error"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_character_has_no_live2d_model_and_the_page_is_told_so(client: httpx2.AsyncClient, neko: Neko) -> None:
    """[rest 3.2, ws 7.1]"""
    name = neko.characters.current
    await neko.characters.edit(lambda raw: raw["猫娘"][name].update(live2d="mao_pro"))
    path = "/api/characters/current_live2d_model"
    expected = {"success": True, "catgirl_name": name, "model_name": "mao_pro", "model_info": None}
    assert (await client.get(path)).json() == expected
    assert (await client.get(path, params={"catgirl_name": name, "item_id": ""})).json() == expected
    assert (await client.get(path, params={"catgirl_name": "谁"})).json()["success"] is True


async def test_the_voices_of_all_cards_can_be_cleared(client: httpx2.AsyncClient, neko: Neko) -> None:
    """[rest 3.3]"""
    name = neko.characters.current
    await neko.characters.edit(lambda raw: raw["猫娘"][name].update(voice_id="v-1", 性格="calm"))
    for count in (1, 0):
        answer = (await client.post("/api/characters/clear_voice_ids")).json()
        assert (answer["success"], answer["cleared_count"]) == (True, count)
    card = neko.characters.cards.card(name)
    assert (card["voice_id"], card["性格"]) == ("", "calm")
