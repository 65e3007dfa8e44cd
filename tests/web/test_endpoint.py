"""What a declared endpoint can do, by a small app of declared endpoints on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from pydantic import Field
from starlette.applications import Starlette
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from neko.application import Neko
from neko.serve import connection
from neko.tasks import TaskOwner, in_thread
from neko.web import pace
from neko.web.endpoint import Call, Endpoint, delete, get, patch, post, put, routes_of
from neko.web.errors import HTTPError
from neko.web.openapi import description_route
from neko.web.request_body import BodyFormat
from neko.web.schemas import Empty, Null, Schema
from neko.web.upload import Upload, save_upload
from tests.web.running_app import serving

LIMIT = 3 * 1024 * 1024
UNREADABLE = ("400", "408", "413", "415")
"""What is answered where a body cannot be read."""
GLB = b"glTF"


class ThingPath(Schema):
    number: int = Field(ge=1)


class FolderPath(Schema):
    rest: str


class Paging(Schema):
    limit: int = Field(10, le=100)
    tag: list[str] = Field(default_factory=list)


class Thing(Schema):
    name: str = Field(min_length=1)
    size: float = 1.0


class Seen(Schema):
    """What arrived."""

    method: str
    number: int | None = None
    rest: str | None = None
    paging: Paging | None = None
    thing: Thing | None = None


class Stored(Schema):
    names: list[str]
    sizes: list[int]
    thing: Thing


@get(
    "/things/{number}",
    path=ThingPath,
    query=Paging,
    response=Seen,
    summary="One thing",
    failures={404: "There is no such thing."},
)
async def thing(call: Call[Empty, Paging, ThingPath]) -> Seen:
    if call.path.number == 404:
        raise HTTPError(404, "no_thing", "There is no such thing.")
    return Seen(method="GET", number=call.path.number, paging=call.query)


@put("/things/{number}", path=ThingPath, query=Paging, body=Thing, response=Seen, summary="Replace a thing")
async def replace_thing(call: Call[Thing, Paging, ThingPath]) -> Seen:
    return Seen(method="PUT", number=call.path.number, paging=call.query, thing=call.body)


@patch("/things/{number}", path=ThingPath, body=Thing, response=Seen, summary="Change a thing")
async def change_thing(call: Call[Thing, Empty, ThingPath]) -> Seen:
    return Seen(method="PATCH", number=call.path.number, thing=call.body)


@delete("/things/{number}", path=ThingPath, response=Null, status=204, summary="Remove a thing")
async def remove_thing(call: Call[Empty, Empty, ThingPath]) -> Null:
    return Null(None)


@post("/things/", body=Thing, response=Seen, status=201, redirects=("/things",), summary="Make a thing")
async def make_thing(call: Call[Thing]) -> Seen:
    return Seen(method="POST", thing=call.body)


@get("/folders/{rest:path}", path=FolderPath, response=Seen, summary="Any number of segments")
async def folder(call: Call[Empty, Empty, FolderPath]) -> Seen:
    return Seen(method="GET", rest=call.path.rest)


@post("/form", body=Thing, body_format=BodyFormat.FORM, response=Seen, summary="A form")
async def form(call: Call[Thing]) -> Seen:
    return Seen(method="POST", thing=call.body)


def only_models(name: str, head: bytes) -> None:
    if not name.endswith(".glb") or not head.startswith(GLB):
        raise HTTPError(415, "not_a_model", "This is no model.")


@post(
    "/models",
    body=Thing,
    upload=Upload("files", LIMIT, max_files=2, check=only_models),
    response=Stored,
    summary="Up to two models",
    failures={413: "Too large.", 415: "No model."},
)
async def models(call: Call[Thing]) -> Stored:
    folder = call.neko.folder.path / "sent"
    await in_thread(folder.mkdir)
    sizes = [await save_upload(file, folder / str(file.filename)) for file in call.files]
    return Stored(names=[str(file.filename) for file in call.files], sizes=sizes, thing=call.body)


ENDPOINTS: tuple[Endpoint, ...] = (
    *(thing, replace_thing, change_thing, remove_thing, make_thing),
    *(folder, form, models),
)


class Received:
    """ASGI middleware that counts the bytes of bodies as the app takes them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted() -> Message:
            message = await receive()
            self.bytes += len(message.get("body", b""))
            return message

        await self._app(scope, counted, send)


@pytest.fixture
def app(neko: Neko) -> Received:
    return Received(Starlette(routes=[*routes_of(ENDPOINTS, neko), description_route(ENDPOINTS, ())]))


@pytest.fixture
async def client(app: Received) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(app) as connected:
        yield connected


# ── methods, paths, queries, bodies ───────────────────────────────────────────


async def test_path_query_and_body_arrive_beside_each_other_each_with_its_type(client: httpx2.AsyncClient) -> None:
    answer = await client.put("/things/7?limit=5&tag=a&tag=b", json={"name": "x", "size": 2})
    assert answer.status_code == 200
    assert answer.json() == {
        "method": "PUT",
        "number": 7,
        "rest": None,
        "paging": {"limit": 5, "tag": ["a", "b"]},
        "thing": {"name": "x", "size": 2.0},
    }


async def test_each_method_has_its_own_handler_on_one_path(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/things/1")).json()["method"] == "GET"
    assert (await client.patch("/things/1", json={"name": "x"})).json()["method"] == "PATCH"
    removed = await client.delete("/things/1")
    assert (removed.status_code, removed.content) == (204, b"")
    wrong = await client.post("/things/1", json={})
    assert wrong.status_code == 405
    assert set(wrong.headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD", "PUT", "PATCH", "DELETE"}


async def test_head_answers_with_the_headers_of_get_alone(client: httpx2.AsyncClient) -> None:
    whole = await client.get("/things/1")
    head = await client.head("/things/1")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert (await client.get("/things/1")).json() == whole.json()


async def test_a_success_can_have_a_status_of_its_own(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/things/", json={"name": "x"})).status_code == 201


async def test_a_path_parameter_can_hold_several_segments(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/folders/a/b%20c/小")).json()["rest"] == "a/b c/小"


@pytest.mark.parametrize(
    ("address", "body", "places"),
    [
        ("/things/x", {"name": "a"}, [["path", "number"]]),
        ("/things/0", {"name": "a"}, [["path", "number"]]),
        ("/things/1?limit=many", {"name": "a"}, [["query", "limit"]]),
        ("/things/1", {"name": ""}, [["body", "name"]]),
        ("/things/1", {}, [["body", "name"]]),
        ("/things/1", {"name": "a", "size": "big"}, [["body", "size"]]),
        ("/things/x?limit=101", {"name": ""}, [["body", "name"], ["query", "limit"], ["path", "number"]]),
    ],
)
async def test_what_does_not_fit_is_422_and_every_field_is_named(
    client: httpx2.AsyncClient, address: str, body: Any, places: list[list[str]]
) -> None:
    answer = await client.put(address, json=body)
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == places


async def test_a_documented_failure_is_answered_as_one(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/things/404")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_thing")


async def test_a_moved_address_keeps_method_body_query_and_mount(client: httpx2.AsyncClient, app: Received) -> None:
    answer = await client.post("/things?a=1", json={"name": "x"})
    assert (answer.status_code, answer.headers["location"]) == (307, "./things/?a=1")
    followed = await client.post("/things", json={"name": "x"}, follow_redirects=True)
    assert (followed.status_code, followed.json()["thing"]["name"]) == (201, "x")
    async with serving(Starlette(routes=[Mount("/below", app)])) as mounted:
        answer = await mounted.post("/below/things", json={"name": "x"})
        assert answer.headers["location"] == "/below/things/"


def test_a_declaration_that_forgets_a_path_parameter_is_refused() -> None:
    with pytest.raises(ValueError, match="number"):

        @get("/other/{number}", response=Seen, summary="wrong")
        async def wrong(call: Call) -> Seen:
            return Seen(method="GET")


def test_the_same_method_on_the_same_path_cannot_be_declared_twice(neko: Neko) -> None:
    with pytest.raises(ValueError, match="declared twice"):
        routes_of((thing, thing), neko)


def test_a_path_is_compiled_when_one_is_asked_for_that_may_fit(neko: Neko) -> None:
    route = next(one for one in routes_of(ENDPOINTS, neko) if one.path == "/things/{number}")
    scope = {"type": "http", "method": "GET", "root_path": "/below"}
    assert route.matches({**scope, "path": "/below/other"})[0] is Match.NONE
    assert "_route" not in vars(route)
    fits, with_it = route.matches({**scope, "path": "/below/things/7"})
    assert (fits, with_it["path_params"]) == (Match.FULL, {"number": "7"})
    assert "_route" in vars(route)


# ── forms ─────────────────────────────────────────────────────────────────────


async def test_a_form_is_read_in_both_encodings_that_pages_send(client: httpx2.AsyncClient) -> None:
    for answer in (
        await client.post("/form", data={"name": "小 & x", "size": "3"}),
        await client.post("/form", files={"name": (None, "小 & x"), "size": (None, "3")}),
    ):
        assert answer.status_code == 200
        assert answer.json()["thing"] == {"name": "小 & x", "size": 3.0}


@pytest.mark.parametrize(
    "charset", ["undefined", "rot13", "idna", "punycode", "hex", "utf-7", "utf-16", "nonsense", "unicode_escape", '"']
)
async def test_a_form_in_any_character_set_is_read_or_refused(client: httpx2.AsyncClient, charset: str) -> None:
    body = '--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n小\xff\r\n--b--\r\n'.encode()
    kind = {"content-type": f"multipart/form-data; boundary=b; charset={charset}"}
    answer = await client.post("/form", content=body, headers=kind)
    assert answer.status_code in (200, 400, 422)


async def test_a_form_field_of_the_wrong_type_is_422(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/form", data={"name": "x", "size": "big"})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "size"])


async def test_what_is_no_form_is_refused(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/form", json={"name": "x"})).status_code == 415
    broken = {"content-type": "multipart/form-data; boundary=x"}
    assert (await client.post("/form", content=b"nothing", headers=broken)).status_code == 400
    unnamed = {"content-type": "multipart/form-data"}
    assert (await client.post("/form", content=b"--x", headers=unnamed)).status_code == 400


async def test_a_form_that_takes_no_files_refuses_them(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/form", data={"name": "x"}, files={"file": ("a.glb", GLB)})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_form")


# ── uploads ───────────────────────────────────────────────────────────────────


def model(size: int) -> bytes:
    return GLB + bytes(range(256)) * (size // 256)


async def test_files_arrive_whole_beside_the_fields_of_the_form(client: httpx2.AsyncClient, neko: Neko) -> None:
    large, small = model(2 * 1024 * 1024), model(512)
    answer = await client.post(
        "/models", data={"name": "cat"}, files=[("files", ("a.glb", large)), ("files", ("b.glb", small))]
    )
    assert answer.json() == {
        "names": ["a.glb", "b.glb"],
        "sizes": [len(large), len(small)],
        "thing": {"name": "cat", "size": 1.0},
    }
    assert (neko.folder.path / "sent" / "a.glb").read_bytes() == large
    assert (neko.folder.path / "sent" / "b.glb").read_bytes() == small


@pytest.mark.parametrize(
    ("files", "loc"), [({}, "files"), ({"other": ("a.glb", GLB)}, "files")], ids=["none", "another field"]
)
async def test_a_missing_file_is_named(client: httpx2.AsyncClient, files: dict[str, Any], loc: str) -> None:
    answer = await client.post("/models", files={"name": (None, "x"), **files})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", loc])


async def test_too_many_files_are_refused(client: httpx2.AsyncClient) -> None:
    files = [("files", (f"{number}.glb", GLB)) for number in range(3)]
    assert (await client.post("/models", data={"name": "x"}, files=files)).status_code == 400


async def send_upload(
    client: httpx2.AsyncClient, name: str, blocks: AsyncIterator[bytes], *, path: str = "/models", length: int = 0
) -> tuple[int, int]:
    """Send a file piece by piece until the answer comes; its status, and the bytes sent until then.

    ``length`` is announced; without it the body is chunked.
    """
    parts = urlsplit(str(client.base_url))
    assert parts.hostname
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    size = f"Content-Length: {length}" if length else "Transfer-Encoding: chunked"
    kind = "Content-Type: multipart/form-data; boundary=x"
    writer.write(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{kind}\r\n{size}\r\n\r\n".encode())
    sent = 0

    async def write() -> None:
        nonlocal sent
        head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
        writer.write(head if length else b"%x\r\n%b\r\n" % (len(head), head))
        async for block in blocks:
            writer.write(block if length else b"%x\r\n%b\r\n" % (len(block), block))
            await writer.drain()
            sent += len(block)

    async with TaskOwner("sender") as owner, asyncio.timeout(10):
        owner.spawn(write(), name="write")
        status = int((await reader.readline()).split()[1])
    writer.transport.abort()
    return status, sent


async def endless(first: bytes) -> AsyncIterator[bytes]:
    yield first.ljust(65536, b"\0")
    for _ in range(4000):
        yield bytes(65536)


async def test_an_upload_over_the_limit_is_cut_off_while_it_streams(client: httpx2.AsyncClient, app: Received) -> None:
    status, _ = await send_upload(client, "a.glb", endless(GLB))
    assert status == 413
    assert app.bytes <= LIMIT + 2 * 65536


async def test_a_file_of_the_wrong_type_is_refused_at_its_first_bytes(
    client: httpx2.AsyncClient, app: Received
) -> None:
    for name, head in (("a.exe", GLB), ("a.glb", b"MZ")):
        app.bytes = 0
        status, _ = await send_upload(client, name, endless(head))
        assert status == 415
        assert app.bytes <= 3 * 65536


async def test_an_upload_announced_too_large_is_refused_unread(client: httpx2.AsyncClient, app: Received) -> None:
    status, _ = await send_upload(client, "a.glb", endless(GLB), length=300 * 1024 * 1024)
    assert (status, app.bytes) == (413, 0)


async def test_a_sender_that_stands_still_is_given_up(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "GRACE_S", 0.05)
    monkeypatch.setattr(pace, "SLOWEST", 1 << 40)

    async def stalling() -> AsyncIterator[bytes]:
        yield GLB.ljust(65536, b"\0")

    status, _ = await send_upload(client, "a.glb", stalling())
    assert status == 408


async def test_a_refused_upload_leaves_no_temporary_file_open(client: httpx2.AsyncClient) -> None:
    before = open_files()
    assert (await send_upload(client, "a.glb", endless(GLB)))[0] == 413
    assert open_files() == before


def open_files() -> set[str]:
    """The deleted files that this process still holds open, which is what temporary ones are on Linux."""
    targets = set()
    links = Path("/proc/self/fd")
    for link in links.iterdir() if links.is_dir() else ():
        with suppress(OSError):
            targets.add(str(link.readlink()))
    return {target for target in targets if target.endswith("(deleted)")}


@pytest.mark.parametrize("path", ["/models", "/things/"])
async def test_a_client_that_stops_in_the_middle_of_a_refused_body_is_let_go(
    app: Received, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(connection, "LINGER_SILENCE_S", 0.1)
    async with serving(app) as client:
        parts = urlsplit(str(client.base_url))
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        kind = "Content-Type: text/plain\r\nTransfer-Encoding: chunked"
        writer.write(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{kind}\r\n\r\n".encode())
        for _ in range(40):
            writer.write(b"10000\r\n%b\r\n" % bytes(65536))
        async with asyncio.timeout(15):
            answer = await reader.read()
        writer.transport.abort()
        assert answer.split()[1] in (b"413", b"415")


async def test_an_answer_before_the_end_of_a_body_reaches_a_client_that_is_still_sending(app: Received) -> None:
    async with serving(app) as client:
        for _ in range(2):
            answer = await client.post("/things/", content=bytes(500_000), headers={"content-type": "text/plain"})
            assert answer.status_code == 415
        assert (await client.get("/things/1")).status_code == 200


# ── the description ───────────────────────────────────────────────────────────


async def test_the_description_holds_all_of_it(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    one = document["paths"]["/things/{number}"]
    assert one.keys() == {"get", "put", "patch", "delete"}
    assert one["get"]["responses"].keys() == {"200", "404", "422", "default"}
    assert one["get"]["responses"]["404"]["description"] == "There is no such thing."
    assert one["delete"]["responses"]["204"].keys() == {"description"}
    parameters = {(p["in"], p["name"]): p for p in one["put"]["parameters"]}
    assert parameters.keys() == {("path", "number"), ("query", "limit"), ("query", "tag")}
    assert parameters["path", "number"]["schema"]["type"] == "integer"
    assert (parameters["path", "number"]["required"], parameters["query", "limit"]["required"]) == (True, False)
    assert one["put"]["requestBody"]["content"].keys() == {"application/json"}
    assert document["paths"]["/things/"]["post"]["responses"].keys() == {*UNREADABLE, "201", "422", "default"}
    assert document["paths"]["/things"]["post"]["responses"].keys() == {"307"}
    assert "/folders/{rest}" in document["paths"]
    form_kinds = {"application/x-www-form-urlencoded", "multipart/form-data"}
    assert document["paths"]["/form"]["post"]["requestBody"]["content"].keys() == form_kinds
    sent = document["paths"]["/models"]["post"]["requestBody"]["content"]
    fields, files = sent["multipart/form-data"]["schema"]["allOf"]
    assert fields["$ref"].endswith("/Thing")
    assert files["properties"]["files"] == {
        "type": "array",
        "items": {"type": "string", "format": "binary"},
        "maxItems": 2,
    }
