"""CURVE keys: who may speak on the sockets, and who it is that speaks.

A folder holds ``main.key_secret`` and ``agent.key`` on the computer of the main, ``agent.key_secret`` and ``main.key``
on that of the agent; the files are those of pyzmq's certificates.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Final, Literal

from neko.bus_errors import RemoteBusError
from neko.storage import make_folder, make_private

Role = Literal["main", "agent"]
ROLES: Final[tuple[Role, ...]] = ("main", "agent")


@dataclass(frozen=True, slots=True)
class CurveKeys:
    """Our own pair, and the public key of the main. ``folder``: where the public keys of those stand that a main lets
    in."""

    public: bytes
    secret: bytes = field(repr=False)
    main: bytes
    folder: Path


def generate(folder: Path) -> list[Path]:
    """Make both pairs, the files of both computers; blocks. Raises ``RemoteBusError`` where there are some already,
    or pyzmq is missing."""
    auth = _auth()
    made = [folder / f"{role}.key{end}" for role in ROLES for end in ("", "_secret")]
    if there := next((path for path in made if path.exists()), None):
        raise RemoteBusError("keys_there", f"{there} is there already", file=str(there))
    make_folder(folder)
    for role in ROLES:
        auth.create_certificates(folder, role)
    for path in made:
        make_private(path)
    return made


def load(folder: Path, role: Role) -> CurveKeys:
    """Read what a role needs; blocks. Raises ``RemoteBusError``."""
    public, secret = _read(folder / f"{role}.key_secret")
    if secret is None:
        raise RemoteBusError("keys", "there is no secret key in it", file=str(folder / f"{role}.key_secret"))
    if role == "main":
        _read(folder / "agent.key")
    return CurveKeys(public, secret, public if role == "main" else _read(folder / "main.key")[0], folder)


def _read(path: Path) -> tuple[bytes, bytes | None]:
    auth = _auth()
    try:
        found: tuple[bytes, bytes | None] = auth.load_certificate(path)
    except (OSError, ValueError) as error:
        raise RemoteBusError("keys", f"{path}: {error}", file=str(path)) from error
    return found


def _auth() -> ModuleType:
    try:
        return importlib.import_module("zmq.auth")
    except ImportError as error:
        raise RemoteBusError("missing", "pyzmq is not installed") from error
