"""``python -m neko doctor``: looks over an installation; a line for each thing, with its remedy."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Literal

from neko import pending_restore, providers, serve, set_aside
from neko.agent.browser.gate import Gate
from neko.agent.browser.hand import BrowserHand, BrowserOptions
from neko.agent.computer.hand import ComputerHand
from neko.app import embedding
from neko.app.avatars import roots_of
from neko.app.backups.contents import contents
from neko.app.hearing import chosen_model, kind_in_force
from neko.app.site_logins import SITE_LOGIN, opened
from neko.audio.engines import local_voices
from neko.audio.hearing import models as hearing_models
from neko.audio.voice_activity import silero_installed
from neko.avatar_errors import AvatarError
from neko.avatars.arrival import check_whole
from neko.avatars.live2d import Live2DModels
from neko.avatars.places import folders_in
from neko.avatars.vrm import VrmModels
from neko.avatars.vrm import check as check_vrm
from neko.avatars.worn import Worn
from neko.characters import CHARACTERS, is_characters, unusable_characters
from neko.errors import (
    DataFolderError,
    DataFolderInUseError,
    NekoError,
    UnreadableFileError,
    UntouchedFileError,
    UntouchedLogError,
)
from neko.hand_written import decoded
from neko.i18n import describe
from neko.language import system_language
from neko.llm.discovery import find_local_servers
from neko.llm.embeddings import models as embedders
from neko.llm.small_model import files as small_model
from neko.memory.folder_layout import not_taken_over
from neko.memory.log_check import look_over
from neko.memory.only_in_window import windows_in
from neko.memory.paths import logs_in
from neko.memory.sqlite_errors import store_error
from neko.memory_files import is_of_program
from neko.net import Network
from neko.proxies import ProxyRules, shown
from neko.reserved_fields import unfolded
from neko.settings import ASSETS, Settings, default_data_dir
from neko.settings.in_force import Origin, SettingsInForce
from neko.settings.masking import masked_url
from neko.settings.registry import (
    BROWSER_PROGRAM,
    HEARING_ENGINE,
    HEARING_LOCAL_MODEL,
    LOCAL_ONLY,
    OFFLINE,
    SETTINGS,
    SMALL_MODEL,
    SMALL_MODEL_FILE,
    STEAM,
    STEAM_APP,
)
from neko.settings.unusable import unusable_values, unusable_variables
from neko.speech_errors import LocalVoiceError
from neko.steam.client import SteamClient
from neko.steam_errors import SteamError
from neko.storage import CHARACTERS_FILE, CORE_CONFIG_FILE, DataFolder, is_object, log_fault, stand_in
from neko.workshop.folder import CONFIG_FILE as WORKSHOP_FILE
from neko.workshop.folder import STANDARD, WorkshopFolder
from neko.workshop.items import EXPORTS

OLDEST_PYTHON = (3, 11)
ANSWER_TIMEOUT_S = 1.0
"""Seconds that something on this computer gets to answer."""
LOGS_TIMEOUT_S = 10.0
"""Seconds for looking over all logs."""
AVATARS_TIMEOUT_S = 3.0
"""Seconds for looking over all models of avatars."""
STEAM_TIMEOUT_S = 5.0
"""Seconds for Steam's client to let us in."""

Verdict = Literal["ok", "note", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``bad`` keeps Neko from starting; ``note`` switches one ability off."""

    verdict: Verdict
    subject: str
    remark: str


def run(settings: Settings) -> int:
    """Print the findings; 1 when one of them keeps Neko from starting."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold what a terminal cannot show
    findings = []
    for check in CHECKS:
        finding = check(settings)
        if finding is None:
            continue
        findings.append(finding)
        print(f"{finding.verdict:5} {finding.subject}: {finding.remark}", flush=True)
    return 1 if any(finding.verdict == "bad" for finding in findings) else 0


def _python(_settings: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        return Finding("bad", "Python", f"{version} is too old; install Python 3.11 or newer")
    return Finding("ok", "Python", version)


def _page(_settings: Settings) -> Finding:
    vendor = Path(__file__).parent / "web" / "static" / "vendor"
    missing = [name for name in ("marked.esm.js", "purify.es.mjs") if not (vendor / name).is_file()]
    if missing or not ASSETS.is_dir():
        return Finding("bad", "page", "its browser libraries or assets are missing; install Neko again: pip install .")
    return Finding("ok", "page", "complete")


def _folder_path(settings: Settings) -> Path:
    return settings.data_dir or default_data_dir(settings.environ)


def _data_folder(settings: Settings) -> Finding:
    path = _folder_path(settings)
    if pending_restore.is_ready(path):  # opening it would have that take effect
        return Finding("note", "data folder", f"{path}: a backup that was restored takes its place at the next start")
    try:
        DataFolder.open(path).close()
    except DataFolderInUseError:
        return Finding("note", "data folder", f"{path} is in use by a Neko that is running")
    except DataFolderError as error:
        return Finding("bad", "data folder", f"{error}; choose another one with --data-dir")
    if is_of_program(path):
        remedy = f"`python -m neko import {path} --data-dir ANOTHER --yes` brings its talks and models over"
        return Finding("note", "data folder", f"{path} is the folder of N.E.K.O.'s program; {remedy}")
    if names := not_taken_over(path / "memory"):
        folders = f"N.E.K.O.'s memories of {', '.join(names)} lie in folders of their own"
        remedy = "those of her characters come when she is started, others by `python -m neko memory import`"
        return Finding("note", "data folder", f"{path}: {folders}; {remedy}")
    return Finding("ok", "data folder", str(path))


def _port(settings: Settings) -> Finding:
    try:
        with serve.listen(settings.host, settings.port) as listener:
            return Finding("ok", "port", f"{listener.port} is free")
    except serve.PortTakenError as error:
        if _answers(settings):
            return Finding("note", "port", f"{settings.port} is that of a Neko that is running")
        return Finding("bad", "port", str(error))
    except serve.AddressError as error:
        return Finding("bad", "port", str(error))


def _answers(settings: Settings) -> bool:
    """Whether a Neko answers there: anything with a healthy ``/health``."""
    return asyncio.run(_is_healthy(settings.host, settings.port))


async def _is_healthy(host: str, port: int) -> bool:
    import httpx2

    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    http = await Network().http_client(
        "doctor", url, connect_timeout_s=ANSWER_TIMEOUT_S, read_timeout_s=ANSWER_TIMEOUT_S
    )
    try:
        async with http, asyncio.timeout(ANSWER_TIMEOUT_S):
            answer = await http.get(f"{url}/health")
            return answer.status_code == HTTPStatus.OK and isinstance(answer.json(), dict)
    except (httpx2.HTTPError, OSError, ValueError):
        return False


def _backup(settings: Settings) -> Finding:
    """What a backup would hold, and what was there before a restore."""
    folder = _folder_path(settings)
    found = contents(folder).entries
    size = sum(entry.size for entry in found)
    told = f"`python -m neko backup FILE` keeps {len(found)} files, {size / 1e6:,.1f} MB"
    if earlier := sorted((folder / pending_restore.BEFORE).glob("*")):
        told += f"; what was there before the last restore is kept for a month: {earlier[-1]}"
    if importlib.util.find_spec("cryptography") is None:
        return Finding("note", "backup", f"{told}; without keys; to seal them: pip install cryptography")
    return Finding("ok", "backup", told)


def _voice(_settings: Settings) -> Finding:
    remedy = "for the built-in voice: pip install '.[voice]'"
    if importlib.util.find_spec("espeakng_loader") is None:
        return Finding("note", "voice", f"no voice of her own, the browser's can be chosen; {remedy}")
    if importlib.util.find_spec("pykakasi") is None:
        return Finding("note", "voice", f"built in, but it cannot read Japanese; {remedy}")
    if importlib.util.find_spec("babel") is None:
        return Finding("note", "voice", f"built in, but it reads amounts and dates as they are written; {remedy}")
    return Finding("ok", "voice", "built in")


def _natural_voices(_settings: Settings) -> Finding:
    """Loads each model of a voice that is installed."""
    speaking: dict[str, list[str]] = {}
    failing = []
    for model in (make() for make in local_voices.MODELS):
        if model.installed():
            try:
                model.ready()
                for language in model.languages:
                    speaking.setdefault(language, []).append(model.name)
            except LocalVoiceError as error:
                failing.append(str(error))
    told = [f"{language} by {' or '.join(names)}" for language, names in sorted(speaking.items())]
    if failing:
        commands = "; ".join(local_voices.install_command(it) for it in local_voices.LANGUAGES if it not in speaking)
        return Finding("note", "natural voices", f"{'; '.join([*told, *failing])}; install again: {commands}")
    missing = [language for language in local_voices.LANGUAGES if language not in speaking]
    if missing:
        told += [f"for {it}: {local_voices.install_command(it)}" for it in missing]
    return Finding("ok" if speaking else "note", "natural voices", "; ".join(told))


def _hearing(settings: Settings) -> Finding:
    in_force = SettingsInForce(_stored_config(settings), settings.environ)
    server = providers.resolve("hearing", _stored_config(settings), settings.environ)
    there = hearing_models.local_models(
        _folder_path(settings) / "models" / "hearing", in_force.get(HEARING_LOCAL_MODEL)
    )
    local = chosen_model(in_force, (one for one in there if not hearing_models.missing_libraries(one.kind)))
    kind = kind_in_force(in_force, server, local)
    if kind == "server" and server:
        return Finding("ok", "hearing", f"{server.model} by {server.provider_name} at {masked_url(server.base_url)}")
    if kind == "local" and local:
        activity = "" if silero_installed() else ", voice activity by loudness only"
        return Finding("ok", "hearing", f"{local.title}, on this computer{activity}: {local.folder}")
    if kind == "browser":
        return Finding("ok", "hearing", "the browser's own recogniser; some browsers send the sound to their maker")
    if kind == "off" and in_force.get(HEARING_ENGINE):
        return Finding("note", "hearing", "switched off in Settings › Hearing")
    if named := in_force.get(HEARING_LOCAL_MODEL):
        return Finding("note", "hearing", f"nothing hears: {named} is no model that can be run here")
    return Finding("note", "hearing", f"nothing hears; for this computer: {hearing_models.install_command()}")


def _proxy(_settings: Settings) -> Finding:
    """Where connections to other machines go."""
    proxy = ProxyRules.read().proxy_for("https://example.com/")
    if proxy is None:
        return Finding("ok", "proxy", "none")
    if proxy.startswith("socks") and importlib.util.find_spec("socksio") is None:
        return Finding("note", "proxy", f"{shown(proxy)} speaks SOCKS; to use it: pip install '.[socks]'")
    return Finding("ok", "proxy", f"{shown(proxy)}; what is near is asked itself")


def _model(settings: Settings) -> Finding:
    in_force = SettingsInForce(_stored_config(settings), settings.environ)
    if in_force.get(SMALL_MODEL) and not in_force.get(OFFLINE):
        file = small_model.find(_folder_path(settings) / "models", in_force.get(SMALL_MODEL_FILE))
        return _small_model(file, settings)
    endpoint = providers.resolve("conversation", _stored_config(settings), settings.environ)
    if endpoint is not None:
        address = masked_url(endpoint.base_url)
        return Finding("ok", "model", f"{endpoint.model} by {endpoint.provider_name} at {address}")
    return Finding("ok", "model", f"built in; {_local_servers(settings.environ)}")


def _small_model(file: small_model.ModelFile, settings: Settings) -> Finding:
    try:
        small_model.check(file)
    except NekoError as error:
        error.params["model"] = file.name
        notice = describe(error, system_language(settings.environ))
        return Finding("note", "model", f"{notice.text} {notice.remedy}")
    return Finding("ok", "model", f"{file.name}, small, on this computer: {file.path}")


def _stored_config(settings: Settings) -> Any:
    return _stored(settings, CORE_CONFIG_FILE, is_object)


def _stored(settings: Settings, name: str, fits: Callable[[Any], bool]) -> Any:
    """What a document of the settings will count as at the next start. Changes nothing."""
    path = _folder_path(settings) / "config" / name
    if found := set_aside.first_whole((path,), fits):
        return found[1]
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError:
        content = b""
    value, _ = stand_in(path, content, {}, fits)
    return value


def _files(settings: Settings) -> Finding:
    """What is damaged, and what was and is not dealt with yet. Changes nothing."""
    folder = _folder_path(settings)
    faults = [fault for part in ("config", "memory") for fault in _faults_in(folder / part)]
    if not faults:
        return Finding("ok", "files", "none is damaged")
    language = system_language(settings.environ)
    notices = [describe(fault, language) for fault in faults]
    return Finding("note", "files", " · ".join(f"{notice.text} {notice.remedy}" for notice in notices))


def _avatars(settings: Settings) -> Finding:
    """Which models are damaged, and who wears one that is not there. Changes nothing."""
    live2d = Live2DModels(lambda: roots_of(_folder_path(settings), _items_folder(settings), settings.pages))
    vrm = VrmModels(_folder_path(settings) / "vrm")
    models, files, animations = live2d.all(), vrm.models(), vrm.moving()
    told, due = [], time.monotonic() + AVATARS_TIMEOUT_S
    for check, path in (
        *((check_whole, model.config) for model in models),
        *((check_vrm, file.path) for file in (*files, *animations)),
    ):
        if time.monotonic() > due:
            told.append("there are too many to look at all of them")
            break
        try:
            check(path)
        except AvatarError as error:
            told.append(f"{path}: {describe(error, system_language(settings.environ)).text}")
        except OSError as error:
            told.append(f"{path} cannot be read: {error.strerror}")
    worn, cards = Worn(live2d, vrm), _stored(settings, CHARACTERS_FILE, is_characters)
    for name, card in (cards.get(CHARACTERS) or {}).items():
        if isinstance(card, dict) and not worn.is_there(unfolded(card)):
            told.append(f"{name} has the built-in face, as the model that is set for her is not there")
    counted = f"{len(models)} Live2D, {len(files)} VRM, {len(animations)} animations"
    if not told:
        return Finding("ok", "avatars", f"{counted}; none is damaged")
    return Finding("note", "avatars", " · ".join((*told, f"{counted}; set them under Models, or bring them in anew")))


def _items_folder(settings: Settings) -> Path:
    workshop = WorkshopFolder(_folder_path(settings), log_fault)
    return workshop.root_by(_stored(settings, WORKSHOP_FILE, is_object))


def _workshop(settings: Settings) -> Finding:
    """Changes nothing."""
    folder = _items_folder(settings)
    is_standard = folder == _folder_path(settings) / STANDARD
    try:
        list(folder.iterdir())
    except OSError as error:
        if is_standard and isinstance(error, FileNotFoundError | NotADirectoryError):
            return Finding("ok", "Workshop", "no items")
        remedy = "plug in its drive, or set another folder on the Workshop page"
        return Finding("note", "Workshop", f"{folder} cannot be read ({error.strerror}); {remedy}")
    items = [one for one in folders_in(folder) if one.name != EXPORTS]
    return Finding("ok", "Workshop", f"{len(items)} items in {folder}")


def _site_logins(settings: Settings) -> Finding:
    """Of which media sites there are logins; never one of them. Changes nothing."""
    kept, unusable = list[str](), list[str]()
    for path in sorted((_folder_path(settings) / "config").glob(f"*{SITE_LOGIN}")):
        (kept if _is_login(path) else unusable).append(path.name.removesuffix(SITE_LOGIN))
    told = ", ".join(kept) or "none"
    if not unusable:
        return Finding("ok", "site logins", told)
    remedy = "give them again in Settings › Abilities"
    return Finding(
        "note",
        "site logins",
        f"{told}; {', '.join(unusable)}: damaged, or encrypted by N.E.K.O. without its key; {remedy}",
    )


def _is_login(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError, RecursionError):
        return is_object(json.loads(opened(path, path.read_bytes()) or b"null"))
    return False


def _given_pages(settings: Settings) -> Finding:
    """The folder of N.E.K.O.'s own pages, if one is given."""
    if settings.pages is None:
        return Finding("ok", "given pages", "none")
    templates = list((settings.pages / "templates").glob("*.html"))
    if not templates:
        return Finding(
            "note", "given pages", f"no templates/*.html in {settings.pages}, so my own are shown; see --pages"
        )
    if not (settings.pages / "static").is_dir():
        return Finding("note", "given pages", f"{settings.pages} has no folder static, so its pages miss their files")
    return Finding("ok", "given pages", f"{len(templates)} of {settings.pages}, my own at /neko-pages")


def _environment(settings: Settings) -> Finding:
    """Variables that cannot be used."""
    faults = unusable_variables(settings.environ)
    if not faults:
        return Finding("ok", "environment", "every variable of mine can be used")
    notices = [describe(fault, system_language(settings.environ)) for fault in faults]
    return Finding("note", "environment", " · ".join(f"{notice.text} {notice.remedy}" for notice in notices))


def _memory(settings: Settings) -> Finding:
    """Whether the logs are sound, and how many lines of each can be read. Changes nothing."""
    folder = _folder_path(settings) / "memory"
    language = system_language(settings.environ)
    due = time.monotonic() + LOGS_TIMEOUT_S
    notices, counts = [], []
    logs = logs_in(folder)
    with_log = set(map(set_aside.character_of, logs))
    counts += [f"{name} {count:,}" for name, count in windows_in(folder).items() if name not in with_log]
    for path in logs:
        name = set_aside.character_of(path)
        try:
            state = look_over(path, due - time.monotonic())
        except NekoError as error:
            notices.append(describe(error, language))
        except (sqlite3.Error, OSError) as error:
            notices.append(describe(store_error(error, path), language))
        else:
            if state.damage:
                notices.append(describe(UntouchedLogError(state.damage[0], file=str(path)), language))
            counts.append(
                f"{name} too many to look over" if state.lines is None else f"{name} {state.lines + state.restorable:,}"
            )
    counted = f"lines that can be read: {', '.join(counts)}" if counts else "nothing is kept yet"
    if not notices:
        return Finding("ok", "memory", counted)
    told = " · ".join(f"{notice.text} {notice.remedy}" for notice in notices)
    return Finding("note", "memory", f"{told} · {counted}" if counts else told)


def _meaning(settings: Settings) -> Finding:
    """What finds memories by their meaning, beside their words."""
    in_force = SettingsInForce(_stored_config(settings), settings.environ)
    server = providers.resolve("semantic", _stored_config(settings), settings.environ)
    there = frozenset(model.kind for model in embedders.installed())
    kind = embedding.kind_in_force(in_force, server, there)
    remedy = f"for meanings too, on this computer: {embedders.install_command('use')}"
    if kind == "server":
        if server is None:
            return Finding("note", "meaning", f"no server is configured for it; {remedy}")
        return Finding("ok", "meaning", f"{server.model} by {server.provider_name} at {masked_url(server.base_url)}")
    if kind == "off":
        return Finding("note", "meaning", f"memories are found by their words; {remedy}")
    try:
        folder = embedders.check(embedders.MODELS[kind])
    except NekoError as error:
        notice = describe(error, system_language(settings.environ))
        return Finding("note", "meaning", f"{notice.text} {notice.remedy}")
    return Finding("ok", "meaning", f"{embedders.MODELS[kind].model.title}, on this computer: {folder}")


def _faults_in(folder: Path) -> Iterator[NekoError]:
    yield from map(set_aside.report_of, set_aside.copies(folder))
    for path in sorted(folder.glob("*.json")):
        if path.name.endswith(SITE_LOGIN):  # in N.E.K.O. encrypted, which no JSON is
            continue
        expect = _SHAPES.get(path.name)
        try:
            value = json.loads(decoded(path.read_bytes()))
        except OSError as error:
            yield UnreadableFileError(str(error), file=str(path), why=error.strerror or "")
            continue
        except (ValueError, RecursionError):
            value = None
        if value is None or (expect and not expect(value)):
            line, column = set_aside.where_damaged(path.read_bytes())
            yield UntouchedFileError("damaged", file=str(path), line=line, column=column)
        elif path.name == CORE_CONFIG_FILE:
            yield from unusable_values(value, path)
        elif path.name == CHARACTERS_FILE:
            yield from unusable_characters(value, path)


_SHAPES: Mapping[str, Callable[[Any], bool]] = {CORE_CONFIG_FILE: is_object, CHARACTERS_FILE: is_characters}


def _local_servers(environ: Mapping[str, str]) -> str:
    servers = asyncio.run(find_local_servers(Network(), environ, ANSWER_TIMEOUT_S))
    if not servers:
        return "for a cleverer one open Settings, Model, or start Ollama"
    names = ", ".join(f"{server.name} ({len(server.models)} models)" for server in servers)
    return f"found on this computer: {names}; choose one under Settings, Model"


def _settings(settings: Settings) -> Finding:
    """What was set, and where; never a value, since some are secrets."""
    in_force = SettingsInForce(_stored_config(settings), settings.environ, settings.flags)
    sources = {setting.name: in_force.source(setting) for setting in SETTINGS}
    changed = [f"{name} ({source.name})" for name, source in sources.items() if source.origin is not Origin.DEFAULT]
    return Finding("ok", "settings", ", ".join(changed) or "all as they come")


def _screen(settings: Settings) -> Finding:
    if serve.has_screen(settings.environ):
        return Finding("ok", "browser", "opens by itself")
    return Finding("note", "browser", "no screen here; open the address from one, or forward the port")


def _computer(settings: Settings) -> Finding:
    told = ComputerHand(environ=settings.environ).readiness("en")
    return (
        Finding("ok", "computer", "has what her hands need") if told.ready else Finding("note", "computer", told.reason)
    )


def _driven_browser(settings: Settings) -> Finding:
    in_force = SettingsInForce(_stored_config(settings), settings.environ, settings.flags)
    options = BrowserOptions(program=in_force.get(BROWSER_PROGRAM))
    folder = _folder_path(settings)
    hand = BrowserHand(folder, Network(), Gate(), lambda: options, environ=settings.environ)
    asyncio.run(hand.probe())
    told = hand.readiness("en")
    return Finding("ok", "her browser", "can be driven") if told.ready else Finding("note", "her browser", told.reason)


def _steam(settings: Settings) -> Finding | None:
    """Whether its client can be asked, if that is switched on; asks for its language alone."""
    in_force = SettingsInForce(_stored_config(settings), settings.environ, settings.flags)
    if not in_force.get(STEAM):
        return None
    if in_force.get(LOCAL_ONLY):
        return Finding("note", "Steam", describe(SteamError("steam_local_only"), "en").text)

    async def ask() -> Finding:
        client = SteamClient(in_force.get(STEAM_APP), Path(os.devnull))
        try:
            async with asyncio.timeout(STEAM_TIMEOUT_S):
                told = await client.ask("who")
        except SteamError as error:
            notice = describe(error, "en")
            return Finding("note", "Steam", f"{notice.whole} {notice.remedy}".replace("\n", " ").strip())
        except TimeoutError:
            return Finding("note", "Steam", "it does not answer")
        finally:
            await client.aclose()
        return Finding("ok", "Steam", f"app {client.app}, its language {told['language']}")

    return asyncio.run(ask())


CHECKS: tuple[Callable[[Settings], Finding | None], ...] = (
    _python, _page, _environment, _data_folder, _files, _avatars, _workshop, _site_logins, _given_pages, _memory,
    _backup, _meaning, _port, _proxy, _voice, _natural_voices, _hearing, _model, _settings, _screen, _computer,
    _driven_browser, _steam,
)  # fmt: skip
