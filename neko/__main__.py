"""``python -m neko``: start Neko, let ``doctor`` look her over, fetch ``models``, mend a ``memory``, or keep all
of it in a ``backup``."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from neko.errors import NekoError
from neko.i18n import describe, known
from neko.language import system_language
from neko.settings import Settings
from neko.whole_bytecode import keep_whole

ENDED_BY_CTRL_C = 130
OUTPUT_CLOSED = 141
"""As a shell has it for a program that nobody reads from any more."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code: 0 is well, 1 is a sentence on stderr, 2 is wrong usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    environ = dict(os.environ)
    keep_whole()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: its threads cost recall twice the time they give
    try:
        return _told(arguments, environ)
    except KeyboardInterrupt:
        return ENDED_BY_CTRL_C
    except (
        BrokenPipeError
    ):  # nobody reads any more, as with ``| head``; what else breaks is dealt with where it is used
        _write_nothing_more()
        return OUTPUT_CLOSED


def _told(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run it until all that it says has been written."""
    try:
        return _run(arguments, environ)
    except NekoError as error:
        print(explain(error, environ), file=sys.stderr)
        return 1
    finally:
        sys.stdout.flush()


def _write_nothing_more() -> None:
    """Have what is still to be written go nowhere, so that the end of Python does not fail of it
    (https://docs.python.org/3/library/signal.html#note-on-sigpipe)."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())


def _run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    gc.disable()  # nothing of what is imported is garbage: looking through it takes a twentieth of the start
    run = _command(arguments[:1])
    gc.enable()
    gc.set_threshold(10_000, 20, 20)
    return run(arguments, environ)


def _command(name: Sequence[str]) -> Callable[[Sequence[str], Mapping[str, str]], int]:
    """What the first argument asks for; only its modules are loaded."""
    if name == ["doctor"]:
        from neko import doctor

        return lambda arguments, environ: doctor.run(Settings.from_command_line(arguments[1:], environ))
    if name == ["models"]:
        from neko import models_command

        return lambda arguments, environ: models_command.run(arguments[1:], environ)
    if name == ["bus-keys"]:
        from neko import bus_command

        return lambda arguments, _environ: bus_command.run(arguments[1:])
    if name == ["memory"]:
        from neko import memory_command

        return lambda arguments, environ: memory_command.run(arguments[1:], environ)
    if name in (["backup"], ["restore"]):
        from neko import backup_command

        return backup_command.run
    if name == ["import"]:
        from neko import import_command

        return lambda arguments, environ: import_command.run(arguments[1:], environ)
    from neko import serve

    return lambda arguments, environ: serve.run(Settings.from_command_line(arguments, environ))


def explain(error: NekoError, environ: Mapping[str, str]) -> str:
    """What happened and what to do, in the reader's language where there is a sentence for it."""
    language = system_language(environ)
    if not known(error.code, language):
        return str(error)
    notice = describe(error, language)
    gap = "" if language.startswith(("zh", "ja")) else " "
    return f"{notice.text}{gap}{notice.remedy}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
