"""What of a reply is said aloud."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.audio.speakable import speakable


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Plain words.", "Plain words."),
        ("**bold**, *emphasis*, ***both***, __bold__, _it_, ~~gone~~", "bold, emphasis, both, bold, it, gone"),
        ("a **half mark", "a half mark"),
        ("half* mark", "half mark"),
        ("`code` and ``more `code```", "code and more code"),
        ("```x``` rest of the line", "x rest of the line"),
        ("# Title", "Title"),
        ("### Title ###", "Title"),
        ("> quoted\n> > deeper", "quoted deeper"),
        ("- one", "one"),
        ("* one\n+ two\n• three", "one two three"),
        ("- [x] done\n- [ ] open", "done open"),
        ("1. One", "1. One"),
        ("---", ""),
        ("***", ""),
        ("[Neko](https://example.com/a_(b)?c=d) is here", "Neko is here"),
        ("[Neko][1] is here[^2]", "Neko is here"),
        ("[1]: https://example.com/abc", ""),
        ("![a cat](cat.png)", "a cat"),
        ("[![a cat](cat.png)](https://example.com)", "a cat"),
        ("See https://www.example.com/a/b?c=d#e.", "See example.com."),
        ("See <https://example.com/a> or www.example.org/x", "See example.com or example.org"),
        ("Mail me@example.com", "Mail me@example.com"),
        ("| Name | Age |", "Name, Age"),
        ("|---|:-:|", ""),
        ("| Name | Age |\n|---|---|\n| Mio | 22 |", "Name, Age Mio, 22"),
        ("~~~ wow ~~~", "wow"),
        ("line<br>line", "line line"),
        ('<b>bold</b> <a href="https://x.org/?a=b">link</a> <i>yes</i>', "bold link yes"),
        ("Press <Enter> to send, or <Del>.", "Press Enter to send, or Del."),
        ("Write to <mio@example.com> or see <https://example.com>.", "Write to mio@example.com or see example.com."),
        ("npm i <package>, 2 < 3 and 5 > 4", "npm i package, 2 < 3 and 5 > 4"),
        ("one<br>two</p><BR/>three", "one two three"),
        ("<!-- hidden -->shown", "shown"),
        ("Tom &amp; Jerry &lt;3&nbsp;you", "Tom & Jerry you"),
        ("I am happy 😀🎉 today 👩‍👩‍👧 🇯🇵!", "I am happy today!"),
        ("Yay (^_^) and (≧▽≦) and (╯°□°)╯︵ ┻━┻", "Yay and and"),
        ("Fun :) :-D ;) <3 >_< ^_^ T_T", "Fun"),
        ("2 * 3 * 4 = 24", "2 * 3 * 4 = 24"),
        ("2*3*4", "2*3*4"),
        ("snake_case_name", "snake case name"),
        ("It costs $5.50, 20% off.", "It costs $5.50, 20% off."),
        ("AT&T and R&D", "AT&T and R&D"),
        ("a < b and c > d", "a < b and c > d"),
        ("5 < 6 > 4", "5 < 6 > 4"),
        ("C++ and C#", "C++ and C#"),
        ("at 10:30, (really) fine", "at 10:30, (really) fine"),
        ("f(x) = 3", "f(x) = 3"),
        ("Hello~ there~~", "Hello there"),
        pytest.param(r"\(a^2+b^2=c^2\) holds", "a²+b²=c² holds", id="v_latex_inline"),
        (r"So \[x \leq \frac{1}{2} \times \sqrt{y}\] then", "So x ≤ 1 / 2 × √y then"),
        (r"$\pi \approx 3.14$ and $$E = mc^2$$ and $2^3 = 8$", "π ≈ 3.14 and E = mc² and 2³ = 8"),
        (r"$5 or $6, \(^o^)/ and ¯\_(ツ)_/¯", "$5 or $6, and"),
        (r"$\Delta x_1 \to \infty$", "Δ x 1, ∞"),
        ("One • two → three, © 2024, 5 § 3 ✓", "One • two, three, 2024, 5 § 3"),
        ("𝗛𝗲𝗹𝗹𝗼 𝟚 𝑥", "Hello 2 x"),
        ("#music is nice", "music is nice"),
        (r"\*not emphasis\*, \# and 1\.", "not emphasis, and 1."),
        ("*smiles softly* Hello!", "Hello!"),
        ("*waves*", ""),
        ("I *really* like it", "I really like it"),
        ("*Really* good", "Really good"),
        ("*really* good", "really good"),
        ("(giggles) Hello!", "Hello!"),
        ("(I mean it.)", "(I mean it.)"),
        ("", ""),
        ("...", ""),
        ("😀", ""),
        (":)", ""),
    ],
)
def test_english_is_said_without_markup(text: str, said: str) -> None:
    assert speakable(text, "en") == said


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("**你好**，我是*小澪*～😀", "zh-CN", "你好，我是小澪"),
        ("（歪头）你好呀~", "zh-CN", "你好呀"),
        ("*微笑* 好的。", "zh-CN", "好的。"),
        ("我*非常*喜欢（真的）你", "zh-CN", "我非常喜欢（真的）你"),
        ("看[这里](https://example.com/路径)吧", "zh-CN", "看这里吧"),
        ("看https://www.example.com/a，好吗？", "zh-CN", "看example.com，好吗？"),
        ("| 名字 | 年龄 |", "zh-CN", "名字，年龄"),
        ("价格是￥5.50，打8折。", "zh-CN", "价格是￥5.50，打8折。"),
        ("- 第一\n- 第二", "zh-TW", "第一 第二"),
        ("按<回车>键", "zh-CN", "按 回车 键"),
        ("そうですね（笑）", "ja", "そうですね"),
        ("すごいwww", "ja", "すごい"),
        ("はーい♪(´・ω・`)", "ja", "はーい"),
        ("**すごい**ね！✨", "ja", "すごいね！"),
        ("3時30分に100%行く。", "ja", "3時30分に100%行く。"),
        ("안녕하세요 ㅋㅋㅋ 반가워요 ㅠㅠ", "ko", "안녕하세요 반가워요"),
        ("**정말** 좋아요^^", "ko", "정말 좋아요"),
        ("`코드`는 [여기](https://example.com)", "ko", "코드는 여기"),
        ("5,000원이에요~", "ko", "5,000원이에요"),
    ],
)
def test_other_languages_are_said_without_markup(text: str, language: str, said: str) -> None:
    assert speakable(text, language) == said


@given(st.text(st.sampled_from([*" \n.*_`~#>|-[]()!<>/:;^&\\$ab1好あ가🙂（）"]), max_size=60))
def test_whatever_comes_in_one_speakable_line_or_nothing_comes_out(text: str) -> None:
    said = speakable(text, "en")
    assert said == said.strip()
    assert "\n" not in said
    assert not said or any(character.isalnum() for character in said)
