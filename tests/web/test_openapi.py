"""The description of the calls is made from the calls."""

from __future__ import annotations

from itertools import chain
from typing import Any

import httpx2
import pytest
from starlette.routing import Route

from neko.application import Neko
from neko.web.app import LateRoutes
from neko.web.calls import ENDPOINTS
from neko.web.endpoint import CallRoute

Json = dict[str, Any]


@pytest.fixture
async def document(client: httpx2.AsyncClient) -> Json:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    made: Json = answer.json()
    return made


def operations(document: Json) -> dict[tuple[str, str], Json]:
    return {(path, method): one for path, item in document["paths"].items() for method, one in item.items()}


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return here + [found for part in node.values() for found in references(part)]
    return [found for part in node for found in references(part)] if isinstance(node, list) else []


def described_as(path: str) -> str:
    """OpenAPI knows no parameters that hold slashes: they are named like any others."""
    return path.replace(":path}", "}")


def test_every_route_with_a_method_is_described_and_nothing_else(document: Json, neko: Neko) -> None:
    routes = chain.from_iterable(one.make() if isinstance(one, LateRoutes) else [one] for one in neko.asgi.routes)
    served = {
        (described_as(route.path), method.lower())
        for route in routes
        if isinstance(route, Route | CallRoute)
        and route.path != "/openapi.json"
        and not route.path.startswith("/static/")
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert operations(document).keys() == served


def test_the_document_has_the_structure_of_openapi_3_1(document: Json) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["info"].keys() >= {"title", "version"}
    ids = [one["operationId"] for one in operations(document).values()]
    assert len(ids) == len(set(ids))
    for (path, _), one in operations(document).items():
        assert one["summary"]
        assert any(status.isdecimal() for status in one["responses"])
        for status, answer in one["responses"].items():
            assert answer["description"]
            assert status.startswith("3") or answer["content"]
        in_path = {parameter["name"] for parameter in one.get("parameters", ()) if parameter["in"] == "path"}
        assert in_path == {part[1:-1] for part in path.split("/") if part.startswith("{")}
        assert all(parameter["required"] for parameter in one.get("parameters", ()) if parameter["in"] == "path")


def test_every_reference_leads_somewhere(document: Json) -> None:
    found = references(document)
    assert found
    assert {one.removeprefix("#/components/schemas/") for one in found} <= document["components"]["schemas"].keys()


def test_bodies_queries_and_paths_are_described_by_their_models(document: Json) -> None:
    described = operations(document)
    for endpoint in ENDPOINTS:
        one = described[described_as(endpoint.paths[0]), endpoint.method.lower()]
        for place, model in (("query", endpoint.query), ("path", endpoint.path)):
            assert {p["name"] for p in one.get("parameters", ()) if p["in"] == place} == set(model.model_fields)
        if endpoint.upload:
            assert endpoint.upload.field in str(one["requestBody"]["content"]["multipart/form-data"]["schema"])
        elif endpoint.takes_body:
            schema = one["requestBody"]["content"]["application/json"]["schema"]
            assert schema["$ref"].endswith(endpoint.body.__name__)
        else:
            assert "requestBody" not in one


def test_a_body_is_needed_where_a_field_of_it_is(document: Json) -> None:
    needed = {path: operation["requestBody"]["required"] for (path, _), operation in operations(document).items()
              if "requestBody" in operation}  # fmt: skip
    assert needed["/api/translate"], "text is needed"
    assert needed["/api/model/vrm/upload"], "a file is needed"
    assert not needed["/api/proactive"], "every field may be left out"


def test_a_body_that_cannot_be_read_is_described_with_the_status_that_it_is_answered_with(document: Json) -> None:
    failing = operations(document)["/api/config/preferences", "post"]["responses"]
    assert "400" not in failing
    assert "#/components/schemas/Failure" in references(failing["200"])
