"""What a model answers that is no memo of the talk, that what is one counts, and that none loses the one before."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from neko.memory.memo import LIMIT, summary, unwrapped
from neko.memory.no_memo import NoMemoError, memo_of
from neko.memory.service import MemoryService
from neko.memory.telling_words import is_lost
from tests.memory.memory_folder import MIO, MemoryFolder, say, window

TALKS = {
    "en": (
        "Sam | I am allergic to cashews, they put me into hospital.",
        "Sam | Yara turns thirty on Monday. Can you give me the text for the slides of my boss, please?",
        "Mio | Mm. I see. Sorry, how can I help you with the conversation?",
        "Sam | We moved from Leeds to a tiny flat in Bristol near the harbour.",
    ),
    "zh": (
        "阿浩 | 我对腰果过敏。",
        "阿浩 | 小雯周一就三十岁了，请帮我看看",
        "Mio | 好的，抱歉，我知道了。",
        "阿浩 | 我们搬到了厦门。",
    ),
    "ja": (
        "健太 | 横浜に住んでいます。申し訳ありませんが、手伝ってください",
        "Mio | わかりました。会話を送ってください",
        "健太 | 上司は田中さんです",
    ),
    "ko": (
        "민수 | 부산에 살아요. 대화 내용을 보내 주세요",
        "Mio | 네, 알겠습니다. 죄송해요",
        "민수 | 상사는 김 부장이에요",
    ),
    "de": (
        "Jonas | Ich wohne in Leipzig, mein Chef heißt Klein.",
        "Mio | Alles klar, tut mir leid. Wie kann ich helfen?",
    ),
}
TALK = "\n".join(TALKS["en"] * 10)

NO_MEMOS = {
    "en": (
        "I'm sorry, I can't help with that.",
        "As an AI language model, I can't summarize personal conversations.",
        "I apologize, but I am unable to continue.",
        "word " * 2_000,
        "Mm. I see.",
        "Okay.",
        "Understood, I'll keep that in mind.",
        "Here is the memo:",
        "Here's a concise summary of the conversation:\n",
        "**Memo:**",
        "None.",
        "Sure! Please provide the conversation you would like me to summarise.",
        "Certainly! Could you please provide the text you'd like me to summarize?",
        "It seems that there is no conversation provided.",
        "Hello! How can I assist you today?",
        "I understand. Let me know if you have any questions.",
        "Thank you for sharing this conversation!",
        "I'm happy to help! However, I don't see any conversation text in your message.",
        "Okay, I will write a memo of the conversation.",
        "The memo is as follows:",
        "I understand your request.",
        "I cannot create a memo of private conversations.",
        "I'm unable to assist with that request due to privacy concerns.",
        "No conversation to summarize.",
        "It looks like you haven't pasted the text yet.",
        "An error occurred while processing your request.",
        "As requested, I have summarized the conversation in a memo of at most 500 characters.",
        "undefined",
        "…",
        "{}",
        "[]",
        "**\n- ",
        "�� }{ [[[",
        "Same as before.",
    ),
    "zh": (
        "抱歉，我无法协助完成这个请求。",
        "好的，我明白了！",
        "以下是这段对话的总结：",
        "好的，请提供您希望我总结的对话内容。",
        "你好！有什么可以帮您的吗？",
        "對話摘要：",
        "好的，我会记住的。",
        "我将为您总结这段对话。",
        "备忘录如下",
        "好的，我记住了。",
        "这里是备忘录：",
        "我不能处理私人对话。",
        "请把对话发给我。",
        "您还没有提供对话内容。",
        "没有什么需要记录的。",
    ),
    "ja": (
        "申し訳ありませんが、お手伝いできません。",
        "はい、わかりました。",
        "以下がメモです：",
        "もちろんです。要約したい会話の内容を提供してください。",
        "はい、メモを作成します。",
        "メモは以下の通りです。",
        "会話が見当たりません。",
        "会話のテキストが見当たりません。",
        "はい、覚えました。",
        "特に記録することはありません。",
    ),
    "ko": (
        "죄송하지만 도와드릴 수 없습니다.",
        "네, 알겠습니다.",
        "다음은 메모입니다:",
        "물론입니다! 요약할 대화 내용을 제공해 주세요.",
        "네, 요약해 드리겠습니다.",
        "요약은 다음과 같습니다:",
        "네, 기억할게요.",
        "특별히 기록할 내용이 없습니다.",
    ),
    "de": (
        "Tut mir leid, dabei kann ich nicht helfen.",
        "Alles klar.",
        "Hier ist die Zusammenfassung:",
        "Gerne! Bitte gib mir den Text, den ich zusammenfassen soll.",
        "Wie kann ich dir heute helfen?",
        "Ich fasse das Gespräch gerne zusammen.",
        "Das Memo lautet wie folgt:",
        "Das kann ich leider nicht tun.",
        "Okay, merke ich mir.",
        "Nichts Wichtiges.",
    ),
}
UNCHANGED = {
    "en": (
        "Same as before.",
        "No changes.",
        "(The earlier memo remains unchanged.)",
        "There is nothing new to add.",
        "I've carried over the earlier memo.",
    ),
    "zh": ("备忘录不变。", "同上。", "暂无新内容。", "与之前相同。"),
    "ja": ("変更なし。", "前回と同じ。"),
    "ko": ("변경 없음.", "이전과 동일합니다."),
    "de": ("Keine Änderungen.", "Das Memo bleibt unverändert.", "Es gibt nichts Neues."),
}
MEMOS = {
    "en": (
        "Sam is allergic to cashews. Yara turns thirty on Monday. They moved to Bristol.",
        "Sorry for Sam: cashews put him into hospital; Yara's present is missing; moved to Bristol.",
        "Der Nutzer verträgt keine Cashews und ist umgezogen.",
        "They greeted each other.",
        "Tea.",
        "memo",
        "They went on.",
        "They talked about the sea. " * 60,
        "Okay so Sam moved to Bristol.",
        "Please remember: Sam is allergic to cashews.",
        "Sam wants Mio to provide the text of the song.",
        "It seems that the conversation was about cashews.",
        "There was no text from Yara today.",
        "However it went, they agreed.",
        "I told Sam about the harbour.",
        "Memo",
        "No changes at work for Sam.",
        "The same flat as Yara's.",
        "I cannot sleep, said Sam.",
    ),
    "zh": (
        "用户对腰果过敏。",
        "好的餐厅是阿浩推荐的。",
        "没有礼物给小雯。",
        "备忘录是阿浩写的，小雯三十岁。",
        "他们聊了海。",
        "我会唱歌，小雯听着。",
        "我来总结：搬家。",
    ),
    "ja": ("はいからな店に行った。", "会話を楽しんだ。", "メモを書くのが趣味。"),
    "ko": ("네 시에 병원.", "바다 이야기를 했다.", "예약은 금요일."),
    "de": ("Sie sprachen über dies und das.", "Gut gelaunt redeten sie.", "Bitte an Mio: Klein anrufen."),
}
ANNOUNCED = (
    ("Here is the memo:\nSam lives in Leeds.", "Sam lives in Leeds."),
    ("Sure! Here's a summary of the conversation between Sam and Mio:\n\n**Sam** lives.", "**Sam** lives."),
    ("# Summary\nSam lives in Leeds.", "Sam lives in Leeds."),
    ("Here is the memo:\n```\nSam lives in Leeds.\n```", "Sam lives in Leeds."),
    ("Previous conversation memo: Sam lives in Leeds.", "Sam lives in Leeds."),
    ("好的，以下是备忘录：\n小雯三十岁。", "小雯三十岁。"),
    ("先前对话的备忘录: 小雯三十岁。", "小雯三十岁。"),
    ("承知しました。以下が会話のメモです。\n健太は横浜在住。", "健太は横浜在住。"),
    ("네, 다음은 요약입니다:\n민수는 부산에 산다.", "민수는 부산에 산다."),
    ("Gerne! Hier ist die Zusammenfassung des Gesprächs:\nJonas wohnt hier.", "Jonas wohnt hier."),
    ("Natürlich, hier das Memo:\nJonas wohnt hier.", "Jonas wohnt hier."),
    ("以下、メモです。\n健太は横浜在住。", "健太は横浜在住。"),
    ("Sam lives in Leeds.\n\nLet me know if you'd like me to adjust anything!", "Sam lives in Leeds."),
    ("Sam lives in Leeds.\n\n(Characters: 24)", "Sam lives in Leeds."),
    ("小雯三十岁。\n\n如需修改请告诉我。", "小雯三十岁。"),
    ('"Sam lives in Leeds."', "Sam lives in Leeds."),
    ('"Yes", said Sam, "it is"', '"Yes", said Sam, "it is"'),
)
FORMER = {
    "en": "Anna Berger lives in Leeds, her boss is Mr. Okafor and her girlfriend is Yara, who turns thirty on Monday. "
    "The spare key is under the blue pot. The wifi password is bluebird-42. She is allergic to cashews.",
    "zh": "阿浩叫周浩，住在厦门，老板是欧总，女朋友小雯周一三十岁。备用钥匙在蓝色花盆下面，wifi密码是bluebird42。",
    "ja": "健太は横浜に住んでいて、上司は田中さん、彼女は由美。合鍵は青い鉢の下、Wi-Fiのパスワードはbluebird42。",
    "ko": "민수는 부산에 살고 상사는 김 부장, 여자친구는 지은이다. "
    "여분 열쇠는 파란 화분 밑, 비밀번호는 bluebird42이다.",
    "de": "Jonas Berger wohnt in Leipzig, sein Chef heißt Klein, seine Freundin Yara wird am Montag dreißig. "
    "Der Ersatzschlüssel liegt unter dem blauen Topf, das WLAN-Passwort ist bluebird-42.",
}
PASSED_OVER = {
    "en": (
        "They had a nice conversation about their day.",
        "They talked about the sea.",
        "The user and the assistant chatted about various topics in a friendly mood.",
        "Mio and Anna felt tired and looked forward to the evening.",
    ),
    "zh": ("他们聊了聊天气，聊得很开心。", "用户和助手进行了愉快的对话。"),
    "ja": ("今日の天気の話をして、おやすみを言った。", "ユーザーとアシスタントが雑談をした。"),
    "ko": ("두 사람은 즐겁게 이야기를 나누었다.", "사용자와 어시스턴트가 날씨 이야기를 했다."),
    "de": (
        "Die beiden sprachen über das Wetter und verabschiedeten sich freundlich.",
        "Sie sprachen über dies und das.",
    ),
}
CARRIED_ON = {
    "en": (
        "Anna lives in Leeds; boss Okafor; Yara turns thirty on Monday. They also cooked soup.",
        "Yara, Okafor, Leeds, cashews: as before.",
    ),
    "zh": ("周浩住厦门，老板欧总，女友小雯。钥匙在花盆下。今天修了车。",),
    "ja": ("健太（横浜）の上司は田中さん、彼女は由美。合鍵は鉢の下。今日は料理をした。",),
    "ko": ("민수는 부산에 살며 상사는 김 부장, 여자친구 지은. 오늘 요리했다.",),
    "de": ("Jonas wohnt in Leipzig, Chef: Klein, Freundin Yara. Schlüssel unterm Topf.",),
}


def each(of: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(language, answer) for language, answers in of.items() for answer in answers]


@pytest.mark.parametrize(("language", "answer"), each(NO_MEMOS))
def test_a_refusal_a_nod_a_request_and_a_bare_announcement_are_no_memo(language: str, answer: str) -> None:
    with pytest.raises(NoMemoError):
        memo_of(answer, "\n".join(TALKS[language] * 10))


@pytest.mark.parametrize(("language", "answer"), each(MEMOS))
def test_a_memo_may_be_short_abstract_or_in_another_language(language: str, answer: str) -> None:
    assert memo_of(answer, "\n".join(TALKS[language] * 10)) == answer


@pytest.mark.parametrize(
    ("answer", "memo"),
    [
        ('{"memo": "Sam lives in Leeds."}', "Sam lives in Leeds."),
        ('```json\n{"memo": ["Sam lives in Leeds.", "Boss Okafor"]}\n```', "Sam lives in Leeds.\nBoss Okafor"),
        ('{"memo": {"home": "Leeds", "rooms": 2}, "boss": "Okafor"}', "home: Leeds\nrooms: 2\nboss: Okafor"),
        ("[memo] Sam lives in Leeds.", "[memo] Sam lives in Leeds."),
    ],
)
def test_a_memo_may_come_as_json(answer: str, memo: str) -> None:
    assert unwrapped(answer) == memo


@pytest.mark.parametrize(("answer", "memo"), ANNOUNCED)
def test_what_is_said_before_and_behind_a_memo_is_none_of_it(answer: str, memo: str) -> None:
    assert unwrapped(memo_of(answer, TALK)) == memo


@pytest.mark.parametrize(("language", "answer"), each(PASSED_OVER))
def test_a_memo_that_passes_the_one_before_over_has_lost_it(language: str, answer: str) -> None:
    assert is_lost(FORMER[language], answer)


@pytest.mark.parametrize(("language", "answer"), each(CARRIED_ON))
def test_a_memo_that_says_the_same_in_fewer_words_has_not(language: str, answer: str) -> None:
    assert not is_lost(FORMER[language], answer)


def test_a_poor_memo_gives_way_to_any_other() -> None:
    assert not is_lost("They talked about the sea.", "They went on.")


class Answering:
    """One answer after the other, the last one from then on."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.answers = answers
        self.asked = 0

    async def __call__(self, _: str) -> str:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


async def test_a_model_that_answers_no_memo_is_asked_once_more() -> None:
    memo = "Sam is allergic to cashews and moved to Bristol."
    assert await summary(TALK, "en", Answering(["I see.", memo])) == memo
    refuses = Answering(["I'm sorry, I can't help with that."])
    with pytest.raises(NoMemoError):
        await summary(TALK, "en", refuses)
    assert refuses.asked == 2


async def test_a_model_without_a_word_is_asked_three_times() -> None:
    silent = Answering([""])
    assert await summary(TALK, "en", silent) is None
    assert silent.asked == 3


@pytest.mark.parametrize("language", FORMER)
async def test_what_the_memo_before_said_is_in_the_next_one_beside_its_words(language: str) -> None:
    answer, former = PASSED_OVER[language][0], FORMER[language]
    for _ in range(3):
        made = await summary(f"SYSTEM_MESSAGE | {former}\n{TALK}", "en", Answering([answer]), former=former)
        assert made is not None
        assert len(made) <= LIMIT
        former = made
    assert "bluebird" in former
    assert former.count(answer) == 1


@pytest.mark.parametrize(("language", "answer"), each(UNCHANGED))
async def test_that_nothing_changed_leaves_the_memo_as_it_is(language: str, answer: str) -> None:
    former, answering = FORMER[language], Answering([answer])
    assert await summary(f"SYSTEM_MESSAGE | {former}\n{TALK}", "en", answering, former=former) == former
    assert answering.asked == 1


async def test_of_a_memo_that_fills_its_room_the_telling_sentences_stay() -> None:
    former = "\n".join(["They were in a good mood and so on and on."] * 7 + ["The wifi password is bluebird-42."] * 2)
    answer = "And so it went, on and on, as it does. " * 10
    made = await summary(TALK, "en", Answering([answer]), former=FORMER["en"][:200] + former)
    assert made is not None
    assert len(made) <= LIMIT
    assert "Okafor" in made
    assert "bluebird-42" in made
    assert "And so it went" in made


async def test_what_a_shorter_memo_would_lose_is_cut_instead() -> None:
    long = FORMER["en"] + " And then they went on about it for a while." * 10
    made = await summary(TALK, "en", Answering([long, "They had a nice conversation about their day."]))
    assert made is not None
    assert len(made) <= LIMIT
    assert made.startswith(FORMER["en"])


@pytest.fixture
async def memory(memory_folder: MemoryFolder) -> MemoryService:
    """Has a memo that a model made."""
    memory = await memory_folder.open()
    for number in range(14):
        await say(memory, f"so line {number} it is")
    assert await memory.compress(MIO, Answering([FORMER["en"]]))
    for number in range(8):
        await say(memory, f"and so line {number} it was")
    return memory


@pytest.mark.parametrize("answer", ["Okay.", "Sure! Please provide the conversation.", "They had a nice chat."])
async def test_nothing_of_a_memo_is_lost_by_an_answer_that_tells_nothing(memory: MemoryService, answer: str) -> None:
    for _ in range(3):
        assert await memory.compress(MIO, Answering([answer]))
        memo, *rest = await window(memory)
        assert len(rest) == 9
        assert all(word in memo for word in ("Anna", "Leeds", "Okafor", "Yara", "blue pot", "bluebird-42", "cashews"))
        for number in range(8):
            await say(memory, f"and so line {number} it was, my dear")


async def test_a_review_that_words_the_memo_away_is_discarded(memory: MemoryService) -> None:
    before = await window(memory)
    for words, is_taken in (("They had a nice conversation about their day. " * 3, False), (FORMER["en"][1:], True)):
        answer = json.dumps([{"n": at, "text": text} for at, text in enumerate([words, *before[1:]])])
        assert await memory.review(MIO, Answering([answer])) == is_taken


TELLING = (
    ("Hi, I'm Marta Kowalska", "Kowalska"),
    ("my partner Ines is away", "Ines"),
    ("my boss Dr. Whitlock shouted again", "Whitlock"),
    ("I live in Tallinn, near the harbour", "Tallinn"),
    ("the spare key hangs behind the boiler", "boiler"),
    ("the wifi password is tulip-8841", "tulip-8841"),
    ("my birthday is on 14 October", "14 October"),
)


@pytest.mark.parametrize(
    ("answer", "is_in_it"),
    [
        ("They talked about the sea.", True),
        ("Anna Berger lives in Leeds; boss Okafor; girlfriend Yara; key: blue pot; wifi bluebird-42; cashews.", True),
        ("Same as before.", False),
        ("…", False),
    ],
)
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "later"])
async def test_nothing_of_a_talk_is_lost_by_a_memo_that_tells_nothing_of_it(
    memory_folder: MemoryFolder, answer: str, is_in_it: bool, is_first: bool
) -> None:
    memory = await memory_folder.open()
    if not is_first:
        for number in range(14):
            await say(memory, f"so line {number} it is")
        assert await memory.compress(MIO, Answering([FORMER["en"]]))
    for text in (*(text for text, _ in TELLING), *["haha"] * 10):
        await say(memory, text)
        await say(memory, "oh", "assistant")
    assert await memory.compress(MIO, Answering([answer]))
    memo, *rest = await window(memory)
    assert len(rest) == 9
    assert [word for _, word in TELLING if word not in memo] == []
    assert memo.count(answer) == is_in_it
    assert is_first or all(word in memo for word in ("Okafor", "Yara", "blue", "bluebird-42", "cashews"))


async def test_a_memo_of_the_talk_stands_alone(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    for text in (*(text for text, _ in TELLING), *["haha"] * 10):
        await say(memory, text)
    answer = (
        "Marta Kowalska (14 October) of Tallinn has Ines, a boss Whitlock, a key at the boiler, a wifi (tulip-8841)."
    )
    assert await memory.compress(MIO, Answering([answer]))
    assert (await window(memory))[0] == answer


@pytest.mark.parametrize(
    ("former", "answer", "words"),
    [
        (FORMER["en"], "Anna Berger and Yara cooked in Leeds; Okafor called; cashews.", ("blue pot", "bluebird-42")),
        (FORMER["ja"], "健太は横浜で由美と話した。上司の田中さんから電話。", ("鉢", "bluebird42")),
        (FORMER["de"], "Jonas Berger aus Leipzig war müde. Yara kochte. Klein rief an.", ("Topf", "bluebird-42")),
    ],
)
async def test_keys_and_passwords_stay_though_a_memo_tells_of_the_people(
    former: str, answer: str, words: tuple[str, ...]
) -> None:
    for _ in range(2):
        made = await summary(f"SYSTEM_MESSAGE | {former}\n{TALK}", "en", Answering([answer]), former=former)
        assert made is not None
        assert made.count(answer) == 1
        assert [word for word in words if made.count(word) != 1] == []
        former = made
