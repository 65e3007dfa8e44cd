"""What is known of people, changed by hand: set right, pinned, merged, added, forgotten, and all of it undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from neko.memory.fact_book import Changed, FactBook
from neko.memory.service import MemoryService
from neko.types.memory import ChangeKind, Fact
from tests.memory.memory_folder import MIO, MemoryFolder, say

MAY, JULY = datetime(2026, 5, 10, 12, 0), datetime(2026, 7, 10, 12, 0)


@pytest.fixture
async def memory(memory_folder: MemoryFolder) -> MemoryService:
    return await memory_folder.open()


async def book_of(memory: MemoryService, *said: str) -> tuple[FactBook, list[Fact], list[int]]:
    """What the rules learn of lines, a day in May each."""
    lines = [await say(memory, text, at=MAY) for text in said]
    await memory.learn(MIO, None)
    book = await memory.fact_book(MIO)
    return book, await book.facts(), lines


async def values(memory: MemoryService, at: datetime | None = None) -> list[tuple[str, str]]:
    return [(fact.attribute, fact.value) for fact in await memory.facts(MIO, at=at)]


async def test_a_fact_that_is_set_right_keeps_its_lines_and_goes_with_them(memory: MemoryService) -> None:
    book, (fact,), (line,) = await book_of(memory, "I live in Oslo")
    changed = await book.edit(replace(fact, value="Bergen", valid_from=JULY))
    assert changed
    assert changed.fact == replace(fact, value="Bergen", valid_from=JULY)
    assert await values(memory) == [("home", "Bergen")]
    await memory.delete(MIO, [line])
    assert await values(memory) == []


async def test_a_fact_that_ended_is_still_known_of_its_time(memory: MemoryService) -> None:
    book, (fact,), _ = await book_of(memory, "I love skating")
    await book.edit(replace(fact, valid_to=JULY))
    assert await values(memory) == []
    assert await values(memory, datetime(2026, 6, 1)) == [("likes", "skating")]


async def test_nothing_that_is_learnt_closes_a_pinned_fact(memory: MemoryService) -> None:
    book, (oslo,), _ = await book_of(memory, "I live in Oslo")
    await book.pin(oslo.id, on=True)
    for place in ("Bergen", "Rome"):
        await say(memory, f"We moved to {place}", at=JULY)
    await memory.learn(MIO, None)
    assert await values(memory) == [("home", "Oslo"), ("home", "Rome")]
    await book.pin(oslo.id, on=False)
    await say(memory, "We moved to Paris", at=datetime(2026, 8, 1))
    await memory.learn(MIO, None)
    assert await values(memory) == [("home", "Paris")]


async def test_merged_facts_rest_on_the_lines_of_both(memory: MemoryService) -> None:
    book, (first, second), lines = await book_of(memory, "My cat Nori is grey.", "I have a cat called Nori.")
    await book.pin(second.id, on=True)
    merged = await book.merge(first.id, [second.id])
    assert merged
    assert merged.fact
    assert (merged.fact.value, merged.fact.sources, merged.fact.pinned) == (first.value, tuple(lines), True)
    assert await memory.facts(MIO) == [merged.fact]
    await memory.delete(MIO, lines[:1])
    assert [fact.sources for fact in await memory.facts(MIO)] == [(lines[1],)]


async def test_what_was_written_by_hand_rests_on_no_line(memory: MemoryService) -> None:
    book, _, (line,) = await book_of(memory, "I live in Oslo")
    added = await book.add("user", "home", "Bergen", JULY)
    assert added.fact
    assert added.fact.by_hand
    assert added.fact.sources == ()
    assert await values(memory) == [("home", "Bergen")]
    assert await values(memory, MAY) == [("home", "Oslo")]
    await memory.delete(MIO, [line])
    assert await values(memory) == [("home", "Bergen")]


async def test_what_is_said_and_written_by_hand_stays_when_the_line_goes(memory: MemoryService) -> None:
    book, (fact,), (line,) = await book_of(memory, "I live in Oslo")
    added = await book.add("user", "home", "oslo", JULY)
    assert added.fact
    assert (added.fact.id, added.fact.by_hand, added.fact.sources) == (fact.id, True, (line,))
    await memory.delete(MIO, [line])
    assert await values(memory) == [("home", "Oslo")]


async def test_a_forgotten_fact_opens_what_it_had_closed_and_is_in_no_file(
    memory: MemoryService, memory_folder: MemoryFolder
) -> None:
    book, _, _ = await book_of(memory, "I live in Oslo")
    secret = await book.add("user", "home", "Xanthopolis", JULY)
    assert secret.fact
    await book.forget([secret.fact.id])
    assert await values(memory) == [("home", "Oslo")]
    await memory.rid_of_deleted(MIO)
    assert not [path for path in memory_folder.folder.rglob("*") if path.is_file() and b"Xanth" in path.read_bytes()]


Operation = Callable[[FactBook, list[Fact]], Awaitable[Changed | None]]


@pytest.mark.parametrize(
    "operation",
    [
        lambda book, facts: book.edit(replace(facts[0], value="Rome", attribute="job")),
        lambda book, facts: book.pin(facts[0].id, on=True),
        lambda book, facts: book.merge(facts[0].id, [facts[1].id]),
        lambda book, facts: book.merge(facts[1].id, [facts[0].id]),
        lambda book, facts: book.add("user", "home", "Rome", JULY),
        lambda book, facts: book.add("user", "home", "Bergen", JULY),
        lambda book, facts: book.add("user", "dislikes", "tea", JULY),
        lambda book, facts: book.forget([facts[0].id, facts[1].id]),
    ],
)
async def test_every_change_can_be_undone(memory: MemoryService, operation: Operation) -> None:
    book, facts, _ = await book_of(memory, "I live in Oslo", "We moved to Bergen", "I love tea")
    before = await book.history()
    changed = await operation(book, facts)
    assert changed
    assert await book.history() != before
    assert await book.undo(changed.change)
    assert await book.history() == before
    assert not await book.undo(changed.change)


async def test_an_undo_brings_back_nothing_of_a_line_that_was_forgotten_meanwhile(memory: MemoryService) -> None:
    book, (fact,), (line,) = await book_of(memory, "I live in Oslo")
    changed = await book.forget([fact.id])
    await memory.delete(MIO, [line])
    assert changed
    assert await book.undo(changed.change)
    assert await book.history() == []


async def test_what_is_not_there_cannot_be_changed(memory: MemoryService) -> None:
    book, (fact,), _ = await book_of(memory, "I live in Oslo")
    assert await book.edit(replace(fact, id=99)) is None
    assert await book.pin(99, on=True) is None
    assert await book.merge(fact.id, [99]) is None
    assert await book.forget([99]) is None
    assert await memory.changes(MIO) == []


async def test_the_history_of_changes_tells_what_was_done_without_the_words(memory: MemoryService) -> None:
    book, (fact,), _ = await book_of(memory, "I live in Oslo")
    await book.pin(fact.id, on=True)
    changed = await book.forget([fact.id])
    assert changed
    await book.undo(changed.change)
    kinds = [change.kind for change in await memory.changes(MIO)]
    assert kinds == [ChangeKind.FACT_RESTORED, ChangeKind.FACT_FORGOTTEN, ChangeKind.FACT_PINNED]


async def test_facts_are_found_by_value_name_and_attribute_in_any_language(memory: MemoryService) -> None:
    book, _, _ = await book_of(memory, "I live in Oslo", "We moved to Bergen", "I love tea")
    assert [fact.value for fact in await book.find("ÓSLO")] == ["Oslo"]
    assert [fact.value for fact in await book.find("住まい")] == ["Oslo", "Bergen"]
    assert [fact.value for fact in await book.find("likes tea")] == ["tea"]
    assert await book.find("likes Oslo") == []


# ── with the lines ────────────────────────────────────────────────────────────


async def test_facts_come_back_with_the_lines_that_were_forgotten(memory: MemoryService) -> None:
    book, _, lines = await book_of(memory, "I live in Oslo", "We moved to Bergen", "I love tea")
    before = await book.history()
    await memory.delete(MIO, lines[1:], may_be_undone=True)
    assert await values(memory) == [("home", "Oslo")]
    await memory.restore(MIO)
    assert await book.history() == before


async def test_facts_follow_the_words_of_their_line(memory: MemoryService) -> None:
    book, _, (line,) = await book_of(memory, "I live in Oslo")
    before = await book.history()
    await memory.correct(MIO, line, "I live in Bergen. I love tea.")
    assert await values(memory) == [("home", "Bergen"), ("likes", "tea")]
    await memory.correct(MIO, line, "I had lunch")
    assert await values(memory) == []
    await memory.correct(MIO, line, "I live in Oslo")
    assert [replace(fact, id=0, recorded_at=MAY) for fact in await book.history()] == [
        replace(fact, id=0, recorded_at=MAY) for fact in before
    ]


async def test_a_correction_that_is_taken_back_brings_back_what_a_model_had_found(memory: MemoryService) -> None:
    line = await say(memory, "Clara, my sister, builds violins", at=MAY)
    book = await memory.fact_book(MIO)

    async def model(prompt: str) -> str:
        item = f'[{{"subject": "Clara", "attribute": "job", "value": "violins", "lines": [{line}], "since": null}}]'
        return "[0]" if "Proposals" in prompt else item

    await memory.learn(MIO, model)
    before = await book.history()
    await memory.correct(MIO, line, "Clara is busy")
    assert await book.history() == []
    await memory.correct(MIO, line, "Clara, my sister, builds violins")
    assert await book.history() == before


async def test_words_that_went_while_a_model_looked_at_them_teach_nothing(memory: MemoryService) -> None:
    line = await say(memory, "I live in Oslo", at=MAY)
    asked: list[str] = []

    async def model(prompt: str) -> str:
        asked.append(prompt)
        if len(asked) == 1:
            await memory.correct(MIO, line, "I had lunch")
            return f'[{{"subject": "user", "attribute": "home", "value": "Oslo", "lines": [{line}], "since": null}}]'
        return "[0]" if "Proposals" in prompt else "[]"

    await memory.learn(MIO, model)
    assert await values(memory) == []
    assert "I had lunch" in asked[-1]


# ── in a damaged file ─────────────────────────────────────────────────────────


def spoil(path: Path, words: bytes) -> None:
    """Overwrite every page that holds these words."""
    content = path.read_bytes()
    pages = [content[at : at + 4096] for at in range(0, len(content), 4096)]
    path.write_bytes(b"".join(b"\xff" * 4096 if words in page else page for page in pages))


async def test_facts_of_a_damaged_log_are_kept_as_far_as_they_can_be_read(
    memory: MemoryService, memory_folder: MemoryFolder
) -> None:
    for number in range(60):
        await say(memory, f"filler {number} " + "x" * 200, at=MAY)
    book, (oslo,), _ = await book_of(memory, "I live in Oslo")
    await book.pin(oslo.id, on=True)
    await book.add("Clara", "job", "violins", MAY)
    before = await book.facts()
    await memory.aclose()
    memory_folder.recent.unlink()
    spoil(memory_folder.log, b"filler 20")
    again = await memory_folder.open()
    assert 0 < len(await again.lines(MIO, limit=100)) < 61
    assert memory_folder.reports
    assert await again.facts(MIO) == before


async def test_a_fact_whose_line_is_lost_with_the_damage_is_still_known_and_can_be_forgotten(
    memory: MemoryService, memory_folder: MemoryFolder
) -> None:
    _, (oslo,), _ = await book_of(memory, "I live in Oslo. " + "x" * 3000)
    for number in range(60):
        await say(memory, f"filler {number} " + "x" * 200, at=MAY)
    await memory.aclose()
    memory_folder.recent.unlink()
    spoil(memory_folder.log, b"I live in Oslo")
    again = await memory_folder.open()
    assert "Oslo" not in (await again.lines(MIO, limit=100))[0].text
    assert await again.facts(MIO) == [replace(oslo, sources=())]
    await (await again.fact_book(MIO)).forget([oslo.id])
    assert await again.facts(MIO) == []


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("Where does Tom live?", "Oslo"),
        ("What pets does Tom have?", "a cat"),
        ("What is Tom's job?", "baker"),
        ("Tom住在哪里？", "Oslo"),
        ("Tom的工作是什麼？", "baker"),
        ("Tomはどこに住んでいますか", "Oslo"),
        ("Tom은 어디에 살아요?", "Oslo"),
        ("Tom", "a cat"),
    ],
)
async def test_facts_that_answer_a_question_come_before_others_of_whom_it_is_about(
    memory: MemoryService, question: str, first: str
) -> None:
    book = await memory.fact_book(MIO)
    for attribute, value in (("home", "Oslo"), ("job", "baker"), ("pet", "a cat")):
        await book.add("Tom", attribute, value, MAY)
    found = [fact.value for fact in await book.about(question, 5)]
    assert found[0] == first
    assert sorted(found) == ["Oslo", "a cat", "baker"]


@pytest.mark.parametrize(
    "question", ["Where do I live?", "我住在哪里", "나 어디 살아?", "Do you remember where I live?"]
)
async def test_what_is_asked_of_the_user_is_found_without_a_word_in_common(
    memory: MemoryService, question: str
) -> None:
    book, _, _ = await book_of(memory, "I live in Oslo", "I love kites")
    assert [fact.value for fact in await book.about(question, 5)] == ["Oslo"]
    assert await book.about("Where do you live?", 5) == []
