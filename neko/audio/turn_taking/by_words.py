"""The end of a turn by its words: a finished sentence or a question ends it sooner, a word that leads on later."""

from __future__ import annotations

import re

from neko.audio.turn_taking.patience import SaidSoFar

FINISHED_S = 0.4
UNFINISHED_S = 1.4
OPEN_S = 0.75

_LEADS_ON = re.compile(
    r"(?:\b(?:and|but|or|so|because|if|when|then|that|which|who|the|a|an|to|of|in|on|at|for|with|from|my|your|his|her|"
    r"is|are|was|were|i|um+|uh+|er+|hmm+|well|like|maybe)"
    r"|然后|然後|还有|還有|但是|可是|因为|因為|所以|如果|就是|那个|那個|嗯+|呃+|或者|而且|我想|我觉得|我覺得|的|和|跟|把|在|给|給"
    r"|えっと|ええと|あの|その|それで|でも|だから|けど|けれど|から|ので|が|は|を|に|で|と|も|たら|なら|って|そして"
    r"|그리고|그래서|근데|하지만|그런데|음+|어+|저기|그게|은|는|이|가|을|를|에|에서|면|고|서|니까)\W*$",
    re.IGNORECASE,
)
_TRAILS_OFF = re.compile(r"(?:\.{2,}|…|,|，|、|-|—|:|：)\s*$")
_FINISHED = re.compile(r"[.!?。！？]+[\"'”’」』)）]*\s*$")


def by_words(said: SaidSoFar) -> float | None:
    """See the module; a recogniser's full stop alone is believed only where no word leads on."""
    if not said.text:
        return None
    text = said.text.strip()
    if _TRAILS_OFF.search(text) or _LEADS_ON.search(text):
        return UNFINISHED_S
    return FINISHED_S if _FINISHED.search(text) else OPEN_S
