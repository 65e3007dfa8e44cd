"""What was said to one character is nowhere to be had from another."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx2

from neko.application import Neko
from neko.memory import facts
from neko.types.lines import NewLine
from neko.types.memory import USER
from neko.web.calls import ENDPOINTS

START = datetime(2026, 3, 1, 12, 0)
SECRET = "Reykjavik"
ASKED = "live"
QUERY = f"q={ASKED}&date=2026-03-01&ids=1&ids=2&form=json"


def reads(character: str) -> list[str]:
    """Every call that reads something of this character, with the query that would find it."""
    paths = [path for endpoint in ENDPOINTS if endpoint.method == "GET" for path in endpoint.paths]
    of_one = [path for path in paths if "{character}" in path or ("/memory/" in path and "{name}" in path)]
    whole = [
        path.replace("{character}", character).replace("{name}", character).replace("{query:path}", ASKED)
        for path in of_one
    ]
    return [f"{path}?{QUERY}" for path in whole if "{" not in path]


async def test_no_call_for_one_character_answers_with_what_another_was_told(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    mio = neko.characters.current
    await neko.characters.create("Rin", {})
    for number in range(14):
        text = f"I live in {SECRET}" if number == 0 else f"line {number}"
        at = START + timedelta(minutes=number)
        await neko.memory.store(mio, NewLine("s", f"t{number}", "user", text, at))
        await neko.memory.store("Rin", NewLine("s", f"t{number}", "user", f"other {number}", at))
    await neko.memory.compress(mio, None)
    log = (await neko.memory._opened(mio)).log
    fact = facts.NewFact(USER, "home", SECRET, START, (1,))
    await log.transaction(lambda connection: facts.record(connection, [fact], START, 1))
    told = {path: (await client.get(path)).text for path in reads(mio)}
    assert sum(SECRET in text for text in told.values()) >= 6, "it is there to be found"
    for path in reads("Rin"):
        assert SECRET not in (await client.get(path)).text, path
    assert await neko.memory.recall("Rin", f"Who lives in {SECRET}?") == []
    assert await neko.memory.find("Rin", SECRET) == []
