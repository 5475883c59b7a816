# Each target first installs what it needs into .venv, from the hashed locks, so that a new clone needs only
# `make demo` or `make test`.
PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv || echo .tools/bin/uv)
COMPILE := $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

# Keep byte code, because without it every start compiles all modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test check docs proof bench bench-million browser letters page-pictures lock wheel clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

demo: .venv/.ok ## Run the demo on sample sources and fictional subscribers; letters in demo/
	$(BIN)/digest demo --out demo

test: .venv/.ok ## Run the tests, on SQLite and on PostgreSQL when this machine has one
	$(BIN)/pytest -n auto --dist worksteal

check: .venv/.ok ## Check format, lint, types and the counts that make a house hard to read
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python .ci/counts.py

docs: .venv/.ok ## Write docs/configuration.md and docs/commands.md from the program itself
	$(BIN)/python docs/generate.py

proof: .venv/.ok ## Run the long proofs and print figures; for one part (at most an hour): make proof PART=sources
	@set -e; for part in $(or $(PART),sources fuzz letters ledger killed actors faults restarts desk attack join upgrades cluster soak); do \
		echo "proof: $$part"; $(BIN)/pytest -m proof $$(sed -n "s/^$$part: //p" .ci/proofs); \
	done

bench: .venv/.ok ## Measure the figures of speed, print them, and write them into the pages; some: make bench FIGURES=send
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-ci.lock  # PostgreSQL
	$(BIN)/python -m benchmarks $(FIGURES) --repetitions $(or $(REPETITIONS),5)

bench-million: .venv/.ok ## Measure the memory and time of one run of a million readers (an hour); READERS=50000 for fewer
	$(BIN)/python -m benchmarks million --readers $(or $(READERS),1000000)

browser: .venv/.ok ## Install the programs that check letters: Chromium, html checkers, a spam filter
	sh .ci/browser

letters: browser ## Draw the demo's letters in every scene; pictures and contact sheet in letters/
	$(BIN)/python -m tests.browser.pictures letters

page-pictures: browser ## Draw the pictures of the pages in docs/
	$(BIN)/python -m tests.browser.page_pictures docs

lock: $(UV) ## Lock the newest versions that pyproject.toml allows
	$(COMPILE) pyproject.toml --extra cluster --extra postgresql --group dev --output-file requirements-dev.lock
	$(COMPILE) pyproject.toml --extra cluster --extra postgresql --constraints requirements-dev.lock --output-file requirements.lock
	$(COMPILE) --group ci --constraints requirements-dev.lock --output-file requirements-ci.lock
	$(COMPILE) --group bootstrap --output-file requirements-uv.lock

.tools/bin/uv:
	$(PYTHON) -m pip install --quiet --target .tools --require-hashes -r requirements-uv.lock

wheel: .venv/.ok ## Build the wheel in dist/
	$(BIN)/hatchling build --target wheel

clean: ## Remove all files that make has created
	rm -rf .venv .tools demo dist tests/browser/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find digest subscribers tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.ok: requirements-dev.lock requirements-uv.lock pyproject.toml .ci/setup
	@PYTHON="$(PYTHON)" sh .ci/setup requirements-dev.lock
	@touch $@
