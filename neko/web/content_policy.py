"""What a page may load and run: the ``content-security-policy`` of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Self

SELF = "'self'"


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    """Sources by directive. With ``uses_nonce`` inline scripts that carry the nonce of the answer may run."""

    sources: Mapping[str, tuple[str, ...]]
    uses_nonce: bool = False

    def allowing(self, *, uses_nonce: bool | None = None, **sources: tuple[str, ...]) -> Self:
        """The same policy with more sources: ``allowing(worker_src=("blob:",))``.

        A directive that is not there yet begins with ``'self'``, since it would replace ``default-src``.
        """
        merged = dict(self.sources)
        for name, added in sources.items():
            directive = name.replace("_", "-")
            merged[directive] = (*merged.get(directive, (SELF,)), *added)
        return replace(
            self,
            sources=MappingProxyType(merged),
            uses_nonce=self.uses_nonce if uses_nonce is None else uses_nonce,
        )

    def header(self, host: str, nonce: str = "") -> str:
        """The value of the header; ``host`` is that of the request, empty when it is not ours.

        ``ws:`` is named because not every browser counts it as ``'self'``.
        """
        policy = self
        if host:
            policy = policy.allowing(connect_src=(f"ws://{host}", f"wss://{host}"))
        if nonce:
            policy = policy.allowing(script_src=(f"'nonce-{nonce}'",))
        return "; ".join(f"{directive} {' '.join(listed)}" for directive, listed in policy.sources.items())


STRICT = ContentPolicy(
    MappingProxyType(
        {
            "default-src": (SELF,),
            "img-src": (SELF, "data:", "blob:"),
            "media-src": (SELF, "blob:"),
            "connect-src": (SELF,),
            "object-src": ("'none'",),
            "base-uri": (SELF,),
            "form-action": (SELF,),
            "frame-ancestors": (SELF,),
        }
    )
)
"""Everything from ourselves, no inline scripts."""
