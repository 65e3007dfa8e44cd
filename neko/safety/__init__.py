"""Words that say that somebody may be in danger, and whom the reader can reach then. Nothing is logged or sent.

Everything that is told is data: ``assets/safety``. It is no diagnosis: a card that comes once too often costs little.
"""

from __future__ import annotations

from neko.safety.danger import Danger as Danger
from neko.safety.helplines import HELPLINES_FILE as HELPLINES_FILE
from neko.safety.helplines import Help as Help
from neko.safety.helplines import Helpline as Helpline
from neko.safety.helplines import Helplines as Helplines
from neko.safety.recognition import load_recognition as load_recognition
from neko.safety.recognition import recognise as recognise
from neko.safety.regions import region_of as region_of
from neko.safety.words import Words as Words
from neko.safety.words import load_words as load_words
from neko.safety.words import words as words
