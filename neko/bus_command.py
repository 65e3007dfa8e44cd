"""``python -m neko bus-keys FOLDER``: the keys for an agent on another computer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from neko.agent.remote import keys


def run(argv: Sequence[str]) -> int:
    """What the command line says; the exit code. Raises ``NekoError``; a wrong usage exits with 2."""
    parser = argparse.ArgumentParser(
        prog="neko bus-keys", description="Make the keys with which a main and an agent on two computers talk."
    )
    parser.add_argument("folder", type=Path, help="where to; nothing there is overwritten")
    folder = parser.parse_args(argv).folder.expanduser()
    keys.generate(folder)
    print(f"{folder} holds the keys. It is the folder of the main: NEKO_BUS_KEYS={folder}")
    print("Copy main.key to a folder of the agent's computer, and move agent.key_secret there.")
    return 0
