"""The language in which each piece of a reply is said: by its script, and among Latin ones by the whole reply.

By function words: a piece is too short for one, a reply rarely is. Written by hand: ``py3langid`` judges as well by
these measures, and takes 120 MB and seconds to load; ``lingua`` is 96 MB.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from neko.audio.scripts import is_latin, language_of, primary, scripts_in, without_symbols
from neko.language import guess
from neko.late_patterns import late_pattern

_FUNCTION_WORDS: Final = {
    "en": "the and is are was you i it to of that in for not with this have what do be my me your can so but we "
    "they he she how there here's it's i'm don't yes hello hi hey let's on at as or if just like about "
    "will would good",
    "de": "der die das und ist nicht ich du ein eine es zu den mit auf für wie was dir mir sie wir aber auch "
    "hallo danke bitte guten geht ja nein im dem sehr gut heute bin bist hast habe kann dass da schön mal noch wenn "
    "oder uns ihr euch mich dich hier wieder alles freue freut schon bei nach über",
    "fr": "le la les et est pas je tu un une de des que qui vous nous il elle pour avec dans ce ça c'est "
    "bonjour merci oui non très bien mais comment suis êtes sur au du mon ton j'ai j'aime c'était où quoi aussi "
    "voilà ici",
    "es": "el la los las y es no que de en un una yo tú qué por para con como cómo está estoy eres hola gracias "
    "muy bien pero buenos días mi tu se lo más sí hoy te me dónde cuándo quién estás tienes quieres eso esto aquí "
    "también alegro",
    "it": "il lo la gli e è non che di un una per con sono sei come ciao grazie bene molto ma anche io tu mi ti "
    "si della questo questa oggi cosa sì buongiorno a va",
    "pt": "o a os as e é não que de um uma eu você com para por como está estou obrigado obrigada olá muito bem "
    "mas em no na do da hoje isso meu minha tudo bom dia",
    "nl": "de het een en is niet ik je jij van dat op met voor hoe wat gaat hallo dank goed maar ook zijn ben "
    "heb deze er nee graag mijn wij aan te vandaag",
    "pl": "i w na nie to jest się że z do jak co ja ty tak mam jesteś jestem cześć dzień dobry dziękuję bardzo "
    "ale po czy dla mnie dzisiaj masz sie",
    "sv": "och att det är en ett jag du inte som på med för hej hur mår tack men vi har den så idag bra kan "
    "till",
    "da": "og at det er en et jeg du ikke som på med for hej hvordan tak men vi har den så i dag godt kan til "
    "af",
    "nb": "og å det er en et jeg du ikke som på med for hei hvordan takk men vi har den så i dag bra kan til av",
    "fi": "ja on ei se että minä sinä mitä kuka hei kiitos hyvää olen olet mutta kun niin tämä hyvin miten "
    "kuinka",
    "cs": "a je se na že to v jsem jsi ne co jak ahoj dobrý den děkuji ale tak pro s mám máš dnes ano",
    "hu": "a az és nem hogy egy van én te mi szia köszönöm jó de is meg ez igen hogyan vagy vagyok nap",
    "ro": "și este nu că de un o eu tu cu pentru ce cum bună mulțumesc foarte bine dar sunt ești azi mai",
    "tr": "bir ve bu ne için de da mi ben sen çok nasıl merhaba teşekkür evet hayır ama ile var değil nasılsın "
    "iyi bugün",
    "vi": "là và của không có tôi bạn một được cho với này chào cảm ơn gì rất nhưng thế nào hôm nay xin",
    "id": "dan yang di ini itu tidak apa saya kamu aku dengan untuk ada halo terima kasih kabar baik hari "
    "selamat ya akan bisa juga",
}  # fmt: skip
_LANGUAGES_OF: Final[dict[str, tuple[str, ...]]] = {}
for _language, _words in _FUNCTION_WORDS.items():
    for _word in _words.split():
        _LANGUAGES_OF[_word] = (*_LANGUAGES_OF.get(_word, ()), _language)
_LETTERS: Final = {
    "ñ": ("es",), "ä": ("de", "sv", "fi"), "ö": ("de", "sv", "fi", "tr", "hu"), "ü": ("de", "tr", "hu"), "ãõ": ("pt",),
    "łżźćęąń": ("pl",), "ěřů": ("cs",), "őű": ("hu",), "ğış": ("tr",),
    "șță": ("ro", "vi"), "ơưđạảấầẩậắằặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỹ": ("vi",), "øæ": ("da", "nb"),
    "å": ("sv", "da", "nb"), "ù": ("fr", "it"), "è": ("fr", "it"), "ê": ("fr", "pt", "vi"), "ç": ("fr", "pt", "tr"),
    "à": ("fr", "it", "pt", "vi"),
    "œ": ("fr",),
}  # fmt: skip
_HAVING: Final = {letter: having for letters, having in _LETTERS.items() for letter in letters}
_CERTAIN: Final = {"¿": "es", "¡": "es", "ß": "de"}
"""Signs that tell the language by themselves: no word of them is borrowed."""
_WORD: Final = late_pattern(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_UNIT: Final = late_pattern(r"(?<=\d)\s?[A-Za-z°/²³]{1,4}(?![^\W\u3040-\uffff])")
"""After a number, of any language: "5km"."""
_ENOUGH: Final = 1.5
"""What a piece or a reply must have more than the language that is expected."""

_CLEAR: Final = 2.5
"""What a piece must have to be in another language than the reply so far."""
_TELLING: Final = 5
"""Letters from which on a word that only one language has is enough by itself: "bonjour", "guten"."""


class SpokenLanguage:
    """For one reply. ``expected`` is the language of the character, a BCP 47 tag."""

    def __init__(self, expected: str) -> None:
        self._expected = expected
        self._latin = primary(expected) if is_latin(expected) else "en"
        self._seen: dict[str, float] = {}

    def of(self, piece: str) -> str:
        """The language of the next piece."""
        piece = _UNIT.sub("", piece if self._expected.startswith("el") else without_symbols(piece))
        scripts = scripts_in(piece)
        if not scripts:
            return self._expected
        if scripts.keys() & {"HIRAGANA", "KATAKANA", "HANGUL", "CJK"}:
            script_language = guess(piece, self._expected)
            if script_language != "en":
                return script_language
        script = max(scripts, key=lambda name: scripts[name])
        if script != "LATIN":
            return language_of(script, piece, self._expected) or self._expected
        here = _evidence(piece)
        for language, points in here.items():
            self._seen[language] = self._seen.get(language, 0.0) + points
        clear = self._most(here)
        return clear if clear and here[clear] >= _CLEAR else self._most(self._seen) or self._latin

    def _most(self, evidence: dict[str, float]) -> str:
        """The language that is clearly ahead of the one expected, if there is one."""
        if not evidence:
            return ""
        best = max(evidence, key=lambda name: evidence[name])
        return best if best == self._latin or evidence[best] >= evidence.get(self._latin, 0.0) + _ENOUGH else ""


def _evidence(piece: str) -> dict[str, float]:
    """A point for each word of a language, shared where several have it."""
    points: defaultdict[str, float] = defaultdict(float)
    for word in _WORD.findall(piece.lower().replace("’", "'")):
        languages = _LANGUAGES_OF.get(word, ())
        for language in languages:
            points[language] += _ENOUGH if languages == (language,) and len(word) >= _TELLING else 1 / len(languages)
        if not word.isascii():
            for having in {_HAVING[letter] for letter in word if letter in _HAVING}:
                for language in having:
                    points[language] += 1 / len(having)
    for sign in _CERTAIN.keys() & set(piece):
        points[_CERTAIN[sign]] += _ENOUGH
    return points
