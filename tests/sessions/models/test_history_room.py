"""What of a talk goes into a request that has room for so many tokens only."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neko.llm.chat_request import estimate
from neko.sessions.models.history import History

TEXT = st.sampled_from(["tea", "茶が入りました", "a long line of words " * 20, "\n"])
_EACH = 8
LINES = st.lists(st.tuples(st.booleans(), TEXT), max_size=12)


def history(lines: list[tuple[bool, str]], notes: int) -> History:
    made = History(8000)
    made.instructions = "You are Mio."
    for number in range(notes):
        made.note(f"note {number} " + "that says a lot " * 10)
    for number, (is_user, text) in enumerate(lines):
        made.line("user" if is_user else "assistant", f"<{number}> {text}")
    made.user("t", "And the last question?")
    return made


@given(
    lines=LINES,
    notes=st.integers(0, 3),
    most_tokens=st.integers(0, 3000),
    context=st.sampled_from(["", "She knows. " * 30]),
)
def test_the_instructions_and_the_question_stay_and_what_is_left_out_is_oldest(
    lines: list[tuple[bool, str]], notes: int, most_tokens: int, context: str
) -> None:
    talk = history(lines, notes)
    whole, fitting = talk.request(context), talk.request(context, most_tokens=most_tokens)
    assert fitting[0]["content"].startswith("You are Mio.")
    assert fitting[-1]["content"].endswith("And the last question?")
    roles = [message["role"] for message in fitting[1:]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2)
    kept = [number for number in range(len(lines)) if any(f"<{number}>" in m["content"] for m in fitting[1:])]
    assert kept == list(range(len(lines)))[len(lines) - len(kept) :]
    if kept:
        assert estimate(fitting) <= most_tokens + 10
    if estimate(whole) + _EACH * (len(lines) + notes + 2) < most_tokens:  # lines are counted before they are joined
        assert fitting == whole
    assert talk.request(context) == whole


def test_the_notes_go_before_the_context_and_both_after_the_talk() -> None:
    talk = history([(True, "tea"), (False, "yes")], notes=2)
    sizes = [estimate(talk.request("She knows.", most_tokens=most)) for most in (1000, 100, 70, 20)]
    assert sizes == sorted(sizes, reverse=True)
    roomy, tight = talk.request("She knows.", most_tokens=100), talk.request("She knows.", most_tokens=70)
    assert "note 1" in roomy[0]["content"]
    assert "note 0" not in tight[0]["content"]
    assert "She knows." in tight[-1]["content"]


def test_what_is_recalled_goes_before_the_last_exchange_does() -> None:
    talk = history([(True, "tea " * 40), (False, "yes"), (True, "with milk"), (False, "of course")], notes=0)
    tight = talk.request("You remember: " + "she likes tea. " * 40, most_tokens=60)
    assert [message["role"] for message in tight] == ["system", "user", "assistant", "user"]
    assert "with milk" in tight[1]["content"]
    assert "You remember" not in str(tight)


def test_of_long_instructions_who_she_is_and_what_was_said_last_stay() -> None:
    talk = History(8000)
    talk.instructions = "You are Mio.\n\n" + "An older line of the talk before.\n" * 400 + "Sam | The newest line."
    talk.user("t", "And the last question?")
    messages = talk.request(most_tokens=1500)
    assert estimate(messages) <= 1510
    assert messages[0]["content"].startswith("You are Mio.")
    assert messages[0]["content"].endswith("Sam | The newest line.")
    assert messages[1]["content"] == "And the last question?"


def test_of_a_very_long_reply_the_end_is_kept() -> None:
    talk = History(1000)
    talk.user("t", "Tell me everything.")
    talk.reply("t", "".join(f"{number}。" for number in range(4000)))
    talk.user("u", "Go on.")
    sent = talk.request()
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[1]["content"].startswith("[…] ")
    assert sent[1]["content"].endswith("3999。")
