# Needs Python 3.11 to 3.13 and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALL := $(RUN) -m pip --disable-pip-version-check install --quiet --editable
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: .venv demo test backends smoke lint docs coverage bench clean help

# Without bytecode that is kept, every process that a test starts would compile all modules anew.
export PYTHONDONTWRITEBYTECODE =

# A stamp whose interpreter is gone (Python was moved or upgraded) counts for nothing.
$(shell test -x $(RUN) || rm -f $(READY))

# The stamp comes last, so an interrupted install is never taken for a finished one: it starts afresh.
# When only setup.cfg has changed, the environment is brought up to date instead.
$(READY): setup.cfg
	@test -e $@ || { echo "Making $(VENV) (about a minute) ..."; $(PYTHON) -m venv --clear $(VENV); }
	@$(INSTALL) '.[all]'
	@touch $@

$(VENV)/.bench: $(READY)
	@$(INSTALL) '.[bench]'
	@touch $@

.venv: $(READY)  ## make the environment and install everything but the benchmarks' peers
	@:

demo: $(READY)  ## train networks on real digits and sentences; results in runs/demo/
	@$(VENV)/bin/autodiff demo

test: lint  ## lint, then the whole test suite
	$(RUN) -m pytest --numprocesses auto --dist loadfile

TRAINING := tests/models/experiments tests/models/test_train.py tests/models/test_steps.py

backends: $(READY)  ## the tests of training once more, with steps compiled in C and on numpy
	AUTODIFF_COMPILE=c $(RUN) -m pytest -q --numprocesses auto --dist loadfile $(TRAINING)
	AUTODIFF_COMPILE=numpy $(RUN) -m pytest -q --numprocesses auto --dist loadfile $(TRAINING)

smoke: $(READY)  ## the tests that take seconds
	@HYPOTHESIS_PROFILE=smoke $(RUN) -m pytest -q -m smoke

lint: $(READY)  ## ruff, and mypy in strict mode on autodiff/
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy

docs: $(READY)  ## the site, in build/docs/: every page runs, and a warning is an error
	$(RUN) -m sphinx -E -W --keep-going -q -j auto $(SPHINXOPTS) docs build/docs

coverage: $(READY)  ## the whole test suite, with the lines and branches it misses
	$(RUN) -m pytest --cov

bench: $(VENV)/.bench  ## time, memory and gradient checks beside PyTorch, JAX, autograd, ...
	@$(RUN) -m benchmarks

clean:  ## remove the environment, the caches and the build (runs/ stays)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## this list
	@awk -F ':.*## ' '/^[a-z.]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
