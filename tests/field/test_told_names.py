"""A name that the user tells the built-in model, end to end: known in that conversation and after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client import client
from tests.page.running_neko import RunningNeko

TALKS = {
    "en": ("My name is Robin", "Sorry, call me Kim", "What is my name?", "Robin", "Kim"),
    "zh-CN": ("我叫小明", "还是叫我阿强吧", "我叫什么名字？", "小明", "阿强"),
    "zh-TW": ("我叫小明", "還是叫我阿強吧", "我叫什麼名字？", "小明", "阿強"),
    "ja": ("私の名前はトムです", "やっぱりケンって呼んで", "私の名前は？", "トム", "ケン"),
    "ko": ("내 이름은 민수야", "지훈이라고 불러 줘", "내 이름이 뭐야?", "민수", "지훈"),
}


@pytest.mark.parametrize("language", TALKS)
async def test_a_told_name_is_known_until_a_newer_one_is_told(data_dir: Path, language: str) -> None:
    first, second, question, old, new = TALKS[language]

    async def answer(neko: RunningNeko, text: str) -> str:
        async with client(neko.url.replace("http", "ws", 1), neko.neko.characters.current) as page:
            await page.say(text)
            said, _ = await page.reply()
            return said

    async with RunningNeko(data_dir, voice="off") as neko:
        assert old not in await answer(neko, question)
        assert old in await answer(neko, first)
        assert old in await answer(neko, question)
    async with RunningNeko(data_dir, voice="off") as neko:
        assert old in await answer(neko, question)
        assert new in await answer(neko, second)
        assert new in await answer(neko, question)
    async with RunningNeko(data_dir, voice="off") as neko:
        assert new in await answer(neko, question)
