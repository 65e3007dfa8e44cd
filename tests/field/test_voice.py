"""What she says aloud of a reply: what a speech server is asked for, and what the built-in voice makes of it."""

from __future__ import annotations

import pytest

from tests.audio.phonemes import phonemes, said
from tests.field.hostile_provider import Raw, reply, spelled
from tests.field.talk import Talk
from tests.scripted_provider import tone


@pytest.fixture
async def speaking(talk: Talk) -> Talk:
    """Her voice is the ``/audio/speech`` of the hostile provider."""
    await talk.server.neko.config.change({"neko": {"speech": {"engine": "openai"}}})
    talk.provider.speech = Raw([tone(0.02)])
    return talk


async def spoken(talk: Talk, text: str) -> list[str]:
    """The pieces of a reply that the voice was asked for, in order; the page has the reply as it is."""
    talk.provider.answers = [reply(*spelled(text, 3))]
    await talk.page.say("Hello there")
    frames = await talk.page.until("neko_speech_end")
    assert "".join(frame["text"] for frame in frames if frame["type"] == "gemini_response").strip() == text.strip()
    asked = [request.json["input"] for request in talk.provider.requests if request.path.endswith("/audio/speech")]
    talk.provider.requests.clear()
    return asked


REPLIES = {
    "D1-initials": (
        "J.R.R. Tolkien wrote it. The U.S.A. is big. N.E.K.O. is a cat. A.J. Smith came.",
        ["J.R.R. Tolkien wrote it.", "The U.S.A. is big.", "N.E.K.O. is a cat.", "A.J. Smith came."],
    ),
    "D7-tildes": ("See:\n~~~py\nprint('hi. Bye')\n~~~\nDone. Fine.", ["See:", "Done.", "Fine."]),
    "D7-backticks": ("See:\n```py\nprint('hi. Bye')\n```\nDone. Fine.", ["See:", "Done.", "Fine."]),
    "D7-in-a-list": ("Do:\n- ~~~py\n  hi. Bye\n  ~~~\n- This. Fine.", ["Do:", "This.", "Fine."]),
    "D7-under-an-item": ("1. Run:\n\n   ```sh\n   hi. Bye\n   ```\n\n2. Wait. Fine.", ["1. Run:", "2. Wait.", "Fine."]),
    "D7-in-a-quote": ("See:\n> ~~~\n> hi. Bye\n\nDone. Fine.", ["See:", "Done.", "Fine."]),
    "D7-nested": ("See:\n````md\n```py\nhi. Bye\n```\nhi\n````\nDone. Fine.", ["See:", "Done.", "Fine."]),
    "D7-opened-twice": ("See:\n```\n```py\nhi. Bye\n```\nDone. Fine.", ["See:", "Done.", "Fine."]),
    "D7-span-of-three": ("```x``` is a name. Fine.\nDone.", ["x is a name.", "Fine.", "Done."]),
    "D7-not-closed": ("See. This:\n```py\nhi. Bye\n\nhi", ["See.", "This:"]),
    "D7-decoration": ("~~~ wow ~~~\nDone. Fine.", ["wow", "Done.", "Fine."]),
    "D7-links": ("Look at [Neko](https://example.com/a?b=c) **now** 😀!", ["Look at Neko now!"]),
    "D8-first": ("*smiles* Hello", ["Hello"]),
    "D8-in-a-sentence": ("I am glad *giggles* to see you.", ["I am glad to see you."]),
    "D8-a-sentence": ("*She pours the tea.* Here you are.", ["Here you are."]),
    "D8-several-sentences": ("*She pours the tea. Then she nods.* Here you are.", ["Here you are."]),
    "D8-brackets": ("[smiles] Yes.", ["Yes."]),
    "D8-emphasis": ("I *really* like it. *Never* give up.", ["I really like it.", "Never give up."]),
    "D9-dots": (
        "It is 98.6 in v2.0 at 5 p.m. in D.C. today. Mail a.b@c.de now.",
        ["It is 98.6 in v2.0 at 5 p.m. in D.C. today.", "Mail a.b@c.de now."],
    ),
    "D10-marks": ("Yes. ... 「…」 !? No.", ["Yes.", "No."]),
    "v_act_zh_square": ("【开心】你好呀。", ["你好呀。"]),
    "v_act_ja_round": ("（にっこり）ありがとう。", ["ありがとう。"]),
    "v_latex_inline": (r"So \(a^2 \leq \pi\) holds.", ["So a² ≤ π holds."]),
    "pictures": ("Yes 😊👍 → go. ❤️ © • ✓ Fine 🏳️‍🌈.", ["Yes, go.", "Fine."]),
    "amounts": ("It is -5 °C & ~$3/month. 5 > 3.", ["It is -5 °C & ~$3/month.", "5 > 3."]),
    "blank-lines": ("One.\n" + "\n" * 200 + "Two.", ["One.", "Two."]),
}


@pytest.mark.parametrize(("text", "pieces"), REPLIES.values(), ids=REPLIES)
@pytest.mark.few(12)
async def test_the_voice_of_the_browser_is_given_the_same(talk: Talk, text: str, pieces: list[str]) -> None:
    await talk.server.neko.config.change({"neko": {"speech": {"engine": "browser"}}})
    talk.provider.answers = [reply(*spelled(text, 3))]
    await talk.page.say("Hello there")
    frames = await talk.page.until("neko_speech_end")
    assert [frame["text"] for frame in frames if frame["type"] == "neko_speak"] == pieces


@pytest.mark.parametrize(("text", "pieces"), REPLIES.values(), ids=REPLIES)
@pytest.mark.few(14)
async def test_the_voice_is_asked_for_what_a_person_would_say(speaking: Talk, text: str, pieces: list[str]) -> None:
    assert await spoken(speaking, text) == pieces


async def test_D10_a_sentence_without_an_end_is_spoken_whole(speaking: Talk) -> None:
    words = "word " * 300
    assert " ".join(await spoken(speaking, words)).split() == words.split()
    han = "猫" * 340
    assert "".join(await spoken(speaking, han)) == han


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        pytest.param("$5 million", "en", "five million dollars", id="D2-million"),
        pytest.param("$1.5 billion", "en", "one point five billion dollars", id="D2-billion"),
        pytest.param("$3k", "en", "three thousand dollars", id="D2-thousand"),
        pytest.param("US$20", "en", "twenty US dollars", id="D2-country"),
        pytest.param("€1.234,56", "en", "1234 euros and fifty six cents", id="D2-european"),
        pytest.param("Привет, как дела?", "ru", "Привет, как дела?", id="D4-russian"),
        pytest.param("สวัสดี", "th", "สวัสดี", id="D4-thai"),
        pytest.param("مرحبا", "ar", "مرحبا", id="D4-arabic"),
        pytest.param("今日は10時30分です。", "ja", "きょうはじゅうじさんじゅっぷんです。", id="D6-readings"),
        pytest.param("が好き。", "ja", "がすき。", id="D6-kana"),
    ],
)
def test_the_built_in_voice_says_it_as_its_own_words(text: str, language: str, words: str) -> None:
    expected = phonemes(words, language)
    for around in {"en", language}:
        assert said(text, around).replace(" ", "") == expected.replace(" ", "")
