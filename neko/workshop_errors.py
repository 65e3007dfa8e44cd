"""What can be wrong with folders of Steam's Workshop; where it stands in the tree of errors: ``neko.errors``."""

from __future__ import annotations

from neko.errors import InputError


class WorkshopError(InputError):
    """A file or folder of the Workshop cannot be used so. ``params`` fill the blanks of the sentence of ``code``."""

    def __init__(self, code: str, detail: str, **params: str | int) -> None:
        super().__init__(detail, **params)
        self.code = code
