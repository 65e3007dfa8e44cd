"""Where models stand on the page [rest 2.1]."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from neko.application import Neko

URL = "/api/config/preferences"
FULL: dict[str, Any] = {
    "model_path": "/static/a/a.model3.json",
    "position": {"x": 1200.0, "y": 620.0},
    "scale": {"x": 0.2, "y": 0.2},
    "parameters": {"ParamAngleX": 0.0},
    "display": {"screenX": 0, "screenY": 0},
    "rotation": {"x": 0, "y": 0, "z": 0},
    "viewport": {"width": 1920, "height": 1080},
    "camera_position": {"x": 0, "y": 1, "z": 3},
}


def entry(path: str, **more: Any) -> dict[str, Any]:
    return {"model_path": path, "position": {"x": 1.0, "y": 2.0}, "scale": {"x": 1.0, "y": 1.0}, **more}


async def test_at_first_there_are_none(client: httpx2.AsyncClient) -> None:
    answer = await client.get(URL)
    assert (answer.status_code, answer.json()) == (200, [])


async def test_a_place_comes_back_as_it_was_stored_and_a_new_one_comes_first(client: httpx2.AsyncClient) -> None:
    vrm = entry("/user_vrm/b.vrm", position={"x": 0.0, "y": 0.0, "z": 1.5})
    for body in (FULL, vrm):
        answer = await client.post(URL, json=body)
        assert (answer.status_code, answer.json()["success"]) == (200, True)
        assert "message" in answer.json()
    assert (await client.get(URL)).json() == [vrm, FULL]


async def test_what_is_left_out_keeps_its_stored_value_and_place(client: httpx2.AsyncClient) -> None:
    await client.post(URL, json=FULL)
    await client.post(URL, json=entry("other"))
    await client.post(URL, json={**entry(FULL["model_path"]), "display": {"screenX": 9}})
    stored = (await client.get(URL)).json()
    assert [one["model_path"] for one in stored] == ["other", FULL["model_path"]]
    assert stored[1] == {**FULL, **entry(FULL["model_path"]), "display": {"screenX": 9}}


@pytest.mark.parametrize("viewport", ["big", {"width": 0, "height": 5}, {"width": 5}, [], None])
async def test_an_invalid_viewport_is_left_out_in_silence(client: httpx2.AsyncClient, viewport: object) -> None:
    await client.post(URL, json=FULL)
    answer = await client.post(URL, json={**FULL, "viewport": viewport})
    assert answer.json()["success"] is True
    assert (await client.get(URL)).json()[0]["viewport"] == FULL["viewport"]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"model_path": ""},
        {**FULL, "position": {"x": 1}},
        {**FULL, "scale": None},
        {**FULL, "parameters": [1]},
        {**FULL, "position": {"x": "far", "y": 1}},
    ],
)
async def test_every_failure_is_status_200_with_an_error(client: httpx2.AsyncClient, broken: dict[str, Any]) -> None:
    answer = await client.post(URL, json=broken)
    assert answer.status_code == 200
    assert answer.json()["success"] is False
    assert answer.json()["error"]
    assert (await client.get(URL)).json() == []


async def test_a_model_can_be_put_first(client: httpx2.AsyncClient) -> None:
    for path in ("a", "b", "c"):
        await client.post(URL, json=entry(path))
    answer = await client.post(f"{URL}/set-preferred", json={"model_path": "a"})
    assert answer.json()["success"] is True
    assert [one["model_path"] for one in (await client.get(URL)).json()] == ["a", "c", "b"]


@pytest.mark.parametrize("body", [{"model_path": "unknown"}, {}])
async def test_an_unknown_model_cannot_be_put_first(client: httpx2.AsyncClient, body: dict[str, str]) -> None:
    answer = await client.post(f"{URL}/set-preferred", json=body)
    assert (answer.status_code, answer.json()["success"]) == (200, False)


async def test_a_single_object_of_an_older_file_is_read_as_a_list(client: httpx2.AsyncClient, neko: Neko) -> None:
    """[config 1]"""
    neko.folder.config("user_preferences.json").write_text('{"model_path": "old", "x": 1}', encoding="utf-8")
    assert (await client.get(URL)).json() == [{"model_path": "old", "x": 1}]


async def test_a_damaged_file_reads_as_none_and_is_kept_aside(client: httpx2.AsyncClient, neko: Neko) -> None:
    file = neko.folder.config("user_preferences.json")
    file.write_text("[{", encoding="utf-8")
    assert (await client.get(URL)).json() == []
    kept = [one for one in file.parent.iterdir() if one.name.startswith("user_preferences.json.damaged-")]
    assert [one.read_text(encoding="utf-8") for one in kept] == ["[{"]


async def test_places_stored_at_once_are_all_kept(client: httpx2.AsyncClient) -> None:
    paths = {f"model {number}" for number in range(12)}
    answers = await asyncio.gather(*(client.post(URL, json=entry(path)) for path in paths))
    assert all(answer.json()["success"] for answer in answers)
    assert {one["model_path"] for one in (await client.get(URL)).json()} == paths
