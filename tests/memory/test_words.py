"""The words of a text as the index holds them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.memory.words import LONGEST_WORD, holds, pieces, plain, sought, terms, weighted_terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is my cat's name?", ["cat", "name"]),
        ("running and planned paintings", ["run", "plan", "paint"]),
        ("Straße in Köln", ["strass", "koln"]),
        ("I know C++, F# and C", ["c++", "f#"]),
        ("I saw Will in May; he will come, I may too", ["see", "will", "may", "come"]),
        ("내 고양이", ["고양", "양이"]),
        ("红猫", ["红", "红猫", "猫"]),
        ("a 😀 and 👍🏽", ["😀", "👍"]),
        ("👩‍🚀", ["👩\u200d🚀", "👩", "🚀"]),
        ("🇳🇴🇩🇪", ["🇳🇴", "🇩🇪"]),
        ("what is it?", []),
        ("…?!", []),
        ("", []),
    ],
)
def test_terms_tell_what_a_text_is_about(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    "forms",
    [
        ["movie", "movies", "Movie"],
        ["party", "parties"],
        ["city", "cities"],
        ["try", "tried", "trying", "tries"],
        ["bake", "baking", "baked"],
        ["take", "taking", "takes"],
        ["study", "studied", "studies"],
        ["cookie", "cookies"],
        ["happy", "happiness"],
        ["write", "wrote", "written", "writing"],
        ["children", "child", "kids"],
        ["été", "ete", "ÉTÉ"],
        ["Tokyo", "Ｔｏｋｙｏ"],
        ["餅乾", "饼干"],
        ["電影", "电影"],
        ["ピアノ", "ぴあの", "ﾋﾟｱﾉ"],
        ["カタカナ", "ｶﾀｶﾅ"],
    ],
)
def test_forms_of_a_word_have_the_same_terms(forms: list[str]) -> None:
    assert len({tuple(terms(form)) for form in forms}) == 1
    assert weighted_terms(forms[0])


@pytest.mark.parametrize(
    ("text", "words", "is_held"),
    [
        ("my CAT's ill", "Cat", True),
        ("vacation", "cat", False),
        ("cats", "cat", False),
        ("vacation of the cat", "cat", True),
        ("cat5 cable", "cat", False),
        ("(cat)", "ｃａｔ", True),
        ("a well-being plan", "well-being", True),
        ("a well-beings plan", "well-being", False),
        ("my ill cat", "cat my", True),
        ("my ill cat", "cat your", False),
        ("Мой кот", "кот", True),
        ("который час", "кот", False),
        ("काम", "का", False),
        ("我的猫很可爱", "猫", True),
        ("我养cat很久了", "cat", True),
        ("고양이가 아파요", "고양이", True),
        ("แมวของฉัน", "แมว", True),
        ("私のｸﾛﾈｺです", "くろねこ", True),
        ("it is 🐱", "🐱", True),
    ],
)
def test_a_word_stands_in_a_text_whole_where_its_script_has_blanks(text: str, words: str, is_held: bool) -> None:
    assert holds(text, sought(words)) is is_held


@pytest.mark.parametrize("other", [("引越し", "引っ越し"), ("猫", "黒猫"), ("고양이", "고양이가")])
def test_spellings_that_share_a_part_share_a_term(other: tuple[str, str]) -> None:
    assert set(terms(other[0])) & set(terms(other[1]))


_WORDS = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=2 * LONGEST_WORD)


@given(_WORDS, st.text(max_size=20), st.text(max_size=20))
def test_every_word_finds_itself_among_others(word: str, before: str, after: str) -> None:
    assert set(weighted_terms(word)) <= set(terms(f"{before} {word} {after}"))


@given(st.text())
def test_a_question_looks_for_what_the_index_holds_of_the_same_text(text: str) -> None:
    weights = weighted_terms(text)
    assert set(weights) <= set(terms(text))
    assert all(0 < weight <= 1 for weight in weights.values())
    assert not any(term.isspace() or " " in term or '"' in term for term in weights)


@given(st.text())
def test_the_simplest_form_is_its_own(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("text", "query", "hits"),
    [
        ("We watched films, and a MOVIE.", "movies", ["films", "MOVIE"]),
        ("我喜欢看电影，也喜欢看书", "电影好看", ["电影"]),
        ("고양이를 키워", "고양이", ["고양이"]),
        ("a 👍🏽 for you", "👍", ["👍🏽"]),
        ("nothing of it", "cat", []),
        ("", "cat", []),
    ],
)
def test_the_words_that_were_looked_for_are_marked_in_any_form(text: str, query: str, hits: list[str]) -> None:
    cut = pieces(text, query)
    assert "".join(piece for piece, _ in cut) == text
    assert [piece for piece, hit in cut if hit] == hits
