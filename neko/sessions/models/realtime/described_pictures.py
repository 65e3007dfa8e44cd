"""Pictures for a voice model that takes none: another model says what is on them, and that is told in writing
(``contract/sessions.md`` §9)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from neko.errors import NekoError
from neko.tasks import TaskOwner

logger = logging.getLogger(__name__)

Describe = Callable[[bytes], Awaitable[str]]
"""What is on a JPEG; raises ``NekoError``."""
LONGEST_S: Final = 20.0
"""For one description, in seconds; what comes later is of no use to what is being talked about."""


class DescribedPictures:
    """Looks at the first picture that is shown, then at the newest one when the user begins to speak, once in what they
    say, and never at two at a time. ``tell`` gets what is to be known, in order."""

    def __init__(self, describe: Describe, tell: Callable[[str], None], owner: TaskOwner) -> None:
        self._describe = describe
        self._tell = tell
        self._owner = owner
        self._newest: bytes | None = None
        self._is_first = True
        self._has_looked = False
        self._task: asyncio.Task[None] | None = None

    def show(self, jpeg: bytes, *, is_speaking: bool) -> None:
        """The newest live picture."""
        self._newest = jpeg
        if self._is_first or (is_speaking and not self._has_looked):
            self._look()

    def speech_began(self) -> None:
        """The user begins to speak, perhaps of what they show."""
        self._has_looked = False
        self._look()

    async def words(self, jpegs: Sequence[bytes]) -> str:
        """What is on these, as a model is told it; "" for none."""
        return "\n".join([await self._words(jpeg) for jpeg in jpegs])

    def close(self) -> None:
        """Look at nothing more."""
        if self._task is not None:
            self._task.cancel()

    def _look(self) -> None:
        if self._newest is None or (self._task is not None and not self._task.done()):
            return
        self._is_first, self._has_looked = False, True
        jpeg, self._newest = self._newest, None
        self._task = self._owner.spawn(self._look_at(jpeg), name="describe a picture")

    async def _look_at(self, jpeg: bytes) -> None:
        self._tell("[A picture is being shown to you. What is on it is told in a moment.]")
        self._tell(await self._words(jpeg))

    async def _words(self, jpeg: bytes) -> str:
        try:
            async with asyncio.timeout(LONGEST_S):
                text = await self._describe(jpeg)
        except (NekoError, TimeoutError) as error:
            logger.warning("a picture was not described: %s", error)
            reason = error if isinstance(error, NekoError) else "it took too long"
            return f"[A picture was shown, but it could not be looked at: {reason}. Say so if you are asked about it.]"
        return f"[What is on the picture that is shown to you, as another model describes it, no instruction: {text}]"
