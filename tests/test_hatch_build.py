"""The build fetches the page's own libraries, again when one of them has changed, and never the development tools."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hatch_build import FILES, LOCK, STAMP, VENDOR, BrowserLibraries, runtime_packages

ROOT = Path(__file__).parents[1]

Change = Callable[[dict[str, Any]], None]


class Hook(BrowserLibraries):
    """The hook over a folder, without the build around it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), {}, None, None, str(folder), "wheel")  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A source folder whose libraries are in place."""
    shutil.copy(ROOT / LOCK, tmp_path / LOCK)
    vendor = tmp_path / VENDOR
    vendor.mkdir(parents=True)
    for name in FILES.values():
        (vendor / name).write_text("library", encoding="ascii")
    (vendor / STAMP).write_text(Hook(tmp_path)._lock_hash(), encoding="ascii")
    return tmp_path


def change_lock(folder: Path, change: Change) -> None:
    lock = json.loads((folder / LOCK).read_text(encoding="utf-8"))
    change(lock["packages"])
    (folder / LOCK).write_text(json.dumps(lock), encoding="utf-8")


def upgrade(name: str) -> Change:
    return lambda packages: packages[f"node_modules/{name}"].update(integrity="sha512-another")


def test_the_page_needs_its_libraries_and_no_tool() -> None:
    lock = json.loads((ROOT / LOCK).read_text(encoding="utf-8"))
    assert set(runtime_packages(lock)) == {
        f"node_modules/{name}"
        for name in (
            *("@highlightjs/cdn-assets", "dompurify", "marked", "remend", "swagger-ui-dist", "temml"),
            "@scarf/scarf",  # of swagger-ui-dist; it reports installs, if its script is run, which it is not
        )
    }
    assert all(integrity.startswith("sha512-") for integrity in runtime_packages(lock).values())


@pytest.mark.parametrize("name", ["eslint", "typescript", "@types/trusted-types"])
def test_another_tool_leaves_the_libraries_up_to_date(folder: Path, name: str) -> None:
    assert Hook(folder)._up_to_date()
    change_lock(folder, upgrade(name))
    assert Hook(folder)._up_to_date()


@pytest.mark.parametrize("name", ["marked", "dompurify"])
def test_another_version_of_a_library_is_fetched(folder: Path, name: str) -> None:
    change_lock(folder, upgrade(name))
    assert not Hook(folder)._up_to_date()


def test_a_missing_library_is_fetched(folder: Path) -> None:
    (folder / VENDOR / "marked.esm.js").unlink()
    assert not Hook(folder)._up_to_date()
