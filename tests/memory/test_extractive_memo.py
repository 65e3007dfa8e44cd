"""What is kept when no model makes the memo, and what is found to be a fact."""

from __future__ import annotations

import json

import pytest

from neko.memory import memo
from neko.memory.fact_rules import sentences, stated
from neko.settings import ASSETS
from neko.types.memory import RecentEntry
from tests.memory.memory_folder import NAMES

STATED = [
    ("I am allergic to walnuts", "allergy", "walnuts"),
    ("My sister Clara builds violins in Cremona.", "family", "sister Clara builds violins in Cremona"),
    ("We moved to Bergen last winter", "home", "Bergen"),
    ("I hate coffee but she loves tea", "dislikes", "coffee"),
    ("I have a job interview on the ninth of March", "plan", "a job interview on the ninth of March"),
    ("我对核桃过敏", "allergy", "核桃"),
    ("去年冬天我们搬到了大连", "home", "大连"),
    ("我不喜歡香菜", "dislikes", "香菜"),
    ("我叫小明", "name", "小明"),
    ("わたしはくるみアレルギーです", "allergy", "くるみ"),
    ("去年の冬に函館へ引っ越しました", "home", "函館"),
    ("三月九日に面接があります", "plan", "三月九日に面接があります"),
    ("제 이름은 민수예요", "name", "민수"),
    ("저는 부산에 살아요", "home", "부산"),
    ("호두 알레르기가 있어", "allergy", "호두"),
]


@pytest.mark.parametrize(("sentence", "attribute", "value"), STATED)
def test_what_people_state_of_themselves_is_found(sentence: str, attribute: str, value: str) -> None:
    assert stated(sentence) == [(attribute, value)]


@pytest.mark.parametrize(
    "sentence", ["Do I like tea?", "I love you", "我喜欢茶吗", "お茶が好き?", "나는 커피를 좋아해?", "ok"]
)
def test_a_question_states_nothing(sentence: str) -> None:
    assert not [one for text in sentences(sentence) for one in stated(text)]


def test_every_language_has_patterns_for_the_same_facts() -> None:
    files = [json.loads(path.read_text(encoding="utf-8")) for path in (ASSETS / "facts").iterdir()]
    assert len(files) == 5
    assert all(file.keys() == files[0].keys() for file in files)


@pytest.mark.parametrize(
    ("facts", "small_talk"),
    [
        (["I am allergic to walnuts.", "My cat is called Biscuit."], "today the rain went on and on and on"),
        (["我对核桃过敏。", "我的猫叫饼干。"], "今天又整理了书架"),
        (["わたしはくるみアレルギーです。", "うちの猫の名前はビスケットです。"], "今日も棚を片づけて"),
    ],
)
def test_facts_stay_in_the_memo_through_a_hundred_turns_of_small_talk(facts: list[str], small_talk: str) -> None:
    window = [RecentEntry("user", facts[0])]
    for turn in range(100):
        said = facts[1] if turn == 20 else f"{small_talk}."
        window += [RecentEntry("user", said), RecentEntry("assistant", "My cat is called Tom.")]
        if len(window) > 10:
            window = [RecentEntry("system", memo.extract(window[:-9], NAMES)), *window[-9:]]
    assert window[0].text.splitlines() == [f"Anna: {fact}" for fact in facts]
    assert len(window[0].text) <= memo.LIMIT


def test_when_there_is_too_much_the_newest_facts_stay() -> None:
    window = [RecentEntry("user", f"My sister Clara builds violin number {number}.") for number in range(40)]
    lines = memo.extract(window, NAMES).splitlines()
    assert lines[-1].endswith("number 39.")
    assert len(lines) > 5
    assert len("\n".join(lines)) <= memo.LIMIT


@pytest.mark.parametrize(
    ("fact", "deeds", "small_talk"),
    [
        (
            "I am allergic to walnuts.",
            ["I painted a lantern on the balcony this morning while it rained.", "We sold the old bicycle."],
            "What a grey morning it is, all in all.",
        ),
        ("我对核桃过敏。", ["我在阳台上画了一盏灯笼。", "我们卖掉了旧自行车。"], "今天天气真灰。"),
        ("わたしはくるみアレルギーです。", ["ベランダで提灯を塗りました。", "古い自転車を売った。"], "灰色の朝だね。"),
        ("나는 호두 알레르기가 있어.", ["베란다에서 등불을 칠했어.", "낡은 자전거를 팔았어요."], "흐린 아침이네."),
    ],
)
def test_what_people_did_stays_too_where_there_is_room(fact: str, deeds: list[str], small_talk: str) -> None:
    window = [RecentEntry("user", text) for text in (fact, small_talk, *deeds, small_talk)]
    assert memo.extract(window, NAMES).splitlines() == [f"Anna: {text}" for text in (fact, *deeds)]


def test_of_many_deeds_the_newest_stay_by_their_beginnings_and_none_in_place_of_a_fact() -> None:
    deeds = [f"I painted {thing} on the balcony this morning while it rained." for thing in map("x".__mul__, range(40))]
    window = [RecentEntry("user", text) for text in ("I am allergic to walnuts.", *deeds)]
    lines = memo.extract(window, NAMES).splitlines()
    assert lines[0] == "Anna: I am allergic to walnuts."
    assert lines[-1].startswith(f"Anna: I painted {'x' * 30}")
    assert len(lines) > 9
    assert len("\n".join(lines)) <= memo.LIMIT


def test_of_mere_small_talk_the_beginnings_are_kept() -> None:
    assert memo.extract([RecentEntry("user", "hm"), RecentEntry("assistant", "well")], NAMES) == "Anna: hm\nMio: well"


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (
            ["I live in Oslo.", "I love coffee."],
            ["I moved from Oslo to Bergen.", "I used to like coffee, now I drink tea."],
        ),
        (["我住在北京。", "我喜欢咖啡。"], ["我从北京搬到了上海。", "我以前喜欢咖啡，现在喝茶。"]),
        (["東京に住んでいます。"], ["東京から大阪に引っ越しました。"]),
        (["서울에 살아요."], ["서울에서 부산으로 이사했어요."]),
    ],
)
def test_what_is_so_no_longer_makes_room_for_what_is(before: list[str], now: list[str]) -> None:
    earlier = memo.extract([RecentEntry("user", text) for text in before], NAMES)
    later = memo.extract([RecentEntry("system", earlier), *(RecentEntry("user", text) for text in now)], NAMES)
    assert earlier.splitlines() == [f"Anna: {text}" for text in before]
    assert later.splitlines() == [f"Anna: {text}" for text in now]


@pytest.mark.parametrize(
    "said",
    [
        ["My boss Mr. Okafor wants the quarterly slides by noon again."],
        ["My dentist is Dr. Ayala, near the station.", "I live in St. Gallen."],
        ["Meine Chefin Fr. Weber will bis mittags die Folien."],
        ["My interview is at 5 p.m. on Tuesday, with Acme Inc. in Leeds.", "It starts at 5 p.m.", "My boss agrees."],
        ["I met J. Klein and J. R. Okafor.", "We moved to the U.S.", "My sister stayed."],
        ["Look at example.com, it costs 3.50.", "No. 5 is mine.", "No.", "I live in Ghent."],
        ["Wir unterschreiben am 5. für das Haus.", "Bis 14. August sind wir weg.", "i am 12.", "my cat is old."],
        ["Ich bin z.B. Lehrer, bzw. Dozent, z. B. für Kunst.", "Das war am 3. Juni.", "Ich heiße Jonas."],
        ["i live in oslo.", "it was vitamin C.", "I like tea, coffee etc. and so on."],
        ["私は健太です。", "猫がいます。"],
    ],
)
def test_a_sentence_ends_at_no_abbreviation(said: list[str]) -> None:
    assert sentences(" ".join(said)) == said


EVENINGS = {
    "en": (
        [
            "Hey! I'm Tobias by the way, but everyone calls me Tobi.",
            "So today was one of those days where everything at work took twice as long as it should, honestly.",
            "My boss Mr. Okafor wants the slides by noon again, so I was "
            "at my desk at seven this morning with a cold coffee.",
            "We moved last weekend, from Leeds to a tiny flat in Bristol near the "
            "harbour, and half of the boxes are still unopened.",
            "My girlfriend Yara is away till Thursday, she's climbing in the "
            "Dolomites with her sister and some friends from university.",
            "The wifi password in the new flat is bluebird-4711, I keep forgetting it.",
            "The spare key is with Mrs. Chandra on the second floor, in case I lock myself out again.",
            "I'm severely allergic to cashews, had to go to hospital once when I was twelve.",
            "Then I watched two episodes of that show about the submarine and fell asleep on the sofa at Nine.",
            "The rain in Bristol is really something, it was raining on "
            "Monday and on Tuesday and it will rain on Wednesday.",
            "I bought a new umbrella at the shop on Park Street, it broke within an hour, typical.",
            "Yara turns thirty on Monday and I have no present yet.",
            "What do you think about umbrellas?",
            "I made soup with leeks and it was okay I guess.",
            "My dentist appointment is at 5 p.m. on Friday.",
        ],
        ["Tobias|Tobi", "Okafor", "Bristol", "Yara", "bluebird-4711", "Chandra", "cashews", "thirty", "5 p.m."],
    ),
    "ja": (
        [
            "俺は健太、よろしくね。",
            "今日は仕事がすごく忙しくて、朝から晩までずっと会議だったよ。",
            "上司の田中さんがまた昼までに資料を出せって言うんだ。",
            "先週末に横浜の港の近くの小さい部屋に引っ越したんだ、まだ段ボールだらけだけどね。",
            "彼女の由美は木曜まで山に登りに行ってる。",
            "新しい部屋のWi-Fiのパスワードはkumo4711だよ、すぐ忘れちゃうんだ。",
            "合鍵は二階の佐藤さんに預けてある。",
            "カシューナッツのアレルギーがあって、一度病院に運ばれたことがある。",
            "それから潜水艦のドラマを二話見て、ソファで寝ちゃった。",
            "雨がすごくて、月曜も火曜も降ってたよ。",
            "駅前の店で新しい傘を買ったんだけど、一時間で壊れた。",
            "由美は月曜に三十歳になるのに、まだプレゼントがない。",
            "傘ってどう思う？",
            "ネギのスープを作ったけど、まあまあだった。",
            "金曜の五時に歯医者の予約があるんだ。",
        ],
        ["健太", "田中", "横浜", "由美", "kumo4711", "佐藤", "カシュー", "三十歳", "歯医者"],
    ),
    "zh": (
        [
            "我叫周浩，你好呀。",
            "今天工作特别忙，从早上一直开会开到晚上。",
            "老板欧总又要我中午前交季度的幻灯片。",
            "我们上周末从合肥搬到了厦门，住在港口附近的小公寓，箱子还没拆完。",
            "我女朋友小雯去爬山了，周四才回来。",
            "新家的wifi密码是yun4711，我老是忘。",
            "备用钥匙放在二楼的陈阿姨那里。",
            "我对腰果过敏，小时候还为这个进过医院。",
            "后来我看了两集潜水艇的电视剧，在沙发上睡着了。",
            "雨下得真大，星期一下，星期二也下。",
            "我在车站前买了一把新伞，一个小时就坏了。",
            "小雯下周一就三十岁了，我还没买礼物。",
            "你觉得伞怎么样？",
            "我做了大葱汤，一般般吧。",
            "周五下午五点我要去看牙医。",
        ],
        ["周浩", "欧总", "厦门", "小雯", "yun4711", "陈阿姨", "腰果", "三十岁", "牙医"],
    ),
    "ko": (
        [
            "안녕, 나는 민수야.",
            "오늘은 일이 너무 바빠서 아침부터 저녁까지 계속 회의만 했어.",
            "우리 부장 김철호 씨가 또 점심까지 자료를 내래.",
            "지난 주말에 대전에서 부산으로 이사했어, 항구 근처 작은 원룸인데 아직 상자가 가득해.",
            "여자친구 지은이는 목요일까지 등산 갔어.",
            "새집 와이파이 비밀번호는 gureum4711이야, 자꾸 까먹어.",
            "여분 열쇠는 이층 박 아주머니한테 맡겼어.",
            "나는 캐슈너트 알레르기가 있어, 어릴 때 병원에 실려 간 적도 있어.",
            "그리고 잠수함 드라마를 두 편 보고 소파에서 잠들었어.",
            "비가 정말 많이 와, 월요일도 오고 화요일도 왔어.",
            "역 앞에서 새 우산을 샀는데 한 시간 만에 망가졌어.",
            "지은이가 월요일에 서른이 되는데 아직 선물이 없어.",
            "우산 어떻게 생각해?",
            "대파 수프를 만들었는데 그냥 그랬어.",
            "금요일 다섯 시에 치과 예약이 있어.",
        ],
        ["민수", "김철호", "부산", "지은", "gureum4711", "박 아주머니", "캐슈", "서른", "치과"],
    ),
    "de": (
        [
            "Hallo, ich bin Tobias, aber alle nennen mich Tobi.",
            "Heute war einer dieser Tage, an denen in der Arbeit alles doppelt so lange gedauert hat wie nötig.",
            "Mein Chef Herr Klein will bis mittags wieder die Folien für das Quartal, "
            "deshalb saß ich schon um sieben mit kaltem Kaffee am Schreibtisch.",
            "Wir sind am Wochenende von Kassel nach Leipzig gezogen, in eine kleine "
            "Wohnung am Hafen, und die Hälfte der Kisten ist noch zu.",
            "Meine Freundin Yara ist bis Donnerstag weg, sie klettert in den "
            "Dolomiten mit ihrer Schwester und ein paar Freunden.",
            "Das WLAN-Passwort in der neuen Wohnung ist wolke-4711, ich vergesse es ständig.",
            "Der Ersatzschlüssel liegt bei Frau Yilmaz im zweiten Stock, falls ich mich wieder aussperre.",
            "Ich bin allergisch gegen Cashews und musste deswegen schon mal ins Krankenhaus.",
            "Dann habe ich zwei Folgen von der Serie über das U-Boot gesehen und bin auf dem Sofa eingeschlafen.",
            "Der Regen in Leipzig ist wirklich unglaublich, er hört nie auf und der Himmel ist grau.",
            "Ich habe einen neuen Schirm im Laden am Bahnhof gekauft, der war nach einer Stunde kaputt.",
            "Yara wird am Montag dreißig und ich habe noch kein Geschenk.",
            "Was hältst du von Schirmen?",
            "Ich habe eine Suppe mit Lauch gekocht, die war so lala.",
            "Am Freitag um 17 Uhr habe ich einen Zahnarzttermin.",
        ],
        ["Tobi", "Leipzig", "Yara", "Klein", "dreißig", "wolke-4711", "Yilmaz", "Cashews", "17 Uhr"],
    ),
}
"""What somebody tells of an evening, in whole sentences, and the words that are looked for again."""


@pytest.mark.parametrize("language", EVENINGS)
def test_of_a_whole_evening_names_people_home_keys_and_days_stay(language: str) -> None:
    said, words = EVENINGS[language]
    for window in (said, said * 2):
        made = memo.extract([RecentEntry("user", text) for text in window], NAMES, language.replace("de", "en"))
        assert len(made) <= memo.LIMIT
        assert [word for word in words if not any(one in made for one in word.split("|"))] == []


def test_a_line_is_cut_to_what_it_tells_where_not_all_have_room() -> None:
    told = "My boss Mr. Okafor wants the slides, so I was at my desk at seven with a cold coffee and no idea."
    assert memo.extract([RecentEntry("user", told)], NAMES).endswith(told)
    others = [f"Then Clara paints {number * 'x'} on Monday." for number in range(20)]
    made = memo.extract([RecentEntry("user", text) for text in (*others, told)], NAMES)
    assert made.endswith("My boss Mr. Okafor wants the slides")


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ("The wifi password, in case you need it, is bluebird, and I keep forgetting it.", "bluebird"),
        ("The wifi password is easy, it's bluebird-4711, and I keep forgetting it.", "bluebird-4711"),
        ("Der Schlüssel, falls du ihn brauchst, liegt unter der Matte, wie immer.", "Matte"),
        ("wifi密码，你记一下，是蓝鸟4711，我老是忘。", "蓝鸟4711"),
        ("パスワード、忘れちゃうけど、青い鳥4711なんだ、覚えてて。", "青い鳥4711"),
        ("先週末に引っ越したんだ、岐阜から神戸の港の近くの小さい部屋へ", "神戸"),
    ],
)
def test_a_line_is_not_cut_before_the_password_the_key_or_the_new_home(told: str, word: str) -> None:
    others = [f"Then Clara paints {number * 'x'} on Monday." for number in range(20)]
    assert word in memo.extract([RecentEntry("user", text) for text in (*others, told)], NAMES)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("My sister's phone number, in case I lose it, is 555-0182", "555-0182"),
        ("the door code is 4471, the alarm is 9902, and I mix them up all the time", "the alarm is 9902"),
        ("Our address is 12 Elm Road, door code 4471, third floor", "4471"),
        (
            "my boss, Dr. Whitlock, moved the deadline to Wednesday again, of all the days there are",
            "to Wednesday again",
        ),
        ("Our landlord, Mr. Petrossian, will raise the rent to 940 euros, starting as soon as he can", "940 euros"),
        ("My partner, Ines, is pregnant, and the two of us have told nobody else", "Ines, is pregnant"),
        ("Mein Chef, Herr Wittkopf, hat die Frist wieder auf Mittwoch verlegt, wie jedes Mal", "Mittwoch verlegt"),
        ("我妹妹的电话，万一我丢了，是5550182，你帮我记一下好不好呀拜托拜托啦", "5550182"),
        ("彼女の由美が妊娠した、三月に生まれる、まだ誰にも言ってないけどね、本当に", "三月に生まれる"),
        ("여자친구 지은이가 임신했어, 3월에 낳아, 아직 아무한테도 말 안 했어", "3월에 낳아"),
    ],
)
def test_a_line_is_cut_behind_the_last_of_what_it_tells(told: str, kept: str) -> None:
    others = [f"Then Clara paints {number * 'x'} on Monday." for number in range(20)]
    assert kept in memo.extract([RecentEntry("user", text) for text in (*others, told)], NAMES)


def test_a_line_that_tells_something_is_not_cut_for_deeds() -> None:
    told = "My boss Mr. Okafor wants the slides, so I was at my desk at seven with a cold coffee and no idea."
    deeds = [f"I painted {thing} on the balcony this morning while it rained." for thing in map("x".__mul__, range(9))]
    made = memo.extract([RecentEntry("user", text) for text in (told, *deeds)], NAMES)
    assert made.startswith(f"Anna: {told}\n")


@pytest.mark.parametrize("passing", ["my head hurts a bit", "I cleaned the kitchen and then did the laundry"])
def test_what_passes_gives_way_to_names_however_often_a_memo_is_made(passing: str) -> None:
    named = [f"we met {name} at the harbour of the old town today" for name in ("Ozols", "Petra", "Whitlock", "Amaru")]
    made = memo.extract([RecentEntry("user", text) for text in (*named, passing)], NAMES)
    for number in range(3):
        later = [RecentEntry("user", f"the harbour of Tallinn is far from {name}") for name in ("Riga", "Oulu")]
        made = memo.extract([RecentEntry("system", made), *later[: number + 1], RecentEntry("user", passing)], NAMES)
    filled = memo.extract(
        [RecentEntry("system", made), *(RecentEntry("user", f"and {'Clara' + 'x' * n} sang") for n in range(30))], NAMES
    )
    assert passing in made
    assert passing not in filled


def test_short_lines_of_a_german_talk_name_nobody() -> None:
    said = ["es ist spät", "das ist nicht gut", "ich wohne in Rostock", "erst mal Kaffee", "mittags gab es Nudeln"]
    assert memo.extract([RecentEntry("user", text) for text in said], NAMES) == "Anna: ich wohne in Rostock"
