"""The whole of Neko as one object: the conversations of ``app.Neko`` with the web in front."""

from __future__ import annotations

from functools import cached_property

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from neko import app
from neko.web.app import create_asgi
from neko.web.socket import Socket


class Neko(app.Neko):
    """``async with Neko(Settings(data_dir=…)) as neko``; then ``neko.chat(…)`` or serve ``neko.asgi``."""

    @cached_property
    def asgi(self) -> Starlette:
        """The HTTP and WebSocket surface, to be served or mounted below another ASGI app.

        It starts and stops nothing: that is what ``async with`` does.
        """

        async def talk(websocket: WebSocket) -> None:
            await Socket(websocket, self).serve(websocket.path_params["character"])

        return create_asgi(self, WebSocketRoute("/ws/{character}", talk))
