"""Which connections go through a proxy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.proxies import ProxyRules, shown

PROXY = "http://user:secret@proxy.example:3128"
ALL = ProxyRules(dict.fromkeys(("http", "https", "all"), PROXY))
SCHEMES = ("http", "https", "ws", "wss")


def rules(no: str = "", **proxies: str) -> ProxyRules:
    return ProxyRules({**(proxies or {"all": PROXY}), "no": no})


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost.", "neko.localhost", "127.0.0.1", "127.0.0.2", "127.255.255.254"),
        *("127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001"),
        *("[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "0", "[::]"),
        *("10.0.0.7", "172.16.0.1", "172.31.255.255", "192.168.178.20", "169.254.1.1", "100.64.0.1"),
        *("[fe80::1]", "[fd12:3456::1]", "ollama", "nas.local", "host.docker.internal", "box.lan", "a.home.arpa"),
    ],
)
def test_what_is_near_is_asked_itself(host: str, scheme: str) -> None:
    assert ALL.proxy_for(f"{scheme}://{host}:8080/v1") is None
    assert ALL.proxy_for(f"{scheme}://user:word@{host}/") is None


@given(st.integers(0, 2**24 - 1), st.sampled_from(["{}", "0x{:x}", "0{:o}"]))
def test_no_spelling_of_an_address_of_this_machine_goes_to_the_proxy(low: int, spelling: str) -> None:
    whole = spelling.format(127 * 2**24 + low)
    split = f"{spelling.format(127)}.{spelling.format(low)}" if low else "127.0"
    assert ALL.proxy_for(f"http://{whole}/") is None
    assert ALL.proxy_for(f"http://{split}:1/") is None


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "host",
    [
        *("example.com", "localhost.example.com", "notlocalhost.com", "127.0.0.1.example.com", "8.8.8.8", "128.0.0.1"),
        *("172.32.0.1", "192.169.0.1", "0x08080808", "[2001:db8::1]", "[::ffff:8.8.8.8]", "local.example"),
    ],
)
def test_everything_else_goes_through_it(host: str, scheme: str) -> None:
    assert ALL.proxy_for(f"{scheme}://{host}/") == PROXY


@pytest.mark.parametrize(
    ("no", "url"),
    [
        ("*", "https://example.com/"),
        ("example.com", "https://example.com/"),
        ("EXAMPLE.com", "https://Example.COM./"),
        ("example.com", "https://api.example.com/"),
        (".example.com", "https://api.example.com/"),
        ("*.example.com", "https://api.example.com/"),
        ("other.org, example.com", "https://example.com/"),
        ("other.org example.com", "https://example.com/"),
        ("example.com:443", "https://example.com/"),
        ("example.com:8443", "https://example.com:8443/"),
        ("https://example.com", "https://example.com/"),
        ("8.8.8.8", "http://8.8.8.8/"),
        ("8.8.0.0/16", "http://8.8.4.4/"),
        ("2001:db8::1", "http://[2001:db8::1]/"),
        ("[2001:db8::1]", "http://[2001:db8:0::1]/"),
        ("[2001:db8::1]:80", "http://[2001:db8::1]/"),
        ("2001:db8::/32", "http://[2001:db8::7]/"),
        ("[2001:db8::]/32", "http://[2001:db8::7]/"),
    ],
)
def test_an_exception_is_asked_itself(no: str, url: str) -> None:
    assert rules(no).proxy_for(url) is None


@pytest.mark.parametrize(
    ("no", "url"),
    [
        ("", "https://example.com/"),
        ("ample.com", "https://example.com/"),
        ("example.com:80", "https://example.com/"),
        ("example.com:8443", "https://example.com:8444/"),
        ("8.8.0.0/16", "http://8.9.4.4/"),
        ("8.8.8.8/99", "http://8.8.8.8/"),
        (",, ,", "https://example.com/"),
        ("[", "https://example.com/"),
        (":", "https://example.com/"),
        (".", "https://example.com/"),
    ],
)
def test_another_address_is_none(no: str, url: str) -> None:
    assert rules(no).proxy_for(url) == PROXY


def test_the_variable_of_the_scheme_comes_before_that_for_all() -> None:
    several = rules(http="http://h:1", https="http://s:2", all="http://a:3")
    assert several.proxy_for("http://example.com/") == "http://h:1"
    assert several.proxy_for("https://example.com/") == "http://s:2"
    assert several.proxy_for("wss://example.com/") == "http://a:3"
    assert rules(https="http://s:2").proxy_for("wss://example.com/") == "http://s:2"
    assert rules(https="http://s:2").proxy_for("http://example.com/") is None


def test_an_address_without_a_scheme_is_an_http_proxy_and_that_of_the_system_for_socks_is_none() -> None:
    assert rules(http="proxy:3128").proxy_for("http://example.com/") == "http://proxy:3128"
    assert rules(socks="http://proxy:1080").proxy_for("http://example.com/") == "socks5h://proxy:1080"
    assert rules(all="socks://proxy:1080").proxy_for("http://example.com/") == "socks5h://proxy:1080"
    assert rules(all="socks5://proxy:1080").proxy_for("http://example.com/") == "socks5h://proxy:1080"


@given(st.text(max_size=30), st.text(max_size=20))
def test_no_exception_list_breaks_a_connection(no: str, host: str) -> None:
    rules(no).proxy_for("https://example.com/")
    rules("[").proxy_for(f"https://{host.translate({ord(c): None for c in '[]/?#@:'})}/")


def test_what_a_user_reads_of_a_proxy_holds_no_password() -> None:
    assert shown(PROXY) == "proxy.example:3128"
