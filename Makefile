# On a machine with Python (3.11 or later) and make, two commands do everything:
#   make demo   the whole story against a stand-in for the provider, without a key
#   make test   every check and every test
PYTHON ?= python3
BIN := .venv/bin
# The tests share the cores, and one more waits while others work.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

# What runs is compiled, as where it is installed: tests start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check lint types layers unit docs reference pictures bench soak install format clean

demo: .venv/.demo
	$(BIN)/voicereg demo

test: check

check: lint types layers unit

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

layers: install
	$(BIN)/lint-imports

unit: install
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# The site is written to build/docs; whatever Sphinx warns of is an error.
docs: install
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html -d build/doctrees docs build/docs

# The pages of docs/reference that come from the program.
reference: install
	$(BIN)/python -m docs.reference.generate

# What is measured beside MLflow runs in an environment of its own, as the tests need other versions.
bench: install .venv/.bench/bin/mlflow
	$(BIN)/python -m benchmarks.report docs/performance.md --mlflow .venv/.bench/bin/python

.venv/.bench/bin/mlflow:
	$(PYTHON) -m venv .venv/.bench
	.venv/.bench/bin/python -m pip install --quiet --disable-pip-version-check mlflow-skinny sqlalchemy alembic

# Needs Chromium, and fonts for Chinese.
pictures: install
	$(BIN)/python -m docs.pictures

soak: install
	$(BIN)/python -m pytest -m soak

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: .venv/.test

# The demo needs the program alone; the checks need what tests it as well.
.venv/.demo: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/.test: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all,test]'
	@touch $@ .venv/.demo

.venv/bin/python:
	$(PYTHON) -m venv .venv

clean:
	rm -rf .venv .bench build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
