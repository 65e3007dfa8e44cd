"""How Neko is launched: the options as an embedding program, the command line and the environment give them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Self

from neko.errors import ConfigError
from neko.settings import registry
from neko.settings.in_force import SettingsInForce
from neko.settings.loopback import is_loopback
from neko.settings.setting import SWITCH, Setting

SHORTEST_TOKEN = 16
"""Characters: whoever can reach the port may guess."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How Neko is launched; ``Settings()`` is right for embedding.

    ``data_dir`` None means ``default_data_dir``. ``port`` 0 lets the system choose. ``token`` is
    needed to listen on any but a loopback address. ``flags`` are the options of the command line as
    they were typed. ``pages``: a folder of N.E.K.O. whose own pages are shown. Raises ``ConfigError``
    for values that cannot work.
    """

    data_dir: Path | None = None
    host: str = registry.HOST.default
    port: int = registry.PORT_NUMBER.default
    open_browser: bool = False
    log_level: str = registry.LOG_LEVEL.default
    token: str | None = field(default=None, repr=False)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False, hash=False)
    find_local_servers: bool = True
    flags: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    pages: Path | None = None

    def __post_init__(self) -> None:
        for setting, value in ((registry.PORT_NUMBER, str(self.port)), (registry.LOG_LEVEL, self.log_level)):
            if setting.kind.of_text(value) is None:
                raise ConfigError(f"{setting.name} {value!r} is not {setting.kind.name}", value=value)
        if self.token and len(self.token.strip()) < SHORTEST_TOKEN:
            raise _weak_token()
        if not self.token and not is_loopback(self.host):
            raise ConfigError(
                f"listening on {self.host} lets other machines in: set a token with --token or NEKO_TOKEN",
                value=self.host,
            )

        if self.pages is not None and not (self.pages / "templates").is_dir():
            raise ConfigError(f"{self.pages} has no folder called templates", value=str(self.pages))

    @classmethod
    def from_command_line(cls, argv: Sequence[str], environ: Mapping[str, str]) -> Self:
        """Flags over environment variables over defaults.

        ``argv`` is without the program's name. A bad value prints one sentence on stderr and
        exits with code 2.
        """
        parser = _parser()
        options = vars(parser.parse_args(argv))
        flags = {name.replace("_", "-"): text for name, text in options.items() if text is not None}
        if _is_blank(flags.get(registry.TOKEN.name), environ):
            parser.error(str(_weak_token()))
        in_force = SettingsInForce({}, environ, flags)
        try:
            return cls(
                data_dir=in_force.get(registry.DATA_DIR),
                host=in_force.get(registry.HOST),
                port=in_force.get(registry.PORT_NUMBER),
                open_browser=not in_force.get(registry.NO_BROWSER),
                log_level=in_force.get(registry.LOG_LEVEL),
                token=in_force.get(registry.TOKEN),
                environ=dict(environ),
                flags=flags,
                pages=in_force.get(registry.PAGES),
            )
        except ConfigError as error:
            parser.error(str(error))


def _weak_token() -> ConfigError:
    import secrets

    good = secrets.token_urlsafe(SHORTEST_TOKEN)
    return ConfigError(f"the token needs at least {SHORTEST_TOKEN} characters, for example: {good}")


def _is_blank(flag: str | None, environ: Mapping[str, str]) -> bool:
    """Whether a token was given that is none; a variable without any content says nothing."""
    given = [environ.get(name) or None for name in registry.TOKEN.environment] if flag is None else [flag]
    return any(text is not None and not text.strip() for text in given)


class _OneSentenceParser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        sys.stderr.write(f"{self.prog}: {message} (see {self.prog} --help)\n")
        sys.exit(2)


class _TellVersion(argparse.Action):
    """Looks it up only when it is asked for, which costs milliseconds of a start."""

    def __call__(self, *_: object) -> None:
        sys.stdout.write(f"neko {program_version()}\n")
        sys.exit(0)


def program_version() -> str:
    """What of Neko is installed, "0" when nothing is."""
    try:
        return metadata.version("neko-companion")
    except metadata.PackageNotFoundError:
        return "0"


def _parser() -> argparse.ArgumentParser:
    parser = _OneSentenceParser(prog="neko", description="A companion who talks, listens and remembers.")
    parser.add_argument(
        "--version", action=_TellVersion, nargs=0, default=argparse.SUPPRESS, help="say which version this is"
    )
    for setting in registry.LAUNCH:
        if setting.kind is SWITCH:
            parser.add_argument(setting.flag, action="store_const", const="on", help=_help(setting))
        else:
            parser.add_argument(setting.flag, help=_help(setting))
    return parser


def _help(setting: Setting[Any]) -> str:
    default = setting.shown_default or setting.default
    notes = [*([f"default {default}"] if default else []), *setting.environment]
    return f"{setting.help} ({'; '.join(notes)})"
