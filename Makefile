# `make demo` and `make test` are all a newcomer needs; each sets up what it uses.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
RUN_STAMP := .venv/.installed
DEV_STAMP := .venv/.installed-dev
DEMO_DIR ?= demo
SERVE ?= 1
export NUMBA_THREADING_LAYER := workqueue

.PHONY: setup demo test check format lint types imports bench docs clean

setup: $(RUN_STAMP)  ## Make .venv with what running needs; leaves .venv/bin/groundswell

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet 'uv>=0.9'

$(RUN_STAMP): pyproject.toml uv.lock | .venv/bin/python
	$(BIN)/uv sync --quiet --frozen --compile-bytecode --inexact --no-default-groups
	@touch $@

$(DEV_STAMP): pyproject.toml uv.lock | .venv/bin/python
	$(BIN)/uv sync --quiet --frozen --compile-bytecode --inexact --all-extras --all-groups
	@touch $@ $(RUN_STAMP)

demo: setup  ## Make the demo company, compute, print the queue, and show its pages (SERVE=0: no pages)
	$(BIN)/groundswell demo --project $(DEMO_DIR) $(if $(filter-out 0,$(SERVE)),--serve --port 8710)

test: $(DEV_STAMP)  ## Set up everything the tests use, then run them
	@# Beside the installing, compile what both workers would compile at the same time.
	$(BIN)/groundswell demo --accounts 50 --months 2 --project "$$(mktemp -d)/demo" >/dev/null 2>&1 & \
	scripts/test-requirements.sh && wait
	$(BIN)/python -m compileall -q groundswell  # the tests start many servers
	@# One more worker than cores, since many tests wait for a server; one thread of linear algebra each.
	OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n 3 --dist loadgroup

check: $(DEV_STAMP) format lint types imports test  ## The whole gate

format: $(DEV_STAMP)
	$(BIN)/ruff format --check .

lint: $(DEV_STAMP)
	$(BIN)/ruff check .

types: $(DEV_STAMP)
	$(BIN)/basedpyright

imports: $(DEV_STAMP)
	$(BIN)/lint-imports

bench: $(DEV_STAMP)  ## What we promise, as ratios measured in one run
	$(BIN)/python -m benchmarks

docs: $(DEV_STAMP)  ## Write docs/reference from the code
	$(BIN)/python -m groundswell.cli.reference docs/reference

clean:
	rm -rf .venv $(DEMO_DIR) .pytest_cache .ruff_cache .hypothesis
