"""How every embedder behaves, whatever makes its vectors.

An implementation joins by a fixture ``subject``; ``test_embedders.py`` shows how.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
import pytest

from neko.errors import ModelError
from neko.types.embedding import Embedder

SECONDS = 60.0
NEAR = ("My sister plays the violin in an orchestra.", "Who plays the violin in an orchestra?")
FAR = "The train to Oslo was late again."


@dataclass(slots=True)
class Subject:
    """``hold`` lets lines that are ``held`` wait, ``busy`` waits until one does, ``release`` lets it go on."""

    embedder: Embedder
    held: str
    busy: Callable[[], Awaitable[None]]
    release: Callable[[], None]


class EmbedderBehaviour:
    """The suite."""

    async def test_each_text_gets_a_vector_of_length_one(self, subject: Subject) -> None:
        vectors = await subject.embedder.embed([*NEAR, FAR], "line")
        assert (vectors.shape[0], vectors.dtype) == (3, np.float32)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)

    async def test_a_question_is_nearest_to_what_answers_it(self, subject: Subject) -> None:
        lines = await subject.embedder.embed([FAR, NEAR[0]], "line")
        question = await subject.embedder.embed([NEAR[1]], "question")
        assert question.shape[1] == lines.shape[1]
        assert np.argmax(lines @ question[0]) == 1

    async def test_many_texts_come_in_their_order(self, subject: Subject) -> None:
        texts = [f"Number {number} of the list." for number in range(75)]
        together = await subject.embedder.embed(texts, "line")
        alone = await subject.embedder.embed([texts[70]], "line")
        assert together.shape[0] == 75
        assert np.allclose(together[70], alone[0], atol=1e-3)

    async def test_no_texts_need_no_vectors(self, subject: Subject) -> None:
        assert (await subject.embedder.embed([], "line")).shape == (0, 0)

    @pytest.mark.parametrize("text", ["", " ", "\0", "half a pair: \ud83d", "猫がいます", "word " * 20_000])
    async def test_any_text_has_a_vector(self, subject: Subject, text: str) -> None:
        async with asyncio.timeout(SECONDS):
            [vector] = await subject.embedder.embed([text], "line")
        assert np.isfinite(vector).all()

    async def test_who_gives_up_waiting_spoils_nothing(self, subject: Subject) -> None:
        waiting = asyncio.get_running_loop().create_task(subject.embedder.embed([subject.held], "line"))
        await subject.busy()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        subject.release()
        async with asyncio.timeout(SECONDS):
            vectors = await subject.embedder.embed([FAR, NEAR[0]], "line")
            alone = await subject.embedder.embed([NEAR[0]], "line")
        assert np.allclose(vectors[1], alone[0], atol=1e-3)

    async def test_getting_ready_can_be_asked_for_again(self, subject: Subject) -> None:
        await subject.embedder.prewarm()
        await subject.embedder.prewarm()
        assert len(await subject.embedder.embed([FAR], "question")) == 1

    async def test_closing_ends_what_is_being_embedded(self, subject: Subject) -> None:
        waiting = asyncio.get_running_loop().create_task(subject.embedder.embed([subject.held], "line"))
        await subject.busy()
        async with asyncio.timeout(SECONDS):
            await subject.embedder.aclose()
            await subject.embedder.aclose()
            with pytest.raises(ModelError):
                await waiting

    async def test_a_closed_embedder_says_so(self, subject: Subject) -> None:
        await subject.embedder.aclose()
        with pytest.raises(ModelError):
            await subject.embedder.embed([FAR], "line")
