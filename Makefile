# Two commands do everything, from a fresh clone with nothing but Python and make: `make demo` and `make test`.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: install demo test test-matrix test-dbt-2 soak lint format bench lock lock-dbt wheel clean

install: $(INSTALLED)

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

# The main job on DuckDB and the sandbox.
demo: $(INSTALLED)
	$(BIN)/dbt-drift demo

# On all cores; each process brings a Postgres server of its own.
test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

# Kills, faults and sheer numbers, for an hour.
soak: $(INSTALLED)
	$(BIN)/python -m pytest -m soak tests/functional/soak

# The tests that touch dbt, on each version of it that we declare.
test-matrix: $(INSTALLED)
	bash .ci/test-matrix

# What dbt 2 writes of the integration project, where dbt 2 can be had.
test-dbt-2: $(INSTALLED)
	bash .ci/test-dbt-2

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

# After a change of the dependencies.
lock: $(INSTALLED)
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
wheel:
	rm -rf dist
	$(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:
	rm -rf .venv dist
