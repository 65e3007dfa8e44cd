"""VRM models and animations: single files, with what is set for a model beside them.

Both are glTF in its binary form (https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#glb-file-format-specification);
only its JSON chunk is read here, which is twenty lines, so no library for glTF. What makes a VRM of it are extensions:
``VRM`` (https://github.com/vrm-c/vrm-specification/tree/master/specification/0.0), ``VRMC_vrm`` and
``VRMC_vrm_animation``.
"""

from __future__ import annotations

import re
import shutil
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote, unquote

from neko.avatar_errors import AvatarError
from neko.avatars.live2d import read_object
from neko.avatars.places import check_name, files_below, remove, settle, workplace
from neko.storage import private, write_json
from neko.well_formed import load_json

MODEL: Final = ".vrm"
ANIMATION: Final = ".vrma"
_HEADER: Final = struct.Struct("<4sIIII")
_JSON_CHUNK: Final = 0x4E4F534A
_LARGEST_JSON: Final = 64 << 20
_EMOTIONS: Final = "configs"
"""The folder of the emotions of models, below that of the models."""

PRESETS: Final = (
    *("neutral", "happy", "angry", "sad", "relaxed", "surprised", "aa", "ih", "ou", "ee", "oh"),
    *("blink", "blinkLeft", "blinkRight", "lookUp", "lookDown", "lookLeft", "lookRight"),
    *("joy", "sorrow", "fun", "a", "i", "u", "e", "o", "blink_l", "blink_r"),
)
"""Names of expressions that the two versions of the format define."""
DEFAULT_EMOTIONS: Final[Mapping[str, Sequence[str]]] = {
    "neutral": ["neutral"],
    "happy": ["happy", "joy", "fun", "smile", "joy_01"],
    "relaxed": ["relaxed", "joy", "fun", "content"],
    "sad": ["sad", "sorrow", "grief"],
    "angry": ["angry", "anger"],
    "surprised": ["surprised", "surprise", "shock", "e", "o"],
}
"""What counts for a model for which nothing is set (``contract/rest.md`` §5)."""


@dataclass(frozen=True, slots=True)
class VrmFile:
    """``url`` is the path at which it is served; ``size`` in bytes."""

    path: Path
    url: str
    size: int

    @property
    def name(self) -> str:
        return self.path.stem


class VrmModels:
    """``folder`` has the models, ``animation`` below it the animations; they are served at ``/user_vrm``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.animations = folder / "animation"

    def models(self) -> list[VrmFile]:
        """Every model by name."""
        return [
            self._file(path)
            for path in files_below(self.folder, MODEL)
            if not path.is_relative_to(self.animations) and not path.is_relative_to(self.folder / _EMOTIONS)
        ]

    def moving(self) -> list[VrmFile]:
        """Every animation by name."""
        return [self._file(path) for path in files_below(self.animations, ANIMATION, MODEL)]

    def _file(self, path: Path) -> VrmFile:
        address = quote(path.relative_to(self.folder).as_posix())
        return VrmFile(path, f"/user_vrm/{address}", path.stat().st_size)

    def find(self, name: str) -> VrmFile:
        """A model or animation by the name of its file, with or without ending. Raises ``AvatarError``."""
        fitting = [one for one in (*self.models(), *self.moving()) if name and name in (one.path.name, one.name)]
        if not fitting:
            raise AvatarError("avatar_unknown", f"there is no model {name!r}", name=name[:80])
        return fitting[0]

    def is_there(self, url: str) -> bool:
        """Whether a model is served at this path."""
        return unquote(url) in (unquote(one.url) for one in self.models())

    def take(self, name: str, ending: str, file: BinaryIO) -> VrmFile:
        """Keep a file that comes in. Raises ``AvatarError`` for a name that cannot be or is taken, and if the file is
        not what its ending says; ``OSError``."""
        name = name.replace("\\", "/").rpartition("/")[2]
        if not name.lower().endswith(ending):
            raise AvatarError("avatar_kind", f"{name!r} does not end in {ending}", file=name[:80], kinds=ending)
        folder = self.folder if ending == MODEL else self.animations
        place = folder / (check_name(name[: -len(ending)]) + ending)
        with workplace(folder) as work:
            whole = work / place.name
            with open(whole, "xb", opener=private) as target:
                shutil.copyfileobj(file, target)
            check(whole)
            _cut_to_its_size(whole)
            settle(whole, place)
        return self._file(place)

    def delete(self, name: str) -> VrmFile:
        """Delete a model or an animation, and what is set for it. Raises ``AvatarError``, ``OSError``."""
        found = self.find(name)
        remove(found.path)
        self._emotion_file(found.name).unlink(missing_ok=True)
        return found

    def rename(self, old: str, new: str) -> tuple[VrmFile, VrmFile]:
        """Give a file another name: before and after. Raises ``AvatarError``, ``OSError``."""
        before = self.find(old)
        ending = before.path.suffix
        stem = check_name(new.removesuffix(ending))
        settle(before.path, before.path.with_name(stem + ending))
        emotions = self._emotion_file(before.name)
        if emotions.exists():
            emotions.replace(self._emotion_file(stem))
        return before, self._file(before.path.with_name(stem + ending))

    # ── what is set for a model ───────────────────────────────────────────────

    def emotions(self, name: str) -> Mapping[str, Sequence[str]]:
        """Expressions by emotion; the default where nothing is set. Raises ``AvatarError`` for no name."""
        path = self._emotion_file(name)
        if not path.exists():
            short = re.sub(r"[^\w-]", "", name)  # as N.E.K.O. wrote it
            path = path.with_name(f"{short}_emotion.json")
        kept = read_object(path) if path.exists() else {}
        return {emotion: _texts(names) for emotion, names in kept.items()} or DEFAULT_EMOTIONS

    def set_emotions(self, name: str, emotions: Mapping[str, str | Sequence[str]]) -> None:
        """Keep the expressions by emotion. Raises ``AvatarError``, ``ConfigError``."""
        found = self.find(name)
        write_json(self._emotion_file(found.name), {emotion: _texts(names) for emotion, names in emotions.items()})

    def _emotion_file(self, name: str) -> Path:
        return self.folder / _EMOTIONS / f"{check_name(name)}_emotion.json"

    def expressions(self, name: str) -> list[str]:
        """The expressions that a model has, by what the file says. Raises ``AvatarError``."""
        return expressions_of(read_gltf(self.find(name).path))


def read_gltf(path: Path) -> dict[str, Any]:
    """The JSON of a glTF file. Raises ``AvatarError`` where it is none, or a part of it is missing."""
    unreadable = AvatarError("avatar_unreadable", f"{path.name} is no whole glTF file", file=path.name)
    with path.open("rb") as file:
        head = file.read(_HEADER.size)
        if len(head) < _HEADER.size:
            raise unreadable
        magic, version, whole, length, kind = _HEADER.unpack(head)
        is_glb = (magic, version, kind) == (b"glTF", 2, _JSON_CHUNK)
        if not is_glb or whole > path.stat().st_size or length > min(whole, _LARGEST_JSON):
            raise unreadable
        content = file.read(length)
    try:
        value = load_json(content)
    except (ValueError, RecursionError) as error:
        raise unreadable from error
    if not isinstance(value, dict):
        raise unreadable
    return value


def check(path: Path) -> None:
    """See that a file is what its ending says it is. Raises ``AvatarError``."""
    wanted = {"VRMC_vrm_animation"} if path.suffix == ANIMATION else {"VRM", "VRMC_vrm"}
    if not wanted & _object(read_gltf(path).get("extensions")).keys():
        raise AvatarError("avatar_unreadable", f"{path.name} is glTF, but no {path.suffix}", file=path.name)


def _cut_to_its_size(path: Path) -> None:
    """What stands behind the end that a file tells is no part of it, and may be anything."""
    with path.open("rb+") as file:
        _, _, whole, _, _ = _HEADER.unpack(file.read(_HEADER.size))
        file.truncate(whole)


def expressions_of(gltf: Mapping[str, Any]) -> list[str]:
    """The names of the expressions of a model of either version, in its order."""
    extensions = _object(gltf.get("extensions"))
    newer = _object(_object(extensions.get("VRMC_vrm")).get("expressions"))
    groups = _object(_object(extensions.get("VRM")).get("blendShapeMaster")).get("blendShapeGroups")
    older = [one for one in (groups if isinstance(groups, list) else []) if isinstance(one, dict)]
    presets = ((group.get("presetName"), group.get("name")) for group in older)
    named = [preset if preset and preset != "unknown" else name for preset, name in presets]
    names = (*_object(newer.get("preset")), *_object(newer.get("custom")), *named)
    return [str(name) for name in dict.fromkeys(names) if name]


def _texts(names: object) -> list[str]:
    return [str(name) for name in (names if isinstance(names, list | tuple) else [names]) if name]


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
