"""Answers that are made without the models of the calls: what is told before anybody has made a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from neko.app import Neko


def plain_json(values: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer as UTF-8 JSON that no cache keeps, as ``errors.json_response`` makes it of a model."""
    return JSONResponse(values, status, {"cache-control": "no-store", **(headers or {})})


def plain_failure(
    error: str, code: str, remedy: str, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """What ``schemas.Failure`` tells."""
    failure = {"success": False, "error": error, "code": code, "said": "", "remedy": remedy, "link": None}
    return plain_json(failure, status, headers)


def health(neko: Neko) -> Response:
    """What ``routes.health.Health`` tells."""
    return plain_json({"app": "N.E.K.O", "service": "main", "status": "ok", "instance_id": neko.instance_id})
