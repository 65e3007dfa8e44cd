"""Whatever is sent to whatever operation: the answer is one that ``/openapi.json`` describes, and no crash."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any, Final

import httpx2
import pytest

from tests.web.any_request import operations_of

LEFT_OUT: Final = {
    "/api/beacon/shutdown": "ends the program",
    "/memory/shutdown": "ends the program",
    "/api/live2d/open_model_directory/{model}": "opens a window of the desktop",
    "/agent/computer_use/run": "drives the screen",
    "/agent/browser_use/run": "drives a browser",
    "/api/mcp/servers/{name}": "starts a program by its command",
    "/api/mcp/import": "starts a program by its command",
    "/api/steam/workshop/config": "makes folders anywhere",
}
"""Paths that are not sent anything, and why."""

EXAMPLES: Final = 40
"""Requests to each operation in the slow proof: more than 10 000 in all."""


@pytest.fixture
def launched_with() -> dict[str, Any]:
    return {"environ": {"NEKO_LOCAL_ONLY": "1"}}


@pytest.mark.parametrize("examples", [pytest.param(1, id="one each"), pytest.param(EXAMPLES, marks=pytest.mark.long)])
async def test_every_answer_to_any_request_is_described(client: httpx2.AsyncClient, examples: int) -> None:
    document = (await client.get("/openapi.json")).json()
    operations = [one for one in operations_of(document) if one.path not in LEFT_OUT]
    found: Counter[str] = Counter()
    for seed in range(examples):
        random = Random(seed)
        for operation in random.sample(operations, len(operations)):
            request = operation.request(client, random)
            try:
                problem = operation.undescribed(await client.send(request))
            except httpx2.TransportError as error:
                problem = f"{type(error).__name__} for {request.url} {request.content[:200]!r}"
            if problem:
                found[f"{operation.method} {operation.path}: {problem}"] += 1
    assert not found, "\n".join(f"{times}x {problem}" for problem, times in found.most_common())
