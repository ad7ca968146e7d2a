# One list of commands for people and for the continuous integration alike.
PORT ?= 8080
STATE ?= var
SECONDS ?= 60
PY := .venv/bin/python
CODE := evidence agent collector firmware_fixtures tests
export UPDATEPLICHT_REQUIRE ?= mosquitto libfaketime chromium systemd cose stacks

SHELL := bash
.PHONY: help setup setup-tests setup-stacks run test test-stacks hunt bench faults fuzz check format lock clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: .venv/.made ## .venv with everything, from the lock

.venv/.made: requirements.lock pyproject.toml .ci/setup
	@.ci/setup venv

setup-tests: setup .venv-cose/.made ## what only the tests need: Mosquitto, libfaketime, OpenSSL, Chromium, systemd, another project's COSE
	@.ci/setup packages mosquitto libfaketime openssl chromium systemd fonts-dejavu-core libatomic1

.venv-cose/.made: tests/evidence/foreign/requirements.lock .ci/setup
	@.ci/setup cose

setup-stacks: setup .stacks/.made ## what only test-stacks needs: Mosquitto, and other projects' device stacks
	@.ci/setup packages mosquitto

.stacks/.made: tests/stacks/requirements.lock tests/stacks/package-lock.json .ci/setup
	@.ci/setup stacks

run: setup ## the whole path on this machine, until Ctrl-C (PORT=8080, STATE=var)
	@exec $(PY) -m firmware_fixtures.demo --port $(PORT) --state $(STATE)

test: setup-tests ## all tests, by as many processes as there are cores, with the same examples each time (ARGS=...)
	$(PY) -m pytest -q -n auto --dist loadscope --hypothesis-profile=ci $(ARGS)

hunt: setup-tests ## the properties with new examples, N rounds of them until one fails (N=10 ARGS=...)
	@for round in $$(seq $(or $(N),10)); do \
	  $(PY) -m pytest -q -n auto --dist loadscope -m hypothesis --hypothesis-seed=$$RANDOM$$RANDOM $(ARGS) || exit; done

test-stacks: setup-stacks ## the readers against device stacks that other projects wrote (ARGS=...)
	$(PY) -m pytest -q tests/stacks $(ARGS)

bench: setup ## how fast it is, in JSON lines: all benchmarks, or WHAT=ingest|judge (N=devices, or reports)
	@$(PY) -m tests.bench $(WHAT)

faults: setup-tests ## kill, cut, fill and unplug at random, N times (N=200 SEED=...), then show that nothing was lost
	@$(PY) -m tests.faults $(or $(N),200) $(if $(SEED),--seed $(SEED))

fuzz: setup .venv/.fuzz ## every parser of untrusted bytes against atheris (SECONDS=60, WHAT=targets)
	@$(PY) -m tests.fuzz --seconds $(SECONDS) $(WHAT)

.venv/.fuzz: tests/fuzz/requirements.lock .venv/.made
	@.ci/setup fuzz

check: setup ## format, lint, types, import rules, then test
	$(PY) -m ruff format --check $(CODE)
	$(PY) -m ruff check $(CODE)
	$(PY) -m mypy
	.venv/bin/lint-imports
	@$(MAKE) --no-print-directory test

format: setup ## put the code in its one form
	$(PY) -m ruff check --fix-only --quiet $(CODE)
	$(PY) -m ruff format $(CODE)

lock: ## resolve the dependencies anew (needs uv and npm)
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate --python-version 3.11 \
	  --extra collector --group dev pyproject.toml -o requirements.lock
	uv pip compile -q --no-deps --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  tests/stacks/requirements.in -o tests/stacks/requirements.lock
	cd tests/stacks && npm install --package-lock-only --ignore-scripts --no-fund --omit-lockfile-registry-resolved && node -e \
	  'const l = require("./package-lock.json"); for (const p of Object.values(l.packages)) delete p.funding; \
	  require("fs").writeFileSync("package-lock.json", JSON.stringify(l, null, 2) + "\n")'

clean: ## everything that was made, the state of make run too
	rm -rf .venv .venv-cose .stacks var .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
