# treatywatch: `make demo` shows it at work, `make test` tests it. Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready-$(shell cat constraints.txt pyproject.toml | cksum | cut -d' ' -f1)

.PHONY: setup demo run test check format bench pictures train clean

setup: $(STAMP)

# Built once, and again when a pin changes. torch comes first, so that a CPU build at hand is taken before anything asks for more.
$(STAMP):
	$(PYTHON) -c 'import sys; sys.exit("treatywatch needs Python 3.11 or newer: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
ifndef VENV_READY
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
endif
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

demo: setup
	$(BIN)/treatywatch demo --dir demo

run: setup
	$(BIN)/treatywatch run

test: setup
	$(BIN)/pytest

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The pictures of the dashboard in docs/img, taken in Chromium.
pictures: setup
	$(BIN)/python -m tests.screenshots

bench: setup
	for bench in tests/bench/*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

train: setup
	$(BIN)/treatywatch train --into config/codebook/heads.npz

clean:
	rm -rf $(VENV) demo build dist
