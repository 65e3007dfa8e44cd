"""The session that answers, as the turns know it: what is handed over for it goes to it in order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from neko.errors import ModelStreamBrokenError, NekoError
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.session_handle import SessionHandle
from neko.sessions.session_sender import OnError, SessionSender
from neko.tasks import TaskOwner
from neko.types.model_session import ModelCapabilities, ModelInput


class SessionLink:
    """``handle`` is the session, None when there is none: then nothing is handed over. ``on_error`` is told of what
    fails and has no other to tell."""

    def __init__(self, dependencies: SessionDependencies, owner: TaskOwner, on_error: OnError) -> None:
        self._dependencies = dependencies
        self._owner = owner
        self._on_error = on_error
        self.handle: SessionHandle | None = None
        self._sender: SessionSender | None = None

    @property
    def capabilities(self) -> ModelCapabilities | None:
        return self.handle.session.capabilities if self.handle else None

    def use(self, handle: SessionHandle) -> None:
        """From now on it is this one; what waits for the one before is dropped."""
        self.leave()
        self.handle = handle
        self._sender = SessionSender(self._owner, self._dependencies.timeouts.send_timeout_s, self._error)

    def leave(self) -> None:
        """There is none any more."""
        self.handle = None
        if self._sender:
            self._sender.close()
            self._sender = None

    def send(self, item: ModelInput, on_error: OnError | None = None) -> None:
        """Hand something over; a failure goes to ``on_error``."""
        if self.handle and self._sender:
            self._sender.put(partial(self.handle.session.send, item), on_error or self._on_error)

    def interrupt(self, reply_id: str, text: str) -> None:
        """Stop a reply, of which the user got this text."""
        if self.handle and self._sender:
            self._sender.put(partial(self.handle.session.interrupt, reply_id, text), self._on_error)

    def when_told(self, action: Callable[[], object]) -> None:
        """Call this when the session has got all that was handed over by now, or will not get it."""

        async def call() -> None:
            action()

        if self._sender:
            self._sender.put(call, lambda _: action())

    def _error(self, note: str) -> NekoError:
        label = self.handle.session.label if self.handle else self._dependencies.label()
        return ModelStreamBrokenError(note, model=label.model, provider=label.provider)
