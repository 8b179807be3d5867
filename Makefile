# `make` prints this list. Every target but help, doctor and clean sets up first, which is quick once done.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
BENCH := .venv-bench
ARGS ?=

# Another Spark, or another Python for its workers, must not get in the way.
unexport SPARK_HOME SPARK_CONF_DIR PYSPARK_PYTHON PYSPARK_DRIVER_PYTHON
# Without byte code every process compiles the house anew, and pytest rewrites each assertion of each test.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PATH := $(BIN):$(PATH)

# The first interpreter that is Python 3.11; PYTHON=... names one.
define find_python
python=""; for candidate in $(PYTHON) python3.11 python3 python; do \
	if "$$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; then \
		python="$$candidate"; break; fi; done
endef

.PHONY: help setup dedup demo bench-dedup bench-credit bench-seats bench-ingest test test-local test-unit lint format doctor lock clean
.PHONY: bench-page bench-fraud fraud-model bench-viewers watch
.PHONY: up down demo-stack demo-stack-native stack-native stack-stop test-stack test-compose dictionary

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.done ## make .venv with the locked packages, the package `pipelines` and the jars
	@:

dedup: setup ## find duplicate persons in FEBRL 3 and write reports/dedup (ARGS="..." adds flags)
	@spark-submit jobs/dedup.py --report reports/dedup $(ARGS)

demo: setup ## run the five jobs on small data, no services, and link their reports: reports/demo/index.html
	@python -m pipelines demo $(ARGS)

bench-dedup: setup $(BENCH)/.done ## measure dedup against its peers in one run (ARGS="..." chooses sections)
	@SANGAM_BENCH_PYTHON=$(CURDIR)/$(BENCH)/bin/python python benchmarks/dedup.py $(ARGS)

bench-credit: setup $(BENCH)/.done ## measure credit scoring against its peers
	@SANGAM_BENCH_PYTHON=$(CURDIR)/$(BENCH)/bin/python python benchmarks/credit.py $(ARGS)

bench-seats: setup $(BENCH)/.done ## measure seat allocation against simpler policies
	@SANGAM_BENCH_PYTHON=$(CURDIR)/$(BENCH)/bin/python python benchmarks/seats.py $(ARGS)

bench-ingest: setup ## measure the ingest job beside plain readers of the same topic
	@python benchmarks/ingest.py $(ARGS)

bench-fraud: setup $(BENCH)/.done ## measure fraud decisions beside plain Flink operators on the same payments
	@SANGAM_BENCH_PYTHON=$(CURDIR)/$(BENCH)/bin/python python benchmarks/fraud.py $(ARGS)

DATA ?= card_transactions.parquet
REPORT ?= reports/fraud_model

fraud-model: setup ## train the fraud model on a card table (DATA=table.parquet REPORT=DIR)
	@python -m pipelines.upi_fraud.cards.train --data $(DATA) --report $(REPORT) $(ARGS)

bench-viewers: setup ## measure viewer analytics against plain SQL and plain DataStream Python
	@python benchmarks/viewers.py $(ARGS)

bench-page: setup ## write docs/benchmarks.md from benchmarks/results
	@python benchmarks/page.py

watch: setup ## serve a page on loopback that follows viewer.metrics.v1 (needs Kafka: make stack-native)
	@python -m pipelines.viewers.watch $(ARGS)

# Two processes share the tests; ARGS="-n 0" has one.
LANES ?= 2

test: setup ## run all tests
	@python -m pytest -n $(LANES) $(ARGS)

test-local: setup ## run the tests that need no services: unit, integration, Spark, Flink
	@python -m pytest -n $(LANES) tests/unit tests/integration tests/spark tests/flink $(ARGS)

test-unit: setup ## run the quick tests: no JVM, no browser, no other process
	@python -m pytest -n $(LANES) tests/unit $(ARGS)

# Compose is one of two programs; .env holds the keys (see .env.example).
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
RUN_JOB = $(COMPOSE) --profile batch run --rm -T

up: ## start Kafka and MinIO in containers and make topics, buckets and users (needs Docker and .env)
	@$(COMPOSE) --profile core up -d --build

down: ## stop the containers; their data stay in volumes
	@$(COMPOSE) --profile core --profile batch --profile stream down

demo-stack: up ## the whole story in containers, through Kafka and MinIO: reports/demo-stack/index.html
	@mkdir -p reports/demo-stack
	@$(RUN_JOB) spark bash -c 'cd /var/lib/sangam; python -m pipelines demo --stack --report demo >&2; code=$$?; \
		tar c -C demo --exclude=lake .; exit $$code' | tar x -C reports/demo-stack

demo-stack-native: stack-native ## the same on the native Kafka and MinIO, which go on running (make stack-stop)
	@python -m pipelines demo --stack --report reports/demo-stack

stack-native: setup ## start a real Kafka and MinIO without Docker, with topics, buckets and users
	@python -m pipelines stack start && python -m pipelines stack apply

stack-stop: setup ## stop what stack-native started
	@python -m pipelines stack stop

test-stack: setup ## run the tests on a real Kafka and a real MinIO
	@python -m pytest tests/stack $(ARGS)

test-compose: setup ## start docker-compose.yml on a real engine and run the whole way (minutes; builds images)
	@python -m pytest -m compose tests/stack $(ARGS)

dictionary: setup ## write docs/data_dictionary from the contracts
	@python -m pipelines schemas docs

lint: setup ## check style and types
	@ruff check . && ruff format --check . && mypy

format: setup ## rewrite the code in the house style
	@ruff check --fix . && ruff format .

doctor: ## say what is missing on this machine and how to get it
	@$(find_python); \
	if [ -z "$$python" ]; then echo "Python 3.11 is missing: install it, then run make setup." >&2; exit 5; fi; \
	"$$python" -m pipelines doctor

lock: setup ## rewrite requirements.lock from requirements.in (needs uv)
	@uv pip compile requirements.in --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --quiet --output-file requirements.lock

clean: ## remove results and caches; .venv stays
	@rm -rf reports lake lake-* spark-warehouse metastore_db derby.log .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

# --- set-up, one stamp a step ---------------------------------------------------------------------

$(VENV)/.python:
	@$(find_python); \
	if [ -z "$$python" ]; then echo "Python 3.11 is missing: install it, then run make setup again." >&2; exit 5; fi; \
	"$$python" -m pipelines.core.machine; \
	"$$python" -m venv $(VENV) || { echo "Python cannot make environments: install python3.11-venv." >&2; exit 5; }
	@touch $@

$(VENV)/.packages: requirements.lock $(VENV)/.python
	@echo "Installing packages (about 1 GB the first time) ..."
	@python -m pip install --quiet --require-hashes --requirement requirements.lock
	@touch $@

$(VENV)/.project: pyproject.toml $(VENV)/.packages
	@python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.jars: $(wildcard conf/jars/*.xml conf/spark/*) $(VENV)/.project
	@echo "Fetching jars ..."
	@python -m pipelines.core.jar_groups
	@touch $@

# Small runs compile the kernels and record the classes of Spark and Flink, so that no later run waits for them.
$(VENV)/.done: $(VENV)/.jars
	@echo "Warming up ..."
	@rm -f $(VENV)/*-classes.jsa; scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	quietly() { "$$@" >"$$scratch/$$BASHPID" 2>&1 || { cat "$$scratch/$$BASHPID" >&2; exit 1; }; }; \
	record() { SANGAM_RECORD_CLASSES=$(CURDIR)/$(VENV)/$$1-classes.jsa \
		quietly "$${@:2}" --lake "$$scratch/lake-$$1" --report "$$scratch/report-$$1"; }; \
	{ quietly python -m pipelines.seats.warm; quietly python jobs/viewer_analytics.py --dry-run --viewers 50; } & kernels=$$!; \
	record spark spark-submit pipelines/core/class_archive.py jobs/dedup.py --input synthetic:1000; \
	record flink python -m pipelines.core.flink_classes jobs/upi_fraud.py --input synthetic:2000; \
	wait $$kernels
	@touch $@
	@echo "Ready. Next: make dedup, or . $(VENV)/bin/activate and spark-submit jobs/dedup.py"

$(BENCH)/.done: $(wildcard benchmarks/requirements-bench*.in) $(VENV)/.done
	@echo "Installing the peers ..."
	@$(BIN)/python -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --requirement benchmarks/requirements-bench.in
	@for file in optional credit; do \
		$(BENCH)/bin/python -m pip install --quiet --requirement benchmarks/requirements-bench-$$file.in \
			|| echo "Some peers ($$file) cannot be had here; their rows will be missing." >&2; done
	@touch $@
