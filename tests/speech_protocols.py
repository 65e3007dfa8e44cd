"""What the speech services say, as their documents have it (``contract/tts.md`` §4), for ``SocketService``."""

from __future__ import annotations

import struct

from tests.socket_service import Conversation


def wav(pcm: bytes, rate: int) -> bytes:
    """PCM16 mono as a complete WAV."""
    head = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)
    return (
        b"RIFF" + struct.pack("<I", 36 + len(pcm)) + b"WAVEfmt " + struct.pack("<I", 16) + head
        + b"data" + struct.pack("<I", len(pcm)) + pcm
    )  # fmt: skip


async def gpt_sovits(talk: Conversation) -> None:
    """§4.7: a WAV per message."""
    await talk.greeted(await talk.receive())
    await talk.send({"type": "ready"})
    text = ""
    while (message := await talk.receive())["cmd"] == "append":
        text += message["data"]
    await talk.send({"type": "sentence", "text": text})
    error = {"type": "error", "message": "scripted: no such voice"}
    if await talk.speak(text, lambda pcm: wav(pcm, 32_000), 32_000, error):
        await talk.send({"type": "done"})
