"""Why speech could not be turned into words; the tree is drawn in ``neko.errors``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from neko.errors import HearingError, NekoError


class HearingRefusedError(HearingError):
    """``params`` holds ``status`` too, which some sentences are for."""

    code = "hearing_refused"
    _sentences: ClassVar[Mapping[int, str]] = {
        **dict.fromkeys((404, 405, 410), "hearing_refused_nothing"),
        **dict.fromkeys((402, 429), "hearing_refused_limit"),
        **dict.fromkeys((500, 502, 503, 504, 529), "hearing_refused_fault"),
    }

    @property
    def sentence(self) -> str:
        return self._sentences.get(int(self.params.get("status") or 0), self.code)


class HearingKeyError(HearingRefusedError):
    code = "hearing_key"
    permanent = True
    _sentences: ClassVar[Mapping[int, str]] = {}


class HearingSilentError(HearingError):
    code = "hearing_silent"


class HearingCutError(HearingError):
    code = "hearing_cut"


class HearingUnreadableError(HearingError):
    code = "hearing_unreadable"


class HearingBusyError(HearingError):
    code = "hearing_busy"


class HearingPrivateError(HearingError):
    """The user wants not to be heard."""

    code = "hearing_private"
    permanent = True


class HearingModelError(HearingError):
    """``engine`` is the name of the model. ``params``: folder, where it is."""

    code = "hearing_model"
    permanent = True


class NothingHearsError(HearingError):
    """``params``: ``reason``, a plain word that some sentences are for; ``model``, the one that is missing."""

    code = "nothing_hears"
    permanent = True
    _sentences: ClassVar[Mapping[str, str]] = {
        "off": "nothing_hears_off",
        "browser": "nothing_hears_browser",
        "no_server": "nothing_hears_no_server",
        "no_model": "nothing_hears_no_model",
    }

    @property
    def sentence(self) -> str:
        return self._sentences.get(str(self.params.get("reason")), self.code)


class ModelFetchError(NekoError):
    """A model could not be fetched. ``params``: model; ``reason``, a plain word: "hash" (the file is another), "full"
    (the disk), "disk" (it refuses), "refused" (the server, with ``status``), "silent" (no answer, or it breaks off
    again and again), "mirror" (``mirror`` is no address), "install" (a package cannot be installed); ``host`` where
    there is one, ``why`` of the disk."""

    code = "model_fetch"
    permanent = False

    @property
    def sentence(self) -> str:
        return f"{self.code}_{self.params['reason']}"
