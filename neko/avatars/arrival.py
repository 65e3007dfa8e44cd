"""A Live2D model that comes in: files of a folder, or a zip archive of any layout, looked through before it counts.

Only what a model consists of is kept, so that nothing that comes from outside is ever a page or a program. What is
not whole, leads out of its folder or is not what it says is refused, and leaves nothing behind.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from neko.archives import ArchiveError, ArchiveNameError, Readable, open_archive, open_entry
from neko.avatar_errors import AvatarError
from neko.avatars.emotions import entries_of
from neko.avatars.lip_sync import mouth_parameters, without_mouth
from neko.avatars.live2d import CONFIG, MOTION, read_config, read_object
from neko.avatars.places import check_name, files_below, plain_path, settle, workplace
from neko.storage import private, write_json

KINDS: Final = (".json", ".moc3", ".png", ".jpg", ".jpeg", ".webp", ".wav", ".mp3", ".ogg", ".txt")
"""Endings of the files that a model consists of."""
LARGEST: Final = 1 << 30
"""Bytes of all files of a model."""
MOST_FILES: Final = 5000
_BEGINNINGS: Final = {
    ".moc3": (b"MOC3",),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".webp": (b"RIFF",),
}
_ENCODINGS: Final = ("utf-8", "shift_jis", "gb18030", "euc_kr", "big5")
"""In which programs write the names in archives that do not say in which."""
_NAMELESS: Final = frozenset({"runtime", "model", "models", "live2d", "resources"})
"""Folders that say nothing of the model in them."""
_IS_UTF8: Final = 0x800
"""The bit of an entry that says so of its name."""
_ARCHIVE: Final = b"PK\x03\x04"
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Arrived:
    """``left_out`` counts files that are no part of a model."""

    name: str
    folder: Path
    left_out: int


def take(files: Sequence[tuple[str, BinaryIO]], root: Path) -> Arrived:
    """Make a model below ``root`` of files by the relative paths that came with them, or of one archive.

    Raises ``AvatarError``, ``OSError``.
    """
    with workplace(root) as place:
        unpacked = place / "unpacked"
        left_out = _unpack(files, unpacked)
        config = _only_config(unpacked, left_out)
        name = check_name(_name_of(config, unpacked))
        folder = config.parent
        _check_references(config)
        _free_the_mouth(config)
        settle(folder, root / name)
    return Arrived(name, root / name, left_out)


def _unpack(files: Sequence[tuple[str, BinaryIO]], target: Path) -> int:
    if len(files) == 1 and zipfile.is_zipfile(files[0][1]):
        try:
            return _unpack_archive(files[0][1], target)
        except ArchiveError as error:
            name = files[0][0][:80]
            raise AvatarError("avatar_unreadable", f"{name} cannot be unpacked: {error}", file=name) from error
    if len(files) == 1 and _begins_as_archive(files[0][1]):
        name = files[0][0][:80]
        raise AvatarError("avatar_unreadable", f"{name} is no whole archive", file=name)
    return _copy(files, target)


def _begins_as_archive(file: BinaryIO) -> bool:
    file.seek(0)
    head = file.read(len(_ARCHIVE))
    file.seek(0)
    return head == _ARCHIVE


def _unpack_archive(file: BinaryIO, target: Path) -> int:
    """Unpack it, with the names in the encoding that has all files which the model refers to, else as they are."""
    with open_archive(file) as archive:
        is_told = all(entry.flag_bits & _IS_UTF8 or entry.filename.isascii() for entry in archive.infolist())
        if is_told:
            return _copy(_opened(archive), target)
    for encoding in _ENCODINGS:
        try:
            with open_archive(file, encoding) as archive:
                left_out = _copy(_opened(archive), target)
        except ArchiveNameError:
            continue
        if not any(_missing(config) for config in files_below(target, CONFIG)):
            return left_out
        shutil.rmtree(target)
    with open_archive(file) as archive:
        return _copy(_opened(archive), target)


def _opened(archive: zipfile.ZipFile) -> Iterator[tuple[str, Readable]]:
    entries = archive.infolist()
    if len(entries) > 4 * MOST_FILES:
        raise AvatarError("avatar_too_many", "the archive has too many files", limit=MOST_FILES)
    if sum(entry.file_size for entry in entries) > LARGEST:
        raise AvatarError("avatar_too_large", "the archive would be too large", limit=LARGEST >> 20)
    for entry in entries:
        is_link = stat.S_ISLNK(entry.external_attr >> 16)
        if not entry.filename.endswith("/") and not is_link:
            with open_entry(archive, entry) as file:
                yield entry.filename, file


def _copy(files: Iterable[tuple[str, Readable]], target: Path) -> int:
    """Write what a model may consist of; how many files were none of that."""
    left_out = count = size = 0
    has_config, unnamable = False, ""
    for name, source in files:
        path = plain_path(name)
        if path is None and _leads_out(name):
            raise AvatarError("avatar_outside", f"{name!r} leads out of the folder", file=name[:80])
        if path is None or path.suffix.lower() not in KINDS or path.parts[0] == "__MACOSX":
            left_out += 1
            if path is None and name.lower().endswith(CONFIG) and not _is_hidden(name):
                unnamable = name
            continue
        count += 1
        if count > MOST_FILES:
            raise AvatarError("avatar_too_many", "there are too many files", limit=MOST_FILES)
        size += _write(source, target / path, LARGEST - size)
        has_config |= path.name.lower().endswith(CONFIG)
    if unnamable and not has_config:
        raise AvatarError("avatar_name", f"{unnamable!r} cannot be the name of a file", name=unnamable[:80])
    return left_out


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.replace("\\", "/").split("/"))


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or name[1:2] == ":"


def _write(source: Readable, path: Path, room: int) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(path, "xb", opener=private) as target:
            while chunk := source.read(_CHUNK):
                if target.tell() + len(chunk) > room:
                    raise AvatarError("avatar_too_large", "what was sent is too large", limit=LARGEST >> 20)
                target.write(chunk)
            return target.tell()
    except (FileExistsError, NotADirectoryError):  # twice in one archive
        return 0


def _only_config(folder: Path, left_out: int) -> Path:
    configs = list(files_below(folder, CONFIG))
    if not configs:
        raise AvatarError("avatar_none", f"no {CONFIG} in what was sent; {left_out} files are no part of a model")
    if len(configs) > 1:
        names = ", ".join(path.name for path in configs[:5])
        raise AvatarError("avatar_several", f"several models: {names}", names=names[:200])
    return configs[0]


def _name_of(config: Path, root: Path) -> str:
    folder = config.parent
    is_named = folder != root and folder.name.lower() not in _NAMELESS
    return folder.name if is_named else config.name[: -len(CONFIG)]


def _references(config: Path) -> list[str]:
    """Every file that a ``.model3.json`` names."""
    references = read_config(config)["FileReferences"]
    motions = references["Motions"] if isinstance(references["Motions"], dict) else {}
    entries = [entry for group in (*motions.values(), references["Expressions"]) for entry in entries_of(group)]
    single = [references.get(key) for key in ("Moc", "Physics", "Pose", "DisplayInfo", "UserData")]
    textures = references.get("Textures")
    named = [
        *single,
        *(textures if isinstance(textures, list) else []),
        *(entry.get(key) for entry in entries for key in ("File", "Sound")),
    ]
    return [name for name in dict.fromkeys(named) if isinstance(name, str) and name]


def _missing(config: Path) -> list[str]:
    return [name for name in _references(config) if not (config.parent / name).is_file()]


def _check_references(config: Path) -> None:
    """See that what the model cannot be without is there and is what it says; a name that differs in case only is
    made the one that the model uses. Raises ``AvatarError``."""
    folder = config.parent
    spelled = {path.relative_to(folder).as_posix().lower(): path for path in files_below(folder, *KINDS)}
    for name in _references(config):
        path = plain_path(name)
        if path is None:
            raise AvatarError("avatar_outside", f"{name!r} leads out of the folder", file=name[:80])
        other = spelled.get(path.as_posix().lower())
        if other is not None and not (folder / path).exists():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            other.rename(folder / path)
    check_whole(config)


def check_whole(config: Path) -> None:
    """See that a model can be read and has what it cannot be without. Raises ``AvatarError``."""
    folder, references = config.parent, read_config(config)["FileReferences"]
    textures = references.get("Textures")
    needed = [references.get("Moc"), *(textures if isinstance(textures, list) else [])]
    if not isinstance(needed[0], str) or not needed[0]:
        raise AvatarError("avatar_unreadable", f"{config.name} names no .moc3", file=config.name)
    for name in needed:
        part = folder / str(name)
        if not part.is_file():
            raise AvatarError("avatar_missing", f"{name} is missing", file=str(name)[:80])
        with part.open("rb") as file:
            head = file.read(16)
        beginnings = _BEGINNINGS.get(part.suffix.lower())
        if beginnings is None or not head.startswith(beginnings):
            raise AvatarError("avatar_unreadable", f"{name} is not what it says", file=str(name)[:80])


def _free_the_mouth(config: Path) -> None:
    """Her voice moves the mouth, so no motion may. A motion that cannot be read is left as it is."""
    mouth = mouth_parameters(read_object(config))
    for path in files_below(config.parent, MOTION):
        try:
            changed = without_mouth(read_object(path), mouth)
        except AvatarError:
            continue
        if changed is not None:
            write_json(path, changed, indent=None)
            path.with_name(path.name + ".bak").unlink(missing_ok=True)
