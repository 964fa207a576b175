# Everything a user or a contributor runs; each target sets up what it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Compiled modules are kept even where the environment forbids it: many commands start in a test run.
export PYTHONDONTWRITEBYTECODE :=
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test adversarial quick slow soak mutants check fix docs notebooks pages peers dist pretrained \
  zero-shot photo-model segmentation ood-features lock clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

run: $(VENV)/.train  ## Set up, get the data, train `sprint`, evaluate it and show the result
	@$(BIN)/ankleboot data verify; code=$$?; data=fashion-mnist; \
	if [ $$code -eq 5 ]; then data=sample; \
	  echo "Fashion-MNIST cannot be downloaded here; training on the shipped sample." >&2; \
	elif [ $$code -ne 0 ]; then exit $$code; fi; \
	run=runs/demo-$$(date +%Y%m%d-%H%M%S); \
	$(BIN)/ankleboot train sprint --data $$data --run-dir $$run && \
	$(BIN)/ankleboot evaluate $$run --split test && \
	echo "your photo, by the shipped models: . $(BIN)/activate; ankleboot predict PHOTO"

test: $(VENV)/.dev  ## Set up and run the test suite, without slow and adversarial tests
	$(BIN)/python -m pytest -q -n 3 --dist loadfile -m "not slow and not adversarial"

adversarial: $(VENV)/.dev  ## Attack the server, and hold it to its schema
	$(BIN)/python -m pytest -q -m "adversarial and not slow"

quick: $(VENV)/.dev  ## The tests that need no TensorFlow and take seconds
	$(BIN)/python -m pytest -q -m "not slow" $(QUICK)

QUICK := tests/core/test_types.py tests/data/fashion_mnist/test_idx.py \
  tests/evaluation/test_metrics.py tests/test_words.py

slow: $(VENV)/.dev  ## The slow tests, of notebooks, pages, real data and real kills: ONLY="tests/docs ..." PARALLEL=
	$(BIN)/python -m pytest -q -m slow $(if $(PARALLEL),-n $(PARALLEL) --dist loadfile) $(ONLY)

soak: $(VENV)/.dev  ## Hold every promise against faults, kills and noise: MINUTES=10 SEED= ONLY= CASE= SHORT=
	PYTHONPATH=tests $(BIN)/python -m soak $(addprefix --minutes ,$(MINUTES)) $(addprefix --seed ,$(SEED)) \
	  $(if $(ONLY),--only $(ONLY)) $(addprefix --case ,$(CASE)) $(if $(SHORT),--short)

mutants: $(VENV)/.dev  ## Change the code that keeps the promises about files, and see which changes no test notices
	$(INSTALL) mutmut
	$(BIN)/mutmut run
	$(BIN)/mutmut results

check: $(VENV)/.dev  ## Lint, types, and generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python docs/generate_cli.py --check
	$(BIN)/python tools/make_notebooks.py --check
	$(BIN)/python tools/make_quizzes.py --check

fix: $(VENV)/.dev  ## Format, and fix what the linter can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev  ## Write docs/cli.md and build the site, build/site/index.html
	$(BIN)/python docs/generate_cli.py
	$(BIN)/python docs/build_site.py

notebooks: $(VENV)/.dev  ## Write notebooks/*.ipynb from the scripts beside them
	$(BIN)/python tools/make_notebooks.py

pages: build/pages-venv/.done  ## Test the pages of Gradio and Streamlit, and MediaPipe, in an environment of their own
	build/pages-venv/bin/python -m pytest -q tests/e2e/test_example_pages.py tests/e2e/test_mediapipe.py

build/pages-venv/.done: requirements/pages.txt pyproject.toml
	$(PYTHON) -m venv build/pages-venv
	build/pages-venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/pages.txt
	build/pages-venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

peers: build/peers-venv/.done build/mlserver-venv/.done  ## Install the servers that `bench.py peers` measures beside ours

build/%-venv/.done: requirements/%.txt
	$(PYTHON) -m venv build/$*-venv
	build/$*-venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$*.txt
	@touch $@

dist: $(VENV)/.dev  ## Build wheel and sdist, install the wheel in an empty environment, label PHOTO=file
	rm -rf dist build/dist-venv && $(BIN)/hatchling build -d dist
	$(PYTHON) -m venv build/dist-venv
	build/dist-venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/core.txt
	build/dist-venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps dist/*.whl
	rm -rf build/dist-images && build/dist-venv/bin/ankleboot data images build/dist-images --data sample --count 3
	build/dist-venv/bin/ankleboot predict $(or $(PHOTO),build/dist-images)

pretrained: $(VENV)/.dev  ## Train, evaluate and export the models of Fashion-MNIST again (45 minutes)
	$(BIN)/python tools/make_pretrained.py pretrained pocket

zero-shot: $(VENV)/.dev  ## Train the model for photos that learns from none (a minute)
	$(BIN)/python tools/make_zero_shot.py

photo-model: $(VENV)/.dev  ## Judge and train the model for photos: PHOTOS="folder folder" FOREIGN=folder (90 minutes)
	$(BIN)/python tools/make_photo_model.py $(PHOTOS) --foreign $(FOREIGN)

segmentation: $(VENV)/.dev  ## Train the segmentation network: PHOTOS=folder (15 minutes)
	$(BIN)/python tools/make_segmentation.py $(PHOTOS)

ood-features: $(VENV)/.dev  ## Train the network of the out-of-distribution check: PHOTOS="folder folder" (3 minutes)
	$(BIN)/python tools/make_ood_features.py $(PHOTOS)

lock: $(VENV)/.dev  ## Resolve requirements/*.txt (exact versions and hashes, no addresses)
	$(INSTALL) uv
	$(BIN)/uv pip compile pyproject.toml requirements/build.in $(LOCK) -o requirements/core.txt
	$(BIN)/uv pip compile pyproject.toml requirements/build.in --extra train $(LOCK) -o requirements/train.txt
	$(BIN)/uv pip compile pyproject.toml requirements/build.in --extra serve $(LOCK) -o requirements/serve.txt
	$(BIN)/uv pip compile pyproject.toml requirements/build.in --extra dev $(LOCK) -o requirements/dev.txt
	$(BIN)/uv pip compile pyproject.toml requirements/build.in requirements/pages.in --extra pages $(LOCK) -o requirements/pages.txt
	$(BIN)/uv pip compile requirements/peers.in $(LOCK) -o requirements/peers.txt
	$(BIN)/uv pip compile requirements/mlserver.in $(LOCK) -o requirements/mlserver.txt

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
