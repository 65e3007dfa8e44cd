"""A folder of files is recognised as a model, and the process runs what its files say."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from neko.audio.hearing.local import LocalHearing
from neko.audio.hearing.models import local_models, model_in
from neko.hearing_errors import HearingModelError
from neko.model_process import Limits
from neko.types.hearing import HEARING_RATE, HearingHints
from tests import scripted_model
from tests.scripted_provider import tone
from tests.seams.hearing import heard

SOUND = tone(1.0, rate=HEARING_RATE)
FOLDERS = {
    "sherpa-onnx-sense-voice-zh-en": ("sense_voice", ["model.int8.onnx", "model.onnx"]),
    "sherpa-onnx-paraformer-zh": ("paraformer", ["model.int8.onnx"]),
    "sherpa-onnx-moonshine-base-en": (
        "moonshine",
        ["preprocess.onnx", "encode.int8.onnx", "uncached_decode.int8.onnx", "cached_decode.int8.onnx"],
    ),
    "sherpa-onnx-streaming-zipformer-en": (
        "transducer",
        [f"{part}-epoch-99-avg-1{size}.onnx" for part in ("encoder", "decoder", "joiner") for size in ("", ".int8")],
    ),
}


@pytest.fixture(autouse=True)
def libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted_model.install(monkeypatch)


def folder(place: Path, names: list[str]) -> Path:
    place.mkdir(parents=True)
    for name in (*names, "tokens.txt"):
        (place / name).write_text(f"from {name}")
    return place


@pytest.mark.parametrize("name", FOLDERS)
async def test_a_folder_of_a_sherpa_model_is_run_as_what_it_is_and_the_small_files_are_taken(
    name: str, tmp_path: Path
) -> None:
    kind, names = FOLDERS[name]
    model = model_in(folder(tmp_path / name, names), name)
    assert model is not None
    engine = LocalHearing(model, tmp_path / "log")
    try:
        text = (await heard(engine, SOUND)).text
    finally:
        await engine.aclose()
    assert text.startswith(f"{kind} from ")
    assert "int8" in text


def test_a_folder_that_lacks_a_file_is_no_model(tmp_path: Path) -> None:
    assert model_in(folder(tmp_path / "half", ["encoder-epoch-99.onnx", "decoder-epoch-99.onnx"]), "half") is None
    (tmp_path / "empty").mkdir()
    assert model_in(tmp_path / "empty", "empty") is None


def test_a_model_of_ones_own_is_found_by_its_folder_and_comes_first(tmp_path: Path) -> None:
    scripted_model.hearing_model(tmp_path / "elsewhere" / "mine")
    scripted_model.hearing_model(tmp_path / "models" / "other")
    found = local_models(tmp_path / "models", str(tmp_path / "elsewhere" / "mine"))
    assert [model.name for model in found[:2]] == [str(tmp_path / "elsewhere" / "mine"), "other"]


async def test_a_model_that_cannot_be_loaded_says_why_and_is_not_tried_again(tmp_path: Path) -> None:
    engine = LocalHearing(scripted_model.hearing_model(tmp_path / "m", error="bad magic"), tmp_path / "log")
    for _ in range(2):
        with pytest.raises(HearingModelError) as failure:
            await heard(engine, SOUND)
        assert "bad magic" in failure.value.said
    assert engine.process_id is None
    await engine.aclose()


async def test_a_process_that_dies_is_started_again_but_not_for_ever(tmp_path: Path) -> None:
    model = scripted_model.hearing_model(tmp_path / "m", dies=True)
    engine = LocalHearing(model, tmp_path / "log", limits=Limits(most_deaths=2))
    kinds = []
    for _ in range(3):
        with pytest.raises(Exception) as failure:  # noqa: PT011  # which one is asserted below
            await heard(engine, SOUND)
        kinds.append(failure.type is HearingModelError)
    assert kinds == [False, True, True]
    await engine.aclose()


async def test_the_hint_names_and_the_script_of_chinese_are_told_to_the_model(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts"
    model = scripted_model.hearing_model(tmp_path / "m", language="zh", prompts=prompts)
    engine = LocalHearing(model, tmp_path / "log")
    recognition = engine.begin("u", HearingHints("zh-TW", ("Mio", "Alex")))
    recognition.feed(SOUND)
    assert (await recognition.finish()).language == "zh"
    await engine.aclose()
    told = "".join(chr(int(one)) for one in prompts.read_text().strip("[]\n").split(",") if int(one) < 0x110000)
    assert "Mio, Alex" in told
    assert "繁體" in told


async def test_a_process_that_nobody_speaks_to_ends_and_comes_back(tmp_path: Path) -> None:
    engine = LocalHearing(scripted_model.hearing_model(tmp_path / "m"), tmp_path / "log", limits=Limits(idle_s=0.05))
    assert (await heard(engine, SOUND)).text
    while engine.process_id is not None:  # noqa: ASYNC110  # it ends by itself
        await asyncio.sleep(0.01)
    assert (await heard(engine, SOUND)).text
    await engine.aclose()
