"""Plug-ins that others have written with ``neko.plugin``, each in a process of its own (``child``), as a hand."""
