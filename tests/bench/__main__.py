"""``python -m tests.bench [name …]``: run every ``bench_*.py`` of this folder, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
LONGEST = 1800


def main(wanted: list[str]) -> int:
    failed = []
    for path in sorted(FOLDER.glob("bench_*.py")):
        name = path.stem.removeprefix("bench_")
        if wanted and name not in wanted:
            continue
        print(f"\n── {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"tests.bench.{path.stem}"], timeout=LONGEST, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
