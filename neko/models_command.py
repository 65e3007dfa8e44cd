"""``python -m neko models list|fetch NAME|remove NAME``: the models that hear on this computer."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from neko.audio.hearing import models
from neko.audio.hearing.fetching import ModelFetcher
from neko.errors import ConfigError
from neko.net import Network
from neko.settings import CoreConfig, default_data_dir
from neko.settings.registry import DATA_DIR, LOCAL_ONLY, MODELS_MIRROR
from neko.storage import CORE_CONFIG_FILE


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """What the command line says; the exit code. Raises ``NekoError``; a wrong usage exits with 2."""
    parser = argparse.ArgumentParser(prog="neko models", description="The models that hear on this computer.")
    parser.add_argument("--data-dir", help=DATA_DIR.help)
    actions = parser.add_subparsers(dest="action", required=True)
    for name, help_ in (("list", "what there is"), ("fetch", "have it here"), ("remove", "take its files away")):
        action = actions.add_parser(name, help=help_)
        action.add_argument("--data-dir", default=argparse.SUPPRESS, help=DATA_DIR.help)
        if name != "list":
            action.add_argument("name", choices=list(models.known_models()))
    options = parser.parse_args(argv)
    chosen = options.data_dir or environ.get("NEKO_DATA_DIR")
    data_dir = Path(chosen).expanduser() if chosen else default_data_dir(environ)
    config = CoreConfig.load(data_dir / "config" / CORE_CONFIG_FILE, environ)
    network = Network(local_only=config.in_force.get(LOCAL_ONLY))
    folder = data_dir / "models" / "hearing"
    fetcher = ModelFetcher(network, folder, config.in_force.get(MODELS_MIRROR) or models.hub())
    if options.action == "list":
        return _list(folder)
    if options.action == "remove":
        return _remove(fetcher, folder, options.name)
    return _fetch(fetcher, options.name)


def _list(folder: Path) -> int:
    there = {model.name: model for model in models.local_models(folder)}
    known = models.known_models()
    for name, entry in known.items():
        languages = "any language" if entry.languages is None else ", ".join(sorted(entry.languages))
        state = f"here: {there[name].folder}" if name in there else "not here"
        print(f"{name}  {entry.title}, {languages}, {entry.size / 1e6:.0f} MB, {entry.licence}; {state}")
    for name, model in there.items():
        if name not in known:
            print(f"{name}  {model.kind}, {model.size / 1e6:.0f} MB; here: {model.folder}")
    if missing := models.missing_libraries():
        print(f"What runs them is not installed ({', '.join(missing)}): {models.install_command()}")
    return 0


def _remove(fetcher: ModelFetcher, folder: Path, name: str) -> int:
    try:
        removed = fetcher.remove(name)
    except OSError as error:
        raise ConfigError(f"{name} cannot be removed: {error.strerror or error}") from error
    if removed:
        print(f"{name} is removed.")
        return 0
    here = next((model for model in models.local_models(folder) if model.name == name), None)
    print(f"{name} belongs to an installed package: {here.folder}" if here else f"{name} is not here.", file=sys.stderr)
    return 1


def _fetch(fetcher: ModelFetcher, name: str) -> int:
    model = models.known_models()[name]
    shown = -1

    def progress(count: int, total: int) -> None:
        nonlocal shown
        share = count * 100 // total if total else 0
        if share != shown:
            shown = share
            print(f"\r{model.title}: {share} %", end="", file=sys.stderr, flush=True)

    with contextlib.closing(_Line()):
        asyncio.run(fetcher.fetch(model, progress))
    print(f"{name} is here.")
    return 0


class _Line:
    """The line of progress, ended whatever happens."""

    def close(self) -> None:
        print(file=sys.stderr)
