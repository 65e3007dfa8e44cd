"""axe-core finds nothing that matters on any view of the page: on a phone and a laptop, in light and dark.

The laptop is among the slow proofs: few faults show there and not on a phone.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Route, expect

from neko.llm.small_model import files
from neko.tasks import TaskOwner
from neko.types.agent import Act, Approval
from tests import scripted_llama, scripted_mcp
from tests.page.page_driver import LOST, PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.page.scripted_tasks import step, task, tell
from tests.page.test_call import MICROPHONE
from tests.page.test_chat_page_writing import GIVE_PICTURE
from tests.scripted_hearing import ScriptedHearing, Words
from tests.scripted_provider import Script, ScriptedProvider, failure

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SURVEY = Path(__file__).with_name("layout_check.js")
SIZES = {"phone": {"width": 390, "height": 844}, "laptop": {"width": 1440, "height": 900}}
LOOK = """async ([rules, scheme]) => {
  await survey.settled();
  const options = { resultTypes: ["violations"], ...(rules && { runOnly: { type: "rule", values: rules } }) };
  const { violations } = await axe.run(document, options);
  return violations
    .filter(({ impact }) => impact !== "minor")
    .flatMap(({ id, nodes }) => nodes.map(({ target, any }) => `${scheme} ${id}: ${target} ${any[0]?.message ?? ""}`));
}"""
OF_THE_THEME = ["color-contrast", "link-in-text-block"]
"""All that a theme changes: the rest is looked at once."""
SETTINGS = ("model", "voice", "hearing", "microphone", "look", "language", "characters", "abilities", "backup", "about")
MARKDOWN = f"""## Notes

A [link](https://example.com), `code`, ~~gone~~, **bold** and $x^2$.

> A quote.

- [x] done
- [ ] open

```python
def greet(name):
    return "Hello"  # friendly {"and long " * 20}
```

{"| A column " * 14}|
{"|--" * 14}|
{"| words here " * 14}|

$$
\\int_0^1 x\\,dx = \\frac12
$$
"""


class Visitor(PageDriver):
    """A visitor who looks at each view with axe."""

    async def look(self, view: str, *, spared: Collection[str] = ()) -> None:
        """``spared``: rules that a library breaks, none of them serious."""
        found = []
        for scheme, rules in (("light", None), ("dark", OF_THE_THEME)):
            await self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            await expect(self.page.locator("html")).to_have_attribute("data-theme", scheme)
            found += await self.page.evaluate(LOOK, [rules, scheme])
        assert [one for one in found if one.split()[1].rstrip(":") not in spared] == [], view

    async def stays_inside_and_is_large_enough(self) -> None:
        assert await self.page.evaluate("survey.outside()") == []
        assert await self.page.evaluate("survey.small('#call-bar', 44)") == []


@pytest_asyncio.fixture(
    loop_scope="session",
    params=[
        pytest.param(SIZES["phone"], id="phone"),
        pytest.param(SIZES["laptop"], id="laptop", marks=pytest.mark.long),
    ],
)
async def visitor(request: pytest.FixtureRequest, chromium: Browser) -> AsyncIterator[Visitor]:
    assert AXE.is_file(), "no axe-core: `make test` installs it"
    async with Visitor(chromium, viewport=request.param) as visitor:
        await visitor.context.add_init_script(path=SURVEY)
        await visitor.context.add_init_script(path=AXE)
        yield visitor
        visitor.check()


async def test_the_first_visit_and_the_card_of_help(speaking: RunningNeko, visitor: Visitor) -> None:
    await visitor.open(speaking.url)
    await expect(visitor.get("welcome-later")).to_be_visible()
    await visitor.look("first visit")
    await visitor.get("welcome-key").click()
    await expect(visitor.get("provider-custom")).to_be_visible()
    await visitor.look("first visit, with a key")
    await visitor.say("I want to kill myself")
    await visitor.reply()
    await expect(visitor.get("help")).to_be_visible()
    await visitor.look("danger")


async def test_the_conversation(connected: RunningNeko, provider: ScriptedProvider, visitor: Visitor) -> None:
    await connected.remember(10)
    provider.script(Script([MARKDOWN]))
    page = await visitor.open(connected.url)
    await visitor.say("Show me")
    await visitor.reply(6)
    await visitor.lines("assistant").last.hover()
    await visitor.look("conversation")
    await visitor.get("menu").click()
    await visitor.look("menu")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+k")
    await visitor.get("search-input").fill("line")
    await expect(visitor.get("search-found").locator(".panel-item").first).to_be_visible()
    await visitor.look("search")
    await page.keyboard.press("Escape")
    await visitor.lines("user").last.hover()
    await visitor.lines("user").last.get_by_test_id("edit").click()
    await visitor.look("edit")
    await page.keyboard.press("Escape")
    await visitor.lines("assistant").last.get_by_test_id("delete").click()
    await expect(visitor.get("toast")).to_be_visible()
    await visitor.look("deletion")
    provider.default = failure(401)  # of any request: a summary that is due meanwhile is no answer to these words
    await visitor.say("And now?")
    await expect(visitor.get("fault")).to_be_visible()
    await visitor.look("fault")


async def test_pictures_versions_of_a_reply_and_chats(
    connected: RunningNeko, provider: ScriptedProvider, visitor: Visitor
) -> None:
    provider.script(Script(["A cat."], finish_reason="length"), Script(["A red cat."], finish_reason="length"))
    page = await visitor.open(connected.url)
    await page.evaluate(GIVE_PICTURE, "paste")
    await expect(visitor.get("attachment")).to_have_count(1)
    await visitor.look("picture to send")
    await visitor.say("Look")
    await visitor.reply()
    await visitor.get("retry").click()
    await expect(visitor.get("versions")).to_contain_text("2/2")
    await page.reload()
    await visitor.until_ready()
    await expect(visitor.get("versions")).to_contain_text("2/2")
    await visitor.look("versions of a reply")
    await visitor.get("picture").click()
    await expect(visitor.get("viewer")).to_be_visible()
    await visitor.look("picture")
    await page.keyboard.press("Escape")
    await visitor.get("menu").click()
    await visitor.get("menu-new-chat").click()
    await expect(visitor.get("greeting")).to_be_visible()
    await visitor.look("new chat")
    await visitor.get("menu").click()
    await visitor.get("menu-chats").click()
    await expect(visitor.get("chats-list").locator("li")).to_have_count(2)
    await visitor.look("chats")


async def test_the_small_model_on_this_computer(
    running_neko: RunningNeko, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scripted_llama.install(monkeypatch, tmp_path, error="it is damaged")
    page = await visitor.open(running_neko.url)
    await visitor.get("welcome-small").click()
    await visitor.get("use-small").click()
    await expect(visitor.get("small-problem")).to_be_visible()
    await visitor.look("small model")
    monkeypatch.setattr(files, "_SERVER", "no_such_package")
    await page.evaluate("location.hash = 'settings/model'")
    await expect(visitor.get("small-command")).to_be_visible()
    await visitor.look("small model that is not installed")


async def test_a_call(tidy_loop: None, data_dir: Path, visitor: Visitor) -> None:
    visitor.forgive(*LOST)
    await visitor.context.add_init_script(path=MICROPHONE)
    hearing = ScriptedHearing(Words("Hello, can you hear me?"))
    async with RunningNeko(data_dir, voice="off", hearing=hearing) as neko:
        page = await visitor.open(neko.url)
        mode = visitor.get("call-mode")
        await visitor.get("call").click()
        await expect(mode).to_have_text("By voice")
        await visitor.look("call")
        await visitor.stays_inside_and_is_large_enough()
        await visitor.get("call-mute").click()
        await expect(mode).to_have_text("Muted")
        await visitor.look("muted")
        await visitor.get("call-mute").click()
        await mode.click()
        await expect(mode).to_have_text("Push to talk")
        await visitor.look("push to talk")
        await visitor.stays_inside_and_is_large_enough()
        await visitor.get("call-hold").hover()
        await page.mouse.down()
        await expect(visitor.get("call-hold")).to_contain_text("listening")
        await visitor.look("held")
        assert await page.evaluate("survey.faint('#call-bar', 4.5)") == []
        await page.mouse.up()
        await neko.stop()
        await expect(mode).to_have_text("Reconnecting…")
        await visitor.look("reconnecting")
        await expect(visitor.get("call-mute").locator("svg").first).to_be_visible()
        await neko.start()
        await expect(mode).to_have_text("Push to talk")
        await visitor.get("hang-up").click()
        await page.evaluate("window.refuse = 'NotAllowedError'")
        await visitor.get("call").click()
        await expect(visitor.get("fault")).to_be_in_viewport(ratio=1)
        await visitor.look("no microphone")


async def test_every_settings_page_and_the_editor(connected: RunningNeko, visitor: Visitor) -> None:
    await connected.neko.characters.create("Rin", {"Personality": "Calm"})
    page = await visitor.open(connected.url)
    for name in SETTINGS:
        await page.evaluate("(name) => { location.hash = `settings/${name}`; }", name)
        await expect(visitor.get(f"settings-{name}")).to_have_attribute("aria-current", "page")
        await expect(page.get_by_text("One moment…")).to_have_count(0)
        if name == "model":
            await visitor.get("provider-custom").click()
        elif name == "voice":
            await visitor.get("voice-builtin").click()
            await expect(visitor.get("voice-option").first).to_be_visible()
        elif name == "about":
            await visitor.get("origins-open").click()
            await expect(visitor.get("origins").locator("dt").first).to_be_visible()
        await visitor.look(name)
    await page.evaluate("location.hash = 'settings/characters'")
    await page.locator('[data-testid=character][data-name="Rin"]').get_by_test_id("character-edit").click()
    for more in await page.locator(".editor-more summary").all():
        await more.click()
    await visitor.look("editor")
    await visitor.get("character-delete").click()
    await expect(visitor.get("toast")).to_be_visible()
    await visitor.look("character deleted")


async def test_the_page_of_the_memory(running_neko: RunningNeko, visitor: Visitor) -> None:
    await running_neko.remember(24, days=40)
    await running_neko.neko.memory.compress(NAME, None)
    await running_neko.neko.characters.create("Yuki", {})
    page = await visitor.open(f"{running_neko.url}/memory_browser", ready=False)
    await expect(visitor.get("memory-line").first).to_be_visible()
    await visitor.look("days of the memory")
    for tab, there in (
        ("summaries", "sources"),
        ("known", "add-fact"),
        ("changes", "tab-changes"),
        ("manage", "knows-Yuki"),
    ):
        await visitor.get(f"tab-{tab}").click()
        await expect(visitor.get(there).first).to_be_visible()
        await visitor.look(f"memory: {tab}")
        assert await page.evaluate("survey.outside()") == []
    kept = {"character": "Rin", "lines": [{"at": "2026-03-01T12:00:00", "role": "user", "text": "hello"}]}
    files = [("kept.json", json.dumps(kept)), ("diary.txt", "dear diary")]
    sent = [FilePayload(name=name, mimeType="text/plain", buffer=text.encode()) for name, text in files]
    await visitor.get("import-files").set_input_files(sent)
    await expect(visitor.get("import-share")).to_be_visible()
    await visitor.look("what an import would bring")
    assert await page.evaluate("survey.outside()") == []
    await visitor.get("memory-search").fill("line 1")
    await expect(visitor.get("forget-ticked")).to_be_visible()
    await visitor.get("tick-all").check()
    await visitor.look("found in the memory")
    await visitor.get("forget-ticked").click()
    await expect(visitor.get("ask-forget")).to_be_visible()
    await visitor.look("a question before forgetting")


async def test_what_she_does_and_what_she_asks(running_neko: RunningNeko, visitor: Visitor) -> None:
    await visitor.open(running_neko.url)
    steps = [step("Open the page", "done", "example.com"), step("Compare", "running"), step("Tell")]
    failed = task("t2", "failed", error="There is no screen.", remedy="Start Neko in a desktop session.")
    tell(running_neko, task("t1", steps=steps, action="Reading"), failed, task("t3", "completed", result="Done. " * 99))
    async with TaskOwner("test") as owner:
        for tool in ("write_file", "delete_file"):
            approval = Approval(NAME, "files", tool, "", '{"path": "x"}', Act.DESTRUCTIVE, after_outside=True)
            owner.spawn(running_neko.neko.approvals.ask(approval), name=tool)
        await expect(visitor.get("approval-deny").first).to_be_enabled()
        await visitor.look("questions")
        assert await visitor.page.evaluate("survey.outside()") == []
    if await visitor.get("hands-strip").is_visible():
        await visitor.get("hands-strip").click()
    await expect(visitor.get("task").first).to_be_visible()
    await visitor.look("tasks")
    assert await visitor.page.evaluate("survey.small('.hands', 44)") == []


def answered(answer: object) -> Callable[[Route], Awaitable[None]]:
    return lambda route: route.fulfill(json=answer)


async def test_the_page_of_tasks_and_tools(running_neko: RunningNeko, visitor: Visitor, tmp_path: Path) -> None:
    shown = [task("t1", steps=[step("Open", "running")]), task("t2", "failed", error="It is gone.")]
    row = {"id": 1, "at": "2026-11-27T20:10:03Z", "task_id": "t1", "character": NAME, "hand": "mcp", "place": "files"}
    row |= {
        "tool": "write",
        "title": "write a note",
        "act": "destructive",
        "arguments": '{"a": 1}',
        "verdict": "denied",
    }
    row |= {"outcome": "failed", "detail": "It is full.", "picture": ""}
    rules = {"hands": {"browser_use": "never"}, "domains": {"example.com": "allow"}, "plugins": {}, "tools": {}}
    answers = {"tasks?*": {"tasks": shown}, "audit?*": {"rows": [row]}, "policies": {"success": True, **rules}}
    for path, answer in answers.items():
        await visitor.context.route(f"**/api/agent/{path}", answered(answer))
    entry = scripted_mcp.entry(tmp_path / "script.json", tools=[scripted_mcp.tool("note", "Writes")])
    running_neko.neko.mcp.use(True)
    await running_neko.neko.mcp.put("paper", entry)
    await running_neko.neko.mcp.put("gone", {"command": "no-such-program"})
    page = await visitor.open(f"{running_neko.url}/agent", ready=False)
    for tab, there in (("tasks", "task"), ("trail", "trail-row"), ("rules", "domain"), ("mcp", "server")):
        await visitor.get(f"tab-{tab}").click()
        await expect(visitor.get(there).first).to_be_visible()
        if tab == "mcp":
            await visitor.get("server-tools").first.click()
            await visitor.get("server-edit").last.click()
            await visitor.get("server-import").click()
        await visitor.look(f"agent: {tab}")
        assert await page.evaluate("survey.outside()") == []
        assert await page.evaluate("survey.small('#page', 44)") == []
