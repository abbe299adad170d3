# Everything one does with rkdiff. `make app` and `make test` set up what they need: Python 3.11+ and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
ADDRESS ?= localhost

.PHONY: help app test check fix bench assets clean setup

help:  ## what one can do
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 12

setup: $(VENV)/.ready  ## install everything into .venv

$(VENV)/.app: requirements.txt setup.sh pyproject.toml
	$(PYTHON) -m venv $(VENV)
	sh setup.sh $(BIN)/python requirements.txt
	@touch $@

$(VENV)/.ready: $(VENV)/.app requirements-dev.txt
	sh setup.sh $(BIN)/python requirements-dev.txt
	@touch $@

app: $(VENV)/.app  ## open the app in the browser
	@echo "rkdiff: http://$(ADDRESS):$(PORT)  (Ctrl-C ends it)"
	@$(BIN)/python -m streamlit run app.py --server.port $(PORT) --server.address $(ADDRESS)

test: $(VENV)/.ready check  ## all checks and all tests, those in a real browser included
	$(BIN)/python -m pytest -n 2

check: $(VENV)/.ready  ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/.ready  ## repair format and lint where a tool can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.ready  ## the quick benchmarks
	$(BIN)/python -m benchmarks toys --seeds 1
	$(BIN)/python -m benchmarks graphs --seeds 1
	$(BIN)/python -m benchmarks player --seeds 1

assets: $(VENV)/.ready  ## make the shipped scenes and thumbnails anew
	$(BIN)/python -m rkdiff.assets

clean:  ## remove what was made here, the kept runs excepted
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-output *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
