"""Whom to call: the data of Neko, the user's own file over it, and where a language tag says that somebody is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from neko.language import LANGUAGES
from neko.safety import Danger, Helplines, region_of, words
from neko.settings import ASSETS

DATA = json.loads((ASSETS / "safety" / "helplines.json").read_text(encoding="utf-8"))
WANTED = set("US CA GB IE AU NZ IN SG HK MO CN TW JP KR DE AT CH FR ES IT NL BR MX".split())  # noqa: SIM905


@pytest.mark.parametrize("region", DATA["regions"])
def test_every_region_has_an_emergency_number_and_every_number_can_be_dialled(region: str) -> None:
    table = DATA["regions"][region]
    assert set(table) <= {"emergency", *(danger.value for danger in Danger)}
    reached = {line["name"] for line in table["emergency"]}
    assert "any" in reached or {"ambulance", "police"} <= reached
    for kind, lines in table.items():
        for line in lines:
            assert re.fullmatch(r"#?[\d][\d -]+", line["number"]), line
            assert kind == "emergency" or (line["url"].startswith("https://") and line["name"]), line


def test_the_regions_of_our_readers_are_there_and_the_data_says_of_when_it_is() -> None:
    assert set(DATA["regions"]) >= WANTED
    assert re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", DATA["checked"])


@pytest.mark.parametrize("danger", Danger)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_danger_can_be_answered_in_every_language(language: str, danger: Danger) -> None:
    for region in (*DATA["regions"], None):
        found = Helplines().of(danger, region)
        sentence = words(language).whom(found)
        assert "{" not in sentence
        assert (found.emergency[0].number if region else "findahelpline.com") in sentence
    assert words(language).card[danger]
    assert all(before and after for before, after in words(language).replies[danger])


def test_the_users_region_comes_before_the_browsers_and_what_it_does_not_name_stays(tmp_path: Path) -> None:
    own = tmp_path / "helplines.json"
    own.write_text(json.dumps({"region": "de", "regions": {"DE": {"minor": [{"number": "1", "name": "Oma"}]}}}))
    lines = Helplines(own)
    assert lines.of(Danger.MINOR, "US").lines[0].name == "Oma"
    assert lines.of(Danger.MINOR, "US").emergency[0].number == "110"
    assert lines.of(Danger.SELF_HARM, "US").lines[0].number == "0800 1110111"


def test_who_says_where_they_are_is_told_the_same_as_who_is_known_to_be_there(tmp_path: Path) -> None:
    own = tmp_path / "helplines.json"
    own.write_text(json.dumps({"regions": {"KE": {"emergency": [{"number": "999"}]}}}))
    lines = Helplines(own)
    everywhere = lines.everywhere()
    assert set(everywhere) == {*DATA["regions"], "KE"}
    for region, helps in everywhere.items():
        assert helps == [lines.of(danger, region) for danger in Danger]


@pytest.mark.parametrize("content", ['{"regions": 3, "region": 7}', '{"regions": {"US": {"emergency": "911"}}}', "[]"])
def test_a_file_of_strange_shape_breaks_nothing(tmp_path: Path, content: str) -> None:
    own = tmp_path / "helplines.json"
    own.write_text(content)
    found = Helplines(own, on_fault=lambda _: None).of(Danger.SELF_HARM, "US")
    assert found.lines[0].number == "988"


@pytest.mark.parametrize(
    ("tag", "region"),
    [
        ("ja", "JP"),
        ("ko", "KR"),
        ("ko-KR", "KR"),
        ("zh-TW", "TW"),
        ("zh-CN", "CN"),
        ("zh-Hant-HK", "HK"),
        ("zh-Hant", "TW"),
        ("zh", None),
        ("en", None),
        ("en-gb", "GB"),
        ("sr-Latn-RS", "RS"),
        ("es-419", None),
        ("", None),
        ("*", None),
    ],
)
def test_where_a_language_tag_says_that_somebody_is(tag: str, region: str | None) -> None:
    assert region_of(tag) == region
