"""What makes one line a better answer than another."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from neko.memory import asked, time_expressions
from neko.memory.search import Query, search
from neko.memory.service import MemoryService
from neko.memory.words import plain
from neko.types.lines import Role
from neko.types.memory import Because, Reason
from tests.memory.memory_folder import MIO, NAMES, START, MemoryFolder, new_line, say

CELLOS: Sequence[tuple[Role, str]] = (
    ("user", "I bought a cello last week."),
    ("assistant", "How lovely!"),
    ("user", "My neighbour practises xylophones at night."),
    ("assistant", "Oh dear."),
    ("user", "My daughter plays the cello at school."),
    ("assistant", "She must be talented."),
)


@pytest.fixture
async def memory(memory_folder: MemoryFolder) -> MemoryService:
    """Of some talk about instruments."""
    memory = await memory_folder.open()
    for number, (role, text) in enumerate(CELLOS):
        await say(memory, text, role, at=START + timedelta(minutes=number))
    return memory


async def _found(memory_folder: MemoryFolder, query: str, *told: str, limit: int = 5) -> list[str]:
    memory = await memory_folder.open()
    for number, text in enumerate(told):
        await memory.store(MIO, new_line(text, at=START + timedelta(minutes=number)))
    return [one.text for one in await memory.recall(MIO, query, limit=limit)]


async def test_a_short_word_is_not_found_inside_another(memory_folder: MemoryFolder) -> None:
    told = ("The vacation education was delicate.", "Two cats sat there.", "A cat's life")
    assert set((await _found(memory_folder, "my cat", *told))[:2]) == {"Two cats sat there.", "A cat's life"}
    assert await _found(memory_folder, "lion", "A million pavilions") == []


async def test_a_word_is_found_in_other_forms_and_in_capitals(memory_folder: MemoryFolder) -> None:
    assert await _found(memory_folder, "did I paint?", "PAINTING calms me") == ["PAINTING calms me"]
    found = await _found(memory_folder, "was ist mit überstunden", "Überstunden sind doof")
    assert found[0] == "Überstunden sind doof"


async def test_a_latin_word_is_found_next_to_any_other_script_or_sign(memory_folder: MemoryFolder) -> None:
    for name in ("Leo", "Python"):
        told = (f"我的猫叫{name}，很乖", f'they call him "{name}"', f"{name}!", f"it is\n{name}")
        memory = await memory_folder.open()
        for text in told:
            await memory.store(name, new_line(text))
        assert {one.text for one in await memory.recall(name, f"{name}是谁")} == set(told)


async def test_a_rare_word_counts_more_than_a_frequent_one(memory_folder: MemoryFolder) -> None:
    told = [f"work was long on day {number}" for number in range(20)]
    assert (await _found(memory_folder, "work with the theremin", *told, "I play the theremin"))[
        0
    ] == "I play the theremin"


async def test_the_newer_of_two_like_lines_comes_first(memory_folder: MemoryFolder) -> None:
    found = await _found(memory_folder, "favourite tea", "my favourite tea is green", "my favourite tea is black")
    assert found == ["my favourite tea is black", "my favourite tea is green"]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Where do I live?", ["I live in Oslo.", "It rains a lot here.", "I live in Bergen now.", "The food is good."]),
        ("我住在哪里", ["他说我住在北京。", "今天天气很好。", "我住在上海。", "这里的菜不错。"]),
        ("我住在哪里", ["他说我住在北京。", "我住在上海。", "今天天气很好。"]),
        ("Where do I live?", ["My boss thinks I live in Rome.", "I live in Bergen.", "It rains."]),
    ],
)
async def test_how_things_are_now_is_told_by_the_user_and_by_the_last_word(
    memory_folder: MemoryFolder, question: str, told: list[str]
) -> None:
    assert "Bergen" in (best := (await _found(memory_folder, question, *told))[0]) or "上海" in best


async def test_what_is_so_no_longer_comes_behind_unless_it_is_asked_for(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    told = [
        "I live in Oslo.",
        "It rains.",
        "I moved from Oslo to Bergen.",
        *(f"Day {day} was fine." for day in range(60)),
    ]
    for number, text in enumerate(told):
        await memory.store(MIO, new_line(text, at=START + timedelta(minutes=number)))
    await memory.learn(MIO, None)
    assert (await memory.recall(MIO, "Do I live in Oslo or in Bergen?"))[0].text == told[2]
    assert (await memory.recall(MIO, "Where did I live before, in Oslo?"))[0].text in (told[0], told[2])


async def test_the_same_words_are_recalled_once(memory_folder: MemoryFolder) -> None:
    found = await _found(memory_folder, "tea", "I like Tea", "I like tea", "tea again")
    assert sorted(found) == ["I like tea", "tea again"]


async def test_the_answer_to_a_question_is_found_without_its_words(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "What is your cat called?", "assistant")
    await say(memory, "Biscuit!")
    await say(memory, "Lovely weather here.")
    assert (await memory.recall(MIO, "the name of my cat"))[0].text == "Biscuit!"


async def test_the_time_before_a_reply_is_not_searched(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "hello there", "assistant")
    assert await memory.recall(MIO, "sun 20260222") == []


async def test_words_that_mean_something_to_sqlite_are_only_words(memory_folder: MemoryFolder) -> None:
    told = ("100% of [it] * ?", 'it\'s "quoted" -- ; DROP')
    assert (await _found(memory_folder, "quoted ' OR 1=1 -- %_*[a]", *told))[0] == 'it\'s "quoted" -- ; DROP'


async def test_the_answer_that_replaced_another_is_found_by_its_question(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "What is the capital of Peru?")
    first = await say(memory, "It is Cuzco, I believe.", "assistant")
    recalled = await memory.recall(MIO, "capital of Peru")
    assert recalled[0].text == "It is Cuzco, I believe."
    await say(memory, "It is Lima.", "assistant", replaces=first)
    recalled = await memory.recall(MIO, "capital of Peru")
    assert recalled[0].text == "It is Lima."


async def test_replies_that_were_replaced_push_nothing_out(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "My cat, the one that I got from the shelter by the river last autumn, is called Biscuit.")
    last = await say(memory, "Biscuit cat 0", "assistant")
    for number in range(1, 40):
        last = await say(memory, f"Biscuit cat {number}", "assistant", replaces=last)
    recalled = [one.text for one in await memory.recall(MIO, "Biscuit?")]
    assert any("shelter" in text for text in recalled)
    assert not any(text == "Biscuit cat 3" for text in recalled)


async def test_what_was_said_on_a_day_is_recalled_without_a_word_of_it(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    for days, text in enumerate(("We baked bread.", "The heron was back.", "It rained.", "I sold the boat.")):
        await say(memory, text, at=START + timedelta(days=7 * days))
    now = START + timedelta(days=8)
    recalled = await memory.recall(MIO, "What did I tell you yesterday?", now=now, limit=1)
    assert [one.text for one in recalled] == ["The heron was back."]
    recalled = await memory.recall(MIO, "上周我说了什么？", now=START + timedelta(days=20), limit=1)
    assert [one.text for one in recalled] == ["It rained."]


async def test_of_two_lines_about_it_that_of_the_day_is_meant(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    for days in range(4):
        await say(memory, f"I painted picture {days}", at=START + timedelta(days=30 * days))
    recalled = await memory.recall(MIO, "What did I paint in March?", now=START + timedelta(days=200))
    assert recalled[0].at.month == 3


async def test_a_short_question_leans_on_what_was_said_before_it(memory_folder: MemoryFolder) -> None:
    told = ("My sister is a violin maker.", "The job of the baker is hard.", "My uncle lives in Rome.")
    memory = await memory_folder.open()
    for number, text in enumerate(told):
        await say(memory, text, at=START + timedelta(days=number))
    context = ("Do you remember my sister?", "Of course!")
    recalled = await memory.recall(MIO, "And what is she doing?", context=context)
    assert recalled[0].text == told[0]
    assert await memory.recall(MIO, "And what is she doing?") == []


async def test_whose_words_are_asked_for_counts(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    for number, (role, text) in enumerate((("user", "The sea book is good"), ("assistant", "The sea book is dull"))):
        await say(memory, text, role, at=START + timedelta(days=number))  # type: ignore[arg-type]
    for query, expected in (
        ("what did you say of the sea book", "The sea book is dull"),
        ("what did I say of the sea book", "The sea book is good"),
        ("what does Mio think of the sea book", "The sea book is dull"),
        ("what does Anna think of the sea book", "The sea book is good"),
    ):
        assert (await memory.recall(MIO, query))[0].text == expected, query


@pytest.mark.parametrize(
    ("query", "companions", "users"),
    [
        ("What film would you recommend?", "A film is a strip of celluloid.", "That film by Ozu, I loved it."),
        ("Can you suggest me a film?", "You asked me for a film before.", "I'm really into any film by Ozu."),
        ("给我推荐一部电影吧", "电影是一种艺术。", "我很喜欢科幻电影。"),
        ("おすすめの映画は？", "映画は1895年に生まれました。", "ミステリー映画が大好きです。"),
        ("영화 추천해 줘", "영화는 예술입니다.", "나는 공포 영화를 좋아해."),
    ],
)
async def test_who_asks_for_advice_is_told_by_what_was_said_of_liking(
    memory_folder: MemoryFolder, query: str, companions: str, users: str
) -> None:
    memory = await memory_folder.open()
    await say(memory, users)
    for number, (role, text) in enumerate((("assistant", companions), ("user", companions.replace(" ", "  "))), 1):
        await say(memory, text, role, at=START + timedelta(days=number))  # type: ignore[arg-type]
    assert (await memory.recall(MIO, query))[0].text == users


async def test_advice_that_was_given_is_in_the_words_of_who_gave_it(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "I recommend the book Middlemarch to you.", "assistant")
    await say(memory, "I love a book with maps, and I prefer long ones.", at=START + timedelta(days=1))
    assert (await memory.recall(MIO, "Which book did you recommend?"))[0].role == "assistant"


async def test_what_is_to_be_done_is_found_by_how_it_is_told(memory_folder: MemoryFolder) -> None:
    told = ("I need to call the dentist.", "The list of birds was long.", "What a lovely day.")
    for query in ("Which tasks are left on my list?", "What appointments are coming?"):
        assert (await _found(memory_folder, query, *told))[0] == told[0], query
    assert (await _found(memory_folder, "我的待办有哪些？", "我需要给牙医打电话。", "天气真好。"))[
        0
    ] == "我需要给牙医打电话。"


async def test_what_is_done_is_not_left_to_do(memory_folder: MemoryFolder) -> None:
    told = ("Well!\nI need to paint the door.", "I no longer need to paint the fence.")
    assert (await _found(memory_folder, "Which tasks are left to do?", *told))[0] == told[0]


async def test_an_amount_is_found_in_figures(memory_folder: MemoryFolder) -> None:
    told = ("The coffee cost me 4 euros.", "The coffee cost me a smile.", "Coffee must cost something.")
    assert (await _found(memory_folder, "How much does the coffee cost?", *told))[0] == told[0]


async def test_the_companion_who_is_asked_to_remember_is_not_who_said_it(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "My sister plays the violin.")
    await say(memory, "A sister is a sibling.", "assistant", at=START + timedelta(days=1))
    for query in ("Can you tell me about the sister?", "Do you remember the sister?"):
        assert (await memory.recall(MIO, query))[0].role == "user", query


async def test_words_that_nobody_asked_for_answer_no_part_of_the_question(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "I love and enjoy and prefer tea.")
    [found] = await memory.recall(MIO, "Can you suggest me a telescope?")
    assert found.coverage == 0.0


class Meaning:
    """Vectors that know one line."""

    def __init__(self, line: int) -> None:
        self.line = line

    def nearest(self, connection: sqlite3.Connection, count: int, end: int) -> list[int]:
        return [self.line]

    def cosines(self, connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, float]:
        return {line: 0.9 if line == self.line else 0.1 for line in ids}

    def likenesses(self, connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, Any]:
        return {}


async def test_a_line_that_is_near_in_meaning_is_recalled_without_a_common_word(memory_folder: MemoryFolder) -> None:
    ids = await memory_folder.talked("I am allergic to walnuts", *(f"line {number}" for number in range(20)))
    query = Query("Is a brownie dangerous?", limit=3, end=1_000, now=START)
    with closing(sqlite3.connect(memory_folder.log)) as connection:
        assert search(connection, NAMES, query) == []
        found = search(connection, NAMES, replace(query, nearness=Meaning(ids[0])))
    assert found[0].text == "I am allergic to walnuts"


async def test_lines_that_hold_two_common_words_are_found_among_very_many(memory_folder: MemoryFolder) -> None:
    """Each of the words stands in more lines than are looked up for one word."""
    await memory_folder.talked("the heron eats fish")
    with closing(sqlite3.connect(memory_folder.log)) as connection, connection:
        herons = [(line, "heron") for line in range(20, 5_000)]
        fish = [(line, "fish") for line in range(6_000, 11_000)]
        rows = [(line, START.timestamp(), word, word) for line, word in herons + fish]
        connection.executemany("INSERT INTO neko_words VALUES (?, ?, 1, 0, 'anna', ?, ?)", rows)
        found = search(connection, NAMES, Query("heron and fish", limit=1, end=20_000, now=START))
    assert [one.sources for one in found] == [(1,)]


async def test_it_is_said_why_a_line_that_holds_no_word_of_the_question_was_found(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    for number, text in enumerate(("We paint the fence.", "I was in Lyon.")):
        await memory.store(MIO, new_line(text, at=START + timedelta(days=number)))
    reasons = {
        one.text: one.reason for one in await memory.recall(MIO, "What was yesterday?", now=START + timedelta(days=2))
    }
    assert reasons["I was in Lyon."] == Reason(Because.THEN)


async def test_a_word_that_most_lines_hold_is_recalled_for_nobody_and_found_by_who_looks_for_it(
    memory_folder: MemoryFolder,
) -> None:
    memory = await memory_folder.open()
    for number in range(120):
        await memory.store(MIO, new_line(f"more tea, cup {number}", at=START + timedelta(minutes=number)))
    assert await memory.recall(MIO, "tea") == []
    assert len(await memory.recall(MIO, "tea", is_search=True)) == 5


SMALL_TALK = ("The bus was late again.", "我把厨房打扫了一遍。", "昨日は財布を家に忘れた。", "열쇠를 못 찾겠어.")


async def test_what_people_ask_every_day_is_found_without_a_word_of_the_question(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    asked_for = {
        "What can't I eat?": "Walnuts are out, I'm allergic.",
        "我不能吃什么？": "我对核桃过敏。",
        "私が食べられないものは？": "私はくるみアレルギーなんだ。",
        "내가 못 먹는 음식은?": "호두 알레르기가 있어.",
        "Do I have any pets?": "Our tabby sleeps all day.",
        "我是做什么的？": "我在仁和医院值夜班。",
        "私の出身は？": "函館の港のそばで育ったよ。",
        "요즘 나 잠은 잘 자?": "거의 매일 새벽 세 시까지 뒤척여.",
    }
    for text in (*SMALL_TALK, *asked_for.values(), *SMALL_TALK):
        await say(memory, text)
    for question, told in asked_for.items():
        best, *others = await memory.recall(MIO, question)
        assert best.text == told, question
        assert max((one.fit for one in others), default=0.0) < best.fit, question


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Who is my boss?", ["My manager Heidi wants a report."]),
        ("Who are my neighbours?", ["Old Mr Feathers downstairs feeds the pigeons."]),
        ("How can one call me?", ["My phone number is 0171 5550199."]),
        ("What should I not eat?", ["I can't stand coriander.", "Cashews were in it and I swell up from those."]),
        ("What will my new job be?", ["I handed in my notice, starting at a wind farm in June."]),
        ("What is my salary?", ["I earn 2,900 a month after tax."]),
        ("Dinner recommendation please", ["I adore mushrooms.", "Nuts are out, I'm allergic."]),
        ("我的老板是谁？", ["我们经理周海燕每周一都要开会。"]),
        ("我有室友吗？", ["我和晓彤合租，她从来不洗碗。"]),
        ("我的血型是什么？", ["我是B型血。"]),
        ("晚饭推荐", ["我最爱吃蘑菇。", "我对虾过敏。"]),
        ("私の上司は誰？", ["課長の大西さんは厳しい。"]),
        ("私のあだ名は？", ["みんなまーちゃんって呼ぶよ。"]),
        ("彼女の名前は？", ["彼女の美咲は木曜まで屋久島に行ってる。"]),
        ("うちの猫の名前は？", ["猫が二匹になったよ、新しい子はビスケット。"]),
        ("夕飯のおすすめは？", ["きのこが大好きなんだ。", "エビアレルギーなんだ。"]),
        ("내 상사가 누구야?", ["우리 팀장 한지우는 매주 회의를 해."]),
        ("내 룸메이트는 누구야?", ["수진이랑 같이 사는데 설거지를 안 해."]),
        ("저녁 추천", ["버섯을 정말 좋아해.", "새우 알레르기가 있어."]),
        ("Wer ist mein Boss?", ["Meine Chefin Heidi will einen Bericht."]),
        ("Habe ich Haustiere?", ["Unsere Katze Minka schnurrt."]),
        ("Wie groß bin ich?", ["Ich messe 184 cm."]),
        ("Was soll ich heute Abend kochen?", ["Ich liebe Pilze.", "Ich habe eine Nussallergie."]),
    ],
)
async def test_relations_and_what_is_known_of_the_user_are_found_in_other_words(
    memory_folder: MemoryFolder, question: str, told: list[str]
) -> None:
    memory = await memory_folder.open()
    for text in (*SMALL_TALK, *told, *SMALL_TALK, *(f"Der Bus kam um {hour} Uhr." for hour in range(24))):
        await say(memory, text)
    found = await memory.recall(MIO, question)
    assert {one.text for one in found if one.fit >= 0.5} == set(told)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Which film by Ozu did my boss tell us to see in Kyoto?", "See Late Spring by Ozu in Kyoto."),
        ("我去厦门旅游的时候最喜欢的景点是鼓浪屿还是南普陀？", "厦门的鼓浪屿景点很美。"),
    ],
)
async def test_a_question_that_names_more_is_for_what_it_names(
    memory_folder: MemoryFolder, question: str, told: str
) -> None:
    memory = await memory_folder.open()
    for text in ("My boss was late.", *SMALL_TALK, told, *SMALL_TALK, "我以后想去旅游。"):
        await say(memory, text)
    assert (await memory.recall(MIO, question))[0].text == told


async def test_what_stands_beside_the_fact_that_is_asked_for_hardly_fits(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    for text in ("The bus was late again.", "Ottilie has nine bee hives.", "I need a new lamp.", "The lift is broken."):
        await say(memory, text)
        await say(memory, f"I see: {len(text)}.", "assistant")
    found = await memory.recall(MIO, "What does Ottilie have?", limit=20)
    assert [one.text for one in found if one.fit >= 0.5 and one.role == "user"] == ["Ottilie has nine bee hives."]
    assert len(found) > 1


@pytest.mark.parametrize(
    ("fact", "question", "reply"),
    [
        ("We got a dog from the shelter and named him Basalt.", "What's my dog called?", "That is quite a day."),
        ("我的狗叫墨点，是只边牧。", "你还记得我的狗叫什么名字吗？", "听起来真不错。"),
    ],
)
async def test_what_was_asked_earlier_keeps_no_answer_out_of_the_prompt(
    memory_folder: MemoryFolder, fact: str, question: str, reply: str
) -> None:
    memory = await memory_folder.open()
    for text in ("The bus was late again.", fact, "I need a new lamp.", "The lift is broken.", question):
        await say(memory, text)
        await say(memory, reply, "assistant")
    found = await memory.recall(MIO, question, limit=20)
    told = [one.text for one in found if one.fit >= 0.5]
    assert fact in told
    assert question not in told


@pytest.mark.parametrize(
    ("question", "is_told"), [("母のお店は何の店？", True), ("夜の店は何の店？", False), ("月について教えて", False)]
)
async def test_a_word_of_one_ideograph_is_enough_where_it_stands_alone(
    memory_folder: MemoryFolder, question: str, is_told: bool
) -> None:
    memory = await memory_folder.open()
    fact = "母は花屋を開きました。"
    for text in (
        fact,
        "来月、沖縄で泳ぐつもりです。",
        *("今日は雨だね。", "バスが遅れたよ。", "今夜も静かだね。") * 20,
    ):
        await say(memory, text)
    told = [one.text for one in await memory.recall(MIO, question, limit=20) if one.fit >= 0.5]
    assert (fact in told) == is_told
    assert is_told or not told


@pytest.mark.parametrize(
    "words",
    [
        *("Good morning!", "谢谢，晚安。", "おはよう、元気？", "안녕, 잘 지내?"),
        *(
            "Haha, that's hilarious!",
            "Wow, cool. I see.",
            "你今天怎么样？",
            "哈哈，太搞笑了！",
            "へえ、すごいね！",
            "와, 진짜 대박!",
        ),
        *("Ach so, das ist ja krass!", "How are you today?"),
    ],
)
async def test_a_greeting_asks_for_nothing(memory_folder: MemoryFolder, words: str) -> None:
    told = (
        "It was cool and hilarious today.",
        "搞笑的电影太好看了。",
        "すごい映画だった。",
        "진짜 대박이었어.",
        "Krass war das ja nicht.",
        "The morning was cold.",
        "晚上好安静。",
        "元気な犬だった。",
        "친구가 잘 지내고 있대.",
    )
    assert await _found(memory_folder, words, *told) == []


@pytest.mark.parametrize(
    "words", ["Is Nice nice?", "Why is the sky blue today?", "好吃的面包", "Really, the tram?", "?"]
)
def test_what_says_anything_more_asks_for_something(words: str) -> None:
    assert asked.asks_nothing(plain(words)) == (words == "?")


async def test_what_a_search_loads_at_its_first_time_is_there_before_the_first_turn(
    memory_folder: MemoryFolder,
) -> None:
    memory = await memory_folder.open()
    await say(memory, "Was there snow in Oslo?")
    await memory.aclose()
    loaded = (time_expressions._readings, asked._everyday)
    for one in loaded:
        one.cache_clear()
    memory = await memory_folder.open()
    await memory.recent(MIO)
    await memory._background.idle(MIO)
    assert [one.cache_info().misses for one in loaded] == [1, 1]
    await memory.recall(MIO, "Did it snow in Oslo?")
    assert [one.cache_info().misses for one in loaded] == [1, 1]


class _Cosines:
    """A question that is so near to these lines, and has no word of theirs."""

    def __init__(self, cosines: Mapping[int, float]) -> None:
        self._cosines = cosines

    def nearest(self, _connection: sqlite3.Connection, _count: int, _end: int) -> Sequence[int]:
        return list(self._cosines)

    def cosines(self, _connection: sqlite3.Connection, _ids: Sequence[int]) -> Mapping[int, float]:
        return self._cosines

    def likenesses(self, _connection: sqlite3.Connection, _ids: Sequence[int]) -> Mapping[int, Any]:
        return {}


async def test_by_meaning_alone_only_what_is_about_as_near_as_the_nearest_fits(memory_folder: MemoryFolder) -> None:
    ids = await memory_folder.talked("The tram was full.", "Our cat ate the fern.", "The lift is slow.", "I like tea.")
    nearness = _Cosines(dict(zip(ids, (0.4, 0.55, 0.35, 0.53), strict=True)))
    with closing(sqlite3.connect(memory_folder.log)) as connection:
        found = search(connection, NAMES, Query("Who spoilt my plants?", 9, 2**62, START, nearness=nearness))
    assert {one.text for one in found if one.fit >= 0.5} == {"Our cat ate the fern.", "I like tea."}


async def test_a_text_whose_bytes_the_disk_has_changed_is_recalled_as_far_as_it_can_be_read(
    memory_folder: MemoryFolder,
) -> None:
    await memory_folder.talked("I saw a heron", "A heron at the lake")
    memory_folder.sql("UPDATE neko_words SET text = CAST(x'ff' || text AS TEXT) WHERE id = 1")
    memory = await memory_folder.open()
    assert {one.text for one in await memory.recall(MIO, "heron")} == {"I saw a heron", "A heron at the lake"}


@pytest.mark.parametrize("words", ["cello", "Cello, school!", "CELLOS"])
async def test_who_looks_for_words_finds_what_holds_them_and_not_what_was_said_beside_it(
    memory: MemoryService, words: str
) -> None:
    found = await memory.recall(MIO, words, limit=10, is_search=True)
    assert {one.text for one in found} == {CELLOS[0][1], CELLOS[4][1]}


@pytest.mark.parametrize("question", ["Who plays the cello?", "what about the cello"])
async def test_to_a_question_belongs_what_was_said_beside_what_fits_which_is_told_as_that(
    memory: MemoryService, question: str
) -> None:
    reasons = {one.text: one.reason.because for one in await memory.recall(MIO, question, limit=10, is_search=True)}
    assert reasons["My daughter plays the cello at school."] is Because.MENTIONS
    assert reasons["She must be talented."] is Because.BESIDE


@pytest.mark.parametrize(
    ("text", "is_words"),
    [
        ("cello", True),
        ("New York, cello!", True),
        ("Lena's e-mail", True),
        ("大提琴 学校", True),
        ("チェロ", True),
        ("첼로 학교", True),
        ("cello?", False),
        ("who plays cello", False),
        ("cello at school", False),
        ("谁拉大提琴", False),
        ("チェロはどこ", False),
        ("첼로 어디", False),
        ("one two three four five", False),
        ("", False),
    ],
)
def test_words_that_are_looked_for_are_told_from_a_question(text: str, is_words: bool) -> None:
    assert asked.is_words(plain(text)) is is_words


@pytest.mark.parametrize(
    "question",
    [
        "What did we talk about last time?",
        "When did we last speak?",
        "When was the last time we talked?",
        "Where did we leave off?",
        "上次我们聊了什么？",
        "我們上次是什麼時候聊的？",
        "我们上回说到哪了？",
        "前回は何を話したっけ？",
        "この前何の話をした？",
        "最後に話したのはいつ？",
        "지난번에 우리 무슨 얘기 했지?",
        "우리 마지막으로 언제 얘기했지?",
        "Worüber haben wir letztes Mal gesprochen?",
        "Wann haben wir zuletzt gesprochen?",
    ],
)
async def test_what_the_last_talk_was_about_is_told_by_its_lines_and_their_day(
    memory_folder: MemoryFolder, question: str
) -> None:
    memory, now = await memory_folder.open(), START + timedelta(days=40)
    talks = {1: "I bought a cello.", 34: "Mrs Hansen teaches me.", 40: "Good morning!"}
    for day, text in talks.items():
        await say(memory, text, at=START + timedelta(days=day))
    found = await memory.recall(MIO, question, now=now + timedelta(minutes=5), limit=1)
    assert [(one.text, one.at, one.reason.because) for one in found] == [
        (talks[34], START + timedelta(days=34), Because.THEN)
    ]


@pytest.mark.parametrize(
    "question",
    [
        "When was the last time I went to Oslo?",
        "What did we say last time about Lena?",
        "我上次去北京是什么时候",
        "前回の歯医者はいつ？",
        "지난번에 간 병원이 어디야?",
    ],
)
def test_a_last_time_of_something_else_is_no_question_for_the_last_talk(question: str) -> None:
    assert not asked.is_of_last_talk(plain(question))
