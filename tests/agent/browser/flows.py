"""What people have done in a browser, on small pages that work as real ones do: with scripts, without forms, in the
languages that pages are in. ``FLOWS`` says of each how often the user has to be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.agent.browser.site import Asked, Page, Site

Step = tuple[str, str] | tuple[str, str, dict[str, object]]
"""An action, the line of the page that its element stands in, and more arguments."""


@dataclass(frozen=True)
class Flow:
    """``sees``: what the page shows at the end; ``sent``: the requests that are no GET, in order."""

    words: str
    pages: Mapping[str, str]
    steps: Sequence[Step]
    sees: str
    questions: int = 0
    sent: Sequence[str] = ()


def serve(site: Site, flow: Flow) -> None:
    def answer(body: str) -> Callable[[Asked], Page]:
        def answered(asked: Asked) -> Page:
            query = "&".join(f"{name}={value}" for name, value in asked.fields.items())
            return Page(body.replace("QUERY", query))

        return answered

    site.pages.update({path: answer(body) for path, body in flow.pages.items()})


GET = "const get = async (url) => out.textContent = await (await fetch(url)).text();"
POST = "const post = async (url, body) => { const got = await fetch(url, {method: 'POST', body}); out.textContent = await got.text(); };"  # noqa: E501
OUT = "<output id=out></output>"


def buttons(*names: str, click: str = "out.textContent = 'at ' + this.textContent") -> str:
    return "".join(f'<button onclick="{click}">{name}</button>' for name in names)


FLOWS: dict[str, Flow] = {
    "a shop is searched, filtered and sorted": Flow(
        "Find red trail shoes",
        {
            "/": f"""<form onsubmit="event.preventDefault(); get('/found?q=' + box.value)">
              <input id=box type=search aria-label=Search><button>Search</button></form>
              <label><input type=checkbox onchange="get('/found?waterproof=1')">Waterproof</label>
              <button onclick="get('/found?colour=red')">Red</button>
              <button onclick="get('/found?most=50')">Up to €50</button>
              <select aria-label=Sort onchange="get('/found?by=' + value)"><option>New</option><option>Cheapest</option>
              </select><button onclick="get('/found?all=1')">Apply filters</button>
              <div onclick="location = '/shoe'" style="cursor:pointer">Trail shoe, order by five, ships at once</div>
              {OUT}<script>{GET}</script>""",
            "/found": "found QUERY",
            "/shoe": "<h1>The shoe</h1>",
        },
        [
            ("type", "searchbox", {"text": "red trail shoes", "submit": True}),
            ("click", "checkbox"),
            ("click", '"Red"'),
            ("click", "Up to €50"),
            ("select", "combobox", {"options": ["Cheapest"]}),
            ("click", "Apply filters"),
            ("click", "Trail shoe"),
        ],
        "The shoe",
    ),
    "a notice about cookies is accepted": Flow(
        "Read the news",
        {
            "/": f"""<div style="position:fixed;bottom:0" id=bar><p>We value your privacy and use cookies.</p>
              <button onclick="fetch('/consent', {{method: 'POST'}}); bar.remove(); out.textContent = 'rid of it'">
              Accept all</button><button>Manage choices</button></div>{OUT}""",
            "/consent": "",
        },
        [("click", "Accept all")],
        "rid of it",
        sent=["/consent"],
    ),
    "notices about cookies in other languages are answered": Flow(
        "Read the news",
        {
            "/": """<div class=cookie-layer>Wir nutzen Cookies <button>Alle akzeptieren</button></div>
              <div role=dialog aria-label=Cookies>我们使用 Cookie <button>同意</button></div>
              <div style="position:sticky">クッキーを使います <button>すべて拒否</button></div>
              <div role=dialog>Cookies <button>Reject all</button></div>
              <div role=dialog>Cookies! <button>Got it</button></div>
              <div class=consent>쿠키를 사용합니다 <button>모두 거부</button></div>
              <script>for (const one of document.querySelectorAll('button')) one.onclick = () => {
                navigator.sendBeacon('/count', 'x'); one.parentNode.remove();
                if (!document.querySelector('button')) document.body.textContent = 'rid of all'; };</script>""",
            "/count": "",
        },
        [
            ("click", "Alle akzeptieren"),
            ("click", "同意"),
            ("click", "すべて拒否"),
            ("click", "Reject all"),
            ("click", "Got it"),
            ("click", "모두 거부"),
        ],
        "rid of all",
        sent=["/count"] * 6,
    ),
    "a tour is gone through in five languages": Flow(
        "Show me the tour",
        {"/": buttons("Next", "Weiter", "次へ", "下一步", "다음", "Continue") + OUT},
        [("click", f'"{name}"') for name in ("Next", "Weiter", "次へ", "下一步", "다음", "Continue")],
        "at Continue",
    ),
    "a day is chosen in a calendar": Flow(
        "When is there a table",
        {
            "/": f"""<form><input name=who aria-label=Name value=Ada><button type=button aria-label="Choose date"
              aria-expanded=false>📅</button><button type=button>›</button><table role=grid><tr>
              <td role=gridcell><button type=button onclick="get('/free?day=15')" aria-label="Tuesday, 15 December">15
              </button></td><td role=gridcell onclick="get('/free?day=16')">16</td></tr></table></form>
              <button onclick="get('/menu?at=19:30')">19:30 Uhr, Terrasse</button>{OUT}<script>{GET}</script>""",
            "/free": "free QUERY",
            "/menu": "menu QUERY",
        },
        [
            ("click", "Choose date"),
            ("click", "›"),
            ("click", "Tuesday, 15 December"),
            ("click", 'gridcell "16"'),
            ("click", "19:30 Uhr"),
        ],
        "menu at=19:30",
    ),
    "pages of results are turned": Flow(
        "Look at all results",
        {
            "/": f"""<nav>{buttons("1", "2", "3", "…", "»", "Page 4", click="get('/page?n=' + this.textContent)")}</nav>
              {OUT}<script>{GET}</script>""",
            "/page": "page QUERY",
        },
        [("click", '"2"'), ("click", '"3"'), ("click", "»"), ("click", "Page 4")],
        "page n=Page 4",
    ),
    "tabs and accordions without roles are opened": Flow(
        "What are the washing instructions",
        {
            "/": buttons("Specifications", "Materials &amp; care", "How do I wash it?", "Read 214 opinions")
            + f"<a href='#' onclick=\"out.textContent = 'wash it cold'; return false\">Washing</a>{OUT}"
        },
        [
            ("click", "Specifications"),
            ("click", "Materials"),
            ("click", "How do I wash"),
            ("click", "214 opinions"),
            ("click", 'link "Washing"'),
        ],
        "wash it cold",
    ),
    "more is loaded by requests that could do anything": Flow(
        "Read the list",
        {
            "/": f"<button onclick=\"post('/ajax', 'action=more&amp;page=' + ++page)\">Load more</button>{OUT}"
            f"<script>let page = 0; {POST}</script>",
            "/ajax": "got QUERY",
        },
        [("click", "Load more"), ("click", "Load more"), ("click", "Load more")],
        "got action=more&page=4",
        questions=1,
        sent=["/ajax"] * 3,
    ),
    "a table is sorted by its heads": Flow(
        "Which is the cheapest",
        {
            "/": "<table><tr>"
            + "".join(
                f"<th onclick=\"out.textContent = 'by {name}'\" style='cursor:pointer'>{name}</th>"
                for name in ("Name", "Price ▲", "Rating")
            )
            + f"</tr><tr><td>A</td><td>1</td><td>2</td></tr></table>{OUT}"
        },
        [("click", '"Price ▲"'), ("click", '"Rating"'), ("click", '"Name"')],
        "by Name",
    ),
    "a menu, a popup and a card": Flow(
        "Open the story of the otter",
        {
            "/": f"""<div style="position:fixed" id=pop>Join 10,000 readers
              <button onclick="pop.remove()">No thanks</button></div>
              <button onclick="out.textContent = 'menu'"><svg width=9 height=9></svg></button>
              <article onclick="location.assign('/otter')" style="cursor:pointer"><h2>The otter</h2><p>A story</p>
              </article>{OUT}""",
            "/otter": "<h1>Once there was an otter</h1>",
        },
        [("click", "No thanks"), ("click", "- button [ref"), ("click", 'heading "The otter"')],
        "Once there was",
    ),
    "a film is played and a map moved": Flow(
        "Play it",
        {"/": buttons("▶", "Pause", "Zoom in", "+", "Mute", "1.5×", "Theatre mode", "Subtitles: English") + OUT},
        [("click", f'"{name}"') for name in ("▶", "Pause", "Zoom in", "+", "Mute", "1.5×")]
        + [("click", "Theatre mode"), ("click", "Subtitles")],
        "at Subtitles",
    ),
    "a shop that asks by GraphQL": Flow(
        "Show the blue ones",
        {
            "/": f"""<button onclick="post('/graphql', JSON.stringify({{query: 'query {{ blue {{ id }} }}'}}))">
              Blue</button>{OUT}<script>{POST}</script>""",
            "/graphql": "blue things",
        },
        [("click", '"Blue"')],
        "blue things",
        sent=["/graphql"],
    ),
    "a thing is put into the cart and bought": Flow(
        "Buy the shoe",
        {
            "/": f"""<button onclick="post('/cart', 'id=7')">In den Warenkorb</button>
              <button onclick="post('/order', 'id=7')">Buy now</button>{OUT}<script>{POST}</script>""",
            "/cart": "in the cart: QUERY",
            "/order": "bought QUERY",
        },
        [("click", "Warenkorb"), ("click", "Buy now")],
        "bought id=7",
        questions=2,
        sent=["/cart", "/order"],
    ),
    "settings are changed": Flow(
        "Make it dark and my profile public",
        {
            "/": f"""<button role=switch onclick="out.textContent = 'dark'">Dark</button>
              <button role=switch onclick="post('/profile', 'public=1')">Public profile</button>{OUT}
              <script>{POST}</script>""",
            "/profile": "saved QUERY",
        },
        [("click", '"Dark"'), ("click", "Public profile")],
        "saved public=1",
        questions=1,
        sent=["/profile"],
    ),
    "a mail is thrown away by a picture of a bin": Flow(
        "Throw it away",
        {
            "/": f"""<button onclick="fetch('/mail/7', {{method: 'DELETE'}}).then(() => out.textContent = 'gone')">
              <svg width=9 height=9></svg></button>{OUT}""",
            "/mail/7": "",
        },
        [("click", "- button [ref")],
        "gone",
        questions=1,
        sent=["/mail/7"],
    ),
    "a form of two pages is filled in": Flow(
        "Sign Ada up",
        {
            "/": "<form method=post action=/two><input name=name aria-label=Name><button>Next</button></form>",
            "/two": "<form method=post action=/three>QUERY <input name=mail><button>Next</button></form>",
            "/three": "<p>done QUERY</p>",
        },
        [
            ("type", "textbox", {"text": "Ada"}),
            ("click", '"Next"'),
            ("type", "textbox", {"text": "ada@example.com"}),
            ("click", '"Next"'),
        ],
        "done mail=ada@example.com",
        questions=3,
        sent=["/two", "/three"],
    ),
}
