"""Why a reply could not be spoken; the tree is drawn in ``neko.errors``."""

from __future__ import annotations

from neko.errors import InputError, SpeechError


class SpeechRefusedError(SpeechError):
    """``params`` holds ``status`` and ``provider`` too."""

    code = "speech_refused"


class SpeechKeyRefusedError(SpeechRefusedError):
    code = "speech_key_refused"
    permanent = True


class SpeechKeyMissingError(SpeechKeyRefusedError):
    code = "speech_key_missing"


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


class VoiceSampleError(InputError):
    """No voice can be made of a recording; ``code`` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class VoiceClonerMissingError(InputError):
    """Nothing that is set up here can make a voice of a recording."""

    code = "voice_no_cloner"
