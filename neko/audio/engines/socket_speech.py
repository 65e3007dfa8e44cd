"""Speech services behind a WebSocket: one connection an utterance, the next one opened while this one is heard, or one
for many utterances where the protocol allows it.

Opening and greeting cost a round trip or more, which is paid ahead: by ``prewarm`` and, while the model is still
thinking, by ``expect`` for the first utterance of a reply, then by the one before. A connection that waited too long or
broke meanwhile is replaced by a fresh one. Cutting an utterance
closes its connection at once, so that nobody goes on making its sound.
"""

from __future__ import annotations

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from neko.audio.engines.decoder import SoundDecoder
from neko.audio.engines.service import CONNECT_TIMEOUT_S, PURPOSE, SpeechServer, deadline
from neko.audio.resample import PcmStream
from neko.net import Network, WebSocket
from neko.speech_errors import SpeechRefusedError, SpeechUnreadableError
from neko.tasks import TaskOwner, in_thread
from neko.types.speech import Convert, SpeechCapabilities, Utterance, VoiceSettings

_GREETING_TIMEOUT_S: Final = 10.0
_LARGEST_MESSAGE: Final = 10 * 1024 * 1024


@dataclass(slots=True, eq=False)
class Line:
    """An open connection, greeted for ``voice``; ``session`` is what the service calls it.

    ``used``: it waited, and may have broken. ``spent``: it takes no more utterances.
    """

    socket: WebSocket
    voice: VoiceSettings
    session: str = ""
    since: float = 0.0
    used: bool = False
    spent: bool = False


class SocketSpeech(ABC):
    """What the protocols differ in: ``_url``, ``_greet``, ``_ask``, ``_heard``.

    ``keeps_line``: a connection serves one utterance after the other, each greeted ahead if it ``greets_again``.
    ``kept_s``: how long one may wait; services drop who says nothing for a minute. ``rate``: of what comes bare.
    """

    kind: ClassVar[str]
    rate: ClassVar[int]
    keeps_line: ClassVar[bool] = False
    greets_again: ClassVar[bool] = False
    kept_s: ClassVar[float] = 50.0

    def __init__(self, server: SpeechServer, network: Network, voice: VoiceSettings | None = None) -> None:
        self._server = server
        self._network = network
        self._voice = voice or VoiceSettings()
        self._owner = TaskOwner(f"speech {self.kind}")
        self._spare: asyncio.Task[Line | Exception] | None = None
        self._lines: set[Line] = set()
        self._closed = False
        self.capabilities = SpeechCapabilities(self.kind, self.rate, local=False)

    async def prewarm(self, language: str = "") -> None:
        """Open the connection of the first utterance, and load the sample-rate converter."""
        if self._closed:
            raise self._server.closed()
        await in_thread(PcmStream(self.rate).process, bytes(480))
        spare = self._open_spare(self._voice)
        opened = await asyncio.shield(spare)
        if isinstance(opened, Exception):
            if self._spare is spare:
                self._spare = None
            raise self._server.told(opened) from opened

    def expect(self, voice: VoiceSettings) -> None:
        """Open the connection of the first utterance, unless there is one that can be used."""
        if not self._closed:
            self._open_spare(voice)

    async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """See ``SpeechEngine``; raises what ``Network`` does too."""
        decoder = SoundDecoder(convert, self.rate)
        try:
            for fresh in (False, True):
                call = _Call(fresh)
                async with aclosing(self._pieces(utterance, decoder, call)) as pieces:
                    async for piece in pieces:
                        yield piece
                if not call.is_stale:
                    break
            if piece := await in_thread(decoder.flush):
                yield piece
        except Exception as error:
            if self._closed and isinstance(error, ConnectionError):
                return
            if decoder.text:
                raise self._server.refused(200, decoder.text) from error
            raise self._server.told(error) from error

    async def aclose(self) -> None:
        """Close every connection."""
        self._closed = True
        if self._spare is not None:
            self._drop_spare(self._spare)
        for line in list(self._lines):
            self._hang_up(line)
        closing = self._owner.tasks
        if closing:
            await asyncio.wait(closing, timeout=1.5)
        await self._owner.aclose()

    # ── the protocol ──────────────────────────────────────────────────────────

    @property
    @abstractmethod
    def _url(self) -> str:
        """Where the WebSocket is."""

    @property
    def _headers(self) -> dict[str, str]:
        return self._server.authorization()

    async def _greet(self, line: Line) -> None:
        """Say what is to be said before the text; ``line.session`` may be filled."""
        return

    @abstractmethod
    async def _ask(self, line: Line, utterance: Utterance) -> None:
        """Send the text and its end."""

    @abstractmethod
    def _heard(self, line: Line, message: str | bytes) -> bytes | None:
        """The sound in a message, empty when there is none; None when the utterance is over."""

    async def _receive(self, line: Line, *, started: bool) -> str | bytes | None:
        """The next message; None when the utterance is over without one."""
        async with deadline(self._server, started=started):
            return await line.socket.receive()

    # ── connections ───────────────────────────────────────────────────────────

    async def _pieces(self, utterance: Utterance, decoder: SoundDecoder, call: _Call) -> AsyncGenerator[bytes, None]:
        line = await self._take(utterance.voice, fresh=call.fresh)
        is_heard = whole = False
        try:
            await self._ask(line, utterance)
            while (message := await self._receive(line, started=decoder.started)) is not None:
                sound = self._heard(line, message)
                if sound is None:
                    break
                is_heard = is_heard or bool(sound)
                if sound and (piece := await in_thread(decoder.feed, sound)):
                    yield piece
            whole = True
        except (ConnectionError, SpeechRefusedError):
            call.is_stale = line.used and not is_heard and not call.fresh and not self._closed
            if not call.is_stale:
                raise
        finally:
            self._lines.discard(line)
            if whole and is_heard and self.keeps_line and not (line.spent or self._closed):
                self._keep(line)
            else:
                self._hang_up(line)

    async def _take(self, voice: VoiceSettings, *, fresh: bool) -> Line:
        """An open line for ``voice``; unless the service takes more on it, the next is opened at once."""
        if self._closed:
            raise self._server.closed()
        spare, self._spare = self._spare, None
        line: Line | None = None
        if spare is not None:
            if fresh or voice != self._voice:
                self._drop_spare(spare)
            elif isinstance(opened := await asyncio.shield(spare), Line):
                line = opened
        if line is not None and self._waited_too_long(line):
            self._hang_up(line)
            line = None
        self._voice = voice
        line = line or await self._open(voice)
        self._lines.add(line)
        if not self.keeps_line:
            self._open_spare(voice)
        return line

    def _open_spare(self, voice: VoiceSettings) -> asyncio.Task[Line | Exception]:
        """The connection of the next utterance; one that is none, or of another voice, gives way."""
        if (spare := self._spare) is not None and (voice != self._voice or self._is_no_use(spare)):
            self._drop_spare(spare)
        self._voice = voice
        if self._spare is None:
            self._spare = self._owner.spawn(self._open_ahead(voice), name="open")
        return self._spare

    def _is_no_use(self, spare: asyncio.Task[Line | Exception]) -> bool:
        if not spare.done():
            return False
        return spare.cancelled() or not isinstance(opened := spare.result(), Line) or self._waited_too_long(opened)

    def _waited_too_long(self, line: Line) -> bool:
        return time.monotonic() - line.since > self.kept_s

    async def _open_ahead(self, voice: VoiceSettings) -> Line | Exception:
        try:
            line = await self._open(voice)
        except Exception as error:
            return error
        line.used = True
        return line

    def _keep(self, line: Line) -> None:
        """For the next utterance."""
        if self._spare is not None:
            self._hang_up(line)
        else:
            self._spare = self._owner.spawn(self._kept(line), name="kept")
            self._spare.add_done_callback(lambda kept: self._hang_up(line) if kept.cancelled() else None)

    async def _kept(self, line: Line) -> Line | Exception:
        if self.greets_again:
            try:
                await self._greeted(line)
            except Exception as error:
                return error
        line.used, line.since = True, time.monotonic()
        return line

    async def _open(self, voice: VoiceSettings) -> Line:
        socket = await self._network.websocket(
            PURPOSE,
            self._url,
            headers=self._headers,
            open_timeout_s=CONNECT_TIMEOUT_S,
            largest_message=_LARGEST_MESSAGE,
        )
        line = Line(socket, voice, since=time.monotonic())
        await self._greeted(line)
        return line

    async def _greeted(self, line: Line) -> None:
        try:
            async with asyncio.timeout(_GREETING_TIMEOUT_S):
                await self._greet(line)
        except BaseException:
            self._hang_up(line)
            raise

    def _drop_spare(self, spare: asyncio.Task[Line | Exception]) -> None:
        self._spare = None
        if not spare.done():
            spare.cancel()
        elif not spare.cancelled() and isinstance(opened := spare.result(), Line):
            self._hang_up(opened)

    def _hang_up(self, line: Line) -> None:
        """Tell the peer at once, wait for its answer elsewhere."""
        if not self._owner.closed:
            self._owner.spawn(line.socket.aclose(), name="hang up")


@dataclass(slots=True)
class _Call:
    """One try of an utterance. ``is_stale``: its line, opened ahead, had broken before anything was heard on it."""

    fresh: bool
    is_stale: bool = False


def as_object(message: str | bytes) -> dict[str, Any]:
    """A JSON message; raises ``SpeechUnreadableError`` for anything else."""
    try:
        value = json.loads(message)
    except ValueError as error:
        raise SpeechUnreadableError("no JSON") from error
    if not isinstance(value, dict):
        raise SpeechUnreadableError("no JSON object")
    return value
