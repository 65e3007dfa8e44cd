"""The behaviour suite of hands, run on the scripted one."""

from __future__ import annotations

import pytest

from neko.types.hands import Action
from tests.scripted_hand import ScriptedHand
from tests.seams.hand import HandBehaviour, HandCase


class TestScriptedHand(HandBehaviour):
    @pytest.fixture
    def case(self) -> HandCase:
        hand = ScriptedHand()
        return HandCase(
            hand,
            Action("look", {}),
            Action("note", {"text": "a"}),
            Action("refuse", {}),
            Action("linger", {}),
            lambda: len([one for one in hand.world.done if one.startswith("note")]),
            hand.world.busy.wait,
        )
