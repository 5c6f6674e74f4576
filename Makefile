# `make` prints this list, drawn from the ## comments below.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Some images switch Python's cache off, and then each process of a house compiles it all anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test tests test-postgres lint types floors rules demo chaos cgroup2 bench screenshots lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/installed ## Install what is missing and start everything (Ctrl-C stops it)
	@$(BIN)/intakebot up

demo: $(VENV)/installed ## Play the whole story in a temporary folder
	@$(BIN)/intakebot demo

test: $(VENV)/installed-dev ## Everything that CI runs
	@$(MAKE) --no-print-directory --jobs=2 --output-sync lint floors rules
	@$(MAKE) --no-print-directory --jobs=2 types tests  # mypy needs one processor, tests not always two

tests: $(VENV)/installed-dev
	@$(BIN)/python -m pytest --database both -n 4 --dist loadfile --no-loadscope-reorder -m "not alone"
	@$(BIN)/python -m pytest --database both -m alone $(ALONE)

ALONE = $(shell grep --recursive --files-with-matches --include='*.py' 'mark\.alone' tests)

test-postgres: $(VENV)/installed-dev ## Every test that reaches the house's database, on PostgreSQL
	@$(BIN)/python -m pytest --database postgres -n 4 --dist loadfile --no-loadscope-reorder -m "not alone"
	@$(BIN)/python -m pytest --database postgres -m alone $(ALONE)

chaos: $(VENV)/installed-dev ## Half an hour of faults on the whole house, then of any order (MINUTES=30)
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES)
	@INTAKEBOT_EXAMPLES=60 $(BIN)/python -m pytest -q tests/model

MINUTES ?= 30

cgroup2: $(VENV)/installed-dev ## The sandbox in an emulated machine with systemd and cgroup version 2 (needs QEMU)
	@$(BIN)/python -m tests.vm -q tests/checks/test_cgroup.py tests/checks/test_hostile.py \
		tests/checks/test_disktree.py tests/checks/test_sandbox.py -k "not every_hostile_case"

lint: $(VENV)/installed-dev ## Style and common mistakes (ruff)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/installed-dev ## Types (mypy, strict)
	@$(BIN)/mypy

floors: $(VENV)/installed-dev ## Imports go down only (import-linter)
	@$(BIN)/lint-imports

rules: $(VENV)/installed ## Each rule's examples
	@$(BIN)/intakebot rules test

screenshots: $(VENV)/installed-dev ## The pictures of the pages in docs/, made anew (needs Chromium)
	@INTAKEBOT_SCREENSHOTS=docs/screenshots $(BIN)/python -m pytest -q tests/browser -k pictures

bench: $(VENV)/installed-dev ## What the house costs, in ratios (docs/performance.md); takes a quarter of an hour
	@$(BIN)/python -m benchmarks

lock: ## Lock the newest allowed versions with their hashes (needs pip-tools)
	@$(PYTHON) -m piptools compile --quiet --upgrade $(LOCK) --extra build \
		--output-file requirements.lock pyproject.toml
	@$(PYTHON) -m piptools compile --quiet $(LOCK) --extra build --extra dev --extra postgres \
		--extra pdf --extra parquet --extra world --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

LOCK := --generate-hashes --strip-extras --no-annotate --no-header --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

clean: ## Remove what make made, but not the state in .intakebot
	@rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Hashes refuse `-e .`, so the locked parts come first and the checkout after them, alone.
$(VENV)/installed: requirements.lock pyproject.toml | tools
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

.PHONY: tools
tools:
	@command -v git >/dev/null || { echo "git is missing; run: apt-get install git"; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing; run: apt-get install python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; PYTHON=python3.12 make ... chooses another"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "Python's venv module is missing; run: apt-get install python3-venv"; exit 1; }
