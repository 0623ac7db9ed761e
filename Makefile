# Two commands do everything, from a fresh clone with nothing but Python and make: `make demo` and `make test`.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: help install demo test test-fast test-matrix test-dbt-2 test-orchestrators soak lint format bench lock lock-dbt wheel clean

help:  ## This list.
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 28

install: $(INSTALLED)  ## The virtual environment, from the lock.

# uv comes into the virtual environment itself. --no-deps: the lock is complete, and leaves out a helper of dbt-core that
# downloads a binary while it is built (see [tool.uv] in pyproject.toml). The lock also pins, with hashes, what builds the
# packages that come as source.
$(INSTALLED): requirements-uv.lock requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --compile-bytecode \
		--build-constraints requirements.lock -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --build-constraints requirements.lock --editable .
	touch $@

demo: $(INSTALLED)  ## The main job on DuckDB and the sandbox.
	$(BIN)/dbt-drift demo

# Each process brings a Postgres server of its own.
test: $(INSTALLED)  ## All tests, on all cores.
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

test-fast: $(INSTALLED)  ## Unit tests, and one way through each command, on DuckDB; under a minute.
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --quiet tests/unit tests/functional/test_docs.py \
		tests/functional/test_each_command.py

soak: $(INSTALLED)  ## Kills, faults and sheer numbers, for an hour or more.
	$(BIN)/python -m pytest -m soak tests/functional/soak

test-matrix: $(INSTALLED)  ## The tests that touch dbt, on each version of it that we declare.
	bash .ci/test-matrix

test-dbt-2: $(INSTALLED)  ## What dbt 2 writes of the integration project, where dbt 2 can be had.
	bash .ci/test-dbt-2

test-orchestrators: $(INSTALLED)  ## Each scheduler's integration, with the scheduler itself.
	bash .ci/test-orchestrators

lint: $(INSTALLED)  ## Format, lint, types and import contracts.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)  ## Formats, and mends what can be mended.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(INSTALLED)  ## All benchmarks; docs/benchmarks.md explains them.
	$(BIN)/python -m benchmarks

lock: $(INSTALLED)  ## The locks anew, after a change of the dependencies.
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.10 --generate-hashes --no-header \
		--upgrade --quiet --output-file requirements.lock
	echo uv | $(BIN)/uv pip compile - --universal --python-version 3.10 --generate-hashes --no-header --no-annotate \
		--upgrade --quiet --output-file requirements-uv.lock
	$(MAKE) lock-dbt VERSION=1.8 LOCK=.ci/dbt-1.8.lock

# The dependencies with another version of dbt-core, for .ci/test-matrix.
lock-dbt: $(INSTALLED)
	echo "dbt-core~=$(VERSION).0" | $(BIN)/uv pip compile pyproject.toml --extra dev --constraint - --universal \
		--python-version 3.10 --generate-hashes --no-header --upgrade --quiet --output-file $(LOCK)

# Needs pip alone: nothing of the virtual environment.
wheel:  ## The wheel, in dist.
	rm -rf dist
	$(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:  ## Removes the virtual environment and dist.
	rm -rf .venv dist
