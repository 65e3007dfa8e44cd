"""What an action would do, where the browser may go, and how a page is shortened: rules without a browser."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

import pytest

from neko.agent.browser import risk
from neko.agent.browser.elements import Element
from neko.agent.browser.gate import Gate, named_places
from neko.agent.browser.hand import BrowserHand, BrowserOptions
from neko.agent.browser.risk import Heard
from neko.agent.browser.risky_names import act_of_name
from neko.agent.browser.snapshot import found_in, parts_of, tidied, without_secrets
from neko.agent.browser.tabs import safe_file_name
from neko.language import LANGUAGES
from neko.net import Network
from neko.types.agent import Act

# ── what a name says ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "words",
    [
        *(
            "Pay",
            "BUY NOW",
            "Delete account",
            "Confirm order",
            "Cancel subscription",
            "Ｐａｙ",
            "P\u200bay",
            "Unsubscribe",
        ),
        *("Jetzt kaufen", "Löschen", "Zahlungspflichtig bestellen", "Supprimer", "Valider la commande", "Eliminar"),
        *("Excluir", "Acquista", "Удалить", "立即支付", "刪除", "購入する", "注文を確定", "결제하기", "삭제"),
    ],
)
def test_a_button_that_pays_deletes_or_confirms_is_destructive(words: str) -> None:
    assert act_of_name(words) is Act.DESTRUCTIVE


@pytest.mark.parametrize(
    "words", ["Send", "Post reply", "Publish", "Sign up", "Absenden", "Envoyer", "Enviar", "Отправить",
              "发送", "投稿する", "送信", "보내기", "Share", "Subscribe"],
)  # fmt: skip
def test_a_button_that_tells_others_is_exfiltrating(words: str) -> None:
    assert act_of_name(words) is Act.EXFILTRATING


@pytest.mark.parametrize("words", ["Next page", "More", "Search", "Cancel", "Weiter", "次へ", "下一页", "Details", "×"])
def test_other_buttons_say_nothing_risky(words: str) -> None:
    assert act_of_name(words) is None


@pytest.mark.parametrize(
    "words",
    [
        *("OK", "Yes", "Proceed", "Continue", "Save changes", "Deploy", "Merge pull request", "Allow", "Grant access"),
        *("Install", "Trash", "Usuń", "Kup teraz", "Xóa", "Sil", "Ta bort", "حذف", "הסר", "ลบ", "हटाएं", "🗑", "Weiter"),
        *("Next: deploy", "Close account", "More 🗑", "Accept", "Accept all changes", "Search and destroy", "$5", "—"),
    ],
)
def test_a_button_without_a_name_that_is_known_is_taken_for_the_worst(words: str) -> None:
    assert risk.of_click(element(words=words)) is Act.DESTRUCTIVE
    assert risk.of_submit(element(submitter=words)) is Act.DESTRUCTIVE
    assert risk.of_click(element(tag="a", link="https://a.example/", words="Proceed")) is Act.READ


@pytest.mark.parametrize(
    "words",
    [
        *(
            "Search",
            "Next",
            "NEXT PAGE ›",
            "Previous",
            "Close",
            "× Close",
            "Menu",
            "Load more",
            "Page 2 of 9",
            "12",
            "×",
        ),
        *("Accept all cookies", "Reject cookies", "Only necessary cookies", "Next Next page"),
        *("Suche", "Nächste Seite", "Schließen", "Alle Cookies akzeptieren", "Suivant", "Fermer", "Tout afficher"),
        *("Refuser tous les cookies", "Siguiente", "Cerrar", "Aceptar todas las cookies", "Próxima página", "Fechar"),
        *("Recusar cookies", "Successivo", "Chiudi", "Accetta tutti i cookie", "Следующая страница", "Закрыть"),
        *("Принять все файлы cookie", "下一页", "關閉", "接受所有 Cookie", "接受所有Cookie", "次へ", "閉じる"),
        *("すべてのCookieを許可", "もっと見る", "다음", "닫기", "모든 쿠키 허용", "더 보기"),
    ],
)
def test_a_button_that_only_looks_on_or_closes_something_is_free_once_the_place_is(words: str) -> None:
    assert risk.of_click(element(words=words)) is Act.WRITE
    assert risk.of_submit(element(submitter=words)) is Act.WRITE


def test_a_link_is_only_risky_when_it_is_short_and_begins_with_such_a_word() -> None:
    assert act_of_name("How to delete a branch and buy a bike", link=True) is None
    assert act_of_name("Your order history", link=True) is None
    assert act_of_name("Delete", link=True) is Act.DESTRUCTIVE
    assert act_of_name("Confirm subscription", link=True) is Act.DESTRUCTIVE


# ── what an element would do ────────────────────────────────────────────────────────────


def element(**facts: object) -> Element:
    return Element(**{"role": "", "name": "x", "words": "x", "tag": "button", **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "act"),
    [
        ({"tag": "a", "link": "https://example.com/next"}, Act.READ),
        ({"tag": "a", "link": "https://example.com/x", "words": "Delete"}, Act.DESTRUCTIVE),
        ({"tag": "a", "link": "javascript:go()"}, Act.DESTRUCTIVE),
        ({"tag": "a", "link": "https://example.com/#", "link_is_button": True, "words": "Like this"}, Act.DESTRUCTIVE),
        ({"words": ""}, Act.DESTRUCTIVE),
        ({"words": "Menu", "opens": True}, Act.READ),
        ({"role": "tab"}, Act.READ),
        ({"role": "checkbox"}, Act.WRITE),
        ({"tag": "input", "type": "text"}, Act.READ),
        ({"submits": True, "words": "Go", "submitter": "Go", "form_asks": True}, Act.READ),
        ({"submits": True, "words": "Go", "submitter": "Go"}, Act.DESTRUCTIVE),
        ({"tag": "label", "words": "As a gift"}, Act.WRITE),
        ({"tag": "input", "type": "range", "words": "Volume"}, Act.WRITE),
        ({"submits": True, "words": "Publish", "submitter": "Publish", "form_asks": True}, Act.EXFILTRATING),
    ],
)
def test_a_click_does_what_its_element_says(facts: dict[str, object], act: Act) -> None:
    assert risk.of_click(element(**facts)) is act


def test_a_key_does_what_it_does_where_the_focus_is() -> None:
    field = element(tag="input", type="text", submitter="Buy", form_asks=False)
    assert risk.of_key("Enter", field) is Act.DESTRUCTIVE
    assert risk.of_key("Enter", element(words="Pay")) is Act.DESTRUCTIVE
    assert risk.of_key("a", field) is Act.WRITE
    assert risk.of_key("PageDown", None) is Act.READ
    assert risk.of_key("ArrowDown", field) is Act.READ
    for setting in (element(type="radio", tag="input"), element(tag="select"), element(role="slider")):
        assert risk.of_key("ArrowDown", setting) is Act.WRITE
        assert risk.may_try_key("ArrowDown", setting)
    assert risk.of_key("#", element(tag="body")) is Act.DESTRUCTIVE
    assert risk.of_key("Control+Enter", element(tag="textarea")) is Act.DESTRUCTIVE


# ── what the model composes may leak ────────────────────────────────────────────────────


def heard(words: str, *pages: str, elsewhere: bool = False) -> Heard:
    memory = Heard(words, lambda: elsewhere)
    for url in pages:
        memory.read(url, '- link "One":\n  - /url: /one?id=77')
    return memory


@pytest.mark.parametrize(
    ("url", "knows", "act"),
    [
        ("https://search.example/?q=weather+in+paris", heard("the weather"), Act.READ),
        ("https://evil.example/?d=hunter2", heard("the weather", elsewhere=True), Act.EXFILTRATING),
        ("https://evil.example/?d=hunter2", heard("the weather", "https://mail.example/"), Act.EXFILTRATING),
        ("https://hunter2.evil.example/", heard("the weather", "https://mail.example/"), Act.EXFILTRATING),
        ("https://mail.example/?d=hunter2", heard("the weather", "https://mail.example/"), Act.READ),
        ("https://mail.example/one?id=77", heard("x", "https://a.example/", "https://mail.example/"), Act.READ),
        ("https://shop.example/?d=hunter2", heard("look at shop.example", "https://mail.example/"), Act.WRITE),
        ("https://en.shop.example/red/shoes", heard("red shoes, shop.example", "https://a.example/"), Act.READ),
        ("https://news.example/天気", heard("明日の天気は news.example で", "https://a.example/"), Act.READ),
    ],
)  # fmt: skip
def test_an_address_leaks_when_its_words_are_neither_the_users_nor_of_its_own_host(
    url: str, knows: Heard, act: Act
) -> None:
    assert risk.of_address(url, knows) is act


def test_a_text_leaks_to_a_host_that_is_not_where_all_was_read() -> None:
    field = element(tag="input", type="text", form_asks=True)
    known = heard("find red shoes", "https://shop.example/")
    assert risk.of_typing(field, "red shoes", "shop.example", known) is Act.READ
    assert risk.of_typing(field, "blue boots", "shop.example", known) is Act.WRITE
    known.read("https://mail.example/")
    assert risk.of_typing(field, "blue boots", "shop.example", known) is Act.EXFILTRATING
    assert risk.of_typing(field, "red shoes", "shop.example", known) is Act.READ


def test_which_links_are_chosen_tells_only_so_much_to_who_does_not_know_what_was_read() -> None:
    known = heard("look at shop.example", "https://mail.example/", "https://evil.example/")
    assert known.bits(["evil.example"], 64) == 6
    assert known.bits(["shop.example", "shop.example"], 64) == 0, "the user named it"
    assert known.bits(["shop.example", "evil.example"], 64) == 6
    assert heard("x", "https://evil.example/").bits(["evil.example"], 64) == 0, "it knows all that was read"
    chosen = []
    for _ in range(12):
        bits = known.bits(["evil.example"], 64)
        chosen.append(risk.of_choice(Act.READ, bits, known))
        known.chosen += bits
    assert chosen == [Act.READ] * 10 + [Act.WRITE] * 2
    assert risk.of_choice(Act.DESTRUCTIVE, 6, known) is Act.DESTRUCTIVE
    assert risk.of_choice(Act.READ, 0, known) is Act.READ


def test_what_stands_in_a_frame_was_read_from_where_the_frame_is_from() -> None:
    known = Heard("find red shoes", lambda: False)
    known.read("https://evil.example/", frames=["https://evil.example/", "https://mail.example/inbox", "about:blank"])
    assert known.hosts == {"evil.example", "mail.example"}
    assert risk.of_address("https://evil.example/?d=hunter2", known) is Act.EXFILTRATING


# ── where it may go ─────────────────────────────────────────────────────────────────────


def test_words_name_hosts_with_and_without_ports() -> None:
    named = named_places("see http://router/ and 192.168.0.7:8080, localhost, Example.com. Write to ann@mail.example!")
    assert {("router", 0), ("192.168.0.7", 8080), ("localhost", 0), ("example.com", 0)} <= named
    assert "see" not in {host for host, _ in named}


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://localhost:3000/", "http://[::1]/", "http://192.168.1.1/", "http://10.0.0.1/x",
     "http://169.254.169.254/latest", "http://0x7f000001/", "http://2130706433/", "http://printer/", "http://nas.local/",
     "http://[::ffff:10.0.0.1]/", "ftp://example.com/", "file:///etc/passwd", "http://", "https://u:p@example.com/"],
)  # fmt: skip
def test_the_users_own_network_is_closed_in_whatever_way_it_is_written(url: str) -> None:
    assert Gate().refusal_of(url)


def test_what_the_user_names_is_open_while_their_task_runs_and_at_the_port_that_they_named() -> None:
    gate = Gate()
    with gate.naming("look at http://192.168.1.1:8080/ please"):
        assert gate.refusal_of("http://192.168.1.1:8080/status") == ""
        assert gate.refusal_of("http://192.168.1.1:22/")
    assert gate.refusal_of("http://192.168.1.1:8080/status")


def test_a_name_that_means_an_address_of_the_own_network_is_not_connected_to() -> None:
    gate = Gate()
    assert not gate.admitted("rebinding.example", 443, ["10.0.0.5"])
    assert "own network" in gate.refusal("rebinding.example", 443)
    with gate.naming("my intranet.example"):
        assert gate.admitted("intranet.example", 443, ["10.0.0.5"])
        assert not gate.admitted("intranet.example", 22, ["10.0.0.5"])


@pytest.mark.parametrize(
    "address",
    ["127.0.0.2", "169.254.169.254", "100.100.100.200", "192.0.0.192", "0.0.0.0", "::", "::1", "::127.0.0.1",
     "::ffff:169.254.169.254", "::ffff:0:10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::c0a8:101", "2002:7f00:1::",
     "2001:0:4136:e378:8000:63bf:3f57:fefe", "fe80::1%2", "fec0::1", "fd00:ec2::254"],
)  # fmt: skip
def test_no_name_leads_into_the_own_network_in_whatever_way_its_address_is_written(address: str) -> None:
    assert Gate().admitted("a.example", 443, [address, "93.184.216.34"]) == ["93.184.216.34"]
    assert Gate().admitted("a.example", 443, [address]) == []


@pytest.mark.parametrize("address", ["93.184.216.34", "64:ff9b::5db8:d822", "2002:5db8:d822::", "198.18.0.7"])
def test_what_is_elsewhere_may_be_contacted(address: str) -> None:
    assert Gate().admitted("a.example", 443, [address]) == [address]


def test_a_name_that_the_user_named_is_of_their_network_or_not_and_never_changes_over() -> None:
    gate = Gate()
    with gate.naming("look at a.example, b.example and c.example"):
        assert gate.admitted("a.example", 80, ["93.184.216.34"])
        assert not gate.admitted("a.example", 80, ["192.168.1.1"])
        assert "was elsewhere before" in gate.refusal("a.example", 80)
        assert gate.admitted("b.example", 80, ["93.184.216.34", "192.168.1.1"]) == ["192.168.1.1"]
        assert gate.admitted("b.example", 80, ["192.168.1.1"]) == ["192.168.1.1"]
        assert gate.admitted("c.example", 443, ["93.184.216.34"])
        assert gate.admitted("c.example", 443, ["93.184.216.35"])


def test_the_switch_opens_the_own_network_but_never_nekos_own_port() -> None:
    gate = Gate(near_allowed=lambda: True, own_ports=lambda: (48911,))
    assert gate.refusal_of("http://192.168.1.1/") == ""
    assert gate.refusal_of("http://127.0.0.1:48911/api/agent/policies")
    assert not gate.admitted("rebinding.example", 48911, ["127.0.0.1"])


def own_addresses() -> list[str]:
    """Of this computer, as far as it tells: its networks' too."""
    found = {entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None)}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # sends nothing
        found.add(probe.getsockname()[0])
    return sorted(str(one) for one in found)


@pytest.mark.parametrize("port", [48911, 80])
@pytest.mark.parametrize("words", ["look at 127.0.0.1 and localhost", ""])
def test_nekos_own_port_is_never_reached_by_whatever_name_or_address(port: int, words: str) -> None:
    gate = Gate(near_allowed=lambda: True, own_ports=lambda: (port,))
    hosts = ["localhost", "LOCALHOST.", "127.0.0.1", "127.1", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
    with gate.naming(f"{words} http://127.0.0.1:{port}/"):
        for host in (*hosts, "x.localhost", socket.gethostname().split(".")[0], *map(bracketed, own_addresses())):
            assert gate.refusal_of(f"http://{host}:{port}/") == "Neko's own pages are for the user alone.", host
        for address in ("127.0.0.1", "::1", "0.0.0.0", *own_addresses()):
            assert not gate.admitted("me.example.com", port, [address]), address
        assert gate.refusal("me.example.com", port) == "Neko's own pages are for the user alone."
        assert gate.refusal("127.0.0.1", 9999) == ""
    assert gate.admitted("elsewhere.example", port, ["192.0.2.1"])
    through_a_proxy = gate.refusal("elsewhere.example", port)
    assert bool(through_a_proxy) is (port == 48911), "where a proxy looks names up, a port like no other is ours"


def bracketed(address: str) -> str:
    address = address.partition("%")[0]
    return f"[{address}]" if ":" in address else address


def test_no_other_computer_is_contacted_when_that_is_switched_off() -> None:
    assert Gate(local_only=lambda: True).refusal_of("https://example.com/")


async def test_the_gate_of_the_process_connects_to_no_address_that_is_not_admitted() -> None:
    with pytest.raises(PermissionError):
        await Network().tunnel("browser", "localhost", 9, lambda _addresses: [], 5.0)


# ── how a page is read ──────────────────────────────────────────────────────────────────

SNAPSHOT = """\
- generic [active] [ref=e1]:
  - generic [ref=e2]:
    - list [ref=e3]:
      - listitem [ref=e4]:
        - link "One" [ref=e5] [cursor=pointer]:
          - /url: /one
      - listitem [ref=e6]: Two
  - textbox "Code" [ref=e7]: "se: cret"
  - textbox "Name" [ref=e8]: Ada
  - generic [ref=e9] [cursor=pointer]: Open"""


def test_lines_that_say_nothing_go_and_what_can_be_acted_on_keeps_its_ref() -> None:
    assert tidied(SNAPSHOT).splitlines() == [
        "- list [ref=e3]:",
        "  - listitem:",
        '    - link "One" [ref=e5]:',
        "      - /url: /one",
        "  - listitem: Two",
        '- textbox "Code" [ref=e7]: "se: cret"',
        '- textbox "Name" [ref=e8]: Ada',
        "- generic [ref=e9]: Open",
    ]


def test_a_secret_is_hidden_however_it_is_written_and_other_fields_are_not() -> None:
    shown = without_secrets(SNAPSHOT, ["se:  cret"])
    assert "cret" not in shown
    assert 'textbox "Name" [ref=e8]: Ada' in shown


def test_parts_are_whole_lines_and_together_the_whole() -> None:
    text = "\n".join(f"- line {number}" for number in range(500))
    parts = parts_of(text, 200)
    assert len(parts) > 5
    assert "\n".join(parts) == text
    assert parts_of("", 200) == [""]


def test_what_is_found_stands_below_what_it_is_in() -> None:
    assert found_in(tidied(SNAPSHOT), "ONE") == ["  - listitem:", '    - link "One" [ref=e5]:', "      - /url: /one"]
    assert found_in(tidied(SNAPSHOT), "three") == []


@pytest.mark.parametrize(
    ("suggested", "name"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("report.pdf", "report.pdf"),
        ("re\u202eport.pdf", "report.pdf"),
        ("CON.txt", "_CON.txt"),
        (".hidden", "hidden"),
        ("", "download"),
        ("a\\b:c.txt", "a_b_c.txt"),
    ],
)
def test_a_downloads_name_is_harmless(suggested: str, name: str) -> None:
    assert safe_file_name(suggested) == name


def test_a_very_long_name_is_cut_and_keeps_its_ending() -> None:
    name = safe_file_name("長" * 300 + ".pdf")
    assert len(name.encode()) < 120
    assert name.endswith(".pdf")


# ── is it there? ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_browser_that_is_missing_is_told_with_the_remedy(language: str, tmp_path: Path) -> None:
    hand = BrowserHand(tmp_path, Network(), Gate(), environ={"PATH": "", "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)})
    assert hand.readiness(language).ready
    await hand.probe()
    found = hand.readiness(language)
    assert (found.ready, found.code) == (False, "browser_not_found")
    assert "playwright install chromium" in found.reason
    await hand.aclose()


async def test_a_chosen_browser_that_is_not_there_is_named(tmp_path: Path) -> None:
    hand = BrowserHand(tmp_path, Network(), Gate(), lambda: BrowserOptions(program="/nowhere/chrome"))
    await hand.probe()
    assert "/nowhere/chrome" in hand.readiness("en").reason
    await hand.aclose()
