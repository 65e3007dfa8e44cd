"""Starting: what cannot work is told in one sentence, and nothing is harmed."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.request
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from neko.i18n import describe
from tests.avatar_files import live2d, vrm, vrma
from tests.elsewhere.neko_layouts import per_character
from tests.serve.process import Outcome, run_to_end, running
from tests.web.running_app import started


def _is_one_sentence(outcome: Outcome) -> bool:
    return outcome.code == 1 and outcome.err.count("\n") == 1 and "Traceback" not in outcome.err


async def _get(url: str) -> tuple[int, str, bytes]:
    def get() -> tuple[int, str, bytes]:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.headers.get("server", ""), answer.read()

    return await asyncio.to_thread(get)


async def test_it_says_where_it_is_and_serves_the_page_there(data_dir: Path) -> None:
    async with running(data_dir) as neko:
        status, server, page = await _get(neko.url + "/")
        outcome = await neko.stop()
    assert status == 200
    assert b"<html" in page
    assert server == ""
    assert neko.url in neko.printed
    assert outcome.code == 0
    assert outcome.out.count("\n") == 1


async def test_a_taken_port_is_named_with_a_remedy_before_the_data_folder_is_touched(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        outcome = await run_to_end("--port", str(port), "--data-dir", str(data_dir))
    assert _is_one_sentence(outcome)
    assert str(port) in outcome.err
    assert "--port" in outcome.err
    assert not data_dir.exists()


async def test_an_address_of_another_computer_is_refused_with_a_remedy(data_dir: Path) -> None:
    outcome = await run_to_end(
        "--host", "192.0.2.1", "--port", "0", "--data-dir", str(data_dir), NEKO_TOKEN="a secret of some length"
    )
    assert _is_one_sentence(outcome)
    assert "192.0.2.1" in outcome.err
    assert "--host" in outcome.err
    assert not data_dir.exists()


async def test_a_folder_that_cannot_be_written_is_named_with_a_remedy(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    outcome = await run_to_end("--port", "0", "--data-dir", str(file / "data"))
    assert _is_one_sentence(outcome)
    assert str(file / "data") in outcome.err
    assert "--data-dir" in outcome.err
    assert file.read_text() == "mine"


async def test_a_second_copy_on_the_same_folder_is_refused_and_the_first_goes_on(data_dir: Path) -> None:
    async with running(data_dir) as neko:
        outcome = await run_to_end("--port", "0", "--data-dir", str(data_dir))
        status, _, _ = await _get(neko.url + "/health")
        await neko.stop()
    assert _is_one_sentence(outcome)
    assert str(data_dir) in outcome.err
    assert status == 200


async def test_a_damaged_file_is_told_at_every_start_until_it_is_dealt_with(data_dir: Path) -> None:
    file = data_dir / "config" / "characters.json"
    file.parent.mkdir(parents=True)
    file.write_text('{\n  "broken": ,\n}')
    kept: list[Path] = []
    for _ in range(2):
        async with running(data_dir) as neko:
            outcome = await neko.stop()
        kept = list(file.parent.glob("characters.json.damaged-*"))
        assert outcome.code == 0
        assert len(kept) == 1
        assert kept[0].read_text() == '{\n  "broken": ,\n}'
        assert f"{kept[0]}" in outcome.err
        assert "line 2, column 13" in outcome.err
    kept[0].unlink()
    async with running(data_dir) as neko:
        outcome = await neko.stop()
    assert "damaged" not in outcome.err


async def test_wrong_usage_is_one_sentence_and_exit_code_2() -> None:
    outcome = await run_to_end("--port", "many")
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert "many" in outcome.err


async def test_the_sentence_is_in_the_language_of_the_reader(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    outcome = await run_to_end("--port", "0", "--data-dir", str(file / "data"), LANG="ja_JP.UTF-8", PYTHONUTF8="1")
    assert _is_one_sentence(outcome)
    assert any("\u3041" <= letter <= "\u30ff" for letter in outcome.err)


async def test_the_doctor_finds_a_fresh_installation_well(data_dir: Path, free_port: int) -> None:
    outcome = await run_to_end("doctor", "--data-dir", str(data_dir), "--port", str(free_port))
    lines = outcome.out.splitlines()
    assert outcome.code == 0, outcome.out + outcome.err
    assert all(line.startswith(("ok ", "note ")) for line in lines)
    assert [line.split()[1].rstrip(":") for line in lines] == [
        "Python", "page", "environment", "data", "files", "avatars", "Workshop", "site", "given", "memory", "backup",
        "meaning", "port", "proxy", "voice", "natural", "hearing", "model", "settings", "browser", "computer", "her",
    ]  # fmt: skip


@pytest.mark.parametrize("files", [["main_server.py", "static/app.js"], ["memory/store/recent_Mio.json"]])
async def test_the_folder_of_the_original_s_program_is_told_at_the_start_and_by_the_doctor(
    data_dir: Path, free_port: int, files: list[str]
) -> None:
    for name in files:
        (data_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (data_dir / name).write_text("[]")
    outcome = await run_to_end("doctor", "--data-dir", str(data_dir), "--port", str(free_port))
    (line,) = (line for line in outcome.out.splitlines() if "data folder:" in line)
    assert line.startswith("note")
    assert "neko import" in line
    async with started(data_dir) as neko:
        (fault,) = neko.faults.all()
        assert fault.error.code == "program_folder"
        assert "neko import" in describe(fault.error, "en").remedy


async def test_memories_in_folders_of_their_own_are_told_by_the_doctor_until_they_have_come(
    data_dir: Path, free_port: int
) -> None:
    per_character(data_dir / "memory", "Mio", "Ann")
    doctor = ("doctor", "--data-dir", str(data_dir), "--port", str(free_port))
    (line,) = (line for line in (await run_to_end(*doctor)).out.splitlines() if "data folder:" in line)
    assert line.startswith("note")
    assert "Mio lie in folders of their own; those of her characters come when she is started" in line
    async with running(data_dir) as neko:
        told = await neko.logged("I have read what you and I talked about in N.E.K.O.: 4 lines, 5 facts.")
        outcome = await neko.stop()
    assert "ERROR" not in told + outcome.err
    assert any(
        "data folder:" in line and line.startswith("ok") for line in (await run_to_end(*doctor)).out.splitlines()
    )


async def test_what_was_imported_by_hand_is_not_taken_over(data_dir: Path) -> None:
    folder = data_dir / "memory" / "Mio"
    per_character(data_dir / "memory", "Mio", "Ann")
    outcome = await run_to_end("memory", "import", str(folder), "--data-dir", str(data_dir))
    assert outcome.out.startswith("Mio: 4 new lines"), outcome.out + outcome.err
    async with started(data_dir) as neko:
        assert not neko.faults.all()
        assert len(await neko.memory.lines("Mio")) == 4
        assert not (data_dir / "memory" / "taken_over.json").exists()


async def test_the_doctor_finds_models_items_logins_and_pages_that_are_not_as_they_should(
    data_dir: Path, tmp_path: Path, free_port: int
) -> None:
    """[rest 4, rest 5, rest 8, rest 10, config 9]"""
    cards = {
        "Mio": {"model_type": "vrm", "vrm": "/user_vrm/gone.vrm"},
        "Rin": {"live2d": "Rin"},
        "Luna": {"live2d": "Whole"},
    }
    key = Fernet.generate_key()
    vrms = {"vrm/sister.vrm": b"", "vrm/good.vrm": vrm(), "vrm/animation/wave.vrma": vrma()[:40]}
    for path, content in {
        "config/characters.json": json.dumps({"主人": {}, "猫娘": cards, "当前猫娘": "Mio"}).encode(),
        "config/workshop_config.json": json.dumps({"user_mod_folder": str(tmp_path / "drive")}).encode(),
        "config/bilibili_cookies.json": b"gAAAAABl",
        "config/weibo_cookies.json": b'{"SUB": "the login itself"}',
        "config/reddit_cookies.json": Fernet(key).encrypt(b'{"reddit_session": "the login itself"}'),
        "config/reddit_key.key": key,
        "live2d/Rin/rin.model3.json": b"{",
        **vrms,
        **{f"live2d/Whole/{path}": content for path, content in live2d().items()},
        **{f"live2d/Cut/{path}": content for path, content in live2d("cut").items() if path != "cut.moc3"},
    }.items():
        (data_dir / path).parent.mkdir(parents=True, exist_ok=True)
        (data_dir / path).write_bytes(content)
    (tmp_path / "pages" / "templates").mkdir(parents=True)
    before = {path: path.read_bytes() for path in data_dir.rglob("*") if path.is_file()}
    at = ("--data-dir", str(data_dir), "--port", str(free_port), "--pages", str(tmp_path / "pages"))
    outcome = await run_to_end("doctor", *at)
    assert outcome.code == 0, outcome.out + outcome.err
    told = {line[6:].partition(":")[0]: line for line in outcome.out.splitlines()}
    for named in ("sister.vrm", "wave.vrma", "rin.model3.json", "cut.moc3", "Mio has", "3 Live2D, 2 VRM, 1 animations"):
        assert named in told["avatars"]
    for whole in ("good.vrm", "Whole", "Rin has", "Luna has"):
        assert whole not in told["avatars"]
    assert str(tmp_path / "drive") in told["Workshop"]
    assert "reddit, weibo; bilibili: damaged, or encrypted" in told["site logins"]
    assert "no templates" in told["given pages"]
    assert [told[name][:4] for name in ("avatars", "Workshop", "site logins", "given pages")] == ["note"] * 4
    assert "none is damaged" in told["files"]
    assert "the login itself" not in outcome.out
    assert {path: path.read_bytes() for path in before} == before


async def test_the_doctor_names_what_keeps_neko_from_starting(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        outcome = await run_to_end("doctor", "--data-dir", str(file / "data"), "--port", port)
    bad = [line for line in outcome.out.splitlines() if line.startswith("bad ")]
    assert outcome.code == 1
    assert [line.split()[1] for line in bad] == ["data", "port:"]
    assert "--data-dir" in bad[0]
    assert "--port" in bad[1]


async def test_the_doctor_recognises_a_neko_that_is_running_and_leaves_its_files_alone(data_dir: Path) -> None:
    async with running(data_dir) as neko:
        config = data_dir / "config" / "core_config.json"
        config.write_text(json.dumps({"enableCustomApi": "?"})[:-1])
        outcome = await run_to_end("doctor", "--data-dir", str(data_dir), "--port", str(neko.port))
        assert outcome.code == 0, outcome.out + outcome.err
        assert outcome.out.count("is running") == 2
        assert "damaged" in outcome.out
        assert [path.name for path in config.parent.glob("core_config*")] == ["core_config.json"]
        await neko.stop()
