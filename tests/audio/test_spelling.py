"""Numbers and signs that the built-in voice says in words."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.audio.engines.spelling import in_words
from tests.audio.phonemes import phonemes, said, voiced

ENGLISH = {
    "D2-million": ("$5 million", "5 million dollars"),
    "D2-billion": ("$1.5 billion", "1.5 billion dollars"),
    "D2-thousand": ("$3k", "3 thousand dollars"),
    "D2-country": ("US$20", "20 US dollars"),
    "D2-european": ("€1.234,56", "1234 euros and 56 cents"),
    "pence": ("£2.50", "2 pounds and 50 pence"),
    "one": ("$1 or €1,000", "1 dollar or 1000 euros"),
    "cents": ("$0.99 or 5¢", "99 cents or 5 cents"),
    "yen": ("¥500", "500 yen"),
    "negative": ("-$5", "-5 dollars"),
    "after": ("5 € and 7€", "5 euros and 7 euros"),
    "code": ("EUR 5 and 20 USD", "5 euros and 20 US dollars"),
    "letters": ("$5M and $2bn", "5 million dollars and 2 billion dollars"),
    "range-of-money": ("$5-10 million", "5 to 10 million dollars"),
    "rupees": ("₹500", "500 rupees"),
    "iso-date": ("2025-10-03", "October 3, 2025"),
    "dotted-date": ("3.10.2025", "October 3, 2025"),
    "american-date": ("10/3/2025", "October 3, 2025"),
    "no-american-date": ("23/10/2025", "October 23, 2025"),
    "short-date": ("due 10/3", "due October 3"),
    "month": ("Oct 3, 3 Oct, Oct. 3", "October 3, 3 October, October 3"),
    "range": ("10–20", "10 to 20"),
    "years": ("1990–1995", "19 90 to 19 95"),
    "pages": ("pp. 3-5, p. 7", "pages 3 to 5, page 7"),
    "score": ("2:1", "2 to 1"),
    "time": ("10:30, 10:05, 10:00", "10:30, 10 oh 5, 10 o'clock"),
    "afternoon": ("7:00 p.m.", "7 p.m."),
    "speed": ("20 km/h", "20 kilometers per hour"),
    "degrees": ("21°C, 70 °F", "21 degrees Celsius, 70 degrees Fahrenheit"),
    "weight": ("1 kg, 2.5 kg", "1 kilogram, 2.5 kilograms"),
    "area": ("5 m²", "5 square meters"),
    "digital": ("16 GB", "16 gigabytes"),
    "fraction": ("1/2, 2/3, 3/4", "one half, 2 thirds, 3 quarters"),
    "phone": ("+1 555 123 4567", "+1, 5 5 5, 1 2 3, 4 5 6 7"),
    "phone-dashes": ("555-123-4567", "5 5 5, 1 2 3, 4 5 6 7"),
    "decade": ("1990s and 2020s", "19 nineties and twenty twenties"),
    "year": ("in 1995, in 1905", "in 19 95, in 19 oh 5"),
    "number": ("#1 and № 5", "number 1 and number 5"),
    "adjective": ("A $1.2M deal, a £5 note", "A 1.2 million dollar deal, a 5 pound note"),
    "no-cents": ("$1.5 to $2", "1.5 dollars to 2 dollars"),
    "two-signs": ("$100-$200", "100 to 200 dollars"),
    "percents": ("5%–10%, 5%-10%", "5% to 10%, 5% to 10%"),
    "moment": ("2024-10-03T10:30", "October 3, 2024, 10:30"),
    "mixed": ("1 1/2, 5/8", "1 and one half, 5 eighths"),
    "magnitudes": ("100k users, 5M views", "100 thousand users, 5 million views"),
    "feet": ("5'10\" tall", "5 foot 10 tall"),
    "power": ("10^6", "10 to the power of 6"),
    "short-decade": ("the '90s", "the nineties"),
    "score-told": ("won 3-2, from 9-5", "won 3 to 2, from 9 to 5"),
    "even": ("a 50-50 chance", "a 50 50 chance"),
    "people": ("20-30 people", "20 to 30 people"),
    "number-word": ("No. 5", "number 5"),
    "v_phone": ("Call 555-1234 now.", "Call 5 5 5, 1 2 3 4 now."),
    "phone-bare": ("13800138000, 007, 0171 1234567", "1 3 8 0 0 1 3 8 0 0 0, 0 0 7, 0 1 7 1, 1 2 3 4 5 6 7"),
    "no-phone": ("8000000000 people, 100-2000, 100-200", "8000000000 people, 100-2000, 100 to 200"),
    "v_time_seconds": ("01:02:03, 10:30:15, 10:00:00", "1 oh 2 oh 3, 10 30 15, 10 o'clock"),
    "v_less": ("5 > 3 and 2 < 4, x<y", "5 is greater than 3 and 2 is less than 4, x is less than y"),
    "a-menu": ("Settings > Sound", "Settings > Sound"),
    "v_times_star": ("2 * 3 = 6, 2*3, x * y", "2 times 3 equals 6, 2 times 3, x times y"),
    "v_square": ("x² + y³, a^2", "x squared plus y cubed, a squared"),
    "v_about_tilde": ("~5, ≈5 or ~$5", "about 5, about 5 or about 5 dollars"),
    "v_money_per": ("$3/month, $5/hr, 2 cats/dogs", "3 dollars per month, 5 dollars per hour, 2 cats dogs"),
    "v_csharp": ("C++, C# and F#", "C++, C sharp and F sharp"),
    "v_wo": ("w/ milk, w/o sugar", "with milk, without sugar"),
    "v_and_or": ("and/or, TCP/IP", "and or, TCP IP"),
    "v_approx": ("The π ≈ 3.14, Δt, 5 µs", "The pi is about 3.14, delta t, 5 microseconds"),
    "compared": ("x ≤ 5 ≥ y ≠ z", "x is at most 5 is at least y is not equal to z"),
    "other-signs": ("√9 ± 2 ÷ 4, § 5", "the square root of 9 plus or minus 2 divided by 4, section 5"),
    "difference": ("5 - 3 = 2, 3-5=-2, 5 - 10 min", "5 minus 3 equals 2, 3 minus 5 equals -2, 5 to 10 minutes"),
    "vulgar": ("½ and 1½", "one half and 1 and one half"),
    "typed": ("x >= 5, y <= 3, z != 2 == 4", "x is at least 5, y is at most 3, z is not equal to 2 equals 4"),
    "exponents": ("10⁻³, 10^6, x₁", "10 to the power of -3, 10 to the power of 6, x1"),
    "rating": ("4.5/5 stars", "4.5 out of 5 stars"),
    "no-rates": (
        "2 cats/dogs, 3 tests in web/app, US$3/month",
        "2 cats dogs, 3 tests in web app, 3 US dollars per month",
    ),
    "a-name": ("SmolLM2-135M, R2-D2", "SmolLM2-135M, R2-D2"),
    "rates": ("10 MB/s, 2 hrs", "10 megabytes per second, 2 hours"),
    "phone-far": ("1-800-555-1234, 0171/1234567", "1, 8 0 0, 5 5 5, 1 2, 3 4, 0 1 7 1, 1 2 3 4 5 6 7"),
    "one-sign": ("Chapter Ⅷ", "Chapter 8"),
    "v_roman_king": ("Henry VIII, Louis XIV", "Henry the eighth, Louis the fourteenth"),
    "v_roman_chapter": ("Chapter IV, Part I, type II", "Chapter 4, Part 1, type 2"),
    "v_roman_war": ("World War II, Rocky III", "World War 2, Rocky 3"),
    "no-roman": ("I am C, size XL, my CV, an IV, MIX, Part I love", "I am C, size XL, my CV, an IV, MIX, Part I love"),
    "v_dr_st": ("on Elm St. in St. Louis", "on Elm Street in Saint Louis"),
    "v_vs": ("cats vs. dogs, etc.", "cats versus dogs, et cetera."),
    "a-fruit": ("I ate a fig. See fig. 5", "I ate a fig. See figure 5"),
    "v_phd": ("a Ph.D. in tea", "a PhD in tea"),
    "v_decade_short": ("the '80s", "the eighties"),
    "v_thousand_suffix": ("20K steps, a 4K film", "20 thousand steps, a 4K film"),
    "groups": ("1.000.000 and 10 000", "1000000 and 10000"),
}

OTHERS = [
    ("de", "5 € und 2,50 €", "5 Euro und 2 Euro 50"),
    ("de", "1,5 Mrd. €, $5 Mio.", "1,5 Milliarden Euro, 5 Millionen Dollar"),
    ("de", "1.000 kg, 20 km/h, 21 °C", "1000 Kilogramm, 20 Kilometer pro Stunde, 21 Grad Celsius"),
    ("de", "10–20, 2:1, 3. Okt.", "10 bis 20, 2 zu 1, 3. Oktober"),
    ("fr", "3 millions €, 5 M€, 2,50 €", "3 millions de euros, 5 millions de euros, 2 euros 50"),
    ("fr", "2025-10-03, 10–20", "3 octobre 2025, 10 à 20"),
    ("es", "$5 millones, 20 km/h", "5 millones de dólares, 20 kilómetros por hora"),
    ("it", "5 €, 20 km/h", "5 euro, 20 chilometri orari"),
    ("pl", "5 zł, 20 km/h", "5 złotych polskich, 20 kilometrów na godzinę"),
    ("ru", "5 млн $, 1 $, 3 $", "5 миллионов долларов, 1 доллар, 3 доллара"),
    ("ru", "2025-10-03, № 5", "3 октября 2025 года, номер 5"),
    ("ru", "20 км/ч, 5 кг, 100 ₽", "20 километров в час, 5 килограмм, 100 рублей"),
    ("de", "3 Mio. Menschen, 5.3.2024", "3 Millionen Menschen, 5. März 2024"),
    ("fr", "1 234,56 €, le 3/10/2025", "1234 euros 56, le 3 octobre 2025"),
    ("zh", "电话：138-1234-5678", "电话：1 3 8, 1 2 3 4, 5 6 7 8"),
    ("zh", "价格是￥5.50，省20%。", "价格是5.50元，省百分之20。"),
    ("zh", "100元，$5万，$1.5 billion", "100元，5万美元，15亿美元"),
    ("zh", "10:30，1/2，2:1，21℃", "10点30分，2分之1，2比1，21摄氏度"),
    ("zh", "2025年2月2日2点有2个，第2个", "二零二五年2月2日两点有两个，第2个"),
    ("ja", "¥500で100%です", "500円で100パーセントです"),
    ("ja", "$5、10:30、20 km/h", "5ドル、10時30分、時速20キロメートル"),
    ("ko", "$5에 50% 할인, ₩5000", "5달러에 50 퍼센트 할인, 5000원"),
    ("ko", "20살 3개 5명 10:30 3개월", "스무 살 세 개 다섯 명 열 시 30분 3개월"),
    pytest.param("zh", "请打13800138000。", "请打1 3 8 0 0 1 3 8 0 0 0。", id="v_zh_phone"),
    pytest.param("zh", "跑了5km，重60kg，今天38.5℃", "跑了5公里，重60千克，今天38.5摄氏度", id="v_zh_units"),
    pytest.param("zh", "外面-5度，-3", "外面零下5度，负3", id="v_zh_minus"),
    ("zh", "3+5=8，5-3=2，x²>3，100元/月，#5，和/或", "3加5等于8，5减3等于2，x的平方大于3，100元每月，5号，和 或"),
    ("zh", "5℃～10℃，5元~10元，约5‰", "5摄氏度到10摄氏度，5元到10元，约千分之5"),
    ("ko", "-3℃", "영하 섭씨 3도"),
    ("fr", "M. Dupont, n° 5, 06 12 34 56 78", "Monsieur Dupont, numéro 5, 06, 12, 34, 56, 78"),
    ("fr", "5 €/mois, XXIe siècle", "5 euros par mois, 21ème siècle"),
    ("de", "5 € / Monat, St. Pauli, § 5", "5 Euro pro Monat, Sankt Pauli, Paragraph 5"),
    ("ja", "-5度、-3、3×2=6、α波、5km走る", "氷点下5度、マイナス3、3かける2イコール6、アルファ波、5キロメートル走る"),
    pytest.param("ko", "010-1234-5678이에요", "공일공, 일이삼사, 오육칠팔이에요", id="v_ko_phone"),
    pytest.param("ko", "6월 10월 7월", "유월 시월 7월", id="v_ko_month"),
    ("ko", "-5도, -3, 3 + 5 = 8", "영하 5도, 마이너스 3, 3 더하기 5 이퀄 8"),
    ("fr", "-5 °C, 2 + 2 = 4, 3 < 5, ½", "moins 5 degrés Celsius, 2 plus 2 égale 4, 3 est inférieur à 5, un demi"),
    (
        "de",
        "z. B. d.h. usw., 1½, -5, 3 > 2",
        "zum Beispiel das heißt und so weiter, 1 und ein halb, minus 5, 3 ist größer als 2",
    ),
    ("es", "-5, 3 × 4, EE. UU., p. ej. 3/4", "menos 5, 3 por 4, Estados Unidos, por ejemplo tres cuartos"),
    ("ru", "-5, XIX век, т. е. 3 ≠ 2, ~5", "минус 5, 19 век, то есть 3 не равно 2, около 5"),
    ("th", "20 km", "20 กิโลเมตร"),
    ("xx", "$5", "$5"),
]


@pytest.mark.parametrize(("text", "words"), ENGLISH.values(), ids=ENGLISH)
def test_signs_are_said_as_people_say_them(text: str, words: str) -> None:
    assert in_words(text, "en") == words


@pytest.mark.parametrize(("language", "text", "words"), OTHERS)
def test_signs_are_said_as_people_say_them_in_each_language(language: str, text: str, words: str) -> None:
    assert in_words(text, language) == words


@pytest.mark.parametrize(
    "text",
    [
        *("AT&T, no $ign", "no digits: $ € km", "A4, B2B, C3PO", "v2.0.1", "192.168.1.1", "5-3", "50%", "3.14"),
        *(
            "mid-2020",
            "Python 3.11",
            "COVID-19",
            "R2-D2",
            "5'",
            "a1b2",
            "1st, 2nd",
            "2025-13-45",
            "MP3",
            "4K",
            "7-Eleven",
        ),
    ],
)
def test_what_the_voice_reads_well_stays_as_it_is(text: str) -> None:
    assert in_words(text, "en") == text


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        pytest.param("$5 million", "five million dollars", id="D2-million"),
        pytest.param("$1.5 billion", "one point five billion dollars", id="D2-billion"),
        pytest.param("$3k", "three thousand dollars", id="D2-thousand"),
        pytest.param("-$5", "minus five dollars", id="D2-negative"),
        ("£2.50", "two pounds and fifty pence"),
        ("€1,234", "one thousand two hundred thirty four euros"),
        ("20 km/h", "twenty kilometers per hour"),
        ("10–20", "ten to twenty"),
        ("10:05", "ten oh five"),
        ("1990s", "nineteen nineties"),
        ("in 1995", "in nineteen ninety five"),
        pytest.param("Call 555-1234 now.", "Call five five five, one two three four now.", id="v_phone"),
        pytest.param("My best time is 01:02:03.", "My best time is one oh two oh three.", id="v_time_seconds"),
        pytest.param("5 > 3 and 2 < 4.", "five is greater than three and two is less than four.", id="v_less"),
        pytest.param("2 * 3 = 6.", "two times three equals six.", id="v_times_star"),
        pytest.param("x² is nine.", "x squared is nine.", id="v_square"),
        pytest.param("It takes ~5 minutes.", "It takes about five minutes.", id="v_about_tilde"),
        pytest.param("It is $3/month.", "It is three dollars per month.", id="v_money_per"),
        pytest.param("I know C++ and C#.", "I know c plus plus and c sharp.", id="v_csharp"),
        pytest.param("Tea w/ milk and w/o sugar.", "Tea with milk and without sugar.", id="v_wo"),
        pytest.param("Tea and/or cake.", "Tea and or cake.", id="v_and_or"),
        pytest.param("π ≈ 3.14.", "pi is about three point one four.", id="v_approx"),
        pytest.param("Henry VIII had six wives.", "Henry the eighth had six wives.", id="v_roman_king"),
        pytest.param("Read Chapter IV first.", "Read Chapter four first.", id="v_roman_chapter"),
        pytest.param("World War II ended in 1945.", "World War two ended in nineteen forty five.", id="v_roman_war"),
        pytest.param(
            "Dr. Smith lives on Elm St. in St. Louis.", "Doctor Smith lives on Elm Street in Saint Louis.", id="v_dr_st"
        ),
        pytest.param("It was cats vs. dogs.", "It was cats versus dogs.", id="v_vs"),
        pytest.param("She has a Ph.D. in tea.", "She has a P h D in tea.", id="v_phd"),
        pytest.param("That song is from the '80s.", "That song is from the eighties.", id="v_decade_short"),
        pytest.param("20K steps", "twenty thousand steps", id="v_thousand_suffix"),
    ],
)
def test_it_sounds_like_the_words_written_out(text: str, spoken: str) -> None:
    assert said(text, "en").replace(" ", "") == phonemes(spoken, "en").replace(" ", "")


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ru", "zh", "ja", "ko"])
@pytest.mark.parametrize(
    "sign", ["+", "−", "×", "÷", "=", "±", "≤", "≥", "<", ">", "≠", "≈", "²", "³", "√", "∞", "π", "Δ", "-"]
)
def test_every_sign_is_heard_in_each_language_by_its_own_voice(sign: str, language: str) -> None:
    """The voice itself leaves most of them out or goes over to an English one."""
    text = f"5{sign}, 3" if sign in "²³" else f"5, {sign}3" if sign in "√-" else f"5 {sign} 3"
    assert sign == "-" or sign not in in_words(text, language)
    (own, words), *others = voiced(text, language)
    assert (own, others) == (language, [])
    heard = phonemes(words, language)
    assert len(heard) > len(phonemes("5, 3", language)) + 1
    assert "(en)" not in heard
    assert "(el)" not in heard


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        pytest.param("zh", "请打13800138000。", "请打 一 三 八 零 零 一 三 八 零 零 零。", id="v_zh_phone"),
        pytest.param("zh", "跑了5km，重60kg。", "跑了五公里，重六十千克。", id="v_zh_units"),
        pytest.param("zh", "外面-5度。", "外面零下五度。", id="v_zh_minus"),
        pytest.param("ko", "6월 10월에 가요.", "유월 시월에 가요.", id="v_ko_month"),
        pytest.param("ja", "10%です。", "じゅっパーセントです。", id="v_ja_percent"),
        ("de", "3 > 2, z. B.", "drei ist größer als zwei, zum Beispiel."),
        ("fr", "-5 °C", "moins cinq degrés Celsius"),
        ("ru", "-5, 3 × 4", "минус 5, 3 умножить на 4"),
        ("es", "-5, 3 × 4", "menos cinco, tres por cuatro"),
    ],
)
def test_it_sounds_like_the_words_written_out_in_each_language(language: str, text: str, spoken: str) -> None:
    assert said(text, language).replace(" ", "") == phonemes(spoken, language).replace(" ", "")


@given(
    st.sampled_from(["en", "de", "fr", "es", "ru", "zh", "ja", "ko", "pl"]),
    st.sampled_from(["$", "€", "£", "¥"]),
    st.integers(0, 10**9),
    st.sampled_from(["{sign}{amount}", "{sign} {amount}", "{amount} {sign}", "{amount}{sign}"]),
    st.sampled_from(["", "k", "M", " million"]),
)
def test_no_sign_of_a_currency_is_left_and_the_name_comes_last(
    language: str, sign: str, amount: int, order: str, magnitude: str
) -> None:
    words = in_words(order.format(sign=sign, amount=f"{amount}{magnitude}"), language)
    assert sign not in words
    assert words[-1].isalpha()


@given(
    st.dates(datetime.date(1000, 1, 1), datetime.date(2999, 12, 31)), st.sampled_from(["en", "de", "fr", "ja", "ru"])
)
def test_a_date_is_said_with_its_month(date: datetime.date, language: str) -> None:
    words = in_words(date.isoformat(), language)
    assert "-" not in words
    assert str(date.day) in words


@given(
    st.text(st.sampled_from([*"0123456789 .,:/-–$€%°kmCMh#+()元円<>=!*^~²⁻₁≈√∞§&@πΪ\u03a2ώςΩ½ⅧVXIе"]), max_size=30),
    st.sampled_from(["en", "de", "fr", "es", "ru", "zh", "ja", "ko", "th", "el"]),
)
def test_no_mix_of_numbers_and_signs_breaks_it(text: str, language: str) -> None:
    assert isinstance(in_words(text, language), str)
