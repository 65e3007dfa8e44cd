"""``/openapi.json``, made from the declarations of the calls themselves (OpenAPI 3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from neko.settings.launch import program_version
from neko.tasks import in_thread
from neko.web.endpoint import Endpoint
from neko.web.mount import mount_path
from neko.web.pages import PAGES, Page
from neko.web.request_body import BodyFormat
from neko.web.schemas import Detail, Empty, Failure, InvalidRequest, Unavailable

Json = dict[str, Any]
Refs = dict[tuple[type[BaseModel], JsonSchemaMode], Json]

_JSON = "application/json"

_SHARED: tuple[type[BaseModel], ...] = (Failure, Unavailable, InvalidRequest, Detail)
_REF = "#/components/schemas/{model}"


def description_route(endpoints: Iterable[Endpoint], pages: Iterable[Page] = PAGES) -> Route:
    """``/openapi.json``; made once, at the first request, off the loop."""
    return Route("/openapi.json", partial(_describe, _Document(tuple(endpoints), tuple(pages))), name="/openapi.json")


class _Document:
    def __init__(self, endpoints: tuple[Endpoint, ...], pages: tuple[Page, ...]) -> None:
        self._endpoints = endpoints
        self._pages = pages
        self._made: Json | None = None

    async def get(self) -> Json:
        if self._made is None:
            self._made = await in_thread(openapi_document, self._endpoints, self._pages)
        return self._made


async def _describe(document: _Document, request: Request) -> Response:
    made = await document.get()
    root = mount_path(request.scope)
    return JSONResponse({**made, "servers": [{"url": root}]} if root else made)


def openapi_document(endpoints: Iterable[Endpoint], pages: Iterable[Page]) -> Json:
    """The description of every call and of the HTML pages."""
    listed = list(endpoints)
    refs, components = _schemas(listed)
    paths: Json = {}
    for endpoint in listed:
        for path in endpoint.paths:
            paths.setdefault(_plain(path), {})[endpoint.method.lower()] = _operation(endpoint, path, refs, components)
        for path in endpoint.redirects:
            paths.setdefault(_plain(path), {})[endpoint.method.lower()] = _redirection(endpoint, path, refs, components)
    for page in pages:
        paths[page.path] = {"get": _page(page)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Neko",
            "version": program_version(),
            "description": "A companion that talks. JSON over HTTP.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def _schemas(endpoints: list[Endpoint]) -> tuple[Refs, Json]:
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "serialization") for model in _SHARED]
    for endpoint in endpoints:
        wanted.append((endpoint.response, "serialization"))
        wanted += [(model, "validation") for model in (endpoint.body, endpoint.query, endpoint.path)]
    refs, document = models_json_schema(list(dict.fromkeys(wanted)), ref_template=_REF)
    return {(model, mode): refs[model, mode] for model, mode in wanted}, document.get("$defs", {})


def _operation(endpoint: Endpoint, path: str, refs: Refs, components: Json) -> Json:
    operation: Json = {
        "operationId": _operation_id(endpoint.method, path),
        "summary": endpoint.summary,
        "tags": [_tag(path)],
        "responses": _answers(endpoint, refs),
    }
    if endpoint.takes_body:
        operation["requestBody"] = {"required": _needs_body(endpoint), "content": _body(endpoint, refs)}
    if parameters := _all_parameters(endpoint, refs, components):
        operation["parameters"] = parameters
    return operation


_UNREADABLE_BODY = {
    400: "The body cannot be read.",
    408: "The rest of the body did not come in time.",
    413: "The body is too large.",
    415: "The body is of another media type.",
}
_NO_SUCH_ADDRESS = "There is no such address."


def _answers(endpoint: Endpoint, refs: Refs) -> Json:
    failure = refs[Failure, "serialization"]
    answers: Json = {str(endpoint.status): _success(endpoint, refs)}
    for status, description in endpoint.failures.items():
        absent = refs[Unavailable, "serialization"]
        _add(answers, status, description, absent if status == HTTPStatus.SERVICE_UNAVAILABLE else failure)
    for status, description in _UNREADABLE_BODY.items() if endpoint.takes_body else ():
        always_ok = status == HTTPStatus.BAD_REQUEST and endpoint.invalid_status == HTTPStatus.OK
        _add(answers, HTTPStatus.OK if always_ok else status, description, failure)
    if endpoint.takes_body or endpoint.query is not Empty or endpoint.path is not Empty:
        _add(answers, endpoint.invalid_status, "The request does not fit.", refs[InvalidRequest, "serialization"])
    if endpoint.path is not Empty:
        _add(answers, 404, _NO_SUCH_ADDRESS, refs[Detail, "serialization"])
    return {**answers, "default": _content("What went wrong.", _JSON, failure)}


def _add(answers: Json, status: int, description: str, schema: Json) -> None:
    """One more answer with ``status``; one that is described already stays, and its description."""
    content = answers.setdefault(str(int(status)), {"description": description, "content": {}})["content"]
    described = content.setdefault(_JSON, {"schema": schema})["schema"]
    known = described.get("anyOf", [described])
    if schema not in known:
        content[_JSON] = {"schema": {"anyOf": [*known, schema]}}


def _success(endpoint: Endpoint, refs: Refs) -> Json:
    if endpoint.status == HTTPStatus.NO_CONTENT:
        return {"description": "Done; there is nothing to answer."}
    if 300 <= endpoint.status < 400:
        return {"description": "Where it is now."}
    schema = refs[endpoint.response, "serialization"]
    return {
        "description": "The answer.",
        "content": {kind: {"schema": schema} for kind in endpoint.produces.split(", ")},
    }


def _body(endpoint: Endpoint, refs: Refs) -> Json:
    fields = refs[endpoint.body, "validation"]
    if upload := endpoint.upload:
        file: Json = {"type": "string", "format": "binary"}
        files = file if upload.max_files == 1 else {"type": "array", "items": file, "maxItems": upload.max_files}
        part = {"type": "object", "properties": {upload.field: files}, "required": [upload.field]}
        return {BodyFormat.MULTIPART.value: {"schema": part if endpoint.body is Empty else {"allOf": [fields, part]}}}
    if endpoint.body_format is BodyFormat.JSON:
        return {_JSON: {"schema": fields}}
    return {kind.value: {"schema": fields} for kind in (BodyFormat.FORM, BodyFormat.MULTIPART)}


def _needs_body(endpoint: Endpoint) -> bool:
    fields = endpoint.body.model_fields.values()
    return endpoint.upload is not None or any(field.is_required() for field in fields)


def _redirection(endpoint: Endpoint, path: str, refs: Refs, components: Json) -> Json:
    operation: Json = {
        "operationId": _operation_id(endpoint.method, path),
        "summary": f"Moved to {endpoint.paths[0]}",
        "tags": [_tag(path)],
        "responses": {"307": {"description": f"Moved to {endpoint.paths[0]}"}},
    }
    parameters = _parameters("path", endpoint.path, refs, components)
    if not parameters:
        return operation
    operation["responses"]["404"] = _content(_NO_SUCH_ADDRESS, _JSON, refs[Detail, "serialization"])
    return {**operation, "parameters": parameters}


_PAGE_ANSWER: Json = {"200": {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}}


def _page(page: Page) -> Json:
    operation: Json = {
        "operationId": _operation_id("GET", page.path),
        "summary": page.summary,
        "tags": ["pages"],
        "responses": {"303": {"description": "Where it is now."}} if page.leads_to else _PAGE_ANSWER,
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", page.path)
    ]
    if not parameters:
        return operation
    unknown = _content(_NO_SUCH_ADDRESS, _JSON, {"$ref": _REF.format(model=Detail.__name__)})
    return {**operation, "parameters": parameters, "responses": {**operation["responses"], "404": unknown}}


def _all_parameters(endpoint: Endpoint, refs: Refs, components: Json) -> list[Json]:
    path = _parameters("path", endpoint.path, refs, components)
    return path + _parameters("query", endpoint.query, refs, components)


def _parameters(place: str, model: type[BaseModel], refs: Refs, components: Json) -> list[Json]:
    schema = components[refs[model, "validation"]["$ref"].rsplit("/", 1)[1]]
    required = schema.get("required", ())
    return [
        {"name": name, "in": place, "required": place == "path" or name in required, "schema": field}
        for name, field in schema.get("properties", {}).items()
    ]


def _plain(path: str) -> str:
    """A path without the converters of its parameters."""
    return re.sub(r"{(\w+):\w+}", r"{\1}", path)


def _content(description: str, kind: str, schema: Json) -> Json:
    return {"description": description, "content": {kind: {"schema": schema}}}


def _operation_id(method: str, path: str) -> str:
    words = re.sub(r"\W+", "_", path).strip("_") or "index"
    return f"{method.lower()}_{words}" + ("_slash" if path.endswith("/") and len(path) > 1 else "")


def _tag(path: str) -> str:
    parts = path.strip("/").split("/")
    return parts[1] if parts[0] == "api" and len(parts) > 1 else "application"
