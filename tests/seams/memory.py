"""What every memory does, whatever it keeps its lines in; one class for each protocol of the seam.

A test module makes a subclass whose name starts with ``Test`` and gives it a fixture ``memory``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from neko.types.lines import NewLine, Remark, Role
from neko.types.memory import ConversationMemory, InChats, MemoryAdministration, RecentEntry

MIO = "Mio"
USER = "User"
START = datetime(2026, 2, 22, 10, 0)


def new_line(text: str, role: Role = "user", **values: Any) -> NewLine:
    filled: dict[str, Any] = {"session_id": "s1", "turn_id": "t1", "role": role, "text": text, "at": START}
    return NewLine(**filled | values)


class Memory(ConversationMemory, MemoryAdministration, Protocol):
    """All of the seam."""


async def talk(memory: Memory, *texts: str, character: str = MIO) -> list[int]:
    """Store the texts as said in turn by the user and the character; returns their ids."""
    ids = []
    for number, text in enumerate(texts):
        role: Role = "assistant" if number % 2 else "user"
        stored = await memory.store(character, new_line(text, role, at=START + timedelta(minutes=number)))
        ids.append(stored.line.id)
    return ids


async def texts(memory: Memory, **page: Any) -> list[str]:
    return [line.text for line in await memory.lines(MIO, **page)]


async def recalled(memory: Memory, query: str, **options: Any) -> list[str]:
    return [evidence.text for evidence in await memory.recall(MIO, query, **options)]


async def shown(memory: Memory) -> list[str]:
    return [entry.text for entry in await memory.recent(MIO)]


class ConversationLogBehaviour:
    async def test_a_stored_line_comes_back_as_it_was(self, memory: Memory) -> None:
        line = new_line('He said "喵" 🐈\n\tand left', client_id="c1", images=2, status="interrupted")
        stored = await memory.store(MIO, line)
        assert stored.fresh
        assert (stored.line.text, stored.line.role, stored.line.at) == (line.text, "user", START)
        assert (stored.line.client_id, stored.line.images, stored.line.status) == ("c1", 2, "interrupted")
        assert (stored.line.session_id, stored.line.turn_id) == ("s1", "t1")
        assert await memory.lines(MIO) == [stored.line]

    async def test_what_is_to_be_known_of_a_reply_stays_with_it(self, memory: Memory) -> None:
        remark = Remark("model_reply_cut", {"model": "scripted-1", "seconds": 2.5})
        stored = await memory.store(MIO, new_line("and then", "assistant", remark=remark))
        assert stored.line.remark == remark
        assert await memory.lines(MIO) == [stored.line]

    async def test_a_reply_that_looks_like_it_had_a_time_stamp_keeps_its_text(self, memory: Memory) -> None:
        await memory.store(MIO, new_line("[20260101 Thu 09:30] is when it was", "assistant"))
        assert await texts(memory) == ["[20260101 Thu 09:30] is when it was"]
        assert await shown(memory) == ["[20260101 Thu 09:30] is when it was"]

    async def test_a_time_with_an_offset_is_kept_as_local_time(self, memory: Memory) -> None:
        at = datetime(2026, 2, 22, 10, 0, tzinfo=UTC)
        stored = await memory.store(MIO, new_line("now", at=at))
        assert stored.line.at == at.astimezone().replace(tzinfo=None)
        assert await memory.lines(MIO) == [stored.line]

    async def test_a_line_without_a_speaker_gets_the_users_or_the_characters_name(self, memory: Memory) -> None:
        await talk(memory, "hello", "hi")
        assert [line.speaker for line in await memory.lines(MIO)] == [USER, MIO]

    async def test_a_named_speaker_is_kept(self, memory: Memory) -> None:
        stored = await memory.store(MIO, new_line("hello all", "assistant", speaker="小澪"))
        assert stored.line.speaker == "小澪"
        assert [line.speaker for line in await memory.lines(MIO)] == ["小澪"]

    async def test_a_page_beyond_the_largest_id_is_no_error(self, memory: Memory) -> None:
        await talk(memory, "hello")
        assert await texts(memory, before=2**70, limit=2**70) == ["hello"]
        assert await texts(memory, after=2**70) == []

    async def test_ids_grow_and_lines_come_oldest_first(self, memory: Memory) -> None:
        ids = await talk(memory, "a", "b", "c")
        assert ids == sorted(set(ids))
        assert await texts(memory) == ["a", "b", "c"]

    async def test_what_is_deleted_is_in_no_page_no_window_and_no_recall(self, memory: Memory) -> None:
        ids = await talk(memory, "I live in Lisbon", "Lovely", "My cat is called Biscuit", "Noted")
        assert await memory.recall(MIO, "Biscuit")
        assert await memory.delete(MIO, [ids[2], ids[3], 999]) == ids[2:]
        assert await texts(memory) == ["I live in Lisbon", "Lovely"]
        assert await shown(memory) == ["I live in Lisbon", "Lovely"]
        assert await memory.recall(MIO, "Biscuit") == []
        assert await memory.find(MIO, "Biscuit") == []
        assert await memory.delete(MIO, ids[2:]) == []
        later = await memory.store(MIO, new_line("and now?"))
        assert later.line.id > ids[-1]
        assert await texts(memory) == ["I live in Lisbon", "Lovely", "and now?"]

    async def test_a_deletion_that_may_be_undone_is_undone_once(self, memory: Memory) -> None:
        ids = await talk(memory, "hello", "hi", "my cat is called Biscuit", "how sweet")
        assert await memory.delete(MIO, ids[2:], may_be_undone=True) == ids[2:]
        assert await recalled(memory, "the cat") == []
        await talk(memory, "something else")
        assert [line.id for line in await memory.restore(MIO)] == ids[2:]
        everything = ["hello", "hi", "my cat is called Biscuit", "how sweet", "something else"]
        assert await texts(memory) == everything
        assert await shown(memory) == everything
        assert (await recalled(memory, "the cat"))[0] == "my cat is called Biscuit"
        assert await memory.restore(MIO) == []

    async def test_a_line_that_is_set_right_keeps_its_place_and_nothing_of_its_old_words(self, memory: Memory) -> None:
        ids = await talk(memory, "hello", "hi", "my cat is called Biscuit", "how sweet")
        corrected = await memory.correct(MIO, ids[2], "my dog is called Rufus")
        assert corrected is not None
        assert (corrected.id, corrected.at.minute, corrected.role) == (ids[2], 2, "user")
        assert await texts(memory) == ["hello", "hi", "my dog is called Rufus", "how sweet"]
        assert await shown(memory) == ["hello", "hi", "my dog is called Rufus", "how sweet"]
        assert await memory.find(MIO, "Biscuit") == []
        assert (await recalled(memory, "the dog"))[0] == "my dog is called Rufus"
        assert await memory.correct(MIO, 999, "nobody said this") is None

    async def test_what_is_deleted_for_good_does_not_come_back(self, memory: Memory) -> None:
        ids = await talk(memory, "hello", "hi")
        await memory.delete(MIO, ids)
        assert await memory.restore(MIO) == []
        assert await texts(memory) == []

    async def test_what_is_cleared_is_gone_and_another_keeps_hers(self, memory: Memory) -> None:
        ids = await talk(memory, "my cat is called Biscuit", "hi")
        await talk(memory, "my cat is called Tiger", character="Rin")
        assert await memory.clear(MIO) == 2
        assert await texts(memory) == await shown(memory) == await recalled(memory, "the cat") == []
        assert len(await memory.lines("Rin")) == 1
        assert min(await talk(memory, "hello")) > max(ids)
        assert await shown(memory) == ["hello"]

    async def test_with_a_reply_its_earlier_versions_are_deleted(self, memory: Memory) -> None:
        first = (await memory.store(MIO, new_line("one", "assistant"))).line.id
        second = (await memory.store(MIO, new_line("two", "assistant", replaces=first))).line.id
        third = (await memory.store(MIO, new_line("three", "assistant", replaces=second))).line.id
        assert await memory.delete(MIO, [third]) == [first, second, third]
        assert await texts(memory) == []

    async def test_the_same_client_id_is_stored_once(self, memory: Memory) -> None:
        first = await memory.store(MIO, new_line("hello", client_id="c1"))
        again = await memory.store(MIO, new_line("hello again", client_id="c1"))
        assert not again.fresh
        assert again.line == first.line
        assert await texts(memory) == ["hello"]
        assert await shown(memory) == ["hello"]

    async def test_characters_do_not_share_lines_or_client_ids(self, memory: Memory) -> None:
        await memory.store(MIO, new_line("for Mio", client_id="c1"))
        other = await memory.store("小澪", new_line("给小澪", client_id="c1"))
        assert other.fresh
        assert await texts(memory) == ["for Mio"]
        assert [line.text for line in await memory.lines("小澪")] == ["给小澪"]

    async def test_without_after_a_page_holds_the_last_lines(self, memory: Memory) -> None:
        ids = await talk(memory, *"abcdef")
        assert await texts(memory, limit=2) == ["e", "f"]
        assert await texts(memory, before=ids[4], limit=2) == ["c", "d"]
        assert await texts(memory, before=ids[0]) == []

    async def test_with_after_a_page_holds_the_first_lines_that_are_newer(self, memory: Memory) -> None:
        ids = await talk(memory, *"abcdef")
        assert await texts(memory, after=ids[1], limit=2) == ["c", "d"]
        assert await texts(memory, after=ids[1], before=ids[3]) == ["c"]
        assert await texts(memory, after=ids[5]) == []

    async def test_a_page_of_no_lines_is_empty(self, memory: Memory) -> None:
        await talk(memory, "a")
        assert await texts(memory, limit=0) == []
        assert await texts(memory, limit=-3) == []

    async def test_a_retried_reply_leaves_the_page_and_the_window(self, memory: Memory) -> None:
        _, old = await talk(memory, "tell me a joke", "no")
        new = await memory.store(MIO, new_line("a cat walks into a bar", "assistant", replaces=old))
        assert await texts(memory) == ["tell me a joke", "a cat walks into a bar"]
        assert await shown(memory) == ["tell me a joke", "a cat walks into a bar"]
        assert await texts(memory, limit=1) == ["a cat walks into a bar"]
        assert await texts(memory, after=old) == ["a cat walks into a bar"]
        assert new.line.id > old

    async def test_an_earlier_version_of_the_last_reply_can_be_chosen(self, memory: Memory) -> None:
        ids = await _said_three_ways(memory)
        assert [line.text for line in await memory.versions(MIO, ids[2])] == ["a lion", "a tiger", "a lynx"]
        line = await memory.choose_version(MIO, ids[0])
        assert line is not None
        assert (line.text, line.status, line.replaces) == ("a lion", "interrupted", ids[2])
        assert line.at == START
        assert await texts(memory) == ["which cat?", "a lion"]
        assert await texts(memory, after=ids[2]) == ["a lion"]
        assert await shown(memory) == ["which cat?", "a lion"]
        assert [found.text for found in await memory.find(MIO, "a l")] == ["a lion"]
        assert await recalled(memory, "lynx") == []

    async def test_the_versions_keep_their_order_whichever_is_chosen(self, memory: Memory) -> None:
        ids = await _said_three_ways(memory)
        for words in ["a tiger", "a lion", "a lynx", "a tiger"]:
            [chosen] = [line.id for line in await memory.versions(MIO, ids[-1]) if line.text == words]
            line = await memory.choose_version(MIO, chosen)
            assert line is not None
            ids.append(line.id)
            found = await memory.versions(MIO, line.id)
            assert [version.text for version in found] == ["a lion", "a tiger", "a lynx"]
            assert [version.status for version in found] == ["interrupted", "complete", "complete"]
            assert await texts(memory) == ["which cat?", words]
        puma = new_line("a puma", "assistant", replaces=ids[-1], at=START + timedelta(hours=1))
        again = await memory.store(MIO, puma)
        found = await memory.versions(MIO, again.line.id)
        assert [line.text for line in found] == ["a lion", "a tiger", "a lynx", "a puma"]
        assert len(await memory.delete(MIO, [again.line.id])) == 4

    async def test_only_the_last_line_has_versions_to_choose_from(self, memory: Memory) -> None:
        ids = await _said_three_ways(memory)
        assert await memory.choose_version(MIO, ids[2] + 1) is None
        await memory.store(MIO, new_line("thank you"))
        assert await memory.choose_version(MIO, ids[0]) is None
        assert await texts(memory) == ["which cat?", "a lynx", "thank you"]
        assert await memory.versions(MIO, 999) == []
        assert await memory.choose_version("nobody", 1) is None

    # ── the recent window ────────────────────────────────────────────────────

    async def test_an_unknown_character_has_nothing_to_remember(self, memory: Memory) -> None:
        assert await memory.lines("nobody") == []
        assert await memory.recent("nobody") == []

    async def test_the_window_shows_what_was_just_stored(self, memory: Memory) -> None:
        await memory.store(MIO, new_line("hello"))
        assert await memory.recent(MIO) == [RecentEntry("user", "hello")]
        await memory.store(MIO, new_line("hi", "assistant"))
        assert await memory.recent(MIO) == [RecentEntry("user", "hello"), RecentEntry("assistant", "hi")]

    async def test_the_window_leaves_out_lines_without_words(self, memory: Memory) -> None:
        await memory.store(MIO, new_line("", images=1))
        await memory.store(MIO, new_line("session started", "system"))
        await memory.store(MIO, new_line("hi"))
        assert await shown(memory) == ["hi"]
        assert len(await memory.lines(MIO)) == 3


class ChatsBehaviour:
    async def test_there_is_one_chat_from_the_start(self, memory: Memory) -> None:
        found = await memory.chats(MIO)
        assert [(chat.id, chat.title, chat.last_at) for chat in found.chats] == [(found.current, "", None)]

    async def test_a_new_chat_is_empty_and_the_old_one_is_still_there(self, memory: Memory) -> None:
        await talk(memory, "I have a cat", "How nice")
        old = await memory.open_chat(MIO)
        new = await memory.change_chat(MIO, None)
        assert new not in (None, old)
        assert new == await memory.open_chat(MIO)
        assert await texts(memory) == await shown(memory) == []
        assert await texts(memory, chat=old) == await texts(memory, chat=InChats.ALL) == ["I have a cat", "How nice"]
        await talk(memory, "good morning", "Good morning")
        assert await texts(memory) == await shown(memory) == ["good morning", "Good morning"]
        assert (await texts(memory, chat=InChats.ALL))[1:3] == ["How nice", "good morning"]

    async def test_an_earlier_chat_goes_on_where_it_was_left(self, memory: Memory) -> None:
        await talk(memory, "I have a cat", "How nice")
        old = await memory.open_chat(MIO)
        await memory.change_chat(MIO, None)
        await talk(memory, "good morning")
        assert await memory.change_chat(MIO, old) == old
        assert await shown(memory) == ["I have a cat", "How nice"]
        await talk(memory, "She is called Minka")
        assert await texts(memory) == await shown(memory) == ["I have a cat", "How nice", "She is called Minka"]

    async def test_what_was_said_in_chats_that_were_left_is_known_in_the_next_one_until_a_memo_is_made_of_it(
        self, memory: Memory
    ) -> None:
        await talk(memory, "I have a cat", "How nice")
        old = await memory.open_chat(MIO)
        await memory.change_chat(MIO, None)
        await talk(memory, "She is called Minka")
        await memory.change_chat(MIO, None)
        await talk(memory, "good morning")

        async def known() -> list[str]:
            return [entry.text for entry in await memory.recent(MIO, with_left=True)]

        assert await known() == ["I have a cat", "How nice", "She is called Minka", "good morning"]
        await memory.change_chat(MIO, old)
        assert await known() == ["She is called Minka", "good morning", "I have a cat", "How nice"]

    async def test_while_nothing_was_said_in_it_the_open_chat_is_the_new_one(self, memory: Memory) -> None:
        await talk(memory, "hello")
        new = await memory.change_chat(MIO, None)
        assert await memory.change_chat(MIO, None) == new
        assert len((await memory.chats(MIO)).chats) == 2

    async def test_a_chat_in_which_nothing_was_said_is_gone_once_it_is_left(self, memory: Memory) -> None:
        await talk(memory, "hello")
        old = await memory.open_chat(MIO)
        new = await memory.change_chat(MIO, None)
        await memory.change_chat(MIO, old)
        assert [chat.id for chat in (await memory.chats(MIO)).chats] == [old]
        assert await memory.change_chat(MIO, new) is None
        assert await memory.open_chat(MIO) == old

    async def test_what_was_said_in_one_chat_is_recalled_and_found_in_another(self, memory: Memory) -> None:
        await talk(memory, "My cat is called Minka", "How nice")
        await memory.change_chat(MIO, None)
        assert (await recalled(memory, "what is my cat called?"))[0] == "My cat is called Minka"
        assert [line.text for line in await memory.find(MIO, "Minka")] == ["My cat is called Minka"]

    async def test_chats_are_listed_by_their_newest_words_under_the_first_ones(self, memory: Memory) -> None:
        await talk(memory, "first of one", "yes?")
        one = await memory.open_chat(MIO)
        await memory.change_chat(MIO, None)
        await talk(memory, "first of two", "yes?")
        await memory.change_chat(MIO, one)
        await talk(memory, "more of one")
        assert [chat.title for chat in (await memory.chats(MIO)).chats] == ["first of one", "first of two"]
        assert all(not chat.is_named and chat.last_at for chat in (await memory.chats(MIO)).chats)

    async def test_a_chat_is_called_what_the_user_calls_it(self, memory: Memory) -> None:
        await talk(memory, "hello")
        chat = await memory.open_chat(MIO)
        assert await memory.rename_chat(MIO, chat, "Holidays")
        assert [(one.title, one.is_named) for one in (await memory.chats(MIO)).chats] == [("Holidays", True)]
        assert await memory.rename_chat(MIO, chat, "")
        assert [(one.title, one.is_named) for one in (await memory.chats(MIO)).chats] == [("hello", False)]
        assert not await memory.rename_chat(MIO, chat + 9, "Nothing")

    async def test_a_deleted_chat_is_gone_with_all_that_was_said_in_it(self, memory: Memory) -> None:
        ids = await talk(memory, "I have a cat", "How nice")
        old = await memory.open_chat(MIO)
        await memory.change_chat(MIO, None)
        await talk(memory, "good morning")
        assert await memory.delete_chat(MIO, old) == ids
        assert [chat.title for chat in (await memory.chats(MIO)).chats] == ["good morning"]
        assert await texts(memory, chat=InChats.ALL) == ["good morning"]
        assert await recalled(memory, "cat") == []


class RecallBehaviour:
    async def test_evidence_says_who_said_what_when_and_why_it_was_recalled(self, memory: Memory) -> None:
        stored = await memory.store(MIO, new_line("My cat is called Biscuit.", speaker="Anna"))
        (evidence,) = await memory.recall(MIO, "What is my cat's name?")
        assert (evidence.text, evidence.role, evidence.speaker) == ("My cat is called Biscuit.", "user", "Anna")
        assert (evidence.at, evidence.layer, evidence.sources) == (START, "line", (stored.line.id,))
        assert "cat" in evidence.reason.words
        assert evidence.score > 0

    @pytest.mark.parametrize(
        ("line", "query"),
        [
            ("My cat is called Biscuit.", "What is my cat's name?"),
            ("我的猫叫年糕", "我的猫叫什么"),
            ("私の猫はモチという名前です", "私の猫の名前は"),
            ("내 고양이 이름은 호두야", "내 고양이 이름이 뭐야?"),
            ("Мою кошку зовут Муся", "как зовут мою кошку?"),
        ],
    )
    async def test_what_was_said_long_ago_is_recalled(self, memory: Memory, line: str, query: str) -> None:
        await memory.store(MIO, new_line(line, at=START - timedelta(days=200)))
        await talk(memory, "What shall we cook tonight?", "Noodles with cabbage!", "今天天气真好", "明日は雨だって")
        assert (await recalled(memory, query))[0] == line

    async def test_nothing_is_recalled_of_an_unknown_character(self, memory: Memory) -> None:
        assert await memory.recall("nobody", "the cat") == []

    async def test_an_earlier_question_does_not_hide_its_answer(self, memory: Memory) -> None:
        await memory.store(MIO, new_line("my cat is called Biscuit"))
        question = await memory.store(MIO, new_line("what is my cat called?"))
        again = await memory.store(MIO, new_line("what is my cat called?"))
        results = await memory.recall(MIO, "what is my cat called?", before=again.line.id)
        assert results[0].text == "my cat is called Biscuit"
        assert all(source <= question.line.id for one in results for source in one.sources)
        assert [one.score for one in results] == sorted((one.score for one in results), reverse=True)

    async def test_the_users_words_go_before_the_characters(self, memory: Memory) -> None:
        await talk(memory, "I live in Oslo.", "You live in Oslo.")
        assert (await recalled(memory, "where in Oslo do I live"))[0] == "I live in Oslo."

    async def test_a_recall_keeps_to_its_limit(self, memory: Memory) -> None:
        await talk(memory, *(f"the garden in year {year}" for year in range(8)))
        assert len(await recalled(memory, "garden", limit=3)) == 3
        assert await recalled(memory, "garden", limit=0) == []

    async def test_a_time_can_be_asked_for_beside_a_subject_or_alone(self, memory: Memory) -> None:
        for month in (3, 5, 7):
            for text in (f"the garden of month {month}", f"rain in month {month}"):
                await memory.store(MIO, new_line(text, at=datetime(2026, month, 3, 12)))
        may = datetime(2026, 5, 1), datetime(2026, 6, 1)
        assert (await recalled(memory, "garden", within=may))[0] == "the garden of month 5"
        assert not {one for one in await recalled(memory, "garden", within=may) if "month 5" not in one}
        assert set(await recalled(memory, "", within=may)) == {"the garden of month 5", "rain in month 5"}
        assert await recalled(memory, "garden", within=(datetime(2026, 1, 1), datetime(2026, 2, 1))) == []

    async def test_nothing_is_made_up_for_an_unknown_subject(self, memory: Memory) -> None:
        await talk(memory, "My cat is called Biscuit.", "What a name!")
        assert await recalled(memory, "volcano eruptions") == []
        assert await recalled(memory, "") == []
        assert await recalled(memory, "?! …") == []
        assert await recalled(memory, "what is it") == []

    @pytest.mark.parametrize("query", ["HERONS", "heron river", "ver mor", "She", "白鹭", "été", "ÉTÉ", "100%_"])
    async def test_every_line_that_holds_the_words_is_found_newest_first(self, memory: Memory, query: str) -> None:
        said = [
            "I saw two herons by the river this morning",
            "今天看到两只白鹭",
            "L'Été is over, 100%_ sure",
            "He said herons again, over the river. Morning!",
        ]
        await talk(memory, *said)
        words = query.casefold().split()
        expected = [text for text in reversed(said) if all(word in text.casefold() for word in words)]
        assert [line.text for line in await memory.find(MIO, query)] == expected

    async def test_a_search_goes_on_before_what_was_found(self, memory: Memory) -> None:
        ids = await talk(memory, *[f"heron {number}" for number in range(5)])
        assert [line.text for line in await memory.find(MIO, "heron", limit=2)] == ["heron 4", "heron 3"]
        further = await memory.find(MIO, "heron", limit=2, before=ids[3])
        assert [line.text for line in further] == ["heron 2", "heron 1"]

    @pytest.mark.parametrize("query", ["", "  ", "nothing of the kind"])
    async def test_nothing_is_found_where_nothing_fits(self, memory: Memory, query: str) -> None:
        await talk(memory, "hello", "hello you")
        assert await memory.find(MIO, query) == []

    async def test_a_replaced_reply_is_not_found(self, memory: Memory) -> None:
        first = await memory.store(MIO, new_line("a heron", "assistant"))
        await memory.store(MIO, new_line("two herons", "assistant", replaces=first.line.id))
        assert [line.text for line in await memory.find(MIO, "heron")] == ["two herons"]

    async def test_a_replaced_reply_is_not_recalled(self, memory: Memory) -> None:
        _, old = await talk(memory, "hello", "the volcano said no")
        await memory.store(MIO, new_line("welcome", "assistant", replaces=old))
        assert await recalled(memory, "volcano") == []


async def _said_three_ways(memory: Memory) -> list[int]:
    """A question and the ids of the versions of its answer."""
    await memory.store(MIO, new_line("which cat?", at=START - timedelta(minutes=1)))
    ids: list[int] = []
    for number, words in enumerate(["a lion", "a tiger", "a lynx"]):
        line = new_line(
            words,
            "assistant",
            at=START + timedelta(minutes=number),
            replaces=ids[-1] if ids else None,
            status="complete" if number else "interrupted",
        )
        ids.append((await memory.store(MIO, line)).line.id)
    return ids
