"""Which language the user reads: chosen in the settings, told by a client, or the system's."""

from __future__ import annotations

from collections.abc import Mapping

from neko.language import normalise, system_language
from neko.settings import CoreConfig
from neko.settings.registry import LANGUAGE


class ReaderLanguage:
    """``neko.language``: one of ``LANGUAGES`` at any moment."""

    def __init__(self, config: CoreConfig, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ
        self._of_client: str | None = None

    @property
    def chosen(self) -> str | None:
        """What the user chose in the settings, if anything."""
        return self._config.in_force.get(LANGUAGE)

    @property
    def current(self) -> str:
        """The chosen one, else that of the last client that named one, else the system's."""
        return self.chosen or self._of_client or system_language(self._environ)

    def client_reads(self, tag: str) -> None:
        """A client named the language of its user; ``tag`` is any language tag."""
        self._of_client = normalise(tag)
