# The archive's tasks. Each needs nothing but Python 3.11 or later and make; the first use makes .venv.
.DEFAULT_GOAL := help
.PHONY: help demo demo-data crawl serve schedule test test-long mutate browser lint bench clean

DATA ?= data
DEMO ?= data/demo
PORT ?= 8001
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/installed: pyproject.toml constraints.txt deploy/make-venv
	@PYTHON="$(PYTHON)" sh deploy/make-venv $(VENV)
	@touch $@

$(VENV)/browser: $(VENV)/installed
	@$(BIN)/python -m pip --version >/dev/null 2>&1 && $(BIN)/python -m pip install --quiet -c constraints.txt playwright \
		|| uv pip install --quiet --python $(BIN)/python -c constraints.txt playwright
	@touch $@

# An environment of its own: with what mutmut brings, Datasette would print its errors in another form.
$(VENV)-mutate/installed: pyproject.toml constraints.txt deploy/make-venv
	@PYTHON="$(PYTHON)" sh deploy/make-venv $(VENV)-mutate dev,mutate
	@touch $@

demo: demo-data ## Crawl the bundled sample site, then serve it and print the address
	$(BIN)/bulletins serve --data $(DEMO) --port $(PORT)

demo-data: $(VENV)/installed ## Crawl the bundled sample site into data/demo over simulated nights
	$(BIN)/python -m sample.demo $(DEMO)

crawl: $(VENV)/installed ## Crawl all enabled ministries once (set BULLETINS_CONTACT first)
	$(BIN)/bulletins crawl --data $(DATA)

serve: $(VENV)/installed ## Serve the archive in data/
	$(BIN)/bulletins serve --data $(DATA) --port $(PORT)

schedule: $(VENV)/installed ## Have the archive crawl every night by itself
	$(BIN)/bulletins schedule install --data $(DATA)

test: $(VENV)/installed ## Run the tests (at most five minutes)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-long: $(VENV)/installed ## Run fuzzing, soaks and kills (at most thirty minutes)
	$(BIN)/python -m pytest -n 2 -m "long or hypothesis" --hypothesis-profile=long --timeout 1500

mutate: $(VENV)-mutate/installed ## Break the code a little at a time and see that the tests notice
	$(VENV)-mutate/bin/python tools/mutate.py $(MUTATE)

browser: $(VENV)/browser ## Install what the browser tests need besides Chromium

lint: $(VENV)/installed ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/installed ## Measure speed and size against named rivals
	$(BIN)/python -m bench

clean: ## Remove the virtual environments and the demo's data
	rm -rf $(VENV) $(VENV)-mutate mutants $(DEMO)
