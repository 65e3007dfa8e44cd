"""How Japanese is read."""

from __future__ import annotations

import pytest

from neko.audio.engines.japanese import to_kana
from neko.audio.engines.japanese_numbers import in_kana
from tests.audio.phonemes import phonemes, said


@pytest.mark.parametrize(
    ("text", "kana"),
    [
        pytest.param("今日は10時30分です。", "きょうはじゅうじさんじゅっぷんです。", id="D6-today"),
        pytest.param("AIが好き。", "AIがすき。", id="D6-latin"),
        ("今日は2025年10月3日です", "きょうはにせんにじゅうごねんじゅうがつみっかです"),
        ("私は学校へ行く", "わたしわがっこうえいく"),
        ("今年は君と日本へ", "ことしはきみとにほんえ"),
        ("3本と1本と6本と10本と300本", "さんぼんといっぽんとろっぽんとじゅっぽんとさんびゃっぽん"),
        ("1人と2人と4人と30人", "ひとりとふたりとよにんとさんじゅうにん"),
        ("20歳と8歳と11歳", "はたちとはっさいとじゅういっさい"),
        ("何時何分に何人で何本", "なんじなんぷんになんにんでなんぼん"),
        ("4時7分、9時1分、18時8分", "よじななふん、くじいっぷん、じゅうはちじはっぷん"),
        ("1日、14日、20日、21日", "ついたち、じゅうよっか、はつか、にじゅういちにち"),
        ("4月7月9月", "しがつしちがつくがつ"),
        ("1個10個1回6回3階", "いっこじゅっこいっかいろっかいさんがい"),
        ("1,500円と10000円と600円", "せんごひゃくえんといちまんえんとろっぴゃくえん"),
        ("1つ3つ3ヶ月24時間", "ひとつみっつさんかげつにじゅうよじかん"),
        ("１０時", "じゅうじ"),
        ("3.5人", "3.5にん"),
        pytest.param("10パーセントと5パーセント", "じゅっパーセントとごパーセント", id="v_ja_percent"),
        pytest.param("時々、人々が来る。", "ときどき、ひとびとがくる。", id="v_ja_repeat"),
        pytest.param("こんにちは。", "こんにちわ。", id="v_act_ja"),
    ],
)
def test_words_and_numbers_are_read_as_people_read_them(text: str, kana: str) -> None:
    assert to_kana(text) == kana


def test_D6_kana_after_latin_are_no_names_of_letters() -> None:
    assert said("AIが好き。", "ja") == f"{phonemes('AI', 'en')} {phonemes('がすき。', 'ja')}"


@pytest.mark.parametrize(
    ("value", "kana"),
    [
        *[
            (0, "ぜろ"),
            (10, "じゅう"),
            (14, "じゅうよん"),
            (100, "ひゃく"),
            (365, "さんびゃくろくじゅうご"),
            (8000, "はっせん"),
        ],
        *[(11_000, "いちまんせん"), (10**8, "いちおく"), (10**12, "いっちょう"), (8 * 10**12, "はっちょう")],
    ],
)
def test_a_number_is_read_in_groups_of_ten_thousand(value: int, kana: str) -> None:
    assert in_kana(value) == kana
