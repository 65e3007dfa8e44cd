"""Kokoro's Chinese voices, which come in the npm package ``kokoro-js``: takes them out of its archive.

``npm pack kokoro-js@1.2.1``, then ``python -m neko.audio.engines.kokoro_voices kokoro-js-1.2.1.tgz``. Nothing else of
the package is used, and its dependencies are not wanted.
"""

from __future__ import annotations

import hashlib
import sys
import tarfile
from pathlib import Path
from typing import Final

from neko.audio.engines.kokoro_languages import FOLDER, VOICES

ARCHIVE_SHA256: Final = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"


def take_out(archive: Path, folder: Path = FOLDER, sha256: str = ARCHIVE_SHA256) -> None:
    """Write the voices, and the licence, into ``folder``. Raises ``ValueError`` when it is another archive."""
    content = archive.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{archive} is not the archive that is expected")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"package/voices/{name}.bin": f"{name}.bin" for name in VOICES} | {"package/LICENSE": "LICENSE"}
    with tarfile.open(archive) as files:
        for name, target in wanted.items():
            file = files.extractfile(name)
            assert file is not None
            (folder / target).write_bytes(file.read())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Which archive? It is fetched by: npm pack kokoro-js@1.2.1")
    try:
        take_out(Path(sys.argv[1]))
    except (OSError, ValueError, KeyError, tarfile.TarError) as error:
        sys.exit(f"The Chinese voices cannot be taken out: {error}")
