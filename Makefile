# make report   the analysis of the bundled patients, in report/index.html
# make test     the checks and the whole test suite
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: report test check docstrings slow benchmarks clean

report: $(VENV)/.installed
	$(BIN)/nmo-stats report --out report

test: check
	$(BIN)/python -m pytest

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Every public docstring that breaks a rule of numpydoc, room by room; one room: tests/docstrings.py ROOM
docstrings: $(VENV)/.installed
	$(BIN)/python tests/docstrings.py

# Studies that take minutes.
slow: $(VENV)/.installed
	$(BIN)/python -m pytest -m slow

benchmarks: $(VENV)/.installed
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/nuts_seeds.py
	$(BIN)/python benchmarks/quadrature_speed.py
	$(BIN)/python benchmarks/recovery.py
	$(BIN)/python benchmarks/sensitivity_speed.py
	$(BIN)/python benchmarks/events_speed.py
	$(BIN)/python benchmarks/operating_speed.py

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) report analyses/output
