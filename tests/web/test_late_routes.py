"""Routes that are made when they are asked for, or while a browser reads the page that will ask for them."""

from __future__ import annotations

import asyncio
import threading

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from neko.application import Neko
from neko.web.app import LateRoutes
from tests.web.running_app import serving


async def _answer(_request: Request) -> Response:
    return PlainTextResponse("here")


class Making:
    """Makes one route, in threads that wait until they may go on."""

    def __init__(self) -> None:
        self.times = 0
        self.begun = threading.Event()
        self.goes_on = threading.Event()
        self.fails = False

    def __call__(self) -> list[BaseRoute]:
        self.times += 1
        self.begun.set()
        assert self.goes_on.wait(10)
        if self.fails:
            raise OSError
        return [Route("/there", _answer)]


@pytest.fixture
def making() -> Making:
    return Making()


async def test_they_are_made_once_for_all_who_ask_meanwhile(making: Making) -> None:
    async with serving(Starlette(routes=[LateRoutes(making)])) as client:
        first, second = (asyncio.ensure_future(client.get("/there")) for _ in range(2))
        gone = asyncio.ensure_future(client.get("/there"))
        assert await asyncio.to_thread(making.begun.wait, 10)
        gone.cancel()
        making.goes_on.set()
        assert [(await one).text for one in (first, second)] == ["here", "here"]
        assert (await client.get("/there")).text == "here"
        assert (await client.get("/nowhere")).status_code == 404
    assert making.times == 1


async def test_what_could_not_be_made_is_made_for_the_next_one(making: Making) -> None:
    making.goes_on.set()
    making.fails = True
    async with serving(Starlette(routes=[LateRoutes(making)])) as client:
        assert (await client.get("/there")).status_code == 500
        making.fails = False
        assert (await client.get("/there")).text == "here"


async def test_a_page_has_them_made_before_it_asks(
    client: httpx2.AsyncClient, neko: Neko, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = neko.asgi.routes[-1]
    assert isinstance(late, LateRoutes)
    begun, make = threading.Event(), late.make

    def noted() -> list[BaseRoute]:
        begun.set()
        return make()

    monkeypatch.setattr(late, "make", noted)
    assert (await client.get("/health")).json()["instance_id"] == neko.instance_id
    assert not begun.is_set()
    assert (await client.get("/", headers={"accept": "text/html,*/*;q=0.8"})).status_code == 200
    assert await asyncio.to_thread(begun.wait, 20)
