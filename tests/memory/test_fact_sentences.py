"""What natural sentences tell of the speaker by rule: compound ones, plans, wishes, negations, what others say.

In each table a sentence stands with all that may come of it, "-" before what is so no longer. A wrong fact is worse
than none: of most of them nothing comes, or only a plan.
"""

from __future__ import annotations

import pytest

from neko.memory.fact_rules import facts, sentences

ENGLISH = {
    "I am 34 years old and live in Lyon.": "age 34 years old, home Lyon",
    "My age is 41.": "age 41",
    "My birthday is on 12 March.": "birthday 12 March",
    "I moved to Bergen and live in Bergen now.": "home Bergen",
    "I work at Google and live in Zurich.": "job Google, home Zurich",
    "I work as a nurse, live in Leeds and have two cats.": "job nurse, home Leeds, pet two cats",
    "I grew up in Turin but live in Milan.": "home Milan",
    "I used to live in Madrid and now live in Porto.": "home Porto, -home Madrid",
    "I used to live in Madrid and work as a baker.": "-home Madrid",
    "I'm a nurse and my sister lives in Ghent.": "job nurse, family sister lives in Ghent",
    "I'm allergic to nuts but I'm not allergic to eggs.": "allergy nuts",
    "I don't live in Oslo and I never worked as a chef.": "",
    "I want to live in Paris.": "",
    "I would love to quit my job and live in Oslo.": "",
    "I'd live in Rome and work as a chef.": "",
    "I'm going to move to Berlin and work as a chef.": "plan move to Berlin",
    "If I lived in Rome I would work as a chef.": "",
    "I wish I lived in Rome.": "",
    "My sister says I live in a zoo and work as a clown.": "family sister says I live in a zoo",
    "I know people who paint and live in Rome.": "",
    "My friend lives in Ghent and works as a baker.": "",
    "Guess where I live in Oslo.": "",
    "Do I live in Oslo.": "",
    "I don't think I like jazz.": "",
    "I never lived in Rome and I might like tea.": "",
    "I live in a small flat.": "",
    "I live in the Netherlands.": "home the Netherlands",
    "I work in the morning.": "",
    "I'm almost 30 and I'm a friend of a nurse.": "",
    "I nearly moved to Rome, but I live in Turin.": "home Turin",
    "I hate coffee but love tea.": "dislikes coffee, likes tea",
    "Maybe I like tea.": "",
    "My name is not Tom.": "",
    "Call me tomorrow.": "",
    "I almost moved to Rome.": "",
    "I was a teacher and lived in Rome.": "",
}
CHINESE = {
    "我是学法律的。": "education 法律",
    "我學的是法律。": "education 法律",
    "我今年三十岁，住在上海，是一名护士。": "age 三十岁, home 上海, job 护士",
    "我住在杭州并且在阿里工作。": "home 杭州, job 阿里",
    "我喜欢猫但是不喜欢狗。": "likes 猫, dislikes 狗",
    "我不是老师，我是医生。": "job 医生",
    "我以前住在北京，现在住在上海。": "home 上海, -home 北京",
    "我妹妹住在广州，在银行工作。": "family 妹妹住在广州",
    "我打算明年搬到柏林。": "plan 明年搬到柏林",
    "我想住在巴黎。": "",
    "我快要搬到深圳了。": "",
    "我不住在北京。": "",
    "我没住在北京。": "",
    "我对花生不过敏。": "",
    "如果我住在海边就好了。": "",
    "要是我是医生就好了。": "",
    "他说我住在上海，在银行工作。": "",
    "我住在哪里来着。": "",
    "我以为我对花生过敏。": "",
    "我小时候住在北京。": "-home 北京",
    "我叫小明，今年28岁，住在成都。": "name 小明, age 28岁, home 成都",
    "我喜欢住在海边。": "likes 住在海边",
    "我是医生的儿子。": "",
    "我三岁的时候住在香港。": "",
    "我叫了外卖。": "",
    "我快三十岁了。": "",
    "老师说我喜欢画画。": "",
    "我是不是老师。": "",
    "我本来住在北京。": "",
    "我不想在银行工作。": "",
}
JAPANESE = {
    "先月京都に引っ越しました。": "home 京都",
    "三年前に京都に引っ越してきました。": "home 京都",
    "東京に住んでいて、看護師として働いています。": "home 東京, job 看護師",
    "私は30歳で、大阪に住んでいます。": "age 30歳, home 大阪",
    "犬が好きで、猫は苦手です。": "likes 犬, dislikes 猫",
    "以前は京都に住んでいましたが、今は東京に住んでいます。": "home 東京, -home 京都",
    "母は大阪に住んでいて、看護師として働いています。": "family 母は大阪に住んでいて、看護師として働いています",
    "大学で法律を勉強しています。": "education 大学で法律",
    "以前看護師として働いていました。": "-job 看護師",
    "来月30歳になります。": "",
    "私は医者の娘です。": "",
    "札幌に住んでいるらしいです。": "",
    "私は今年から看護師として働いています。": "job 看護師",
    "私は犬より猫が好きです。": "likes 猫",
    "仕事は大変です。": "",
    "猫が好きなのは母です。": "",
    "犬が好きになりたい。": "",
    "来月京都に引っ越します。": "",
    "京都に引っ越す予定です。": "plan 京都に引っ越す",
    "私は京都に引っ越したいです。": "",
    "京都に引っ越したら教えてね。": "",
    "京都には住んでいません。": "",
    "京都に住んでいない。": "",
    "京都に住んでみたい。": "",
    "もし京都に住んでいたら毎日お寺に行きます。": "",
    "友達が私は京都に住んでいると言っていました。": "",
    "私は看護師ではありません。": "",
    "私は医者になりたいです。": "",
    "卵アレルギーはありません。": "",
    "卵アレルギーじゃないです。": "",
    "看護師として働きたいです。": "",
    "看護師として働いていません。": "",
    "大学で法律を勉強したいです。": "",
}
KOREAN = {
    "서울에 살고 있고 딸기를 좋아해요.": "home 서울, likes 딸기",
    "저는 간호사이고 부산에 살아요.": "job 간호사, home 부산",
    "저는 서른 살이고 대구에 살아요.": "age 서른 살, home 대구",
    "커피는 좋아하지만 술은 싫어해요.": "likes 커피, dislikes 술",
    "지난달에 부산으로 이사했어요.": "home 부산",
    "서울에서 태어나서 부산에 살고 있어요.": "home 부산",
    "예전에는 서울에 살았는데 지금은 부산에 살아요.": "home 부산, -home 서울",
    "매운 음식을 안 좋아해요.": "dislikes 매운 음식",
    "강아지를 키우고 있고 공원을 좋아해요.": "pet 강아지, likes 공원",
    "고양이를 키우고 싶어요.": "",
    "새우 알레르기가 있는지 몰라요.": "",
    "부산에 살았으면 좋겠어요.": "",
    "저는 커피보다 차를 좋아해요.": "likes 차",
    "엄마는 커피를 좋아하고 저는 차를 좋아해요.": "likes 차",
    "엄마는 커피를 좋아해요.": "",
    "저는 강아지를 안 키워요.": "",
    "아마 저는 새우 알레르기가 있어요.": "",
    "제 생일은 5월 3일이고 차를 좋아해요.": "birthday 5월 3일, likes 차",
    "다음 달에 부산으로 이사할 거예요.": "",
    "부산으로 이사하고 싶어요.": "",
    "서울에 살고 싶어요.": "",
    "서울에서 일하고 싶어요.": "",
    "서울에 살면 좋겠어요.": "",
    "서울에 살지 않아요.": "",
    "저는 서울에 살고 있지 않아요.": "",
    "저는 간호사가 아니에요.": "",
    "저는 의사가 되고 싶어요.": "",
    "친구가 제가 서울에 산다고 했어요.": "",
    "언니는 대전에 살고 은행에서 일해요.": "",
    "땅콩 알레르기는 없어요.": "",
    "땅콩 알레르기가 없어요.": "",
    "딸기를 좋아하지 않아요.": "",
    "딸기를 좋아하는 친구가 있어요.": "",
}
CASES = [
    (language, said, told)
    for language, of in (("en", ENGLISH), ("zh", CHINESE), ("ja", JAPANESE), ("ko", KOREAN))
    for said, told in of.items()
]


@pytest.mark.parametrize(("language", "said", "told"), CASES)
def test_a_sentence_tells_this_and_nothing_else(language: str, said: str, told: str) -> None:
    found = [
        f"{'-' * ended}{attribute} {value}"
        for sentence in sentences(said)
        for attribute, value, ended in facts(sentence, language)
    ]
    assert sorted(found) == sorted(filter(None, told.split(", ")))
