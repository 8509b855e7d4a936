# Everything that a person or CI runs. `make help` lists it.
PYTHON ?= python3
BIN := .venv/bin
STACK ?= local
BASE ?= origin/main
LEADS ?= 1000
ENGINE ?= embedded
READY := .venv/.ready

# Recipes take them from the environment: so a value is one word, whatever is in it.
export PYTHON STACK BASE LEADS ENGINE ONLY PART

.DEFAULT_GOAL := help
.PHONY: help setup up preview down outputs logs doctor test test-cli contract breaking-changes mutants faults cost bench check lint types audit contract-lint judges workflow-lint format lock packages

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(READY)  ## install what the project needs, into .venv

$(READY): requirements/bootstrap.txt requirements/dev.txt requirements/lambda-runtime.txt
	@tools/setup "$$PYTHON"

up: setup  ## start the local cloud, deploy the stack, send the sample leads
	@$(BIN)/python -m local_cloud up --stack="$$STACK" --engine="$$ENGINE"

preview: setup  ## show what `make up` would change
	@$(BIN)/python -m local_cloud preview --stack="$$STACK" --engine="$$ENGINE"

down: setup  ## stop the local cloud and remove what it holds
	@$(BIN)/python -m local_cloud down --stack="$$STACK"

outputs: setup  ## print the stack's addresses, the API key and the database's address as JSON
	@$(BIN)/python -m local_cloud outputs --stack="$$STACK" --json

logs: setup  ## print what the functions wrote in the last minutes
	@$(BIN)/python -m local_cloud logs --stack="$$STACK"

doctor: setup  ## say what is missing on this machine
	@$(BIN)/python -m local_cloud doctor --stack="$$STACK"

test: setup packages  ## run every test but those of `test-cli`
	@$(BIN)/python -m pytest -n 2 --dist loadfile --ignore tests/cli

test-cli: setup packages  ## run the program with the Pulumi CLI; builds one where there is only Go, else says so
	@if $(BIN)/python -m local_cloud.pulumi_cli.toolchain; then $(BIN)/python -m pytest tests/cli; \
		else [ $$? = 3 ] && echo "left out: tests/cli"; fi

contract: setup  ## prove the API against openapi.yaml; URL=… API_KEY=… for one elsewhere
	@$(BIN)/python contract-tests/run.py

breaking-changes: setup  ## say what openapi.yaml breaks for whom, against a released one: BASE=<git ref or file>
	@$(BIN)/python contract-tests/breaking_changes.py --base "$$BASE"

mutants: setup packages  ## break the product on purpose, one way at a time: the contract's tests must notice; ONLY='database*'
	@PYTHONPATH=contract-tests $(BIN)/python -m mutants $(if $(ONLY),--only "$$ONLY")

cost: setup  ## print what a deployed stack costs in a month: make cost STACK=dev LEADS=1000 (a day)
	@$(BIN)/python -m operations cost --stack="$$STACK" --leads-per-day="$$LEADS"

faults: setup packages  ## break every line of the stack in every known way, and count what became of the leads; PART=matrix
	@$(BIN)/python -m tests.faults $(if $(PART),--part="$$PART") $(if $(JSON),--json)

bench: setup  ## measure what a person waits for, and a burst of 300 leads
	@$(BIN)/python benchmarks/local_cloud.py

check: setup lint types contract-lint judges workflow-lint audit  ## format, lint, types, the contract's and the workflows' validity, AWS's rules for what is deployed

audit: setup  ## look the locked dependencies up among the known vulnerabilities; AUDIT=strict: or fail
	@$(BIN)/python tools/audit

lint:
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types:
	@$(BIN)/mypy .

contract-lint:
	@$(BIN)/openapi-spec-validator openapi.yaml
	@$(BIN)/python -m components.gateway_limits openapi.yaml

judges:  ## hold what the program would deploy to AWS's own rules: cfn-lint, the service models
	@$(BIN)/python -m tests.judges

workflow-lint:
	@$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/zizmor --offline --no-progress --quiet .github

format: setup  ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock:  ## write the hashed lock files again after an edit of requirements/*.in
	@cd requirements && for name in bootstrap dev lambda-runtime lambda-runtime-urllib3-1; do \
		../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
			--no-emit-index-url $$name.in -o $$name.txt || exit 1; done

packages:
	@tools/ensure-package mariadbd mariadb-server-core mariadb-client-core
	@tools/ensure-package chromium,google-chrome chromium
	@tools/ensure-package openssl openssl
