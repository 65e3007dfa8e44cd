"""A task on real pages: what it sees, what it does, and what the server has then been asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from neko.agent.approvals import LARGEST_PICTURE
from neko.agent.browser.hand import BrowserHand
from neko.types.agent import Act
from neko.types.hands import ActionError, Job
from tests.agent.browser.conftest import Open, Rules
from tests.agent.browser.site import SILENCE, Asked, Page, Site

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

FORM = """<title>Order</title><form action="/order" method="post"><label>Your name <input name="name"></label>
<label>Size <select name="size"><option>small</option><option>large</option></select></label>
<label><input type="checkbox" name="gift">As a gift</label><button>Buy now</button></form>"""


async def test_a_secret_is_not_spelled_by_which_of_many_links_are_followed(
    open_worker: Open, site: Site, rules: Rules
) -> None:
    rules.near = True
    letters = "".join(f'<a href="/spell?l={chr(number)}">{chr(number)}</a> ' for number in range(0x4E00, 0x4E00 + 512))
    site.pages |= {"/": Page(letters), "/spell": Page(letters)}
    worker = await open_worker("Read it", heard_outside=lambda: True)
    await worker.do("navigate", url=f"http://localhost:{site.port}/")
    for letter in "丘专世两丈下七":
        await worker.do("click", at=f'link "{letter}"')
    assert [one.act for one in worker.intents[1:]] == [Act.READ] * 7
    assert (await worker.intend("click", at='link "丁"')).act is Act.WRITE
    assert (await worker.intend("navigate", url=f"http://localhost:{site.port}/spell?l=丁")).act is not Act.READ


async def test_a_form_is_filled_in_and_sent_and_the_user_is_shown_what_would_be_bought(
    open_worker: Open, site: Site
) -> None:
    site.pages |= {"/": Page(FORM), "/order": Page("<h1>Thank you</h1>")}
    worker = await open_worker("Order a large one for Ada")
    await worker.do("navigate", url=site.url)
    await worker.do("type", at="textbox", text="Ada")
    await worker.do("select", at="combobox", options=["large"])
    await worker.do("click", at="checkbox")
    done = await worker.do("click", at="button")
    assert "Thank you" in done.text
    assert site.asked[-1 if site.asked[-1].path == "/order" else -2] == Asked(
        "POST", "/order", {"name": "Ada", "size": "large", "gift": "on"}
    )
    opened, typed, chosen, ticked, bought = worker.intents
    assert [one.act for one in worker.intents] == [Act.READ, Act.WRITE, Act.WRITE, Act.WRITE, Act.DESTRUCTIVE]
    assert {one.place for one in worker.intents} == {"127.0.0.1"}
    assert typed.title == "type “Ada” into “Your name”"
    assert bought.title == "click “Buy now”"
    assert '"size": "large"' in bought.shown
    assert '"name": "Ada"' in bought.shown
    assert bought.picture is not None
    assert bought.picture.data.startswith(b"\xff\xd8")
    assert opened.picture is None
    assert chosen.picture is not None
    assert ticked.picture is not None
    assert done.thumbnail is not None
    assert len(done.thumbnail.data) < 20_000


async def test_a_page_of_noise_is_shown_in_a_question_too_if_more_coarsely(open_worker: Open, site: Site) -> None:
    noise = """<button style="position:fixed">Buy now</button><canvas width=1080 height=810></canvas><script>
    const brush = document.querySelector('canvas').getContext('2d'), image = brush.createImageData(1080, 810);
    for (let at = 0; at < image.data.length; at++) image.data[at] = at % 4 == 3 ? 255 : Math.random() * 256;
    brush.putImageData(image, 0, 0)</script>"""
    site.pages |= {"/": Page(noise)}
    worker = await open_worker("Buy it")
    await worker.do("navigate", url=site.url)
    picture = (await worker.intend("click", at="button")).picture
    assert picture is not None
    assert 100_000 < len(picture.data) <= LARGEST_PICTURE


async def test_searching_with_the_users_own_words_is_reading_and_the_results_can_be_extracted(
    open_worker: Open, site: Site
) -> None:
    def found(asked: Asked) -> Page:
        return Page(f"<main aria-label=Results><p>Found: {asked.fields['words']}</p><a href=/one>The first</a></main>")

    site.pages |= {"/": Page('<form action="/found"><input type=search name=words aria-label=Search></form>')}
    site.pages |= {"/found": found, "/one": Page("<article><h1>Capybaras</h1><p>They are calm.</p></article>")}
    worker = await open_worker("Find calm capybaras")
    await worker.do("navigate", url=site.url)
    results = await worker.do("type", at="searchbox", text="calm capybaras", submit=True)
    assert "Found: calm capybaras" in results.text
    await worker.do("click", at="link")
    text = await worker.do("extract")
    assert "Capybaras" in text.text
    assert "They are calm." in text.text
    assert {one.act for one in worker.intents} == {Act.READ}
    back = await worker.do("back")
    assert "The first" in back.text


async def test_what_stands_in_frames_and_shadow_roots_is_seen_and_used(open_worker: Open, site: Site) -> None:
    shadow = "<div id=host></div><script>host.attachShadow({mode: 'open'}).innerHTML = \"<button>Deep</button>\";"
    shadow += "host.shadowRoot.querySelector('button').onclick = () => fetch('/deep');</script>"
    site.pages |= {"/": Page(f"{shadow}<iframe src=/frame></iframe>"), "/deep": Page(), "/framed": Page()}
    site.pages |= {"/frame": Page("<button onclick=\"fetch('/framed')\">Inside</button>")}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    await worker.do("click", at="Deep")
    await worker.do("click", at="Inside")
    await site.until_asked("/deep")
    await site.until_asked("/framed")


async def test_a_page_that_opens_a_new_one_is_followed_there_and_left_again(open_worker: Open, site: Site) -> None:
    site.pages |= {"/": Page('<h1>First</h1><a href="/two" target="_blank" rel="noopener">More</a>')}
    site.pages |= {"/two": Page("<h1>Second</h1>")}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    opened = await worker.do("click", at="More")
    assert "opened a new tab" in opened.text
    assert "Second" in opened.text
    assert "First" in (await worker.do("switch_tab", tab=1)).text
    assert "Second" in (await worker.do("close_tab", tab=1)).text
    assert "No page is open" in (await worker.do("close_tab", tab=2)).text
    with pytest.raises(ActionError, match="no tab 1"):
        await worker.do("switch_tab", tab=1)


async def test_a_long_page_comes_in_parts_and_is_searched_whole(open_worker: Open, site: Site) -> None:
    items = "".join(f"<li><a href=/{number}>Thing {number}</a></li>" for number in range(1_200))
    site.pages |= {"/": Page(f"<ul>{items}</ul>"), "/1100": Page("<h1>Eleven hundred</h1>")}
    worker = await open_worker()
    first = await worker.do("navigate", url=site.url)
    assert "Thing 3" in first.text
    assert "Thing 1100" not in first.text
    assert "Part 1 of" in first.text
    assert len(first.text) < 13_000
    second = await worker.do("look", part=2)
    assert "Part 2 of" in second.text
    assert "Thing 3\n" not in second.text
    found = await worker.do("find", text="thing 1100")
    assert "Thing 1100" in found.text
    assert "Thing 1101" not in found.text
    assert "Eleven hundred" in (await worker.do("click", at="Thing 1100")).text


async def test_a_page_that_grows_as_one_scrolls_is_read_further(open_worker: Open, site: Site) -> None:
    script = """<ul id=list></ul><script>let next = 0;
      const more = () => { for (let i = 0; i < 30; i++) list.insertAdjacentHTML('beforeend', `<li style="height:60px">row ${next++}</li>`); };
      more(); addEventListener('scroll', () => { if (scrollY + innerHeight > document.body.scrollHeight - 50) more(); });
    </script>"""  # noqa: E501
    site.pages |= {"/": Page(script)}
    worker = await open_worker()
    assert "row 29" in (await worker.do("navigate", url=site.url)).text
    await worker.do("scroll", direction="end")
    assert "row 59" in (await worker.do("wait", text="row 59")).text


async def test_a_load_that_never_ends_is_stopped_and_told(
    open_worker: Open, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neko.agent.browser.tabs._DOCUMENT_S", 0.3)
    monkeypatch.setattr("neko.agent.browser.pages._LOADS_S", 0.5)
    monkeypatch.setattr("neko.agent.browser.snapshot._FRAMES_MS", 500)
    site.pages |= {"/": Page("<h1>Here</h1><iframe src=/never></iframe>"), "/never": SILENCE}
    worker = await open_worker()
    half = await worker.do("navigate", url=site.url)
    assert "still loading" in half.text
    assert "Here" in half.text
    nothing = await worker.do("navigate", url=f"{site.url}/never")
    assert "did not answer" in nothing.text


async def test_a_download_is_kept_in_the_tasks_folder_under_a_harmless_name(open_worker: Open, site: Site) -> None:
    attachment = {"Content-Disposition": "attachment; filename*=UTF-8''..%2F..%2Fsta%E2%80%AErt%3Fup.txt"}
    site.pages |= {"/": Page('<a href="/file">Report</a>'), "/file": Page("all of it", headers=attachment)}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    done = await worker.do("download", at="Report")
    (path,) = done.files
    assert path.parent == worker.folder
    assert path.read_text() == "all of it"
    assert not set(path.name) & set('/\\?\u202e"')
    assert path.name.endswith("up.txt")
    assert worker.intents[-1].act is Act.WRITE
    again = await worker.do("navigate", url=f"{site.url}/file")
    assert again.files
    assert again.files[0] != path


async def test_a_download_that_is_too_large_is_stopped(
    open_worker: Open, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neko.agent.browser.tabs.LARGEST_DOWNLOAD", 1_000)
    attachment = {"Content-Disposition": "attachment; filename=big.bin"}
    site.pages |= {"/": Page('<a href="/file">Report</a>'), "/file": Page("x" * 300_000, headers=attachment)}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    done = await worker.do("download", at="Report")
    assert "too large" in done.text or "larger than" in done.text
    assert not done.files
    assert not list(worker.folder.iterdir())


async def test_only_files_of_the_task_or_named_by_the_user_are_given_away(
    open_worker: Open, site: Site, tmp_path: Path
) -> None:
    named, secret = tmp_path / "named.txt", tmp_path / "secret.txt"
    named.write_text("mine")
    secret.write_text("hidden")
    site.pages |= {"/": Page("<input type=file aria-label=File onchange=\"fetch('/got?name=' + files[0].name)\">")}
    site.pages |= {"/got": Page()}
    worker = await open_worker(f"Hand in {named}")
    await worker.do("navigate", url=site.url)
    for other in (str(secret), "../secret.txt", "/etc/passwd"):
        with pytest.raises(ActionError, match="no file of this task"):
            await worker.do("upload", at="File", files=[other])
    await worker.do("upload", at="File", files=[str(named)])
    await site.until_asked("/got")
    assert worker.intents[-1].act is Act.EXFILTRATING
    assert str(named) in worker.intents[-1].shown
    assert site.asked[-1].fields == {"name": "named.txt"}


@pytest.mark.parametrize("swap", ["a link", "other words"])
async def test_a_file_that_became_another_one_after_it_was_allowed_is_not_given_away(
    open_worker: Open, site: Site, tmp_path: Path, swap: str
) -> None:
    named, secret = tmp_path / "named.txt", tmp_path / "secret.txt"
    named.write_text("mine")
    secret.write_text("hidden")
    site.pages |= {"/": Page("<input type=file aria-label=File onchange=\"fetch('/got')\">"), "/got": Page()}
    worker = await open_worker(f"Hand in {named}")
    await worker.do("navigate", url=site.url)
    action = worker._action("upload", "File", {"files": [str(named)]})
    assert "4 bytes" in (await worker.workspace.intend(action)).shown
    if swap == "a link":
        named.unlink()
        named.symlink_to(secret)
    else:
        named.write_text("hidden")
    with pytest.raises(ActionError, match="changed since"):
        await worker.workspace.act(action, lambda _doing: None)
    assert "/got" not in site.paths
    assert (str(secret) in (await worker.workspace.intend(action)).shown) is (swap == "a link")


# ── dialogs ─────────────────────────────────────────────────────────────────────────────


async def test_a_dialog_is_answered_with_no_and_with_yes_only_once_that_was_allowed(
    open_worker: Open, site: Site
) -> None:
    asks = "<button onclick=\"fetch(confirm('Delete all?') ? '/yes' : '/no')\">Tidy up</button>"
    site.pages |= {"/": Page(asks), "/yes": Page(), "/no": Page()}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    told = await worker.do("click", at="Tidy up")
    assert "Delete all?" in told.text
    assert "dismissed" in told.text
    await worker.do("answer_dialog")
    assert worker.intents[-1].act is Act.DESTRUCTIVE
    assert "Delete all?" in worker.intents[-1].title
    assert "was accepted" in (await worker.do("click", at="Tidy up")).text
    assert "dismissed" in (await worker.do("click", at="Tidy up")).text
    assert site.paths[1:] == ["/no", "/yes", "/no"]


async def test_a_page_that_does_not_want_to_be_left_is_told_of(open_worker: Open, site: Site) -> None:
    stays = "<button onclick=\"window.addEventListener('beforeunload', event => event.preventDefault())\">Edit</button>"
    site.pages |= {"/": Page(f"{stays}<a href=/two>Away</a>"), "/two": Page("<h1>Second</h1>")}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    await worker.do("click", at="Edit")
    assert "whether it may be left" in (await worker.do("click", at="Away")).text
    await worker.do("answer_dialog")
    assert "Second" in (await worker.do("click", at="Away")).text


# ── what the page says, and what it hides ───────────────────────────────────────────────


async def test_the_title_of_an_act_is_what_the_button_says_without_what_nobody_sees(
    open_worker: Open, site: Site
) -> None:
    site.pages |= {
        "/": Page(f"<button>Pay\u202e\u200b   now{' really' * 40}</button><button aria-label=Close>Pay</button>")
    }
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    title = (await worker.intend("click", at="Pay")).title
    assert title.startswith("click “Pay now really")
    assert len(title) < 100
    assert (await worker.intend("click", at="Close")).act is Act.DESTRUCTIVE


async def test_a_button_that_changed_after_it_was_allowed_is_not_pressed(open_worker: Open, site: Site) -> None:
    site.pages |= {"/": Page("<button id=b onclick=\"fetch('/pressed')\">Show</button>"), "/pressed": Page()}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    action = worker._action("click", "Show", {})
    await worker.workspace.intend(action)
    await worker.workspace._pages.tab.page.evaluate("b.textContent = 'Pay'")
    with pytest.raises(ActionError, match="changed since"):
        await worker.workspace.act(action, lambda _doing: None)
    assert "/pressed" not in site.paths


@pytest.mark.parametrize(
    "change",
    [
        "link.href = '/other'",
        "field.value = 'Mallory'",
        "history.replaceState(0, '', '/elsewhere')",
        "document.forms[0].action = '/other'",
    ],
)
async def test_what_leads_elsewhere_or_holds_other_values_than_were_shown_is_not_done(
    open_worker: Open, site: Site, change: str
) -> None:
    form = "<form action=/sent method=post><input id=field name=to value=Ada><a id=link href=/sent>Send it</a></form>"
    site.pages |= {"/": Page(form), "/sent": Page(), "/other": Page()}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    action = worker._action("click", "Send it", {})
    await worker.workspace.intend(action)
    await worker.workspace._pages.tab.page.evaluate(change)
    with pytest.raises(ActionError, match="changed since"):
        await worker.workspace.act(action, lambda _doing: None)
    assert site.paths[-1] not in ("/sent", "/other")


async def test_passwords_are_neither_read_nor_typed(open_worker: Open, site: Site) -> None:
    fields = (
        '<input type=password aria-label=Secret value="hunter: 2"><input aria-label=Name value=Ada><p>hunter: 2</p>'
    )
    site.pages |= {"/": Page(f"<form>{fields}</form>")}
    worker = await open_worker()
    seen = await worker.do("navigate", url=site.url)
    assert "hunter" not in seen.text
    assert "Ada" in seen.text
    with pytest.raises(ActionError, match="for the user alone"):
        await worker.do("type", at="Secret", text="guess")
    assert "hunter" not in (await worker.intend("type", at="Name", text="Bob")).shown
    without_window = await worker.do("sign_in", why="to see the orders")
    assert "browser.visible" in without_window.text


async def test_a_crash_is_told_and_the_task_goes_on_in_a_new_tab(open_worker: Open, site: Site) -> None:
    site.pages |= {"/": Page("<h1>Alive</h1>")}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    tab = worker.workspace._pages.tab
    crashed = asyncio.get_running_loop().create_future()
    tab.page.on("crash", lambda page: crashed.set_result(None))
    going = asyncio.ensure_future(tab.page.goto("chrome://crash"))
    async with asyncio.timeout(20):
        await crashed
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)
    assert "has crashed" in (await worker.do("wait", seconds=0.1)).text
    assert "Alive" in (await worker.do("navigate", url=site.url)).text


# ── nobody waits, and nothing runs on ───────────────────────────────────────────────────


async def test_a_cancelled_act_stops_loading_at_once_and_leaves_nothing_to_run_on(
    open_worker: Open, site: Site
) -> None:
    site.pages |= {"/": Page("<a href=/slow>Slow</a>"), "/slow": SILENCE}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    acting = asyncio.ensure_future(worker.do("click", at="Slow"))
    await site.until_asked("/slow")
    acting.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await acting
        while site.hung_up != ["/slow"]:
            site.arrived.clear()
            await site.arrived.wait()
    assert "Slow" in (await worker.do("look")).text


async def test_a_page_that_a_cancelled_click_would_have_opened_stays_closed(open_worker: Open, site: Site) -> None:
    site.pages |= {"/": Page("<h1>First</h1><a href=/two target=_blank>Two</a>"), "/two": Page("<h1>Second</h1>")}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    first = worker.workspace._pages.tab.page
    await worker.workspace._pages.stop()
    async with first.expect_popup() as opening:
        await first.click("a")
    second = await opening.value
    if not second.is_closed():
        await second.wait_for_event("close")
    assert "First" in (await worker.do("look")).text
    assert "Second" in (await worker.do("click", at="Two")).text


async def test_a_click_that_waits_for_its_button_is_never_made_once_it_is_cancelled(
    open_worker: Open, site: Site
) -> None:
    covered = '<button onclick="fetch(\'/pressed\')">Go</button><div id=cover style="position:fixed;inset:0"></div>'
    site.pages |= {"/": Page(covered), "/pressed": Page(), "/after": Page("<h1>After</h1>")}
    worker = await open_worker()
    await worker.do("navigate", url=site.url)
    page = worker.workspace._pages.tab.page
    action = worker._action("click", "Go", {})
    acting = asyncio.ensure_future(worker.workspace.act(action, lambda _doing: None))
    _, pending = await asyncio.wait({acting}, timeout=0.3)
    assert pending
    acting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await acting
    assert "After" in (await worker.do("navigate", url=f"{site.url}/after")).text
    assert page.is_closed()
    assert "/pressed" not in site.paths


async def test_nobody_waits_for_the_page_of_another_task(open_worker: Open, site: Site) -> None:
    site.pages |= {"/": Page("<h1>Quick</h1>"), "/slow": SILENCE}
    slow, quick = await open_worker(), await open_worker()
    waiting = asyncio.ensure_future(slow.do("navigate", url=f"{site.url}/slow"))
    await site.until_asked("/slow")
    assert "Quick" in (await quick.do("navigate", url=site.url)).text
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_a_workspace_that_is_closed_takes_its_tabs_with_it(hand: BrowserHand, site: Site, tmp_path: Path) -> None:
    site.pages |= {"/": Page("<h1>Here</h1>"), "/slow": SILENCE}
    workspace = await hand.open(Job("t", "Neko", f"look at {site.url}", tmp_path))
    await workspace._pages.load(await workspace._pages.open(new=True), site.url)
    pages = [tab.page for tab in workspace._pages.tabs.values()]
    await workspace.aclose()
    await workspace.aclose()
    assert pages
    for _ in range(500):
        if all(page.is_closed() for page in pages):
            break
        await asyncio.sleep(0.01)
    assert all(page.is_closed() for page in pages)


# ── where it may not go ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "javascript:alert(1)", "chrome://settings", "data:text/html,x", "http://u:p@example.com/"],
)
async def test_only_plain_web_addresses_are_opened(open_worker: Open, site: Site, url: str) -> None:
    worker = await open_worker()
    for name in ("navigate", "new_tab"):
        with pytest.raises(ActionError):
            await worker.do(name, url=url)


async def test_no_page_leads_to_a_place_that_the_user_did_not_name(open_worker: Open, site: Site, rules: Rules) -> None:
    async with Site() as other:
        other.pages |= {"/": Page("inside")}
        rules.never.add("forbidden.example")
        site.pages |= {
            "/": Page(
                f'<a href=/redirect>Redirect</a><a href="{other.url}">Straight</a><a href="file:///etc/passwd">File</a>'
                f"<button onclick=\"window.open('{other.url}')\">Window</button>"
                f"<button onclick=\"fetch('{other.url}', {{mode: 'no-cors'}})\">Fetch</button>"
                f"<iframe src='{other.url}'></iframe><a href=/never>Never</a>"
            ),
            "/redirect": Page(status=302, headers={"Location": other.url}),
            "/never": Page(status=302, headers={"Location": "http://forbidden.example/"}),
        }
        worker = await open_worker()
        await worker.do("navigate", url=site.url)
        for link in ("Straight", "File"):
            with pytest.raises(ActionError):
                await worker.do("click", at=link)
        await worker.do("click", at="Fetch")
        told = await worker.do("click", at="Redirect")
        assert "not opened" in told.text
        assert "own network" in told.text
        await worker.do("navigate", url=site.url)
        assert "which was not opened" in (await worker.do("click", at="Window")).text
        await worker.do("navigate", url=site.url)
        assert "does not allow forbidden.example" in (await worker.do("click", at="Never")).text
        with pytest.raises(ActionError, match="does not allow"):
            await worker.do("navigate", url="https://forbidden.example/")
        assert other.asked == []


async def test_nekos_own_pages_are_opened_for_nobody(open_worker: Open, site: Site, rules: Rules) -> None:
    rules.own_ports.add(site.port)
    site.pages |= {"/": Page("<button>Allow</button>")}
    worker = await open_worker()
    with pytest.raises(ActionError, match="for the user alone"):
        await worker.do("navigate", url=site.url)
    assert site.asked == []
