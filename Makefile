# What a newcomer needs: make and Python 3.11 (3.12 is allowed). Everything else is installed into .venv.
#
#   make build     set up, then build the sample dataset into a verified release
#   make ui        set up, then the Dagster UI on http://127.0.0.1:3000
#   make test      set up, then lint, types, import contracts and all tests
#   make soak      the property tests with many more examples
#   make lint      ruff, mypy and import-linter alone
#   make format    let ruff mend what it can
#   make generate  write again the files that follow from the code
#   make models    add training and vLLM for a machine without a GPU
#   make test-models  the tests that run vLLM itself, after make models
#   make pins      resolve requirements/constraints.txt anew
#   make clean     remove .venv, caches and scratch; the store under var/store stays

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/python requirements/uv_from_pip.py
# Compiled once, at installation: where Python may not write bytecode, every start would compile everything again.
export UV_COMPILE_BYTECODE = 1
PINS := requirements/constraints.txt
STAMPS := $(VENV)/.stamps
CONFIG ?= configs/sample.yaml
UI_PORT ?= 3000

# Nothing here phones home, and a tool that would hears it in its own words.
export DO_NOT_TRACK = 1
export DAGSTER_DISABLE_TELEMETRY = yes
export DBT_SEND_ANONYMOUS_USAGE_STATS = false
export GX_ANALYTICS_ENABLED = false
export HF_HUB_DISABLE_TELEMETRY = 1
export RAY_USAGE_STATS_ENABLED = 0
export VLLM_NO_USAGE_STATS = 1

.DEFAULT_GOAL := build
.PHONY: build ui test test-models soak lint format generate models pins clean

build: $(STAMPS)/core
	$(BIN)/medreason build --config $(CONFIG)

ui: $(STAMPS)/core
	$(BIN)/medreason ui --port $(UI_PORT)

test: lint
	$(BIN)/python -m pytest

# Not a part of `test`: a server of vLLM takes 50 s to start on two idle cores and minutes on busy ones.
test-models: models
	$(BIN)/python -m pytest -m models

soak: $(STAMPS)/dev
	MEDREASON_SOAK=1 $(BIN)/python -m pytest

lint: $(STAMPS)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(STAMPS)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(STAMPS)/core
	$(BIN)/python -m docs.generate

models: $(STAMPS)/dev
	$(UV) pip install --quiet -c $(PINS) --override requirements/overrides.txt \
	  -r requirements/models-cpu.txt -e '.[dev,train]'

# Resolved against uv's own index alone: an extra one of pip's may hold wheels for a single Python. One version
# serves 3.11 and 3.12, so the markers that uv writes say nothing and are cut.
pins: $(STAMPS)/uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --override requirements/overrides.txt \
	  --output-file $(VENV)/resolved.txt pyproject.toml
	sed 's/ ;.*//' $(VENV)/resolved.txt > $(PINS)

clean:
	rm -rf $(VENV) var/scratch dbt_project/target dbt_project/logs dist
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMPS)/uv:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v in ((3, 11), (3, 12)) else \
	  f"Python 3.11 or 3.12 is needed, {sys.executable} is {v[0]}.{v[1]}: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	mkdir -p $(STAMPS) && touch $@

$(STAMPS)/core: $(STAMPS)/uv pyproject.toml $(PINS) requirements/uv_from_pip.py
	$(UV) pip install --quiet -c $(PINS) -e .
	touch $@

$(STAMPS)/dev: $(STAMPS)/uv pyproject.toml $(PINS) requirements/uv_from_pip.py
	$(UV) pip install --quiet -c $(PINS) -e '.[dev]'
	touch $(STAMPS)/core $@
