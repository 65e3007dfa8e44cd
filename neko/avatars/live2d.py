"""Live2D models: folders with a ``.model3.json``, found in several roots; what is set for one is kept in its folder.

The files are those of Live2D's Cubism SDK (https://github.com/Live2D/CubismSpecs/tree/master/FileFormats).
``EmotionMapping`` in the ``.model3.json`` and ``parameters.json`` beside it are N.E.K.O.'s (``contract/rest.md`` §4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from neko.avatar_errors import AvatarError
from neko.avatars.emotions import Mapped, derived, mapped_into
from neko.avatars.places import Root, Source, check_name, files_below, folders_in, remove, settle
from neko.hand_written import decoded
from neko.storage import write_json
from neko.well_formed import load_json

CONFIG: Final = ".model3.json"
MOTION: Final = ".motion3.json"
EXPRESSION: Final = ".exp3.json"
_NAMES: Final = ".cdi3.json"
_PARAMETERS: Final = "parameters.json"
_MOST_FILES: Final = 5000
LARGEST_JSON: Final = 50 << 20
"""Bytes of a file of a model that is read here."""


@dataclass(frozen=True, slots=True)
class Live2DModel:
    """``config`` is its ``.model3.json``, in ``folder`` or below; ``item`` the Workshop's number, if it is of one."""

    name: str
    folder: Path
    config: Path
    root: Root
    item: str = ""

    @property
    def url(self) -> str:
        return self.root.address(self.config)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What ``.cdi3.json`` calls the parameters and their groups, as that file has them."""

    parameters: Sequence[Mapping[str, str]]
    groups: Sequence[Mapping[str, str]]


class Live2DModels:
    """``roots`` are looked through in their order; the first one is the user's, into which new models come."""

    def __init__(self, roots: Callable[[], Sequence[Root]]) -> None:
        self._roots = roots

    @property
    def user_root(self) -> Root:
        return self._roots()[0]

    def all(self) -> list[Live2DModel]:
        """Every model by root and name."""
        return [model for root in self._roots() for model in _models_in(root)]

    def find(self, name: str) -> Live2DModel:
        """The model of this name. Raises ``AvatarError``."""
        fitting = [model for model in self.all() if name in (model.name, model.folder.name)] if name else []
        if not fitting:
            raise AvatarError("avatar_unknown", f"there is no model {name!r}", name=name[:80])
        return fitting[0]

    def of_item(self, item: str) -> Live2DModel:
        """The model of a Workshop item. Raises ``AvatarError``."""
        fitting = [model for model in self.all() if item and model.item == item]
        if not fitting:
            raise AvatarError("avatar_unknown", f"there is no model of item {item!r}", name=item[:80])
        return fitting[0]

    def delete(self, name: str) -> None:
        """Delete a model of the user's. Raises ``AvatarError``, ``OSError``."""
        remove(self._own(name).folder)

    def rename(self, old: str, new: str) -> str:
        """Give a model of the user's another name; it as it is kept. Raises ``AvatarError``, ``OSError``."""
        model, name = self._own(old), check_name(new)
        settle(model.folder, model.folder.parent / name)
        return name

    def _own(self, name: str) -> Live2DModel:
        model = self.find(name)
        if model.root.source is not Source.USER:
            raise AvatarError("avatar_not_own", f"{name!r} is not in the user's folder", name=name[:80])
        return model


def read_config(path: Path) -> dict[str, Any]:
    """A ``.model3.json``; ``FileReferences`` has ``Motions`` and ``Expressions``. Raises ``AvatarError``."""
    config = read_object(path)
    references = config.get("FileReferences")
    config["FileReferences"] = references = references if isinstance(references, dict) else {}
    references.setdefault("Motions", {})
    references.setdefault("Expressions", [])
    return config


def set_references(model: Live2DModel, parts: Mapping[str, Any]) -> None:
    """Replace ``Motions`` or ``Expressions``. Raises ``AvatarError``, ``ConfigError``."""
    _check_writable(model)
    config = read_config(model.config)
    config["FileReferences"].update(parts)
    write_json(model.config, config)


def emotion_mapping(model: Live2DModel) -> Mapped:
    """Motions and expressions by emotion: as they were set, else as the model's own names tell."""
    config = read_config(model.config)
    kept = config.get("EmotionMapping")
    return kept if isinstance(kept, dict) and kept else derived(config["FileReferences"])


def set_emotion_mapping(model: Live2DModel, mapping: Mapped) -> None:
    """Keep which motions and expressions go with which emotion. Raises ``AvatarError``, ``ConfigError``."""
    _check_writable(model)
    config = read_config(model.config)
    here = {path.relative_to(model.config.parent).as_posix() for path in _parts(model, MOTION, EXPRESSION)}
    write_json(model.config, mapped_into(config, mapping, here))


def files_of(model: Live2DModel) -> tuple[list[str], list[str]]:
    """Motions and expressions, as paths from where the ``.model3.json`` is."""
    motions, expressions = (
        [path.relative_to(model.config.parent).as_posix() for path in _parts(model, ending)]
        for ending in (MOTION, EXPRESSION)
    )
    return motions, expressions


def _parts(model: Live2DModel, *endings: str) -> Iterator[Path]:
    return islice(files_below(model.config.parent, *endings), _MOST_FILES)


def size_of(model: Live2DModel) -> int:
    """Bytes of all its files."""
    return sum(path.stat().st_size for path in islice(files_below(model.folder, ""), _MOST_FILES))


def parameters_of(model: Live2DModel) -> Parameters:
    """The names of its parameters. Raises ``AvatarError`` where it has no file with them."""
    path = next(_parts(model, _NAMES), None)
    if path is None:
        raise AvatarError("avatar_no_parameters", f"{model.name!r} names no parameters", name=model.name)
    names = read_object(path)
    return Parameters(_listed(names.get("Parameters")), _listed(names.get("ParameterGroups")))


def _listed(value: object) -> list[dict[str, str]]:
    entries = [one for one in value if isinstance(one, dict) and one.get("Id")] if isinstance(value, list) else []
    return [{key: str(one.get(key) or "") for key in ("Id", "GroupId", "Name")} for one in entries]


def kept_parameters(model: Live2DModel) -> dict[str, float]:
    """The values that were set for parameters; none where no file tells."""
    path = model.config.parent / _PARAMETERS
    try:
        values = read_object(path) if path.exists() else {}
    except AvatarError:
        return {}
    return {key: float(value) for key, value in values.items() if isinstance(value, int | float)}


def keep_parameters(model: Live2DModel, values: Mapping[str, float]) -> None:
    """Replace the values that are set. Raises ``AvatarError``, ``ConfigError``."""
    _check_writable(model)
    write_json(model.config.parent / _PARAMETERS, dict(values))


def add_part(model: Live2DModel, name: str, ending: str, file: BinaryIO) -> str:
    """Give a model another motion or expression; its path as ``files_of`` tells. Raises ``AvatarError``."""
    if not name.lower().endswith(ending):
        raise AvatarError("avatar_kind", f"{name!r} does not end in {ending}", file=name[:80], kinds=ending)
    name = check_name(name)
    _check_writable(model)
    content = parsed(file.read(LARGEST_JSON + 1), name)
    folder = "motions" if ending == MOTION else "expressions"
    path = model.config.parent / folder / name
    if path.exists():
        raise AvatarError("avatar_exists", f"{name} is there already", name=name)
    write_json(path, content)
    return f"{folder}/{name}"


def _check_writable(model: Live2DModel) -> None:
    if model.root.only is not None:
        raise AvatarError("avatar_not_own", f"{model.name!r} is another program's", name=model.name[:80])


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a model. Raises ``AvatarError``."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_JSON + 1)
    except OSError as error:
        raise AvatarError("avatar_unreadable", f"{path} cannot be read: {error}", file=path.name) from error
    return parsed(content, path.name)


def parsed(content: bytes, name: str) -> dict[str, Any]:
    """The JSON object in the content of the file of this name. Raises ``AvatarError``."""
    if len(content) > LARGEST_JSON:
        raise AvatarError("avatar_too_large", f"{name} is too large", limit=LARGEST_JSON >> 20)
    try:
        value = load_json(decoded(content))
    except (ValueError, RecursionError) as error:
        raise AvatarError("avatar_unreadable", f"{name} cannot be read: {error}", file=name) from error
    if not isinstance(value, dict):
        raise AvatarError("avatar_unreadable", f"{name} holds no object", file=name)
    return value


def _models_in(root: Root) -> Iterator[Live2DModel]:
    for folder in folders_in(root.folder):
        if root.only is not None and folder.name not in root.only:
            continue
        item = folder.name if root.source is Source.WORKSHOP else ""
        configs = list(islice(files_below(folder, CONFIG), _MOST_FILES))
        if root.source is not Source.WORKSHOP:
            if configs:
                yield Live2DModel(folder.name, folder, _nearest(configs), root)
            continue
        # an item is a model, or has a folder for each
        if own := [path for path in configs if path.parent == folder]:
            yield Live2DModel(own[0].name[: -len(CONFIG)], folder, own[0], root, item)
        for model in folders_in(folder):
            if inside := [path for path in configs if path.is_relative_to(model)]:
                yield Live2DModel(model.name, model, _nearest(inside), root, item)


def _nearest(configs: Sequence[Path]) -> Path:
    return min(configs, key=lambda path: (len(path.parts), path.name))
