"""The browser as one task holds it: what each action would do, and doing it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from neko.agent.approvals import LARGEST_PICTURE
from neko.agent.browser import arguments, risk
from neko.agent.browser.deed import Deed
from neko.agent.browser.elements import Element, element_at, located, shown
from neko.agent.browser.gate import place_of
from neko.agent.browser.pages import PAGE_TOKENS, Pages
from neko.agent.browser.risk import Heard
from neko.agent.browser.running import RunningBrowser
from neko.agent.browser.snapshot import SECRET_FIELDS, found_in, parts_of
from neko.agent.browser.tabs import playwright_errors
from neko.agent.browser.tools import INSTRUCTIONS, TOOLS
from neko.agent.browser.trials import Judged, Trials
from neko.tasks import in_thread
from neko.tool_errors import BrowserError
from neko.types.agent import Act
from neko.types.hands import Action, ActionError, Intent, Job, Observation, Picture, Progress
from neko.types.model_session import Tool

if TYPE_CHECKING:
    from playwright.async_api import Locator

T = TypeVar("T")

_ACT_MS: Final = 5_000
_LAST_MOMENT_S: Final = 0.15
"""How long what was begun may take to end once it is cancelled, before its tab is closed."""
_LONGEST_WAIT_S: Final = 30.0
_DOWNLOAD_S: Final = 20.0
_QUALITIES: Final = (60, 30, 10)
"""Of a picture; the next one where it would have more bytes than a question shows."""
_MARK: Final = "rgba(255, 0, 80, 0.35)"
_LARGEST_UPLOAD: Final = 50 * 1024 * 1024


class BrowserWorkspace:
    """``on_closed`` is called once, when it lets go of the browser."""

    instructions = INSTRUCTIONS

    def __init__(self, job: Job, browser: RunningBrowser, on_closed: Callable[[], None]) -> None:
        self._job = job
        self._browser = browser
        self._heard = Heard(job.words, job.heard_outside)
        self._pages = Pages(browser, job.folder, self._heard)
        self._trials = Trials(browser.restraint)
        self._naming = contextlib.ExitStack()
        self._naming.enter_context(browser.gate.naming(job.words))
        self._on_closed = on_closed
        self._intended: tuple[str, Act, str, str, str] | None = None
        self._picture: Picture | None = None
        self._closed = False
        self._stopping: asyncio.Task[None] | None = None

    def tools(self) -> Sequence[Tool]:
        return TOOLS

    async def look(self) -> Observation | None:
        if not self._pages.has_page:
            return None
        return await self._report("", thumbnail=True)

    # ── the two steps of an action ────────────────────────────────────────────

    async def intend(self, action: Action) -> Intent:
        deed = await self._understood(action)
        picture = None
        if deed.locator is not None and deed.act is not Act.READ:
            picture = await self._pointed_out(deed.locator)
        shown = deed.shown(action, self._address())
        self._intended = (_written(action), deed.act, deed.place, deed.title, shown)
        return Intent(deed.act, deed.place, deed.title, shown, picture)

    async def act(self, action: Action, progress: Progress) -> Observation:
        intended, self._intended = self._intended, None
        deed = await self._understood(action)
        self._pages.stands_still = False
        now = (deed.act, deed.place, deed.title, deed.shown(action, self._address()))
        if intended and intended[0] == _written(action) and intended[1:] != now:
            raise ActionError("The page has changed since: this would now do something else. Look at it again.")
        progress(deed.title)
        self._heard.chosen += deed.bits
        self._picture = None
        tabs = list(self._pages.tabs.values()) if self._pages.has_page else []
        try:
            async with asyncio.timeout(deed.most_s):
                await self._trials.begin(tabs, deed)
                done = await self._cancellable(deed.do(progress))
            if deed.shows_page:
                await self._pages.settled(downloads_s=deed.downloads_s)
                held = await self._trials.came_of_it(list(self._pages.tabs.values()))
                return await self._report(f"{done}\n{held}".strip(), thumbnail=deed.thumbnail)
            heading = await self._pages.heading() if self._pages.has_page else "No page is open."
            return self._observation("\n".join(filter(None, (*self._pages.news(), heading, done))))
        except asyncio.CancelledError:
            await self._stop()
            raise
        except (TimeoutError, playwright_errors()) as error:
            return await self._failure(f"{type(error).__name__} {error}")

    async def _cancellable(self, work: Awaitable[T]) -> T:
        """Playwright cannot be told to give up what it has begun. So when we are cancelled it may end what takes a
        moment; else the tab goes in which it would go on."""

        async def run() -> T:
            return await work

        task = self._browser.owner.spawn(_quietly(run()), name="act")
        try:
            outcome = await asyncio.shield(task)
        except asyncio.CancelledError:
            await self._stop(task)
            raise
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def _stop(self, task: asyncio.Task[Any] | None = None) -> None:
        """Nothing runs on: neither loads nor what was begun. Who stops waits for a moment; the next act, to the end."""
        if self._stopping is None or self._stopping.done():
            if self._browser.owner.closed:
                return
            self._stopping = self._browser.owner.spawn(self._stopped(task), name="stop")
        await asyncio.wait({self._stopping}, timeout=_LAST_MOMENT_S)

    async def _stopped(self, task: asyncio.Task[Any] | None) -> None:
        tab = self._pages.tabs.get(self._pages.current)
        await self._pages.stop()
        if task is not None and not task.done():
            await asyncio.wait({task}, timeout=_LAST_MOMENT_S)
            if not task.done():
                task.cancel()
                if tab is not None:
                    await tab.close()

    async def _understood(self, action: Action) -> Deed:
        if self._stopping is not None:
            await asyncio.wait({self._stopping})
        if self._browser.closed or self._closed:
            raise BrowserError("closed", "the browser has ended")
        understand: Callable[[Any], Coroutine[Any, Any, Deed]] | None = getattr(self, f"_to_{action.name}", None)
        if understand is None or all(tool.name != action.name for tool in TOOLS):
            raise ActionError(f"There is no action {shown(action.name)!r}.")
        try:
            return await understand(action.arguments)
        except (TimeoutError, playwright_errors()) as error:
            raise ActionError("The page does not answer, or has just changed. Look at it again.") from error

    # ── looking ───────────────────────────────────────────────────────────────

    async def _to_look(self, given: Any) -> Deed:
        part = arguments.number(given, "part", 1)

        async def do(_progress: Progress) -> str:
            return await self._pages.part(part) if self._pages.has_page else ""

        return Deed(
            Act.READ,
            self._host() if self._pages.has_page else "",
            "look at the page",
            do,
            thumbnail=False,
            shows_page=False,
        )

    async def _to_find(self, given: Any) -> Deed:
        text = arguments.text(given, "text", 200)

        async def do(_progress: Progress) -> str:
            lines = found_in(await self._pages.read(), text)
            return _first_part("\n".join(lines)) if lines else "That is nowhere on the page."

        return Deed(Act.READ, self._host(), f"find “{shown(text)}”", do, thumbnail=False, shows_page=False)

    async def _to_extract(self, given: Any) -> Deed:
        part = arguments.number(given, "part", 1)
        page = self._pages.tab.page
        region = located(page, given["ref"]) if given.get("ref") else page.locator("body")

        async def do(_progress: Progress) -> str:
            parts = parts_of(await region.inner_text(timeout=_ACT_MS), PAGE_TOKENS)
            number = min(max(1, part), len(parts))
            self._heard.read(page.url, frames=[frame.url for frame in page.frames])
            return parts[number - 1] + (f"\n[Part {number} of {len(parts)}.]" if len(parts) > 1 else "")

        return Deed(Act.READ, self._host(), "read the text of the page", do, thumbnail=False, shows_page=False)

    async def _to_screenshot(self, _given: Any) -> Deed:
        page = self._pages.tab.page

        async def do(_progress: Progress) -> str:
            self._picture = await self._photograph()
            self._heard.read(page.url, frames=[frame.url for frame in page.frames])
            return "The picture shows what is visible of the page."

        return Deed(Act.READ, self._host(), "take a picture of the page", do, thumbnail=False, shows_page=False)

    async def _to_wait(self, given: Any) -> Deed:
        page = self._pages.tab.page
        text = arguments.text(given, "text", 200) if given.get("text") else ""
        seconds = given.get("seconds", 10 if text else 2)
        if not isinstance(seconds, int | float) or not 0 < seconds <= _LONGEST_WAIT_S:
            raise ActionError(f'Give "seconds" as a number up to {_LONGEST_WAIT_S:.0f}.')

        async def do(_progress: Progress) -> str:
            if not text:
                await asyncio.sleep(seconds)
                return f"Waited {seconds} s."
            try:
                await page.get_by_text(text).first.element_handle(timeout=seconds * 1000)
            except playwright_errors() as error:
                if "Timeout" not in type(error).__name__:
                    raise
                return f"“{shown(text)}” did not appear within {seconds} s."
            return f"“{shown(text)}” is there."

        return Deed(Act.READ, self._host(), f"wait for “{shown(text)}”" if text else "wait", do)

    # ── going somewhere ───────────────────────────────────────────────────────

    async def _to_navigate(self, given: Any, *, new: bool = False) -> Deed:
        url = arguments.text(given, "url", 4_000).strip()
        if "://" not in url and not url.startswith(("about:", "data:", "javascript:", "file:", "view-source:")):
            url = f"https://{url}"
        refusal = self._browser.gate.refusal_of(url)
        if refusal:
            raise ActionError(refusal)

        async def do(_progress: Progress) -> str:
            return await self._pages.load(await self._pages.open(new=new), url)

        host = place_of(url)[0]
        bits = self._heard.bits((host,), self._heard.links_to(host)) if url in self._heard.links else 0.0
        act = risk.of_choice(risk.of_address(url, self._heard), bits, self._heard)
        title, where = f"open {shown(url, 120)}", {"address": url}
        return Deed(act, host, title, do, where, downloads_s=_DOWNLOAD_S, bits=bits, in_page=False)

    async def _to_new_tab(self, given: Any) -> Deed:
        return await self._to_navigate(given, new=True)

    async def _to_back(self, _given: Any) -> Deed:
        page = self._pages.tab.page

        async def do(_progress: Progress) -> str:
            gone = await page.go_back(wait_until="commit", timeout=_ACT_MS)
            return "" if gone is not None else "There may be no page before this one."

        return Deed(Act.READ, self._host(), "go back", do)

    async def _to_switch_tab(self, given: Any) -> Deed:
        number = arguments.number(given, "tab")
        tab = self._pages.numbered(number)

        async def do(_progress: Progress) -> str:
            self._pages.current = number
            if self._browser.visible:
                await tab.page.bring_to_front()
            return ""

        return Deed(Act.READ, place_of(tab.page.url)[0], f"go to tab {number}", do)

    async def _to_close_tab(self, given: Any) -> Deed:
        number = arguments.number(given, "tab")
        tab = self._pages.numbered(number)

        async def do(_progress: Progress) -> str:
            await tab.close()
            return f"Tab {number} is closed."

        return Deed(
            Act.READ, place_of(tab.page.url)[0], f"close tab {number}", do, shows_page=len(self._pages.tabs) > 1
        )

    # ── acting on elements ────────────────────────────────────────────────────

    async def _at(self, given: Any) -> tuple[Locator, Element, str]:
        """The element of ``ref``, what it is, and its host."""
        locator = located(self._pages.tab.page, given.get("ref"))
        element = await element_at(locator)
        return locator, element, element.host or self._host()

    async def _to_click(self, given: Any, *, download: bool = False) -> Deed:
        locator, element, host = await self._at(given)
        self._check_link(element)
        if element.type == "file":
            raise ActionError("That takes a file: use upload.")
        double = given.get("double") is True

        async def do(_progress: Progress) -> str:
            await locator.click(click_count=2 if double else 1, timeout=_ACT_MS, no_wait_after=True)
            return ""

        bits = self._bits(host, place_of(element.link)[0])
        title = f"{'double-click' if double else 'click'} {element.title}"
        worst = risk.of_click(element)
        if download:
            worst, title = risk.worst(worst, Act.WRITE), f"download {element.title}"
        judged = self._judged(element, worst, may_try=not download and risk.may_try_click(element))
        act = risk.of_choice(judged.act, bits, self._heard)
        seconds = _DOWNLOAD_S if download else 3.0
        where = {"leads to": element.link} if element.link else None
        return Deed(act, host, title, do, where, element, locator, downloads_s=seconds, bits=bits, judged=judged)

    def _judged(self, element: Element, worst: Act, *, may_try: bool) -> Judged:
        return self._trials.judged(self._pages.tabs.values(), element, worst, may_try=may_try)

    def _bits(self, *hosts: str) -> float:
        """What it tells these hosts that it is this element of the page."""
        return self._heard.bits(hosts, self._pages.snapshot.count("[ref="))

    async def _to_download(self, given: Any) -> Deed:
        return await self._to_click(given, download=True)

    def _check_link(self, element: Element) -> None:
        if not element.link or element.link.startswith("javascript:"):
            return
        refusal = self._browser.gate.refusal_of(element.link) if not element.link.startswith("blob:") else ""
        if refusal:
            raise ActionError(f"That link is not followed. {refusal}")

    async def _to_type(self, given: Any) -> Deed:
        locator, element, host = await self._at(given)
        text = arguments.text(given, "text")
        submit = given.get("submit") is True
        if element.secret:
            raise ActionError("That field is for the user alone. Call sign_in, and they fill it in.")
        if not element.takes_text:
            raise ActionError("That is no field for text. Use click or select.")

        async def do(_progress: Progress) -> str:
            await locator.fill(text, timeout=_ACT_MS)
            if submit:
                await locator.press("Enter", timeout=_ACT_MS, no_wait_after=True)
            return ""

        act = risk.of_typing(element, text, host, self._heard)
        judged = Judged(act)
        if submit:
            may_try = act is Act.READ and risk.may_try_submit(element)
            judged = self._judged(element, risk.worst(act, risk.of_submit(element)), may_try=may_try)
        title = f"type “{shown(text, 60)}” into {element.title}{' and send it' if submit else ''}"
        return Deed(judged.act, host, title, do, None, element, locator, judged=judged)

    async def _to_select(self, given: Any) -> Deed:
        locator, element, host = await self._at(given)
        options = arguments.texts(given, "options")
        if element.tag != "select":
            raise ActionError("That is no list of its own kind: click it, then click the option.")

        async def do(_progress: Progress) -> str:
            await locator.select_option(label=options, timeout=_ACT_MS, no_wait_after=True)
            return ""

        title = f"choose “{shown(', '.join(options), 60)}” in {element.title}"
        bits = self._bits(host)
        judged = self._judged(element, Act.WRITE, may_try=not element.filled)
        act = risk.of_choice(judged.act, bits, self._heard)
        return Deed(act, host, title, do, None, element, locator, bits=bits, judged=judged)

    async def _to_press(self, given: Any) -> Deed:
        key = arguments.text(given, "key", 40)
        page = self._pages.tab.page
        focus = located(page, given["ref"]) if given.get("ref") else page.locator(":focus").first
        element = await element_at(focus) if given.get("ref") or await focus.count() else None
        if element is not None and element.secret and risk.of_key(key, None) is not Act.READ and key != "Enter":
            raise ActionError("That field is for the user alone. Call sign_in, and they fill it in.")

        async def do(_progress: Progress) -> str:
            if given.get("ref"):
                await focus.press(key, timeout=_ACT_MS, no_wait_after=True)
            else:
                await page.keyboard.press(key)
            return ""

        title = f"press {shown(key)}" + (f" in {element.title}" if element else "")
        host = (element and element.host) or self._host()
        bits = self._heard.bits((host,), risk.KEYS)
        judged = Judged(risk.of_key(key, element))
        if element is not None and judged.act is not Act.READ:
            judged = self._judged(element, judged.act, may_try=risk.may_try_key(key, element))
        act = risk.of_choice(judged.act, bits, self._heard)
        return Deed(act, host, title, do, None, element, focus if element else None, bits=bits, judged=judged)

    async def _to_hover(self, given: Any) -> Deed:
        locator, element, host = await self._at(given)

        async def do(_progress: Progress) -> str:
            await locator.hover(timeout=_ACT_MS)
            return ""

        bits = self._bits(host)
        return Deed(risk.of_choice(Act.READ, bits, self._heard), host, f"point at {element.title}", do, bits=bits)

    async def _to_scroll(self, given: Any) -> Deed:
        page = self._pages.tab.page
        locator = located(page, given["ref"]) if given.get("ref") else None
        direction = given.get("direction", "down")
        if direction not in ("down", "up", "end", "top"):
            raise ActionError('Give "direction" as down, up, end or top.')

        async def do(_progress: Progress) -> str:
            if locator is not None:
                await locator.scroll_into_view_if_needed(timeout=_ACT_MS)
            elif direction in ("end", "top"):
                await page.evaluate(
                    f"scrollTo(0, {'document.documentElement.scrollHeight' if direction == 'end' else 0})"
                )
            else:
                await page.evaluate(f"scrollBy(0, innerHeight * {0.9 if direction == 'down' else -0.9})")
            return ""

        return Deed(Act.READ, self._host(), f"scroll {'to an element' if locator else direction}", do)

    async def _to_upload(self, given: Any) -> Deed:
        locator, element, host = await self._at(given)
        names = arguments.texts(given, "files")
        files = [await in_thread(self._file, name) for name in names]
        page = self._pages.tab.page

        async def do(_progress: Progress) -> str:
            if element.type == "file":
                await locator.set_input_files(files, timeout=_ACT_MS, no_wait_after=True)
                return ""
            async with page.expect_file_chooser(timeout=_ACT_MS) as chooser:
                await locator.click(timeout=_ACT_MS, no_wait_after=True)
            await (await chooser.value).set_files(files)
            return ""

        title = f"give {shown(', '.join(file.name for file in files))} to {host}"
        told = await in_thread(lambda: [_as_it_is(file) for file in files])
        return Deed(Act.EXFILTRATING, host, title, do, told, element, locator)

    def _file(self, name: str) -> Path:
        """A file of the task's folder, or one whose whole path the user named, where it really is. Reads the disk."""
        folder = self._job.folder.resolve()
        inside = (folder / name).resolve()
        named = Path(name).is_absolute() and name in self._job.words
        path = inside if inside.is_relative_to(folder) else Path(name).resolve()
        if not (inside.is_relative_to(folder) or named) or not path.is_file():
            raise ActionError(f"{shown(name)!r} is no file of this task, and none that the user named.")
        if path.stat().st_size > _LARGEST_UPLOAD:
            raise ActionError(f"{shown(name)!r} is larger than {_LARGEST_UPLOAD // 1024 // 1024} MB.")
        return path

    # ── dialogs, and the user's turn ──────────────────────────────────────────

    async def _to_answer_dialog(self, given: Any) -> Deed:
        tab = self._pages.tab
        if tab.last_dialog is None:
            raise ActionError("No dialog has been answered with no.")
        kind, message = tab.last_dialog
        text = arguments.text(given, "text", 1_000) if given.get("text") else None

        async def do(_progress: Progress) -> str:
            tab.accepts = (message, text)
            return "The next dialog that says the same is accepted, once. Do now what makes it appear."

        title = f"say yes when the page asks “{shown(message)}”"
        about = {"dialog": message, "kind": kind, "answer": text if text is not None else "OK"}
        return Deed(Act.DESTRUCTIVE, self._host(), title, do, about, thumbnail=False, shows_page=False)

    async def _to_sign_in(self, given: Any) -> Deed:
        why = shown(arguments.text(given, "why", 300), 200) if given.get("why") else ""
        host = self._host()
        page = self._pages.tab.page

        async def do(progress: Progress) -> str:
            if not self._browser.visible:
                return (
                    "That is not possible: the browser has no window, so the user cannot sign in. Tell them that they "
                    "can have one with the setting browser.visible, on a computer with a screen."
                )
            progress(f"waiting for the user at {host}")
            await page.bring_to_front()
            answer = await self._job.hand_over(f"{host}: {why}" if why else host)
            return "The user did not do it." if answer is None else f"The user has answered: {shown(answer, 200)}"

        return Deed(Act.READ, host, f"let the user sign in at {host}", do, most_s=None)

    # ── telling ───────────────────────────────────────────────────────────────

    def _address(self) -> str:
        return shown(self._pages.tab.page.url, 300) if self._pages.has_page else ""

    def _host(self) -> str:
        return place_of(self._pages.tab.page.url)[0]

    async def _report(self, done: str, *, thumbnail: bool) -> Observation:
        """What came of an action and how the page is now."""
        news = self._pages.news()
        try:
            page = (
                f"{await self._pages.heading()}\n{await self._pages.part()}"
                if self._pages.has_page
                else "No page is open."
            )
        except (ActionError, TimeoutError, playwright_errors()):
            page = "The page cannot be read now; look at it again in a moment, or open another."
        picture = await self._pages.tab.thumbnail() if thumbnail and self._pages.has_page else None
        return self._observation("\n".join(filter(None, (done, *news, *self._pages.news(), page))), thumbnail=picture)

    def _observation(self, text: str, thumbnail: Picture | None = None, *, failed: bool = False) -> Observation:
        picture, self._picture = self._picture, None
        return Observation(text, failed, picture, thumbnail, tuple(self._pages.files()))

    async def _failure(self, error: str) -> Observation:
        if self._browser.closed:
            raise BrowserError("closed", "the browser has ended")
        reason = error.split("\n", 1)[0].partition(" ")[2]
        if error.startswith("Timeout"):
            reason = "it was not there, not ready or covered by something else"
        whole = await self._report(f"It did not work: {shown(reason, 200)}.", thumbnail=False)
        return Observation(whole.text, failed=True, files=whole.files)

    async def _photograph(self, *pointed_out: Locator) -> Picture:
        """What is visible, secrets covered; with the spots marked where something would be done."""
        page = self._pages.tab.page
        mask = list(pointed_out) or [page.locator(SECRET_FIELDS)]
        color = _MARK if pointed_out else "#888"
        for quality in _QUALITIES:
            data = await page.screenshot(
                type="jpeg", quality=quality, scale="css", mask=mask, mask_color=color, timeout=_ACT_MS
            )
            if len(data) <= LARGEST_PICTURE:
                break
        return Picture(data, "image/jpeg")

    async def _pointed_out(self, locator: Locator) -> Picture | None:
        with contextlib.suppress(playwright_errors()):
            await locator.scroll_into_view_if_needed(timeout=1_000)
            return await self._photograph(locator)
        return None

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._trials.close()
        try:
            if not self._browser.closed:
                await self._pages.aclose()
        finally:
            self._naming.close()
            self._on_closed()


async def _quietly(work: Awaitable[T]) -> T | Exception:
    """The result, or the failure as one: whoever spawned it reports that."""
    try:
        return await work
    except Exception as error:
        return error


def _as_it_is(file: Path) -> str:
    """A file for the user to read of, by which it is known whether it is still the same."""
    known = file.stat()
    return f"{file} ({known.st_size} bytes, changed {datetime.fromtimestamp(known.st_mtime).isoformat(' ')})"


def _written(action: Action) -> str:
    return json.dumps([action.name, dict(action.arguments)], sort_keys=True, default=str)


def _first_part(text: str) -> str:
    return parts_of(text, PAGE_TOKENS)[0]
