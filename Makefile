# `make` lists the targets.  Nothing but python3 (3.11 or newer, with venv) and make is needed; each target sets up what it uses.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# Arguments for pytest: make test ARGS="tests/unit -k digest"
ARGS   ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv dev system-packages demo test check bench docs requirements clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A copied checkout brings scripts that point to the old one: its environment counts as out of date.
ifneq ($(shell cat $(VENV)/.home 2>/dev/null),$(abspath $(VENV)))
STALE := stale
.PHONY: stale
stale:
endif

SET_UP := tools/make-venv pyproject.toml requirements/build.txt

$(VENV)/.run: $(SET_UP) requirements/run.txt $(STALE)
	@tools/make-venv "$(PYTHON)" "$(VENV)" run
	@touch $@

$(VENV)/.dev: $(SET_UP) requirements/dev.txt $(STALE)
	@tools/make-venv "$(PYTHON)" "$(VENV)" dev
	@touch $@ $(VENV)/.run

venv: $(VENV)/.run  ## leave the program at .venv/bin/penstock
	@:

dev: $(VENV)/.dev  ## the same, with the tools of development
	@:

$(VENV)/.azurite: tools/make-azurite tools/azurite/package-lock.json $(VENV)/.dev
	@tools/make-azurite "$(VENV)/azurite"
	@touch $@

# Sources of other build systems: their libraries want Kerberos headers, and without them those tests are skipped.
$(VENV)/.koji: requirements/koji.txt $(VENV)/.dev | system-packages
	@$(BIN)/python -m pip --disable-pip-version-check --no-input install -qq --require-hashes -r $< || \
		echo "penstock: requirements/koji.txt could not be installed, so koji: and errata: are not tested" >&2
	@touch $@

system-packages: $(VENV)/.dev
	@$(BIN)/python tools/system_packages.py

demo: $(VENV)/.run  ## the road on embedded parts, in under a minute
	@$(BIN)/penstock demo

test: $(VENV)/.dev system-packages $(VENV)/.azurite $(VENV)/.koji  ## everything: lint, types, layers, unit, contract and integration tests
	@PATH="$$PATH:$(abspath $(VENV))/azurite/node_modules/.bin" $(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

# Properties draw 25 examples here, and hypothesis's own 100 in `make test`.
check: $(VENV)/.dev  ## before each commit: format, lint, types, layers, unit tests
	@$(BIN)/ruff format --check --quiet . || { echo "penstock: ruff format . mends the files above" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest -q -n auto --hypothesis-profile=quick -m "not lint" tests/unit tests/arch tests/docs/test_cli_reference.py

bench: $(VENV)/.dev system-packages $(VENV)/.azurite  ## speed and memory, as ratios against a peer in the same run
	@PATH="$$PATH:$(abspath $(VENV))/azurite/node_modules/.bin"; for measure in benchmarks/[a-z]*.py; do $(BIN)/python $$measure || exit 1; done

docs: $(VENV)/.dev  ## the documentation, in docs/_build/html
	@$(BIN)/sphinx-build -W --keep-going -n -q -b html docs docs/_build/html

requirements: $(VENV)/.dev  ## compile requirements/ again (UPGRADE=--upgrade takes newer versions)
	@tools/compile-requirements $(BIN)/uv $(UPGRADE)

clean:  ## remove what the targets made
	rm -rf $(VENV) docs/_build dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests tools -name __pycache__ -prune -exec rm -rf {} +
