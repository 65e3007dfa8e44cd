"""What a model answers that is no memo of the talk, and that what is one counts as one."""

from __future__ import annotations

import pytest

from neko.memory.memo import summary
from neko.memory.no_memo import is_no_memo

TALK = (
    "\n".join(
        f"Sam | {text}"
        for text in (
            "I am allergic to cashews, they put me into hospital.",
            "Yara turns thirty on Monday and I have no present yet.",
            "We moved from Leeds to a tiny flat in Bristol near the harbour.",
        )
        for _ in range(10)
    )
    + "\nMio | Mm. I see."
)
ZH_TALK = "\n".join(
    f"阿浩 | {text}" for text in ("我对腰果过敏。", "小雯周一就三十岁了。", "我们从合肥搬到了厦门。") * 20
)


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, I can't help with that.",
        "Sorry, but I cannot assist with this request.",
        "As an AI language model, I can't summarize personal conversations.",
        "I apologize, but I am unable to continue.",
        "抱歉，我无法协助完成这个请求。",
        "申し訳ありませんが、お手伝いできません。",
        "죄송하지만 도와드릴 수 없습니다.",
        "Tut mir leid, dabei kann ich nicht helfen.",
        "�� }{ [[[",
        "word " * 2_000,
        "",
    ],
)
def test_a_refusal_and_rubbish_are_no_memo(answer: str) -> None:
    assert is_no_memo(answer, TALK)


@pytest.mark.parametrize(
    ("answer", "talk"),
    [
        ("Sam is allergic to cashews. Yara turns thirty on Monday. They moved to Bristol.", TALK),
        ("Sorry for Sam: cashews put him into hospital; Yara's present is missing; moved to Bristol.", TALK),
        ("用户对腰果过敏，小雯周一三十岁，已从合肥搬到厦门。", ZH_TALK),
        ("Der Nutzer verträgt keine Cashews und ist umgezogen.", TALK),
        ("They greeted each other.", "Sam | hi\nMio | hello"),
        ("Tea.", "Sam | I like tea"),
        ("They went on.", TALK),
        ("They talked about the sea. " * 60, TALK),
        ("They counted.", "SYSTEM_MESSAGE | They counted.\nSam | one"),
        ("腰果过敏，搬厦门。", ZH_TALK),
    ],
)
def test_a_memo_may_be_short_abstract_or_in_another_language(answer: str, talk: str) -> None:
    assert not is_no_memo(answer, talk)


async def test_a_model_that_refuses_is_asked_again_and_has_no_words_if_it_goes_on_so() -> None:
    answers = ["I'm sorry, I can't help with that.", "Sam is allergic to cashews and moved to Bristol."]
    asked = 0

    async def summarise(_: str) -> str:
        nonlocal asked
        asked += 1
        return answers[min(asked, len(answers)) - 1]

    assert await summary(TALK, "en", summarise) == answers[1]
    answers, asked = answers[:1], 0
    assert await summary(TALK, "en", summarise) is None
    assert asked == 3
