"""``python -m neko backup`` and ``restore`` over real folders."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from neko import pending_restore
from neko.__main__ import main
from neko.app.backups import sealing
from neko.app.backups.layout import DATA, MANIFEST, SEALED
from neko.app.backups.reading import Backup
from neko.app.backups.writing import write
from neko.memory.service import MemoryService
from neko.storage import DataFolder
from neko.tasks import TaskOwner, in_thread
from neko.types.lines import NewLine
from tests.backups.kept_folder import KEY, PASSPHRASE, SAID, START, fill


@pytest.fixture(scope="module", autouse=True)
def quick_passphrases() -> Iterator[None]:
    """A thousandth of the work that a passphrase takes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sealing, "_N", 1 << 7)
        yield


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("filled") / "data"
    fill(data)
    return data


@pytest.fixture(scope="module")
def backup(filled: Path) -> Path:
    target = filled.parent / "backup.zip"
    assert main(["backup", str(target), "--data-dir", str(filled)]) == 0
    return target


@pytest.fixture(scope="module")
def sealed(filled: Path) -> Path:
    target = filled.parent / "sealed.zip"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdin", io.StringIO(f"{PASSPHRASE}\n"))
        assert main(["backup", str(target), "--secrets", "--data-dir", str(filled)]) == 0
    return target


def restore(file: Path, data: Path, *options: str) -> int:
    return main(["restore", str(file), "--data-dir", str(data), *options])


def said(data: Path, name: str = "Mio") -> list[str]:
    with closing(sqlite3.connect(data / "memory" / f"time_indexed_{name}")) as connection:
        rows = connection.execute("SELECT message FROM time_indexed_original ORDER BY id").fetchall()
    return [json.loads(row[0])["data"]["content"][0]["text"] for row in rows]


def contents(data: Path) -> dict[str, bytes]:
    """Every file of the parts that a backup has, but for databases."""
    paths = [path for part in pending_restore.PARTS for path in (data / part).rglob("*") if path.is_file()]
    names = {path.relative_to(data).as_posix(): path for path in paths if not path.name.startswith("time_indexed_")}
    return {name: path.read_bytes() for name, path in names.items()}


# ── there and back ─────────────────────────────────────────────────────────────────────


def test_what_is_kept_comes_back_into_an_empty_folder(filled: Path, sealed: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdin", io.StringIO(f"{PASSPHRASE}\n"))
        assert restore(sealed, tmp_path / "new", "--yes", "--secrets") == 0
    assert said(tmp_path / "new") == list(SAID)
    left_out = ("agent/browser/", "memory/backups_Mio/", "memory/.")
    expected = {name: content for name, content in contents(filled).items() if not name.startswith(left_out)}
    assert contents(tmp_path / "new") == expected
    assert not (tmp_path / "new" / "models").exists()


def test_without_a_passphrase_no_key_is_in_it_and_it_says_what_is_left_out(
    filled: Path, backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(backup) as archive:
        assert all(KEY.encode() not in archive.read(name) for name in archive.namelist())
        assert archive.testzip() is None
    assert restore(backup, tmp_path / "new", "--yes") == 0
    assert "config/mcp.json" in capsys.readouterr().out
    core = json.loads((tmp_path / "new" / "config" / "core_config.json").read_text(encoding="utf-8"))
    assert core == {"coreApi": "openai", "unknown": [1, {"a": None}], "ttsVoiceId": "Chelsie"}


def test_another_passphrase_opens_nothing_and_changes_nothing(
    sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("some other passphrase\n"))
    assert restore(sealed, tmp_path / "new", "--yes", "--secrets") == 1
    assert "passphrase" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_first_it_is_told_what_would_come_and_nothing_is_changed(
    backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "other", "Luna")
    before = contents(tmp_path / "other")
    assert restore(backup, tmp_path / "other", "--dry-run") == 0
    told = capsys.readouterr().out
    assert "Mio: 3 lines in the backup, no such character here" in told
    assert "Luna: no such character in the backup, 3 lines here" in told
    assert "vrm: 1 as they are" in told
    assert contents(tmp_path / "other") == before


def test_what_was_there_before_is_kept_and_what_is_no_part_of_it_stays(backup: Path, tmp_path: Path) -> None:
    data = tmp_path / "other"
    fill(data, "Luna")
    assert restore(backup, data, "--yes") == 0
    assert said(data) == list(SAID)
    (before,) = (data / pending_restore.BEFORE).iterdir()
    assert said(before, "Luna") == list(SAID)
    assert (data / "agent" / "browser" / "profile.json").exists()
    assert (data / "models" / "hearing" / "large.json").exists()
    assert not list((data / "memory").glob("*Luna*"))


def test_links_to_elsewhere_and_what_is_none_of_nekos_are_left_out_and_named(
    filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, outside = tmp_path / "linked", tmp_path / "outside"
    shutil.copytree(filled, data)
    (outside / "folder").mkdir(parents=True)
    for name in ("private.json", "folder/far.json"):
        (outside / name).write_text("of another", encoding="utf-8")
    (data / "live2d/mao/far.json").symlink_to(outside / "private.json")
    (data / "config/agent.json").symlink_to(outside / "private.json")
    (data / "live2d/far").symlink_to(outside / "folder")
    (data / "live2d/mao/itself").symlink_to(data / "live2d/mao/itself")
    (data / "live2d/mao/near.json").symlink_to("parameters.json")
    (data / "diary.txt").write_text("mine", encoding="utf-8")
    log = data / "memory" / "time_indexed_Mio"
    log.rename(outside / log.name)
    log.symlink_to(outside / log.name)
    assert main(["backup", str(tmp_path / "b.zip"), "--data-dir", str(data)]) == 0
    told = capsys.readouterr().out
    links = "config/agent.json, live2d/far, live2d/mao/far.json, live2d/mao/itself"
    assert f"without links to elsewhere: {links}\n" in told
    assert "without what is no part of Neko's data: diary.txt\n" in told
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert all(b"of another" not in archive.read(name) for name in archive.namelist())
        assert archive.read("data/live2d/mao/near.json") == archive.read("data/live2d/mao/parameters.json")
    assert restore(tmp_path / "b.zip", data, "--yes") == 0
    assert "live2d: 2 as they are, 3 gone" in capsys.readouterr().out
    assert said(data) == list(SAID)
    assert (outside / "private.json").read_text(encoding="utf-8") == "of another"
    assert (outside / log.name).is_file()
    (before,) = (data / pending_restore.BEFORE).iterdir()
    assert (before / "live2d/mao/far.json").is_symlink()
    assert (data / "diary.txt").is_file()


def test_while_neko_runs_it_is_not_restored(backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = DataFolder.open(tmp_path / "data")
    try:
        assert restore(backup, folder.path, "--yes") == 1
    finally:
        folder.close()
    assert capsys.readouterr().err


def test_nothing_is_overwritten_by_a_backup(filled: Path, backup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = backup.read_bytes()
    assert main(["backup", str(backup), "--data-dir", str(filled)]) == 1
    assert "overwrite nothing" in capsys.readouterr().err
    assert backup.read_bytes() == content


# ── cut off anywhere ─────────────────────────────────────────────────────────────────────


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("step", range(0, 27, 3))
def test_cut_off_at_any_step_one_folder_or_the_other_is_there(
    step: int, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    for part in pending_restore.PARTS:
        (data / part).mkdir(parents=True)
        (data / part / "old").touch()
    new = pending_restore.new_folder(data)
    for part in pending_restore.PARTS:
        (new / part).mkdir()
        (new / part / "new").touch()
    pending_restore.ready(data)
    left, rename, unlink = [step], Path.rename, Path.unlink

    def counted(act: Callable[..., object]) -> Callable[..., object]:
        def acting(*arguments: object, **options: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise _Killed
            return act(*arguments, **options)

        return acting

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", counted(rename))
        patched.setattr(Path, "unlink", counted(unlink))
        with suppress(_Killed):
            pending_restore.finish(data)
    pending_restore.finish(data)
    assert all((data / part / "new").exists() for part in pending_restore.PARTS)
    (before,) = (data / pending_restore.BEFORE).iterdir()
    assert all((before / part / "old").exists() for part in pending_restore.PARTS)
    assert not (data / "restore").exists()


def test_what_was_not_made_ready_leaves_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data)
    (pending_restore.new_folder(data) / "memory").mkdir()
    DataFolder.open(data).close()
    assert said(data) == list(SAID)
    assert not (data / "restore").exists()


# ── what is no good ─────────────────────────────────────────────────────────────────────


def _changed(backup: Path, target: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    with zipfile.ZipFile(backup) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target


def _manifest(**changes: object) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members[MANIFEST] = json.dumps({**json.loads(members[MANIFEST]), **changes}).encode()

    return change


def _leading_to(path: str) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        manifest = json.loads(members[MANIFEST])
        manifest["files"][0]["path"], old = path, manifest["files"][0]["path"]
        members[DATA + path] = members.pop(DATA + old)
        members[MANIFEST] = json.dumps(manifest).encode()

    return change


def _bomb(members: dict[str, bytes]) -> None:
    manifest = json.loads(members[MANIFEST])
    for file in manifest["files"]:
        file["size"] = 1 << 40
    members[MANIFEST] = json.dumps(manifest).encode()


def _other_content(members: dict[str, bytes]) -> None:
    name = f"{DATA}config/characters.json"
    members[name] = bytes(len(members[name]))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_manifest(version=2), "backup_too_new"),
        (_manifest(log_version=10_000), "backup_too_new"),
        (_manifest(format="other"), "no_backup"),
        (_manifest(files="x"), "backup_damaged"),
        (lambda members: members.pop(MANIFEST), "no_backup"),
        (lambda members: members.pop(f"{DATA}config/characters.json"), "backup_damaged"),
        (_other_content, "backup_damaged"),
        (_bomb, "backup_damaged"),
        *[
            (_leading_to(path), "backup_outside")
            for path in (
                "../evil",
                "config/../../evil",
                "/etc/evil",
                "config/./x",
                "config\\..\\..\\evil",
                "C:/evil",
                "config/a\x00b",
                "restore/ready.json",
                ".neko.lock",
                "config",
                "memory//x",
            )
        ],
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence_and_changes_nothing(
    change: Callable[[dict[str, bytes]], object],
    code: str,
    backup: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = _changed(backup, tmp_path / "bad.zip", change)
    assert restore(file, tmp_path / "new", "--yes") == 1
    sentence = capsys.readouterr().err
    assert "Traceback" not in sentence
    expected = json.loads((Path("assets/locales/en.json")).read_text(encoding="utf-8"))["errors"][code]["message"]
    assert expected.rpartition("}")[2] in sentence
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 but no more", b'{"format": "neko-backup"}'])
def test_what_is_no_archive_is_no_backup(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    assert restore(tmp_path / "x.zip", tmp_path / "new", "--yes") == 1
    assert "x.zip is no backup of mine." in capsys.readouterr().err


def test_a_cut_off_archive_is_refused_wherever_it_was_cut(backup: Path, tmp_path: Path) -> None:
    content = backup.read_bytes()
    for part in range(1, 20):
        (tmp_path / "cut.zip").write_bytes(content[: len(content) * part // 20])
        assert restore(tmp_path / "cut.zip", tmp_path / "new", "--yes") == 1
    assert not (tmp_path / "new").exists()


def test_an_archive_with_other_content_is_refused_before_anything_is_asked(
    backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _changed(backup, tmp_path / "bad.zip", _other_content)
    assert restore(file, tmp_path / "new", "--dry-run") == 1
    assert "damaged" in capsys.readouterr().err


def test_secrets_that_were_not_listed_do_not_come(sealed: Path, tmp_path: Path) -> None:
    file = _changed(sealed, tmp_path / "x.zip", _manifest(secrets=["config/core_config.json"]))
    assert SEALED in zipfile.ZipFile(file).namelist()
    DataFolder.open(tmp_path / "new").close()
    backup = Backup(file)
    try:
        with pytest.raises(Exception, match=r"secrets\.sealed"):
            backup.stage(tmp_path / "new", PASSPHRASE)
    finally:
        backup.close()


# ── while others write ──────────────────────────────────────────────────────────────────


async def test_a_log_is_copied_whole_while_lines_are_stored(tmp_path: Path) -> None:
    data = tmp_path / "data"
    DataFolder.open(data).close()
    async with TaskOwner("test") as owner:
        memory = MemoryService(data / "memory", owner)
        await memory.start()
        await memory.store("Mio", NewLine("s", "t", "user", "line 0", START))
        stored = 1
        for number in range(3):
            copying = asyncio.ensure_future(in_thread(write, data, tmp_path / f"{number}.zip"))
            before = stored
            while not copying.done() or stored == before:
                await memory.store("Mio", NewLine("s", f"t{stored}", "user", f"line {stored}", START))
                stored += 1
            made = await copying
            assert made.unread == []
            with zipfile.ZipFile(made.path) as archive, closing(sqlite3.connect(tmp_path / "log")) as connection:
                connection.deserialize(_without_wal(archive.read(f"{DATA}memory/time_indexed_Mio")))
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                lines = connection.execute("SELECT count(*) FROM time_indexed_original").fetchone()[0]
                assert before <= lines <= stored
        await memory.aclose()


def _without_wal(content: bytes) -> bytes:
    """A database in memory has no WAL: bytes 18 and 19 say that it wants one (https://www.sqlite.org/fileformat.html)."""
    return content[:18] + b"\x01\x01" + content[20:]
