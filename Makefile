# `make demo` and `make test` are all a newcomer needs: each sets up what it uses in .venv and build/, and uses it
# again the next time. Needed beforehand: Python >= 3.10 with venv, a C++20 compiler, make.

PYTHON ?= python3
JOBS ?= $(shell nproc)
MINUTES ?= 80
DATASET ?= bench/data/sift-20k.npz
VS ?= faiss,hnswlib

VENV := .venv
STAMPS := $(VENV)/stamps
REPORT := build/demo
LANGCHAIN := build/langchain
RAY := build/ray
COMPILED := pyproject.toml CMakeLists.txt cpp/install.cmake $(wildcard cpp/*/*.?pp)
CPP := $(wildcard cpp/*/*.?pp tests/cpp/*.?pp bench/*.?pp examples/*/*.?pp)
PY := python tests bench examples docs .ci
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check install --quiet

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)
# Where ccache is installed: what one build has compiled, builds in other folders find.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
export JOBS

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-cpp test-asan test-tsan test-neon test-nehalem test-python test-langchain test-ray docs soak bench rivals lint lint-fast tidy format wheel clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1 \t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(STAMPS)/package $(STAMPS)/bench  ## build an index on real data and compare it with faiss and hnswlib (minutes)
	@mkdir -p $(REPORT)
	python -m vicinal bench --dataset $(DATASET) --vs $(VS) --rounds 3 --report $(REPORT)/report.html --json $(REPORT)/report.json
	@echo "The report: $(REPORT)/report.html"

# pytest comes last: its closing line is the closing line of a run.
test: test-cpp test-nehalem test-asan test-tsan lint-fast test-python  ## every test, and the quick part of lint

test-cpp: $(STAMPS)/tools  ## the core's tests, without Python
	.ci/cpp-tests release -DVICINAL_WERROR=ON

test-asan: $(STAMPS)/tools  ## the same under the address and undefined-behavior sanitizers
	.ci/cpp-tests asan -DVICINAL_SANITIZE=address

test-tsan: $(STAMPS)/tools  ## the same under the thread sanitizer
	.ci/cpp-tests tsan -DVICINAL_SANITIZE=thread

test-neon: $(STAMPS)/tools  ## the same for 64-bit ARM: cross compiled, run under qemu-user
	@if .ci/need /usr/bin/aarch64-linux-gnu-g++ g++-aarch64-linux-gnu && .ci/need /usr/bin/qemu-aarch64 qemu-user; then \
	    .ci/cpp-tests neon -DVICINAL_WERROR=ON -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
	        -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DCMAKE_EXE_LINKER_FLAGS=-static \
	        -DCMAKE_CROSSCOMPILING_EMULATOR=/usr/bin/qemu-aarch64; \
	else echo "SKIPPED: the C++ tests (neon)"; fi

test-nehalem: test-cpp  ## the kernels, and the wheel where `make wheel` left one, on a processor without AVX (qemu-user)
	@.ci/nehalem

test-python: $(STAMPS)/package $(STAMPS)/test $(STAMPS)/lint  ## pytest over everything in tests/
	@.ci/need /usr/bin/valgrind valgrind || echo "SKIPPED: the guard of instructions"
	python -m pytest

soak: $(STAMPS)/package $(STAMPS)/test  ## the long tests, for MINUTES (80); prints what it counted
	@for kind in release asan:address tsan:thread; do \
	    cmake -S . -B build/cpp-$${kind%:*} -G Ninja -DVICINAL_TESTS=ON --log-level=WARNING \
	        -DVICINAL_SANITIZE=$$(case $$kind in *:*) echo $${kind#*:};; esac) >/dev/null && \
	    cmake --build build/cpp-$${kind%:*} || exit 1; done
	python tests/soak.py $(MINUTES)

# The suite brings plugins that change how pytest runs every other test, so it gets an environment on top of .venv.
test-langchain: $(STAMPS)/package $(STAMPS)/test  ## LangChain's own suite for vector stores
	test -x $(LANGCHAIN)/bin/python || python -m venv $(LANGCHAIN)
	python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' > \
	    $$($(LANGCHAIN)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/below.pth
	$(LANGCHAIN)/bin/python -m pip --disable-pip-version-check install --quiet langchain-tests
	$(LANGCHAIN)/bin/python -m pytest -c tests/langchain/pytest.ini --rootdir . tests/langchain

# Ray is heavy and nothing else needs it, so it gets an environment on top of .venv too. VICINAL_KILLS: of each kind.
test-ray: $(STAMPS)/package $(STAMPS)/test $(RAY)/stamp  ## shards on a local cluster of Ray, and its workers killed (minutes)
	$(RAY)/bin/python -m pytest -c tests/ray/pytest.ini --rootdir . --confcutdir . tests/ray

$(RAY)/stamp: pyproject.toml | $(STAMPS)/package $(STAMPS)/test
	test -x $(RAY)/bin/python || python -m venv $(RAY)
	python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' > \
	    $$($(RAY)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/below.pth
	$(RAY)/bin/python -m pip --disable-pip-version-check install --quiet 'vicinal[ray]'
	@touch $@

docs: $(STAMPS)/package $(STAMPS)/docs  ## build/docs/index.html; a warning is an error
	python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "The documentation: build/docs/index.html"

bench: $(STAMPS)/package $(STAMPS)/bench  ## timings of kernels, build and search, beside faiss
	python -m pytest bench --benchmark-only --benchmark-json=build/bench.json

rivals: $(STAMPS)/package $(STAMPS)/bench $(STAMPS)/rivals  ## every engine beside ours on every set that is here (an hour)
	python bench/rivals.py

lint: lint-fast tidy  ## every check that runs nothing of ours

lint-fast: $(STAMPS)/package $(STAMPS)/test $(STAMPS)/lint
	ruff format --check $(PY)
	ruff check $(PY)
	mypy
	clang-format --dry-run -Werror $(CPP)

tidy: $(STAMPS)/lint $(STAMPS)/tools  ## clang-tidy over the core (minutes)
	cmake -S . -B build/tidy -G Ninja --log-level=WARNING >/dev/null
	@printf '%s\n' $(filter cpp/%.cpp,$(filter-out cpp/binding/% %neon.cpp,$(CPP))) | \
	    xargs -P $(JOBS) -n 1 clang-tidy -p build/tidy --quiet --warnings-as-errors='*'

format: $(STAMPS)/lint  ## bring every file into its final form
	ruff format $(PY)
	ruff check --fix $(PY)
	clang-format -i $(CPP)

wheel: $(STAMPS)/dist  ## dist/*.tar.gz and dist/*.whl, audited, and tried in an empty environment
	.ci/wheel

clean:  ## forget every build, and .venv
	rm -rf build dist $(VENV)

$(STAMPS)/venv:
	@echo "setting up $(VENV)"
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

# Debian keeps Python.h in a package of its own.
# CMake and Ninja of the system are used where they are there and new enough (policy 128 came with CMake 3.22).
$(STAMPS)/tools: $(STAMPS)/venv
	@.ci/need "$$(python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" python3-dev
	$(PIP) 'scikit-build-core>=0.10' 'pybind11>=2.13'
	@cmake --help-policy CMP0128 >/dev/null 2>&1 || { echo "installing cmake into $(VENV)"; $(PIP) 'cmake>=3.22'; }
	@ninja --version >/dev/null 2>&1 || { echo "installing ninja into $(VENV)"; $(PIP) ninja; }
	@touch $@

# Editable: Python files are used where they lie, the C++ part is built again when it has changed.
$(STAMPS)/package: $(STAMPS)/tools $(COMPILED)
	@echo "building vicinal (one to two minutes the first time)"
	$(PIP) numpy
	$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

# The package is there, so this adds what its extra names.
$(STAMPS)/bench $(STAMPS)/rivals $(STAMPS)/docs $(STAMPS)/test $(STAMPS)/lint $(STAMPS)/dist: $(STAMPS)/%: pyproject.toml | $(STAMPS)/package
	@echo "installing what the extra '$*' names"
	$(PIP) 'vicinal[$*]'
	@touch $@
