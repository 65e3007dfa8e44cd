"""Keys and other secrets of a backup: taken out of its documents, and sealed by a passphrase.

The key is that of the recipe of ``cryptography`` for passwords (https://cryptography.io/en/latest/fernet/, "Using
passwords with Fernet"), by Scrypt (RFC 7914) with N = 2^17, r = 8, p = 1: 128 MB and about half a second a try.
"""

from __future__ import annotations

import base64
import json
import os
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from neko.backup_errors import BackupError
from neko.settings.masking import PUBLIC, masked_url
from neko.settings.registry import SETTINGS

SHORTEST: Final = 8
"""Characters of a passphrase."""
LARGEST: Final = 64 << 20
"""Bytes of all that is sealed."""
_SALT: Final = 16
_N: Final = 1 << 17
_NAMED: Final = re.compile(r"api_?key|token$|secret|password|authorization|cookie", re.IGNORECASE)
_KNOWN: Final = frozenset(setting.name for setting in SETTINGS if setting.secret)


def without_secrets(document: Any, name: str = "") -> Any:
    """The same document without its keys, and without addresses that hold a password."""
    if isinstance(document, dict):
        cleaned = {key: without_secrets(value, key) for key, value in document.items()}
        return {key: value for key, value in cleaned.items() if value is not None or document[key] is None}
    if isinstance(document, list):
        return [one for value in document if (one := without_secrets(value, name)) is not None]
    if isinstance(document, str) and document and document != PUBLIC:
        is_secret = name in _KNOWN or _NAMED.search(name) or masked_url(document) != document
        return None if is_secret else document
    return document


def check_passphrase(passphrase: str) -> None:
    """Raise ``BackupError`` for one that is too short to keep anybody out."""
    if len(passphrase) < SHORTEST:
        raise BackupError("backup_passphrase_short", "the passphrase is too short", least=SHORTEST)


def seal(secrets: Mapping[str, bytes], passphrase: str) -> bytes:
    """Files by their names, for whoever has the passphrase; blocks for about half a second."""
    from cryptography.fernet import Fernet

    salt = os.urandom(_SALT)
    content = json.dumps({name: base64.b64encode(value).decode() for name, value in secrets.items()})
    return salt + Fernet(_key(passphrase, salt)).encrypt(content.encode())


def unseal(sealed: bytes, passphrase: str) -> dict[str, bytes]:
    """Raises ``BackupError`` for another passphrase than the one it was sealed by, or damage: nobody can tell which."""
    from cryptography.fernet import Fernet, InvalidToken

    try:
        content = Fernet(_key(passphrase, sealed[:_SALT])).decrypt(sealed[_SALT:])
        found = json.loads(content)
        return {str(name): base64.b64decode(value, validate=True) for name, value in found.items()}
    except (InvalidToken, ValueError, AttributeError, TypeError) as error:
        raise BackupError("backup_passphrase_wrong", "the passphrase does not open the secrets") from error


def _key(passphrase: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    kdf = Scrypt(salt=salt, length=32, n=_N, r=8, p=1)
    return base64.urlsafe_b64encode(kdf.derive(unicodedata.normalize("NFKC", passphrase).encode()))
