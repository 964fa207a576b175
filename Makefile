# Everything a user or a contributor runs; each target sets up what it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test hostile quick slow check fix docs notebooks pretrained zero-shot photo-model cut-out lock clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

run: $(VENV)/.train  ## Set up, get the data, train `sprint`, judge it and show the result
	@$(BIN)/ankleboot data verify; code=$$?; data=fashion-mnist; \
	if [ $$code -eq 5 ]; then data=sample; \
	  echo "Fashion-MNIST cannot be had here: going on with the sample that ships along." >&2; \
	elif [ $$code -ne 0 ]; then exit $$code; fi; \
	run=runs/demo-$$(date +%Y%m%d-%H%M%S); \
	$(BIN)/ankleboot train sprint --data $$data --run-dir $$run && \
	$(BIN)/ankleboot evaluate $$run --split test

test: $(VENV)/.dev  ## Set up and run the test suite, slow and hostile tests left out
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow and not adversarial"

hostile: $(VENV)/.dev  ## Attack the server, and hold it to its schema
	$(BIN)/python -m pytest -q -m "adversarial and not slow"

quick: $(VENV)/.dev  ## The tests that need no TensorFlow
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_idx.py tests/test_recipes.py \
	  tests/test_metrics.py tests/test_data.py tests/test_docs.py

slow: $(VENV)/.dev  ## The slow tests: real data, real kills
	$(BIN)/python -m pytest -q -m slow

check: $(VENV)/.dev  ## Lint, types, and generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python docs/generate_cli.py --check
	$(BIN)/python tools/make_notebooks.py --check

fix: $(VENV)/.dev  ## Format, and mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev  ## Write docs/cli.md and build the site, build/site/index.html
	$(BIN)/python docs/generate_cli.py
	$(BIN)/python docs/build_site.py

notebooks: $(VENV)/.dev  ## Write notebooks/*.ipynb from the scripts beside them
	$(BIN)/python tools/make_notebooks.py

pretrained: $(VENV)/.dev  ## Train, judge and export the shipped model anew (two minutes)
	$(BIN)/python tools/make_pretrained.py

zero-shot: $(VENV)/.dev  ## Train the model for photographs that has seen none (a minute)
	$(BIN)/python tools/make_zero_shot.py

photo-model: $(VENV)/.dev  ## Train the model for photographs: PHOTOS=folder (a quarter of an hour)
	$(BIN)/python tools/make_photo_model.py $(PHOTOS)

cut-out: $(VENV)/.dev  ## Train the network that finds the garment: PHOTOS=folder (a quarter of an hour)
	$(BIN)/python tools/make_cut_out.py $(PHOTOS)

lock: $(VENV)/.dev  ## Resolve requirements/*.txt anew (exact versions and hashes, no addresses)
	$(INSTALL) uv
	$(BIN)/uv pip compile pyproject.toml requirements/build.in $(LOCK) -o requirements/core.txt
	$(BIN)/uv pip compile pyproject.toml requirements/build.in --extra train $(LOCK) -o requirements/train.txt
	$(BIN)/uv pip compile pyproject.toml requirements/build.in --extra serve $(LOCK) -o requirements/serve.txt
	$(BIN)/uv pip compile pyproject.toml requirements/build.in --extra dev $(LOCK) -o requirements/dev.txt

LOCK := --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet

clean:  ## Remove what was set up; runs and the data cache stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.train: requirements/train.txt pyproject.toml | $(BIN)/python
	$(INSTALL) --require-hashes -r requirements/train.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	$(INSTALL) --require-hashes -r requirements/dev.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.train
