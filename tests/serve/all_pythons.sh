#!/bin/sh
# Repeats the tests of starting and stopping on every Python from 3.11 to 3.13 that runs here.
set -u
cd "$(dirname "$0")/../.." || exit 1
failed=""
candidates="python3.11 python3.12 python3.13"
# A version manager hides what it has not switched on.
if command -v pyenv >/dev/null 2>&1; then
  for folder in "$(pyenv root)"/versions/3.1[123].*; do candidates="$candidates $folder/bin/python"; done
fi
done_versions=""
for python in $candidates; do
  version=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue
  case " $done_versions " in *" $version "*) continue ;; esac
  done_versions="$done_versions $version"
  venv=".venv/pythons/$version"
  echo "── Python $version"
  if [ ! -f "$venv/.installed" ] || [ pyproject.toml -nt "$venv/.installed" ]; then
    "$python" -m venv --clear "$venv" && "$venv/bin/python" -m pip install -q -e '.[test]' && touch "$venv/.installed" || exit 1
  fi
  "$venv/bin/python" -m pytest -q tests/serve "$@" || failed="$failed $version"
done
[ -z "$failed" ] || { echo "failed on:$failed"; exit 1; }
