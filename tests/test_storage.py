import errno
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from neko.errors import ConfigError, DamagedFileError, DataFolderError, DataFolderInUseError, DiskFullError
from neko.storage import DataFolder, read_json, write_json


def test_a_missing_file_reads_as_the_default(tmp_path: Path) -> None:
    assert read_json(tmp_path / "none.json", {"a": 1}) == {"a": 1}


def test_what_is_written_is_read_back_and_stays_readable_by_people(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.json"
    write_json(path, {"猫娘": ["小澪", 1.5, None]})
    assert read_json(path, None) == {"猫娘": ["小澪", 1.5, None]}
    assert "小澪" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"a": 1', b"\xff\xfe\x00", b"[" * 100_000, b"[" * 600 + b"]" * 600, b"{} {}"]
)
def test_a_damaged_file_is_set_aside_whole_and_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "core_config.json"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError) as caught:
        read_json(path, {})
    kept = Path(str(caught.value.params["kept"]))
    assert caught.value.params["file"] == str(path)
    assert kept.name.startswith("core_config.json.damaged-")
    assert kept.read_bytes() == content
    assert not path.exists()


def test_two_damaged_files_in_one_second_are_both_kept(tmp_path: Path) -> None:
    kept = []
    for content in ("{1", "{2"):
        (tmp_path / "a.json").write_text(content, encoding="utf-8")
        with pytest.raises(DamagedFileError) as caught:
            read_json(tmp_path / "a.json", {})
        kept.append(Path(str(caught.value.params["kept"])).read_text(encoding="utf-8"))
    assert kept == ["{1", "{2"]


def test_a_file_of_the_wrong_shape_counts_as_damaged(tmp_path: Path) -> None:
    path = tmp_path / "core_config.json"
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(DamagedFileError):
        read_json(path, {}, expect=dict)
    assert not path.exists()


def test_a_file_saved_by_a_windows_editor_is_not_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": "\xe5\xa5\xbd"}')
    assert read_json(path, {}) == {"a": "好"}


@pytest.mark.parametrize(
    ("encoding", "document"),
    [
        ("gbk", {"主人": {"档案名": "哥哥"}, "猫娘": {"小天": {"性格": "安静，喜欢星星", "年龄": 15}}}),
        ("gb2312", {"coreApi": "qwen", "备注": "中文"}),
        ("gbk", [{"type": "human", "data": {"content": "你好，小夜"}}]),
        ("gb18030", {"昵称": "小天🐈", "歌": "龍珠 — 繁體", "标签": ["猫", "娘"]}),
    ],
)
def test_a_file_in_the_encoding_of_chinese_windows_is_not_damaged(
    tmp_path: Path, encoding: str, document: object
) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(json.dumps(document, ensure_ascii=False).encode(encoding))
    assert read_json(path, {}) == document
    write_json(path, document)
    assert json.loads(path.read_text(encoding="utf-8")) == document


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"主人": {"档案名": "哥哥"}}, ensure_ascii=False).encode()[:-6] + b'\xa8"}}',
        json.dumps({"猫娘": {"小天": {"性格": "安静"}}}, ensure_ascii=False).encode().replace(b"\xe5", b"\xff"),
        json.dumps({"a": "安静安静", "b": "x"}, ensure_ascii=False).encode().replace(b'"x"', b'"\xc4\xe3"'),
        '{"name": "Andrés", "city": "Málaga"}'.encode("latin-1"),
        '{"name": "Ärger", "what": "Ölförderung, größer"}'.encode("latin-1"),
        '{"名": "ミオ、猫の子"}'.encode("shift_jis"),
        json.dumps({"性格": "安静"}, ensure_ascii=False).encode("gbk")[:-2],
    ],
)
def test_a_damaged_text_is_not_taken_for_one_in_that_encoding(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError):
        read_json(path, {})


def test_something_unreadable_is_reported_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(ConfigError) as caught:
        read_json(tmp_path / "a.json", {})
    assert not isinstance(caught.value, DamagedFileError)
    assert (tmp_path / "a.json").is_dir()


def test_one_backup_holds_the_previous_content(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for number in range(3):
        write_json(path, {"number": number})
    assert read_json(path, None) == {"number": 2}
    assert json.loads((tmp_path / "a.json.bak").read_text(encoding="utf-8")) == {"number": 1}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.json", "a.json.bak"]


def test_saving_the_same_again_keeps_the_older_backup(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for number in (1, 2, 2):
        write_json(path, {"number": number})
    assert read_json(tmp_path / "a.json.bak", None) == {"number": 1}


def test_a_damaged_file_is_never_overwritten_by_a_save(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"good": 1})
    write_json(path, {"good": 2})
    path.write_text("half an ed", encoding="utf-8")
    write_json(path, {"good": 3})
    assert [file.read_text(encoding="utf-8") for file in tmp_path.glob("a.json.damaged-*")] == ["half an ed"]
    assert read_json(path, None) == {"good": 3}
    assert read_json(tmp_path / "a.json.bak", None) == {"good": 1}


def test_what_is_not_json_changes_nothing_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert read_json(path, None) == {"a": 1}
    assert len(list(tmp_path.iterdir())) == 1


def test_text_that_has_no_utf8_form_is_written_and_read_as_a_mark(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": "\ud83d 猫"})
    assert read_json(tmp_path / "a.json", None) == {"a": "\ufffd 猫"}


def test_a_save_is_for_its_owner_only_and_follows_links(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    write_json(real, {"a": 1})
    assert real.stat().st_mode & 0o077 == 0
    real.chmod(0o640)
    link = tmp_path / "a.json"
    link.symlink_to(real)
    write_json(link, {"a": 2})
    assert link.is_symlink()
    assert read_json(real, None) == {"a": 2}
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_full_or_refusing_disk_is_a_config_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        write_json(tmp_path / "file" / "a.json", {})
    assert caught.value.params["file"] == str(tmp_path / "file" / "a.json")


_WRITE_FOR_EVER = """
import sys
from pathlib import Path
from neko.storage import write_json
path = Path(sys.argv[1])
for number in range(10**9):
    write_json(path, {"number": number, "filler": "x" * 20_000})
    if number == 3:
        print("ready", flush=True)
"""


def test_a_kill_in_the_middle_of_writing_leaves_a_whole_file_and_a_whole_backup(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path / "data")
    folder.close()
    path = folder.config("core_config.json")
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITE_FOR_EVER, str(path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        assert writer.stdout is not None
        assert writer.stdout.readline().strip() == b"ready"
        writer.kill()
        writer.wait(timeout=10)
        writer.stdout.close()
        now, before = read_json(path, None), read_json(path.with_name(path.name + ".bak"), None)
        assert now["filler"] == before["filler"] == "x" * 20_000
        assert now["number"] - before["number"] in (0, 1)


def test_a_leftover_of_an_interrupted_write_is_harmless_and_swept_at_the_next_start(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path / "data")
    folder.close()
    leftover = folder.path / "config" / ".core_config.json.abc123.tmp"
    mine = folder.path / "config" / "notes.tmp"
    for file in (leftover, mine):
        file.write_text('{"half', encoding="utf-8")
    write_json(folder.config("core_config.json"), {"a": 1})
    assert read_json(folder.config("core_config.json"), None) == {"a": 1}
    DataFolder.open(folder.path).close()
    assert not leftover.exists()
    assert mine.exists()


def test_a_data_folder_has_all_its_parts(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path / "some" / "data")
    folder.close()
    parts = ("config", "memory", "live2d", "vrm/animation", "character_cards", "workshop")
    assert all((folder.path / part).is_dir() for part in parts)
    assert folder.memory == folder.path / "memory"
    assert folder.config("characters.json") == folder.path / "config" / "characters.json"
    assert not list(folder.path.rglob(".test_neko_write"))


def test_the_same_folder_cannot_be_opened_twice_until_it_is_closed(tmp_path: Path) -> None:
    first = DataFolder.open(tmp_path)
    with pytest.raises(DataFolderInUseError):
        DataFolder.open(tmp_path)
    first.close()
    first.close()
    DataFolder.open(tmp_path).close()


def _try_to_open(path: Path, answer: "multiprocessing.Queue[object]") -> None:
    try:
        DataFolder.open(path).close()
        answer.put("opened")
    except DataFolderError as error:
        answer.put((error.params["file"], error.code))


def test_a_second_process_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path)
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=_try_to_open, args=(tmp_path, answer))
    process.start()
    refused = answer.get(timeout=20)
    process.join(timeout=10)
    folder.close()
    answer.close()
    answer.join_thread()
    assert refused == (str(tmp_path), "data_folder_in_use")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(DataFolderError) as caught:
        DataFolder.open(tmp_path / "file" / "N.E.K.O")
    assert caught.value.code == "data_folder"
    assert caught.value.params["why"]
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


# ── a folder that is moved or deleted while it is held ───────────────────────


def test_a_folder_that_was_deleted_is_held_anew_unless_somebody_else_has_it(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path / "data")
    folder.claim()
    shutil.rmtree(tmp_path / "data")
    folder.claim()
    with pytest.raises(DataFolderInUseError):
        DataFolder.open(tmp_path / "data")
    (tmp_path / "data").rename(tmp_path / "moved")
    other = DataFolder.open(tmp_path / "data")
    with pytest.raises(DataFolderInUseError):
        folder.claim()
    other.close()
    folder.claim()
    folder.close()
    DataFolder.open(tmp_path / "data").close()


def test_a_disk_that_takes_no_more_is_told_as_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_json(tmp_path / "a.json", {"a": 1})

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DiskFullError):
            write_json(tmp_path / "a.json", {"a": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert read_json(tmp_path / "a.json", None) == {"a": 1}


def test_copies_that_a_crash_left_behind_are_removed(tmp_path: Path) -> None:
    left = tmp_path / "data" / "memory" / ".work-1"
    left.mkdir(parents=True)
    (left / "log").write_text("words", encoding="utf-8")
    DataFolder.open(tmp_path / "data").close()
    assert not left.exists()
