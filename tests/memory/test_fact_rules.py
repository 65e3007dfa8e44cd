"""What people state of themselves is found by rule, as a note that can be read on its own."""

from __future__ import annotations

from datetime import datetime

import pytest

from neko.memory.fact_rules import facts, stated
from neko.memory.learning import by_rule
from neko.types.lines import UNKNOWN_TIME, Line


@pytest.mark.parametrize(
    ("language", "sentence", "found"),
    [
        ("en", "My favourite film is Spirited Away.", [("likes", "favourite film is Spirited Away")]),
        ("zh", "我最喜欢的颜色是蓝色。", [("likes", "最喜欢的颜色是蓝色")]),
        ("ja", "私のいちばん好きな色は青です。", [("likes", "いちばん好きな色は青")]),
        ("ko", "제가 제일 좋아하는 색은 파란색이에요.", [("likes", "제일 좋아하는 색은 파란색")]),
        ("en", "I live in Oslo and work as a baker.", [("home", "Oslo"), ("job", "baker")]),
        ("en", "My mum's name is Ruth.", [("family", "mum's name is Ruth")]),
        ("en", "I'm 34 and I live in Rome.", [("home", "Rome"), ("age", "34")]),
        ("en", "I turned 35 last week.", [("age", "35")]),
        ("en", "I'm studying law at Oslo University.", [("education", "law at Oslo University")]),
        ("zh", "我今年三十岁，在北大读法律系。", [("age", "三十岁")]),
        ("zh", "我现在在北大读法律专业。", [("education", "北大读法律专业")]),
        ("ja", "私は30歳です。", [("age", "30歳")]),
        ("ja", "大学で法律を勉強しています。", [("education", "大学で法律")]),
        ("ko", "저는 올해 서른 살이에요.", [("age", "서른 살")]),
        ("ko", "제 전공은 법학이에요.", [("education", "법학")]),
        ("en", "He says I should eat; I live in Oslo.", [("home", "Oslo")]),
        ("en", "My mum always said that I love it.", [("family", "mum always said that I love it")]),
        ("ja", "息子は5歳です。", [("family", "息子は5歳です")]),
        ("zh", "我下周五要去北京出差。", [("plan", "下周五要去北京出差")]),
        ("zh-TW", "我下週五要去台北出差。", [("plan", "下週五要去台北出差")]),
    ],
)
def test_a_statement_is_kept_with_what_it_is_about(language: str, sentence: str, found: list[tuple[str, str]]) -> None:
    assert stated(sentence, language) == found


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("zh", "我喜欢的人离开了。"),
        ("zh", "我最讨厌的人是他。"),
        ("zh", "我明天会告诉你答案。"),
        ("ja", "好きな人は誰ですか"),
        ("en", "My mum's cat is fat."),
        ("en", "I know a man and work as usual."),
        ("en", "I love her and I can't stand him."),
        ("ko", "저는 개를 키우지 않아요."),
        ("ja", "猫はモモといいます。"),
        ("en", "I'm 5 minutes late."),
        ("en", "I'm 100% sure."),
        ("en", "I'm 34 weeks pregnant."),
        ("en", "I study every evening."),
        ("en", "He says I live in Rome."),
        ("en", "Everyone tells me I'm a nurse."),
        ("zh", "他说我住在上海。"),
        ("zh", "我五岁的时候搬走了。"),
    ],
)
def test_what_only_looks_like_a_statement_is_none(language: str, sentence: str) -> None:
    assert stated(sentence, language) == []


@pytest.mark.parametrize(
    ("language", "sentence", "now", "before"),
    [
        ("en", "I used to like coffee, now I drink tea.", ("likes", "tea"), ("likes", "coffee")),
        ("en", "I moved from Oslo to Bergen.", ("home", "Bergen"), ("home", "Oslo")),
        ("en", "I used to be a teacher, but now I'm a nurse.", ("job", "nurse"), ("job", "teacher")),
        ("en", "I used to hate olives but now I love them.", ("likes", "olives"), ("dislikes", "olives")),
        ("en", "I don't live in Oslo anymore.", None, ("home", "Oslo")),
        ("zh-CN", "我以前喜欢喝咖啡，现在喜欢喝茶。", ("likes", "喝茶"), ("likes", "喝咖啡")),
        ("zh-CN", "我从北京搬到了上海。", ("home", "上海"), ("home", "北京")),
        ("zh-CN", "我不再喜欢咖啡了。", None, ("likes", "咖啡")),
        ("zh-TW", "我以前住在台北，現在住在高雄。", ("home", "高雄"), ("home", "台北")),
        ("zh-TW", "我以前是老師，現在是護士。", ("job", "護士"), ("job", "老師")),
        ("ja", "以前はコーヒーが好きだったけど、今はお茶が好きです。", ("likes", "お茶"), ("likes", "コーヒー")),
        ("ja", "東京から大阪に引っ越しました。", ("home", "大阪"), ("home", "東京")),
        ("ja", "以前は教師でしたが、今は看護師です。", ("job", "看護師"), ("job", "教師")),
        ("ko", "예전에는 커피를 좋아했는데 지금은 차를 좋아해요.", ("likes", "차"), ("likes", "커피")),
        ("ko", "서울에서 부산으로 이사했어요.", ("home", "부산"), ("home", "서울")),
        ("ko", "저는 예전에 교사였는데 지금은 간호사예요.", ("job", "간호사"), ("job", "교사")),
    ],
)
def test_what_is_so_no_longer_is_told_from_what_is(
    language: str, sentence: str, now: tuple[str, str] | None, before: tuple[str, str]
) -> None:
    expected = [(*now, False)] if now else []
    assert sorted(facts(sentence, language)) == sorted([*expected, (*before, True)])


@pytest.mark.parametrize(
    "sentence",
    ["I moved from marketing to sales.", "I am not a doctor.", "Now I eat dinner.", "我现在吃饭。", "我之前吃了药。"],
)
def test_what_only_looks_like_a_change_is_none(sentence: str) -> None:
    assert facts(sentence) == []


@pytest.mark.parametrize(
    ("language", "sentence", "found"),
    [
        (
            "en",
            "I work as a carpenter in Oslo and my sister Ingrid is a pilot.",
            [("job", "carpenter"), ("family", "sister Ingrid is a pilot")],
        ),
        ("en", "I work at Google and live in Zurich.", [("home", "Zurich"), ("job", "Google")]),
        ("en", "I'm allergic to peanuts and I hate olives.", [("dislikes", "olives"), ("allergy", "peanuts")]),
        ("en", "My name is Tom and I was born in 1990 in Kyoto.", [("name", "Tom"), ("birthday", "1990")]),
        ("en", "I like tea and coffee.", [("likes", "tea and coffee")]),
        ("zh-CN", "我喜欢喝茶但是妹妹喜欢咖啡。", [("likes", "喝茶")]),
        ("zh-TW", "我的名字是小美而且我住在高雄。", [("name", "小美"), ("home", "高雄")]),
        ("ko", "고양이를 키워요.", [("pet", "고양이")]),
    ],
)
def test_a_value_ends_where_another_clause_begins(language: str, sentence: str, found: list[tuple[str, str]]) -> None:
    assert stated(sentence, language) == found


@pytest.mark.parametrize(
    ("language", "sentence", "home"),
    [
        ("ja", "母は大阪に住んでいます。", []),
        ("ja", "友達は京都に住んでいます。", []),
        ("ja", "田中さんはパリに引っ越しました。", []),
        ("ja", "母は大阪に住んでいて、私は東京に住んでいます。", ["東京"]),
        ("ja", "妹と大阪に住んでいます。", ["大阪"]),
        ("ko", "어머니는 부산에 살아요.", []),
        ("ko", "저는 서울에 살고 어머니는 부산에 살아요.", ["서울"]),
        ("zh-CN", "我朋友住在北京。", []),
        ("zh-CN", "我妈妈住在大阪，我住在东京。", ["东京"]),
        ("zh-TW", "我和媽媽住在台南。", ["台南"]),
    ],
)
def test_what_is_said_of_others_is_not_true_of_the_speaker(language: str, sentence: str, home: list[str]) -> None:
    assert [value for attribute, value in stated(sentence, language) if attribute == "home"] == home


@pytest.mark.parametrize(
    ("language", "sentence", "attribute", "value"),
    [
        ("en", "my bday is 11/30", "birthday", "11/30"),
        ("en", "Got a dentist appointment on Tuesday at 3", "plan", "a dentist appointment on Tuesday at 3"),
        ("en", "My interview is the day after tomorrow", "plan", "interview is the day after tomorrow"),
        ("zh", "下周五我要去东京", "plan", "下周五我要去东京"),
        ("zh", "下禮拜五我要去東京", "plan", "下禮拜五我要去東京"),
        ("zh", "我生日十一月三十", "birthday", "十一月三十"),
        ("zh", "11月30号是我的生日哦", "birthday", "11月30号"),
        ("ja", "来週の金曜日に東京へ行く", "plan", "来週の金曜日に東京へ行く"),
        ("ja", "あさって面接です", "plan", "あさって面接"),
        ("ja", "11/30生まれです", "birthday", "11/30"),
        ("ko", "모레 면접 봐", "plan", "모레 면접 봐"),
        ("ko", "다음 주 금요일에 도쿄에 가", "plan", "다음 주 금요일에 도쿄에 가"),
    ],
)
def test_a_day_that_is_told_in_passing_is_noted(language: str, sentence: str, attribute: str, value: str) -> None:
    assert (attribute, value) in stated(sentence, language)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "My brother turns 30 tomorrow"),
        ("en", "If I turn 30 tomorrow I'll cry"),
        ("zh", "下周五我妈要去东京"),
        ("zh", "如果明天我要去东京"),
        ("zh", "明天我要你陪我去"),
        ("zh", "我妈生日十一月三十"),
        ("zh", "11月30号是我妈的生日"),
        ("ja", "あさって弟の面接です"),
        ("ja", "弟は11/30生まれです"),
        ("ko", "동생이 내일 도쿄에 가"),
        ("ko", "모레 동생 면접 봐"),
    ],
)
def test_the_day_of_somebody_else_is_not_the_speakers(language: str, sentence: str) -> None:
    assert not {"plan", "birthday"} & {attribute for attribute, _ in stated(sentence, language)}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("It's my birthday today!", "31 December"),
        ("My birthday is tomorrow.", "1 January"),
        ("明天是我的生日。", "1月1日"),
        ("我的生日是后天。", "1月2日"),
        ("明日は私の誕生日です。", "1月1日"),
        ("내일은 제 생일이에요.", "1월 1일"),
        ("Morgen ist mein Geburtstag.", "1.1."),
        ("I turn 30 tomorrow!", "1 January"),
        ("My birthday is on 12 March.", "12 March"),
    ],
)
def test_a_birthday_told_by_the_day_is_kept_as_a_day_of_the_year(said: str, kept: str) -> None:
    def learnt(at: datetime) -> list[str]:
        return [fact.value for fact in by_rule([Line(1, "s", "t", "user", "", said, at)], "en")]

    assert learnt(datetime(2026, 12, 31, 22)) == [kept]
    assert learnt(UNKNOWN_TIME) != [kept] or kept == "12 March"
