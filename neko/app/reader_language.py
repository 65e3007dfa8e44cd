"""Which language the user reads, where no client is there to say: the chosen one, else the system's."""

from __future__ import annotations

from collections.abc import Mapping

from neko.language import system_language
from neko.settings import CoreConfig
from neko.settings.registry import LANGUAGE


class ReaderLanguage:
    """``neko.language``: one of ``LANGUAGES`` at any moment. A client's own, and that of the last client of a
    character, come before it (``SessionManager.client_language``)."""

    def __init__(self, config: CoreConfig, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ

    @property
    def chosen(self) -> str | None:
        """What the user chose in the settings, if anything."""
        return self._config.in_force.get(LANGUAGE)

    @property
    def current(self) -> str:
        """The chosen one, else the system's."""
        return self.chosen or system_language(self._environ)
