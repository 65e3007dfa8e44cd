"""Where Neko's files are: the data that ships with it, and the user's folder."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from neko.storage import check_writable

_FOLDER_NAME: Final = "N.E.K.O"


def _find_assets() -> Path:
    package = Path(__file__).parent.parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"


ASSETS: Final = _find_assets()
"""Data files that ship with Neko: inside the installed package, beside it in a checkout."""


def default_data_dir(
    environ: Mapping[str, str], *, platform: str = sys.platform, home: Path | None = None, cwd: Path | None = None
) -> Path:
    """``<Documents>/N.E.K.O`` under the first documents folder that can be made and written.

    Blocks (it makes the documents folder and writes a probe file). The working directory is the
    last resort and is not probed.
    """
    home = home or Path.home()
    cwd = cwd or Path.cwd()
    for folder in _document_folders(environ, platform, home):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            check_writable(folder)
        except OSError:
            continue
        return folder / _FOLDER_NAME
    return cwd / _FOLDER_NAME


def _document_folders(environ: Mapping[str, str], platform: str, home: Path) -> list[Path]:
    folders = [home / "Documents"]
    if platform == "win32":
        import platformdirs

        folders.insert(0, Path(platformdirs.user_documents_dir()))
    elif platform != "darwin" and (named := environ.get("XDG_DOCUMENTS_DIR", "").strip()):
        folders.insert(0, Path(named.replace("$HOME", str(home))).expanduser())
    return folders
