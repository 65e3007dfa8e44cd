"""In which language a piece is said, and with which voice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.audio.scripts import runs
from neko.audio.spoken_language import SpokenLanguage
from tests.audio.phonemes import phonemes, said, voiced

SPELLED = ("letter", "lˈɛtɚ", "lɛɾɚ", "letə", "dʒapəniːz", "tʃaɪniːz", "sɪɹɪlɪk")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        pytest.param("Привет, как дела?", "ru", id="D4-russian"),
        pytest.param("สวัสดีครับ", "th", id="D4-thai"),
        pytest.param("مرحبا كيف حالك", "ar", id="D4-arabic"),
        *[("Привіт, як справи? Її", "uk"), ("سلام، چطوری؟", "fa"), ("Καλημέρα", "el"), ("שלום", "he"), ("नमस्ते", "hi")],
        *[("வணக்கம்", "ta"), ("নমস্কার", "bn"), ("గుడ్", "te"), ("გამარჯობა", "ka"), ("Բարև", "hy"), ("ሰላም", "am")],
        *[
            ("你好", "zh"),
            ("こんにちは", "ja"),
            ("안녕", "ko"),
            ("Bonjour, comment ça va ?", "fr"),
            ("Guten Tag.", "de"),
        ],
        *[("Hola, ¿qué tal?", "es"), ("Como você está?", "pt"), ("Hallo, hoe gaat het?", "nl"), ("Hello!", "en")],
        *[("Cześć, jak się masz?", "pl"), ("Merhaba, nasılsın?", "tr"), ("Xin chào bạn", "vi"), ("Apa kabar?", "id")],
        *[("Hej, hur mår du?", "sv"), ("Va bene, a domani", "it"), ("Python is great", "en"), ("OK", "en")],
        *[
            pytest.param("Schön, dass du da bist.", "de", id="v_de"),
            pytest.param("¿Cómo estás?", "es", id="v_es"),
            *[("¡Vamos!", "es"), ("Große Straße", "de"), ("Schön!", "de"), ("Zoë and Björn are here.", "en")],
            *[("Wie schön!", "de"), ("Où es-tu ?", "fr"), ("Können wir über Käse reden?", "de")],
            pytest.param("跑了5km，重60kg。", "zh", id="v_zh_units"),
            pytest.param("The π and the Δ", "en", id="v_approx"),
            *[("π ≈ 3.14.", "en"), ("α, β, γ", "en"), ("5 µm", "en"), ("Η γάτα είναι εδώ", "el"), ("Ωμέγα", "el")],
        ],
        *[("“Bonjour” means hello.", "en"), ("She ordered a café au lait in the bar.", "en")],
    ],
)
def test_a_piece_is_said_in_its_own_language(text: str, language: str) -> None:
    assert SpokenLanguage("en").of(text).partition("-")[0] == language
    (own, words), *others = voiced(text, SpokenLanguage("en").of(text))
    assert (own, others) == (language, [])
    assert said(text, "en") if language == "en" else said(text, language) == phonemes(words, language)


def test_a_short_piece_is_said_in_the_language_of_the_reply() -> None:
    spoken = SpokenLanguage("en")
    assert [spoken.of(piece) for piece in ("Je suis là pour vous aider.", "Paris.", "OK.", "D'accord.")] == ["fr"] * 4
    spoken = SpokenLanguage("en")
    assert [spoken.of(piece) for piece in ("I like it.", "Oui.", "Ja.", "No.")] == ["en"] * 4


def test_a_sentence_in_another_language_is_said_in_it_within_a_reply() -> None:
    spoken = SpokenLanguage("en")
    pieces = ("You can say it like this.", "Je ne sais pas où est la gare.", "And that is all there is to it.")
    assert [spoken.of(piece) for piece in pieces] == ["en", "fr", "en"]


def test_what_tells_nothing_is_said_in_the_language_of_the_character() -> None:
    assert SpokenLanguage("ja").of("123") == "ja"
    assert SpokenLanguage("zh-TW").of("好") == "zh-TW"
    assert SpokenLanguage("ja").of("今日") == "ja"
    assert SpokenLanguage("ja").of("OK") == "en"
    assert SpokenLanguage("uk").of("Так") == "uk"


@pytest.mark.parametrize(
    ("text", "language", "parts"),
    [
        ("I love Москва and tea.", "en", [("en", "I love"), ("ru", "Москва"), ("en", "and tea.")]),
        (
            "So ありがとう means thanks.",
            "en",
            [("en", "So"), ("ja", "ありがとう"), ("en", "means thanks.")],
        ),
        ("Say 你好 to them.", "en", [("en", "Say"), ("zh", "你好"), ("en", "to them.")]),
        pytest.param(
            "我喜欢Harry Potter这本书。",
            "zh-CN",
            [("zh", "我喜欢"), ("en", "Harry Potter"), ("zh", "这本书。")],
            id="v_zh_mixed_name",
        ),
        pytest.param("時々、人々が来る。〆", "ja", [("ja", "ときどき、ひとびとがくる。しめ")], id="v_ja_repeat"),
        ("AIがすき。", "ja", [("en", "AI"), ("ja", "がすき。")]),
        ("我喜欢AI和Python。", "zh-CN", [("zh", "我喜欢AI和Python。")]),
        ("Я люблю Python и 東京.", "ru", [("ru", "Я люблю Python и"), ("zh", "東京.")]),
        ("ສະບາຍດີ hello ᠮᠣᠩ", "en", [("en", "hello")]),
        ("123 Привет", "en", [("ru", "123 Привет")]),
        ("Hello.", "tlh", [("en", "Hello.")]),
    ],
)
def test_a_word_in_another_script_is_said_by_its_own_voice_or_not_at_all(
    text: str, language: str, parts: list[tuple[str, str]]
) -> None:
    assert voiced(text, language) == parts
    assert not any(name in said(text, language) for name in SPELLED)


def test_the_voice_of_another_language_would_spell_it() -> None:
    """What the tests above would see without a voice for each script."""
    assert any(name in phonemes("AIがすき", "ja") for name in SPELLED)
    assert any(name in phonemes("漢字", "en") for name in SPELLED)


@given(
    st.text(st.sampled_from([*"aé Пі ก م א日かカ한1.,!\u0301 ー々ａ"]), max_size=30),
    st.sampled_from(["en", "ja", "ru", "zh-CN"]),
)
def test_runs_joined_are_the_text(text: str, language: str) -> None:
    assert "".join(run for run, _ in runs(text, language)) == text
    assert all(one[1] != other[1] for one, other in zip(runs(text, language), runs(text, language)[1:], strict=False))
