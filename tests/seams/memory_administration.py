"""What every memory does with what is said when the talk grows long: compress, review, close."""

from __future__ import annotations

import json
from typing import Any

import pytest

from neko.errors import ModelBadRequestError, ModelServerError
from neko.types.memory import RecentEntry
from tests.seams.memory import MIO, Memory, new_line, shown, talk, texts


class MemoryAdministrationBehaviour:
    async def test_a_short_window_is_not_compressed(self, memory: Memory) -> None:
        await talk(memory, *(f"line {number}" for number in range(10)))
        assert not await memory.compress(MIO, _never)
        assert not await memory.compress(MIO, None)
        assert len(await memory.recent(MIO)) == 10

    async def test_the_oldest_lines_are_replaced_by_a_memo(self, memory: Memory) -> None:
        prompts: list[str] = []

        async def summarise(prompt: str) -> str:
            prompts.append(prompt)
            return "They counted."

        await talk(memory, *(f"line {number}" for number in range(14)))
        assert await memory.compress(MIO, summarise)
        window = await memory.recent(MIO)
        assert window[0] == RecentEntry("system", "They counted.")
        assert [entry.text for entry in window[1:]] == [f"line {number}" for number in range(5, 14)]
        assert "line 4" in prompts[0]
        assert "line 5" not in prompts[0]
        assert len(await memory.lines(MIO)) == 14

    async def test_the_earlier_memo_is_compressed_too(self, memory: Memory) -> None:
        prompts: list[str] = []

        async def summarise(prompt: str) -> str:
            prompts.append(prompt)
            return f"memo {len(prompts)}"

        await talk(memory, *(f"line {number}" for number in range(12)))
        assert await memory.compress(MIO, summarise)
        await talk(memory, "more", "and more")
        assert await memory.compress(MIO, summarise)
        assert "memo 1" in prompts[1]
        assert [entry.text for entry in await memory.recent(MIO) if entry.role == "system"] == ["memo 2"]

    async def test_the_lines_come_back_for_a_memo_that_may_tell_of_deleted_ones(self, memory: Memory) -> None:
        ids = await talk(memory, *(f"line {number}" for number in range(14)))
        assert await memory.compress(MIO, _memo)
        await memory.delete(MIO, [ids[9]])
        assert [entry.role for entry in await memory.recent(MIO)][:2] == ["system", "assistant"]
        await memory.delete(MIO, [ids[3]])
        assert await shown(memory) == [f"line {number}" for number in range(14) if number not in (3, 9)]

    async def test_lines_stored_during_a_summary_survive_it(self, memory: Memory) -> None:
        async def summarise(prompt: str) -> str:
            await talk(memory, "meanwhile", "indeed")
            return "memo"

        await talk(memory, *(f"line {number}" for number in range(11)))
        assert await memory.compress(MIO, summarise)
        assert await shown(memory) == ["memo", *(f"line {number}" for number in range(2, 11)), "meanwhile", "indeed"]

    @pytest.mark.parametrize("error", [ModelBadRequestError(), ModelServerError()])
    async def test_a_summary_that_fails_changes_nothing(self, memory: Memory, error: Exception) -> None:
        calls = 0

        async def summarise(prompt: str) -> str:
            nonlocal calls
            calls += 1
            raise error

        await talk(memory, *(f"line {number}" for number in range(14)))
        before = await memory.recent(MIO)
        assert not await memory.compress(MIO, summarise)
        assert await memory.recent(MIO) == before
        assert 1 <= calls <= 3

    async def test_a_summary_that_stays_too_long_is_cut_after_three_calls(self, memory: Memory) -> None:
        calls = 0

        async def summarise(prompt: str) -> str:
            nonlocal calls
            calls += 1
            return "They talked about the sea. " * 60

        await talk(memory, *(f"line {number}" for number in range(14)))
        assert await memory.compress(MIO, summarise)
        memo = (await memory.recent(MIO))[0].text
        assert calls == 3
        assert memo.endswith("the sea.")
        assert len(memo) <= 500

    async def test_an_empty_summary_changes_nothing(self, memory: Memory) -> None:
        await talk(memory, *(f"line {number}" for number in range(14)))
        assert not await memory.compress(MIO, _nothing)
        assert len(await memory.recent(MIO)) == 14

    async def test_words_that_are_no_summary_leave_it_to_the_rule(self, memory: Memory) -> None:
        async def summarise(prompt: str) -> str:
            return "Sure! Please provide the conversation."

        await talk(memory, "My cat is called Biscuit.", *(f"line {number}" for number in range(14)))
        assert await memory.compress(MIO, summarise)
        memo, *rest = await memory.recent(MIO)
        assert (memo.role, len(rest)) == ("system", 9)
        assert "My cat is called Biscuit." in memo.text

    async def test_without_a_summariser_the_memo_quotes_how_each_line_began(self, memory: Memory) -> None:
        await talk(memory, *(f"Number {number}: " + "and then we walked along the shore " * 9 for number in range(20)))
        assert await memory.compress(MIO, None)
        memo, *rest = await memory.recent(MIO)
        assert memo.role == "system"
        assert len(memo.text) <= 500
        assert all(f"Number {number}:" in memo.text for number in range(11))
        assert len(rest) == 9

    async def test_the_quoted_memo_keeps_the_earlier_one(self, memory: Memory) -> None:
        async def summarise(prompt: str) -> str:
            return "Her cat is called Biscuit."

        await talk(memory, *(f"line {number}" for number in range(12)))
        assert await memory.compress(MIO, summarise)
        await talk(memory, *("so we went on and on about the weather " * 5 for _ in range(8)))
        assert await memory.compress(MIO, None)
        memo = (await memory.recent(MIO))[0].text
        assert memo.startswith("Her cat is called Biscuit.")
        assert len(memo) <= 500

    async def test_a_review_may_leave_out_and_reword(self, memory: Memory) -> None:
        await talk(memory, "I like tea", "So do I", "I like tea", "You told me that already")
        assert await memory.review(
            MIO, _answering([(0, "I like tea"), (1, "So do I!"), (3, "You told me that already")])
        )
        assert await shown(memory) == ["I like tea", "So do I!", "You told me that already"]
        assert len(await memory.lines(MIO)) == 4

    @pytest.mark.parametrize(
        "answers",
        [
            [],
            [(0, "memo"), (9, "")],
            [(number, f"line {number + 2}") for number in range(1, 10)],
            [(0, "memo"), (9, "the newest, made much longer than all of it was before " * 4)],
            [(9, "line 10"), (0, "memo")],
            [(0, "memo"), (77, "line 77")],
            [(number, "line") for number in range(9)],
        ],
        ids=["nothing", "an empty text", "no memo", "grown", "out of order", "unknown number", "newest lost"],
    )
    async def test_a_review_that_loses_or_adds_is_discarded(
        self, memory: Memory, answers: list[tuple[int, str]]
    ) -> None:
        await talk(memory, *(f"line {number}" for number in range(11)))
        assert await memory.compress(MIO, _memo)
        before = await memory.recent(MIO)
        assert len(before) == 10
        assert not await memory.review(MIO, _answering(answers))
        assert await memory.recent(MIO) == before

    async def test_a_review_that_is_no_json_is_discarded(self, memory: Memory) -> None:
        await talk(memory, "a", "b")
        assert not await memory.review(MIO, _memo)
        assert await shown(memory) == ["a", "b"]

    async def test_lines_stored_during_a_review_survive_it(self, memory: Memory) -> None:
        async def correct(prompt: str) -> str:
            await talk(memory, "meanwhile")
            return json.dumps([{"n": 1, "text": "yes, tea"}])

        await talk(memory, "tea", "yes, tea")
        assert await memory.review(MIO, correct)
        assert await shown(memory) == ["yes, tea", "meanwhile"]

    async def test_a_review_of_lines_that_changed_meanwhile_is_discarded(self, memory: Memory) -> None:
        async def correct(prompt: str) -> str:
            await memory.store(MIO, new_line("coffee after all", "assistant", replaces=reply))
            return json.dumps([{"n": 0, "text": "tea please"}, {"n": 1, "text": "tea it is"}])

        _, reply = await talk(memory, "tea please", "tea it is then")
        assert not await memory.review(MIO, correct)
        assert await shown(memory) == ["tea please", "coffee after all"]

    async def test_a_review_that_fails_or_has_no_model_changes_nothing(self, memory: Memory) -> None:
        async def correct(prompt: str) -> str:
            raise ModelServerError

        await talk(memory, "a", "b")
        assert not await memory.review(MIO, correct)
        assert not await memory.review(MIO, None)
        assert await shown(memory) == ["a", "b"]

    # ── closing ──────────────────────────────────────────────────────────────

    async def test_a_closed_character_is_opened_anew_by_the_next_use(self, memory: Memory) -> None:
        await talk(memory, *(f"line {number}" for number in range(12)))
        assert await memory.compress(MIO, _memo)
        window = await memory.recent(MIO)
        await memory.close(MIO)
        await memory.close(MIO)
        assert await memory.recent(MIO) == window
        await talk(memory, "and on")
        assert await texts(memory, limit=2) == ["line 11", "and on"]

    async def test_closing_an_unknown_character_does_nothing(self, memory: Memory) -> None:
        await memory.close("nobody")


async def _never(prompt: str) -> str:
    raise AssertionError("nothing was to be summarised")


async def _nothing(prompt: str) -> str:
    return "  "


async def _memo(prompt: str) -> str:
    return "memo"


def _answering(answers: list[tuple[int, str]]) -> Any:
    async def correct(prompt: str) -> str:
        return "```json\n" + json.dumps([{"n": number, "text": text} for number, text in answers]) + "\n```"

    return correct
