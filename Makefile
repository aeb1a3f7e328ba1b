# Targets for development; `make` without a target lists them. GNU make 3.81, the version of macOS, is enough.

.DEFAULT_GOAL := help
.PHONY: help install run test long check format docs faults bench screenshots lock upgrade clean runtime development

# Arguments of pytest: make test PYTEST_ARGS="-k quota". Three processes, each with a Redis of its own: many tests wait for servers,
# so on two cores three take three quarters of the time of two. Files go out in their order: by size (xdist's own order) the fault
# suite, one test, would come last, and the others wait for it. It has neighbours now, so its short form asserts no time; what it
# measures is for `make faults`, which runs alone.
PYTEST_ARGS ?= -n 3 --dist loadfile --no-loadscope-reorder
# Arguments of the fault suite: --seed, --calls, --faults, --per-second
FAULTS_ARGS ?=
# The interpreter of a new .venv: make run PYTHON=python3.13
export PYTHON
# Empty counts as unset. Tests start hundreds of processes: where a shell has it set, each would compile all of its modules again.
export PYTHONDONTWRITEBYTECODE =

COMPILE = $(shell tools/bootstrap.sh uv) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: development ## make .venv with everything that tests and checks need (`make run` installs only what it needs to run)

run: runtime ## start everything on this machine: Redis, a mock Exotel, web and worker
	@exec .venv/bin/legwork up

test: development ## run the tests
	@exec .venv/bin/python -m pytest $(PYTEST_ARGS)

long: development ## run the tests that take minutes, of which `make test` has a short form
	@exec .venv/bin/python -m pytest -n 2 --dist loadfile -m long

check: development ## check format, style and types, and that generated documents are up to date
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/python docs/generate.py --check

format: development ## format the code
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: development ## write the generated documents
	.venv/bin/python docs/generate.py

faults: development ## test under faults that nothing is lost, duplicated or over the quota: FAULTS_ARGS="--seed 7"
	PYTHONPATH=tests .venv/bin/python -m faults $(FAULTS_ARGS)

bench: development ## run the benchmarks
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; .venv/bin/python "$$script" || exit 1; done

screenshots: development ## take the console's screenshots in docs/images again
	@.venv/bin/python tools/screenshots.py

lock: ## update the lock files for pyproject.toml, keeping locked versions
	$(COMPILE) --all-extras --group dev --output-file requirements.lock $(UPGRADE) pyproject.toml
	$(COMPILE) --extra sql --extra otel --group build --constraints requirements.lock --output-file requirements-runtime.lock pyproject.toml
	echo uv | $(COMPILE) --output-file requirements-uv.lock $(UPGRADE) -

upgrade: ## update the lock files to the newest versions
	$(MAKE) lock UPGRADE=--upgrade

clean: ## delete what was installed and cached, but no data
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime development:
	@tools/bootstrap.sh $@
