# Two commands do all set-up: `make demo` shows the tool at work, `make test` checks everything.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

ENGINE ?= docker
IMAGE ?= manifest-tool

.PHONY: help demo test coverage integration image bench lint format readme clean

help:
	@echo "make demo        install, start a registry on loopback, publish the example specs, show what lies there"
	@echo "make test        install what tests need, then ruff, mypy and every test"
	@echo "make coverage    the same tests, and which lines and branches they reach; takes half as long again"
	@echo "make integration the tests that need large programs, such as podman"
	@echo "make image       the container image; ENGINE=docker, podman or buildah, IMAGE=its name, IMAGE_OPTIONS=more"
	@echo "make bench       how long pushes take at a distance, and how many round trips, beside other programs; some minutes"
	@echo "make lint        ruff and mypy alone"
	@echo "make format      let ruff put the code in order"
	@echo "make readme      run every command of the README and of docs/, and write down what it prints"
	@echo "make clean       remove what the other targets made"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(INSTALLED): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(INSTALLED_DEV): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(INSTALLED)

demo: $(INSTALLED)
	@$(BIN)/python -m integration.demo

lint: $(INSTALLED_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: $(INSTALLED_DEV) lint
	@integration/install-docker-registry.sh
	$(BIN)/python -m pytest -p integration.skips -m "not integration" -n 2

coverage: $(INSTALLED_DEV)
	@integration/install-docker-registry.sh
	$(BIN)/python -m pytest -p integration.skips -m "not integration" -n 2 --cov --cov-report=term

integration: $(INSTALLED_DEV)
	@integration/install-docker-registry.sh
	@integration/install-image-tools.sh
	$(BIN)/python -m pytest -p integration.skips -m integration tests/integration

# The same commit gives the same files; what an engine writes about them is its own affair.
image:
	$(ENGINE) build --tag $(IMAGE) --build-arg REVISION=$$(git describe --always --dirty --abbrev=40 --exclude '*') \
	    --build-arg SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(IMAGE_OPTIONS) .

bench: $(INSTALLED)
	@$(BIN)/python -m benchmarks

format: $(INSTALLED_DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

readme: $(INSTALLED)
	@$(BIN)/python -m integration.readme

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .cache
