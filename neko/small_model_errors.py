"""What keeps the small model on this computer from answering; its place in the tree stands in ``neko.errors``."""

from __future__ import annotations

from neko.errors import ModelError


class SmallModelError(ModelError):
    """``params``: log, the file that says more."""

    code = "small_model"


class SmallModelMissingError(SmallModelError):
    """``params``: command, to be typed."""

    code = "small_model_missing"


class SmallModelNoFileError(SmallModelError):
    """``params``: file, why."""

    code = "small_model_no_file"


class SmallModelFileError(SmallModelError):
    """``params``: file."""

    code = "small_model_file"


class SmallModelMemoryError(SmallModelError):
    """``params``: needed, free (texts with their unit)."""

    code = "small_model_memory"


class SmallModelDiedError(SmallModelError):
    """``params``: log."""

    code = "small_model_died"
