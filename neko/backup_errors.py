"""What can be wrong with a backup of the whole data folder; where it stands in the tree of errors: ``neko.errors``."""

from __future__ import annotations

from neko.errors import InputError


class BackupError(InputError):
    """A backup cannot be made or used so. ``params`` fill the blanks of the sentence of ``code``."""

    def __init__(self, code: str, detail: str, **params: str | int) -> None:
        super().__init__(detail, **params)
        self.code = code
