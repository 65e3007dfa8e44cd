"""What she does is not said, what she stresses is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.audio.actions import without_actions
from neko.audio.sentences import SentenceCutter
from neko.audio.speakable import speakable


def said(text: str, language: str = "en") -> str:
    """Everything said of a reply."""
    cutter = SentenceCutter()
    pieces = cutter.feed(text) + cutter.flush()
    return " ".join(filter(None, (speakable(piece, language) for piece in pieces)))


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        pytest.param("*smiles* Hello", "Hello", id="D8-first"),
        pytest.param("I am glad *giggles* to see you.", "I am glad to see you.", id="D8-in-a-sentence"),
        pytest.param("*She pours the tea.*", "", id="D8-a-sentence"),
        pytest.param("[smiles]", "", id="D8-brackets"),
        ("Hello. [smiles softly]", "Hello."),
        ("(laughs) Fine.", "Fine."),
        ("*giggling* hello", "hello"),
        ("*sigh* Fine.", "Fine."),
        ("*smiling warmly* Hello", "Hello"),
        ("*hugs you tightly* Welcome home!", "Welcome home!"),
        ("Well *tilts her head* maybe.", "Well maybe."),
        ("Let me think... *thinks* Yes!", "Let me think… Yes!"),
        ("Nice to meet you *blushes*, friend.", "Nice to meet you, friend."),
        ("**smiles** Hi", "Hi"),
        ("_She smiles._ Hi", "Hi"),
        ("*She pours the tea. Then she sits down next to you and nods.* Hello!", "Hello!"),
        ("*Mio nods slowly.* Yes.", "Yes."),
        ("*Her eyes sparkle.* Oh!", "Oh!"),
        ("*I smile at you.* Hi", "Hi"),
        ("*kichert leise* Hallo", "Hallo"),
        ("*улыбается* Привет", "Привет"),
        ("(She tilts her head.) Hmm?", "Hmm?"),
        ("*A soft smile spreads across her face.* Welcome.", "Welcome."),
        ("*The cat's ears perk up.* Tuna?", "Tuna?"),
        ("*blush* you are sweet", "you are sweet"),
        ("*pat pat* good girl", "good girl"),
        ("*teleports behind you* nothing personal", "nothing personal"),
        ("Oh my... *looks away, cheeks turning pink* I like you too!", "Oh my… I like you too!"),
        ("*微笑* 好的", "好的"),
        ("*歪头*你好呀", "你好呀"),
        ("我好开心*转圈圈*！", "我好开心！"),
        ("（轻轻地靠过来）你好", "你好"),
        ("【微笑】你好", "你好"),
        ("（笑う）はい", "はい"),
        ("*うなずく* はい", "はい"),
        ("*미소 짓는다* 네", "네"),
        pytest.param("【开心】你好呀。", "你好呀。", id="v_act_zh_square"),
        pytest.param("（にっこり）ありがとう。", "ありがとう。", id="v_act_ja_round"),
        *[
            ("（有点害怕地）好黑", "好黑"),
            ("【溫柔】早安", "早安"),
            ("(ドキドキ) えっと", "えっと"),
            ("（嬉しそうに）うん", "うん"),
        ],
        *[("[happy] Hello", "Hello"), ("[Nervously] Um", "Um"), ("(부끄러워하며) 네", "네")],
    ],
)
def test_an_action_is_not_said(text: str, rest: str) -> None:
    assert said(text) == rest


@pytest.mark.parametrize(
    "text",
    [
        *("I *really* like it.", "*Really* good", "*really* good", "*so* good, *so* nice", "That is *her* book."),
        *("*Never give up.*", "*This is important.*", "*Happy birthday!*", "*I love you.*", "*Time flies.*", "*why?*"),
        *(
            "I love *cats* so much.",
            "he *loves* you",
            "He said *lots of* things.",
            "it *does* work",
            "the *waves* are *high*",
        ),
        *("I find it *fascinating* that", "we were *running late* again", "**Note** This is it", "*note:* this"),
        *("I read *The Lord of the Rings* today.", "The *Titanic* sank.", "*Gone with the Wind*", "She said *stop*."),
        *(
            "**Warning:** do not",
            "[Chorus]",
            "【系统提示】请注意",
            "（注意：这很重要）",
            "*Smile* and wave.",
            "*first* do this",
        ),
        *(
            "【开心消消乐】很好玩",
            "（高兴的事情有很多）对",
            "[Note] This",
            "胸が*ドキドキ*する",
            "（ドキドキするね）",
            "I am (happy) here",
            "【重要】读一下",
        ),
        *("Das ist *wirklich* gut.", "Это *очень* важно.", "Es *muy* bueno.", "_Snow White_ is a film."),
        *("the [redacted] file", "(by the way) I am here", "(I mean it.)", "at 10:30, (really) fine", "f(x) [y]"),
        *("我*非常*喜欢", "这很*重要*！", "（真的）你好", "*今日*は大事", "看（情况）吧", "나는 *정말* 좋아"),
    ],
)
def test_what_is_stressed_or_added_is_said(text: str) -> None:
    assert said(text) == " ".join(text.replace("*", "").replace("_", "").split())


@given(st.lists(st.sampled_from([*"*_[]()（）【】 \n.,!aS笑", "smiles", "She ", "very "]), max_size=40).map("".join))
def test_nothing_but_marked_spans_goes(text: str) -> None:
    left = without_actions(text)
    kept = iter(text)
    assert all(character in kept for character in left if not character.isspace())
    if not any(mark in text for mark in "*_[(（【"):
        assert left == text
