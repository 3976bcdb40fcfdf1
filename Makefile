# `make` alone lists the targets. Everything happens in .venv, which is made on first use.
PYTHON ?= python3
WORKERS ?= 2
UNIT_SECONDS ?= 10
ONLY ?=

BIN := .venv/bin
INSTALL := $(PYTHON) requirements/install.py
PYTEST := $(BIN)/python -m pytest
UNIT := tests/core tests/model
UNIT_ALONE := $(addprefix -p no:,cacheprovider flask anyio xdist pytest_cov platformdirs) $(UNIT)
DATABASE_SUITES := tests/contracts tests/adapters tests/web
CATALOGUES := $(wildcard flask_crm_stripe/translations/*/LC_MESSAGES/*.po)
COMPILE := --universal --generate-hashes --python-version 3.11 --quiet --custom-compile-command "make lock" $(UPGRADE)

# A stamp each; the development lock holds all of the demo's, so with it there nothing more is installed.
DEMO := .venv/.demo-installed
DEV := .venv/.dev-installed
READY := $(if $(wildcard $(DEV)),$(DEV),$(DEMO))

.DEFAULT_GOAL := help
.PHONY: help demo demo-distributed test unit check format bench rights messages lock test-lowest test-sqlalchemy20 clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

$(DEMO): requirements/demo.txt requirements/uv.txt pyproject.toml
	@$(INSTALL) demo
	@touch $@

$(DEV): requirements/dev.txt requirements/uv.txt pyproject.toml
	@$(INSTALL) dev
	@touch $(DEMO) $@

demo: $(READY) ## the example CRM and FakeStripe on this machine: no account, no key
	@$(BIN)/python -m example_app.demo

demo-distributed: $(DEV) ## the same on PostgreSQL, Redis, two web processes and two Celery workers
	@$(BIN)/python -m example_app.distributed

test: check unit ## everything: check, then all tests, then coverage
	@rm -f .coverage .coverage.*
	$(PYTEST) -n $(WORKERS) --dist worksteal --cov --cov-report=
	@echo "Coverage of the rules and use cases: 100 % of statements and branches"
	@$(BIN)/coverage report --fail-under=100 --include='flask_crm_stripe/core/*,flask_crm_stripe/model/*'
	@echo "Coverage of the package: at least 92 %"
	@$(BIN)/coverage report --fail-under=92

unit: export PYTHONDONTWRITEBYTECODE = # else the line below compiles for nothing
unit: $(DEV) ## rules and use cases only, in seconds; what a new clone has to compile first is not counted
	@$(PYTEST) --collect-only -qq $(UNIT_ALONE) > /dev/null
	@$(BIN)/python tests/support/timed.py --at-most $(UNIT_SECONDS) -- $(PYTEST) -q $(UNIT_ALONE)

check: $(DEV) ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg --no-logo

format: $(DEV) ## write the format, and what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEV) ## measure; ONLY=webhooks for one
	@$(BIN)/python -m bench $(ONLY)

rights: $(DEV) ## try every entry as every role and write docs/rights.md
	$(BIN)/python -m tests.rights.table

messages: $(DEV) ## read the texts to translate, bring the catalogues up to date, compile them
	@mkdir -p flask_crm_stripe/translations
	$(BIN)/python -c 'import setuptools; setuptools.setup(packages=[])' --quiet extract_messages $(if $(CATALOGUES),update_catalog compile_catalog)

lock: $(DEV) ## remake requirements/*.txt from pyproject.toml; UPGRADE=--upgrade for newer versions
	$(BIN)/uv pip compile $(COMPILE) pyproject.toml --extra celery --extra testing --group dev --output-file requirements/dev.txt
	$(BIN)/uv pip compile $(COMPILE) pyproject.toml --group demo --constraint requirements/dev.txt --output-file requirements/demo.txt
	echo uv | $(BIN)/uv pip compile $(COMPILE) - --output-file requirements/uv.txt

test-lowest: $(DEV) ## the suites on the lowest direct versions that pyproject.toml allows
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-lowest
	$(BIN)/uv pip compile --quiet --resolution lowest-direct --extra celery --extra testing --python .venv-lowest \
		--output-file .venv-lowest/lowest.txt pyproject.toml
	$(BIN)/uv pip install --quiet --python .venv-lowest --constraint .venv-lowest/lowest.txt --group dev --editable '.[celery,testing]'
	.venv-lowest/bin/python -m pytest -n $(WORKERS) $(UNIT) $(DATABASE_SUITES)

test-sqlalchemy20: $(DEV) ## the suites with a database on SQLAlchemy 2.0
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-sa20
	$(BIN)/uv pip install --quiet --python .venv-sa20 --group dev --editable '.[celery,testing]' 'sqlalchemy<2.1'
	.venv-sa20/bin/python -m pytest -n $(WORKERS) $(DATABASE_SUITES)

clean: ## remove the environments and everything that was made
	rm -rf .venv .venv-* build dist htmlcov test-results .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
