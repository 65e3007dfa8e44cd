"""``python -m neko import DIR`` over folders as other programs leave them."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from neko.__main__ import main
from neko.characters import CharacterCards
from neko.storage import DataFolder, log_fault
from neko.workshop.folder import WorkshopFolder
from tests.avatar_files import live2d, vrm, vrma
from tests.backups.kept_folder import KEY, SAID, fill
from tests.elsewhere.programs import CARD, airi, open_llm_vtuber, picture, silly_tavern, write


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "en_US.UTF-8")


def bring(folder: Path, data: Path, *options: str) -> int:
    return main(["import", str(folder), "--data-dir", str(data), *options])


def cards(data: Path) -> CharacterCards:
    return CharacterCards.load(data / "config" / "characters.json", "en")


def said(data: Path, name: str) -> list[str]:
    with closing(sqlite3.connect(data / "memory" / f"time_indexed_{name}")) as connection:
        rows = connection.execute("SELECT message FROM time_indexed_original ORDER BY id").fetchall()
    texts = [part["text"] for row in rows for part in json.loads(row[0])["data"]["content"]]
    return [re.sub(r"^\[[^]]*\] ", "", text) for text in texts]  # the moment of a reply stands in it


def everything_in(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder with its size and when it was changed."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
    }


def state_of(folder: Path) -> dict[str, str]:
    """All files by the sums of their content, but for the lock and what SQLite keeps beside a log."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith(("-wal", "-shm"))
    }


def test_first_it_is_only_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    silly_tavern(tmp_path / "st")
    fill(tmp_path / "data")
    before = everything_in(tmp_path)
    assert bring(tmp_path / "st", tmp_path / "data") == 0
    told = capsys.readouterr().out
    assert "Would come:" in told
    assert "Seraphina (SillyTavern): Description, Personality, How she talks, World" in told
    assert "Seraphina: 2 new lines, 0 known ones" in told
    assert "Nothing was changed." in told
    assert everything_in(tmp_path) == before, "no lock, no reserve, nothing"
    assert bring(tmp_path / "st", tmp_path / "new") == 0
    assert capsys.readouterr().out.startswith("Would come:")
    assert not (tmp_path / "new").exists()


def test_a_folder_of_sillytavern_brings_cards_worlds_and_chats(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silly_tavern(tmp_path / "st")
    assert bring(tmp_path / "st", tmp_path / "data", "--yes") == 0
    there = cards(tmp_path / "data")
    card = there.card("Seraphina")
    assert card["Description"] == "Seraphina guards the forest and has saved Ann."
    assert card["World"] == "Eldoria is a forest."
    assert card["system_prompt"] == "Never break {LANLAN_NAME}'s character."
    assert there.own("Seraphina")["greeting"] == "You are awake, Ann!"
    assert (tmp_path / "data" / "pictures" / there.own("Seraphina")["picture"]).is_file()
    assert said(tmp_path / "data", "Seraphina") == ["where am I?", "in my glade"]
    told = capsys.readouterr().out
    book = there.own("Seraphina")["lorebook"]
    assert {entry["content"]: (entry["keys"], entry["enabled"]) for entry in book} == {
        "A safe place.": (["glade"], True),
        "Beasts roam.": (["beast"], True),
        "Never.": (["x"], False),
    }
    assert "a lorebook of 3 entries" in told
    assert "Alone.json: a world that no character here is linked with" in told
    assert "group chats/7.jsonl: a talk of several characters" in told
    assert "backups/: copies of talks" in told


def test_a_dry_run_writes_nothing_into_folders_of_neko_either_with_what_is_damaged_in_them(tmp_path: Path) -> None:
    fill(tmp_path / "theirs")
    fill(tmp_path / "data")
    (tmp_path / "data" / "config" / "characters.json").write_bytes(b'{"\xe4\xb8\xbb\xe4\xba\xba": {')
    before = everything_in(tmp_path)
    assert bring(tmp_path / "theirs", tmp_path / "data", "--dry-run") == 0
    memory = str(tmp_path / "theirs" / "memory")
    assert main(["memory", "import", memory, "--dry-run", "--data-dir", str(tmp_path / "data")]) == 0
    assert everything_in(tmp_path) == before


def test_a_dry_run_tells_also_while_neko_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    silly_tavern(tmp_path / "st")
    with closing(DataFolder.open(tmp_path / "data")):
        assert bring(tmp_path / "st", tmp_path / "data") == 0
    assert "Seraphina: 2 new lines" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "master"),
    [
        (
            {
                "username": "Bob",
                "user_avatar": "b.png",
                "power_user": {
                    "personas": {"b.png": "Bob", "c.png": "Cat"},
                    "persona_descriptions": {"b.png": {"description": "{{user}} is a baker."}, "c.png": {}},
                },
            },
            {"档案名": "Bob", "About": "Bob is a baker."},
        ),
        (
            {"username": "Bob", "power_user": {"persona_description": "A baker."}},
            {"档案名": "Bob", "About": "A baker."},
        ),
        ({"user_avatar": "c.png", "power_user": {"personas": {"c.png": "Cat"}}}, {"档案名": "Cat"}),
        ({"username": "User", "power_user": {"personas": []}}, None),
        (
            {
                "username": "Bob",
                "power_user": {
                    "personas": {"c.png": "Cat", "b.png": "Bob"},
                    "persona_descriptions": {"c.png": {"description": "A cat."}, "b.png": {"description": "A baker."}},
                },
            },
            {"档案名": "Bob", "About": "A baker."},
        ),
        (
            {"username": "User", "user_avatar": "b.png", "power_user": {"personas": {"b.png": "Bob"}}},
            {"档案名": "Bob"},
        ),
        ({"username": 5, "user_avatar": [], "power_user": {"persona_descriptions": 3}}, None),
    ],
)
def test_who_the_user_is_comes_and_stands_in_the_cards(
    settings: dict[str, object], master: dict[str, str] | None, tmp_path: Path
) -> None:
    silly_tavern(tmp_path / "st")
    write(tmp_path / "st" / "data" / "default-user" / "settings.json", settings)
    assert bring(tmp_path / "st", tmp_path / "data", "--yes") == 0
    there = cards(tmp_path / "data")
    assert there.is_master_named == (master is not None)
    if master is not None:
        assert dict(there.master()) == master
        assert there.card("Seraphina")["Description"].endswith(f"has saved {master['档案名']}.")
    assert said(tmp_path / "data", "Seraphina") == ["where am I?", "in my glade"]


def test_an_odd_entry_of_a_world_is_named_and_hides_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silly_tavern(tmp_path / "st")
    world = tmp_path / "st" / "data" / "default-user" / "worlds" / "Eldoria.json"
    entries = {"0": {"key": ["sea"], "content": "Salt."}, "6": None, "7": "x"}
    world.write_text(json.dumps({"entries": entries}), encoding="utf-8")
    assert bring(tmp_path / "st", tmp_path / "data", "--yes") == 0
    assert "Eldoria.json: what is no entry in its world: 6, 7" in capsys.readouterr().out
    assert "Salt." in [entry["content"] for entry in cards(tmp_path / "data").own("Seraphina")["lorebook"]]


def test_of_users_with_several_names_in_talks_none_stands_in_the_cards(tmp_path: Path) -> None:
    silly_tavern(tmp_path / "st")
    chats = tmp_path / "st" / "data" / "default-user" / "chats" / "Seraphina"
    (chats / "other.jsonl").write_text('{"user_name": "Bob", "character_name": "Seraphina"}\n', encoding="utf-8")
    assert bring(tmp_path / "st", tmp_path / "data", "--yes") == 0
    assert cards(tmp_path / "data").own("Seraphina")["greeting"] == "You are awake, you!"


def test_worlds_that_are_every_characters_come_with_each(tmp_path: Path) -> None:
    silly_tavern(tmp_path / "st")
    user = tmp_path / "st" / "data" / "default-user"
    write(user / "worlds" / "Alone.json", {"entries": {"0": {"key": ["sea"], "content": "Salt.", "order": 7}}})
    write(user / "settings.json", {"world_info_settings": {"world_info": {"globalSelect": ["Alone"]}}})
    assert bring(tmp_path / "st", tmp_path / "data", "--yes") == 0
    book = cards(tmp_path / "data").own("Seraphina")["lorebook"]
    assert [(one["keys"], one["insertion_order"]) for one in book if one["content"] == "Salt."] == [(["sea"], 7)]


def test_what_of_a_world_is_never_told_is_said_and_how_its_keys_are_searched_for_comes_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silly_tavern(tmp_path / "st")
    user = tmp_path / "st" / "data" / "default-user"
    how = {"selective": True, "caseSensitive": True, "matchWholeWords": False, "excludeRecursion": True}
    entries: dict[str, Any] = {str(n): {"key": [f"w{n}"], "content": f"entry {n}", "order": n} for n in range(5_007)}
    entries["5006"] |= how
    entries["5005"]["key"] = [f"key{number}" for number in range(103)]
    write(user / "worlds" / "Eldoria.json", {"entries": entries})
    assert bring(tmp_path / "st", tmp_path / "data", "--yes") == 0
    said_of_it = capsys.readouterr().out
    assert "9 entries of its world are too many: they are kept, and never told" in said_of_it
    assert "3 keys of its world are not searched for" in said_of_it
    book = cards(tmp_path / "data").own("Seraphina")["lorebook"]
    (first, last) = (next(one for one in book if one["content"] == f"entry {n}") for n in (0, 5006))
    assert (first["selective"], last["selective"]) == (False, True)
    assert (first["case_sensitive"], last["case_sensitive"]) == (False, True)
    assert first["extensions"]["match_whole_words"] is None
    assert last["extensions"]["match_whole_words"] is False
    assert last["extensions"]["exclude_recursion"] is True


def test_a_character_with_a_name_that_is_too_long_comes_under_a_shorter_one_with_her_talks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silly_tavern(tmp_path / "st")
    name, user = "Seraphina, Guardian of the Glade", tmp_path / "st" / "data" / "default-user"
    card = {**CARD, "data": {**CARD["data"], "name": name}}
    (user / "characters" / "Seraphina.png").write_bytes(picture(card))
    (user / "chats" / "Seraphina").rename(user / "chats" / name)
    dry, there = bring(tmp_path / "st", tmp_path / "data"), cards
    told = capsys.readouterr().out
    assert dry == 0
    for _ in range(2):
        assert bring(tmp_path / "st", tmp_path / "data", "--yes") == 0
    (short,) = [one for one in there(tmp_path / "data").names if one.startswith("Seraphina")]
    assert len(short) <= 20
    assert f"{short}: so {name} is called here" in told
    assert f"{short}: 2 new lines" in told
    assert said(tmp_path / "data", short) == ["where am I?", "in my glade"]


def test_a_second_time_nothing_comes_twice_and_nothing_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silly_tavern(tmp_path / "st")
    bring(tmp_path / "st", tmp_path / "data", "--yes")
    cards(tmp_path / "data").merge_card("Seraphina", {"Personality": "mine"})
    capsys.readouterr()
    assert bring(tmp_path / "st", tmp_path / "data", "--yes") == 0
    told = capsys.readouterr().out
    assert "Seraphina (SillyTavern): a character of this name is there" in told
    assert "Seraphina: 0 new lines, 2 known ones" in told
    assert cards(tmp_path / "data").card("Seraphina")["Personality"] == "mine"
    assert len(said(tmp_path / "data", "Seraphina")) == 2


def test_open_llm_vtuber_brings_its_character_and_her_talks(tmp_path: Path) -> None:
    open_llm_vtuber(tmp_path / "vtuber")
    assert bring(tmp_path / "vtuber", tmp_path / "data", "--yes") == 0
    assert cards(tmp_path / "data").card("Mili")["system_prompt"] == "You are Mili."
    assert said(tmp_path / "data", "Mili") == ["good morning", "morning!"]


def test_files_in_the_encoding_of_chinese_windows_are_read(tmp_path: Path) -> None:
    open_llm_vtuber(tmp_path / "vtuber")
    config = tmp_path / "vtuber" / "conf.yaml"
    text = config.read_text(encoding="utf-8").replace("character_name: Mili", "character_name: 国标")
    config.write_bytes(text.replace("You are Mili.", "你是国标，说话很温柔。").encode("gbk"))
    card = {"spec": "chara_card_v2", "spec_version": "2.0", "data": {"name": "小夜", "description": "毒舌但温柔"}}
    (tmp_path / "vtuber" / "card.json").write_bytes(json.dumps(card, ensure_ascii=False).encode("gbk"))
    assert bring(tmp_path / "vtuber", tmp_path / "data", "--yes") == 0
    there = cards(tmp_path / "data")
    assert there.card("国标")["system_prompt"] == "你是国标，说话很温柔。"
    assert "毒舌但温柔" in there.card("小夜").values()


def test_without_yaml_the_talks_come_and_it_is_told_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    open_llm_vtuber(tmp_path / "vtuber")
    assert bring(tmp_path / "vtuber", tmp_path / "data", "--yes") == 0
    assert "conf.yaml: to read all of it: pip install '.[yaml]'" in capsys.readouterr().out
    assert said(tmp_path / "data", "Mili") == ["good morning", "morning!"]
    assert "mili_01" not in cards(tmp_path / "data").names


def test_exports_of_airi_bring_characters_and_talks(tmp_path: Path) -> None:
    airi(tmp_path / "airi")
    assert bring(tmp_path / "airi", tmp_path / "data", "--yes") == 0
    assert cards(tmp_path / "data").card("ReLU")["Description"] == "a lively one"
    assert said(tmp_path / "data", "ReLU") == ["hello AIRI", "hi"]


@pytest.mark.parametrize("name", ["chats.json", "cards.json"])
def test_an_export_that_is_cut_off_is_named(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    airi(tmp_path / "airi")
    path = tmp_path / "airi" / name
    path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    (tmp_path / "airi" / "tsconfig.json").write_text("{ // with a comment\n}", encoding="utf-8")
    assert bring(tmp_path / "airi", tmp_path / "data", "--yes") == 0
    out = capsys.readouterr()
    assert f"{name}: it is cut off or damaged" in out.out
    assert "1 files that are nothing" in out.err


def test_talks_with_nobody_of_airi_are_with_the_character_of_that_name(tmp_path: Path) -> None:
    airi(tmp_path / "airi", name="Airi", character="default")
    assert bring(tmp_path / "airi", tmp_path / "data", "--yes") == 0
    assert said(tmp_path / "data", "Airi") == ["hello AIRI", "hi"]
    assert "AIRI" not in cards(tmp_path / "data").names


@pytest.mark.parametrize("layout", ["itself", "holder", "program"])
def test_a_folder_of_neko_in_any_layout(layout: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "theirs"
    root = source / "N.E.K.O" if layout == "holder" else source
    fill(root)
    emotions = {"happy": ["joy"]}
    write(root / ("static/" * (layout == "program") + "vrm/configs/sister_emotion.json"), emotions)
    if layout == "program":
        (root / "memory").rename(tmp_path / "store")
        (root / "memory").mkdir()
        (tmp_path / "store").rename(root / "memory" / "store")
    key, login = Fernet.generate_key(), {"SUB": "of the user"}
    (root / "config" / "weibo_key.key").write_bytes(key)
    (root / "config" / "reddit_cookies.json").write_bytes(Fernet(key).encrypt(b"{}"))
    (root / "config" / "weibo_cookies.json").write_bytes(Fernet(key).encrypt(json.dumps(login).encode()))
    before = state_of(source)
    assert bring(source, tmp_path / "data", "--yes") == 0
    data = tmp_path / "data"
    assert json.loads((data / "config" / "weibo_cookies.json").read_text(encoding="utf-8")) == login
    assert cards(data).card("Mio")["own"] == 7
    assert cards(data).master_name == "Ann"
    assert said(data, "Mio") == list(SAID)
    assert json.loads((data / "config" / "core_config.json").read_text(encoding="utf-8"))["coreApiKey"] == KEY
    assert (data / "live2d" / "mao" / "parameters.json").is_file()
    assert (data / "vrm" / "Ünïcode 猫.vrm").stat().st_size == 25_600
    assert json.loads((data / "vrm" / "configs" / "sister_emotion.json").read_text(encoding="utf-8")) == emotions
    out = capsys.readouterr()
    assert "reddit_cookies.json: a login that N.E.K.O. has encrypted" in out.out
    assert KEY not in out.out + out.err
    assert state_of(source) == before, "nothing is changed there"


def test_models_in_the_folder_of_the_program_come_and_the_cards_name_them_where_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs, data = tmp_path / "theirs", tmp_path / "data"
    models = {f"static/Mio/{path}": content for path, content in live2d().items()}
    deep = {f"static/models/Rin 2/{path}": content for path, content in live2d().items()}
    files = {**models, **deep, "static/vrm/a b.vrm": vrm(), "static/vrm/animation/wave.vrma": vrma()}
    own = {"static/app.js": b"1", "static/libs/live2d.min.js": b"2", "static/vrm/vrm.js": b"3", "main_server.py": b"4"}
    for path, content in (files | own).items():
        (theirs / path).parent.mkdir(parents=True, exist_ok=True)
        (theirs / path).write_bytes(content)
    config = next(path.rpartition("/")[2] for path in models if path.endswith(".model3.json"))
    cards_there = {
        "Mio": {"live2d": "Mio"},
        "Vi": {"model_type": "vrm", "vrm": "/static/vrm/a%20b.vrm", "vrm_animation": "/static/vrm/animation/wave.vrma"},
        "No": {"model_type": "vrm", "vrm": "/static/vrm/gone.vrm"},
    }
    write(theirs / "config" / "characters.json", {"主人": {"档案名": "Ann"}, "猫娘": cards_there, "当前猫娘": "Mio"})
    preferences = [{"model_path": f"/static/Mio/{config}"}, {"model_path": f"/static/models/Rin%202/{config}"}]
    write(theirs / "config" / "user_preferences.json", preferences)
    before = state_of(theirs)
    assert bring(theirs, data, "--yes") == 0
    for path in (*models, *deep):
        name = path.removeprefix("static/models/").removeprefix("static/")
        assert (data / "live2d" / name).read_bytes() == files[path]
    assert (data / "vrm" / "a b.vrm").is_file()
    assert (data / "vrm" / "animation" / "wave.vrma").is_file()
    assert not [path for path in data.rglob("*") if path.suffix in (".js", ".py")]
    there = cards(data)
    assert there.card("Vi")["vrm"] == "/user_vrm/a%20b.vrm"
    assert there.card("Vi")["vrm_animation"] == "/user_vrm/animation/wave.vrma"
    assert there.card("No")["vrm"] == "/static/vrm/gone.vrm"
    named = [one["model_path"] for one in json.loads((data / "config" / "user_preferences.json").read_text())]
    assert named == [f"/user_live2d/Mio/{config}", f"/user_live2d/Rin%202/{config}"]
    assert "4 files that are nothing" in capsys.readouterr().err
    assert state_of(theirs) == before


@pytest.mark.parametrize("yes", ["--yes", "--dry-run"])
def test_of_several_models_of_one_name_one_comes_and_the_others_are_named(
    yes: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs, data = tmp_path / "theirs", tmp_path / "data"
    for place in ("live2d/Rin", "static/Rin", "static/more/Rin", "static/Mio"):
        for path, content in live2d().items():
            (theirs / place / path).parent.mkdir(parents=True, exist_ok=True)
            (theirs / place / path).write_bytes(place.encode() if path.endswith(".png") else content)
    write(theirs / "config" / "characters.json", {"主人": {"档案名": "Ann"}, "猫娘": {"Mio": {}}, "当前猫娘": "Mio"})
    assert bring(theirs, data, yes) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in told if "live2d/" in line] == [
        "live2d/Rin",
        "live2d/Mio",
        f"{theirs}/static/Rin: another live2d/Rin comes",
        f"{theirs}/static/more/Rin: another live2d/Rin comes",
    ]
    if yes == "--yes":
        assert b"live2d/Rin" in {path.read_bytes() for path in (data / "live2d" / "Rin").rglob("*.png")}


@pytest.mark.parametrize(
    ("value", "its_folder"),
    [
        ("{theirs}/workshop", "workshop"),
        ("{theirs}/workshop/mods", "workshop/mods"),
        ("C:\\Users\\Ann\\Documents\\N.E.K.O\\workshop", "workshop"),
        ("{tmp}/drive", None),
    ],
)
def test_a_copy_has_a_workshop_of_its_own(value: str, its_folder: str | None, tmp_path: Path) -> None:
    theirs, data = tmp_path / "theirs", tmp_path / "data"
    fill(theirs)
    write(theirs / "workshop" / "300" / "mio.chara.json", {"name": "Mio"})
    write(theirs / "workshop" / "mods" / "9" / "mio.chara.json", {"name": "Mio"})
    (tmp_path / "drive").mkdir()
    named = value.format(theirs=theirs, tmp=tmp_path)
    write(theirs / "config" / "workshop_config.json", {"WORKSHOP_PATH": named, "own": [named]})
    assert bring(theirs, data, "--yes") == 0
    root = WorkshopFolder(data, log_fault).root
    assert root == (data / its_folder if its_folder else tmp_path / "drive")
    assert (data / "workshop" / "300" / "mio.chara.json").is_file()


def test_what_is_set_here_stays_and_it_is_told_without_a_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "theirs")
    data = tmp_path / "data"
    DataFolder.open(data).close()
    write(data / "config" / "core_config.json", {"coreApiKey": "sk-mine", "coreApi": ""})
    write(data / "config" / "user_preferences.json", [{"model_path": "/user_live2d/mine"}])
    assert bring(tmp_path / "theirs", data, "--yes") == 0
    core = json.loads((data / "config" / "core_config.json").read_text(encoding="utf-8"))
    assert (core["coreApiKey"], core["coreApi"], core["ttsVoiceId"]) == ("sk-mine", "openai", "Chelsie")
    assert len(json.loads((data / "config" / "user_preferences.json").read_text(encoding="utf-8"))) == 2
    out = capsys.readouterr().out
    assert "config/core_config.json: set here already: coreApiKey" in out
    assert "sk-" not in out


def test_a_folder_with_nothing_in_it_and_the_data_folder_itself_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match="nothing of N"):
        bring(tmp_path / "empty", tmp_path / "data")
    with pytest.raises(SystemExit, match="there is no folder"):
        bring(tmp_path / "gone", tmp_path / "data")
    fill(tmp_path / "data")
    with pytest.raises(SystemExit, match="is the data folder itself"):
        bring(tmp_path / "data", tmp_path / "data")


def test_a_document_of_neko_s_that_is_nested_too_deep_is_named_and_hides_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "old")
    place = tmp_path / "old" / "config"
    for name in ("user_preferences.json", "weibo_cookies.json"):
        (place / name).write_text('{"a":' * 600 + "1" + "}" * 600, encoding="utf-8")
    assert bring(tmp_path / "old", tmp_path / "data") == 0
    out = capsys.readouterr()
    assert "config/user_preferences.json: it is damaged" in out.out
    assert "config/weibo_cookies.json: it is damaged" in out.out
    assert "Mio" in cards(tmp_path / "data").names


def test_damaged_files_lose_only_themselves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    silly_tavern(tmp_path / "st")
    user = tmp_path / "st" / "data" / "default-user"
    content = (user / "characters" / "Seraphina.png").read_bytes()
    for number, part in enumerate((9, 40, 90, len(content) - 30)):
        (user / "characters" / f"cut{number}.png").write_bytes(content[:part])
    (user / "worlds" / "bad.json").write_bytes(b'{"entries": {')
    (user / "deep.json").write_bytes(b"[" * 100_000)
    (user / "chats" / "Seraphina" / "cut.jsonl").write_bytes(b'{"user_name": "A", "chat_metadata": {}}\n{"mes": "x')
    assert bring(tmp_path / "st", tmp_path / "data", "--yes") == 0
    assert said(tmp_path / "data", "Seraphina") == ["where am I?", "in my glade"]
    assert "Traceback" not in capsys.readouterr().err
