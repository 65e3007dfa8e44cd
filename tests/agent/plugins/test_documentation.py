"""The plug-in of ``docs/plugins.md``, and the one that comes with Neko, do what is said of them."""

from __future__ import annotations

import re
from pathlib import Path

from neko.agent.plugins import plugin as plugins_module
from neko.agent.plugins.plugins import Plugins
from neko.settings.paths import ASSETS
from neko.types.agent import Act
from tests.agent.plugins.conftest import Shelf

PAGE = Path(__file__).parents[3] / "docs" / "plugins.md"


def blocks() -> dict[str, str]:
    """The code of the page by the file that it is for."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"`plugins/notes/([\w.]+)`\n\n```\w+\n(.*?)```", text, re.DOTALL))


async def test_the_plug_in_of_the_page_runs(shelf: Shelf) -> None:
    place = shelf.folder / "notes"
    place.mkdir(parents=True)
    for name, code in blocks().items():
        (place / name).write_text(code, encoding="utf-8")
    async with shelf.plugins() as plugins:
        assert await plugins.trigger("notes", "add", {"text": "milk"}) == {"count": 1}
        await plugins.reload("notes")
        assert await plugins.trigger("notes", "list", {}) == {"notes": ["milk"]}
        plugin = plugins.get("notes")
        assert plugin.runs_by_itself
        assert {entry.id: plugins_module.act(entry) for entry in plugin.entries or ()} == {
            "add": Act.WRITE,
            "list": Act.READ,
        }


async def test_the_sample_tells_how_this_computer_is_and_rolls_dice(tmp_path: Path) -> None:
    plugins = Plugins(lambda: [ASSETS / "plugins"], tmp_path, list, lambda: "Mio")
    await plugins.look()
    before = plugins.get("this_computer").entries
    assert before is not None
    plugins.on = True
    try:
        await plugins.learn()
        plugin = plugins.get("this_computer")
        assert plugin.entries is not None
        assert not plugin.problems
        assert sorted(entry.id for entry in before) == sorted(entry.id for entry in plugin.entries)
        told = {entry.id: dict(entry.input_schema) for entry in plugin.entries}
        assert told == {entry.id: dict(entry.input_schema) for entry in before}
        assert {plugins_module.act(entry) for entry in plugin.entries} == {Act.READ}
        status = await plugins.trigger("this_computer", "status", {})
        assert 0 < status["disk_free_gb"] < status["disk_total_gb"]
        dice = (await plugins.trigger("this_computer", "roll", {"count": 3, "sides": 4}))["dice"]
        assert len(dice) == 3
        assert all(1 <= one <= 4 for one in dice)
    finally:
        await plugins.aclose()
