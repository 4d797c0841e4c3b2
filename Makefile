# Steward. `make` alone tells what there is.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
BABEL = $(BIN)/python -m babel.messages.frontend --quiet
STATIC := $(shell find static -type f ! -name "*.gz" ! -name "*.br" 2>/dev/null | sed "s/ /\\\\ /g")
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install run test check format translations bench clean chromium

help:  ## Show what there is
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

install: .venv/run.stamp .venv/static.stamp  ## Create .venv, install what Steward needs, compress the static files

run: .venv/run.stamp .venv/static.stamp  ## Start everything, with demo data, on http://127.0.0.1:8000
	@DEMO=$${DEMO-1} exec $(BIN)/flask --app wsgi serve

test: check chromium  ## Lint, check types and imports, run every test
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder --ignore=tests/seed
	$(BIN)/python -m pytest tests/seed  # it takes the time, so nothing runs beside it

check: .venv/dev.stamp  ## Lint, types and import rules only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive webapp wsgi.py

format: .venv/dev.stamp  ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

translations: .venv/run.stamp  ## Collect the texts into the Spanish catalogue, then compile it
	$(BABEL) extract -F babel.cfg --no-location --omit-header --sort-output --no-wrap -o .venv/messages.pot webapp templates
	$(BABEL) update -i .venv/messages.pot -d translations --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap
	$(BABEL) compile -d translations

bench: .venv/dev.stamp  ## Measure the worker classes, what the log costs, and every page
	$(BIN)/python bench/worker_class.py
	@if [ -f bench/pages.py ]; then $(BIN)/python bench/recorder.py && $(BIN)/python bench/pages.py; fi

clean:  ## Remove .venv, caches and compressed files; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find static -name '*.gz' -delete -o -name '*.br' -delete

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Steward needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python cannot make virtual environments yet; installing python3-venv."; \
	  command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || [ -n "$(SUDO)" ]; } \
	    && $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-venv \
	    || { echo "Could not: please install your system's python3-venv package, then try again."; exit 1; }; }
	@rm -rf .venv
	$(PYTHON) -m venv .venv

# A stamp is older than the list it was made from: then the list has changed, and is installed again.
.venv/run.stamp: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@touch $@

# Compressed anew whenever a static file changes, or visitors would get the old one.
.venv/static.stamp: $(STATIC) | .venv/run.stamp
	$(BIN)/python -m whitenoise.compress --quiet static
	@touch $@

.venv/dev.stamp: requirements-dev.txt .venv/run.stamp .venv/static.stamp
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@

chromium:
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
	  echo "The browser tests need Chromium; installing it."; \
	  command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || [ -n "$(SUDO)" ]; } \
	    && $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq chromium \
	    || { echo "Could not: please install Chromium, then try again."; exit 1; }; }
