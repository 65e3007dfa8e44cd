"""While the privacy switch is on, nothing of the agent's looks at the user's screen, uses their camera or listens."""

from __future__ import annotations

from pathlib import Path

import pytest

from neko.agent.privacy import looks_or_listens
from neko.application import Neko
from neko.settings import Settings
from neko.settings.registry import PRIVACY
from neko.tool_errors import PluginError
from neko.types.agent import Decision
from tests import scripted_mcp
from tests.agent.conftest import talking
from tests.agent.plugins.conftest import HEADER, raises, until
from tests.agent.test_remote_bus import free_ports
from tests.scripted_mcp import tool
from tests.scripted_provider import ScriptedProvider, tool_calls

ON = {"neko": {PRIVACY.name: True}}
OFF = {"neko": {PRIVACY.name: False}}


@pytest.mark.parametrize(
    ("names", "does"),
    [
        (("take_screenshot",), True),
        (("browser_take_screenshot",), True),
        (("captureScreen",), True),
        (("look", "See what is on the screen"), True),
        (("webcam_photo",), True),
        (("recordAudio",), True),
        (("microphone-level",), True),
        (("screen_candidates",), False),
        (("record_expense",), False),
        (("look_up", "Look up a word"), False),
        (("display_weather",), False),
        (("micro_payment",), False),
        (("text_to_speech",), False),
    ],
)
def test_what_looks_or_listens_is_known_by_its_name(names: tuple[str, ...], does: bool) -> None:
    assert looks_or_listens(*names) is does


async def test_a_tool_of_a_server_that_takes_a_picture_of_the_screen_is_not_called(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path
) -> None:
    path = tmp_path / "script.json"
    tools = [tool("take_screenshot", "A picture", readOnlyHint=True), tool("peek", "A note", readOnlyHint=True)]
    async with talking(data_dir, provider, {"desk": scripted_mcp.entry(path, tools=tools)}) as talk:
        await talk.neko.config.change(ON)
        for name in ("take_screenshot", "peek"):
            provider.script(tool_calls(("c1", f"desk__{name}", "{}")), ["So it is."])
            await talk.say("Please.", Decision.ONCE)
        assert [name for name, _ in scripted_mcp.calls(path)] == ["peek"]
        assert "privacy switch" in talk.tool_messages()[0]
        await talk.neko.config.change(OFF)
        provider.script(tool_calls(("c3", "desk__take_screenshot", "{}")), ["Seen."])
        await talk.say("Please.", Decision.ONCE)
        assert [name for name, _ in scripted_mcp.calls(path)] == ["peek", "take_screenshot"]


WATCHER = """
class P(NekoPluginBase):
    @plugin_entry(id="eyes", extra={"looks_or_listens": True})
    def eyes(self):
        return "seen"

    @plugin_entry(id="switch")
    def switch(self):
        return self.ctx.is_private
"""


def _with_plugin(data_dir: Path) -> None:
    place = data_dir / "plugins" / "watcher"
    place.mkdir(parents=True)
    (place / "plugin.toml").write_text('[plugin]\nid = "watcher"\nentry = "watcher_code:P"\n', encoding="utf-8")
    (place / "watcher_code.py").write_text(HEADER + WATCHER, encoding="utf-8")


async def test_an_agent_in_another_process_and_its_plug_ins_keep_to_the_switch_of_the_main(tmp_path: Path) -> None:
    ports = {f"NEKO_ZMQ_{name}": str(port) for name, port in _ports().items()}
    environ = {"LANG": "en", "NEKO_BUS": "zmq", **ports}

    def of(role: str) -> Neko:
        own = {**environ, "NEKO_BUS_ROLE": role}
        return Neko(Settings(data_dir=tmp_path / role, port=0, environ=own, find_local_servers=False))

    _with_plugin(tmp_path / "agent")
    async with of("main") as main:
        await main.config.change(ON)
        async with of("agent") as agent:
            await until(lambda: agent.agent.privacy.on)
            assert not agent.config.in_force.get(PRIVACY)
            readiness = agent.agent.hands["computer_use"].readiness("en")
            assert readiness.code == "computer_private"
            plugins = agent.plugins
            plugins.on = True
            await plugins.learn()
            assert await plugins.trigger("watcher", "switch", {}) is True
            assert (await raises(plugins.trigger("watcher", "eyes", {}), PluginError)).code == "plugin_private"
            await main.config.change(OFF)
            await until(lambda: not agent.agent.privacy.on)
            assert await plugins.trigger("watcher", "switch", {}) is False
            assert await plugins.trigger("watcher", "eyes", {}) == "seen"


def _ports() -> dict[str, int]:
    names = {"session": "SESSION_PUB_PORT", "agent": "AGENT_PUSH_PORT", "analyze": "ANALYZE_PUSH_PORT"}
    return {names[channel.value]: port for channel, port in free_ports().items()}
