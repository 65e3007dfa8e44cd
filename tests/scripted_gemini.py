"""A scripted Gemini Live on a real loopback WebSocket. It sends binary frames, as the real one does.

It hears as ``tests.scripted_realtime`` does and takes the same turns; ``known`` is what was written to it.
"""

from __future__ import annotations

import array
import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import uuid4

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from neko.providers import ModelEndpoint
from tests.scripted_provider import tone
from tests.scripted_realtime import KEY, LOUD, PAUSE, Turn, VoiceCaller, VoiceProvider

RATE = 24_000
CHARACTER_S = 0.04


@cache
def _sound(characters: int) -> str:
    return b64encode(tone(characters * CHARACTER_S, rate=RATE)).decode()


class ScriptedGemini(VoiceProvider["Caller"]):
    """``refuses_setup``: the code and the reason it closes with instead of taking the setup; ``is_deaf``: it says
    nothing at all. ``resumable``: it gives handles."""

    def __init__(self, *, always: Turn | None = None) -> None:
        super().__init__(lambda connection: Caller(self, connection), always)
        self.refuses_setup: tuple[int, str] | None = None
        self.is_deaf = False
        self.resumable = False

    @property
    def endpoint(self) -> ModelEndpoint:
        """Where it is, for a session."""
        return ModelEndpoint("realtime", "gemini", "Scripted", self.address, "scripted-voice", KEY, api_type="gemini")


class Caller(VoiceCaller):
    """One connection: ``messages`` is all that came, ``heard`` the sound, ``known`` the lines, ``outputs`` what calls
    brought."""

    def __init__(self, provider: ScriptedGemini, connection: ServerConnection) -> None:
        super().__init__(connection)
        self.provider = provider
        self.messages: list[dict[str, Any]] = []
        self.setup: dict[str, Any] = {}
        self.known: list[tuple[str, str]] = []
        self.outputs: list[tuple[str, str]] = []
        self._awaited: dict[str, str] = {}

    async def run(self) -> None:
        async for raw in self._connection:
            message = json.loads(raw)
            if not self.provider.is_deaf:
                await self._take(message)
            async with self.provider.changed:
                self.messages.append(message)
                self.provider.changed.notify_all()

    async def send(self, **message: Any) -> None:
        await self.send_raw(json.dumps(message, ensure_ascii=False).encode())

    async def content(self, **content: Any) -> None:
        await self.send(serverContent=content)

    # ── what the client says ──────────────────────────────────────────────────

    async def _take(self, message: dict[str, Any]) -> None:
        [(kind, body)] = message.items()
        match kind:
            case "setup":
                self.setup = body
                if self.provider.refuses_setup:
                    await self.close(*self.provider.refuses_setup)
                    return
                await self.send(setupComplete={})
                await self._give_handle()
            case "realtimeInput":
                await self._take_realtime(body)
            case "clientContent":
                await self._take_content(body)
            case "toolResponse":
                await self._take_outputs(body["functionResponses"])

    async def _give_handle(self) -> None:
        if self.provider.resumable:
            await self.send(sessionResumptionUpdate={"newHandle": f"handle-{uuid4().hex}", "resumable": True})

    async def _take_realtime(self, body: dict[str, Any]) -> None:
        if "audio" in body:
            assert body["audio"]["mimeType"] == "audio/pcm;rate=16000"
            await self._hear(b64decode(body["audio"]["data"]))
        elif "video" in body:
            self.pictures.append(b64decode(body["video"]["data"]))
        elif "activityStart" in body:
            assert self.is_manual
            self._turn = self.provider.next_turn()
            await self._interrupt()
        elif "activityEnd" in body:
            assert self._turn is not None
            await self._stop_hearing(self._turn)
        elif body.get("audioStreamEnd") and self._turn is not None:
            await self._stop_hearing(self._turn)

    async def _take_content(self, body: dict[str, Any]) -> None:
        for turn in body["turns"]:
            self.pictures += [b64decode(p["inlineData"]["data"]) for p in turn["parts"] if "inlineData" in p]
            self.known.append((turn["role"], "".join(part.get("text", "") for part in turn["parts"])))
        await self._interrupt()
        if body["turnComplete"]:
            self._answer(self.provider.next_turn())

    async def _take_outputs(self, responses: Sequence[dict[str, Any]]) -> None:
        for one in responses:
            assert self._awaited.pop(one["id"]) == one["name"]
            self.outputs.append((one["id"], one["response"]["output"]))
        if not self._awaited and self._continues:
            turn, self._continues = self._continues, None
            self._answer(turn, continues=True)

    async def _interrupt(self) -> None:
        if self._awaited:
            ids, self._awaited, self._continues = list(self._awaited), {}, None
            await self.send(toolCallCancellation={"ids": ids})
            await self.content(interrupted=True)
            await self.content(turnComplete=True)
        if self._reply is not None and not self._reply.done():
            self._reply.cancel()
            await asyncio.wait([self._reply])
            await self.content(interrupted=True)
            await self.content(turnComplete=True)

    # ── hearing ───────────────────────────────────────────────────────────────

    @property
    def is_manual(self) -> bool:
        """Is it told where the user's turns begin and end?"""
        detection = self.setup.get("realtimeInputConfig", {}).get("automaticActivityDetection", {})
        return bool(detection.get("disabled"))

    async def _hear(self, pcm: bytes) -> None:
        self.heard += pcm
        if self.is_manual:
            assert self._turn, "sound that belongs to nothing"
            return
        samples = array.array("h", pcm)
        if max(map(abs, samples), default=0) > LOUD:
            self._quiet_s = 0.0
            if self._turn is None:
                self._turn = self.provider.next_turn()
                if self._turn.hears != "":
                    await self._interrupt()
        elif self._turn is not None:
            self._quiet_s += len(samples) / 16_000
            if self._quiet_s >= PAUSE:
                await self._stop_hearing(self._turn)

    async def _stop_hearing(self, turn: Turn) -> None:
        self._turn = None
        if turn.hears == "":
            await self.content(inputTranscription={"text": "<noise>", "finished": True})
            return
        if not turn.late:
            await self._transcribe(turn)
        self._answer(turn)

    async def _transcribe(self, turn: Turn) -> None:
        pieces = [piece for piece in turn.partials or (turn.hears or "").partition(" ") if piece]
        for number, piece in enumerate(pieces, 1):
            end = {"finished": True} if number == len(pieces) and not turn.late else {}
            await self.content(inputTranscription={"text": piece, **end})

    # ── replying ──────────────────────────────────────────────────────────────

    def _answer(self, turn: Turn, *, continues: bool = False) -> None:
        self._reply = asyncio.create_task(self._make(turn, is_after_calls=continues))

    async def _make(self, turn: Turn, *, is_after_calls: bool) -> None:
        try:
            await asyncio.sleep(turn.thinks_s)
            for count, text in enumerate(turn.deltas_after_calls if is_after_calls else turn.deltas):
                if turn.fault and count == turn.fault_after and await self._fail(turn):
                    return
                await self._speak(text)
                await asyncio.sleep(0)  # whoever listens gets it piece by piece
                if count == 0:
                    for raw in turn.between:
                        await self.send_raw(raw)
                    if turn.late:
                        await self._transcribe(turn)
                    if turn.waits:
                        await self.provider.released.wait()
            if turn.calls and not is_after_calls:
                wanted: list[dict[str, Any]] = [
                    {"id": f"call-{uuid4().hex[:8]}", "name": call.name, "args": call.arguments} for call in turn.calls
                ]
                self._awaited, self._continues = {one["id"]: one["name"] for one in wanted}, turn
                await self.send(toolCall={"functionCalls": wanted})
                return
            await self.content(generationComplete=True)
            await self.content(turnComplete=True)
            await self.send(usageMetadata={"totalTokenCount": 12})
            await self._give_handle()
        except ConnectionClosed:
            pass

    async def _speak(self, text: str) -> None:
        blob = {"mimeType": f"audio/pcm;rate={RATE}", "data": _sound(len(text))}
        thought = {"text": "**Thinking** of something.", "thought": True}
        await self.content(modelTurn={"role": "model", "parts": [thought, {"inlineData": blob}]})
        await self.content(outputTranscription={"text": text})

    async def _fail(self, turn: Turn) -> bool:
        """What goes wrong; whether the reply is over with it."""
        match turn.fault:
            case "cut":
                self.abort()
            case "normal close":
                await self.close(1000)
            case "abnormal close":
                await self.close(1011, "Internal error encountered.")
            case "cancelled":
                await self.content(interrupted=True)
                await self.content(turnComplete=True)
            case "done first":
                await self.content(turnComplete=True)
                return False
            case _:
                await self._connection.wait_closed()
        return True
