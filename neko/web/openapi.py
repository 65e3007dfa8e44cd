"""``/openapi.json``, made from the declarations of the calls themselves (OpenAPI 3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from neko.tasks import in_thread
from neko.web.endpoint import Endpoint
from neko.web.mount import mount_path
from neko.web.pages import PAGES
from neko.web.schemas import Detail, Empty, Failure, InvalidRequest

Json = dict[str, Any]
Refs = dict[tuple[type[BaseModel], JsonSchemaMode], Json]

_JSON = "application/json"

_SHARED: tuple[type[BaseModel], ...] = (Failure, InvalidRequest, Detail)
_REF = "#/components/schemas/{model}"


def description_route(endpoints: Iterable[Endpoint]) -> Route:
    """``/openapi.json``; made once, at the first request, off the loop."""
    return Route("/openapi.json", partial(_describe, _Document(tuple(endpoints))), name="/openapi.json")


class _Document:
    def __init__(self, endpoints: tuple[Endpoint, ...]) -> None:
        self._endpoints = endpoints
        self._made: Json | None = None

    async def get(self) -> Json:
        if self._made is None:
            self._made = await in_thread(openapi_document, self._endpoints, PAGES)
        return self._made


async def _describe(document: _Document, request: Request) -> Response:
    made = await document.get()
    root = mount_path(request.scope)
    return JSONResponse({**made, "servers": [{"url": root}]} if root else made)


def openapi_document(endpoints: Iterable[Endpoint], pages: Mapping[str, str]) -> Json:
    """The description of every call; ``pages`` are the HTML paths with their summaries."""
    listed = list(endpoints)
    refs, components = _schemas(listed)
    paths: Json = {}
    for endpoint in listed:
        for path in endpoint.paths:
            paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, path, refs, components)
    for path, summary in pages.items():
        paths[path] = {"get": _page(path, summary)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Neko", "version": _version(), "description": "A companion that talks. JSON over HTTP."},
        "paths": paths,
        "components": {"schemas": components},
    }


def _schemas(endpoints: list[Endpoint]) -> tuple[Refs, Json]:
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "serialization") for model in _SHARED]
    for endpoint in endpoints:
        wanted += [(endpoint.response_model, "serialization"), (endpoint.request_model, "validation")]
    refs, document = models_json_schema(list(dict.fromkeys(wanted)), ref_template=_REF)
    return {(model, mode): refs[model, mode] for model, mode in wanted}, document.get("$defs", {})


def _operation(endpoint: Endpoint, path: str, refs: Refs, components: Json) -> Json:
    answers = {
        "200": _content("The answer.", endpoint.produces, refs[endpoint.response_model, "serialization"]),
        "default": _content("What went wrong.", _JSON, refs[Failure, "serialization"]),
    }
    operation: Json = {
        "operationId": _operation_id(endpoint.method, path),
        "summary": endpoint.summary,
        "tags": [_tag(path)],
        "responses": answers,
    }
    parameters = _path_parameters(path)
    if endpoint.request_model is not Empty:
        given = refs[endpoint.request_model, "validation"]
        if endpoint.takes_body:
            operation["requestBody"] = {"required": True, "content": {_JSON: {"schema": given}}}
        else:
            parameters += _query_parameters(given, components)
        invalid = _content("The request does not fit.", _JSON, refs[InvalidRequest, "serialization"])
        answers.setdefault(str(endpoint.invalid_status), invalid)
    if parameters:
        operation["parameters"] = parameters
    return operation


def _page(path: str, summary: str) -> Json:
    operation: Json = {
        "operationId": _operation_id("GET", path),
        "summary": summary,
        "tags": ["pages"],
        "responses": {"200": {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}},
    }
    parameters = _path_parameters(path)
    return {**operation, "parameters": parameters} if parameters else operation


def _path_parameters(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(given: Json, components: Json) -> list[Json]:
    schema = components[given["$ref"].rsplit("/", 1)[1]]
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema["properties"].items()
    ]


def _content(description: str, kind: str, schema: Json) -> Json:
    return {"description": description, "content": {kind: {"schema": schema}}}


def _operation_id(method: str, path: str) -> str:
    words = re.sub(r"\W+", "_", path).strip("_") or "index"
    return f"{method.lower()}_{words}" + ("_slash" if path.endswith("/") and len(path) > 1 else "")


def _tag(path: str) -> str:
    parts = path.strip("/").split("/")
    return parts[1] if parts[0] == "api" and len(parts) > 1 else "application"


def _version() -> str:
    try:
        return version("neko-companion")
    except PackageNotFoundError:
        return "0"
