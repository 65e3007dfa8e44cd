"""Whatever is sent to whatever operation: the answer is one that ``/openapi.json`` describes, and no crash.

Requests are made by schemathesis from the description alone; ``any_request.toml`` says what is left out and why.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

CONFIGURATION: Final = Path(__file__).with_name("any_request.toml")
SCHEMATHESIS: Final = (sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION), "run")
ONE_EACH: Final = ("--phases", "fuzzing", "--max-examples", "1", "--seed", "1")
MANY: Final = ("--phases", "examples,coverage,fuzzing", "--max-examples", "40")


@pytest.fixture
def launched_with() -> dict[str, Any]:
    return {"environ": {"NEKO_LOCAL_ONLY": "1", "NEKO_STEAM": "1"}}


@pytest.mark.parametrize(
    ("amount", "at_least"),
    [
        pytest.param(ONE_EACH, 280, id="one each"),
        pytest.param(MANY, 10_000, id="many", marks=pytest.mark.long),
    ],
)
async def test_every_answer_to_any_request_is_described(
    client: httpx2.AsyncClient, amount: tuple[str, ...], at_least: int, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *SCHEMATHESIS,
        str(client.base_url.join("/openapi.json")),
        *amount,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    told, _ = await process.communicate()
    report = told.decode()
    assert process.returncode == 0, report
    sent = re.search(r"(\d+) generated", report)
    assert sent is not None, report
    assert int(sent[1]) >= at_least
