"""The behaviour suite of hands, run on the computer's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from neko.agent.computer.hand import ComputerHand
from neko.types.hands import Action
from tests.agent.computer.conftest import Onlooker, until
from tests.seams.hand import HandBehaviour, HandCase

pytestmark = pytest.mark.slow


class TestComputer(HandBehaviour):
    @pytest.fixture
    async def case(self, onlooker: Onlooker) -> AsyncIterator[HandCase]:
        window = onlooker.window()
        hand = ComputerHand()
        yield HandCase(
            hand,
            reading=Action("wait", {"seconds": 0}),
            changing=Action("press", {"key": "a"}),
            impossible=Action("press", {"key": "no such key"}),
            lasting=Action("drag", {"x": 900, "y": 900, "duration": 5}),
            effects=window.keys_pressed,
            busy=lambda: until(onlooker.pressed_buttons),
        )
        await hand.aclose()
        assert (onlooker.pressed_keys(), onlooker.pressed_buttons()) == ([], 0)
