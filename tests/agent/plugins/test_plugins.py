"""A plug-in runs in a process of its own: what it does well is used, and what it does ill harms nobody else."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from neko.agent import restarts
from neko.agent.plugins.plugin import PluginState
from neko.agent.plugins.process import Limits
from neko.tool_errors import PluginError
from tests.agent.plugins.conftest import Shelf, alive, raises, until

CALC = """
class P(NekoPluginBase):
    @plugin_entry(id="add", description="Adds.", input_schema={
        "type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]})
    def add(self, a, b):
        print("adding")
        return {"sum": a + b}

    @plugin_entry(id="wait")
    async def wait(self, seconds=0.0):
        import asyncio
        await asyncio.sleep(seconds)
        return "waited"

    def secret(self):
        return "nobody declared me"
"""

BAD = """
class P(NekoPluginBase):
    @plugin_entry(id="fine")
    def fine(self):
        return 1

    @plugin_entry(id="raises")
    def raises(self):
        raise LookupError("no such star")

    @plugin_entry(id="dies")
    def dies(self):
        import os, sys
        sys.stderr.write("RuntimeError: the core is out\\n")
        sys.stderr.flush()
        os._exit(3)

    @plugin_entry(id="vanishes")
    def vanishes(self):
        import os
        os.kill(os.getpid(), 9)

    @plugin_entry(id="hangs")
    def hangs(self):
        while True:
            pass

    @plugin_entry(id="odd")
    def odd(self):
        return object()

    @plugin_entry(id="floods")
    def floods(self):
        while True:
            print("x" * 1000)

    @plugin_entry(id="long")
    def long(self):
        return "y" * 500_000

    @plugin_entry(id="greedy")
    def greedy(self):
        return len(bytearray(4 << 30))
"""


async def test_what_is_declared_is_called_and_what_it_returns_comes_back(shelf: Shelf) -> None:
    shelf.put("calc", CALC)
    async with shelf.plugins() as plugins:
        plugin = plugins.get("calc")
        assert [entry.id for entry in plugin.entries or ()] == ["add", "wait"]
        assert await plugins.trigger("calc", "add", {"a": 1, "b": 2.5}) == {"sum": 3.5}
        assert (await raises(plugins.trigger("calc", "secret", {}), PluginError)).code == "plugin_no_entry"
        await until(lambda: any(line.text == "adding" for line in plugin.log.lines))


async def test_arguments_that_do_not_fit_never_reach_the_plug_in(shelf: Shelf) -> None:
    shelf.put("calc", CALC)
    async with shelf.plugins() as plugins:
        error = await raises(plugins.trigger("calc", "add", {"a": 1, "b": "two"}), PluginError)
        assert error.code == "plugin_arguments"
        assert "'two' is not of type 'number'" in error.params["reason"]
        assert plugins.get("calc").process_id is None


async def test_a_regular_expression_of_a_schema_is_looked_at_in_the_plug_ins_own_process(shelf: Shelf) -> None:
    shelf.limits = Limits(call_s=3.0)
    shelf.put(
        "words",
        """
        class P(NekoPluginBase):
            @plugin_entry(id="say", input_schema={"type": "object", "properties": {
                "word": {"type": "string", "pattern": "^(a+)+$"}}})
            def say(self, word):
                return word
        """,
    )
    async with shelf.plugins() as plugins:
        assert await plugins.trigger("words", "say", {"word": "aaa"}) == "aaa"
        refused = await raises(plugins.trigger("words", "say", {"word": "b"}), PluginError)
        assert "does not match" in refused.said
        error = await raises(plugins.trigger("words", "say", {"word": "a" * 40 + "b"}), PluginError)
        assert error.code == "plugin_timeout"


async def test_async_entries_run_side_by_side(shelf: Shelf) -> None:
    shelf.put("calc", CALC)
    async with shelf.plugins() as plugins:
        await plugins.start("calc")
        slow = asyncio.create_task(plugins.trigger("calc", "wait", {"seconds": 20}))
        assert await plugins.trigger("calc", "wait", {}) == "waited"
        assert await plugins.trigger("calc", "add", {"a": 1, "b": 1}) == {"sum": 2}
        process_id = plugins.get("calc").process_id
        slow.cancel()
        await raises(slow, asyncio.CancelledError)
        assert await plugins.trigger("calc", "wait", {}) == "waited"
        assert plugins.get("calc").process_id == process_id


async def test_what_a_plug_in_raises_is_told_in_its_words(shelf: Shelf) -> None:
    shelf.put("bad", BAD)
    async with shelf.plugins() as plugins:
        error = await raises(plugins.trigger("bad", "raises", {}), PluginError)
        assert error.code == "plugin_failed"
        assert error.said.startswith("LookupError: no such star (code_of_bad.py, line")
        error = await raises(plugins.trigger("bad", "odd", {}), PluginError)
        assert "is not JSON" in error.said
        cut = await plugins.trigger("bad", "long", {})
        assert cut["truncated"]
        assert len(cut["beginning"]) == 200_000
        error = await raises(plugins.trigger("bad", "greedy", {}), PluginError)
        assert "MemoryError" in error.said


async def test_a_crash_is_told_with_its_last_line_and_the_plug_in_comes_back(shelf: Shelf) -> None:
    shelf.put("bad", BAD)
    async with shelf.plugins() as plugins:
        error = await raises(plugins.trigger("bad", "dies", {}), PluginError)
        assert error.code == "plugin_ended"
        assert error.said == "RuntimeError: the core is out"
        assert plugins.get("bad").state is PluginState.WAITING
        assert await plugins.trigger("bad", "fine", {}) == 1


async def test_a_crash_without_words_is_not_told_with_those_of_an_earlier_fault(shelf: Shelf) -> None:
    shelf.put("bad", BAD)
    async with shelf.plugins() as plugins:
        await raises(plugins.trigger("bad", "raises", {}), PluginError)
        await until(lambda: any("no such star" in line.text for line in plugins.get("bad").log.lines))
        error = await raises(plugins.trigger("bad", "vanishes", {}), PluginError)
        assert error.said == "its process was ended by SIGKILL"
        assert await plugins.trigger("bad", "fine", {}) == 1


async def test_a_plug_in_that_dies_again_and_again_is_left_until_somebody_starts_it(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restarts, "FIRST_PAUSE_S", 0.0)
    shelf.put("bad", BAD)
    async with shelf.only("bad") as plugin:
        for _ in range(5):
            await raises(plugin.call("dies", {}), PluginError)
        assert plugin.state is PluginState.FAILED
        await raises(plugin.call("fine", {}), PluginError)
        await plugin.start()
        assert await plugin.call("fine", {}) == 1


async def test_a_hang_is_ended_in_time_with_all_that_it_has_started(shelf: Shelf) -> None:
    shelf.limits = Limits(call_s=0.5)
    shelf.put("bad", BAD)
    async with shelf.plugins() as plugins:
        assert await plugins.trigger("bad", "fine", {}) == 1
        process_id = plugins.get("bad").process_id
        assert process_id
        error = await raises(plugins.trigger("bad", "hangs", {}), PluginError)
        assert error.code == "plugin_timeout"
        await until(lambda: not alive(process_id))
        assert await plugins.trigger("bad", "fine", {}) == 1


async def test_a_call_that_is_cancelled_ends_at_once_whatever_it_does(shelf: Shelf) -> None:
    shelf.put("bad", BAD)
    async with shelf.only("bad") as plugin:
        await plugin.start()
        process_id = plugin.process_id
        assert process_id
        call = asyncio.create_task(plugin.call("hangs", {}))
        before = psutil.Process(process_id).cpu_times().user
        await until(lambda: psutil.Process(process_id).cpu_times().user > before + 0.05)
        call.cancel()
        await raises(call, asyncio.CancelledError)
        await until(lambda: not alive(process_id))
        assert await plugin.call("fine", {}) == 1
        assert plugin._restarts.in_a_row == 0


async def test_a_flood_of_output_is_slowed_down_and_kept_as_its_last_lines(shelf: Shelf) -> None:
    shelf.limits = Limits(call_s=1.0)
    shelf.put("bad", BAD)
    async with shelf.only("bad") as plugin:
        await plugin.start()
        began, before = time.monotonic(), time.process_time()
        await raises(plugin.call("floods", {}), PluginError)
        assert time.process_time() - before < 0.5 * (time.monotonic() - began)
        assert len(plugin.log.lines) <= 400
        assert any(line.text.startswith("xxx") for line in plugin.log.lines)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import not_there_at_all\nclass P(NekoPluginBase): pass", "No module named 'not_there_at_all'"),
        ("class Q(NekoPluginBase): pass", "has no attribute 'P'"),
        ("class P(NekoPluginBase)\n    pass", "SyntaxError"),
        ("raise SystemExit(4)", "SystemExit: 4"),
    ],
)
async def test_a_plug_in_that_cannot_be_imported_is_told_by_name(shelf: Shelf, code: str, reason: str) -> None:
    shelf.put("broken", code)
    async with shelf.only("broken") as plugin:
        assert plugin.state is PluginState.FAILED
        assert plugin.error is not None
        assert plugin.error.code == "plugin_broken"
        assert plugin.error.params["name"] == "broken"
        assert reason in str(plugin.error.params["reason"])


async def test_a_plug_in_that_is_not_used_is_imported_in_no_process_that_stays(shelf: Shelf) -> None:
    shelf.put("calc", CALC)
    others = set(psutil.Process().children())
    async with shelf.only("calc") as plugin:
        assert plugin.state is PluginState.STOPPED
        assert plugin.entries
        assert not set(psutil.Process().children()) - others
    assert not [name for name in sys.modules if "code_of_calc" in name]


LIVE = """
import time
class P(NekoPluginBase):
    events = []

    @lifecycle(id="startup")
    def began(self):
        self.events.append("startup")
        self.report_status({"mood": "fresh"})

    @lifecycle(id="reload")
    async def again(self):
        self.events.append("reload")

    @lifecycle(id="shutdown")
    def ended(self):
        (self.ctx.config_path.parent / "ended").write_text("by " + self._plugin_id)

    @timer_interval(id="tick", seconds=0.1)
    def tick(self):
        self.events.append("tick")
        if self.events.count("tick") == 2:
            self.ctx.push_message("clock", "text", description="Tea", content="The tea is ready.", priority=99)
        raise ValueError("not this time")

    @message(id="heard", source="bell")
    def heard(self, text, sender):
        self.events.append(f"{sender}: {text}")

    @plugin_entry(id="events")
    def tell(self):
        return list(self.events)
"""


async def test_timers_lifecycle_status_and_messages_are_really_called(shelf: Shelf) -> None:
    place = shelf.put("live", LIVE)
    async with shelf.plugins() as plugins:
        plugin = plugins.get("live")
        await until(lambda: shelf.published)
        assert plugin.state is PluginState.RUNNING
        assert plugin.status == {"mood": "fresh"}
        plugins.push("live", {"source": "bell", "content": "ding", "priority": 1, "message_type": "text"})
        plugins.push("live", {"source": "horn", "content": "toot", "priority": 1, "message_type": "text"})
        events = await plugins.trigger("live", "events", {})
        while "bell: ding" not in events:
            events = await plugins.trigger("live", "events", {})
        assert events[0] == "startup"
        assert events.count("tick") >= 2
        assert "horn: toot" not in events
        assert not (place / "ended").exists()
        await plugins.reload("live")
        assert (place / "ended").read_text() == "by live"
        assert (await plugins.trigger("live", "events", {}))[:2] == ["startup", "reload"]
        assert any("ValueError: not this time" in line.text for line in plugin.log.lines)


async def test_what_it_pushes_is_kept_told_and_marked_as_its_own(shelf: Shelf) -> None:
    shelf.put("live", LIVE)
    async with shelf.plugins() as plugins:
        await until(lambda: shelf.published)
        told = shelf.published[0]
        assert told["event_type"] == "proactive_message"
        assert told["lanlan_name"] == "Mio"
        assert told["text"] == "live: Tea\nThe tea is ready."
        assert told["neko"] == {"kind": "message", "outside": "the plug-in live", "priority": 10}
        (kept,) = plugins.pushed.take("live", 100, 10)
        assert kept["content"] == "The tea is ready."
        assert not plugins.pushed.take("live", 100, None)


async def test_a_plug_in_that_pushes_too_much_is_told_of_six_times_a_minute(shelf: Shelf) -> None:
    shelf.put(
        "chatty",
        """
        class P(NekoPluginBase):
            @plugin_entry(id="chat")
            def chat(self):
                for number in range(1200):
                    self.ctx.push_message("chat", "text", content=f"number {number}")
        """,
    )
    async with shelf.plugins() as plugins:
        await plugins.trigger("chatty", "chat", {})
        assert len(shelf.published) == 6
        assert "kept and not told" in plugins.get("chatty").log.lines[-1].text
        kept = plugins.pushed.take(None, 1000, None)
        assert (len(kept), plugins.pushed.dropped) == (1000, 200)
        assert kept[-1]["content"] == "number 1199"


async def test_a_flood_of_messages_leaves_the_loop_to_others(shelf: Shelf) -> None:
    shelf.limits = Limits(call_s=1.0)
    shelf.put(
        "flood",
        """
        class P(NekoPluginBase):
            @plugin_entry(id="flood")
            def flood(self):
                while True:
                    self.ctx.update_status({"number": 1})
        """,
    )
    async with shelf.plugins() as plugins:
        await plugins.start("flood")
        began, before = time.monotonic(), time.process_time()
        error = await raises(plugins.trigger("flood", "flood", {}), PluginError)
        assert error.code == "plugin_timeout"
        assert time.process_time() - before < 0.5 * (time.monotonic() - began)


async def test_a_plug_in_that_is_dropped_in_or_taken_out_meanwhile_is_noticed(shelf: Shelf) -> None:
    shelf.put("calc", CALC)
    async with shelf.plugins() as plugins:
        place = shelf.put("bad", BAD)
        await plugins.look()
        assert await plugins.trigger("bad", "fine", {}) == 1
        process_id = plugins.get("bad").process_id
        assert process_id
        (place / "plugin.toml").unlink()
        await plugins.look()
        assert [plugin.id for plugin in plugins.listed] == ["calc"]
        await until(lambda: not alive(process_id))


async def test_a_plug_in_that_was_changed_is_another_after_reload_only(shelf: Shelf) -> None:
    shelf.put("calc", CALC)
    async with shelf.plugins() as plugins:
        await plugins.start("calc")
        shelf.put("calc", CALC.replace("a + b", "a - b"), more='name = "Calculator"\n')
        await plugins.look()
        assert await plugins.trigger("calc", "add", {"a": 3, "b": 1}) == {"sum": 4}
        await plugins.reload("calc")
        assert await plugins.trigger("calc", "add", {"a": 3, "b": 1}) == {"sum": 2}
        assert plugins.get("calc").manifest.name == "Calculator"


async def test_nothing_runs_while_plug_ins_are_switched_off(shelf: Shelf) -> None:
    shelf.put("live", LIVE)
    async with shelf.plugins() as plugins:
        await until(lambda: plugins.get("live").state is PluginState.RUNNING)
        process_id = plugins.get("live").process_id
        assert process_id
        plugins.switch(False)
        await until(lambda: not alive(process_id))
        assert (await raises(plugins.trigger("live", "events", {}), PluginError)).code == "plugin_off"
        plugins.switch(True)
        await until(lambda: plugins.get("live").state is PluginState.RUNNING)


HOST = """
import asyncio, sys
from pathlib import Path
from neko.agent.plugins.plugins import Plugins

async def main():
    plugins = Plugins(lambda: [Path(sys.argv[1])], Path(sys.argv[1]), print, lambda: "Mio")
    plugins.on = True
    await plugins.learn()
    child = await plugins.trigger("stubborn", "child", {})
    print(plugins.get("stubborn").process_id, child, flush=True)
    await plugins.trigger("stubborn", "hang", {})

asyncio.run(main())
"""


async def test_a_plug_in_ends_with_us_however_we_end(shelf: Shelf) -> None:
    """And what it has started, too, also while it holds the interpreter for ever."""
    shelf.put(
        "stubborn",
        """
        import re, signal, subprocess, sys
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

        class P(NekoPluginBase):
            @plugin_entry(id="child")
            def child(self):
                program = [sys.executable, "-c", "import time; time.sleep(600)"]
                subprocess.Popen(program)
                return subprocess.Popen(program, start_new_session=True).pid

            @plugin_entry(id="hang")
            def hang(self):
                re.match("(a+)+$", "a" * 60 + "b")
        """,
    )
    host = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOST, str(shelf.folder)), stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert host.stdout is not None
    process_ids = [int(number) for number in (await host.stdout.readline()).split()]
    group = [process.pid for process in psutil.process_iter() if _group(process.pid) == process_ids[0]]
    assert len(group) >= 3, "it, what it has started, and who waits for our end"
    host.send_signal(signal.SIGKILL)
    await host.wait()
    await until(lambda: not any(map(alive, (*group, *process_ids))))


async def test_what_a_plug_in_has_started_ends_with_it_wherever_it_has_gone(shelf: Shelf) -> None:
    shelf.put(
        "father",
        """
        import subprocess
        class P(NekoPluginBase):
            @plugin_entry(id="child")
            def child(self):
                return subprocess.Popen(["sleep", "600"], start_new_session=True).pid
        """,
    )
    async with shelf.only("father") as plugin:
        child = await plugin.call("child", {})
        assert alive(child)
        await plugin.stop()
        assert not alive(child)


def _group(process_id: int) -> int:
    try:
        return os.getpgid(process_id)
    except ProcessLookupError:
        return 0
