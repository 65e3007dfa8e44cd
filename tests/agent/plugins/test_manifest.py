"""What is known of a plug-in without running anything of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from neko.agent.plugins import manifest
from neko.agent.plugins.manifest import Manifest
from tests.agent.plugins.conftest import HEADER, Shelf

WHOLE = r"""
[plugin]
id = "notes"
entry = "plugin.plugins.notes:Notes"
name = "Notes"
description = "Keeps notes.\u202e"
version = "2.1"
auto_start = true

[[plugin.entries]]
id = "list"

[[plugin.entries]]
id = "add"
name = "Add"
description = "Adds one."
read_only = false
input_schema = { type = "object", required = ["text"] }

[plugin.sdk]
recommended = ">=0.1,<0.2"
"""


def read(folder: Path, text: str) -> Manifest:
    folder.mkdir(exist_ok=True)
    (folder / "plugin.toml").write_text(text, encoding="utf-8")
    return manifest.read(folder / "plugin.toml")


def test_a_plugin_toml_tells_what_can_be_called(tmp_path: Path) -> None:
    found = read(tmp_path / "notes", WHOLE)
    assert (found.id, found.name, found.description, found.version) == ("notes", "Notes", "Keeps notes.", "2.1")
    assert found.auto_start
    assert not found.problem
    first, second = found.entries
    assert first.id == "list"
    assert (second.id, second.name, second.extra) == ("add", "Add", {"read_only": False})
    assert second.input_schema == {"type": "object", "required": ["text"]}


def test_entries_may_stand_at_the_top_and_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    found = read(tmp_path / "small", 'entries = ["go"]\n[plugin]\nid = "small"\nentry = "code:P"\n')
    assert (found.name, found.description, found.version) == ("small", "", "0.1.0")
    assert [entry.id for entry in found.entries] == ["go"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[plugin\nid = 1", "cannot be used"),
        ("id = 'x'", "no table [plugin]"),
        ("[plugin]\nentry = 'a:B'", "id is missing"),
        ("[plugin]\nid = '../x'\nentry = 'a:B'", "id must be"),
        ("[plugin]\nid = 'x'", "entry must be"),
        ("[plugin]\nid = 'x'\nentry = 'a b:C'", "entry must be"),
        ("[plugin]\nid = 'x'\nentry = 'a'", "entry must be"),
        ("[plugin]\nid = 'x'\nentry = 'a:B'\nentries = 3", "entries must be a list"),
        ("[plugin]\nid = 'x'\nentry = 'a:B'\nentries = [3]", "each of entries"),
        ("[plugin]\nid = 'x'\nentry = 'a:B'\nname = 3", "name must be text"),
        ("[plugin]\nid = 'x'\nentry = 'a:B'\n[plugin.sdk]\nsupported = 'new'", "no range of versions"),
        ("x" * 300_000, "more than"),
        ("\x00", "cannot be used"),
    ],
)
def test_a_bad_plugin_toml_is_told_with_the_folders_name(tmp_path: Path, text: str, why: str) -> None:
    found = read(tmp_path / "wrong", text)
    assert found.id == "wrong"
    assert why in found.problem
    assert found.place == str(tmp_path / "wrong")


@pytest.mark.parametrize(
    ("ranges", "refused", "warned"),
    [
        ("", False, False),
        ("recommended = '>=0.1,<0.2'", False, False),
        ("recommended = '>=0.2'", False, True),
        ("supported = '>=0.1'", False, False),
        ("compatible = '>=0.1'", False, False),
        ("supported = '>=0.2'", True, False),
        ("supported = '>=0.2'\nuntested = '<0.2'", False, True),
        ("supported = '>=0.1'\nconflicts = ['==0.1.*']", True, False),
        ("supported = '>=0.1'\nconflicts = ['==0.3']", False, False),
        ("old", False, False),
        ("older", True, False),
    ],
)
def test_the_ranges_of_sdk_versions_refuse_and_warn(tmp_path: Path, ranges: str, refused: bool, warned: bool) -> None:
    sdk = {"old": 'sdk_version = "0.1.0"', "older": 'sdk_version = "0.0.9"'}.get(ranges, f"[plugin.sdk]\n{ranges}")
    found = read(tmp_path / "x", f"[plugin]\nid = 'x'\nentry = 'a:B'\n{sdk}")
    assert bool(found.problem) is refused
    assert bool(found.warnings) is warned


def test_of_two_with_one_id_the_later_says_so_and_the_first_counts(shelf: Shelf) -> None:
    first, second = shelf.put("a", ""), shelf.put("b", "", '[plugin]\nid = "a"\nentry = "code:P"\n')
    one, two = manifest.discover([shelf.folder])
    assert (one.id, one.place, one.problem) == ("a", str(first), "")
    assert two.id == "a (b)"
    assert str(first) in two.problem
    assert two.place == str(second)


@pytest.mark.parametrize(
    "imposter", ["My Notes", "MY-NOTES", "my_notes", "mу_notes", "ｍｙｎｏｔｅｓ", "my n0tes", "ΜΥ_ΝΟΤΕЅ", "mynótes"]
)
def test_of_two_ids_that_are_written_alike_the_later_is_refused(shelf: Shelf, imposter: str) -> None:
    shelf.put("a", "", '[plugin]\nid = "my_notes"\nentry = "code:P"\n')
    shelf.put("b", "", f'[plugin]\nid = "{imposter}"\nentry = "code:P"\n')
    one, two = manifest.discover([shelf.folder])
    assert (one.id, one.problem) == ("my_notes", "")
    assert "my_notes" in two.problem
    assert two.id == f"{imposter} (b)"


@pytest.mark.parametrize(("one", "other"), [("notes", "note"), ("天气", "天空"), ("か", "が"), ("игра", "игры")])
def test_ids_that_differ_in_what_is_read_are_two_plug_ins(shelf: Shelf, one: str, other: str) -> None:
    shelf.put("a", "", f'[plugin]\nid = "{one}"\nentry = "code:P"\n')
    shelf.put("b", "", f'[plugin]\nid = "{other}"\nentry = "code:P"\n')
    assert [found.id for found in manifest.discover([shelf.folder]) if not found.problem] == [one, other]


def test_a_package_names_its_plug_in_by_an_entry_point_and_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "neko_stars", "stars = neko_stars.sky:Sky")
    monkeypatch.syspath_prepend(str(tmp_path))
    (found,) = manifest.discover([])
    assert (found.id, found.entry, found.description, found.version) == ("stars", "neko_stars.sky:Sky", "Sky.", "1.2")
    assert found.installed
    assert "neko_stars" not in sys.modules


async def test_a_package_runs_from_where_it_is_installed(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"{HEADER}\nclass P(NekoPluginBase):\n    @plugin_entry(id='name')\n    def name(self): return __name__\n"
    install(tmp_path, "neko_moon", "moon = neko_moon:P", code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    async with shelf.plugins() as plugins:
        assert await plugins.trigger("moon", "name", {}) == "neko_moon"
    assert "neko_moon" not in sys.modules


def install(site: Path, package: str, entry_point: str, code: str = "raise RuntimeError('imported')") -> None:
    """A Python package as pip leaves it."""
    (site / package).mkdir()
    (site / package / "__init__.py").write_text(code)
    about = site / f"{package}-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\nSummary: Sky.\n")
    (about / "entry_points.txt").write_text(f"[neko.plugins]\n{entry_point}\n")
    (about / "RECORD").write_text(f"{package}/__init__.py,,\n")
