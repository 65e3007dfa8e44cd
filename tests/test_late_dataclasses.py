"""Classes of ``late_dataclasses`` beside the same ones of ``dataclasses``: nobody who uses them sees which is which."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, replace
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from neko import late_dataclasses
from neko.late_dataclasses import dataclass

T = TypeVar("T")
Decorator = Callable[..., Any]
BOTH = pytest.mark.parametrize("how", [dataclasses.dataclass, late_dataclasses.dataclass], ids=["theirs", "ours"])


def classes(how: Decorator) -> tuple[Any, Any, Any]:
    """A frozen class, one that inherits from it, and one that can be changed."""

    @how(frozen=True, slots=True)
    class Point:
        """A place."""

        x: int
        y: int = 2
        names: tuple[str, ...] = field(default_factory=tuple)
        seen: int = field(default=0, compare=False)
        secret: str = field(default="s", repr=False)
        limit: ClassVar[int] = 9

        @property
        def sum(self) -> int:
            return self.x + self.y

    @how(frozen=True, slots=True)
    class Far(Point):
        away: float = 1.5

        def __post_init__(self) -> None:
            object.__setattr__(self, "away", self.away * 2)

    @how(slots=True)
    class Count:
        number: int
        words: list[str] = field(default_factory=list)

    return Point, Far, Count


@dataclass(frozen=True, slots=True)
class Kept:
    """At the top of a module, as ``pickle`` wants it."""

    name: str
    size: int = 3


def told(action: Callable[[], object]) -> str:
    """What an error says, or the result."""
    try:
        return repr(action())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def everything(how: Decorator) -> list[str]:
    point, far, count = classes(how)
    one, other = point(1), point(1, seen=5)
    changing = count(1)
    changing.number += 1
    actions: list[Callable[[], object]] = [
        lambda: one,
        lambda: far(1, away=2.0),
        lambda: changing,
        lambda: (
            one == other,
            hash(one) == hash(other),
            one == point(2),
            one == far(1),
            far(1) == far(1),
            one != other,
        ),
        lambda: {one: 1}[other],
        lambda: hash(changing),
        lambda: (changing == count(2), changing == count(3), changing.words is count(2).words),
        lambda: point(),
        lambda: point(1, 2, (), 0, "s", 6),
        lambda: point(1, wrong=2),
        lambda: replace(one, y=7),
        lambda: dataclasses.asdict(far(1)),
        lambda: [each.name for each in dataclasses.fields(far)],
        lambda: (dataclasses.is_dataclass(point), point.__match_args__, far.__match_args__, point.limit, one.sum),
        lambda: (point.__doc__, point.__name__, point.__init__.__qualname__, far.__repr__.__qualname__),
        lambda: (hasattr(one, "__dict__"), copy.copy(one) == one, copy.deepcopy(changing) == changing),
    ]
    return [told(action) for action in actions]


def test_they_do_what_dataclasses_do() -> None:
    assert everything(late_dataclasses.dataclass) == everything(dataclasses.dataclass)


@BOTH
def test_what_is_frozen_stays(how: Decorator) -> None:
    point, far, _ = classes(how)
    for one in (point(1), far(1)):
        with pytest.raises(FrozenInstanceError):
            one.x = 2
        with pytest.raises(FrozenInstanceError):
            del one.x
        assert one.x == 1


@BOTH
def test_methods_by_hand_are_kept(how: Decorator) -> None:
    @how(frozen=True, slots=True)
    class Word:
        text: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Word) and self.text.lower() == other.text.lower()

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "a word"

    @how(slots=True, eq=False)
    class Thing:
        name: str

    word: Any = Word
    thing: Any = Thing
    assert (word("A") == word("a"), hash(word("b")), repr(word("c"))) == (True, 7, "a word")
    assert thing("a") != thing("a")
    assert len({thing("a"), thing("a")}) == 2


@BOTH
def test_a_class_may_be_generic(how: Decorator) -> None:
    @how(frozen=True, slots=True)
    class Box(Generic[T]):
        content: T

    box: Any = Box
    assert (box(3).content, box(3) == box(3)) == (3, True)


def test_they_can_be_pickled() -> None:
    one = Kept("a")
    assert pickle.loads(pickle.dumps(one)) == one


def test_a_method_is_written_once_and_when_it_is_called() -> None:
    point, _, _ = classes(late_dataclasses.dataclass)
    waiting = point.__init__
    one = point(1)
    written = point.__init__
    assert waiting is not written
    waiting(one, 4)
    assert (one.x, point(5).x) == (4, 5)
    assert point.__repr__.__code__.co_freevars == ("cls", "frozen", "name")
