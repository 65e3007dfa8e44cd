"""Who may ask for what: hosts, origins, bodies, the token, the headers of every answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from neko.application import Neko
from neko.web import failed_tries
from neko.web.allowed_hosts import AllowedHosts, same_origin
from neko.web.failed_tries import FREE_TRIES, LONGEST_HOLD_S, MOST_ADDRESSES, MOST_HELD, FailedTries
from neko.web.request_body import BODY_LIMIT
from tests.web.running_app import serving, started

CHOICE = "/api/language"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "10.0.0.9"])
@pytest.mark.parametrize("path", ["/", "/health", "/api/characters", "/static/app/main.js"])
async def test_a_host_that_is_not_ours_gets_nothing(client: httpx2.AsyncClient, host: str, path: str) -> None:
    answer = await client.get(path, headers={"host": host})
    assert answer.status_code == 403
    assert answer.json()["code"] == "foreign_host"
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.1.2.3:48911", "[::1]:48911", "localhost."]
)
async def test_every_loopback_name_is_ours(client: httpx2.AsyncClient, host: str) -> None:
    assert (await client.get("/health", headers={"host": host})).status_code == 200


def test_bound_to_every_address_bare_addresses_are_ours_and_names_are_not() -> None:
    hosts = AllowedHosts("0.0.0.0", ["cat.lan"])
    assert all(host in hosts for host in ("192.168.1.7:48911", "[fd00::1]", "cat.lan", "Cat.LAN:80", "localhost"))
    assert not any(host in hosts for host in ("evil.example", "cat.lan.evil.example", "192.168.1.7:x", "a b", ""))


async def test_the_owner_can_add_names(data_dir: Path) -> None:
    environ = {"NEKO_ALLOWED_HOSTS": "cat.lan, other.lan"}
    async with started(data_dir, environ=environ) as neko, serving(neko.asgi) as client:
        assert (await client.get("/health", headers={"host": "other.lan:8"})).status_code == 200
        assert (await client.get("/health", headers={"host": "third.lan"})).status_code == 403


async def test_a_proxy_may_rewrite_the_host_of_a_name_that_the_owner_added(data_dir: Path) -> None:
    environ = {"NEKO_ALLOWED_HOSTS": "cat.example, Cat.LAN:8443"}
    async with started(data_dir, environ=environ) as neko, serving(neko.asgi) as client:
        for origin, status in {
            "https://cat.example": 200,
            "https://cat.lan:8443": 200,
            "https://cat.lan": 403,
            "https://cat.example:444": 403,
            "https://cat.example.evil": 403,
        }.items():
            answer = await client.post(CHOICE, json={"language": "ja"}, headers={"origin": origin})
            assert answer.status_code == status, origin
        assert (await client.get("/health", headers={"host": "cat.lan:8443"})).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:1", "ftp://127.0.0.1", "x"]
)
async def test_a_write_from_another_site_changes_nothing(client: httpx2.AsyncClient, neko: Neko, origin: str) -> None:
    answer = await client.post(CHOICE, json={"language": "ja"}, headers={"origin": origin})
    assert answer.status_code == 403
    assert answer.json()["code"] == "foreign_origin"
    assert "neko" not in neko.config.values


async def test_a_refused_write_with_a_large_body_does_not_hang_its_connection(client: httpx2.AsyncClient) -> None:
    for _ in range(3):
        answer = await client.post(CHOICE, content=bytes(4 * BODY_LIMIT), headers={"origin": "http://evil.example"})
        assert answer.status_code == 403
    assert (await client.get("/health")).status_code == 200


async def test_a_write_from_our_own_page_or_from_no_page_is_taken(client: httpx2.AsyncClient) -> None:
    own = str(client.base_url).rstrip("/")
    assert (await client.post(CHOICE, json={"language": "ja"}, headers={"origin": own})).status_code == 200
    assert (await client.post(CHOICE, json={"language": "ko"})).status_code == 200


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "ours"),
    [
        ("http://localhost:48911", "http", "localhost:48911", True),
        ("http://localhost", "http", "localhost:80", True),
        ("https://cat.example", "http", "cat.example", True),
        ("https://cat.example", "https", "cat.example:443", True),
        ("http://localhost:48911", "ws", "localhost:48911", True),
        ("http://[::1]:5", "http", "[::1]:5", True),
        ("http://cat.example", "https", "cat.example", False),
        ("http://localhost:48912", "http", "localhost:48911", False),
        ("http://localhost", "http", "127.0.0.1", False),
        ("http://localhost:48911/", "http", "localhost:48911", False),
        ("null", "http", "localhost", False),
        ("", "http", "localhost", False),
    ],
)
def test_an_origin_is_ours_by_scheme_name_and_port(origin: str, scheme: str, host: str, ours: bool) -> None:
    assert same_origin(origin, scheme, host) is ours


async def test_a_socket_opens_for_our_own_page_and_for_programs(client: httpx2.AsyncClient) -> None:
    address = urlsplit(str(client.base_url)).netloc
    for origin in (None, f"http://{address}"):
        async with connect(f"ws://{address}/ws/Mio", origin=origin, proxy=None) as socket:  # type: ignore[arg-type]
            assert json.loads(await socket.recv())["type"] == "neko_hello"


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}])
async def test_a_socket_from_another_site_is_refused_before_it_opens(
    client: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    address = urlsplit(str(client.base_url)).netloc
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{address}/ws/Mio", additional_headers=headers, proxy=None)
    assert refused.value.response.status_code == 403


async def test_a_socket_to_a_host_that_is_not_ours_is_refused(client: httpx2.AsyncClient) -> None:
    parts = urlsplit(str(client.base_url))
    with pytest.raises(InvalidStatus) as refused:
        await connect("ws://evil.example/ws/Mio", host=parts.hostname, port=parts.port, proxy=None)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "x/json"]
)
async def test_a_body_that_does_not_say_it_is_json_is_refused(
    client: httpx2.AsyncClient, neko: Neko, kind: str
) -> None:
    answer = await client.post(CHOICE, content=b'{"language":"ja"}', headers={"content-type": kind} if kind else {})
    assert (answer.status_code, answer.json()["code"]) == (415, "not_json")
    assert "neko" not in neko.config.values


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
async def test_json_may_name_its_charset(client: httpx2.AsyncClient, kind: str) -> None:
    answer = await client.post(CHOICE, content=b'{"language":"ja"}', headers={"content-type": kind})
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"{", b"nonsense", b'{"language": NaN}', b'{"language": "\n"}', b"[" * 5000])
async def test_broken_json_is_a_sentence_with_status_400(client: httpx2.AsyncClient, body: bytes) -> None:
    answer = await client.post(CHOICE, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")
    assert answer.json()["success"] is False
    assert answer.json()["error"]


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"3", b"null", b'{"language":7}', b"{}"])
async def test_json_of_another_shape_is_422_in_the_common_form(client: httpx2.AsyncClient, body: bytes) -> None:
    """[rest 1]"""
    answer = await client.post(CHOICE, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert (answer.json()["success"], answer.json()["code"]) == (False, "invalid")
    for problem in answer.json()["detail"]:
        assert problem.keys() == {"type", "loc", "msg", "input"}
        assert problem["loc"][0] == "body"


async def test_an_invalid_body_is_told_without_the_secrets_in_it(client: httpx2.AsyncClient) -> None:
    secret = "sk-very-secret-value-0001"
    for body in ({"api_key": secret}, {"provider": "openai", "api_key": [secret]}):
        answer = await client.post("/api/models/test", json=body)
        assert answer.status_code == 422
        assert secret not in answer.text


async def test_a_body_announced_too_large_is_refused_unread(client: httpx2.AsyncClient) -> None:
    answer = await client.post(CHOICE, content=b" " * (BODY_LIMIT + 1), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_body_that_grows_too_large_is_cut(client: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT // 65536 + 2):
            yield b" " * 65536

    answer = await client.post(CHOICE, content=endless(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_body_of_just_the_limit_is_read(client: httpx2.AsyncClient) -> None:
    body = b'{"language":"ja"}'.rjust(BODY_LIMIT)
    answer = await client.post(CHOICE, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200


async def test_a_client_that_leaves_in_the_middle_of_a_body_hurts_nobody(client: httpx2.AsyncClient) -> None:
    parts = urlsplit(str(client.base_url))
    assert parts.hostname
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = (
        f"POST {CHOICE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{{"
    )
    writer.write(head.encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await client.get("/health")).status_code == 200


async def test_every_answer_carries_the_security_headers(client: httpx2.AsyncClient) -> None:
    for path in ("/", "/health", "/nothing/here", "/static/app/main.js", "/openapi.json"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        host = urlsplit(str(client.base_url)).netloc
        assert policy["default-src"] == "'self'"
        assert policy["connect-src"].split() == ["'self'", f"ws://{host}", f"wss://{host}"]
        assert policy["frame-ancestors"] == "'self'"
        assert "unsafe" not in headers["content-security-policy"]


class TestToken:
    """A server that others can reach asks for its token."""

    token = "correct horse battery staple"

    @pytest.fixture
    def launched_with(self) -> dict[str, object]:
        return {"token": self.token}

    async def test_nothing_is_open_without_it(self, client: httpx2.AsyncClient) -> None:
        for path in ("/", "/health", "/api/characters", "/static/app/main.js", "/openapi.json"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "token_needed")
            assert answer.headers["www-authenticate"] == "Bearer"
        page = await client.get("/", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (401, "text/plain; charset=utf-8")
        address = urlsplit(str(client.base_url)).netloc
        with pytest.raises(InvalidStatus):
            await connect(f"ws://{address}/ws/Mio", proxy=None)

    @pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", "Basic correct horse battery staple", "Bearer é"])
    async def test_a_wrong_one_opens_nothing(self, client: httpx2.AsyncClient, shown: str) -> None:
        answer = await client.get("/health", headers={b"authorization": shown.encode()})
        assert answer.status_code == 401
        assert (await client.get("/", params={"token": "wrong"})).status_code == 401

    async def test_programs_send_it_as_bearer(self, client: httpx2.AsyncClient) -> None:
        headers = {"authorization": f"Bearer {self.token}"}
        assert (await client.get("/health", headers=headers)).status_code == 200
        address = urlsplit(str(client.base_url)).netloc
        async with connect(f"ws://{address}/ws/Mio", additional_headers=headers, proxy=None) as socket:
            assert json.loads(await socket.recv())["type"] == "neko_hello"

    async def test_a_browser_brings_it_once_and_keeps_a_cookie_that_does_not_hold_it(
        self, client: httpx2.AsyncClient
    ) -> None:
        answer = await client.get("/Mio", params={"token": self.token, "theme": "dark"})
        assert (answer.status_code, answer.headers["location"]) == (303, "./Mio?theme=dark")
        cookie = answer.headers["set-cookie"]
        assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/"))
        assert "correct" not in cookie
        assert (await client.get("/Mio")).status_code == 200
        assert (await client.post(CHOICE, json={"language": "ja"})).status_code == 200

    async def test_the_way_on_stays_on_this_server(self, client: httpx2.AsyncClient) -> None:
        answer = await client.get(f"{client.base_url}/evil.example/x", params={"token": self.token})
        assert answer.has_redirect_location
        assert urljoin(f"{client.base_url}//evil.example/x", answer.headers["location"]).startswith(
            str(client.base_url)
        )
        assert answer.headers["location"].startswith("./")

    async def test_the_cookie_does_not_open_the_door_to_other_sites(self, client: httpx2.AsyncClient) -> None:
        await client.get("/", params={"token": self.token})
        answer = await client.post(
            CHOICE, content=json.dumps({"language": "ja"}), headers={"origin": "http://evil.example"}
        )
        assert answer.status_code == 403


class TestOtherTokens:
    """Not everybody's password is ASCII."""

    token = "pässwört 秘密 🗝 ¿+&?%#"

    @pytest.fixture
    def launched_with(self) -> dict[str, object]:
        return {"token": self.token}

    async def test_it_works_as_bearer_in_the_address_and_as_a_cookie(self, client: httpx2.AsyncClient) -> None:
        headers = {b"authorization": b"Bearer " + self.token.encode()}
        assert (await client.get("/health", headers=headers)).status_code == 200
        address = urlsplit(str(client.base_url)).netloc
        reader, writer = await asyncio.open_connection(*address.split(":"))
        lines = [b"GET /health HTTP/1.1", b"Host: localhost", b"Authorization: bearer " + self.token.encode()]
        writer.write(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
        assert b" 200 " in (await reader.read()).partition(b"\r\n")[0]
        writer.close()
        assert (await client.get("/Mio")).status_code == 401
        assert (await client.get("/Mio", params={"token": self.token})).status_code == 303
        assert (await client.get("/Mio")).status_code == 200


async def test_a_client_may_send_a_bearer_in_latin_1(data_dir: Path) -> None:
    token = "mot de passe très long"
    async with started(data_dir, token=token) as neko, serving(neko.asgi) as client:
        headers = {b"authorization": f"Bearer {token}".encode("latin-1")}
        assert (await client.get("/health", headers=headers)).status_code == 200


class TestGuessing:
    """Wrong tokens cost time, by address, and are seen by the owner; the right one costs none."""

    token = "correct horse battery staple"

    @pytest.fixture
    def launched_with(self) -> dict[str, object]:
        return {"token": self.token}

    @pytest.mark.parametrize("way", ["bearer", "address"])
    async def test_who_guesses_is_told_to_wait_and_the_right_token_passes_from_the_same_address(
        self,
        client: httpx2.AsyncClient,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
        way: str,
    ) -> None:
        monkeypatch.setattr(failed_tries, "LONGEST_HOLD_S", 0.001)

        async def show(token: str) -> httpx2.Response:
            if way == "bearer":
                return await client.get("/health", headers={"authorization": f"Bearer {token}", "cookie": ""})
            return await client.get("/health", params={"token": token}, headers={"cookie": ""})

        await client.get("/", params={"token": self.token})
        answers = []
        for number in range(FREE_TRIES + 3):
            answers.append(await show(f"guess {number}"))
            assert (await show(self.token)).status_code == (200 if way == "bearer" else 303)
        assert [answer.status_code for answer in answers] == [401] * FREE_TRIES + [429] * 3
        assert [answer.headers["retry-after"] for answer in answers[FREE_TRIES:]] == ["1", "2", "4"]
        assert answers[-1].json()["code"] == "too_many_tries"
        assert (await client.get("/health")).status_code == 200
        lines = [record.getMessage() for record in caplog.records]
        assert len(lines) == 1
        assert "127.0.0.1" in lines[0]
        assert "guess" not in caplog.text
        assert "horse" not in caplog.text

    async def test_the_right_token_passes_while_the_answers_to_wrong_ones_are_held_back(
        self, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(failed_tries, "FIRST_WAIT_S", 60.0)
        monkeypatch.setattr(failed_tries, "LONGEST_HOLD_S", 60.0)
        wrong, right = ({"authorization": f"Bearer {token}"} for token in ("guess", self.token))
        for _ in range(FREE_TRIES):
            assert (await client.get("/health", headers=wrong)).status_code == 401
        async with asyncio.TaskGroup() as group:
            guesses = [group.create_task(client.get("/health", headers=wrong)) for _ in range(3)]
            assert (await client.get("/health", headers=right)).status_code == 200
            assert not any(guess.done() for guess in guesses)
            for guess in guesses:
                guess.cancel()

    async def test_who_shows_none_is_not_counted(self, client: httpx2.AsyncClient) -> None:
        for _ in range(3 * FREE_TRIES):
            assert (await client.get("/health")).status_code == 401
            assert (await client.get("/health", headers={"cookie": "neko_1=old"})).status_code == 401
        headers = {"authorization": f"Bearer {self.token}"}
        assert (await client.get("/health", headers=headers)).status_code == 200


async def no_time(_seconds: float) -> None:
    """Nothing is held back."""


class TestFailedTries:
    async def test_the_waits_double_up_to_a_minute_and_the_answers_are_held_back_for_their_beginning(self) -> None:
        held: list[float] = []

        async def hold(seconds: float) -> None:
            held.append(seconds)

        tries = FailedTries(lambda: 0.0, hold)
        waits = [await tries.failed("10.0.0.1") for _ in range(20)]
        over = waits[FREE_TRIES:]
        assert waits[:FREE_TRIES] == [0] * FREE_TRIES
        assert over[:4] == [1, 2, 4, 8]
        assert over == sorted(over)
        assert over[-1] == 60
        assert held == [min(wait, LONGEST_HOLD_S) for wait in over]

    async def test_one_address_does_not_pay_for_another_and_a_network_of_ipv6_is_one(self) -> None:
        tries = FailedTries(lambda: 0.0, no_time)
        for number in range(10):
            await tries.failed("10.0.0.1")
            await tries.failed(f"2001:db8::{number:x}")
        for other in ("10.0.0.2", "::ffff:10.0.0.3", "2001:db8:0:1::1"):
            assert await tries.failed(other) == 0
        for same in ("::ffff:10.0.0.1", "2001:db8::ffff"):
            assert await tries.failed(same) > 0

    async def test_a_quarter_of_an_hour_forgets(self) -> None:
        now = 0.0
        tries = FailedTries(lambda: now, no_time)
        for _ in range(10):
            await tries.failed("10.0.0.2")
        now = 1000.0
        assert await tries.failed("10.0.0.2") == 0

    async def test_so_many_answers_are_held_back_and_no_more(self) -> None:
        holding = asyncio.Semaphore(0)
        tries = FailedTries(lambda: 0.0, lambda _: holding.acquire())
        async with asyncio.TaskGroup() as group:
            guesses = [group.create_task(tries.failed("10.0.0.1")) for _ in range(FREE_TRIES + MOST_HELD)]
            await asyncio.sleep(0)
            assert await tries.failed("10.0.0.1") == 60
            assert sum(not guess.done() for guess in guesses) == MOST_HELD
            holding.release()
            await asyncio.wait(guesses[FREE_TRIES:], return_when=asyncio.FIRST_COMPLETED)
            again = group.create_task(tries.failed("10.0.0.1"))
            await asyncio.sleep(0)
            assert not again.done()
            for _ in range(MOST_HELD):
                holding.release()

    async def test_a_flood_of_addresses_is_bounded_and_logged_once(self, caplog: pytest.LogCaptureFixture) -> None:
        tries = FailedTries(lambda: 0.0, no_time)
        for number in range(5000):
            await tries.failed(f"10.1.{number // 250}.{number % 250}")
        assert len(tries) <= MOST_ADDRESSES
        assert len(caplog.records) == 1
