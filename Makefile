# What one does with this project; `make` alone lists it. Works with GNU make 3.81 (macOS) and later.

VENV := .venv
BIN := $(VENV)/bin
# Newer than every list of dependencies when the environment is complete.
READY := $(VENV)/.ready
MEMBERS := shared/pyproject.toml $(wildcard services/*/pyproject.toml)
# A machine without uv gets it from PyPI, into the environment.
UV := $(shell command -v uv 2>/dev/null || echo $(BIN)/uv)
# Where this is set (containers often do), every start of a process compiles what it imports again:
# two thirds of the time that a service takes to start. Empty is unset.
export PYTHONDONTWRITEBYTECODE :=

# A test that is skipped where its tool is missing fails in a CI, which has to have each.
WHOLE := -rs $(if $(GITHUB_ACTIONS),-p tests.skips)

.DEFAULT_GOAL := help
.PHONY: help setup kafka check test boundary chaos test-rolling properties tamper test-browser interop images sbom test-dependencies compose-test test-rights test-k8s test-observability test-signatures golden test-terraform demo bench docs fmt hooks clean

help: ## list what there is
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(READY) ## get everything that the project needs into .venv

$(READY): pyproject.toml uv.lock $(MEMBERS)
	@python=$$(deploy/local/require python) && \
	if ! [ -x "$(UV)" ]; then \
		echo "uv is not here: getting it from PyPI into $(VENV)" && \
		"$$python" -m venv --clear $(VENV) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.8"; \
	fi && \
	UV_PYTHON="$$( [ -x $(BIN)/python ] && echo $(BIN)/python || echo $$python )" \
	UV_PROJECT_ENVIRONMENT=$(VENV) "$(UV)" sync --locked
	@touch $@

kafka:
	@deploy/local/require kafka

check: $(READY) secrets advisories ## format, lint, types, who may import whom; secrets, vulnerable dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile tests/compose/stand-ins/*/Dockerfile

# More workers than cores: many of these tests wait, for a broker, a restart or a time-out. Each collects all tests, though,
# for eight seconds of CPU.
test: $(READY) kafka ## every test, on a real Apache Kafka
	$(BIN)/pytest -n 6 --dist loadfile --no-loadscope-reorder

boundary: $(READY) kafka ## the demo, cut off from every network (Linux): nothing even tries to leave
	$(BIN)/pytest $(WHOLE) tests/boundary

chaos: $(READY) kafka ## the tests that kill, freeze and cut things, all rounds of them
	GLIDESLOPE_CHAOS=full $(BIN)/pytest $(WHOLE) tests/chaos tests/integration/services/audit/test_crash.py \
		tests/integration/services/audit/test_app.py tests/integration/glideslope/test_gaps.py \
		tests/unit/services/audit/adapters/test_storages.py
	GLIDESLOPE_CHAOS=full GLIDESLOPE_CHAOS_TRANSACTION_VERSION=1 $(BIN)/pytest $(WHOLE) \
		tests/chaos/test_transaction_versions.py tests/chaos/test_killed_service.py \
		tests/chaos/test_frozen_service.py tests/chaos/test_cut_network.py

test-rolling: $(READY) kafka ## every service replaced by another build and back under load; shows latencies
	GLIDESLOPE_CHAOS=full $(BIN)/pytest $(WHOLE) -s tests/chaos/test_rolling.py

test-rights: $(READY) ## the pipeline on a Kafka that refuses all that is not declared; needs Java
	$(BIN)/pytest $(WHOLE) tests/rights

test-terraform: $(READY) ## deploy/terraform before Terraform, linters and the AWS provider's schema; needs Go
	$(BIN)/python -m tests.terraform.tools
	$(BIN)/pytest $(WHOLE) tests/terraform

properties: $(READY) ## the properties of tests/unit, each on a thousand examples
	$(BIN)/pytest -n auto -m hypothesis --hypothesis-profile=many --timeout 1200 tests/unit

tamper: $(READY) ## each kind of change to each kind of object of audit logs of 10,000 entries
	GLIDESLOPE_TEST_TAMPER_ENTRIES=10000 $(BIN)/pytest \
		tests/unit/glideslope/audit/test_tampering.py tests/unit/glideslope/audit/test_bucket.py

test-browser: $(READY) kafka ## the reviewers' pages in a real Chromium; SHOTS=FOLDER keeps screenshots
	$(if $(SHOTS),GLIDESLOPE_SCREENSHOTS=$(SHOTS)) $(BIN)/pytest $(WHOLE) tests/browser

interop: $(READY) ## our audit logs before the verifiers that others wrote (Go, Tessera, aics-tlog)
	$(BIN)/python tests/interop/tools.py
	$(BIN)/pytest $(WHOLE) tests/interop

# What is committed is what is built: each file, and the time of it all, is the commit's.
COMMIT ?= HEAD
REGISTRY ?=
VERSION ?= latest
SERVICES := $(patsubst services/%/pyproject.toml,%,$(wildcard services/*/pyproject.toml))
BUILD = git -c tar.umask=0022 archive $(COMMIT) | DOCKER_BUILDKIT=1 docker build --quiet $(if $(BASE),--build-arg BASE=$(BASE)) \
	$(if $(EXTRAS),--build-arg EXTRAS=$(EXTRAS)) \
	--build-arg VERSION=$(VERSION) --build-arg REVISION=$(shell git rev-parse $(COMMIT)) \
	--build-arg SOURCE_DATE_EPOCH=$(shell git log -1 --format=%ct $(COMMIT)) \
	--build-arg CREATED=$(shell TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd $(COMMIT))

images: ## the image of each service and of the command line, from COMMIT (HEAD); REGISTRY=host/name/ VERSION=… EXTRAS=msk
	@for service in $(SERVICES); do \
		echo "$(REGISTRY)glideslope-$$service:$(VERSION)" && \
		$(BUILD) --build-arg SERVICE=$$service --tag "$(REGISTRY)glideslope-$$service:$(VERSION)" - || exit 1; \
	done
	@echo "$(REGISTRY)glideslope-command-line:$(VERSION)"
	@$(BUILD) --target command-line --tag "$(REGISTRY)glideslope-command-line:$(VERSION)" -

sbom: ## the bill of materials of each of these images (CycloneDX), out of the image, into dist/sbom
	@mkdir -p dist/sbom
	@for image in $(SERVICES) command-line; do \
		docker run --rm --network none --entrypoint cat "$(REGISTRY)glideslope-$$image:$(VERSION)" /venv/sbom.cdx.json \
			> "dist/sbom/glideslope-$$image.cdx.json" && echo "dist/sbom/glideslope-$$image.cdx.json" || exit 1; \
	done

test-dependencies: $(READY) ## each service runs with what it declares, and nothing else
	$(BIN)/pytest $(WHOLE) tests/dependencies

compose-test: $(READY) ## the images, and all of docker-compose.yml, really up, in a Docker engine
	$(BIN)/pytest $(WHOLE) --timeout 2400 tests/compose

test-k8s: $(READY) ## the Helm chart on a real Kubernetes control plane (the first time it builds one with Go)
	$(BIN)/python tests/k8s/tools.py
	$(BIN)/pytest $(WHOLE) --timeout 600 tests/k8s tests/unit/deploy/helm

test-observability: $(READY) ## the configuration of collector, Prometheus and dashboards before their own programs; needs Go
	$(BIN)/python -m tests.observability.tools
	$(BIN)/pytest $(WHOLE) tests/observability tests/unit/deploy/grafana

test-signatures: $(READY) ## signing and verifying with cosign itself and a registry on this machine; needs Go, ten minutes once
	$(BIN)/python -m tests.signatures.tools
	$(BIN)/pytest $(WHOLE) tests/signatures tests/unit/deploy/ci/test_signatures.py

golden: $(READY) ## what the Helm chart renders becomes what it should render
	GLIDESLOPE_GOLDEN=write $(BIN)/pytest -q tests/unit/deploy/helm -k looked_at

demo: $(READY) kafka ## the whole pipeline, questions in, checked answers out; DEMO_KEEP=1: it stays up
	$(BIN)/glideslope demo

bench: ## list the benchmarks; each runs as make bench-<name>
	@for file in benchmarks/bench_*.py; do \
		[ -e "$$file" ] || continue; \
		name=$$(basename "$$file" .py | sed 's/^bench_//; s/_/-/g'); \
		printf '  make bench-%s	%s\n' "$$name" "$$(sed -n '1s/^"""\(.*\)/\1/p' "$$file" | sed 's/"""$$//')"; \
	done | expand -t 30

bench-%: $(READY) kafka
	@[ -e "benchmarks/bench_$(subst -,_,$*).py" ] || { echo "there is no benchmark '$*'; these there are:"; $(MAKE) -s bench; exit 2; }
	@$(BIN)/python -m benchmarks.bench_$(subst -,_,$*)

# What keeps the supply chain and the quality, and the way from a commit to what runs: docs/cicd.md.
.PHONY: secrets secrets-history advisories lint-workflows gate push chart push-chart sign verify-signatures release deploy promote

secrets: $(READY) ## look for secrets in every file that git has
	$(BIN)/python -m deploy.ci.leaks

secrets-history: $(READY) ## look for secrets in every commit (gitleaks); without Go it is skipped
	deploy/ci/secrets-history

advisories: $(READY) ## ask OSV for vulnerabilities of dependencies; DEPENDENCY_AUDIT=required: or fail
	$(BIN)/python -m deploy.ci.advisories

lint-workflows: $(READY) ## actionlint and zizmor over .github; without Go the first is skipped
	deploy/ci/lint-workflows

gate: $(READY) ## quality against evals/floors.toml; RELEASE=FILE: of that manifest; GATE=complete: all of it
	$(BIN)/python -m evals.gate

# From a commit to what runs: images and sbom, then these, in the order of a release.
HELM ?= $(or $(shell command -v helm),$(HOME)/.cache/glideslope/k8s/helm)
CHART := deploy/helm/glideslope
NAMESPACE ?= glideslope

push: ## push the images to REGISTRY=host/name/; dist/pushed names them by digest
	@[ -n "$(REGISTRY)" ] || { echo "say where to: make push REGISTRY=host/name/ VERSION=…" >&2; exit 2; }
	@mkdir -p dist/pushed
	@for image in $(SERVICES) command-line; do \
		name="$(REGISTRY)glideslope-$$image" && docker push --quiet "$$name:$(VERSION)" && \
		docker inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$$name:$(VERSION)" \
			| grep "^$$name@" > "dist/pushed/glideslope-$$image" || exit 1; \
	done

chart: $(READY) ## lint the chart and pack it into dist; VERSION=…: as that version
	@$(BIN)/python tests/k8s/tools.py helm
	$(HELM) lint --strict $(CHART) --values $(CHART)/ci/laptop.yaml
	$(HELM) package $(CHART) --destination dist $(if $(filter-out latest,$(VERSION)),--version $(VERSION) --app-version $(VERSION))

push-chart: ## push that chart to REGISTRY=host/name/ as an OCI artifact
	@[ -n "$(REGISTRY)" ] || { echo "say where to: make push-chart REGISTRY=host/name/ VERSION=…" >&2; exit 2; }
	@mkdir -p dist/pushed
	$(HELM) push $(if $(PLAIN_HTTP),--plain-http) dist/glideslope-$(VERSION).tgz oci://$(REGISTRY)charts > dist/push-chart.txt 2>&1 || { cat dist/push-chart.txt; exit 1; }
	@echo "$(REGISTRY)charts/glideslope@$$(sed -n 's/^Digest: //p' dist/push-chart.txt)" | tee dist/pushed/chart

sign: $(READY) ## sign what was pushed, and its bills of materials (cosign); COSIGN_KEY=… or keyless
	$(BIN)/python -m deploy.ci.signatures sign

# These two and promote read what a person typed (VERSION, REGISTRY, MANIFEST, WHY) from the environment: in a
# line for the shell, or in make's own syntax, a version such as $(shell …) would be run.
verify-signatures: $(READY) ## images and chart of REGISTRY at VERSION, signed by SIGNER or COSIGN_KEY; their digests into dist
	$(BIN)/python -m deploy.ci.signatures verify

release: $(READY) ## VERSION=…: everything says it, CHANGELOG has it; then wheel, source and notes into dist
	$(BIN)/python -m deploy.ci.release
	$(UV) build --quiet --out-dir dist

deploy: ## VALUES=FILE: the verified chart and images into the cluster that kubectl knows; PULL_FROM=host/name/: where nodes find copies
	@[ -e dist/verified.yaml ] || { echo "make verify-signatures first: a deployment runs digests, not tags" >&2; exit 2; }
	$(HELM) upgrade --install glideslope $(or $(shell cat dist/verified-chart 2>/dev/null),$(CHART)) --namespace $(NAMESPACE) --create-namespace \
		--values "$(VALUES)" --values dist/verified.yaml --set image.registry=$(patsubst %/,%,$(or $(PULL_FROM),$(REGISTRY))) --rollback-on-failure --timeout 15m

promote: $(READY) ## MANIFEST=FILE WHY=… [PERCENT=…]: register it at KAFKA_BOOTSTRAP_SERVERS, and let it answer
	@deploy/ci/promote

docs: $(READY) ## write the generated pages again
	$(BIN)/glideslope docs
	$(BIN)/glideslope access aws --write deploy/terraform/modules/rights/policies
	$(BIN)/python -m tests.terraform.modules

fmt: $(READY) ## format, and repair what lint can repair
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

hooks: $(READY) ## run make check before every commit
	$(BIN)/pre-commit install

clean: ## remove what can be made again; .glideslope, with its audit log, stays
	rm -rf $(VENV) dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
