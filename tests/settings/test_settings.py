import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.audio import engines
from neko.errors import ConfigError
from neko.net import Network
from neko.providers import catalogue
from neko.settings import ASSETS, CoreConfig, Settings, default_data_dir, is_loopback, registry
from neko.settings.in_force import Origin, SettingsInForce, Source, change_of
from neko.settings.option_table import with_option_table
from neko.settings.setting import MAPPING, NAMES, SWITCH, Setting
from neko.settings.unusable import unusable_variables


def launched(*argv: str, **environ: str) -> Settings:
    return Settings.from_command_line(argv, environ)


def test_plain_settings_are_right_for_embedding() -> None:
    settings = Settings()
    assert (settings.host, settings.port, settings.open_browser) == ("127.0.0.1", 48911, False)
    assert settings.data_dir is None


def test_the_command_line_opens_a_browser_unless_told_not_to() -> None:
    assert launched().open_browser
    assert not launched("--no-browser").open_browser
    assert not launched(NEKO_NO_BROWSER="1").open_browser
    assert launched(NEKO_NO_BROWSER="0").open_browser


def test_flags_win_over_the_environment_and_that_over_defaults(tmp_path: Path) -> None:
    environ = {
        "NEKO_HOST": "::1",
        "NEKO_PORT": "5001",
        "NEKO_DATA_DIR": str(tmp_path / "a"),
        "NEKO_LOG_LEVEL": "DEBUG",
        "NEKO_TOKEN": "secret-of-the-environment",
    }
    settings = launched(**environ)
    assert (settings.host, settings.port, settings.log_level, settings.token) == (
        "::1",
        5001,
        "debug",
        "secret-of-the-environment",
    )
    assert settings.data_dir == tmp_path / "a"
    assert settings.environ == environ
    argv = ("--host", "localhost", "--port", "5002", "--data-dir", str(tmp_path / "b"), "--log-level", "warning")
    settings = launched(*argv, "--token", "secret-of-the-flag", **environ)
    assert (settings.host, settings.port, settings.log_level, settings.token) == (
        "localhost",
        5002,
        "warning",
        "secret-of-the-flag",
    )
    assert settings.data_dir == tmp_path / "b"


@pytest.mark.parametrize(
    ("environ", "port"),
    [
        ({}, 48911),
        ({"MAIN_SERVER_PORT": "1"}, 1),
        ({"MAIN_SERVER_PORT": "1", "NEKO_MAIN_SERVER_PORT": "2"}, 2),
        ({"MAIN_SERVER_PORT": "1", "NEKO_MAIN_SERVER_PORT": "2", "NEKO_PORT": "3"}, 3),
        ({"MAIN_SERVER_PORT": "1", "NEKO_MAIN_SERVER_PORT": "70000"}, 1),
        ({"NEKO_MAIN_SERVER_PORT": "x"}, 48911),
        ({"NEKO_PORT": ""}, 48911),
    ],
)
def test_the_port_comes_from_the_strongest_usable_variable(environ: dict[str, str], port: int) -> None:
    assert launched(**environ).port == port


@pytest.mark.parametrize(
    ("argv", "environ", "named"),
    [
        (["--port", "many"], {}, "--port"),
        (["--port", "65536"], {}, "--port"),
        (["--port", "-1"], {}, "--port"),
        ([], {"NEKO_PORT": "x"}, "NEKO_PORT"),
        (["--log-level", "loud"], {}, "loud"),
        (["--host", "0.0.0.0"], {}, "--token"),
        (["--wat"], {}, "--wat"),
    ],
)
def test_a_bad_value_is_one_sentence_and_exit_code_2(
    argv: list[str], environ: dict[str, str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        Settings.from_command_line(argv, environ)
    told = capsys.readouterr().err
    assert caught.value.code == 2
    assert named in told
    assert len(told.splitlines()) == 1


def test_another_address_than_loopback_needs_a_token() -> None:
    with pytest.raises(ConfigError):
        Settings(host="0.0.0.0")
    assert Settings(host="0.0.0.0", token="a token of sixteen").host == "0.0.0.0"


@pytest.mark.parametrize("token", ["a", " ", "\t \n", "   short   ", "x" * 15, "é" * 15, "秘" * 15])
@pytest.mark.parametrize("way", ["flag", "variable", "program"])
def test_a_token_that_can_be_guessed_is_refused_with_a_better_one(
    token: str, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if way == "program":
        with pytest.raises(ConfigError) as refused:
            Settings(token=token)
        told = str(refused.value)
    else:
        with pytest.raises(SystemExit):
            launched("--token", token) if way == "flag" else launched(NEKO_TOKEN=token)
        told = capsys.readouterr().err
    better = re.search(r"for example: (\S+)", told)
    assert better
    assert Settings(host="0.0.0.0", token=better[1]).token == better[1]
    assert f" {token.strip()} " not in told or not token.strip()


def test_an_empty_flag_for_the_token_is_refused_and_an_empty_variable_says_nothing() -> None:
    with pytest.raises(SystemExit):
        launched("--token", "")
    assert launched(NEKO_TOKEN="").token is None


def test_a_port_that_is_none_cannot_be_set() -> None:
    with pytest.raises(ConfigError):
        Settings(port=70000)


def test_the_token_and_the_environment_stay_out_of_the_printed_form() -> None:
    assert "hush" not in repr(Settings(token="hush-hush-hush-hush", environ={"NEKO_ASSIST_API_KEY_OPENAI": "hush"}))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *((host, True) for host in ("127.0.0.1", "127.9.9.9", "::1", "[::1]", "LocalHost")),
        *((host, False) for host in ("0.0.0.0", "192.168.1.2", "localhost.evil.example", "")),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_the_assets_are_found() -> None:
    assert (ASSETS / "providers.json").is_file()


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_data_lives_below_documents(platform: str, tmp_path: Path) -> None:
    folder = default_data_dir({}, platform=platform, home=tmp_path / "home", cwd=tmp_path / "cwd")
    assert folder == tmp_path / "home" / "Documents" / "N.E.K.O"
    assert not folder.exists()
    assert list(folder.parent.iterdir()) == []


def test_linux_prefers_the_documents_folder_of_the_environment(tmp_path: Path) -> None:
    environ = {"XDG_DOCUMENTS_DIR": str(tmp_path / "papers")}
    linux = default_data_dir(environ, platform="linux", home=tmp_path / "home", cwd=tmp_path)
    mac = default_data_dir(environ, platform="darwin", home=tmp_path / "home", cwd=tmp_path)
    assert linux == tmp_path / "papers" / "N.E.K.O"
    assert mac == tmp_path / "home" / "Documents" / "N.E.K.O"


def test_home_in_the_documents_variable_means_the_home_folder(tmp_path: Path) -> None:
    environ = {"XDG_DOCUMENTS_DIR": "$HOME/Papers"}
    folder = default_data_dir(environ, platform="linux", home=tmp_path / "home", cwd=tmp_path)
    assert folder == tmp_path / "home" / "Papers" / "N.E.K.O"


def test_an_unusable_documents_folder_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    environ = {"XDG_DOCUMENTS_DIR": str(tmp_path / "file" / "papers")}
    folder = default_data_dir(environ, platform="linux", home=tmp_path / "home", cwd=tmp_path / "cwd")
    assert folder == tmp_path / "home" / "Documents" / "N.E.K.O"
    folder = default_data_dir(environ, platform="linux", home=tmp_path / "file" / "home", cwd=tmp_path / "cwd")
    assert folder == tmp_path / "cwd" / "N.E.K.O"


def test_windows_asks_the_system_for_its_documents_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "system"))
    monkeypatch.delenv("XDG_DOCUMENTS_DIR", raising=False)
    folder = default_data_dir({}, platform="win32", home=tmp_path / "home", cwd=tmp_path / "cwd")
    assert folder == tmp_path / "system" / "Documents" / "N.E.K.O"


def test_core_config_without_a_file_is_empty_and_writes_nothing(tmp_path: Path) -> None:
    assert dict(CoreConfig.load(tmp_path / "core_config.json").values) == {}
    assert list(tmp_path.iterdir()) == []


def test_core_config_merges_and_keeps_what_it_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "core_config.json"
    path.write_text('{"recent_memory_auto_review": false, "future": {"x": 1}, "assistApi": "glm"}', encoding="utf-8")
    config = CoreConfig.load(path)
    before = config.values
    config.merge({"assistApi": "kimi", "assistApiKeyKimi": "k"})
    expected = {
        "recent_memory_auto_review": False,
        "future": {"x": 1},
        "assistApi": "kimi",
        "assistApiKeyKimi": "k",
    }
    assert dict(config.values) == expected
    assert dict(CoreConfig.load(path).values) == expected
    assert before["assistApi"] == "glm"


def test_core_config_merges_objects_key_by_key_and_drops_what_becomes_none(tmp_path: Path) -> None:
    config = CoreConfig.load(tmp_path / "core_config.json")
    config.merge({"neko": {"language": "ja", "voices": {"Mio": {"rate": 1.2}}}})
    config.merge({"neko": {"language": None, "voices": {"小澪": {"pitch": 2}}}})
    assert config.values["neko"] == {"voices": {"Mio": {"rate": 1.2}, "小澪": {"pitch": 2}}}


def test_core_config_that_cannot_be_saved_does_not_change(tmp_path: Path) -> None:
    config = CoreConfig(tmp_path / "file" / "core_config.json", {})
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError):
        config.merge({"a": 1})
    assert dict(config.values) == {}


@pytest.mark.parametrize("content", ["{", "[]", '"text"'])
def test_a_damaged_core_config_is_reported_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "core_config.json"
    path.write_text(content, encoding="utf-8")
    faults: list[ConfigError] = []
    config = CoreConfig.load(path, on_fault=faults.append)
    assert config.values == {}
    assert Path(str(faults[0].params["kept"])).read_text(encoding="utf-8") == content


UNUSABLE = {
    "coreApi": 7,
    "enableCustomApi": "yes",
    "neko.language": "xx",
    "neko.offline": "no",
    "neko.speech.engine": ["espeak"],
    "neko.speech": "loud",
    "neko": 3,
    "neko.voices": [],
    "neko.voices.Mio": "low",
    "neko.voices.Mio.rate": float("nan"),
    "neko.voices.Mio.pitch": float("inf"),
    "neko.voices.Mio.rate ": "fast",
    "neko.replies.Mio.temperature": 2.5,
    "neko.replies.Mio.max_tokens": "long",
}


@pytest.mark.parametrize(("key", "value"), UNUSABLE.items())
def test_a_value_that_cannot_be_used_is_named_and_the_default_counts(tmp_path: Path, key: str, value: Any) -> None:
    path = tmp_path / "core_config.json"
    document: Any = value
    for part in reversed(key.strip().split(".")):
        document = {part: document}
    path.write_text(json.dumps(document), encoding="utf-8")
    faults = CoreConfig.load(path).unusable()
    assert [fault.params["key"] for fault in faults] == [key.strip()]


def test_values_that_can_be_used_and_unknown_keys_are_not_told(tmp_path: Path) -> None:
    path = tmp_path / "core_config.json"
    voices = {"Mio": {"rate": 2, "pitch": -1.5, "voice": "f1"}}
    stored = {"somebody's": [1], "coreApi": "", "ttsVoiceId": None, "neko": {"language": "ja", "voices": voices}}
    path.write_text(json.dumps(stored), encoding="utf-8")
    assert CoreConfig.load(path).unusable() == []


def test_a_variable_that_cannot_be_used_is_named_and_the_default_counts() -> None:
    environ = {"NEKO_CALL_MARK_S": "3", "NEKO_CALL_PREPARE_S": " 20 ", "NEKO_CALL_TURNS": "there", "NEKO_LANGUAGE": ""}
    faults = unusable_variables(environ)
    assert [fault.params["name"] for fault in faults] == ["NEKO_CALL_TURNS", "NEKO_CALL_MARK_S"]
    assert "between 10 and 3600" in str(faults[1].params["wanted"])
    assert SettingsInForce({}, environ).get(registry.CALL_MARK_S) == registry.CALL_MARK_S.default


# ── the registry ──────────────────────────────────────────────────────────────


def in_force(stored: dict[str, Any] | None = None, *argv: str, **environ: str) -> SettingsInForce:
    return SettingsInForce(stored or {}, environ, launched(*argv, **environ).flags)


def test_every_setting_is_defined_once_and_explains_itself() -> None:
    names = [setting.name for setting in registry.SETTINGS]
    assert len(names) == len(set(names))
    variables = [name for setting in registry.SETTINGS for name in (*setting.environment, *setting.older)]
    assert len(variables) == len(set(variables))
    assert all(setting.help for setting in registry.SETTINGS)


def test_what_is_called_a_key_or_a_token_is_a_secret() -> None:
    named = {s.name for s in registry.SETTINGS if re.search(r"Key|Token|token", s.name)}
    assert named == {setting.name for setting in registry.SETTINGS if setting.secret}


def test_every_provider_of_the_catalogue_has_a_place_for_its_key() -> None:
    fields = {provider.key_field for provider in catalogue().assist.values() if provider.key_field}
    assert fields <= registry.TEXTS.keys()


def test_a_value_says_where_it_comes_from() -> None:
    stored = {"assistApi": "glm", "coreApi": "openai", "neko": {"language": "ja"}}
    values = in_force(stored, "--port", "5001", NEKO_CORE_API="step", NEKO_HOST="::1")
    expected = {
        registry.PORT_NUMBER: (5001, Source(Origin.FLAG, "--port")),
        registry.HOST: ("::1", Source(Origin.ENVIRONMENT, "NEKO_HOST")),
        registry.CORE_API: ("step", Source(Origin.ENVIRONMENT, "NEKO_CORE_API")),
        registry.ASSIST_API: ("glm", Source(Origin.FILE, "assistApi")),
        registry.LANGUAGE: ("ja", Source(Origin.FILE, "neko.language")),
        registry.LOG_LEVEL: ("info", Source(Origin.DEFAULT)),
    }
    assert {setting: (values.get(setting), values.source(setting)) for setting in expected} == expected


@pytest.mark.parametrize(
    ("setting", "stored"),
    [
        (registry.LANGUAGE, {"neko": {"language": "fr"}}),
        (registry.LANGUAGE, {"neko": "x"}),
        (registry.SPEECH_ENGINE, {"neko": {"speech": {"engine": 7}}}),
        (registry.SPEECH_ENGINE, {"neko": {"speech": "off"}}),
        (registry.VOICES, {"neko": {"voices": ["Mio"]}}),
        (registry.OFFLINE, {"neko": {"offline": "yes"}}),
        (registry.ENABLE_CUSTOM_API, {"enableCustomApi": 1}),
        (registry.ASSIST_API, {"assistApi": None}),
        (registry.MCP_TOKEN, {"mcpToken": "  "}),
    ],
)
def test_a_stored_value_of_the_wrong_kind_counts_as_none(setting: Setting[Any], stored: dict[str, Any]) -> None:
    values = in_force(stored)
    assert values.get(setting) == setting.default
    assert values.find(setting) is None
    assert values.source(setting).origin is Origin.DEFAULT


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda c: st.lists(c, max_size=2)))
def test_whatever_stands_in_the_file_every_setting_has_a_value_of_its_kind(value: Any) -> None:
    stored = {name: value for setting in registry.SETTINGS for name in setting.path[:1]}
    for values in (in_force(stored), in_force({"neko": {setting.path[1]: value for setting in registry.NEKO_SECTION}})):
        for setting in (*registry.CORE_CONFIG, *registry.NEKO_SECTION):
            got = values.get(setting)
            assert got == setting.default or setting.kind.of_json(got) == got


@pytest.mark.parametrize("setting", [*registry.CORE_CONFIG, *registry.NEKO_SECTION])
def test_what_is_written_is_what_is_read(setting: Setting[Any], tmp_path: Path) -> None:
    value: Any = {"Mio": {"rate": 2}} if setting.kind is MAPPING else True if setting.kind is SWITCH else "off"
    of_calls = {registry.CALL_WAY.name: "text", registry.CALL_VOICE.name: "hers", registry.CALL_TURNS.name: "here"}
    value = of_calls.get(setting.name, value)
    value = "ko" if setting is registry.LANGUAGE else ("A", "B") if setting.kind is NAMES else value
    value = 90 if type(setting.default) is int else value
    config = CoreConfig.load(tmp_path / "core_config.json")
    config.merge(change_of(setting, value))
    assert CoreConfig.load(tmp_path / "core_config.json").in_force.get(setting) == value
    config.merge(change_of(setting, None))
    assert config.in_force.get(setting) == setting.default


def test_how_long_a_session_of_a_call_lasts_can_be_set_within_reason() -> None:
    calls = in_force({"neko": {"call": {"mark_s": 120, "prepare_s": 0, "limit_lead_s": "soon"}}})
    set_to = [calls.get(one) for one in (registry.CALL_MARK_S, registry.CALL_PREPARE_S, registry.CALL_LIMIT_LEAD_S)]
    assert set_to == [120, 10, 60]


def test_the_readme_lists_the_options_as_they_are() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert with_option_table(text) == text, "run `make readme`"


def test_help_names_every_option_and_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        launched("--help")
    told = capsys.readouterr().out
    for setting in registry.LAUNCH:
        assert setting.flag in told
        assert all(name in told for name in setting.environment)


def test_the_engines_of_the_registry_are_those_that_can_be_built() -> None:
    assert engines.KINDS == registry.ENGINE_KINDS
    for kind in registry.ENGINE_KINDS:
        assert engines.build(kind, Network())


def test_no_secret_is_shown_by_the_settings_themselves() -> None:
    assert "hush" not in repr(launched("--token", "hush-hush-hush-hush"))
