"""A REST call declared once: path, method, request and answer models, handler.

The declaration is what is served *and* what ``/openapi.json`` says. A handler gets its input
already validated and returns an answer model (or a ready response); it never sees JSON.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from neko.app import Neko
from neko.web.errors import HTTPError, error_response, invalid_response, json_response
from neko.web.request_language import request_language
from neko.web.schemas import Empty

BODY_LIMIT = 1024 * 1024
"""Bytes of a request body; it is counted as it comes in."""

G = TypeVar("G", bound=BaseModel)
Outcome = BaseModel | Response


@dataclass(frozen=True, slots=True)
class Call(Generic[G]):
    """One request: ``body`` is its query (GET) or body, ``request`` the rest."""

    neko: Neko
    request: Request
    body: G

    def path_param(self, name: str) -> str:
        """A decoded part of the path."""
        return str(self.request.path_params[name])


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A declared call. ``invalid_status`` answers a request that does not fit ``request_model``;
    ``body_is_read`` is false where the body is none of our business; ``produces`` is the media type."""

    method: str
    paths: tuple[str, ...]
    request_model: type[BaseModel]
    response_model: type[BaseModel]
    summary: str
    handler: Callable[[Call[Any]], Awaitable[Outcome]]
    invalid_status: int = 422
    body_is_read: bool = True
    produces: str = "application/json"

    @property
    def takes_body(self) -> bool:
        return self.method != "GET" and self.body_is_read

    async def serve(self, request: Request, neko: Neko) -> Response:
        try:
            try:
                given = await self._read(request)
            except ValidationError as error:
                where, language = "body" if self.takes_body else "query", request_language(request, neko)
                return await invalid_response(error, where, self.invalid_status, language)
            answer = await self.handler(Call(neko, request, given))
        except (HTTPException, ClientDisconnect):
            raise
        except Exception as error:
            return await error_response(error, f"{self.method} {self.paths[0]}", request, neko)
        return answer if isinstance(answer, Response) else json_response(answer)

    async def _read(self, request: Request) -> BaseModel:
        if self.method == "GET":
            return self.request_model.model_validate(dict(request.query_params))
        if not self.body_is_read:
            return self.request_model()
        return self.request_model.model_validate(await _json_body(request))


def get(
    *paths: str,
    response_model: type[BaseModel],
    summary: str,
    request_model: type[G] = Empty,  # type: ignore[assignment]
) -> Callable[[Callable[[Call[G]], Awaitable[Outcome]]], Endpoint]:
    """Declare a read; ``request_model`` is the model of its query."""

    def declare(handler: Callable[[Call[G]], Awaitable[Outcome]]) -> Endpoint:
        return Endpoint("GET", paths, request_model, response_model, summary, handler)

    return declare


def post(
    *paths: str,
    response_model: type[BaseModel],
    summary: str,
    request_model: type[G] = Empty,  # type: ignore[assignment]
    invalid_status: int = 422,
    body_is_read: bool = True,
    produces: str = "application/json",
) -> Callable[[Callable[[Call[G]], Awaitable[Outcome]]], Endpoint]:
    """Declare a write; ``request_model`` is the model of its JSON body."""

    def declare(handler: Callable[[Call[G]], Awaitable[Outcome]]) -> Endpoint:
        return Endpoint(
            "POST", paths, request_model, response_model, summary, handler, invalid_status, body_is_read, produces
        )

    return declare


def routes_of(endpoints: Iterable[Endpoint], neko: Neko) -> list[Route]:
    """One route per path, so that a wrong method is answered with all the right ones."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        for path in endpoint.paths:
            methods = by_path.setdefault(path, {})
            if endpoint.method in methods:
                raise ValueError(f"declared twice: {endpoint.method} {path}")
            methods[endpoint.method] = endpoint
    return [
        Route(path, partial(_dispatch, methods, neko), methods=list(methods), name=path)
        for path, methods in by_path.items()
    ]


async def _dispatch(methods: Mapping[str, Endpoint], neko: Neko, request: Request) -> Response:
    method = "GET" if request.method == "HEAD" else request.method
    return await methods[method].serve(request, neko)


async def _json_body(request: Request) -> Any:
    body = await _bounded_body(request)
    if not body:
        return {}
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPError(415, "not_json", "This call takes application/json, and the request says it is something else.")
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        raise HTTPError(400, "bad_json", "The request body is not valid JSON.") from None


async def _bounded_body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > BODY_LIMIT:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise _too_large()
    return bytes(body)


def _too_large() -> HTTPError:
    return HTTPError(413, "too_large", f"The request body is larger than {BODY_LIMIT // 1024} KiB.")
