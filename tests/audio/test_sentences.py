"""Where streamed text is cut for speaking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.audio.sentences import SentenceCutter
from neko.code_marks import ProseReader


def cut(text: str, step: int = 1) -> list[str]:
    """Pieces without the space around them."""
    return [piece.strip() for piece in cut_raw(text, step)]


def cut_raw(text: str, step: int = 1) -> list[str]:
    cutter = SentenceCutter()
    pieces = [piece for at in range(0, len(text), step) for piece in cutter.feed(text[at : at + step])]
    return pieces + cutter.flush()


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(["Hello there.", "How are you?", "Fine!"], id="english"),
        pytest.param(["今天天气很好。", "我们出去玩吧！", "好不好？"], id="chinese"),
        pytest.param(["今天天氣很好。", "我們出去玩吧！"], id="traditional chinese"),
        pytest.param(["おはようございます。", "今日は何をしますか？", "楽しみ！"], id="japanese"),
        pytest.param(["안녕하세요.", "오늘 뭐 해요?", "같이 놀아요!"], id="korean"),
        pytest.param(["Guten Tag.", "Wie geht es?"], id="german"),
        pytest.param(["¿Qué tal?", "¡Muy bien!"], id="spanish"),
        pytest.param(["नमस्ते।", "आप कैसे हैं?"], id="hindi"),
        pytest.param(["مرحبا.", "كيف حالك؟", "بخير"], id="arabic"),
        pytest.param(["No.", "I don't."], id="a one-word no"),
        pytest.param(["So do I.", "Then let us go."], id="the word I"),
        pytest.param(["It came at 5 p.m.", "The door was open."], id="an abbreviation before a capital"),
        pytest.param(["Hmm.", "Shh.", "Pst.", "I think so."], id="sounds without a vowel"),
        pytest.param(["My TV.", "My CNN.", "My PCs."], id="capitals without a vowel"),
        pytest.param(["It is me.", "Elizabeth I.", "She was."], id="the number I"),
        pytest.param(["Ask example.com.", "Then node.js.", "Yes."], id="names with a dot"),
        pytest.param(["*Never closed.", "A. B said so."], id="an action that its line ends"),
        pytest.param(["Cats, dogs, etc.", "They all came."], id="etc. before a capital"),
        pytest.param(["Really?!", "Yes!!!", "Oh."], id="marks in a row"),
        pytest.param(["Well...", "I think so."], id="three dots"),
        pytest.param(["Well…", "I think so."], id="an ellipsis"),
        pytest.param(["嗯……", "好吧。"], id="a chinese ellipsis"),
        pytest.param(["She smiled.", '"Come in."', "He came."], id="quotes"),
        pytest.param(["(It rained.)", "We stayed."], id="brackets"),
        pytest.param(["「おはよう。」", "彼女は言った。"], id="corner brackets"),
        pytest.param(["他说：“好的。”", "然后走了。"], id="chinese quotes"),
        pytest.param(["**Hello!**", "How are you?"], id="bold"),
        pytest.param(["First line", "second line", "third"], id="lines"),
        pytest.param(["First point:", "* one", "* two"], id="a list"),
    ],
)
def test_each_sentence_is_a_piece(pieces: list[str]) -> None:
    joint = (
        "\n"
        if pieces[-1] in ("third", "* two", "A. B said so.")
        else ""
        if pieces[0] >= "\u2e80" and pieces[0] < "\uac00"
        else " "
    )
    assert cut(joint.join(pieces)) == pieces


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith met Mrs. Jones vs. Mr. Brown.",
        "J. K. Rowling and George R. R. Martin wrote it.",
        "Use e.g. apples or i.e. fruit.",
        "We eat apples, pears, etc. and drink tea.",
        "It is no. 5 on the list.",
        "Wake me at 9 a.m. tomorrow please.",
        "The U.S. Army is in Washington D.C. today.",
        "Pi is 3.14159 and not 3.15.",
        "Version 2.1.0 of Python 3.11 is out.",
        "It is 10:30 and costs 1,000.50 dollars.",
        "Open example.com/a?b=1 or mail me@example.com now.",
        '"Really?" she asked.',
        "She said hello (hi!) to me.",
        "Yes, of course.",
        "J.R.R. Tolkien wrote it with C. S. Lewis and J. I. Packer.",
        "The U.S.A. is big.",
        "N.E.K.O. is a cat.",
        "A.J. Smith has a Ph.D. in law.",
        "Er hat z.B. Katzen und z. B. Kater und u.a. Hunde bzw. Vögel und i.d.R. Mäuse.",
        "Hr. Maier wohnt in Haus Nr. 5.",
        "Это т.е. кот, а А. С. Пушкин и др. авторы жили в г. Москва.",
        "M. Dupont et Mme. Durand.",
        "El Sr. García y la Sra. López.",
        "*She pours the tea. Then she sits down.*",
        "（微笑。然后点头）",
        "1. Open the door.",
        "a. Open the door.",
        "他花了3.5元。",
        "Look at <a.b c> now.",
        "그는 3.5점을 받았어요.",
    ],
)
def test_one_sentence_stays_whole(text: str) -> None:
    assert cut(text) == [text]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Hello!你好!我是小澪.很高兴", ["Hello!", "你好!", "我是小澪.", "很高兴"]),
        ("잘했어요.그래서 왔어요.", ["잘했어요.", "그래서 왔어요."]),
        ("1. One\n2. Two", ["1. One", "2. Two"]),
        ("A) One\n\n\nB) Two", ["A) One", "B) Two"]),
        ("See:\n```py\nx = 1. y\n\nz! w\n```\nDone. Bye.", ["See:", "Done.", "Bye."]),
        ("````\na. B\n````\nOk. Go", ["Ok.", "Go"]),
        ("See:\n~~~py\nx = 1. y\n\nz! w\n~~~\nDone. Bye.", ["See:", "Done.", "Bye."]),
        ("~~~\na. B\n```\nc. D\n~~~~\nOk. Go", ["Ok.", "Go"]),
        ("- Ok. Go\n  ~~~py\n  x. Y\n  ~~~\n- c", ["- Ok.", "Go", "- c"]),
        ("1. ```\n   x. Y\n   ```\n2. c", ["2. c"]),
        ("````md\n```\nx. Y\n```\n````\nOk. Go", ["Ok.", "Go"]),
        ("```\n```py\nx. Y\n```\nOk. Go", ["Ok.", "Go"]),
        ("> ```\n> x. Y\n\nOk. Go", ["Ok.", "Go"]),
        ("```x``` is one. Go\nOn.", ["```x``` is one.", "Go", "On."]),
        ("Ok. Go\n```", ["Ok.", "Go"]),
        ("Hey~~~ there. You!\n~~~ well. Yes", ["Hey~~~ there.", "You!", "~~~ well.", "Yes"]),
        ("Never closed:\n```\na. b! c? d", ["Never closed:"]),
    ],
)
def test_mixed_text_is_cut_where_it_should_be(text: str, pieces: list[str]) -> None:
    assert cut(text) == pieces


def test_a_long_first_sentence_starts_at_a_pause_and_later_ones_wait() -> None:
    text = "Well, when I was a little cat, I lived near the sea, in a house. When I was a little cat, I lived near it."
    assert cut(text) == [
        "Well, when I was a little cat,",
        "I lived near the sea, in a house.",
        "When I was a little cat, I lived near it.",
    ]


def test_a_long_first_sentence_in_chinese_starts_at_a_pause() -> None:
    assert cut("小时候我住在海边的房子里，每天都听海浪。")[0] == "小时候我住在海边的房子里，"


@pytest.mark.parametrize("word", ["word ", "mot, ", "字", "あ", "한국 ", "x", ",", "a.", "字，"])
def test_text_without_an_end_is_cut_all_the_same(word: str) -> None:
    pieces = cut_raw(word * 2000)
    assert "".join(pieces) == word * 2000
    assert max(map(len, pieces)) <= 340


def test_a_sentence_comes_out_with_the_character_after_it() -> None:
    cutter = SentenceCutter()
    assert cutter.feed("Hi!") == []
    assert cutter.feed(" ") == ["Hi!"]
    assert cutter.feed("你好。") == []
    assert cutter.feed("我") == [" 你好。"]


def test_an_empty_reply_has_no_pieces() -> None:
    cutter = SentenceCutter()
    assert cutter.feed("") == []
    assert cutter.flush() == []


def test_blank_text_before_the_first_words_does_not_use_up_the_early_start() -> None:
    assert cut("\n\n \nWell, when I was a little cat, I lived.")[0] == "Well, when I was a little cat,"


MARKS = [*" \n.!?,:;…。！？，、「」\"'()*_`<>[]#-1a5AIbDr好あ가🙂", "\u200d", "etc. ", "No. "]
TEXTS = st.lists(st.sampled_from(MARKS), max_size=120).map("".join)


@given(TEXTS, st.lists(st.integers(1, 20), max_size=40))
def test_pieces_joined_are_the_text_without_blocks_of_code_whatever_the_deltas(text: str, steps: list[int]) -> None:
    cutter = SentenceCutter()
    pieces, rest = [], text
    for step in steps:
        pieces += cutter.feed(rest[:step])
        rest = rest[step:]
    pieces += cutter.feed(rest) + cutter.flush()
    prose = ProseReader()
    assert "".join(pieces) == prose.feed(text) + prose.flush()
    assert pieces == cut_raw(text)
    assert "" not in pieces
