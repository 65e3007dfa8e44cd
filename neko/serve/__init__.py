"""Serve Neko over HTTP: ``run`` is the whole of it, ``serving`` the part inside another program."""

from neko.serve.listener import AddressError, Listener, PortTakenError, listen, url_of
from neko.serve.run import has_screen, run
from neko.serve.server import HttpServer, serving

__all__ = [
    "AddressError",
    "HttpServer",
    "Listener",
    "PortTakenError",
    "has_screen",
    "listen",
    "run",
    "serving",
    "url_of",
]
