"""What a text can sound like up to where it stops."""

from __future__ import annotations

from enum import Enum
from typing import Final

MARKS: Final = r"[\s.。!！?？\"'”’」』)）]*$"
"""A pattern: the marks that a recogniser puts at the end of whatever it was given."""


class Ending(Enum):
    """What a text sounds like up to where it stops."""

    NOTHING = "nothing"
    """There are no words."""
    LEADS_ON = "leads on"
    """More must come: after "and", 然后, けど, a filler, a comma, half a sentence."""
    OPEN = "open"
    """It may be all or not."""
    STATEMENT = "statement"
    QUESTION = "question"
    ANSWER = "answer"
    """A few words that are a turn by themselves: "Yes, please"."""
