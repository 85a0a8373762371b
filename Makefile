# Two commands set everything up: `make study` runs the main job, `make test` checks the code.
PYTHON ?= python3
BIN := .venv/bin
IMAGE_LOCK := cluster/launch/requirements.txt
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --no-header pyproject.toml
.DEFAULT_GOAL := help
.PHONY: help study test lint types unit ray slow chaos test-newest audit bench gpu results cluster cluster-stop \
	mlflow lock clean
RAY_PORT ?= 6379
DASHBOARD_PORT ?= 8265
MLFLOW_PORT ?= 5000
DEVICE ?= cuda

help:
	@echo "make study    the main job on built-in data, from a fresh checkout"
	@echo "make test     lint, types and tests"
	@echo "make slow     slower tests that start several clusters"
	@echo "make chaos    kill what a study needs, KILLS=100 times, and check that it still completes"
	@echo "make test-newest  the tests with the newest versions that pyproject.toml allows"
	@echo "make audit    check the locked versions for known vulnerabilities"
	@echo "make bench    the benchmarks in tests/benchmarks (minutes)"
	@echo "make gpu      what Edgewise does on this machine's GPU, into docs/gpu.md, in 8 minutes; DEVICE"
	@echo "make results  docs/results.md and the pages behind it, from the ledgers in docs/results"
	@echo "make cluster  a local Ray cluster for ray job submit, on loopback; RAY_PORT, DASHBOARD_PORT"
	@echo "make cluster-stop  end that cluster, and no other"
	@echo "make mlflow   browse the results on http://127.0.0.1:$(MLFLOW_PORT); MLFLOW_PORT"
	@echo "make lock     update the locked versions and their hashes"

# Hundreds of processes import the same modules; without bytecode, each compiles them again.
export PYTHONDONTWRITEBYTECODE :=

# Rebuilt whenever the dependencies change; .installed marks a successful installation. Only files
# whose hashes are in constraints.txt are installed, uv among them; an editable project has none, so
# it follows alone. The lock is complete: nobody need look for what each package needs. uv reads none
# of pip's settings, so it gets pip's index; where it cannot install, pip does, in three times as long.
# Compiled on all cores; what few import (and files for other Pythons) is compiled when it is imported.
PIP := $(BIN)/python -m pip
INSTALL := $(PIP) install --quiet --no-deps --no-compile
PIP_INDEX = $(PIP) config list | sed -n "s/^.*\.index-url='\(.*\)'$$/\1/p" | head -n 1
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --system-certs --no-deps
.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	sed -n '/^uv==/,/[^\\]$$/p' constraints.txt > .venv/uv
	$(INSTALL) --require-hashes --requirement .venv/uv
	@UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$($(PIP_INDEX))}" \
		$(UV) --require-hashes --requirement constraints.txt \
		|| $(INSTALL) --require-hashes --requirement constraints.txt
	$(INSTALL) --no-build-isolation --editable .
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests?/|/nvidia/|/transformers/models/' .venv/lib || true
	@touch $@

study: .venv/.installed
	$(BIN)/python study/run.py --space inverseform

# Ray's tests wait most of the time, so the types are checked beside them.
test: .venv/.installed lint unit
	$(MAKE) --no-print-directory --jobs 2 --output-sync=target types ray

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Ray's workers are niced: at the usual priority the types would starve them.
types: .venv/.installed
	nice -n 19 $(BIN)/mypy

# A file's tests share fixtures, so a file stays in one process. Three processes for two cores: they
# wait a fifth of the time. One thread each: more of them wait for each other by spinning. Not the
# files of many tests first: the dearest have one, and two processes would wait for the last of them.
unit: .venv/.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests docs -m 'not ray and not slow' \
		-n 3 --dist loadfile --no-loadscope-reorder

# One Ray at a time: each needs both cores. Reading the other tests would take as long as a study's
# start; tests/test_walls.py holds these folders.
RAY_TESTS := tests/study/execution tests/trainables/lane
ray: .venv/.installed
	$(BIN)/python -m pytest $(RAY_TESTS) -m 'ray and not slow'

slow: .venv/.installed
	$(BIN)/python -m pytest tests -m slow

chaos: .venv/.installed
	$(BIN)/python -m tests.chaos.bed --kills $(or $(KILLS),100) --seed $(or $(SEED),0)

test-newest:
	PYTHON=$(PYTHON) .ci/newest

# In a separate environment. Strict: a package that no database knows is a failure, not "none found".
audit:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet pip-audit
	.venv-audit/bin/pip-audit --strict --no-deps --disable-pip \
		--requirement constraints.txt --requirement $(IMAGE_LOCK)

bench: .venv/.installed
	$(BIN)/python tests/benchmarks/trial_turnover.py
	$(BIN)/python tests/benchmarks/study_throughput.py driver
	$(BIN)/python tests/benchmarks/study_throughput.py guide
	$(BIN)/python tests/benchmarks/metrics.py
	$(BIN)/python -m tests.benchmarks.stages
	$(BIN)/python tests/benchmarks/loading.py
	$(BIN)/python tests/benchmarks/many_lanes.py
	$(BIN)/python tests/benchmarks/attaching.py
	$(BIN)/python tests/benchmarks/busy_lanes.py
	$(BIN)/python tests/benchmarks/tracking_load.py
	$(BIN)/python tests/benchmarks/shared_images.py
	$(BIN)/python -m tests.benchmarks.losses
	$(BIN)/python tests/benchmarks/study_projection.py

# A machine with a GPU may have no package index: without .venv, the Python that it has must do.
gpu:
	$(if $(wildcard .venv/.installed),$(BIN)/python,$(PYTHON)) -m tests.gpu --device $(DEVICE) $(GPU_OPTIONS)

results: .venv/.installed
	$(BIN)/python -m docs.results

# Anyone who reaches Ray's ports can run code: loopback only, and always with a token.
cluster: .venv/.installed
	RAY_AUTH_MODE=token RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 RAY_worker_maximum_startup_concurrency=16 \
		PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m cluster.local start \
		--port $(RAY_PORT) --dashboard-port $(DASHBOARD_PORT)

cluster-stop: .venv/.installed
	$(BIN)/python -m cluster.local stop

mlflow: .venv/.installed
	$(BIN)/mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 \
		--port $(MLFLOW_PORT)

# The image's lock has the same versions, without the tools for tests.
lock: .venv/.installed
	$(BIN)/$(LOCK) --extra study --extra test --output-file constraints.txt
	$(BIN)/$(LOCK) --extra study --extra server --constraint constraints.txt --output-file $(IMAGE_LOCK)

clean:
	rm -rf .venv .venv-audit .venv-newest build *.egg-info .mypy_cache .ruff_cache .pytest_cache
