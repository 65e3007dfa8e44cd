"""One exception tree for everything that can go wrong and reach a user.

NekoError
├── ConfigError            a setting, file or folder is unusable
│   ├── DataFolderError    the data folder cannot be used
│   │   └── DataFolderInUseError    by another Neko
│   ├── DamagedFileError   a file does not parse; it is kept aside, never overwritten
│   │   ├── ReadLenientlyError      what can be read of it counts
│   │   ├── BackupUsedError         its content before the last save counts
│   │   ├── DefaultsUsedError       there is no such content
│   │   ├── UntouchedFileError      it stands where it was
│   │   ├── DamagedLogError         a conversation; what could be read of it was taken over
│   │   └── UntouchedLogError       a conversation that stands where it was
│   ├── UnreadableFileError    a file cannot be read
│   ├── UnwritableFileError    a file cannot be written
│   │   └── DiskFullError
│   ├── UnusableValueError     a file holds a value that cannot be used, which is passed over
│   ├── UnusableVariableError  the same of a variable of the environment
│   ├── UnusableNameError      a character's name cannot be that of a file
│   ├── ProgramFolderError  neko.memory_errors: the data folder is that of N.E.K.O.'s program
│   ├── PortTakenError     neko.serve.listener: another program listens there
│   ├── RemoteBusError     neko.bus_errors: the sockets to another process cannot be used; its code says why
│   └── AddressError       neko.serve.listener: the address cannot be listened on at all
├── InputError             a client sent something we cannot use
│   ├── FrameError             a socket frame that is no action; its code says why
│   ├── AvatarError            neko.avatar_errors: a model of an avatar is not there, or what was sent cannot be one
│   ├── WorkshopError          neko.workshop_errors: a file or folder of the Workshop cannot be used so
│   ├── BackupError            neko.backup_errors: a backup of the data folder cannot be made or used; its code says why
│   ├── VoiceSampleError       neko.speech_errors: no voice can be made of a recording; its code says why
│   ├── VoiceClonerMissingError  neko.speech_errors: nothing here can make a voice of a recording
│   ├── CharacterError         a name or a deed with a character that cannot be; its reason says why
│   ├── SettingError           a choice of settings that cannot be; its code says why
│   │   └── PinnedSettingError      the environment decides it
│   └── HTTPError              neko.web.errors: a request that is not served; its code says why
├── SlowStartError         neko.sessions.session_slot: this computer was too busy to get ready
├── LocalOnlyError         another machine would have been contacted, which is switched off
├── ProxyError             the proxy that the environment names cannot be used
│   └── SocksSupportError      it speaks SOCKS, and the package for that is not installed
├── ModelError             the language model or its provider failed
│   ├── ModelUnreachableError       no connection
│   │   ├── ModelHostUnknownError       no such name (DNS)
│   │   ├── ModelTLSError               a certificate that is not trusted, expired or another's
│   │   └── ModelSchemeError            https asked of an http server, or http of an https one
│   ├── ModelAddressError           the address cannot be one
│   ├── ModelWrongPathError         404 or 405 that is not about the model
│   ├── NoModelListError            404 or 405 where the list of models should be
│   ├── ModelRedirectedError        3xx that is not followed
│   ├── ModelWebPageError           a web page in place of an answer
│   ├── ModelTimeoutError           silence in the middle of a reply
│   │   └── ModelSilentError            no first word
│   ├── ModelStreamBrokenError      the reply stopped in the middle or was not understood
│   ├── ModelSessionEndedError      a provider ended a voice session, as it does with all after a time
│   ├── ModelReplyLostError         a session was lost in the middle of a reply; another goes on with the talk
│   ├── ModelCallNotBegunError      a provider closed the connection before it had taken the call
│   ├── ModelCallLostError          one session of a call after the other was lost; the call is over
│   ├── ModelEmptyReplyError        a good answer without a word in it
│   ├── ModelReplyCutError          the reply reached its length limit; what there is of it is good
│   │   ├── ReplyTooLongError           our own limit
│   │   └── ReplyLimitSpentError        the user's limit, reached before the first word
│   ├── ModelContentFilteredError   the provider or the model would not answer this
│   ├── ModelLoadingError           the server lives and is still loading the model
│   ├── ModelKeyRefusedError        401, 403
│   │   └── ModelKeyLetterError         it holds a character that no key holds; not sent
│   ├── ModelForbiddenError         403 for another reason than the key: region, terms
│   ├── ModelNotFoundError          404 about the model
│   │   ├── ModelNotPulledError         Ollama does not have it yet
│   │   ├── NoModelLoadedError          the server runs without a model
│   │   └── NoModelYetError             the server has none at all
│   ├── ModelRateLimitedError       429
│   ├── ModelOutOfCreditError       402, or a billing message
│   ├── ModelBadRequestError        other 4xx
│   │   ├── ContextTooLongError         the talk is longer than the model takes; asked again shorter
│   │   ├── ToolsRefusedError           the model takes no tools; asked again without
│   │   ├── PicturesRefusedError        the model takes no pictures
│   │   ├── ParameterRefusedError       one field of the request is not taken; its name says which
│   │   └── ModelPartRefusedError       something in a call, which goes on (neko.sessions.models.realtime.faults)
│   ├── ModelServerError            5xx
│   ├── LocalEmbeddingError         a model here cannot tell what is alike (neko.embedding_errors)
│   │   └── EmbedderFailedError         its process failed, and is started again
│   └── SmallModelError             the small model on this computer could not be loaded (neko.small_model_errors)
│       ├── SmallModelMissingError      what runs it is not installed
│       ├── SmallModelNoFileError       its file is not there or cannot be read
│       ├── SmallModelFileError         its file is no GGUF
│       ├── SmallModelMemoryError       there is not enough memory for it
│       └── SmallModelDiedError         it ended by itself too often
├── SpeechError            speech synthesis or conversion failed (its causes: neko.speech_errors)
│   ├── SpeechRefusedError     the speech server answered with an error
│   │   └── SpeechKeyRefusedError  401, 402, 403: in vain until the key is another
│   │       └── SpeechKeyMissingError  there is none; nothing was asked
│   ├── SpeechSilentError      it cannot be reached, or went silent
│   ├── SpeechCutError         it broke off
│   ├── SpeechUnreadableError  what it sent is no sound that can be decoded
│   ├── SpeechNotInstalledError  what it speaks through is not installed
│   ├── SpeechTooLongError     the reply runs too far ahead of its sound
│   └── LocalVoiceError        a voice that is installed here does not work
├── HearingError           what was spoken could not be turned into words (its causes: neko.hearing_errors)
│   ├── HearingRefusedError    the server of the recogniser answered with an error
│   │   └── HearingKeyError        401, 403: it does not take the key
│   ├── HearingSilentError     it cannot be reached, or went silent
│   ├── HearingCutError        its answer broke off
│   ├── HearingUnreadableError  what it sent holds no words
│   ├── HearingBusyError       more is waiting than can be recognised
│   ├── HearingPrivateError    the user wants not to be heard
│   ├── HearingModelError      the model on this computer cannot be loaded, or ended too often
│   └── NothingHearsError      no recogniser is there
├── ModelFetchError        a model could not be fetched (neko.hearing_errors)
├── SteamError             neko.steam_errors: Steam cannot be asked, or said no; its code says why
├── ToolServerError        neko.tool_errors: an MCP server cannot be used; its code says why
├── AgentError             neko.tool_errors: the agent does not do what it was asked to; its code says why
├── PluginError            neko.tool_errors: a plug-in cannot be used; its code says why
├── ComputerError          neko.tool_errors: screen, mouse and keyboard cannot be used; its code says why
├── BrowserError           neko.tool_errors: the browser that she drives cannot be started, or has ended
└── MemoryStoreError       the log cannot be read or written
    ├── MemoryTooNewError      it was made by a newer Neko
    ├── LinesPutBackError      neko.memory_errors: it had lost the last lines, which were still known
    ├── BackupFailedError      neko.memory_errors: a backup of it could not be made; the log itself is whole
    ├── NotForgottenError      neko.memory_errors: the disk is too full to delete words, which are still there
    ├── NotSavedError          neko.memory_errors: the disk is too full for what the user changes by hand
    ├── NotTakenOverError      neko.memory_errors: N.E.K.O.'s folder of a character has not been taken over yet
    ├── TakenOverError         neko.memory_errors: it has; nothing is wrong, or a part could not be read
    ├── LogMovedError          its file had gone and was written anew
    ├── LogReplacedError       another file had been put in its place
    ├── MemorySlowError        it did not answer in time; what it was asked to write may be written yet
    │   └── MemoryLateError    neko.memory_errors: a session began without it
    └── RecallTimeoutError     looking for what was said took too long
    MemoNotRenewedError        a model will not sum up what was said
    UnreadEntriesError         some of a recent window is nothing that was said

Fifteen more say that our own code is wrong or are caught where they arise, and stand outside the tree: BusMessageError
(neko.bus), a message of the wrong shape for its topic, is a TypeError; WebSocketRefusedError and WebSocketClosedError
(neko.net) are ConnectionErrors; SumTooLargeError (neko.sessions.models.builtin.arithmetic) is an ArithmeticError;
ConnectionClosedError and FileMovedError (neko.memory.sqlite_errors) are errors of SQLite; ActionError
(neko.types.hands) tells the agent's model why what it wants cannot be done as it stands; SchemaError
(neko.agent.plugins.checking), LoadError (neko.agent.plugins.child.loading) and RefusedCallError
(neko.agent.plugins.child.running) are told as a PluginError, SteamAnswerError (neko.steam.connection) as a SteamError;
ArchiveError and ArchiveNameError (neko.archives) by whoever reads the archive;
StoppedError (neko.agent.computer.devices) ends what a thread does with the mouse, OutOfTimeError
(neko.memory.running_time) a search; NoMemoError (neko.memory.no_memo) has a memo made without a model.

Every error has a wire ``code`` (a key of ``errors.*`` in ``assets/locales``), a ``permanent`` flag (trying the same
thing again cannot help) and ``params`` that fill the localised sentence; ``said`` is what the other side said of it,
short and without secrets, shown under our sentence. ``str(error)`` is for logs: it never holds keys or the user's
words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class NekoError(Exception):
    """Base of the tree."""

    code: str = "internal"
    permanent: ClassVar[bool] = True

    def __init__(self, detail: str = "", /, **params: str | int | float) -> None:
        super().__init__(detail or self.code)
        self.params: dict[str, str | int | float] = params
        self.said = ""

    @property
    def sentence(self) -> str:
        """The key of the sentence: ``code``, unless the cause has several."""
        return self.code


class ConfigError(NekoError):
    code = "config"


class DataFolderError(ConfigError):
    code = "data_folder"


class DataFolderInUseError(DataFolderError):
    code = "data_folder_in_use"


class DamagedFileError(ConfigError):
    """``params``: file, kept (where it is now), line and column."""

    code = "damaged_file"


class ReadLenientlyError(DamagedFileError):
    code = "damaged_file_read"


class BackupUsedError(DamagedFileError):
    code = "damaged_file_backup"


class DefaultsUsedError(DamagedFileError):
    code = "damaged_file_defaults"


class UntouchedFileError(DamagedFileError):
    """It was found without changing anything. ``params``: file, line, column."""

    code = "damaged_file_untouched"


class DamagedLogError(DamagedFileError):
    """``params``: file, kept; in the run that found it also how many lines could be read (saved), and how many more
    stood in a backup or the recent window (restored)."""

    code = "damaged_log"

    @property
    def sentence(self) -> str:
        if "saved" not in self.params:
            return self.code
        return "damaged_log_restored" if self.params.get("restored") else "damaged_log_saved"


class UntouchedLogError(DamagedFileError):
    """It was found without changing anything. ``params``: file."""

    code = "damaged_log_untouched"


class UnreadableFileError(ConfigError):
    """``params``: file, why."""

    code = "file_unreadable"


class UnwritableFileError(ConfigError):
    """``params``: file, why."""

    code = "file_unwritable"


class DiskFullError(UnwritableFileError):
    """``params``: file."""

    code = "disk_full"


class UnusableValueError(ConfigError):
    """``params``: file, key (dotted), wanted."""

    code = "value_unusable"


class UnusableVariableError(ConfigError):
    """``params``: name, wanted."""

    code = "variable_unusable"


class UnusableNameError(ConfigError):
    """A character of ``characters.json`` whose name cannot be that of a file. ``params``: file, name."""

    code = "name_unusable"


class InputError(NekoError):
    code = "input"


class FrameError(InputError):
    """``failed_mode`` is set when the frame asked for a session that cannot be."""

    def __init__(self, code: str, *, failed_mode: str | None = None, **params: str | int | float) -> None:
        super().__init__(code, **params)
        self.code = code
        self.failed_mode = failed_mode


class CharacterError(InputError):
    """``params``: reason, a plain word; ``code`` follows from it."""

    def __init__(self, detail: str, *, reason: str, **params: str | int | float) -> None:
        super().__init__(detail, reason=reason, **params)
        self.code = "unknown_character" if reason == "unknown_character" else f"character_{reason}"


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
    """``params`` always holds ``model`` and ``provider`` (the names the user knows). ``in_call``: the model is the one
    that answers calls, which is chosen elsewhere."""

    code = "model"
    in_call = False


class ModelUnreachableError(ModelError):
    code = "model_unreachable"
    permanent = False

    @property
    def sentence(self) -> str:
        return "call_unreachable" if self.in_call and type(self) is ModelUnreachableError else self.code


class ModelHostUnknownError(ModelUnreachableError):
    """``params``: host."""

    code = "model_host_unknown"


class ModelTLSError(ModelUnreachableError):
    code = "model_tls"
    permanent = True


class ModelSchemeError(ModelUnreachableError):
    """``params``: scheme, what the server speaks ("http" or "https")."""

    code = "model_scheme"
    permanent = True


class ModelAddressError(ModelError):
    code = "model_address"


class ModelWrongPathError(ModelError):
    code = "model_wrong_path"


class NoModelListError(ModelError):
    code = "no_model_list"


class ModelRedirectedError(ModelError):
    """``params``: place, where to."""

    code = "model_redirected"


class ModelWebPageError(ModelError):
    code = "model_web_page"


class ModelTimeoutError(ModelError):
    code = "model_timeout"
    permanent = False


class ModelSilentError(ModelTimeoutError):
    """It was waited for as long as anybody would: asking again would only begin the wait anew."""

    permanent = True


class ModelStreamBrokenError(ModelError):
    code = "model_stream_broken"
    permanent = False


class ModelSessionEndedError(ModelError):
    code = "model_session_ended"
    permanent = False


class ModelReplyLostError(ModelError):
    code = "model_reply_lost"
    permanent = False


class ModelCallNotBegunError(ModelError):
    code = "call_not_begun"
    permanent = False


class ModelCallLostError(ModelError):
    code = "model_call_lost"
    permanent = False


class ModelEmptyReplyError(ModelError):
    code = "model_empty_reply"
    permanent = False


class ModelReplyCutError(ModelError):
    code = "model_reply_cut"


class ReplyTooLongError(ModelReplyCutError):
    """Cut by us: a model in a loop never stops by itself. Where it is raised to the user there is nothing to keep."""

    code = "reply_too_long"

    @property
    def sentence(self) -> str:
        return "reply_without_end"


class ReplyLimitSpentError(ModelReplyCutError):
    """Raised by who knows of the user's limit. What used it up was a thought: the model has done nothing wrong."""

    code = "reply_limit_spent"


class ModelContentFilteredError(ModelError):
    code = "model_content_filtered"


class ModelLoadingError(ModelError):
    """``params``: seconds, if the server says how long it needs."""

    code = "model_loading"
    permanent = False


class ModelKeyRefusedError(ModelError):
    code = "model_refused_key"

    @property
    def sentence(self) -> str:
        return "call_refused_key" if self.in_call and type(self) is ModelKeyRefusedError else self.code


class ModelKeyLetterError(ModelKeyRefusedError):
    """Refused by us: no header can carry it. ``params``: letter, name (in Unicode), place (counted from 1)."""

    code = "key_letter"


class ModelForbiddenError(ModelError):
    code = "model_forbidden"


class ModelNotFoundError(ModelError):
    code = "model_not_found"


class ModelNotPulledError(ModelNotFoundError):
    code = "model_not_pulled"


class NoModelLoadedError(ModelNotFoundError):
    code = "no_model_loaded"


class NoModelYetError(ModelNotFoundError):
    code = "no_model_yet"


class ModelRateLimitedError(ModelError):
    """``params``: seconds, if the provider says how long to wait; with them minutes and hours.

    A wait of more than two days is told as a long one.
    """

    code = "model_rate_limited"
    permanent = False

    @property
    def sentence(self) -> str:
        seconds = float(self.params.get("seconds", 0))
        if seconds > 2 * 24 * 3600:
            return f"{self.code}_later"
        unit = "" if seconds <= 60 else "_minutes" if seconds <= 7200 else "_hours"
        return self.code + unit


class ModelOutOfCreditError(ModelError):
    code = "model_out_of_credit"


class ModelBadRequestError(ModelError):
    code = "model_bad_request"


class ContextTooLongError(ModelBadRequestError):
    """``limit`` is the most tokens that the model takes, None when the provider does not say."""

    code = "model_context_too_long"
    limit: int | None = None


class ToolsRefusedError(ModelBadRequestError):
    pass


class PicturesRefusedError(ModelBadRequestError):
    code = "model_pictures_refused"


class ParameterRefusedError(ModelBadRequestError):
    """``parameter`` is a key of the request, or what its messages may not be or have: "system", "roles", "empty",
    "fields". ``is_missing``: a key that was not sent and has to be."""

    parameter: str = ""
    is_missing: bool = False


class ModelServerError(ModelError):
    code = "model_server_error"
    permanent = False


class SpeechError(NekoError):
    """``params`` always holds ``engine``, the name the user knows."""

    code = "speech"
    permanent = False


class HearingError(NekoError):
    """``params`` always holds ``engine``, the name the user knows."""

    code = "hearing"
    permanent = False


class MemoryStoreError(NekoError):
    """``params`` always holds ``file`` and ``reason``, a plain word; some reasons have a sentence of their own."""

    code = "memory_store"
    _sentences: ClassVar[Mapping[str, str]] = {
        "full": "memory_full",
        "locked": "memory_locked",
        "read_only": "memory_read_only",
        "unreadable": "memory_unreadable",
        "taken": "memory_taken",
        "gone": "memory_gone",
    }

    @property
    def sentence(self) -> str:
        return self._sentences.get(str(self.params.get("reason")), self.code)


class MemoryTooNewError(MemoryStoreError):
    code = "memory_too_new"


class LogMovedError(MemoryStoreError):
    code = "memory_moved"


class LogReplacedError(MemoryStoreError):
    """``params``: also kept."""

    code = "memory_replaced"


class MemorySlowError(MemoryStoreError):
    code = "memory_slow"


class MemoNotRenewedError(NekoError):
    """A model will not sum up what was said. ``params``: file (the recent window), model, provider."""

    code = "memo_not_renewed"


class UnreadEntriesError(NekoError):
    """Some of what stands in a recent window is nothing that was said. ``params``: file, places (numbers from 1)."""

    code = "unread_entries"


class RecallTimeoutError(MemoryStoreError):
    code = "recall_timeout"
    permanent = False
