"""The style sheets of a page in one answer: every further request costs some milliseconds of a start."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from neko.tasks import in_thread
from neko.web.static_files import cache_control

FOLDER = Path(__file__).parent / "static" / "css"


def joined(names: str) -> str | None:
    """Those of these sheets (``tokens+shell``), one after the other; None when one is not there. Blocks."""
    sheets = {path.stem: path for path in FOLDER.glob("*.css")}
    wanted = dict.fromkeys(names.split("+"))
    return "\n".join(sheets[name].read_text("utf-8") for name in wanted) if wanted.keys() <= sheets.keys() else None


async def _show(request: Request) -> Response:
    content = await in_thread(joined, request.path_params["names"])
    if content is None:
        return PlainTextResponse("Not Found", 404)
    return Response(content, media_type="text/css", headers={"cache-control": cache_control(request.scope)})


STYLE_SHEETS = Route("/static/css/{names}.css", _show)
