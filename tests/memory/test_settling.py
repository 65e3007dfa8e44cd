"""Making memos: which lines stay as they were said, that lines become one memo once, and what a review may do."""

from __future__ import annotations

import asyncio
import json

import pytest

from neko.errors import MemoNotRenewedError, ModelServerError
from neko.memory.kept_lines import MOST, MOST_CHARACTERS, kept
from neko.memory.recent import RecentWindow
from neko.memory.service import MemoryService
from neko.types.lines import NewLine
from neko.types.memory import MemoryModels, RecentEntry
from tests.memory.memory_folder import MIO, NAMES, START, MemoryFolder, say, until_window, window

SMALL_TALK = [f"so line {number} it is" for number in range(14)]


@pytest.fixture
async def memory(memory_folder: MemoryFolder) -> MemoryService:
    memory = await memory_folder.open()
    for number, text in enumerate(SMALL_TALK):
        await say(memory, text, "assistant" if number % 2 else "user")
    return memory


class Model:
    """Gives the same answer to every question, and keeps what it was asked."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.questions: list[str] = []

    async def __call__(self, question: str) -> str:
        self.questions.append(question)
        return self.answer


async def fails(question: str) -> str:
    raise ModelServerError("busy", model="m", provider="p")


class CutOffError(BaseException):
    """The process ends here."""


async def cut_off(*_: object, **__: object) -> bool:
    raise CutOffError


async def known(memory: MemoryService) -> list[str]:
    """What a new session is told of."""
    return [entry.text for entry in await memory.recent(MIO, with_left=True)]


# ── which lines stay as they were said ───────────────────────────────────────


async def test_the_lines_that_a_model_names_stay_after_the_memo_of_the_others(memory: MemoryService) -> None:
    summarise = Model("They counted.")
    assert await memory.compress(MIO, summarise, route=Model("The ones to keep: [3, 1]"))
    assert await window(memory) == ["They counted.", SMALL_TALK[1], SMALL_TALK[3], *SMALL_TALK[5:]]
    assert SMALL_TALK[3] not in summarise.questions[0]
    assert SMALL_TALK[4] in summarise.questions[0]
    (memo,) = await memory.memos(MIO)
    assert len(memo.sources) == 3


async def test_lines_that_stayed_are_judged_again_when_others_leave(memory: MemoryService) -> None:
    await memory.compress(MIO, Model("first"), route=Model("[1, 3]"))
    assert not await memory.compress(MIO, Model("none"), route=Model("[]")), "nothing was said since"
    await say(memory, "and more")
    summarise = Model("second")
    assert await memory.compress(MIO, summarise, route=Model("[0]"))
    assert await window(memory) == ["second", SMALL_TALK[1], *SMALL_TALK[6:], "and more"]
    assert "first" in summarise.questions[0]
    assert SMALL_TALK[3] in summarise.questions[0]


@pytest.mark.parametrize(
    "answer",
    ["", "all of them", "[77, -1]", '{"n": 1}', "[[]]"],
    ids=["nothing", "words", "unknown", "no list", "else"],
)
async def test_an_answer_that_cannot_be_used_leaves_it_to_the_rule(answer: str) -> None:
    lines = [RecentEntry("user", text) for text in ("well well", "I live in Oslo.", "hm")]
    assert await kept(lines, NAMES, "en", Model(answer)) == [1]


@pytest.mark.parametrize("answer", ["[2]", '["2"]', '[{"n": 2, "why": "it matters"}]', "```json\n[2, 99]\n```"])
async def test_numbers_are_read_in_any_dress(answer: str) -> None:
    lines = [RecentEntry("user", text) for text in ("well well", "I live in Oslo.", "hm")]
    assert await kept(lines, NAMES, "en", Model(answer)) == [2]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["My name is Anna.", "I'll call you at eight."]),
        ("zh-CN", ["我叫小明。", "我答应明天给你打电话。"]),
        ("ja", ["私の名前は太郎です。", "明日電話すると約束する。"]),
        ("ko", ["제 이름은 민수예요.", "내일 전화하기로 약속해."]),
    ],
)
async def test_without_an_answer_names_facts_and_promises_stay(language: str, said: list[str]) -> None:
    lines = [RecentEntry("user", said[0]), RecentEntry("user", "hm"), RecentEntry("assistant", said[1])]
    assert await kept(lines, NAMES, language, fails) == [0, 2]


async def test_without_a_router_the_window_is_a_memo_and_nine_lines(memory: MemoryService) -> None:
    await say(memory, "My name is Anna and I live in Oslo.")
    assert await memory.compress(MIO, Model("They counted."))
    assert await window(memory) == ["They counted.", *SMALL_TALK[6:], "My name is Anna and I live in Oslo."]


async def test_no_more_stays_than_there_is_room_for_and_never_every_line() -> None:
    short = [RecentEntry("user", f"I live in Oslo {at}") for at in range(9)]
    every = Model(json.dumps(list(range(9))))
    assert await kept(short, NAMES, "en", every) == list(range(MOST))
    assert await kept(short[:2], NAMES, "en", every) == [0]
    long = [RecentEntry("user", "x" * (MOST_CHARACTERS - 50)) for _ in range(3)]
    assert await kept([*long, *short[:1]], NAMES, "en", Model("[0, 1, 3]")) == [0, 3]


async def test_a_memo_of_a_session_that_goes_on_is_asked_to_keep_as_much_as_it_can(memory: MemoryService) -> None:
    plain, detailed = Model("plain"), Model("detailed")
    await memory.compress(MIO, plain)
    await say(memory, "and more")
    await memory.compress(MIO, detailed, detailed=True)
    assert plain.questions[0].partition("\n\n")[0] != detailed.questions[0].partition("\n\n")[0]
    assert "as much as possible" in detailed.questions[0]


# ── once ─────────────────────────────────────────────────────────────────────


async def test_a_memo_that_was_cut_off_before_the_window_had_it_is_not_asked_for_again(
    memory: MemoryService, memory_folder: MemoryFolder
) -> None:
    await memory.aclose()
    before = memory_folder.recent.read_bytes()
    memory = await memory_folder.open()
    assert await memory.compress(MIO, Model("They counted."), route=Model("[1]"))
    after = await window(memory)
    await memory.aclose()
    memory_folder.recent.write_bytes(before)  # as a crash between the two leaves it

    memory = await memory_folder.open()
    assert await window(memory) == SMALL_TALK
    unasked = Model("again")
    assert await memory.compress(MIO, unasked)
    assert not unasked.questions
    assert await window(memory) == after
    assert [memo.text for memo in await memory.memos(MIO)] == ["They counted."]


async def test_words_of_a_memo_that_came_too_late_stay_nowhere(
    memory: MemoryService, memory_folder: MemoryFolder
) -> None:
    async def meanwhile(question: str) -> str:
        (first, *_) = await memory.lines(MIO)
        await memory.delete(MIO, [first.id])
        return "a memo of line 0"

    assert not await memory.compress(MIO, meanwhile)
    assert await window(memory) == SMALL_TALK[1:]
    assert await memory.memos(MIO) == []


async def test_a_fault_that_may_pass_is_told_once_it_has_lasted(
    memory: MemoryService, memory_folder: MemoryFolder
) -> None:
    for _ in range(2):
        assert not await memory.compress(MIO, fails)
    assert memory_folder.reports == []
    assert not await memory.compress(MIO, fails)
    assert isinstance(memory_folder.reports[0], MemoNotRenewedError)
    assert await window(memory) == SMALL_TALK


async def test_a_model_that_takes_for_ever_is_given_up(memory_folder: MemoryFolder) -> None:
    async def hangs(question: str) -> str:
        await asyncio.Event().wait()
        return ""

    memory = await memory_folder.open(memo_timeout_s=0.01)
    for text in SMALL_TALK:
        await say(memory, text)
    assert not await memory.compress(MIO, hangs)
    assert await window(memory) == SMALL_TALK


async def test_who_waits_for_the_memo_that_is_being_made_gets_one_of_what_came_meanwhile(memory: MemoryService) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(question: str) -> str:
        asked.set()
        await go_on.wait()
        return "They counted."

    first = asyncio.create_task(memory.compress(MIO, slow))
    await asked.wait()
    for text in SMALL_TALK:
        await say(memory, text)
    assert not await memory.compress(MIO, Model("never asked"))
    second = asyncio.create_task(memory.compress(MIO, Model("They went on."), waits=True))
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(first, second) == [True, True]
    assert len(await window(memory)) == 10


# ── the review ───────────────────────────────────────────────────────────────


def _all_of(texts: list[str]) -> str:
    return json.dumps([{"n": number, "text": text} for number, text in enumerate(texts)])


async def test_after_a_memo_the_window_is_reviewed(memory: MemoryService) -> None:
    texts = ["They counted.", *SMALL_TALK[5:]]
    better = [texts[0], *texts[1:-1], texts[-1].replace("so ", "")]
    memory.compress_later(MIO, lambda: MemoryModels(Model("They counted."), None, Model(_all_of(better))))
    await until_window(memory, lambda texts: texts == better)
    assert [line.text for line in await memory.lines(MIO)] == SMALL_TALK, "what was said is what was said"


REVIEWED = ["They counted.", *SMALL_TALK[5:12], "line 13 it is"]


async def _reviewed(memory: MemoryService) -> None:
    """A review of memo and nine lines has left one out and reworded one."""
    assert await memory.compress(MIO, Model("They counted."))
    answer = [*enumerate(REVIEWED[:-1]), (9, REVIEWED[-1])]
    assert await memory.review(MIO, Model(json.dumps([{"n": number, "text": text} for number, text in answer])))
    assert await window(memory) == REVIEWED


async def test_a_review_is_among_the_changes_and_can_be_undone_after_a_restart(
    memory: MemoryService, memory_folder: MemoryFolder
) -> None:
    await _reviewed(memory)
    before = ["They counted.", *SMALL_TALK[5:]]
    await memory.aclose()
    memory = await memory_folder.open()
    await say(memory, "and more")
    assert await memory.can_undo_review(MIO)
    assert await memory.undo_review(MIO)
    assert await window(memory) == [*before, "and more"]
    assert not await memory.undo_review(MIO)
    assert [(one.kind.value, one.lines) for one in await memory.changes(MIO)] == [("restored", 2), ("reviewed", 2)]


async def test_what_a_review_changed_is_forgotten_with_the_lines(
    memory: MemoryService, memory_folder: MemoryFolder
) -> None:
    await _reviewed(memory)
    (gone,) = [line.id for line in await memory.lines(MIO) if line.text == SMALL_TALK[12]]
    await memory.delete(MIO, [gone])
    assert not await memory.undo_review(MIO)
    await memory.aclose()
    found = [path for path in memory_folder.folder.iterdir() if SMALL_TALK[12].encode() in path.read_bytes()]
    assert found == []


async def test_a_review_of_lines_that_were_folded_since_cannot_be_undone(memory: MemoryService) -> None:
    await _reviewed(memory)
    await say(memory, "and more")
    await say(memory, "and more again")
    assert await memory.compress(MIO, Model("They went on."))
    after = await window(memory)
    assert not await memory.undo_review(MIO)
    assert await window(memory) == after


async def test_what_the_user_said_may_be_left_out_and_keeps_its_words(memory: MemoryService) -> None:
    texts = [f"line {number} it was" for number in range(14)]
    assert await memory.review(MIO, Model(_all_of(texts)))
    assert await window(memory) == [texts[at] if at % 2 else SMALL_TALK[at] for at in range(14)]


async def test_a_review_puts_no_words_of_one_into_the_mouth_of_another(memory: MemoryService) -> None:
    before = ["I play the cello", "How lovely", "Now for the rain", "It rains again and again"]
    for number, text in enumerate(before):
        await say(memory, text, "assistant" if number % 2 else "user")
    texts = [*SMALL_TALK, *before]
    answer = [{"n": at, "text": text} for at, text in enumerate(texts) if text != before[0]]
    answer[-3]["text"], answer[-1]["text"] = "Your cello is lovely", "It rains again"
    assert await memory.review(MIO, Model(json.dumps(answer)))
    assert (await window(memory))[-4:] == [*before[:3], "It rains again"]


async def test_a_memo_that_a_review_reworded_can_still_be_set_right_by_hand(memory: MemoryService) -> None:
    assert await memory.compress(MIO, Model("They counted."))
    assert await memory.review(MIO, Model(_all_of(["They counted lines.", *SMALL_TALK[5:]])))
    (memo,) = await memory.memos(MIO)
    await memory.rewrite_memo(MIO, memo.id, "They counted sheep.")
    assert (await window(memory))[0] == "They counted sheep."
    assert not await memory.undo_review(MIO), "the former words are gone"


@pytest.mark.parametrize("memo", ["", "m", "They counted. " * 40], ids=["empty", "shrunken", "too long"])
async def test_a_review_that_spoils_the_memo_is_discarded(memory: MemoryService, memo: str) -> None:
    assert await memory.compress(MIO, Model("They counted."))
    before = await window(memory)
    assert not await memory.review(MIO, Model(_all_of([memo.strip(), *SMALL_TALK[5:]])))
    assert await window(memory) == before


class Reviewer:
    """Asked, it waits to be told to answer."""

    def __init__(self, answer: str) -> None:
        self.asked, self.go_on, self.given_up = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._answer = answer

    async def __call__(self, question: str) -> str:
        self.asked.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.given_up.set()
            raise
        return self._answer


@pytest.mark.parametrize("by", ["cancel", "compress", "compress later"])
async def test_a_review_gives_way(memory: MemoryService, by: str) -> None:
    reviewer = Reviewer(_all_of(["other", *SMALL_TALK[1:]]))
    async with asyncio.timeout(15):
        memory.review_later(MIO, lambda: MemoryModels(correct=reviewer))
        await reviewer.asked.wait()
        if by == "cancel":
            assert memory.cancel_review(MIO)
        elif by == "compress":
            assert await memory.compress(MIO, Model("They counted."))
        else:
            memory.compress_later(MIO, lambda: MemoryModels(Model("They counted.")))
        await reviewer.given_up.wait()
        expected = SMALL_TALK if by == "cancel" else ["They counted.", *SMALL_TALK[5:]]
        await until_window(memory, lambda texts: texts == expected)
    assert not memory.cancel_review(MIO)


async def test_looking_at_the_window_leaves_a_review_alone(memory: MemoryService) -> None:
    reviewer = Reviewer(_all_of([*SMALL_TALK[:-1], "line 13 it is"]))
    async with asyncio.timeout(15):
        memory.review_later(MIO, lambda: MemoryModels(correct=reviewer))
        await reviewer.asked.wait()
        await memory.recent(MIO)
        await memory.facts(MIO)
        reviewer.go_on.set()
        await until_window(memory, lambda texts: texts[-1] == "line 13 it is")
    assert not reviewer.given_up.is_set()


# ── a chat that is left ──────────────────────────────────────────────────────


async def test_a_chat_that_is_left_before_its_memo_is_made_is_in_it(memory: MemoryService) -> None:
    await memory.change_chat(MIO, None)
    await say(memory, "something new")
    summarise = Model("They counted.")
    assert await memory.compress(MIO, summarise)
    assert await window(memory) == ["They counted.", "something new"]
    assert all(text in summarise.questions[0] for text in SMALL_TALK)
    assert "something new" not in summarise.questions[0]
    assert not await memory.compress(MIO, Model("again")), "it is told once"


async def test_a_chat_may_be_left_while_its_memo_is_made(memory: MemoryService) -> None:
    questions: list[str] = []

    async def leaving(question: str) -> str:
        questions.append(question)
        await memory.change_chat(MIO, None)
        return f"memo {len(questions)}"

    assert await memory.compress(MIO, leaving)
    assert await window(memory) == ["memo 1"]
    await say(memory, "something new")
    assert await memory.compress(MIO, leaving)
    assert await window(memory) == ["memo 2"]
    assert "memo 1" in questions[1]
    assert all(sum(text in question for question in questions) == 1 for text in SMALL_TALK)


async def test_a_chat_that_is_gone_on_with_after_it_was_left_has_each_of_its_lines_once(
    memory_folder: MemoryFolder, memory: MemoryService
) -> None:
    await memory.change_chat(MIO, None)
    await say(memory, "something new")
    await memory.change_chat(MIO, 0)
    assert await window(memory) == SMALL_TALK
    assert await known(memory) == ["something new", *SMALL_TALK]
    await memory.aclose()
    memory = await memory_folder.open()
    assert await known(memory) == ["something new", *SMALL_TALK]
    summarise = Model("They counted.")
    assert await memory.compress(MIO, summarise)
    assert [summarise.questions[0].count(text) for text in ("something new", *SMALL_TALK[:5])] == [1] * 6
    assert await known(memory) == ["They counted.", *SMALL_TALK[5:]]


async def test_a_memo_of_a_chat_that_was_left_is_in_the_window_when_a_crash_came_before_that(
    memory_folder: MemoryFolder, memory: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await memory.change_chat(MIO, None)
    await say(memory, "something new")
    with monkeypatch.context() as patch:
        patch.setattr(RecentWindow, "swap", cut_off)
        with pytest.raises(CutOffError):
            await memory.compress(MIO, Model("They counted."))
        await memory.aclose()
    memory = await memory_folder.open()
    assert await known(memory) == ["They counted.", "something new"]
    await memory.aclose()
    assert memory_folder.sql("SELECT * FROM neko_state WHERE name GLOB 'folding*'") == []


async def test_the_memo_of_chats_that_were_left_is_made_after_a_restart_when_the_model_answers_again(
    memory_folder: MemoryFolder, memory: MemoryService
) -> None:
    await memory.change_chat(MIO, None)
    await say(memory, "something new")
    await memory.aclose()
    answers = Model("They counted.")
    models = iter([MemoryModels(fails), MemoryModels(fails)])
    memory = await memory_folder.open(
        models=lambda: next(models, MemoryModels(answers)), quiet_s=0.0, learn_again_s=0.0
    )
    assert await known(memory) == [*SMALL_TALK, "something new"]
    await until_window(memory, lambda texts: texts == ["They counted.", "something new"])
    assert len(answers.questions) == 1


async def test_of_lines_that_were_left_is_told_which_words_from_outside_were_read_for(
    memory_folder: MemoryFolder,
) -> None:
    memory = await memory_folder.open()
    await say(memory, "what is on the page?")
    await say(memory, "a recipe", "assistant", outside=True)
    await memory.change_chat(MIO, None)
    await say(memory, "something new")
    assert [entry.outside for entry in await memory.recent(MIO, with_left=True)] == [False, True, False]


async def test_a_short_chat_that_is_left_waits_for_more(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    for chat in range(4):
        for number in range(3):
            await say(memory, f"chat {chat}, line {number}")
        summarise = Model("They counted.")
        assert await memory.compress(MIO, summarise) == (chat == 3)
        await memory.change_chat(MIO, None)
    assert all(f"chat {chat}, line 2" in summarise.questions[0] for chat in range(3))


async def test_what_waited_of_chats_that_were_left_waits_after_a_restart_too(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    for chat in range(4):
        await say(memory, f"chat {chat}, what she said", "assistant")
        await say(memory, f"chat {chat}, what I said")
        await memory.change_chat(MIO, None)
        if chat % 2:
            await memory.aclose()
            memory = await memory_folder.open()
    numbers = range(8)
    for number in numbers:
        await say(memory, f"line {number}")
    summarise = Model("They counted.")
    assert await memory.compress(MIO, summarise)
    assert [summarise.questions[0].count(f"chat {chat}, what") for chat in range(4)] == [2, 2, 2, 2], "each once"
    await memory.aclose()
    memory = await memory_folder.open()
    assert not await memory.compress(MIO, Model("again")), "it is told once"
    assert await window(memory) == ["They counted.", *(f"line {number}" for number in numbers)]


async def test_what_was_brought_in_or_left_out_by_hand_waits_for_no_memo(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    for number in range(12):
        await say(memory, f"left {number}")
    await memory.change_chat(MIO, None)
    await memory.rewrite_recent(MIO, [])
    await memory.store_many(MIO, [NewLine("s", "t", "user", f"brought in {number}", START) for number in range(12)])
    await memory.change_chat(MIO, None)
    await say(memory, "something new")
    await memory.aclose()
    memory = await memory_folder.open()
    assert not await memory.compress(MIO, Model("again"))


async def test_what_is_deleted_of_a_chat_that_was_left_is_in_no_memo(memory: MemoryService) -> None:
    lines = await memory.lines(MIO)
    await memory.change_chat(MIO, None)
    await memory.delete(MIO, [lines[3].id])
    summarise = Model("They counted.")
    assert await memory.compress(MIO, summarise)
    assert SMALL_TALK[2] in summarise.questions[0]
    assert SMALL_TALK[3] not in summarise.questions[0]


async def test_what_a_memo_had_of_a_chat_that_was_left_is_summed_up_again_when_one_of_its_lines_goes(
    memory: MemoryService,
) -> None:
    lines = await memory.lines(MIO)
    await memory.change_chat(MIO, None)
    await say(memory, "something new")
    assert await memory.compress(MIO, Model("They counted."))
    await memory.delete(MIO, [lines[3].id])
    assert await window(memory) == ["something new"]
    summarise = Model("They counted again.")
    assert await memory.compress(MIO, summarise)
    assert [text for text in SMALL_TALK if text not in summarise.questions[0]] == [SMALL_TALK[3]]
    assert await window(memory) == ["They counted again.", "something new"]
    await memory.delete(MIO, [lines[4].id])
    await memory.delete(MIO, [lines[5].id])
    assert await memory.compress(MIO, summarise)
    assert [text for text in SMALL_TALK if text not in summarise.questions[1]] == SMALL_TALK[3:6], "each once"
    assert summarise.questions[1].count(SMALL_TALK[6]) == 1
