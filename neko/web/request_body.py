"""Reading the body of a request: JSON, a form, or files; always counted as it comes in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from neko.tasks import in_thread
from neko.web.errors import HTTPError
from neko.web.pace import allowed_seconds
from neko.web.upload import Upload, UploadParser
from neko.well_formed import load_json

BODY_LIMIT = 512 * 1024
"""Bytes of a request body that is no upload: what can be parsed without holding the others up."""
_FORM_FIELDS = 1000


class BodyFormat(Enum):
    """How a body is encoded; ``FORM`` takes both media types that HTML forms send."""

    JSON = "application/json"
    FORM = "application/x-www-form-urlencoded"
    MULTIPART = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, and the files that came with it: temporary ones, gone after ``aclose``."""

    data: FormData

    def files_of(self, field: str) -> tuple[UploadFile, ...]:
        """The files of one field, in the order of the form."""
        return tuple(value for value in self.data.getlist(field) if isinstance(value, UploadFile))

    async def aclose(self) -> None:
        await self.data.close()


async def read_json(request: Request, limit: int = BODY_LIMIT, broken_status: int = 400) -> Any:
    """The parsed body; an empty object when there is none. Raises ``HTTPError``: 408, 413, 415, and ``broken_status``
    for what is no JSON."""
    body = await _whole(request, limit)
    if not body:
        return {}
    if _media_type(request) != BodyFormat.JSON.value:
        raise HTTPError(415, "not_json", "This call takes application/json, and the request says it is something else.")
    try:
        return (
            load_json(body, strict=True) if len(body) <= BODY_LIMIT else await in_thread(load_json, body, strict=True)
        )
    except (ValueError, RecursionError):
        raise HTTPError(broken_status, "bad_json", "The request body is not valid JSON.") from None


async def read_form(request: Request, upload: Upload | None = None) -> Form:
    """The fields of a form, and with ``upload`` its files. Raises ``HTTPError``: 400, 408, 413, 415, or the check's."""
    kind = _media_type(request)
    if kind == BodyFormat.FORM.value and upload is None:
        return Form(FormData(_pairs(await _whole(request))))
    if kind == BodyFormat.MULTIPART.value:
        limit = upload.limit if upload else BODY_LIMIT
        parser = UploadParser(request.headers, _bounded(request, limit), upload)
        try:
            return Form(await parser.parse())
        except MultiPartException as error:
            raise HTTPError(400, "bad_form", f"The form cannot be read: {error.message}") from error
        except UnicodeError:  # a character set by name that is none of text
            raise HTTPError(400, "bad_form", "The form cannot be read in the character set that it names.") from None
    raise HTTPError(415, "not_a_form", "This call takes a form, and the request says it is something else.")


def _pairs(body: bytes) -> list[tuple[str, str | UploadFile]]:
    try:
        return [*parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FORM_FIELDS)]
    except ValueError:
        raise HTTPError(400, "bad_form", "The form cannot be read.") from None


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


async def _whole(request: Request, limit: int = BODY_LIMIT) -> bytes:
    body = bytearray()
    async for chunk in _bounded(request, limit):
        body += chunk
    return bytes(body)


async def _bounded(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """The body as it comes in; ``HTTPError`` once it is larger than ``limit`` bytes, or too slow."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    size = 0
    began = asyncio.get_running_loop().time()
    chunks = request.stream()
    while True:
        try:
            async with asyncio.timeout_at(began + allowed_seconds(size)):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise HTTPError(408, "too_slow", "The rest of the request did not come.") from None
        if chunk is None:
            return
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> HTTPError:
    return HTTPError(413, "too_large", f"The request body is larger than {limit // 1024} KiB.")
