# make run     serve the chat room at http://localhost:9999
# make unit    the tests that need no server, browser or database: about a minute
# make test    every check but the next; ARGS="-k slow" goes to pytest
# make webkit  what nobody can do without, in WebKit: half a minute
# make bench   the room beside its peers, about 25 minutes; bench-quick: two minutes
# make bench-page    the page in a browser, on a slow phone and in a busy room: four minutes
# make screenshots   pictures of the page, in tests/screenshots
# make clean   remove what these have made
# make help    these lines
#
# They need Python 3.10 or newer; PYTHON=python3.12 says which one.

.DEFAULT_GOAL = help

PYTHON ?= python3
ARGS =

VENV = .venv
BIN = $(VENV)/bin
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Three at once even on two cores: much of it waits. A file stays together, since it shares a
# server, and tests/conftest.py says which ones come first. The tests start the program hundreds
# of times, so it is compiled once, even for a user to whom Python writes no bytecode.
# Their files are in memory where there is room for them, since hundreds of tests make a database.
FILES = $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 2000000 { print $$6 }')
PYTEST = PYTHONDONTWRITEBYTECODE= PYTEST_DEBUG_TEMPROOT=$(FILES) $(BIN)/python -m pytest \
    -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: help run unit test webkit screenshots bench bench-quick bench-page clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

# exec: the server takes the shell's place, so that each signal reaches it once
run: $(VENV)/installed
	@exec $(BIN)/python app.py

# Without npm, the node tests are left to make test; and what is drawn at random, less often.
unit: $(VENV)/installed-tests
	@! command -v npm >/dev/null || sh tests/install_page_tools.sh
	@$(PYTEST) --hypothesis-profile=fast -m "not database" \
	    tests/unit tests/project $$(command -v npm >/dev/null && echo tests/page/unit) $(ARGS)

# First what takes seconds to fail.
test: $(VENV)/installed-tests
	@$(BIN)/python -m ruff check --quiet .
	@$(BIN)/python -m ruff format --check --quiet .
	@$(BIN)/python -m mypy --strict chatroom
	@sh tests/install_browser.sh
	@sh tests/install_programs.sh
	@sh tests/install_page_tools.sh
	@$(PYTEST) -m "not webkit" $(ARGS)

# By itself: half a minute more, in which it uses a processor alone.
webkit: $(VENV)/installed-tests
	@sh tests/install_programs.sh webkit
	@$(PYTEST) -m webkit tests/page/test_engines.py $(ARGS)

screenshots: $(VENV)/installed-tests
	@sh tests/install_browser.sh
	@$(BIN)/python -m tests.support.screenshots $(ARGS)

bench bench-quick:
	@exec $(PYTHON) -m benchmarks $(if $(filter bench-quick,$@),--quick) $(ARGS)

# In the tests' venv, which has the client to talk to the browser with; the browser is theirs, too.
bench-page: $(VENV)/installed-tests
	@sh tests/install_browser.sh
	@exec $(BIN)/python -m benchmarks.page $(ARGS)

clean:
	@rm -rf $(VENV) benchmarks/.build build dist *.egg-info htmlcov .coverage tests/screenshots
	@rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +

# The three stamps below are younger than what they were made from, else it is made anew.

# So it is where .venv is of another Python than the one that PYTHON names or, where nothing names
# one, than the one in it has become, as when the distribution has moved on to a newer one.
version = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
MADE_WITH := $(shell sed -n 's/^version = \([0-9]*\.[0-9]*\).*/\1/p' $(VENV)/pyvenv.cfg 2>/dev/null)
ifneq ($(MADE_WITH),)
ifneq ($(MADE_WITH),$(call version,$(if $(filter file,$(origin PYTHON)),$(BIN)/python,$(PYTHON))))
.PHONY: $(VENV)/made
SAY_SO = @echo "$(VENV) is of Python $(MADE_WITH): making it anew with $$($(PYTHON) --version) ..."
endif
endif

$(VENV)/made:
	@command -v $(PYTHON) >/dev/null || { \
	    echo "There is no $(PYTHON): install Python 3.10 or newer, or name it: make PYTHON=..." >&2; \
	    exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	    echo "$$($(PYTHON) --version) is too old: install Python 3.10 or newer, or name it: make PYTHON=..." >&2; \
	    exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$(PYTHON) lacks its venv module: install it (on Debian and Ubuntu, apt-get install python3-venv)." >&2; \
	    exit 1; }
	$(SAY_SO)
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/installed: requirements.txt $(VENV)/made
	@echo "Installing requirements.txt into $(VENV) ..."
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(VENV)/installed-tests: tests/requirements.txt $(VENV)/installed
	@echo "Installing tests/requirements.txt into $(VENV) ..."
	@$(PIP_INSTALL) -r tests/requirements.txt
	@touch $@
