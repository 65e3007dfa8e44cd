"""What is known of a plug-in without running it: its ``plugin.toml``, or what its package says (``contract/agent.md``
§13.2). Nothing of it is imported."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Final

from neko.agent.likeness import likeness
from neko.agent.outside import visible
from neko.agent.privacy import HINT
from neko.plugin.version import SDK_VERSION
from neko.well_formed import well_formed

FILE: Final = "plugin.toml"
ENTRY_POINTS: Final = "neko.plugins"
"""The group of entry points under which a Python package names its plug-ins."""
MOST_PLUGINS: Final = 64
LARGEST_FILE: Final = 256_000
LONGEST_ID: Final = 60
LONGEST_TEXT: Final = 2_000
_ID: Final = re.compile(r"\w[\w .-]*")
_ENTRY: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


@dataclass(frozen=True, slots=True)
class DeclaredEntry:
    """An entry as ``plugin.toml`` or the plug-in itself tells it. ``extra`` holds its hints."""

    id: str
    name: str = ""
    description: str = ""
    input_schema: Mapping[str, Any] = field(default_factory=dict, hash=False)
    kind: str = "action"
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Manifest:
    """``path`` is its ``plugin.toml``, None for a package without one; ``installed``: it is a package, of these
    ``files``. ``entry``: "module:Class". ``problem``: why it cannot be used; ``warnings``: what else is not right with
    it. Both are English, and ours."""

    id: str
    path: Path | None = None
    entry: str = ""
    name: str = ""
    description: str = ""
    version: str = "0.1.0"
    entries: tuple[DeclaredEntry, ...] = ()
    auto_start: bool = False
    installed: bool = False
    files: tuple[Path, ...] = ()
    problem: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where it is, for the user."""
        return str(self.path.parent) if self.path else "a Python package"


def discover(folders: Iterable[Path]) -> list[Manifest]:
    """Every plug-in of these folders and of the installed packages, in this order; of two with one id, or ids that are
    written alike, the later one counts for nothing and says so. Blocks."""
    found: dict[str, Manifest] = {}
    repeated: list[Manifest] = []
    taken: set[str] = set()
    for manifest in (*_in_folders(folders), *_installed()):
        if (first := found.setdefault(likeness(manifest.id), manifest)) is not manifest:
            alike = "is that" if manifest.id == first.id else f"is written like {first.id!r}, that"
            problem = f"its id {manifest.id!r} {alike} of the plug-in in {first.place}"
            repeated.append(Manifest(_other_id(manifest, taken), manifest.path, problem=problem))
        taken.add((first if first is manifest else repeated[-1]).id)
    return [*found.values(), *repeated][:MOST_PLUGINS]


def read(path: Path) -> Manifest:
    """What a ``plugin.toml`` says. One that cannot be used has a ``problem``, and the name of its folder for an id."""
    import tomllib

    fallback = well_formed(path.parent.name)[:LONGEST_ID]
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ValueError(f"it has more than {LARGEST_FILE} bytes")
        document = tomllib.loads(content.decode("utf-8-sig"))
        return _of_document(document, path)
    except OSError as error:
        return Manifest(fallback, path, problem=f"{FILE} cannot be read: {error.strerror}")
    except (ValueError, RecursionError) as error:
        return Manifest(fallback, path, problem=f"{FILE} cannot be used: {error}"[:LONGEST_TEXT])


def _of_document(document: Mapping[str, Any], path: Path | None) -> Manifest:
    """Raises ``ValueError`` for what cannot be used."""
    table = document.get("plugin")
    if not isinstance(table, dict):
        raise ValueError("it has no table [plugin]")
    plugin_id, entry = _text(table, "id", longest=LONGEST_ID), _text(table, "entry")
    if not _ID.fullmatch(plugin_id):
        raise ValueError("id must be letters, digits, and - or _" if plugin_id else "id is missing")
    if not _ENTRY.fullmatch(entry):
        raise ValueError('entry must be "module.path:Class"')
    refusal, warnings = sdk_verdict(table)
    return Manifest(
        id=plugin_id,
        path=path,
        entry=entry,
        name=_text(table, "name") or plugin_id,
        description=_text(table, "description"),
        version=_text(table, "version") or "0.1.0",
        entries=tuple(_entries(document.get("entries", table.get("entries", ())))),
        auto_start=table.get("auto_start") is True,
        problem=refusal,
        warnings=warnings,
    )


def _text(table: Mapping[str, Any], key: str, *, longest: int = LONGEST_TEXT) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f"{key} must be text")
    if len(value) > longest:
        raise ValueError(f"{key} is longer than {longest} characters")
    return visible(value).strip()


def _entries(listed: Any) -> Iterator[DeclaredEntry]:
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise ValueError("entries must be a list")
    for one in listed:
        table = {"id": one} if isinstance(one, str) else one
        if not isinstance(table, dict) or not _text(table, "id"):
            raise ValueError("each of entries must be an id, or a table with one")
        schema = table.get("input_schema", {})
        if not isinstance(schema, dict):
            raise ValueError(f"input_schema of {table['id']} must be a table")
        extra = {key: table[key] for key in ("read_only", "destructive", "open_world", HINT) if key in table}
        name, description = _text(table, "name"), _text(table, "description")
        yield DeclaredEntry(_text(table, "id"), name, description, schema, extra=extra)


# ── versions of the SDK ───────────────────────────────────────────────────────────


def sdk_verdict(table: Mapping[str, Any], version: str = SDK_VERSION) -> tuple[str, tuple[str, ...]]:
    """Why a plug-in cannot run with this SDK ("" when it can), and what it warns of. Raises ``ValueError`` for a range
    that is none (PEP 440)."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    sdk = table.get("sdk", {})
    if not isinstance(sdk, dict):
        raise ValueError("[plugin.sdk] must be a table")

    def holds(ranges: Any) -> bool:
        if not isinstance(ranges, str):
            raise ValueError("a range of SDK versions must be text")
        try:
            return SpecifierSet(ranges).contains(version, prereleases=True)
        except InvalidSpecifier:
            raise ValueError(f"{ranges!r} is no range of versions") from None

    if any(map(holds, sdk.get("conflicts", ()))):
        return f"it says that it does not work with version {version} of the SDK", ()
    supported = sdk.get("supported", sdk.get("compatible"))
    if supported is None and isinstance(old := table.get("sdk_version"), str):
        supported = old if re.match(r"\s*[<>=!~]", old) else f"=={old}"
    untested = "untested" in sdk and holds(sdk["untested"])
    if supported is not None and not holds(supported):
        if not untested:
            return f"it wants an SDK {supported}; this one has version {version}", ()
        return "", (f"it was not tested with version {version} of the SDK",)
    if "recommended" in sdk and not holds(sdk["recommended"]):
        return "", (f"it recommends an SDK {sdk['recommended']}; this one has version {version}",)
    return "", ()


# ── where they are ──────────────────────────────────────────────────────────────


def _in_folders(folders: Iterable[Path]) -> Iterator[Manifest]:
    for folder in folders:
        try:
            files = sorted(folder.absolute().glob(f"*/{FILE}"))
        except OSError:
            continue
        yield from map(read, files)


def _installed() -> Iterator[Manifest]:
    for distribution in distributions():
        for point in distribution.entry_points.select(group=ENTRY_POINTS):
            yield _of_package(point.name, point.value, distribution)


def _of_package(name: str, value: str, distribution: Distribution) -> Manifest:
    """A package may have a ``plugin.toml`` beside its module, which then counts, but for ``entry``."""
    folder = value.partition(":")[0].replace(".", "/")
    for file in distribution.files or ():
        if file.name == FILE and file.parent.as_posix() in (folder, folder.rpartition("/")[0]):
            path = Path(str(distribution.locate_file(file)))
            found = read(path)
            return found if found.problem else replace(found, entry=value, installed=True, files=_files(distribution))
    about = distribution.metadata
    problem = "" if _ENTRY.fullmatch(value) and _ID.fullmatch(name) else f"its entry point cannot be {name} = {value}"
    return Manifest(
        well_formed(name)[:LONGEST_ID],
        entry=value,
        name=visible(name)[:LONGEST_ID],
        description=visible(about["Summary"] or "")[:LONGEST_TEXT],
        version=distribution.version,
        installed=True,
        files=_files(distribution),
        problem=problem,
    )


def _files(distribution: Distribution) -> tuple[Path, ...]:
    return tuple(Path(str(distribution.locate_file(file))) for file in distribution.files or ())


def _other_id(manifest: Manifest, taken: Collection[str]) -> str:
    stem = f"{manifest.id} ({manifest.path.parent.name if manifest.path else 'package'})"
    return next(name for number in range(1, 1000) if (name := stem if number == 1 else f"{stem} {number}") not in taken)
