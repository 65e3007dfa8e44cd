"""Lines are given vectors in the background, and found by them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from neko.embedding_errors import LocalEmbeddingError
from neko.errors import ModelKeyRefusedError, ModelServerError
from neko.memory.service import MemoryService
from neko.types.memory import Because
from tests.memory.memory_folder import MIO, MemoryFolder, new_line, say
from tests.word_embedder import Choice, TokenWordEmbedder, WordEmbedder

SECONDS = 30.0
TALK = ("I am allergic to walnuts.", "I see.", "My sister plays the violin.", "How nice.", "It rains in Oslo.")


async def embedded(memory: MemoryService) -> None:
    async with asyncio.timeout(SECONDS):
        await memory.embedded(MIO)


async def nearest(
    memory: MemoryService, question: str, count: int = 1, *, timeout_s: float = SECONDS
) -> list[int] | None:
    """The lines that are nearest to a question; None where that cannot be said."""
    opened = await memory._opened(MIO)
    near = await opened.meaning.near(question, timeout_s)
    if near is None:
        return None
    return list(await opened.log.recall(lambda connection, _: near.nearest(connection, count, 2**62)))


def vectors(folder: MemoryFolder) -> list[int]:
    return [row[0] for row in folder.sql("SELECT id FROM neko_vectors ORDER BY id")]


async def test_a_line_is_found_by_its_meaning_once_it_was_said(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(embedders=Choice(embedder := WordEmbedder()))
    ids = [await say(memory, text, "assistant" if number % 2 else "user") for number, text in enumerate(TALK)]
    await embedded(memory)
    assert await nearest(memory, "Who plays the violin?") == [ids[2]]
    assert await nearest(memory, "allergic to walnuts") == [ids[0]]
    assert sorted(embedder.texts[:5])[0] == "Anna: I am allergic to walnuts."
    progress = await memory.meaning(MIO)
    assert (progress.state, progress.model, progress.done, progress.total) == ("done", "words", 5, 5)


async def test_a_log_from_before_is_embedded_and_goes_on_where_it_was(memory_folder: MemoryFolder) -> None:
    ids = await memory_folder.talked(*(f"Line {number} of an old talk." for number in range(100)))
    first = WordEmbedder()
    first.holds.add("line")
    memory = await memory_folder.open(embedders=Choice(first))
    await memory.lines(MIO)
    async with asyncio.timeout(SECONDS):
        await first.held.wait()
        first.held.clear()
        first.free.set()
        while len(first.texts) < 32:  # noqa: ASYNC110  # whatever is embedded before the end counts
            await asyncio.sleep(0)
    first.free.clear()
    await memory.aclose()
    kept = vectors(memory_folder)
    second = WordEmbedder()
    memory = await memory_folder.open(embedders=Choice(second))
    await memory.lines(MIO)
    await embedded(memory)
    assert vectors(memory_folder) == ids
    assert len(second.texts) == 100 - len(kept)
    assert await nearest(memory, "Line 37") == [ids[37]]


async def test_lines_that_were_said_elsewhere_are_embedded_too(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(embedders=Choice(WordEmbedder()))
    stored = await memory.store_many(MIO, [new_line(text, client_id=text) for text in TALK])
    await embedded(memory)
    assert vectors(memory_folder) == [one.line.id for one in stored]


async def test_what_is_said_meanwhile_comes_before_old_lines(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked(*(f"Line {number} of an old talk." for number in range(100)))
    embedder = WordEmbedder()
    embedder.holds.add("line")
    memory = await memory_folder.open(embedders=Choice(embedder))
    await memory.lines(MIO)
    async with asyncio.timeout(SECONDS):
        await embedder.held.wait()
    await say(memory, "I moved to Bergen.")
    embedder.free.set()
    await embedded(memory)
    assert embedder.texts.index("Anna: I moved to Bergen.") == 32


async def test_a_vector_goes_with_its_line_and_comes_back_with_it(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(embedders=Choice(WordEmbedder()))
    ids = [await say(memory, text) for text in TALK]
    await embedded(memory)
    await memory.delete(MIO, [ids[2]], may_be_undone=True)
    assert vectors(memory_folder) == [one for one in ids if one != ids[2]]
    assert await nearest(memory, "Who plays the violin?") != [ids[2]]
    await memory.restore(MIO)
    await embedded(memory)
    assert vectors(memory_folder) == ids
    assert await nearest(memory, "Who plays the violin?") == [ids[2]]


async def test_a_corrected_line_is_found_by_its_new_words(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(embedders=Choice(WordEmbedder()))
    ids = [await say(memory, text) for text in TALK]
    await embedded(memory)
    await memory.correct(MIO, ids[0], "I am fond of walnuts.")
    await embedded(memory)
    assert vectors(memory_folder) == ids
    assert await nearest(memory, "fond of walnuts") == [ids[0]]


async def test_of_a_reply_only_the_version_that_counts_has_a_vector(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(embedders=Choice(WordEmbedder()))
    question = await say(memory, "Where shall we go?")
    first = await say(memory, "To the harbour.", "assistant")
    second = (await memory.store(MIO, new_line("To the mountains.", "assistant", replaces=first))).line.id
    await embedded(memory)
    assert vectors(memory_folder) == [question, second]
    chosen = await memory.choose_version(MIO, first)
    assert chosen is not None
    await embedded(memory)
    assert vectors(memory_folder) == [question, chosen.id]
    assert await nearest(memory, "the harbour") == [chosen.id]


async def test_what_another_program_deletes_or_changes_keeps_no_vector(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(embedders=Choice(WordEmbedder()))
    ids = [await say(memory, text) for text in TALK]
    await embedded(memory)
    await memory.aclose()
    memory_folder.sql("DELETE FROM time_indexed_original WHERE id = ?", (ids[0],))
    memory_folder.sql("UPDATE time_indexed_original SET message = '{}' WHERE id = ?", (ids[1],))
    assert vectors(memory_folder) == ids[2:]


async def test_another_model_embeds_all_anew_and_the_one_before_serves_meanwhile(memory_folder: MemoryFolder) -> None:
    old, new = WordEmbedder("old"), WordEmbedder("new", 100)
    choice = Choice(old)
    memory = await memory_folder.open(embedders=choice)
    ids = [await say(memory, text) for text in TALK]
    await embedded(memory)
    new.holds.add("line")
    choice.current, choice.others = new, (old,)
    memory.embedder_changed()
    async with asyncio.timeout(SECONDS):
        await new.held.wait()
    assert await nearest(memory, "Who plays the violin?") == [ids[2]]
    assert old.texts[-1] == "Who plays the violin?"
    new.free.set()
    await embedded(memory)
    assert await nearest(memory, "Who plays the violin?") == [ids[2]]
    assert new.texts[-1] == "Who plays the violin?"
    assert vectors(memory_folder) == ids
    assert memory_folder.sql("SELECT name FROM neko_embedders") == [("new",)]


async def test_a_model_whose_vectors_have_another_length_now_begins_anew(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(embedders=Choice(WordEmbedder()))
    ids = [await say(memory, text) for text in TALK]
    await embedded(memory)
    await memory.aclose()
    memory = await memory_folder.open(embedders=Choice(WordEmbedder(dimensions=128)))
    await memory.lines(MIO)
    await embedded(memory)
    assert await nearest(memory, "Who plays the violin?") is None
    ids.append(await say(memory, "I moved to Bergen."))
    await embedded(memory)
    assert vectors(memory_folder) == ids
    assert await nearest(memory, "Who plays the violin?") == [ids[2]]


async def test_a_failure_that_passes_is_told_and_tried_again(memory_folder: MemoryFolder) -> None:
    embedder = WordEmbedder()
    embedder.failure = ModelServerError("busy", model="words", provider="scripted")
    memory = await memory_folder.open(embedders=Choice(embedder), embedding_pause_s=0.01)
    line = await say(memory, TALK[0])
    await embedded(memory)
    progress = await memory.meaning(MIO)
    assert (progress.state, progress.done, progress.error) == ("waiting", 0, embedder.failure)
    assert await nearest(memory, "the walnuts") is None
    embedder.failure = None
    async with asyncio.timeout(SECONDS):
        while (await memory.meaning(MIO)).state != "done":  # noqa: ASYNC110  # it is tried by itself
            await asyncio.sleep(0.01)
    assert await nearest(memory, "the walnuts") == [line]


async def test_a_failure_that_stays_is_not_tried_again_until_the_embedder_is_another(
    memory_folder: MemoryFolder,
) -> None:
    embedder = WordEmbedder()
    embedder.failure = ModelKeyRefusedError("no", model="words", provider="scripted")
    choice = Choice(embedder)
    memory = await memory_folder.open(embedders=choice, embedding_pause_s=0.0)
    await say(memory, TALK[0])
    await embedded(memory)
    assert (await memory.meaning(MIO)).error is embedder.failure
    embedder.failure = None
    line = await say(memory, TALK[2])
    await embedded(memory)
    assert embedder.texts == []
    choice.current = WordEmbedder()
    memory.embedder_changed()
    await embedded(memory)
    assert await nearest(memory, "Who plays the violin?") == [line]


async def test_a_text_that_the_model_refuses_holds_up_no_other(memory_folder: MemoryFolder) -> None:
    embedder = WordEmbedder()
    embedder.refused = "walnuts"
    ids = await memory_folder.talked(*TALK)
    memory = await memory_folder.open(embedders=Choice(embedder))
    ids.append(await say(memory, "I moved to Bergen."))
    await embedded(memory)
    assert vectors(memory_folder) == ids[1:]
    await say(memory, "Walnuts? No walnuts for me.")
    ids.append(await say(memory, "I like it there."))
    await embedded(memory)
    assert vectors(memory_folder) == ids[1:]
    assert (await memory.meaning(MIO)).state == "done"


async def test_a_question_that_is_not_embedded_in_time_is_searched_for_by_its_words(
    memory_folder: MemoryFolder,
) -> None:
    embedder = WordEmbedder()
    memory = await memory_folder.open(embedders=Choice(embedder), question_timeout_s=0.0)
    await say(memory, TALK[0])
    await embedded(memory)
    embedder.holds.add("question")
    assert await nearest(memory, "the walnuts", timeout_s=0.05) is None
    assert [one.text for one in await memory.recall(MIO, "the walnuts")] == [TALK[0]]


@pytest.mark.parametrize("embedder", [None, "broken"])
async def test_without_an_embedder_that_works_everything_else_does(
    memory_folder: MemoryFolder, embedder: str | None
) -> None:
    broken = WordEmbedder()
    broken.failure = LocalEmbeddingError("broken", reason="failed", model="m", provider="m", log="l")
    memory = await memory_folder.open(embedders=Choice(broken if embedder else None))
    await say(memory, TALK[0])
    await embedded(memory)
    assert (await memory.meaning(MIO)).state == ("waiting" if embedder else "off")
    assert [one.text for one in await memory.recall(MIO, "the walnuts")] == [TALK[0]]


# ── words that mean the same ────────────────────────────────────────────────────────────

SMALL_TALK = tuple(f"On day {number} we talked about the weather in town {number}." for number in range(40))
MEANS = {"fiddle": "violin", "sibling": "sister"}


async def test_a_line_is_found_by_words_that_mean_the_same(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(embedders=Choice(TokenWordEmbedder(means=MEANS)))
    for text in (*SMALL_TALK[:20], "My sister has a violin.", *SMALL_TALK[20:]):
        await say(memory, text)
    await embedded(memory)
    assert (await memory.recall(MIO, "Which sibling owns a fiddle?"))[0].text == "My sister has a violin."
    assert memory_folder.sql("SELECT count(*) FROM neko_tokens") == [(41,)]


async def test_a_line_that_is_not_embedded_yet_is_found_beside_those_that_are(memory_folder: MemoryFolder) -> None:
    embedder = TokenWordEmbedder(means=MEANS)
    memory = await memory_folder.open(embedders=Choice(embedder))
    for text in (*SMALL_TALK, "My sister has a violin."):
        await say(memory, text)
    await embedded(memory)
    embedder.holds.add("line")
    await say(memory, "The fiddle is in the attic.")
    found = [one.text for one in await memory.recall(MIO, "Where is the fiddle?")]
    assert found[:2] == ["The fiddle is in the attic.", "My sister has a violin."], "who holds the word comes first"
    embedder.free.set()


async def test_a_question_about_nothing_that_was_said_is_answered_by_no_line(memory_folder: MemoryFolder) -> None:
    embedder = WordEmbedder()
    embedder.model = replace(embedder.model, floor=0.3)
    memory = await memory_folder.open(embedders=Choice(embedder))
    for text in TALK:
        await say(memory, text)
    await embedded(memory)
    assert await memory.recall(MIO, "When does tungsten boil, by and by?", is_search=True) == []
    assert (await memory.recall(MIO, "Who plays the violin?", is_search=True))[0].text == TALK[2]


async def test_only_what_is_near_in_meaning_by_itself_is_told_as_that(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(embedders=Choice(WordEmbedder()))
    for number, text in enumerate(("A violin!", "How nice.", "Where is the, the, the?", "I see.", "We had soup.")):
        await say(memory, text, "assistant" if number % 2 else "user")
    await embedded(memory)
    found = await memory.recall(MIO, "Where is the violin?", limit=20, is_search=True)
    reasons = {one.text: one.reason.because for one in found}
    assert reasons["A violin!"] is Because.MENTIONS
    assert reasons["Where is the, the, the?"] is Because.MEANING
    assert reasons["How nice."] is Because.BESIDE


async def test_tokens_go_with_their_line_and_those_of_refused_lines_are_none(memory_folder: MemoryFolder) -> None:
    embedder = TokenWordEmbedder()
    embedder.refused = "walnuts"
    ids = await memory_folder.talked(*TALK)
    memory = await memory_folder.open(embedders=Choice(embedder))
    await memory.lines(MIO)
    await embedded(memory)
    await memory.delete(MIO, [ids[2]])
    kept = [row[0] for row in memory_folder.sql("SELECT id FROM neko_tokens ORDER BY id")]
    assert kept == vectors(memory_folder) == [ids[1], ids[3], ids[4]]


# ── making room ─────────────────────────────────────────────────────────────────────────


async def test_nothing_is_embedded_while_somebody_is_answered(memory_folder: MemoryFolder) -> None:
    embedder = WordEmbedder()
    memory = await memory_folder.open(embedders=Choice(embedder), longest_room_s=SECONDS)
    memory.foreground.on_session_event({"lanlan_name": "Luna", "event_type": "state", "state": "thinking"})
    for text in TALK:
        await say(memory, text)
    memory.foreground.on_session_event({"lanlan_name": "Luna", "event_type": "state", "state": "speaking"})
    await memory.recall(MIO, "Who plays the violin?")
    assert (await memory.meaning(MIO)).state == "working"
    assert embedder.texts == []
    memory.foreground.on_session_event({"lanlan_name": "Luna", "event_type": "state", "state": "idle"})
    await embedded(memory)
    assert len(embedder.texts) == len(TALK)


async def test_where_somebody_always_talks_lines_are_embedded_all_the_same(memory_folder: MemoryFolder) -> None:
    embedder = WordEmbedder()
    memory = await memory_folder.open(embedders=Choice(embedder), longest_room_s=0.01)
    memory.foreground.on_session_event({"lanlan_name": MIO, "event_type": "state", "state": "thinking"})
    for text in TALK:
        await say(memory, text)
    await embedded(memory)
    assert len(embedder.texts) == len(TALK)


async def test_it_makes_room_between_a_few_texts(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked(*TALK)
    embedder = WordEmbedder()
    embedder.model = replace(embedder.model, batch=2)
    embedder.holds.add("line")
    memory = await memory_folder.open(embedders=Choice(embedder), longest_room_s=SECONDS)
    await memory.lines(MIO)
    async with asyncio.timeout(SECONDS):
        await embedder.held.wait()
    with memory.foreground.busy():
        embedder.free.set()
        await memory.meaning(MIO)
        assert len(embedder.texts) == 2
    await embedded(memory)
    assert len(embedder.texts) == len(TALK)


async def test_words_that_are_set_right_while_they_are_embedded_are_embedded_anew(memory_folder: MemoryFolder) -> None:
    embedder = WordEmbedder()
    embedder.holds.add("line")
    memory = await memory_folder.open(embedders=Choice(embedder))
    ids = [await say(memory, text) for text in TALK]
    async with asyncio.timeout(SECONDS):
        await embedder.held.wait()
    await memory.correct(MIO, ids[0], "I am fond of walnuts.")
    embedder.free.set()
    await embedded(memory)
    assert vectors(memory_folder) == ids
    assert embedder.texts.count("Anna: I am fond of walnuts.") == 1
    assert await nearest(memory, "fond of walnuts") == [ids[0]]
