# The two commands of the README: `make demo` runs the main job, `make test` the tests. Both install what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Workers of the test run; the machine has at least two cores.
JOBS ?= 2

.PHONY: demo test chaos check lock clean

demo: $(VENV)/.installed
	$(BIN)/afssb run experiments/quickstart.yaml

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n $(JOBS)

# Kills, crashes, races and outages by the thousand; half an hour. PostgreSQL's parts need its server installed.
chaos: $(VENV)/.installed
	OMP_NUM_THREADS=1 $(BIN)/python experiments/chaos/run.py $(CHAOS)

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# torch has no hash in the lock: its wheel for CPU, CUDA or ROCm is the user's choice, its version is not.
$(VENV)/.installed: requirements.lock requirements-torch.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"afssb-opt needs Python 3.11 or newer; $(PYTHON) is {v[0]}.{v[1]}. Try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet -r requirements-torch.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# Writes requirements.lock anew from pyproject.toml; needs uv.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate --no-emit-package torch --constraint requirements-torch.lock \
	  --output-file requirements.lock

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
