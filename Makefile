# Cloakroom. `make run` needs Python 3.11 or newer and nothing else.
.SUFFIXES:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV   = .venv
BIN    = $(VENV)/bin

.PHONY: help run test check fuzz bench clean

help:  ## Say what can be made.
	@sed -n 's/^\([a-z]*\):.*  ## /\1\t/p' Makefile | expand -t 12

run: $(VENV)/.run  ## Start everything; Ctrl-C stops it, the data stays in var/.
	@exec env CLOAKROOM_FOLLOWS_PARENT=1 $(BIN)/python app.py

test: $(VENV)/.dev  ## Run every test; installs what it needs where it may.
	@exec sh .ci/provide
	@exec $(BIN)/python -m pytest $(TESTS)

check: $(VENV)/.dev  ## Format, lint, types, import directions, templates and translations.
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh .ci/lint

fuzz: $(VENV)/.dev  ## Throw broken bytes at every parser, CLOAKROOM_FUZZ of them at each (100,000).
	@exec env CLOAKROOM_FUZZ=$${CLOAKROOM_FUZZ:-100000} $(BIN)/python -m pytest -q --timeout 0 tests/fuzz

bench: $(VENV)/.dev  ## Measure beside the peers that this machine has.
	@exec $(BIN)/python -m bench

clean:  ## Remove what was built here; data in var/ stays.
	rm -rf $(VENV) node_modules tests/foreign/node_modules .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than what it was made from, so that a second run installs nothing.
$(VENV)/.run: requirements.txt
	@sh .ci/venv "$(PYTHON)" $(VENV) requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt
	@sh .ci/venv "$(PYTHON)" $(VENV) requirements-dev.txt
	@touch $(VENV)/.run $@
