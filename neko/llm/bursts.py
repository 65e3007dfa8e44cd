"""Reading what comes in bursts: telling when the next chunk is not there yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from types import coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Bursts(Generic[T]):
    """``chunks`` as they come. ``before_waiting`` is called when the next one has to be waited for, before that.

    A network read brings several chunks at once, which follow each other without a step of the loop. ``async for``
    cannot tell those from one that is waited for, so the first step of each ``__anext__`` is taken by hand.
    """

    __slots__ = ("_before_waiting", "_chunks")

    def __init__(self, chunks: AsyncIterator[T], before_waiting: Callable[[], object]) -> None:
        self._chunks = chunks
        self._before_waiting = before_waiting

    def __aiter__(self) -> Bursts[T]:
        return self

    def __anext__(self) -> Coroutine[Any, Any, T]:
        return self._next()

    @coroutine
    def _next(self) -> Generator[Any, Any, T]:
        step = self._chunks.__anext__().__await__()
        try:
            waited_for = next(step)
            try:
                self._before_waiting()
            except BaseException as error:
                waited_for = step.throw(error)
            while True:
                try:
                    sent = yield waited_for
                except BaseException as error:
                    waited_for = step.throw(error)
                else:
                    waited_for = step.send(sent)
        except StopIteration as found:
            chunk: T = found.value
            return chunk
