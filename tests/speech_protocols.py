"""What the speech services say, as their documents have it (``contract/tts.md`` §4), for ``SocketService`` and
``HttpService``."""

from __future__ import annotations

import base64
import io
import json
import re
import struct
from functools import cache
from typing import Any

import numpy as np
import soundfile

from tests.http_service import HttpService, event, query
from tests.scripted_provider import Connection, Request
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
    if await talk.speak(text, bytes, 32_000, error, encode=lambda pcm: wav(pcm, 32_000)):
        await talk.send({"type": "done"})


async def gpt_sovits_voices(service: HttpService, connection: Connection, request: Request) -> None:
    """§4.7: its list of voices."""
    found = request.path == "/api/v3/voices"
    voices = {"voices": [{"id": "mio", "name": "Mio", "description": "calm"}]}
    connection.answer(200 if found else 404, json.dumps(voices).encode())


async def step(talk: Conversation) -> None:
    """§4.1: a WAV in base64 per message."""
    await talk.send({"type": "tts.connection.done", "data": {"session_id": "S"}})
    create = await talk.receive()
    assert create["type"] == "tts.create"
    await talk.greeted(create)
    await talk.send({"type": "tts.response.created", "data": {"session_id": "S"}})
    text = ""
    while (message := await talk.receive())["type"] == "tts.text.delta":
        assert message["data"]["session_id"] == "S"
        text += message["data"]["text"]
    error = {"type": "tts.response.error", "data": {"code": "x", "message": "scripted: no such voice"}}

    def pack(sound: bytes) -> Any:
        return {"type": "tts.response.audio.delta", "data": {"audio": base64.b64encode(sound).decode()}}

    if await talk.speak(text, pack, 24_000, error, encode=lambda pcm: wav(pcm, 24_000)):
        await talk.send({"type": "tts.response.audio.done", "data": {"session_id": "S"}})


async def qwen(talk: Conversation) -> None:
    """§4.2: one session, a response for each text that is committed; what it says after the sound comes late."""

    async def tell(kind: str, **more: Any) -> None:
        await talk.send({"type": kind, "event_id": f"event_{kind}", **more})

    await tell("session.created", session={"id": "sess_1", "mode": "server_commit"})
    update = await talk.receive()
    assert update["type"] == "session.update"
    await talk.greeted(update["session"])
    await tell("session.updated", session={"id": "sess_1", "mode": "commit"})
    number, text = 0, ""
    while True:
        message = await talk.receive()
        if message["type"] == "input_text_buffer.append":
            text += message["text"]
            continue
        assert message["type"] == "input_text_buffer.commit"
        number, said, text = number + 1, text, ""
        response = f"resp_{number}"
        await tell("input_text_buffer.committed", item_id="")
        await tell("response.created", response={"id": response, "status": "in_progress"})

        def pack(sound: bytes, response: str = response) -> Any:
            delta = base64.b64encode(sound).decode()
            return {"type": "response.audio.delta", "response_id": response, "delta": delta}

        error = {"type": "error", "error": {"code": "invalid_value", "message": "scripted: no such voice"}}
        if not await talk.speak(said, pack, 24_000, error):
            return
        await tell("response.audio.done", response_id=response)
        await tell("response.output_item.done", response_id=response)
        await tell("response.done", response={"id": response, "status": "completed"})


async def local_cosyvoice(talk: Conversation) -> None:
    """§4.8: bare sound; the server closes when it is over."""
    await talk.greeted(await talk.receive())
    text = ""
    while "text" in (message := await talk.receive()):
        text += message["text"]
    assert message == {"event": "end"}
    await talk.speak(text, bytes, 22_050, {"error": {"message": "scripted: no such voice"}})


async def cosyvoice_cloud(talk: Conversation) -> None:
    """§4.3: tasks, one after the other on one connection."""

    def header(event: str, **more: str) -> dict[str, Any]:
        return {"header": {"task_id": task, "event": event, "attributes": {}, **more}, "payload": {}}

    while True:
        run = await talk.receive()
        task = run["header"]["task_id"]
        assert (run["header"]["action"], run["payload"]["function"]) == ("run-task", "SpeechSynthesizer")
        await talk.greeted(run["payload"])
        await talk.send(header("task-started"))
        text = ""
        while (message := await talk.receive())["header"]["action"] == "continue-task":
            text += message["payload"]["input"]["text"]
        assert message["header"] == {"action": "finish-task", "task_id": task, "streaming": "duplex"}
        await talk.send(header("result-generated"))
        error = header("task-failed", error_code="InvalidParameter", error_message="scripted: no such voice")
        if not await talk.speak(text, bytes, 24_000, error):
            return
        await talk.send(header("task-finished"))


async def edge(talk: Conversation) -> None:
    """The messages of Edge's reading aloud: heads like those of HTTP, MP3 below them."""
    await talk.greeted(await talk.words())
    request = await talk.words()
    assert "Path:ssml" in request
    found = re.search(r"<prosody[^>]*>(.*)</prosody>", request)
    assert found
    await talk.send_words("X-RequestId:1\r\nPath:turn.start\r\n\r\n{}")

    def pack(sound: bytes) -> bytes:
        head = b"X-RequestId:1\r\nContent-Type:audio/mpeg\r\nPath:audio\r\n"
        return struct.pack(">H", len(head)) + head + sound

    if await talk.speak(found[1], pack, 24_000, encode=mp3):
        await talk.send_words("X-RequestId:1\r\nPath:turn.end\r\n\r\n{}")


async def openai(service: HttpService, connection: Connection, request: Request) -> None:
    """``/audio/speech``: bare sound."""
    assert request.path.endswith("/audio/speech")
    service.voices.append(request.json["voice"])
    await service.speak(connection, request.json["input"], bytes, kind="audio/pcm")


async def cogtts(service: HttpService, connection: Connection, request: Request) -> None:
    """§4.4."""

    def pack(pcm: bytes) -> bytes:
        content = {"content": base64.b64encode(pcm).decode(), "return_sample_rate": 24_000}
        return event({"choices": [{"index": 0, "delta": content}]})

    assert request.path.endswith("/audio/speech")
    service.voices.append(request.json["voice"])
    tail = event({"choices": [{"index": 0, "finish_reason": "stop", "delta": {}}]}) + b"data: [DONE]\n\n"
    await service.speak(connection, request.json["input"], pack, kind="text/event-stream", tail=tail)


async def gemini(service: HttpService, connection: Connection, request: Request) -> None:
    """§4.6, streamed."""

    def pack(pcm: bytes) -> bytes:
        data = {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": base64.b64encode(pcm).decode()}
        return event({"candidates": [{"content": {"parts": [{"inlineData": data}], "role": "model"}, "index": 0}]})

    assert request.path.startswith("/models/voice-1:streamGenerateContent?alt=sse")
    body = request.json
    config = body["generationConfig"]
    assert config["responseModalities"] == ["AUDIO"]
    service.voices.append(config["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"])
    await service.speak(connection, body["contents"][0]["parts"][0]["text"], pack, kind="text/event-stream")


async def voicevox(service: HttpService, connection: Connection, request: Request) -> None:
    """``/audio_query``, then ``/synthesis``; ``/speakers`` lists the voices."""
    if request.path == "/speakers":
        styles = [{"id": 2, "name": "ノーマル", "type": "talk"}, {"id": 6000, "name": "歌", "type": "sing"}]
        speakers = [
            {"name": "四国めたん", "styles": styles},
            {"name": "ずんだもん", "styles": [{"id": 3, "name": "ノーマル"}]},
        ]
        connection.answer(200, json.dumps(speakers).encode())
    elif request.path.startswith("/audio_query"):
        text = query(request)["text"]
        answer = {"kana": text, "speedScale": 1.0, "pitchScale": 0.0, "outputStereo": True}
        connection.answer(200, json.dumps(answer).encode())
    elif request.path.startswith("/synthesis"):
        assert request.json["outputStereo"] is False
        service.voices.append(query(request)["speaker"])
        head = wav(b"", 24_000)[:-4] + struct.pack("<I", 0xFFFFFFFF)
        await service.speak(connection, request.json["kana"], bytes, kind="audio/wav", head=head)


@cache
def mp3(pcm: bytes) -> bytes:
    """PCM16 mono of 24 kHz as bare frames of MP3, without the head that LAME writes."""
    packed = io.BytesIO()
    soundfile.write(packed, np.frombuffer(pcm, "<i2"), 24_000, format="MP3")
    data = packed.getvalue()
    return data[data.index(data[:2], 4) :]
