"""Archives that are damaged in any way are told as that, by one error."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from pathlib import Path

import pytest

from neko.archives import ArchiveError, open_archive, open_entry

TEXT = b"some words, some words, some more " * 200
WAYS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


def packed(way: int) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", way) as archive:
        for name in ("a.txt", "folder/b.txt"):
            archive.writestr(name, TEXT)
    return written.getvalue()


def read(content: bytes) -> list[bytes]:
    with open_archive(io.BytesIO(content)) as archive:
        found = []
        for entry in archive.infolist():
            with open_entry(archive, entry) as file:
                found.append(file.read())
        return found


@pytest.mark.parametrize("way", WAYS)
def test_whatever_byte_is_wrong_it_is_read_or_told(way: int) -> None:
    whole, chance = packed(way), random.Random(way)
    assert read(whole) == [TEXT, TEXT]
    told = 0
    for _ in range(1_500):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            read(bytes(content))
        except ArchiveError:
            told += 1
    assert told > 500


@pytest.mark.parametrize("shift", [1, 0x800000, 0x7FFFFFFF])
def test_a_directory_that_is_said_to_be_elsewhere_is_told(shift: int) -> None:
    content = bytearray(packed(zipfile.ZIP_DEFLATED))
    at = content.rfind(b"PK\5\6") + 16
    (place,) = struct.unpack_from("<I", content, at)
    struct.pack_into("<I", content, at, place + shift)
    with pytest.raises(ArchiveError):
        read(bytes(content))


def test_an_entry_that_is_not_there_and_a_file_that_is_not_there_are_no_damage(tmp_path: Path) -> None:
    archive = open_archive(io.BytesIO(packed(zipfile.ZIP_STORED)))
    with archive, pytest.raises(KeyError), open_entry(archive, "c.txt"):
        pass
    with pytest.raises(FileNotFoundError):
        open_archive(tmp_path / "none.zip")
