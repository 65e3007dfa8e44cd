"""Talk from elsewhere: into a memory, found again by its own ids, forgotten in every layer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.app.earlier_talk import character_of, roles_of
from neko.application import Neko
from neko.types.lines import NewLine
from neko.types.memory import InChats, RecentEntry

START = datetime(2023, 5, 8, 13, 56)


def turn(number: int, speaker: str, text: str, **values: Any) -> dict[str, Any]:
    at = START + timedelta(seconds=30 * number)
    return {
        "conversation": "conv-26",
        "id": f"D1:{number}",
        "session": "s1",
        "ts": at.isoformat(),
        "speaker": speaker,
        "text": text,
    } | values


TALK = [
    turn(1, "Caroline", "Hey Mel! Good to see you!"),
    turn(2, "Melanie", "I adopted a puppy called Biscuit last week."),
    turn(3, "Caroline", "I went to a pottery workshop in Bergen."),
    turn(4, "Melanie", "How lovely, I never tried pottery."),
]


async def post(client: httpx2.AsyncClient, call: str, **body: Any) -> Any:
    answer = await client.post(f"/api/memory/{call}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_lines_from_elsewhere_are_found_by_the_ids_that_they_came_with(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    kept = await post(client, "turns", turns=TALK)
    assert (kept["stored"], kept["known"], kept["characters"]) == (4, 0, {"conv-26": "conv-26"})
    assert "conv-26" in neko.characters.names
    asked = {"conversation": "conv-26", "query": "Who has a puppy?", "now": "2 pm on 8 May, 2023"}
    found = await post(client, "search", **asked, k=3)
    assert found["ids"][0] == "D1:2"
    best = found["results"][0]
    assert (best["speaker"], best["session"], best["text"]) == ("Melanie", "s1", TALK[1]["text"])
    assert datetime.fromisoformat(best["ts"]).replace(tzinfo=None) == START + timedelta(seconds=60)


async def test_facts_that_bear_on_a_question_come_beside_the_lines_and_change_nothing_of_them(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    said = [turn(5, "Caroline", "I live in Bergen."), turn(6, "Caroline", "I love pottery."), *TALK]
    await post(client, "turns", turns=[one | {"role": "user"} for one in said])
    question = {"conversation": "conv-26", "query": "Where is her home, in Bergen?"}
    before = await post(client, "search", **question)
    assert before["facts"] == []
    await neko.memory.learn("conv-26", None)
    after = await post(client, "search", **question)
    assert (after["ids"], after["results"]) == (before["ids"], before["results"])
    (fact,) = after["facts"]
    assert (fact["attribute"], fact["value"], fact["ids"], fact["until"]) == ("home", "Bergen", ["D1:5"], None)


async def test_one_line_comes_without_a_list_and_the_same_one_again_changes_nothing(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    assert (await post(client, "turns", **TALK[0]))["stored"] == 1
    again = await post(client, "turns", turns=TALK)
    assert (again["stored"], again["known"]) == (3, 1)
    lines = await neko.memory.lines("conv-26", chat=InChats.ALL)
    assert [(line.client_id, line.speaker, line.text) for line in lines] == [
        (one["id"], one["speaker"], one["text"]) for one in TALK
    ]


async def test_a_line_that_cannot_be_kept_keeps_out_all_of_its_call(client: httpx2.AsyncClient, neko: Neko) -> None:
    bad = turn(5, "Caroline", "and so on", ts="yesterday")
    answer = await client.post("/api/memory/turns", json={"turns": [*TALK, bad]})
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["body", "turns", 4, "ts"]
    assert "8 May, 2023" in problem["msg"], "which forms are taken"
    assert "conv-26" not in neko.characters.names


async def test_other_words_under_a_known_id_are_refused_line_by_line_and_the_old_ones_stay(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    await post(client, "turns", turns=TALK)
    changed = turn(2, "Melanie", "I adopted a kitten called Biscuit last week.")
    kept = await post(client, "turns", turns=[TALK[0], changed, turn(5, "Caroline", "So do I.")])
    assert (kept["stored"], kept["known"]) == (1, 1)
    (refused,) = kept["refused"]
    assert (refused["ids"], refused["code"]) == (["D1:2"], "id_taken")
    assert "stay" in refused["error"]
    assert TALK[1]["text"] in [line.text for line in await neko.memory.lines("conv-26", chat=InChats.ALL)]


async def test_of_several_conversations_each_stands_for_itself_and_the_answer_tells_which_was_refused(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    bad = [turn(number, "user", "hello", conversation="   ") for number in (1, 2)]
    kept = await post(client, "turns", turns=[bad[0], *TALK, bad[1]])
    assert (kept["stored"], kept["characters"]) == (4, {"conv-26": "conv-26"})
    (refused,) = kept["refused"]
    assert (refused["conversation"], refused["ids"]) == ("   ", ["D1:1", "D1:2"])
    assert refused["code"] == "character_empty"
    assert refused["error"]


async def test_whoever_counts_their_lines_and_talks_may_send_numbers(client: httpx2.AsyncClient) -> None:
    line = {"conversation": 7, "session": 3, "id": 12, "ts": 1_700_000_000, "speaker": "Ann", "text": "a red kite"}
    assert (await post(client, "turns", turns=[line]))["stored"] == 1
    assert (await post(client, "turns", turns=[{**line, "id": "12"}]))["known"] == 1, "the same line in other words"
    found = await post(client, "search", conversation=7, query="kite", k=5000)
    assert found["ids"] == ["12"]
    await post(client, "forget", conversation=7, ids=[12])
    assert (await post(client, "search", conversation="7", query="kite"))["ids"] == []


async def test_a_line_of_which_nothing_is_seen_is_not_stored_and_that_is_told(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    seen = ["…", "👍🏽", "?", "\u200bhi"]
    blank = ["", " \n\t", "\u200b\ufeff\u2060", "\u3000\u3164\ufe0f", "\u00a0\u202e"]
    lines = [turn(number, "user", text) for number, text in enumerate([*seen, *blank])]
    kept = await post(client, "turns", turns=lines)
    assert (kept["stored"], kept["known"]) == (4, 0)
    (refused,) = kept["refused"]
    assert (refused["ids"], refused["code"]) == ([f"D1:{at}" for at in range(4, 9)], "blank_line")
    assert [line.text for line in await neko.memory.lines("conv-26", chat=InChats.ALL)] == seen
    only = await client.post("/api/memory/turns", json=turn(1, "user", "\u200b", conversation="nothing said"))
    assert (only.status_code, only.json()["code"]) == (400, "blank_line")
    assert "nothing said" not in neko.characters.names


async def test_the_reason_names_words_as_they_were_written_in_the_language_of_the_reader(
    client: httpx2.AsyncClient,
) -> None:
    said = ["My puppies were running", "我最喜欢的电影是千与千寻", "우리 고양이는 자요"]
    await post(client, "turns", turns=[turn(number, "user", text) for number, text in enumerate(said)])

    async def reason(query: str, language: str) -> str:
        body = {"conversation": "conv-26", "query": query, "k": 1}
        answer = await client.post("/api/memory/search", json=body, headers={"accept-language": language})
        return str(answer.json()["results"][0]["reason"])

    assert await reason("What did the puppy run after?", "en") == "mentions puppies, running"
    assert await reason("喜欢什么电影？", "zh-CN") == "提到了喜欢, 电影"
    assert await reason("고양이는 뭐 해?", "ko") == "고양이는 이야기가 나와요"


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("so happy 😀", "😀"),
        ("🐈", "🐈"),
        ("we won 🇳🇴", "🇳🇴"),
        ("👍🏽", "👍"),
        ("👍", "👍🏿"),
        ("us: 👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"),
        ("us: 👨‍👩‍👧‍👦", "👧"),
        ("I ❤️ you", "❤"),
        ("🏴󠁧󠁢󠁳󠁣󠁴󠁿 forever", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"),
    ],
)
async def test_an_emoji_is_found(client: httpx2.AsyncClient, text: str, query: str) -> None:
    others = ["so happy", "🇩🇪", "🐕", "👩", "🏴", "and so on"]
    said = [turn(number, "user", one) for number, one in enumerate([text, *others])]
    await post(client, "turns", turns=said)
    assert (await post(client, "search", conversation="conv-26", query=query, k=1))["ids"] == ["D1:0"]


async def test_a_word_at_the_end_of_a_long_line_is_found(client: httpx2.AsyncClient) -> None:
    filler = " ".join(f"word{number}" for number in range(15_000))[:150_000]
    await post(client, "turns", turns=[turn(1, "user", f"{filler} heliotrope"), turn(2, "user", "and so on")])
    assert (await post(client, "search", conversation="conv-26", query="heliotrope"))["ids"][0] == "D1:1"


async def test_a_long_history_leaves_only_its_end_in_the_recent_window(client: httpx2.AsyncClient, neko: Neko) -> None:
    many = [turn(number, "user" if number % 2 else "assistant", f"line {number}") for number in range(2_000)]
    assert (await post(client, "turns", turns=many))["stored"] == 2_000
    assert [entry.text for entry in await neko.memory.recent("conv-26")] == [f"line {at}" for at in range(1991, 2000)]


async def test_a_conversation_of_any_name_has_a_character(client: httpx2.AsyncClient, neko: Neko) -> None:
    for name in ("weekly-academic_researcher", "locomo/conv-26", "张曼婷" * 5):
        kept = await post(client, "turns", turns=[turn(1, "user", "The key is under the mat", conversation=name)])
        assert kept["characters"][name] in neko.characters.names
        found = await post(client, "search", conversation=name, query="where is the key")
        assert found["ids"] == ["D1:1"]
    assert character_of("weekly-academic_researcher", []) != character_of("weekly-academic_research", [])


def test_a_conversation_whose_name_only_looks_another_way_is_that_of_the_character_who_is_there() -> None:
    assert character_of("Ａnna", ["Anna"]) == "Anna"
    assert character_of("cafe\u0301", ["caf\u00e9"]) == "caf\u00e9"
    assert character_of("\u3000Anna ", ["Ａnna"]) == "Ａnna"
    assert character_of("ｌocomo/26", []) == character_of("locomo/26", [])
    for name in ("Anna", "Ａnna"):
        assert character_of(name, ["Anna", "Ａnna"]) == name


async def test_names_that_make_the_same_file_are_different_conversations(client: httpx2.AsyncClient) -> None:
    names, whose = ("Anna", "anna", "caf\u00e9"), []
    for _ in range(2):
        said = [turn(1, "user", name.upper(), conversation=name) for name in names]
        kept = await asyncio.gather(*(post(client, "turns", turns=[one]) for one in said))
        whose.append([one["characters"][name] for one, name in zip(kept, names, strict=True)])
    assert len(set(whose[0])) == 3
    assert whose[0] == whose[1]
    found = await post(client, "search", conversation="anna", query="anna")
    assert [result["text"] for result in found["results"]] == ["ANNA"]


async def test_what_is_forgotten_and_still_kept_elsewhere_on_purpose_is_told(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    await post(client, "turns", turns=TALK)
    await post(client, "turns", turns=[one | {"conversation": "other"} for one in TALK[:1]])
    await neko.config.change({"note": "A pottery workshop is in Bergen."})
    gone = await post(client, "forget", conversation="conv-26", text="pottery Bergen")
    assert (gone["ids"], gone["kept"]) == (["D1:3"], ["config/core_config.json"])
    gone = await post(client, "forget", conversation="conv-26", ids=["D1:1"])
    assert [Path(one).name for one in gone["kept"]]
    assert all("other" in one for one in gone["kept"])
    gone = await post(client, "forget", conversation="conv-26", ids=["D1:2"])
    assert (gone["kept"], gone["all_looked_through"]) == ([], True)


async def test_what_is_forgotten_is_gone_from_every_layer(client: httpx2.AsyncClient, neko: Neko) -> None:
    await post(client, "turns", turns=TALK)
    gone = await post(client, "forget", conversation="conv-26", ids=["D1:3", "unknown"])
    assert gone["ids"] == ["D1:3"]
    assert gone["layers"] == {"recent": 1, "original": 1, "compressed": 0, "semantic": 1}
    found = await post(client, "search", conversation="conv-26", query="pottery workshop in Bergen")
    assert "D1:3" not in found["ids"]
    gone = await post(client, "forget", conversation="conv-26", text="puppy Biscuit")
    assert gone["ids"] == ["D1:2"]
    assert [line.client_id for line in await neko.memory.lines("conv-26")] == ["D1:1", "D1:4"]


async def test_words_are_forgotten_in_all_lines_that_hold_them_however_many(client: httpx2.AsyncClient) -> None:
    many = [turn(number, "Melanie", f"my quagga, number {number}") for number in range(1_200)]
    await post(client, "turns", turns=many)
    gone = await post(client, "forget", conversation="conv-26", text="QUAGGA")
    assert len(gone["ids"]) == gone["layers"]["original"] == 1_200


NOTHING_SEEN = ["\u0301", "\u00ad", "\u00b4", "\u200b \ufe0f"]
MORE_WORDS = "a b c d e f g h i j k l m n o p q r s t"


@pytest.mark.parametrize("text", [*NOTHING_SEEN, f"{MORE_WORDS} zebra"])
async def test_a_line_that_holds_not_all_of_the_words_stays(client: httpx2.AsyncClient, text: str) -> None:
    await post(client, "turns", turns=[*TALK, turn(5, "Caroline", f"The alphabet: {MORE_WORDS}.")])
    gone = await post(client, "forget", conversation="conv-26", text=text)
    assert (gone["ids"], gone["layers"]["original"]) == ([], 0)


async def test_a_word_is_not_forgotten_in_longer_ones(client: httpx2.AsyncClient, neko: Neko) -> None:
    innocent = ["We went on vacation", "Higher education is dear", "My annual plan", "A naïve café"]
    innocent.append("x" * 19_996 + " catalogue")  # of which the index has all up to "cat"
    said = [*innocent, "My cat's ill", "Ann", "我养了一只Cat。"]
    await post(client, "turns", turns=[turn(number, "Anna", text) for number, text in enumerate(said)])
    book = await neko.memory.fact_book("conv-26")
    await book.add("user", "holiday", "a vacation", START)
    for text in ("cat", "Ann", "C"):
        await post(client, "forget", conversation="conv-26", text=text)
    assert [line.text for line in await neko.memory.lines("conv-26")] == innocent
    assert {*innocent} & {entry.text for entry in await neko.memory.recent("conv-26")}
    assert [fact.value for fact in await book.facts()] == ["a vacation"]


async def test_an_id_means_one_line_whoever_gave_it(client: httpx2.AsyncClient, neko: Neko) -> None:
    await post(client, "turns", **turn(1, "Anna", "A quagga of mine", id="zz"))
    here = [NewLine("s", "t", "user", text, START) for text in ("A quagga said here", "A quagga said after it")]
    stored = [(await neko.memory.store("conv-26", line)).line.id for line in here]
    assert stored == [2, 3]
    await post(client, "turns", **turn(2, "Anna", "A quagga of yours", id="2"))
    found = await post(client, "search", conversation="conv-26", query="quagga")
    assert {result["id"]: result["text"] for result in found["results"]} == {
        "zz": "A quagga of mine",
        "2": "A quagga of yours",
        "line:2": "A quagga said here",
        "3": "A quagga said after it",
    }
    for one in ("line:2", "2", "3"):
        assert (await post(client, "forget", conversation="conv-26", ids=[one]))["ids"] == [one]
    assert [line.client_id for line in await neko.memory.lines("conv-26")] == ["zz"]


async def test_a_word_at_the_end_of_a_long_line_or_in_an_earlier_version_of_a_reply_is_forgotten(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    await post(client, "turns", turns=[*TALK, turn(5, "Caroline", "many words " * 2_000 + "and a quagga")])
    reply = NewLine("s", "t", "assistant", "You mean the quagga.", START)
    first = await neko.memory.store("conv-26", reply)
    await neko.memory.store("conv-26", replace(reply, text="You mean that one.", replaces=first.line.id))
    gone = await post(client, "forget", conversation="conv-26", text="quagga")
    assert gone["ids"] == ["D1:5", str(first.line.id)]
    assert files_with(neko, b"quagga") == []


async def test_words_that_no_line_holds_are_forgotten_in_memo_window_facts_and_titles(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    memory, about = neko.memory, "She keeps a quagga."
    await post(client, "turns", turns=TALK)
    await memory.rewrite_recent("conv-26", [RecentEntry("system", about), RecentEntry("user", about)])
    book = await memory.fact_book("conv-26")
    await book.add("user", "pet", "a quagga", START)
    await book.add("user", "home", "Bergen", START)
    await memory.rename_chat("conv-26", await memory.open_chat("conv-26"), "The quagga")
    assert (await post(client, "forget", conversation="conv-26", text="quagga"))["layers"]["recent"] == 2
    assert await memory.recent("conv-26") == []
    assert [fact.value for fact in await book.facts()] == ["Bergen"]
    assert files_with(neko, b"quagga") == []


def files_with(neko: Neko, words: bytes) -> list[Path]:
    """Files of the memory that hold the words."""
    files = [path for path in neko.folder.memory.rglob("*") if path.is_file()]
    return [path for path in files if words in path.read_bytes()]


@pytest.mark.parametrize(
    ("call", "body", "status"),
    [
        ("search", {"conversation": "nobody", "query": "x"}, 404),
        ("forget", {"conversation": "nobody", "ids": ["1"]}, 404),
        ("forget", {"conversation": "nobody"}, 422),
        ("turns", {"turns": []}, 422),
        ("turns", turn(1, "user", "x", conversation="   "), 400),
    ],
)
async def test_what_cannot_be_is_said_in_a_sentence(
    client: httpx2.AsyncClient, call: str, body: dict[str, Any], status: int
) -> None:
    answer = await client.post(f"/api/memory/{call}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


# ── who is the companion ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("speakers", "conversation", "before", "roles"),
    [
        (["user", "assistant"], "c", {}, ["user", "assistant"]),
        (["张曼婷", "AI伴侣"], "张曼婷", {}, ["user", "assistant"]),
        (["Caroline", "Melanie"], "conv-26", {}, ["user", "user"]),
        (["Sam", "Mio"], "Mio", {}, ["user", "assistant"]),
        (["Anna", "Mio"], "talk", {}, ["user", "assistant"]),
        (["Mio"], "talk", {"Anna": "user", "Mio": "assistant"}, ["assistant"]),
        (["张曼婷"], "张曼婷", {}, ["user"]),
        (["system", "Anna"], "talk", {}, ["system", "user"]),
    ],
)
def test_the_companion_is_whoever_is_called_so(
    speakers: list[str], conversation: str, before: dict[str, Any], roles: list[str]
) -> None:
    found = roles_of(speakers, conversation, "Anna", before)
    assert [found[name] for name in speakers] == roles


async def test_how_many_lines_are_found_by_their_meaning_is_told(client: httpx2.AsyncClient, neko: Neko) -> None:
    name = neko.characters.current
    assert (await client.get(f"/api/memory/{name}/meaning")).json()["state"] == "off"
    assert (await client.get("/api/memory/Nobody/meaning")).status_code == 404


async def test_what_is_asked_during_a_rename_waits_for_it_and_is_answered(client: httpx2.AsyncClient) -> None:
    await post(client, "turns", turns=TALK)
    names = ["conv-26", "Lilac", "Fern"]
    asked: list[tuple[str, httpx2.Response]] = []

    async def ask(call: str, **body: Any) -> None:
        while not ended.is_set():
            name = names[0]
            asked.append((name, await client.post(f"/api/memory/{call}", json={"conversation": name} | body)))

    ended = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(ask("search", query="Who has a puppy?", k=1))
        group.create_task(ask("forget", text="nobody ever said this"))
        for _ in range(6):
            old, new = names[0], names[1]
            answer = await client.post(f"/api/characters/catgirl/{old}/rename", json={"new_name": new})
            assert answer.status_code == 200, answer.text
            names.append(names.pop(0))
            await post(client, "search", conversation=new, query="Who has a puppy?", k=1)
        ended.set()
    answers = {answer.status_code for _, answer in asked}
    assert answers <= {200, 404}, [answer.text for _, answer in asked if answer.status_code not in (200, 404)][:3]
    assert {tuple(answer.json()["ids"]) for _, answer in asked if answer.status_code == 200} == {("D1:2",), ()}
    found = await post(client, "search", conversation=names[0], query="Who has a puppy?", k=1)
    assert found["ids"] == ["D1:2"]
