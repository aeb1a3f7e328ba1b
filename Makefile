# What there is to do here; `make` alone lists it. GNU make 3.81, as macOS has it, is enough.

.DEFAULT_GOAL := help
.PHONY: help install run test check format docs faults bench screenshots lock upgrade clean runtime development

# What to hand to pytest: make test PYTEST_ARGS="-k quota". Two processes, each with a Redis of its own, halve the time; files
# go out by size, so that the fault suite, one test, comes last and has the machine nearly to itself. In their order
# (--no-loadscope-reorder) it would take a minute less, and what it times would tell of its neighbours.
PYTEST_ARGS ?= -n 2 --dist loadfile
# What to hand to the fault suite: --seed, --calls, --faults, --per-second
FAULTS_ARGS ?=
# The interpreter of a new .venv: make run PYTHON=python3.13
export PYTHON

COMPILE = $(shell tools/bootstrap.sh uv) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

help: ## list what there is to do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: development ## make .venv, with all that tests and checks need (`make run` makes one that only runs)

run: runtime ## start all of it here: Redis, a pretend Exotel, web and worker
	@exec .venv/bin/legwork up

test: development ## run the tests
	@exec .venv/bin/python -m pytest $(PYTEST_ARGS)

check: development ## check format, style, types, and that the documents are current
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/python docs/generate.py --check

format: development ## put the code into its format
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: development ## write the documents that are made from declarations
	.venv/bin/python docs/generate.py

faults: development ## prove under faults that nothing is lost, doubled, or over the quota: FAULTS_ARGS="--seed 7"
	PYTHONPATH=tests .venv/bin/python -m faults $(FAULTS_ARGS)

bench: development ## measure what is claimed about performance
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; .venv/bin/python "$$script" || exit 1; done

screenshots: development ## take the pictures of the console in docs/images anew
	@.venv/bin/python tools/screenshots.py

lock: ## bring the locks in line with pyproject.toml, keeping the versions they have
	$(COMPILE) --all-extras --group dev --output-file requirements.lock $(UPGRADE) pyproject.toml
	$(COMPILE) --extra sql --extra otel --group build --constraints requirements.lock --output-file requirements-runtime.lock pyproject.toml
	echo uv | $(COMPILE) --output-file requirements-uv.lock $(UPGRADE) -

upgrade: ## bring the locks to the newest versions
	$(MAKE) lock UPGRADE=--upgrade

clean: ## take away what was installed and cached, but no data
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime development:
	@tools/bootstrap.sh $@
