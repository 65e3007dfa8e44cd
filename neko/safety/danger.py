"""The dangers that are told apart, in the order in which they are looked for."""

from __future__ import annotations

from enum import StrEnum


class Danger(StrEnum):
    """``MINOR``: somebody under age is hurt, or asked for what nobody may ask. ``HARM_OTHERS``: the user may hurt
    somebody. The values are those of ``assets/safety`` and of the wire."""

    SELF_HARM = "self_harm"
    MINOR = "minor"
    VIOLENCE = "violence"
    HARM_OTHERS = "harm_others"
    MEDICAL = "medical"
