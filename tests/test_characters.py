import json
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.characters import OWN, SYSTEM_KEYS, CharacterCards, check_name, default_characters
from neko.errors import (
    BackupUsedError,
    CharacterError,
    ConfigError,
    DefaultsUsedError,
    InputError,
    ReadLenientlyError,
    UnusableNameError,
)
from neko.language import LANGUAGES, guess
from neko.memory.character_files import files_of
from neko.memory.paths import log_path, recent_path
from neko.storage import file_name_fault

DOCUMENT: dict[str, Any] = {
    "主人": {"档案名": "哥哥", "性别": "男", "爱好": "爬山", "空": ""},
    "猫娘": {
        "test": {
            "性别": "女",
            "年龄": 15,
            "昵称": "T酱, 小T",
            "Favourite colour": "blue",
            "live2d": "mao_pro",
            "voice_id": "",
            "system_prompt": "I am {LANLAN_NAME}, {MASTER_NAME} knows me as {LANLAN_NAME}.",
            "idleAnimation": "/static/vrm/animation/idle.vrma",
            "item_id": "12",
            "lighting": {"ambient": 0.4},
            "vrm_rotation": {"y": 1},
            "lightingPreset": "soft",
            "角色卡描述": "for the workshop",
        },
        "小天": {},
    },
    "当前猫娘": "test",
    "当前麦克风": None,
    "将来的键": [1, 2],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "characters.json"


def on_disk(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def stored(path: Path, **changes: Any) -> CharacterCards:
    path.write_text(json.dumps({**DOCUMENT, **changes}, ensure_ascii=False), encoding="utf-8")
    return CharacterCards.load(path, "en")


@pytest.mark.parametrize(
    ("language", "name"), [("en", "Mio"), ("zh-CN", "小澪"), ("zh-TW", "小澪"), ("ja", "ミオ"), ("ko", "미오")]
)
def test_a_fresh_folder_starts_with_one_character_in_the_readers_language(path: Path, language: str, name: str) -> None:
    characters = CharacterCards.load(path, language)
    assert characters.names == [name]
    assert characters.current == name
    assert on_disk(path) == characters.raw()
    prompt = characters.system_prompt(name)
    assert guess(prompt, "en") == language
    assert name in prompt
    assert characters.master_name in prompt
    assert "{" not in prompt


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_character_is_an_adult_with_a_personality_and_no_system_keys_as_traits(
    path: Path, language: str
) -> None:
    characters = CharacterCards.load(path, language)
    traits = characters.traits(characters.current)
    assert "22" in traits.values()
    assert len(traits) >= 6
    assert not SYSTEM_KEYS & set(traits)
    assert list(default_characters(language)) == ["主人", "猫娘", "当前猫娘"]


def test_an_unknown_language_starts_in_english(path: Path) -> None:
    assert CharacterCards.load(path, "fr").names == ["Mio"]


def test_every_unknown_key_survives_loading_and_selecting(path: Path) -> None:
    characters = stored(path)
    assert characters.raw() == DOCUMENT
    characters.select("小天")
    assert on_disk(path) == {**DOCUMENT, "当前猫娘": "小天"}
    assert list(on_disk(path)) == list(DOCUMENT)
    assert on_disk(path.with_name("characters.json.bak")) == DOCUMENT


def test_loading_a_complete_file_writes_nothing(path: Path) -> None:
    stored(path)
    assert [file.name for file in path.parent.iterdir()] == ["characters.json"]


def test_traits_are_the_free_keys_with_a_value(path: Path) -> None:
    characters = stored(path)
    assert characters.traits("test") == {
        "性别": "女",
        "年龄": "15",
        "昵称": "T酱, 小T",
        "Favourite colour": "blue",
    }
    assert characters.traits("小天") == {}
    assert characters.master_traits() == {"性别": "男", "爱好": "爬山"}


def test_the_card_holds_everything(path: Path) -> None:
    characters = stored(path)
    assert characters.card("test")["live2d"] == "mao_pro"
    assert dict(characters.card("nobody")) == {}


def test_both_names_are_filled_into_the_prompt(path: Path) -> None:
    assert stored(path).system_prompt("test") == "I am test, 哥哥 knows me as test."


def test_a_card_without_a_prompt_speaks_by_the_default_one(path: Path) -> None:
    prompt = stored(path).system_prompt("小天")
    assert "小天" in prompt
    assert "哥哥" in prompt
    assert "Mio" not in prompt


@pytest.mark.parametrize("current", ["nobody", None, 7, ["test"]])
def test_an_invalid_current_character_becomes_the_first_and_is_saved(path: Path, current: Any) -> None:
    characters = stored(path, **{"当前猫娘": current})
    assert characters.current == "test"
    assert on_disk(path)["当前猫娘"] == "test"


def test_a_file_without_characters_gets_one_and_keeps_the_rest(path: Path) -> None:
    characters = stored(path, **{"猫娘": {}})
    assert characters.names == ["Mio"]
    assert on_disk(path)["主人"] == DOCUMENT["主人"]
    assert on_disk(path)["将来的键"] == [1, 2]


def test_a_master_without_a_name_is_called_neutrally(path: Path) -> None:
    assert stored(path, **{"主人": {"性别": "女"}}).master_name == "friend"


@pytest.mark.parametrize("content", ["{oops", "[]", '{"猫娘": ["test"]}', '{"主人": "me", "猫娘": {}}'])
def test_a_damaged_file_is_reported_kept_and_never_overwritten(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    faults: list[ConfigError] = []
    characters = CharacterCards.load(path, "en", on_fault=faults.append)
    (fault,) = faults
    assert isinstance(fault, DefaultsUsedError)
    assert Path(str(fault.params["kept"])).read_text(encoding="utf-8") == content
    assert characters.current == "Mio"


@pytest.mark.parametrize(
    ("wrong", "line"), [({"猫娘": [1, 2]}, 6), ({"猫娘": "text"}, 6), ({"主人": ["Dan"]}, 2), ({"主人": "Dan"}, 2)]
)
def test_of_a_file_with_a_part_of_the_wrong_shape_the_rest_counts(path: Path, wrong: dict[str, Any], line: int) -> None:
    document = {"主人": {"档案名": "Dan", "爱好": "爬山"}, "猫娘": {"小天": {"性别": "女"}}, "自己": [1, 2]} | wrong
    content = json.dumps(document, ensure_ascii=False, indent=2)
    path.write_text(content, encoding="utf-8")
    faults: list[ConfigError] = []
    characters = CharacterCards.load(path, "en", on_fault=faults.append)
    (fault,) = faults
    assert isinstance(fault, ReadLenientlyError)
    assert (fault.params["line"], fault.params["column"]) == (line, 3)
    assert Path(str(fault.params["kept"])).read_text(encoding="utf-8") == content
    assert characters.raw()["自己"] == [1, 2]
    if "主人" in wrong:
        assert characters.traits("小天") == {"性别": "女"}
    else:
        assert dict(characters.master()) == document["主人"]
        assert characters.names == ["Mio"]


@pytest.mark.parametrize("content", ["{oops", "[]", '{"猫娘": ["test"]}'])
def test_a_damaged_file_gives_way_to_its_backup(path: Path, content: str) -> None:
    stored(path).select("小天")
    path.write_text(content, encoding="utf-8")
    faults: list[ConfigError] = []
    characters = CharacterCards.load(path, "en", on_fault=faults.append)
    assert [type(fault) for fault in faults] == [BackupUsedError]
    assert characters.raw() == DOCUMENT
    assert on_disk(path) == DOCUMENT


# ── names that no file can have ──────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["AC/DC", "a..b", "..", ".", "back\\slash", "line\nbreak", "tab\there", "猫" * 67, " ", ""]
)
def test_a_name_that_no_file_can_have_is_told_and_passed_over(path: Path, name: str) -> None:
    characters = stored(path, **{"猫娘": {name: {}, "Mio": {}}, "当前猫娘": name})
    (fault,) = characters.unusable()
    assert isinstance(fault, UnusableNameError)
    assert str(fault.params["name"]).isprintable()
    assert (characters.names, characters.current) == (["Mio"], "Mio")
    assert on_disk(path)["当前猫娘"] == name
    with pytest.raises(UnusableNameError):
        characters.select(name)


@pytest.mark.parametrize("name", ["AC DC", "100%", "a#b", "who?", "x" * 120, "🐈", ".Mio"])
def test_any_other_name_can_be_talked_with(path: Path, name: str) -> None:
    characters = stored(path, **{"猫娘": {name: {}}, "当前猫娘": name})
    assert (characters.names, characters.current, characters.unusable()) == ([name], name, [])


def test_somebody_is_there_though_no_name_can_be_used(path: Path) -> None:
    characters = stored(path, **{"猫娘": {"AC/DC": {}}, "当前猫娘": "AC/DC"})
    assert (characters.names, characters.current) == (["Mio"], "Mio")
    assert set(on_disk(path)["猫娘"]) == {"AC/DC", "Mio"}


@pytest.mark.parametrize("end", ["}}", "}"])
def test_a_file_that_is_nested_too_deep_is_told_as_damaged_and_does_not_come_back(path: Path, end: str) -> None:
    deep = f'{{"当前猫娘": "Mio", "猫娘": {{"Mio": {{"x": {"[" * 600}{"]" * 600}}}{end}'
    path.write_text(deep, encoding="utf-8")
    faults: list[ConfigError] = []
    for _ in range(2):
        assert CharacterCards.load(path, "en", on_fault=faults.append).names == ["Mio"]
    assert [type(fault) for fault in faults] == [DefaultsUsedError]
    assert Path(str(faults[0].params["kept"])).read_text(encoding="utf-8") == deep


def test_a_card_that_is_none_is_told(path: Path) -> None:
    characters = stored(path, **{"猫娘": {"Mio": "a cat"}, "当前猫娘": "Mio"})
    assert [(fault.code, fault.params["key"]) for fault in characters.unusable()] == [("value_unusable", "Mio")]


def test_an_unknown_character_cannot_be_selected(path: Path) -> None:
    characters = stored(path)
    with pytest.raises(InputError):
        characters.select("nobody")
    assert characters.current == "test"


def test_a_renamed_character_keeps_its_card_its_place_and_being_current(path: Path) -> None:
    characters = stored(path)
    card = dict(characters.card("test"))
    characters.rename("test", " Mio ")
    assert (characters.names, characters.current) == (["Mio", "小天"], "Mio")
    assert characters.card("Mio") == {**card, OWN: {"former_name": "test"}}
    characters.settled("Mio")
    assert dict(characters.card("Mio")) == card
    assert on_disk(path)["将来的键"] == [1, 2]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("nobody", "Mio", "unknown_character"),
        ("test", "小天", "taken"),
        ("test", "test", "taken"),
        ("test", " ", "empty"),
        ("test", "a/b", "forbidden"),
    ],
)
def test_a_rename_that_cannot_be_changes_nothing(path: Path, old: str, new: str, reason: str) -> None:
    characters = stored(path)
    with pytest.raises(InputError) as caught:
        characters.rename(old, new)
    assert caught.value.params["reason"] == reason
    assert on_disk(path) == DOCUMENT


def test_any_character_but_the_current_one_can_be_deleted(path: Path) -> None:
    characters = stored(path)
    characters.delete("小天")
    assert characters.names == ["test"]
    for name, reason in (("test", "current"), ("小天", "unknown_character")):
        with pytest.raises(InputError) as caught:
            characters.delete(name)
        assert caught.value.params["reason"] == reason


def test_all_of_a_document_can_be_changed_but_not_to_one_of_the_wrong_shape(path: Path) -> None:
    characters = stored(path)
    characters.edit(lambda raw: raw.update({"猫娘": {"New": {"x": 1}}, "extra": True}))
    assert characters.names == ["New"]
    assert characters.current == "New"
    assert on_disk(path)["extra"] is True
    wrongs: tuple[dict[str, Any], ...] = ({"猫娘": ["x"]}, {"猫娘": "x"}, {"主人": 3})
    for wrong in wrongs:
        with pytest.raises(InputError):
            characters.edit(partial(dict.update, **wrong))
    assert characters.names == ["New"]


def test_an_edit_that_fails_changes_nothing(path: Path) -> None:
    characters = stored(path)

    def half_done(raw: dict[str, Any]) -> None:
        del raw["猫娘"]["test"]
        raise KeyError("changed my mind")

    with pytest.raises(KeyError):
        characters.edit(half_done)
    assert characters.names == ["test", "小天"]
    assert on_disk(path) == DOCUMENT


def test_a_change_that_cannot_be_saved_is_not_seen(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    characters = CharacterCards(tmp_path / "file" / "characters.json", DOCUMENT, "en")
    with pytest.raises(ConfigError):
        characters.select("小天")
    assert characters.current == "test"


def test_what_is_handed_out_cannot_change_the_document(path: Path) -> None:
    characters = stored(path)
    characters.raw()["猫娘"].clear()
    assert characters.names == ["test", "小天"]
    with pytest.raises(TypeError):
        characters.card("test")["live2d"] = "x"  # type: ignore[index]


@pytest.mark.parametrize("name", ["Mio", "  Mio ", "小澪小澪小澪小澪小澪", "a" * 20, "Dr. Who", "O'Neil & Co"])
def test_a_good_name_is_accepted_trimmed(name: str) -> None:
    assert check_name(name) == name.strip()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        (None, "empty"),
        (5, "empty"),
        ("a" * 21, "too_long"),
        ("小澪小澪小澪小澪小澪x", "too_long"),
        ("a/b", "forbidden"),
        ("a\\b", "forbidden"),
        ("..", "forbidden"),
        ("a..b", "forbidden"),
        (".", "forbidden"),
        ("why?", "forbidden"),
        ("#1", "forbidden"),
        ("a\nb", "forbidden"),
        ("a\x00b", "forbidden"),
        ("a\ufffd", "forbidden"),
        ("Mio-wal", "forbidden"),
        ("Mio.bak", "forbidden"),
        ("M.damaged-1", "forbidden"),
    ],
)
def test_a_name_that_a_path_or_an_address_would_misread_is_refused(name: object, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        check_name(name)
    assert caught.value.params["reason"] == reason


@given(st.text(min_size=1, max_size=20), st.sampled_from(["", "-wal", "-SHM", ".bak", ".json", ".damaged-1"]))
def test_every_name_that_a_card_can_have_the_files_of_a_memory_can_have(
    tmp_path_factory: pytest.TempPathFactory, text: str, ending: str
) -> None:
    """[memory 14.8] One rule for card, file and API."""
    try:
        name = check_name(text + ending)
    except InputError:
        return
    assert file_name_fault(name) is None
    with TemporaryDirectory(dir=tmp_path_factory.getbasetemp()) as folder:
        for path in (log_path(Path(folder), name), recent_path(Path(folder), name)):
            path.touch()
        assert len(files_of(Path(folder), name)) == 2
        if (other := text.strip()) != name and file_name_fault(other) is None:
            assert files_of(Path(folder), other) == []


@pytest.mark.parametrize(("there", "new"), [("Mio", "mio"), ("Zoe\u0301", "Zo\u00e9"), ("Straße", "STRASSE")])
def test_two_names_that_some_systems_give_one_file_are_one(path: Path, there: str, new: str) -> None:
    cards = CharacterCards.load(path, "en")
    cards.rename(cards.current, "Other")
    cards.create(there, {})
    with pytest.raises(CharacterError):
        cards.create(new, {})
    with pytest.raises(CharacterError):
        cards.rename("Other", new)
    cards.rename(there, new)
    assert new in cards.names


@pytest.mark.parametrize("new", ["Ａnna", "Ann\uff41", " Anna\u3000"])
def test_a_new_name_that_looks_like_another_is_refused_and_two_that_are_there_stay_two(path: Path, new: str) -> None:
    cards = CharacterCards.load(path, "en")
    cards.create("Anna", {})
    cards.create("Ben", {})
    with pytest.raises(CharacterError) as caught:
        cards.create(new, {})
    assert caught.value.params["reason"] == "taken"
    with pytest.raises(CharacterError):
        cards.check_rename("Ben", new)
    cards.create("Ａnna2", {})
    cards.create("Anna2", {}, beside_namesakes=True)
    card = cards.card("Anna2")
    cards.delete("Anna2")
    cards.put_back("Anna2", card, 0)
    assert {"Anna2", "Ａnna2"} <= {*cards.names}


# ── whose talks a character knows ─────────────────────────────────────────────────────────


@pytest.fixture
def knowing(path: Path) -> CharacterCards:
    """Mio, who knows what is said to Yuki and to Rin."""
    characters = CharacterCards.load(path, "en")
    for name in ("Yuki", "Rin"):
        characters.create(name, {})
    characters.set_also_knows("Mio", ["Yuki", "Rin"])
    return characters


def test_nobody_knows_the_talks_of_another_by_default(knowing: CharacterCards) -> None:
    assert knowing.also_knows("Mio") == ["Yuki", "Rin"]
    assert knowing.also_knows("Yuki") == knowing.also_knows("Rin") == []


@pytest.mark.parametrize("others", [["Mio"], ["Nobody"], ["Yuki", "Nobody"]])
def test_nobody_can_know_herself_or_one_who_is_not_there(knowing: CharacterCards, others: list[str]) -> None:
    with pytest.raises(CharacterError):
        knowing.set_also_knows("Mio", others)
    assert knowing.also_knows("Mio") == ["Yuki", "Rin"]


def test_whom_she_knows_of_follows_a_renaming_in_the_same_write(knowing: CharacterCards, path: Path) -> None:
    knowing.rename("Yuki", "Snow")
    assert on_disk(path)["猫娘"]["Mio"]["neko"]["also_knows"] == ["Snow", "Rin"]
    knowing.rename("Mio", "Mia")
    assert knowing.also_knows("Mia") == ["Snow", "Rin"]


def test_who_is_gone_is_known_no_more_even_if_another_gets_the_name(knowing: CharacterCards, path: Path) -> None:
    knowing.delete("Yuki")
    assert on_disk(path)["猫娘"]["Mio"]["neko"]["also_knows"] == ["Rin"]
    document = on_disk(path)
    del document["猫娘"]["Rin"]
    path.write_text(json.dumps(document), encoding="utf-8")
    again = CharacterCards.load(path, "en")
    for name in ("Yuki", "Rin"):
        again.create(name, {})
    assert again.also_knows("Mio") == []


def test_one_who_comes_back_knows_nobody_s_talks(knowing: CharacterCards) -> None:
    knowing.select("Yuki")
    card = knowing.card("Mio")
    knowing.delete("Mio")
    knowing.put_back("Mio", card, 0)
    assert knowing.also_knows("Mio") == []
    assert knowing.names[0] == "Mio"
