"""What can be wrong with models of avatars and the files they come in; where it stands in the tree: ``neko.errors``."""

from __future__ import annotations

from neko.errors import InputError


class AvatarError(InputError):
    """A model is not there, or what was sent cannot be one. ``params`` fill the blanks of the sentence of ``code``."""

    def __init__(self, code: str, detail: str, **params: str | int) -> None:
        super().__init__(detail, **params)
        self.code = code
