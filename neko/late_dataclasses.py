"""Dataclasses whose methods are written when they are first called.

``dataclasses`` writes six functions as text and compiles them for each frozen class, which took a quarter of a start
and 5 MB for some five hundred classes, of which a start needs few. Here a class has its fields and its slots at once,
and each method when it is called, from then on the very one of ``dataclasses``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: type | None = None, /, *, frozen: bool = False, slots: bool = False, eq: bool = True) -> Any:
        """``dataclasses.dataclass`` with what of it this code uses: no order, no ``InitVar``.

        It differs where nobody looks: ``inspect.signature`` of a class tells nothing, a class may not inherit from one
        of ``dataclasses``, and fields in a wrong order are told of by the first object that is made.
        """
        if cls is None:
            return lambda found: _late(found, frozen, slots, eq)
        return _late(cls, frozen, slots, eq)


_WHAT_WRITES: Final = {
    "__init__": {"init": True},
    "__repr__": {"repr": True},
    "__eq__": {"eq": True},
    "__hash__": {"unsafe_hash": True},
}


def _late(cls: type, frozen: bool, slots: bool, eq: bool) -> type:
    cls.__doc__ = cls.__doc__ or cls.__name__  # or it would be made of the signature
    by_hand = set(vars(cls))
    if vars(cls).get("__hash__") is None:  # which Python writes next to an __eq__
        by_hand.discard("__hash__")
    made: type = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
    names = {"__init__", "__repr__"} | ({"__eq__"} if eq else set()) | ({"__hash__"} if eq and frozen else set())
    for name in names - by_hand:
        setattr(made, name, _stand_in(made, name, frozen))
    if eq and not frozen and "__hash__" not in by_hand:
        made.__hash__ = None  # type: ignore[assignment]
    if frozen:
        shared: dict[str, Callable[..., Any]] = {"__setattr__": _refuse, "__delattr__": _refuse}
        if slots:
            shared |= {"__getstate__": _state, "__setstate__": _set_state}
        for name, method in shared.items():
            if name not in by_hand:
                setattr(made, name, method)
    return made


def _stand_in(cls: type, name: str, frozen: bool) -> Callable[..., Any]:
    """What stands for a method until it is called."""

    def method(self: object, *args: Any, **kwargs: Any) -> Any:
        written = _written(cls, name, frozen)
        setattr(cls, name, written)
        return written(self, *args, **kwargs)

    method.__name__, method.__qualname__ = name, f"{cls.__qualname__}.{name}"
    return method


def _written(cls: type, name: str, frozen: bool) -> Callable[..., Any]:
    wanted: dict[str, Any] = {"init": False, "repr": False, "eq": False, **_WHAT_WRITES[name]}
    twin = dataclasses.make_dataclass(
        cls.__name__,
        [(field.name, field.type, field) for field in dataclasses.fields(cls)],
        namespace={"__doc__": cls.__doc__, **({"__post_init__": None} if hasattr(cls, "__post_init__") else {})},
        frozen=frozen and name == "__init__",  # it then writes past the refusal
        **wanted,
    )
    written: Callable[..., Any] = vars(twin)[name]
    written.__qualname__ = f"{cls.__qualname__}.{name}"
    return written


def _refuse(_self: object, name: str, *_value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot change field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
