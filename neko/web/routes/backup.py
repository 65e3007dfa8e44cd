"""One file with all that matters of the data folder, and back: made, told, made ready for the next start.

There is one backup or restore at a time. Whoever looks at it asks for it again while ``state`` is a working one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field
from starlette.responses import FileResponse, Response

from neko import pending_restore
from neko.app.backups.layout import KeptCharacter
from neko.app.backups.running import Backups, Job, State
from neko.i18n import describe
from neko.tasks import in_thread
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.request_body import BodyFormat
from neko.web.request_language import request_language
from neko.web.routes.agent_schemas import PRIVATE
from neko.web.schemas import Empty, Schema
from neko.web.upload import Upload, save_upload

LARGEST: Final = 16 << 30
"""Bytes of a backup that is sent."""
_MOST_TOLD: Final = 200


class MadeShape(Schema):
    """``size`` in bytes. ``left_out``: files that hold keys and so are not in it; ``unread`` could not be read.
    ``links`` lead elsewhere, ``others`` lie in the data folder and are none of Neko's: neither is in it."""

    name: str
    size: int
    files: int
    left_out: list[str]
    unread: list[str]
    links: list[str]
    others: list[str]


class ChangeShape(Schema):
    """Files of one part of the data folder: how many come that are not there, are there otherwise, are the same, and
    are there but not in the backup."""

    part: str
    new: int
    different: int
    same: int
    gone: int


class CharacterLines(Schema):
    """``lines`` is null where they cannot be counted."""

    lines: int | None


class TalkShape(Schema):
    """A character in the backup and here; null where she is not."""

    name: str
    kept: CharacterLines | None
    here: CharacterLines | None


class ReportShape(Schema):
    """``made``: ISO 8601, local time. ``secrets`` are files with keys, which are in it if it is ``sealed``."""

    made: str
    size: int
    files: int
    sealed: bool
    secrets: list[str]
    changes: list[ChangeShape]
    characters: list[TalkShape]


class BackupShape(Schema):
    """``making``, ``looking`` and ``staging`` go on by themselves, ``done`` of ``total`` bytes. ``staged``: what was
    looked through takes the place of the data folder when Neko is started again. ``before``: where that is kept which a
    restore took the place of at this start, "" for none. ``remedy``: what can be done about ``error``."""

    state: Literal["none", "making", "made", "looking", "looked", "staging", "staged", "failed"]
    done: int = 0
    total: int = 0
    made: MadeShape | None = None
    report: ReportShape | None = None
    error: str = ""
    remedy: str = ""
    before: str = ""


class Passphrase(Schema):
    """ "" for without keys."""

    passphrase: str = Field("", max_length=1_000)


@get("/api/backup", response=BackupShape, summary="The backup or restore, and how far it is")
async def state(call: Call) -> BackupShape:
    return await _shape(call)


@post(
    "/api/backup",
    body=Passphrase,
    response=BackupShape,
    summary="Begin a backup of all that matters of the data folder",
    failures={400: "The passphrase is too short.", 409: "A backup or restore is running."},
)
async def make(call: Call[Passphrase, Empty, Empty]) -> BackupShape:
    await _free(call).make(call.body.passphrase)
    return await _shape(call)


@get(
    "/api/backup/file",
    response=Empty,
    produces="application/zip",
    summary="The backup that was made",
    failures={404: "There is none."},
)
async def file(call: Call) -> Response:
    job = call.neko.backups.current
    if job is None or job.made is None or job.state is not State.MADE:
        raise HTTPError(404, "no_backup_made", "No backup was made, or it is gone: make it again.")
    return FileResponse(job.file, media_type="application/zip", filename=job.file.name, headers=PRIVATE)


@post(
    "/api/backup/restore",
    body=Empty,
    body_format=BodyFormat.MULTIPART,
    upload=Upload("file", LARGEST),
    response=BackupShape,
    summary="Send a backup to be restored. Nothing changes yet: the answer comes to tell what would",
    failures={409: "A backup or restore is running."},
)
async def send(call: Call) -> BackupShape:
    async with _free(call).receiving(call.files[0].filename or "") as place:
        await save_upload(call.files[0], place)
    return await _shape(call)


@post(
    "/api/backup/restore/start",
    body=Passphrase,
    response=BackupShape,
    summary="Make what was told ready to take the place of the data folder at the next start",
    failures={409: "There is nothing to restore, or something is running."},
)
async def stage(call: Call[Passphrase, Empty, Empty]) -> BackupShape:
    if not await _free(call).stage(call.body.passphrase):
        raise HTTPError(409, "nothing_to_restore", "There is nothing to restore: send the file again.")
    return await _shape(call)


@post(
    "/api/backup/discard",
    response=BackupShape,
    summary="Cut short what is running, and forget it and its files; nothing is restored at the next start",
)
async def discard(call: Call) -> BackupShape:
    await call.neko.backups.discard()
    return await _shape(call)


def _free(call: Call[Any, Any, Any]) -> Backups:
    backups: Backups = call.neko.backups
    if backups.is_busy:
        raise HTTPError(409, "backup_runs", "A backup or restore is running: wait for its end, or stop it.")
    return backups


async def _shape(call: Call[Any, Any, Any]) -> BackupShape:
    job: Job | None = call.neko.backups.current
    if job is None:
        folder = call.neko.folder
        is_ready = await in_thread(pending_restore.is_ready, folder.path)
        return BackupShape(state="staged" if is_ready else "none", before=str(folder.before or ""))
    error = describe(job.error, request_language(call.request, call.neko)) if job.error else None
    return BackupShape(
        state=job.state.value,
        done=job.done,
        total=job.total,
        made=_made(job.file, job),
        report=_report(job),
        error=error.whole if error else "",
        remedy=error.remedy if error else "",
    )


def _made(file: Path, job: Job) -> MadeShape | None:
    made = job.made
    if made is None:
        return None
    return MadeShape(
        name=file.name,
        size=made.size,
        files=made.files,
        left_out=list(made.left_out)[:_MOST_TOLD],
        unread=list(made.unread)[:_MOST_TOLD],
        links=list(made.links)[:_MOST_TOLD],
        others=list(made.others)[:_MOST_TOLD],
    )


def _report(job: Job) -> ReportShape | None:
    report = job.report
    if report is None:
        return None
    return ReportShape(
        made=report.manifest.made,
        size=report.size,
        files=len(report.manifest.files),
        sealed=report.manifest.sealed,
        secrets=list(report.manifest.secrets)[:_MOST_TOLD],
        changes=[
            ChangeShape(part=one.part, new=one.new, different=one.different, same=one.same, gone=one.gone)
            for one in report.changes
        ],
        characters=[
            TalkShape(name=one.name, kept=_lines(one.kept), here=_lines(one.here)) for one in report.talks[:_MOST_TOLD]
        ],
    )


def _lines(character: KeptCharacter | None) -> CharacterLines | None:
    return None if character is None else CharacterLines(lines=character.lines)


ENDPOINTS = (state, make, file, send, stage, discard)
