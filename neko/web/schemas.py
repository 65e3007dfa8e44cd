"""The pydantic models shared by many routes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

Language = Literal["en", "zh-CN", "zh-TW", "ja", "ko"]

Id = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""Of a line or a chat: what SQLite takes."""

CleanText = Annotated[str, Field(pattern="^[^\ufffd]*$")]
"""Text without the mark of what was none (``neko.well_formed``), as a name that something else must know."""


class Schema(BaseModel):
    """A request or an answer. Built at first use, so that starting costs nothing."""

    model_config = ConfigDict(defer_build=True, populate_by_name=True, allow_inf_nan=False)


class Empty(Schema):
    """A request without fields."""


class Success(Schema):
    success: Literal[True] = True


class Done(Success):
    message: str = ""


class Failure(Schema):
    """The answer to everything that goes wrong: a sentence for a person and a code for a program.

    ``said``: the last line of ``error`` when it is what a provider said of it, for who has a sentence of its own.
    """

    success: Literal[False] = False
    error: str
    code: str
    said: str = ""
    remedy: str = ""
    link: str | None = None


class Unavailable(Failure):
    """With status 503, where pages of N.E.K.O. may look for the sentence in ``message`` (rest.md §8)."""

    message: str = ""


class Problem(Schema):
    """One invalid field, in the form that FastAPI made common."""

    type: str
    loc: list[str | int]
    msg: str
    input: Any = None


class InvalidRequest(Failure):
    detail: list[Problem]


class Detail(Schema):
    detail: str


class JsonObject(RootModel[dict[str, Any]]):
    """Any JSON object."""

    model_config = ConfigDict(defer_build=True)


class Null(RootModel[None]):
    """The JSON value ``null``."""

    model_config = ConfigDict(defer_build=True)
