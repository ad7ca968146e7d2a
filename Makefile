# One list of commands for people and for the continuous integration alike.
PORT ?= 8080
STATE ?= var
PY := .venv/bin/python
CODE := evidence agent collector firmware_fixtures tests
export UPDATEPLICHT_REQUIRE ?= mosquitto chromium cose

.PHONY: help setup setup-tests run test bench check format lock clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: .venv/.made ## .venv with everything, from the lock

.venv/.made: requirements.lock pyproject.toml .ci/setup
	@.ci/setup venv

setup-tests: setup .venv-cose/.made ## what only the tests need: Mosquitto, OpenSSL, Chromium, another project's COSE
	@.ci/setup packages mosquitto openssl chromium fonts-dejavu-core libatomic1

.venv-cose/.made: tests/evidence/foreign/requirements.lock .ci/setup
	@.ci/setup cose

run: setup ## the whole path on this machine, until Ctrl-C (PORT=8080, STATE=var)
	@exec $(PY) -m firmware_fixtures.demo --port $(PORT) --state $(STATE)

test: setup-tests ## all tests, by as many processes as there are cores (ARGS=...)
	$(PY) -m pytest -q -n auto --dist loadscope $(ARGS)

bench: setup ## how fast it is, in JSON lines: all benchmarks, or WHAT=ingest|judge (N=devices)
	@$(PY) -m tests.bench $(WHAT)

check: setup ## format, lint, types, import rules, then all tests
	$(PY) -m ruff format --check $(CODE)
	$(PY) -m ruff check $(CODE)
	$(PY) -m mypy
	.venv/bin/lint-imports
	@$(MAKE) --no-print-directory test

format: setup ## put the code in its one form
	$(PY) -m ruff check --fix-only --quiet $(CODE)
	$(PY) -m ruff format $(CODE)

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate --python-version 3.11 \
	  --extra collector --group dev pyproject.toml -o requirements.lock

clean: ## everything that was made, the state of make run too
	rm -rf .venv .venv-cose var .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
