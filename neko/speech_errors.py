"""Why a reply could not be spoken; the tree is drawn in ``neko.errors``."""

from __future__ import annotations

from neko.errors import SpeechError


class SpeechRefusedError(SpeechError):
    """``params`` holds ``status`` and ``provider`` too."""

    code = "speech_refused"


class SpeechKeyRefusedError(SpeechRefusedError):
    code = "speech_key_refused"
    permanent = True


class SpeechSilentError(SpeechError):
    code = "speech_silent"


class SpeechCutError(SpeechError):
    code = "speech_cut"


class SpeechUnreadableError(SpeechError):
    code = "speech_unreadable"


class SpeechNotInstalledError(SpeechError):
    """``params`` holds ``extra`` too, the part of the package to be installed."""

    code = "speech_not_installed"
    permanent = True


class SpeechTooLongError(SpeechError):
    code = "speech_too_long"


class LocalVoiceError(SpeechError):
    """Another voice speaks in its place."""

    code = "speech_local"
