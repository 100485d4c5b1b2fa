# `make` lists the targets. Needs make and Python 3.13; `make check` also needs node.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules

# The first of these that is Python 3.13 (with pyenv, .python-version makes python3 so), or the one given: make PYTHON=…
IS_3_13 := -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))'
PYTHON ?= $(shell for python in python3.13 python3; do "$$python" $(IS_3_13) 2>/dev/null && echo "$$python" && break; done)
NO_PYTHON := This project needs Python 3.13: install it (with pyenv: pyenv install 3.13), or uv, or name it (make PYTHON=…).

# Settings of the user's own that pip refuses in an environment, or for a folder.
export PIP_USER := 0
export PIP_REQUIRE_VIRTUALENV := 0
PIP_INSTALL := -m pip --disable-pip-version-check --no-input install
# Installs a lock into the target's environment, and counts its packages as they come; a log gets a line for each ten.
install = $(@D)/bin/python $(PIP_INSTALL) --progress-bar off --require-hashes --requirement $(1) 2>$(@D)/pip.log | awk \
	-v all="$$(grep -c '^[a-z].*==' $(1))" -v end="$$([ -t 2 ] && echo '\r' || echo '\n')" -v each="$$([ -t 2 ] && echo 1 || echo 10)" \
	'/^Collecting/ && ++n % each == 0 {printf "  %d of %d packages" end, n, all; fflush()} \
	/^Installing/ {printf "  Unpacking …        " end; fflush()} END {printf end == "\r" ? "\n" : ""}' \
	|| { cat $(@D)/pip.log >&2; exit 1; }
PYTEST := .venv/bin/pytest
# Measuring coverage costs half the time again, and so do many examples for each law: who asks for the figure waits.
MEASURED := $(if $(filter check coverage,$(MAKECMDGOALS)),--cov --cov-report= --cov-fail-under=0,--hypothesis-profile quick)
# A file's tests stay together, with what they share. In the order of folders: what starts stacks comes first, so that no long
# file is left alone at the end. Three programs are for two cores: some tests wait for stores that hang.
IN_PARALLEL := --dist loadfile --no-loadscope-reorder -n

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# --- Environments --------------------------------------------------------------------------------
# Each is rebuilt from scratch when its lock file changes, so that nothing of an older lock remains.

.venv/.installed: .venv/.ready
	@echo 'Adding what the tests need (690 MB, another minute) …'
	@$(call install,requirements/dev.txt)
	@touch $@

.venv/.ready: .venv/.locked pyproject.toml
	@.venv/bin/python $(PIP_INSTALL) -qq --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.locked: requirements/run.txt requirements/dev.txt .python-version
.venv-sam/.locked: requirements/sam.txt .python-version
.venv-scan/.locked: requirements/scan.txt .python-version
.venv/.locked .venv-sam/.locked .venv-scan/.locked:
	@python='$(PYTHON)'; \
	if [ -z "$$python" ] && command -v uv >/dev/null; then \
		echo 'There is no Python 3.13: uv brings it …'; \
		uv python install --quiet 3.13; \
		python=$$(uv python find 3.13); \
	fi; \
	"$$python" $(IS_3_13) 2>/dev/null || { echo '$(NO_PYTHON)' >&2; exit 1; }; \
	echo 'Installing $< into $(@D): the first time, this takes about a minute …'; \
	"$$python" -m venv --clear $(@D)
	@$(call install,$<)
	@touch $@

# --- Using it ------------------------------------------------------------------------------------

.PHONY: run
run: .venv/.ready ## the whole stack on this machine (PORT, WICKIEPAY_WEBHOOK_SECRET, PROVIDER=simulated)
	@exec .venv/bin/wickiepay listen

# --- Checking it ---------------------------------------------------------------------------------

.PHONY: test
test: .venv/.installed ## every test that needs no account, engine or root
	$(PYTEST) $(IN_PARALLEL) 3 $(MEASURED)

.PHONY: check
check: format-check lint types scan test coverage counts test-tools browser sam-local ## everything: tests, coverage, style, types, security, template, sam build
	@echo 'All is well.'

.PHONY: coverage
coverage: test ## every branch of the functions and the layer was tested (reads what make test measured)
	.venv/bin/coverage report

.PHONY: format-check
format-check: .venv/.installed
	.venv/bin/ruff format --check

.PHONY: lint
lint: .venv/.installed ## style, likely mistakes and, by bandit's rules (S), security; and which part may import which
	.venv/bin/ruff check
	PYTHONPATH=functions/consumer .venv/bin/lint-imports --no-logo

.PHONY: types
types: .venv/.installed ## types, strictly
	.venv/bin/mypy

.PHONY: scan
scan: .venv-scan/.locked ## the template, by checkov: what is unsafe in it, but for what .checkov.yaml gives a reason for
	.venv-scan/bin/checkov --config-file .checkov.yaml

.PHONY: counts
counts: .venv/.installed ## instructions (where there is valgrind) and AWS calls are no more than bench/figures.json says
	.venv/bin/python -m bench --gate

.PHONY: test-tools
test-tools: .venv/.installed .venv-sam/.locked ## the tests that need node, sam, many stacks or much time, and every command: template lint, sam build, the built functions in AWS's Lambda emulator
	$(PYTEST) $(IN_PARALLEL) 2 -m 'many_stacks or installed_cli or node or sam or thorough'

.PHONY: browser
browser: .venv/.installed ## the console, driven in Chromium; with root and INSTALL=1 it installs Debian's; PICTURES=docs/console renews the page's pictures
	@$(if $(INSTALL),command -v chromium >/dev/null || apt-get install --yes --no-install-recommends chromium)
	$(PYTEST) -m browser $(if $(PICTURES),-k nothing_keeps_people)

.PHONY: sam-local
sam-local: .venv/.installed .venv-sam/.locked ## sam local invoke with every sample; with root and INSTALL=1 it installs a container engine where there is none
	@$(if $(INSTALL),command -v dockerd >/dev/null || apt-get install --yes --no-install-recommends docker.io)
	$(PYTEST) -m needs_docker

.PHONY: prove
prove: .venv/.installed ## the long proofs of the promises, twenty minutes at most; prints the figures of docs/reliability.md
	timeout 1200 $(PYTEST) -n 2 --maxschedchunk 1 -m slow_proof

.PHONY: bench
bench: .venv/.installed ## what everything costs, beside others and beside the goals; needs valgrind; writes docs/performance.md, cost.md and capacity.md
	.venv/bin/python -m bench

# --- Keeping it ----------------------------------------------------------------------------------

.PHONY: format
format: .venv/.installed ## the code, written as the formatter writes it
	.venv/bin/ruff check --fix-only --quiet
	.venv/bin/ruff format

CLI_PAGE := docs/cli.md
.PHONY: cli-page
cli-page: .venv/.installed ## docs/cli.md, from the commands' own help
	.venv/bin/typer wickiepay_cli.whole utils docs --name wickiepay --title 'The command wickiepay' --output $(CLI_PAGE)

# What is pinned stays pinned unless its .in file says otherwise; to take the newest of everything, remove the lock first.
LOCK := .venv/bin/uv pip compile --quiet --universal --python-version 3.13 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

.PHONY: lock
lock: .venv/.installed ## the requirements files, from what the .in files ask for
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	$(LOCK) requirements/run.in -c requirements/dev.txt -o requirements/run.txt
	$(LOCK) requirements/sam.in -o requirements/sam.txt
	$(LOCK) requirements/scan.in -o requirements/scan.txt
	$(LOCK) requirements/layer.in -c requirements/dev.txt -o layers/wickiepay/requirements.txt
	$(LOCK) requirements/provider.in -c requirements/dev.txt -o layers/provider/requirements.txt

.PHONY: clean
clean: ## removes all that was made here, the environments too
	rm -rf .venv .venv-sam .venv-scan .aws-sam .local .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage .coverage.* build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
