"""What a client lets her see: pictures beside words, the newest of what is shared, and one that she asks for."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Final

from neko.sessions.actions import ScreenshotResponse, SendImage, ShareSource, Sharing
from neko.sessions.clients import Clients
from neko.sessions.events import RequestScreenshot
from neko.sessions.live_picture import LivePicture
from neko.sessions.look_tool import Screenshot
from neko.sessions.session_handle import SessionHandle
from neko.sessions.status_reporter import StatusReporter
from neko.types.model_session import ModelEvent, SpeechRejected, SpeechStarted, SpeechStopped, Transcript

FRESH_S: Final = 60.0
"""Seconds after which what was shared is not what the user speaks of. A picture comes whenever they begin to."""
REFUSED_FOR_S: Final = 600.0
"""Seconds for which a no holds: until then nobody is asked again."""

VisualAction = SendImage | Sharing | ScreenshotResponse


class VisualInput:
    """``current`` is the session in use, ``send`` gives it a live picture. ``most`` pictures ride with one text, the
    newest; ``is_private``: the user wants not to be seen."""

    def __init__(
        self,
        most: int,
        clients: Clients,
        status: StatusReporter,
        *,
        current: Callable[[], SessionHandle | None],
        send: Callable[[bytes], None],
        is_private: Callable[[], bool],
    ) -> None:
        self._attached: deque[bytes] = deque(maxlen=most)
        self._clients = clients
        self._status = status
        self._current = current
        self._is_private = is_private
        self._live = LivePicture(send)
        self._newest: tuple[bytes, float] | None = None
        self._told_of = ""
        """The model of which it was told that it does not see what is shared."""
        self._asked: asyncio.Future[Screenshot] | None = None
        self._refused_until = -math.inf
        self._utterance: str | None = None
        self.shared: ShareSource | None = None

    def take(self, action: VisualAction) -> None:
        """Take an action of a client; never waits."""
        match action:
            case SendImage(jpeg, "live"):
                if self._is_seen():
                    self._show(jpeg)
            case SendImage(jpeg, None) if self._in_call:
                self._show(jpeg)  # N.E.K.O.'s page does not say; in a call it has nothing else to send
            case SendImage(jpeg):
                self._attached.append(jpeg)
            case Sharing(source):
                self.shared = source
                self._told_of = ""
                self._newest = None
                self._live.clear()
            case ScreenshotResponse(jpeg):
                if jpeg is None:
                    self._refused_until = self._now() + REFUSED_FOR_S
                if self._asked and not self._asked.done():
                    self._asked.set_result(Screenshot("shown", jpeg) if jpeg else Screenshot("refused"))

    def with_words(self, *, blank: bool = False) -> tuple[bytes, ...]:
        """The pictures for words that have come: those beside them, and what is being shown as they are said, unless
        the session has been sent that. ``blank``: without words there are only the former."""
        attached = tuple(self._attached)
        self._attached.clear()
        if blank or self._newest is None:
            return attached
        (jpeg, at), self._newest = self._newest, None
        if self._now() - at > FRESH_S:
            return attached
        if current := self._current():
            self._told_of = current.session.label.model  # from here on the reply says that a model does not see
        return (*attached, jpeg)

    def seen_within(self, seconds: float) -> bytes:
        """The newest picture of what is being shown, which stays for the next words; b"" for none so new."""
        jpeg, at = self._newest or (b"", 0.0)
        return jpeg if jpeg and self._now() - at <= seconds else b""

    def seen(self) -> tuple[bytes, ...]:
        """What the session was shown of the words that it has answered by itself: the newest, once."""
        jpeg = self._live.seen()
        return (jpeg,) if jpeg else ()

    def clear(self) -> None:
        """Whoever showed something is gone, or it is over."""
        self._attached.clear()
        self.take(Sharing(None))

    def follow(self, handle: SessionHandle) -> None:
        """Another session answers from now on."""
        self._live.in_speech_only = handle.session.capabilities.images_in_speech_only
        self._utterance = None
        self._live.speech(lasts=False)

    def on_model_event(self, event: ModelEvent) -> None:
        """Speech makes the pace."""
        match event:
            case SpeechStarted(utterance_id):
                self._utterance = utterance_id
                self._live.speech(lasts=True)
            case (
                SpeechStopped(self._utterance)
                | SpeechRejected(self._utterance)
                | Transcript(self._utterance, final=True)
            ):
                self._utterance = None
                self._live.speech(lasts=False)

    async def ask(self, timeout_s: float) -> Screenshot:
        """Ask the page for a picture of the screen. Who has said no is not asked again for a while."""
        if self._is_private():
            return Screenshot("private")
        if self._now() < self._refused_until:
            return Screenshot("refused")
        if self._asked is None:
            self._asked = asyncio.get_running_loop().create_future()
            self._clients.emit(RequestScreenshot(timeout_s))
        asked = self._asked
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(asked)
        except TimeoutError:
            return Screenshot("nobody")
        finally:
            if self._asked is asked:
                self._asked = None

    @property
    def _in_call(self) -> bool:
        current = self._current()
        return current is not None and current.takes("audio")

    def _is_seen(self) -> bool:
        """Can the model see? If not, that is told once for each thing that is shared, and again of another model."""
        current = self._current()
        if current is None or current.session.capabilities.image_input:
            return True
        model = current.session.label.model
        if model != self._told_of:
            self._told_of = model
            self._status.notify("shared_unseen", model=model)
        return False

    def _show(self, jpeg: bytes) -> None:
        """To a session that watches as the user speaks, or with the next words."""
        current = self._current()
        able = current.session.capabilities if current and current.takes("audio") else None
        if able and able.image_input and not able.hearing:
            self._live.show(jpeg)
        else:
            self._newest = jpeg, self._now()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
