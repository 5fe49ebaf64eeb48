# `make run` runs the whole pipeline, `make test` the tests. Either sets up .venv first, once.

PYTHON ?= python3
CONFIG ?= nano
# Another index for torch; PyTorch lists one for each CUDA version, and one of small builds without GPU libraries.
# Read when .venv is made: `make clean` before changing it.
TORCH_INDEX ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
SOURCES := anomseer_core tasks flows mlflow_server infra tests

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-slow test-lora bench lint setup clean

help: ## Show these targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

run: $(STAMP) ## Run the whole pipeline: data, traces, cold start, TimerPO, evaluation. CONFIG=nano by default.
	$(BIN)/anomseer run --config $(CONFIG)

# Two workers, a file to each: half of the time goes by in servers and launchers starting.
test: $(STAMP) ## Run the tests (two CPU cores, no network).
	$(PYTEST) --numprocesses 2 --dist loadfile -m "not slow and not browser and not gpu"

test-slow: $(STAMP) ## Run the tests that take minutes.
	$(PYTEST) -m "slow and not browser and not gpu"

# Beside .venv: where accelerate is installed, which peft needs, transformers imports DeepSpeed to save a model.
test-lora: $(STAMP) ## Run the tests of low-rank adapters, with peft in a folder of its own.
	@test -d $(VENV)/lora || $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--no-deps --target $(VENV)/lora peft accelerate
	PYTHONPATH=$(CURDIR)/$(VENV)/lora $(PYTEST) -k "adapters or LoRA" tests/policy/test_trained_weights.py \
		tests/training/test_zero.py tests/infra/test_bench_gpu.py

# TRL is the peer of a GRPO step, and lies beside .venv for the same reason; TSB-AD carries the official affiliation
# program, and would bring packages of its own.
bench: $(STAMP) ## Measure speed beside straightforward peers, in the same run.
	@test -d $(VENV)/trl || $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--no-deps --target $(VENV)/trl trl accelerate datasets dill multiprocess xxhash
	@test -d $(VENV)/tsb-ad || $(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --no-deps --target $(VENV)/tsb-ad TSB-AD
	PYTHONPATH=$(CURDIR)/$(VENV)/trl:$(CURDIR)/$(VENV)/tsb-ad $(BIN)/python -m infra.bench

lint: $(STAMP) ## Check style and formatting.
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

setup: $(STAMP) ## Make .venv and install, nothing else.

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name it with PYTHON=python3.11"; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "python3-venv is missing: apt-get install python3-venv"; exit 2; }
	@echo "Installing into $(VENV); this takes a few minutes, once."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) --editable '.[test,dev]'
	@touch $(STAMP)

clean: ## Remove .venv and caches; results in .anomseer stay.
	rm -rf $(VENV) *.egg-info build .pytest_cache .ruff_cache .hypothesis
