"""The process that a plug-in runs in. Of Neko it imports this, ``checking``, ``neko.plugin`` and ``neko.tasks``."""
