"""The core object: ``Neko`` and the parts that it offers as attributes, one file each."""

from neko.app.neko import Neko

__all__ = ["Neko"]
