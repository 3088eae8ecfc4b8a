# Everything that can be done with the checkout. Needs Python 3.11+, make and git; all else is fetched into .venv/.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PROJECTS := $(wildcard shared/pyproject.toml services/*/pyproject.toml deploy/local/pyproject.toml examples/*/pyproject.toml)
WEB := services/dashboard-stream/web
STATIC := services/dashboard-stream/src/dashboard_stream/static
PAGE := $(STATIC)/.built
WEB_SOURCES := $(shell find $(WEB) -name node_modules -prune -o -type f -print 2>/dev/null)
SOURCES := shared services deploy examples tests benchmarks
PYTEST_ARGS ?=
say = @printf '\n== %s\n' '$(1)'

.PHONY: help
help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

.PHONY: setup
setup: $(INSTALLED) $(PAGE)  ## make .venv with every package, and build the web page

$(INSTALLED): constraints.txt requirements-dev.txt $(PROJECTS) deploy/local/environment.sh
	@PYTHON='$(PYTHON)' bash deploy/local/environment.sh $(VENV)
	@touch $@

$(PAGE): $(INSTALLED) $(WEB_SOURCES) deploy/local/page.sh
	@bash deploy/local/page.sh $(VENV) $(WEB) build
	@mkdir -p $(@D) && touch $@

.PHONY: demo
demo: setup  ## run everything with the sample application under load, until Ctrl-C
	@exec $(BIN)/python -m drishti_local demo

.PHONY: run
run: setup  ## run everything without the sample application, until Ctrl-C
	@exec $(BIN)/python -m drishti_local run

.PHONY: env
env:  ## make .env with new secrets for `docker compose up`, or add what it lacks
	@$(or $(PYTHON),python3) deploy/compose/env.py

.PHONY: test
test: setup  ## run all tests against real NATS and PostgreSQL (PYTEST_ARGS='-k word' for some)
	$(call say,tests)
	@bash deploy/local/tests.sh $(VENV) $(PYTEST_ARGS)

.PHONY: check
check: setup  ## what CI runs: format, lint, types, imports, contracts, packages alone, web, all tests
	$(call say,format)
	@$(BIN)/ruff format --check $(SOURCES)
	$(call say,lint)
	@$(BIN)/ruff check $(SOURCES)
	@bash deploy/local/browser.sh
	$(call say,tests)
	@CHECKS='$(MAKE) --no-print-directory checks' bash deploy/local/tests.sh $(VENV) $(PYTEST_ARGS)

.PHONY: checks
checks: setup  ## the part of check that goes beside the tests: types, imports, contracts, packages alone, web
	$(call say,types)
	@$(BIN)/mypy
	$(call say,import rules)
	@$(BIN)/lint-imports
	$(call say,contracts are as generated)
	@$(BIN)/drishti contracts check
	$(call say,types and tests of the web page)
	@bash deploy/local/page.sh $(VENV) $(WEB) types
	@bash deploy/local/page.sh $(VENV) $(WEB) test
	$(call say,each package installs and imports alone)
	@$(BIN)/python deploy/local/check_packages.py

.PHONY: format
format: setup  ## format the Python code and mend what lint can mend
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

.PHONY: screenshots
screenshots: setup  ## pictures of every page of a running Drishti, desk and phone (URL=http://127.0.0.1:8000 INTO=build/screenshots)
	@$(BIN)/python deploy/local/screenshots.py $(or $(URL),http://127.0.0.1:8000) $(or $(INTO),build/screenshots)

.PHONY: readme-pictures
readme-pictures: setup  ## the pictures of README, made anew of a running demo (URL=http://127.0.0.1:8000)
	@$(BIN)/python deploy/local/screenshots.py $(or $(URL),http://127.0.0.1:8000) docs/images --readme

.PHONY: bench
bench: setup  ## the benchmark table, side by side with its references
	@$(BIN)/python -m benchmarks

.PHONY: bench-hostile
bench-hostile: setup  ## what floods, hostile names and a full disk cost others, and whether all is as it must be (some 20 minutes)
	@$(BIN)/python -m benchmarks.hostile.connections
	@$(BIN)/python -m benchmarks.hostile.names
	@$(BIN)/python -m benchmarks.hostile.disk

.PHONY: bench-ml
bench-ml: setup  ## how good and how cheap the predictor's models are, on public data sets (DRISHTI_DATA)
	@$(BIN)/python -m benchmarks.ml

.PHONY: bench-rca
bench-rca: setup  ## which service is to blame for each fault of a recorded day (NEZHA=folder; by default that of DRISHTI_DATA)
	@$(BIN)/python -m benchmarks.rca $(NEZHA)

.PHONY: bench-web
bench-web: setup  ## what the page costs and how soon it shows what came, in a real browser (WEB_ARGS=--quick)
	@$(BIN)/python -m benchmarks.web $(WEB_ARGS)

.PHONY: clean
clean:  ## remove what was installed, built and cached; the data of runs stay (they are in DRISHTI_HOME)
	rm -rf $(VENV) $(STATIC) $(WEB)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(SOURCES) -name __pycache__ -prune -exec rm -rf {} +
	find $(SOURCES) -name '*.egg-info' -prune -exec rm -rf {} +
