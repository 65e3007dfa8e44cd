"""Tables of the settings.

``python -m neko.settings.option_table`` prints every setting; with the name of a file it writes the option
table of that file anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from neko.settings.registry import LAUNCH, SETTINGS
from neko.settings.setting import SWITCH, Place, Setting

BEGIN: Final = "<!-- options: written by `make readme` -->"
END: Final = "<!-- end of options -->"
_TABLE = re.compile(re.escape(BEGIN) + r".*?" + re.escape(END), re.DOTALL)


def option_table() -> str:
    """The launch options, then what only a variable can say."""
    rows = [_row(f"`{setting.flag}`", setting) for setting in LAUNCH]
    rows += [_row("", setting) for setting in SETTINGS if setting.place is Place.ENVIRONMENT]
    return "\n".join(["| option | environment | meaning | default |", "|---|---|---|---|", *rows])


def whole_table() -> str:
    """Every setting, by the place where it is kept."""
    rows = [
        _row(f"`{setting.flag if setting.place is Place.COMMAND_LINE else '.'.join(setting.path)}`", setting)
        for setting in SETTINGS
        if setting.place is not Place.ENVIRONMENT
    ]
    return "\n".join([option_table(), *rows[len(LAUNCH) :]])


def with_option_table(text: str) -> str:
    """``text`` with its option table written anew; raises ``ValueError`` when it has no place for one."""
    written, count = _TABLE.subn(lambda _: f"{BEGIN}\n{option_table()}\n{END}", text)
    if count != 1:
        raise ValueError(f"exactly one table between {BEGIN} and {END} is needed")
    return written


def _row(option: str, setting: Setting[Any]) -> str:
    ending = "=1" if setting.kind is SWITCH else ""
    variables = ", ".join(f"`{name}{ending}`" for name in setting.environment)
    choices = setting.kind.name.removeprefix("one of ")
    meaning = setting.help if choices == setting.kind.name else f"{setting.help}: {choices}"
    default = setting.shown_default or (setting.default if setting.default not in (None, False, (), {}) else "")
    return f"| {option} | {variables} | {meaning} | {_code(default)} |"


def _code(value: object) -> str:
    return f"`{value}`" if value not in ("", None) else ""


def main(names: Sequence[str]) -> None:
    if not names:
        sys.stdout.write(whole_table() + "\n")
    for path in map(Path, names):
        path.write_text(with_option_table(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
