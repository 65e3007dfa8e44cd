"""One exception tree for everything that can go wrong and reach a user.

NekoError
├── ConfigError            a setting, file or folder is unusable
│   ├── DataFolderError    the data folder cannot be used
│   │   └── DataFolderInUseError    by another Neko
│   ├── DamagedFileError   a file does not parse; it is kept aside, never overwritten
│   ├── PortTakenError     neko.serve: another program listens there
│   └── AddressError       neko.serve: the address cannot be listened on at all
├── InputError             a client sent something we cannot use
│   ├── FrameError             a socket frame that is no action; its code says why
│   ├── SettingError           a choice of settings that cannot be; its code says why
│   │   └── PinnedSettingError      the environment decides it
│   └── HTTPError              neko.web.errors: a request that is not served; its code says why
├── LocalOnlyError         another machine would have been contacted, which is switched off
├── ProxyError             the proxy that the environment names cannot be used
│   └── SocksSupportError      it speaks SOCKS, and the package for that is not installed
├── ModelError             the language model or its provider failed
│   ├── ModelUnreachableError       refused, DNS, TLS
│   ├── ModelTimeoutError           silence in the middle of a reply
│   │   └── ModelSilentError            no first word
│   ├── ModelStreamBrokenError      the reply stopped in the middle or was not understood
│   ├── ModelKeyRefusedError        401, 403
│   ├── ModelNotFoundError          404
│   ├── ModelRateLimitedError       429
│   ├── ModelOutOfCreditError       402, or a billing message
│   ├── ModelBadRequestError        other 4xx
│   │   └── ToolsRefusedError           the model takes no tools; asked again without
│   ├── ModelServerError       5xx
│   └── VoiceUnavailableError       the chosen model neither hears nor speaks
├── SpeechError            speech synthesis or conversion failed
└── MemoryStoreError       the log cannot be read or written
    ├── MemoryTooNewError      it was made by a newer Neko
    └── RecallTimeoutError     looking for what was said took too long

Four more say that our own code is wrong or are caught where they arise, and stand outside the tree:
BusMessageError (neko.bus), a message of the wrong shape for its topic, is a TypeError;
WebSocketRefusedError and WebSocketClosedError (neko.net) are ConnectionErrors;
SumTooLargeError (neko.sessions.models.builtin.arithmetic) is an ArithmeticError.

Every error has a wire ``code`` (a key of ``errors.*`` in ``assets/locales``), a
``permanent`` flag (trying the same thing again cannot help) and ``params`` that fill the
localised sentence. ``str(error)`` is for logs: it never holds keys or the user's words.
"""

from __future__ import annotations

from typing import ClassVar


class NekoError(Exception):
    """Base of the tree."""

    code: str = "internal"
    permanent: ClassVar[bool] = True

    def __init__(self, detail: str = "", /, **params: str | int | float) -> None:
        super().__init__(detail or self.code)
        self.params: dict[str, str | int | float] = params


class ConfigError(NekoError):
    code = "config"


class DataFolderError(ConfigError):
    code = "data_folder"


class DataFolderInUseError(DataFolderError):
    code = "data_folder_in_use"


class DamagedFileError(ConfigError):
    code = "damaged_file"


class InputError(NekoError):
    code = "input"


class FrameError(InputError):
    """``failed_mode`` is set when the frame asked for a session that cannot be."""

    def __init__(self, code: str, *, failed_mode: str | None = None, **params: str | int | float) -> None:
        super().__init__(code, **params)
        self.code = code
        self.failed_mode = failed_mode


class SettingError(InputError):
    """``sentence`` is English and stands in where ``code`` has none in the reader's language."""

    def __init__(self, code: str, sentence: str, **params: str | int | float) -> None:
        super().__init__(sentence, **params)
        self.code = code


class PinnedSettingError(SettingError):
    """``params``: variable."""

    code = "pinned"

    def __init__(self, variable: str) -> None:
        sentence = f"The environment variable {variable} decides this; remove it to choose here."
        super().__init__(self.code, sentence, variable=variable)


class LocalOnlyError(NekoError):
    """``params`` holds ``host``."""

    code = "local_only"


class ProxyError(NekoError):
    """``params``: ``host`` (and port, without a password) and ``reason``, the library's or the proxy's own words."""

    code = "proxy"
    permanent = False


class SocksSupportError(ProxyError):
    code = "socks_support"
    permanent = True


class ModelError(NekoError):
    """``params`` always holds ``model`` and ``provider`` (the names the user knows)."""

    code = "model"


class ModelUnreachableError(ModelError):
    code = "model_unreachable"
    permanent = False


class ModelTimeoutError(ModelError):
    code = "model_timeout"
    permanent = False


class ModelSilentError(ModelTimeoutError):
    """It was waited for as long as anybody would: asking again would only begin the wait anew."""

    permanent = True


class ModelStreamBrokenError(ModelError):
    code = "model_stream_broken"
    permanent = False


class ModelKeyRefusedError(ModelError):
    code = "model_refused_key"


class ModelNotFoundError(ModelError):
    code = "model_not_found"


class ModelRateLimitedError(ModelError):
    code = "model_rate_limited"
    permanent = False


class ModelOutOfCreditError(ModelError):
    code = "model_out_of_credit"


class ModelBadRequestError(ModelError):
    code = "model_bad_request"


class ToolsRefusedError(ModelBadRequestError):
    pass


class ModelServerError(ModelError):
    code = "model_server_error"
    permanent = False


class VoiceUnavailableError(ModelError):
    code = "voice_unavailable"


class SpeechError(NekoError):
    code = "speech"
    permanent = False


class MemoryStoreError(NekoError):
    """``params`` always holds ``file`` and ``reason``, a plain word."""

    code = "memory_store"


class MemoryTooNewError(MemoryStoreError):
    code = "memory_too_new"


class RecallTimeoutError(MemoryStoreError):
    code = "recall_timeout"
    permanent = False
