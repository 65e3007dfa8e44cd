"""Live2D models, VRM files and archives as people send them, and as somebody would who means harm."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
MOC = b"MOC3" + bytes(64)

Files = Mapping[str, bytes]


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def curve(name: str, segments: list[float]) -> dict[str, Any]:
    return {"Target": "Parameter", "Id": name, "Segments": segments}


def motion(*curves: dict[str, Any], counts: tuple[int, int, int]) -> bytes:
    """``counts``: curves, segments, points."""
    number, segments, points = counts
    meta = {"Duration": 1, "CurveCount": number, "TotalSegmentCount": segments, "TotalPointCount": points}
    return as_json({"Version": 3, "Meta": meta, "Curves": list(curves)})


def live2d(name: str = "mio", **references: Any) -> dict[str, bytes]:
    """The files of a small model, by their paths in its folder."""
    config = {
        "Version": 3,
        "FileReferences": {
            "Moc": f"{name}.moc3",
            "Textures": ["textures/texture_00.png"],
            "DisplayInfo": f"{name}.cdi3.json",
            "Motions": {"Idle": [{"File": "motions/idle.motion3.json", "FadeInTime": 0.5}], "TapBody": []},
            "Expressions": [
                {"Name": "happy_smile", "File": "expressions/smile.exp3.json"},
                {"Name": "cry", "File": "expressions/cry.exp3.json"},
            ],
            **references,
        },
        "Groups": [{"Target": "Parameter", "Name": "LipSync", "Ids": ["ParamJaw"]}],
    }
    mouth = motion(
        curve("ParamMouthOpenY", [0, 0, 0, 1, 1]),
        curve("ParamJaw", [0, 0]),
        curve("ParamAngleX", [0, 0, 1, 0.1, 0, 0.2, 1, 0.3, 1, 2, 0.5, 0]),
        counts=(3, 3, 8),
    )
    names = {
        "Parameters": [{"Id": "ParamAngleX", "GroupId": "Head", "Name": "Angle X"}],
        "ParameterGroups": [{"Id": "Head", "GroupId": "", "Name": "Head"}],
    }
    return {
        f"{name}.model3.json": as_json(config),
        f"{name}.moc3": MOC,
        "textures/texture_00.png": PNG,
        f"{name}.cdi3.json": as_json(names),
        "motions/idle.motion3.json": mouth,
        "expressions/smile.exp3.json": as_json({"Type": "Live2D Expression"}),
        "expressions/cry.exp3.json": as_json({"Type": "Live2D Expression"}),
    }


def below(folder: str, files: Files) -> dict[str, bytes]:
    return {f"{folder}/{path}": content for path, content in files.items()}


def archive(files: Files, *, encoding: str = "") -> bytes:
    """A zip; with ``encoding`` its names are in that one, and it does not say so, as old programs write it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as written:
        for path, content in files.items():
            written.writestr(_Raw(path, encoding) if encoding else path, content)
    return buffer.getvalue()


class _Raw(zipfile.ZipInfo):
    def __init__(self, name: str, encoding: str) -> None:
        super().__init__(name)
        self._raw = name.encode(encoding)

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self._raw, self.flag_bits & ~0x800


def glb(extensions: Mapping[str, Any], *, rest: bytes = bytes(64)) -> bytes:
    """A glTF file in its binary form with these extensions; ``rest`` is its other chunk."""
    content = as_json({"asset": {"version": "2.0"}, "extensions": extensions})
    content += b" " * (-len(content) % 4)
    whole = 12 + 8 + len(content) + 8 + len(rest)
    chunk = struct.pack("<II", len(rest), 0x004E4942) + rest
    return struct.pack("<4sIIII", b"glTF", 2, whole, len(content), 0x4E4F534A) + content + chunk


def vrm(**expressions: Any) -> bytes:
    return glb({"VRMC_vrm": {"specVersion": "1.0", "expressions": expressions or {"preset": {"happy": {}}}}})


def vrma() -> bytes:
    return glb({"VRMC_vrm_animation": {"specVersion": "1.0"}})
