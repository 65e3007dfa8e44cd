"""Recall in a character's own log and, where the user wants it so, in those of others.

Each log is searched by itself: nothing of another is ever written into hers.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from neko.errors import NekoError
from neko.sessions.dependencies import SessionDependencies
from neko.tasks import together
from neko.types.lines import LineElsewhere
from neko.types.memory import Evidence

logger = logging.getLogger(__name__)


async def recall_also(
    character: str,
    dependencies: SessionDependencies,
    query: str,
    *,
    limit: int,
    context: Sequence[str] = (),
    within: tuple[datetime, datetime] | None = None,
) -> list[Evidence]:
    """``Recall.recall`` with the lines of those among its results whose talks she knows too, ``limit`` in all.

    Raises what the search of her own log raises. A log of others that cannot be searched is left out.
    """
    memory, now = dependencies.memory, dependencies.now()

    async def of(name: str) -> list[Evidence]:
        try:
            return await memory.recall(name, query, limit=limit, context=context, now=now, within=within)
        except NekoError as error:
            if name == character:
                raise
            logger.warning("%s: what %s was told is not recalled: %s", character, name, error.code)
            return []

    names = [name for name in dependencies.also_knows() if name != character]
    own = await of(character)  # by itself: logs that are searched at once share the processor, and each has a deadline
    others = await together(*map(of, names))
    still = dependencies.also_knows()
    found = {name: hits for name, hits in zip(names, others, strict=True) if hits and name in still}
    if not found:
        return own
    told = [_told_elsewhere(evidence, name) for name, hits in found.items() for evidence in hits]
    ranked = [evidence for evidence in (*own, *told) if evidence]
    return sorted(ranked, key=lambda one: -one.score * one.coverage)[:limit]


def _told_elsewhere(evidence: Evidence, name: str) -> Evidence | None:
    """The evidence as that of somebody else, None for what is no line: her sources are none of this log's."""
    if evidence.layer != "line":
        return None
    return replace(evidence, sources=(), elsewhere=LineElsewhere(name, evidence.sources[0]))
