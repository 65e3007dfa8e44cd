import pytest

from neko.language import LANGUAGES, guess, normalise, system_language


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("zh", "zh-CN"),
        ("zh_CN.UTF-8", "zh-CN"),
        ("zh-Hans-SG", "zh-CN"),
        ("zh-TW", "zh-TW"),
        ("zh_HK", "zh-TW"),
        ("zh-Hant", "zh-TW"),
        ("ZH-hant-MO", "zh-TW"),
        ("ja-JP", "ja"),
        ("ja_JP.eucJP", "ja"),
        ("ko", "ko"),
        ("Korean_Korea.949", "ko"),
        ("fr-FR", "en"),
        ("kok-IN", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_a_tag_becomes_one_of_the_five_languages(tag: str | None, language: str) -> None:
    assert normalise(tag) == language
    assert language in LANGUAGES


@pytest.mark.parametrize(
    ("text", "fallback", "language"),
    [
        ("Hello there", "ja", "en"),
        ("你好，今天怎么样？", "en", "zh-CN"),
        ("你好，今天過得怎麼樣？", "en", "zh-TW"),
        ("早安", "zh-TW", "zh-TW"),
        ("早安", "en", "zh-CN"),
        ("今日は何をしましたか", "en", "ja"),
        ("天気予報", "ja", "ja"),
        ("这是什么", "ja", "zh-CN"),
        ("カラオケ", "zh-CN", "ja"),
        ("ｶﾗｵｹ", "en", "ja"),
        ("오늘 뭐 했어?", "en", "ko"),
        ("我想用 Python 写一个小程序", "en", "zh-CN"),
        ("ChatGPTって何ですか", "en", "ja"),
        ("My favourite word is 猫, of course", "zh-CN", "en"),
        ("I like the character の very much", "zh-CN", "en"),
        ("12345 !?", "ko", "ko"),
        ("🙂", "zh-TW", "zh-TW"),
        ("", "ja", "ja"),
        ("Привет, как дела", "en", "en"),
    ],
)
def test_a_text_tells_its_language_or_leaves_the_fallback(text: str, fallback: str, language: str) -> None:
    assert guess(text, fallback) == language


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh-TW"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LANGUAGE": "ko:en"}, "ko"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "POSIX"}, "en"),
    ],
)
def test_the_system_language_is_that_of_the_locale(environ: dict[str, str], language: str) -> None:
    assert system_language(environ) == language
