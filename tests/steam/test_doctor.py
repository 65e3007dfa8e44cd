"""What ``python -m neko doctor`` says of Steam: nothing where it is switched off."""

from __future__ import annotations

from pathlib import Path

import pytest

from neko import doctor
from neko.settings import Settings
from neko.steam import client
from tests.scripted_steam import ScriptedSteam


def told(folder: Path, **environ: str) -> str:
    finding = doctor._steam(Settings(data_dir=folder, environ=environ))
    return f"{finding.verdict}: {finding.remark}" if finding else ""


def test_the_doctor_speaks_of_steam_only_where_it_is_switched_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steam = ScriptedSteam(monkeypatch, tmp_path)
    assert told(tmp_path) == ""
    assert told(tmp_path, NEKO_STEAM="1", NEKO_STEAM_APP_ID="480") == "ok: app 480, its language english"
    assert steam.calls("init_ex", "shutdown") == [["init_ex", "480"], ["shutdown"]]
    steam.says(running=False)
    assert told(tmp_path, NEKO_STEAM="1").startswith("note: Steam is switched on here, but it is not running")
    assert told(tmp_path, NEKO_STEAM="1", NEKO_LOCAL_ONLY="1").startswith("note: Steam is not asked")
    assert len(steam.calls("init_ex")) == 1


def test_without_the_package_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(client, "_PACKAGE", "steamworks_that_nobody_has")
    assert client.install_command() in told(tmp_path, NEKO_STEAM="1")
