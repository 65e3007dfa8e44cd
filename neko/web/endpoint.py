"""A REST call declared once: path, method, models of what comes in and goes out, statuses, handler.

The declaration is what is served *and* what ``/openapi.json`` says. A handler gets its input
already validated and returns an answer model (or a ready response); it never sees JSON.

``@put("/api/things/{number}", path=ThingPath, body=Thing, response=Saved, summary="…",
failures={404: "There is no such thing."})`` decorates ``async def f(call: Call[Thing, Empty, ThingPath]) -> Saved``.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from http import HTTPStatus
from typing import Any, Generic, get_origin
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from starlette.datastructures import ImmutableMultiDict, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send
from typing_extensions import TypeVar

from neko.app import Neko
from neko.tasks import in_thread
from neko.web.errors import error_response, invalid_response, json_response
from neko.web.mount import base_path
from neko.web.request_body import BODY_LIMIT, BodyFormat, Form, read_form, read_json
from neko.web.request_language import request_language
from neko.web.schemas import Empty
from neko.web.upload import Upload
from neko.well_formed import well_formed

B = TypeVar("B", bound=BaseModel, default=Empty)
Q = TypeVar("Q", bound=BaseModel, default=Empty)
P = TypeVar("P", bound=BaseModel, default=Empty)
Outcome = BaseModel | Response

_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


@dataclass(frozen=True, slots=True)
class Call(Generic[B, Q, P]):
    """One request, validated: its body, its query, its path, and the files that came with it."""

    neko: Neko
    request: Request
    body: B
    query: Q
    path: P
    files: tuple[UploadFile, ...] = ()


Handler = Callable[[Call[Any, Any, Any]], Awaitable[Outcome]]


def _nothing(_neko: Neko) -> None:
    """What most calls need besides."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A declared call.

    ``path``, ``query`` and ``body`` are the models of what comes in; a body without a model is not
    read. ``status`` answers success, ``invalid_status`` a request that does not fit its models;
    ``failures`` documents the other statuses. ``redirects`` are paths that are answered with 307 to
    the first of ``paths``. ``produces`` is the media type of the answer, or several, with ", " between
    them. ``body_limit``: bytes of JSON; with a larger one than usual the body is looked through in a thread. ``needs``
    raises the error that is the answer where what the call needs is not there, before anything of it is read.
    """

    method: str
    paths: tuple[str, ...]
    handler: Handler
    response: type[BaseModel]
    summary: str
    path: type[BaseModel] = Empty
    query: type[BaseModel] = Empty
    body: type[BaseModel] = Empty
    body_format: BodyFormat = BodyFormat.JSON
    upload: Upload | None = None
    status: int = 200
    invalid_status: int = 422
    failures: Mapping[int, str] = field(default_factory=dict)
    produces: str = "application/json"
    redirects: tuple[str, ...] = ()
    body_limit: int = BODY_LIMIT
    needs: Callable[[Neko], object] = _nothing

    def __post_init__(self) -> None:
        for path in (*self.paths, *self.redirects):
            if set(_PARAMETER.findall(path)) != set(self.path.model_fields):
                raise ValueError(f"{path} and {self.path.__name__} do not name the same parameters")

    @property
    def takes_body(self) -> bool:
        return self.body is not Empty or self.upload is not None

    async def serve(self, request: Request, neko: Neko) -> Response:
        form: Form | None = None
        try:
            self.needs(neko)
            content, form = await self._content(request)
            if self.body_limit > BODY_LIMIT:
                models, problems = await in_thread(self._validated, request, content, form)
            else:
                models, problems = self._validated(request, content, form)
            if problems:
                return await invalid_response(problems, self.invalid_status, request_language(request, neko))
            files = form.files_of(self.upload.field) if self.upload and form else ()
            answer = await self.handler(Call(neko, request, **models, files=files))
        except (HTTPException, ClientDisconnect):
            raise
        except Exception as error:
            return await error_response(error, f"{self.method} {self.paths[0]}", request, neko)
        finally:
            if form:
                await form.aclose()
        if isinstance(answer, Response):
            return answer
        return Response(status_code=204) if self.status == HTTPStatus.NO_CONTENT else json_response(answer, self.status)

    async def _content(self, request: Request) -> tuple[Any, Form | None]:
        """The body as plain values."""
        if not self.takes_body:
            return {}, None
        if self.body_format is BodyFormat.JSON and self.upload is None:
            always_ok = self.invalid_status == HTTPStatus.OK  # whoever calls looks at ``success`` alone
            return await read_json(
                request, self.body_limit, HTTPStatus.OK if always_ok else HTTPStatus.BAD_REQUEST
            ), None
        form = await read_form(request, self.upload)
        return _values(form.data, self.body), form

    def _validated(
        self, request: Request, content: Any, form: Form | None
    ) -> tuple[dict[str, BaseModel], list[tuple[str, ValidationError]]]:
        """Body, query and path as models, or everything that is wrong with them, by place."""
        models: dict[str, BaseModel] = {}
        problems: list[tuple[str, ValidationError]] = []
        for where, model, values in (
            ("body", self.body, content),
            ("query", self.query, _values(request.query_params, self.query)),
            ("path", self.path, _values(ImmutableMultiDict(request.path_params), self.path)),
        ):
            try:
                models[where] = model.model_validate(values)
            except ValidationError as error:
                problems.append((where, error))
        if self.upload and form and not form.files_of(self.upload.field):
            problems.append(("body", _missing(self.upload.field)))
        return models, problems


@dataclass(frozen=True, slots=True)
class Declare:
    """``@get(…)``, ``@post(…)`` and the like: makes an ``Endpoint`` of a handler; parameters as there."""

    method: str

    def __call__(
        self,
        *paths: str,
        response: type[BaseModel],
        summary: str,
        path: type[P] = Empty,  # type: ignore[assignment]
        query: type[Q] = Empty,  # type: ignore[assignment]
        body: type[B] = Empty,  # type: ignore[assignment]
        body_format: BodyFormat = BodyFormat.JSON,
        upload: Upload | None = None,
        status: int = 200,
        invalid_status: int = 422,
        failures: Mapping[int, str] | None = None,
        produces: str = "application/json",
        redirects: tuple[str, ...] = (),
        body_limit: int = BODY_LIMIT,
        needs: Callable[[Neko], object] = _nothing,
    ) -> Callable[[Callable[[Call[B, Q, P]], Awaitable[Outcome]]], Endpoint]:
        def declare(handler: Callable[[Call[B, Q, P]], Awaitable[Outcome]]) -> Endpoint:
            return Endpoint(
                self.method,
                paths,
                handler,
                response,
                summary,
                path,
                query,
                body,
                body_format,
                upload,
                status,
                invalid_status,
                failures or {},
                produces,
                redirects,
                body_limit,
                needs,
            )

        return declare


get, post, put, patch, delete = map(Declare, ("GET", "POST", "PUT", "PATCH", "DELETE"))


class CallRoute(BaseRoute):
    """A route whose pattern is compiled for the first path that may fit: there are hundreds, of which a page needs few.

    ``path`` and ``methods`` as of ``Route``, without HEAD.
    """

    def __init__(self, path: str, serve: Callable[[Request], Awaitable[Response]], methods: Iterable[str]) -> None:
        self.path = path
        self.methods = frozenset(methods)
        self._serve = serve
        self._beginning = path.partition("{")[0]

    @cached_property
    def _route(self) -> Route:
        return Route(self.path, self._serve, methods=self.methods, name=self.path)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if self._beginning not in scope["path"]:  # which the path of a mount may precede
            return Match.NONE, {}
        return self._route.matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._route.handle(scope, receive, send)


def routes_of(endpoints: Iterable[Endpoint], neko: Neko) -> list[CallRoute]:
    """One route per path, so that a wrong method is answered with all the right ones.

    Starlette lets HEAD in wherever GET is.
    """
    by_path: dict[str, dict[str, Callable[[Request], Awaitable[Response]]]] = {}
    for endpoint in endpoints:
        serve = partial(_serve, endpoint, neko)
        redirect = partial(_redirect, endpoint.paths[0])
        answers = [*((path, serve) for path in endpoint.paths), *((path, redirect) for path in endpoint.redirects)]
        for path, answer in answers:
            methods = by_path.setdefault(path, {})
            if endpoint.method in methods:
                raise ValueError(f"declared twice: {endpoint.method} {path}")
            methods[endpoint.method] = answer
    return [CallRoute(path, partial(_dispatch, methods), methods) for path, methods in by_path.items()]


async def _dispatch(methods: Mapping[str, Callable[[Request], Awaitable[Response]]], request: Request) -> Response:
    return await methods["GET" if request.method == "HEAD" else request.method](request)


async def _serve(endpoint: Endpoint, neko: Neko, request: Request) -> Response:
    return await endpoint.serve(request, neko)


async def _redirect(target: str, request: Request) -> Response:
    """307 keeps method and body."""
    path = _PARAMETER.sub(lambda match: quote(str(request.path_params[match[1]])), target)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(base_path(request.scope) + path.removeprefix("/") + query, 307)


def _values(data: ImmutableMultiDict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Texts by name: all of them for a field that is a list, else the last one."""
    many = {name for name, one in model.model_fields.items() if get_origin(one.annotation) in (list, tuple, set)}
    texts = [(name, well_formed(value)) for name, value in data.multi_items() if isinstance(value, str)]
    return {name: [value for other, value in texts if other == name] if name in many else last for name, last in texts}


def _missing(name: str) -> ValidationError:
    return ValidationError.from_exception_data("body", [{"type": "missing", "loc": (name,), "input": None}])
