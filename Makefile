# lop's front door. Everything behind it is CMake (CMakePresets.json) and scripts/.

LOP := build/release/cli/lop
OUT := out/demo
BENCH :=
FUZZ := 600
PREFIX := /usr/local

.PHONY: help deps build demo test coverage torture fuzz bench bench-graph format lint install clean
help:
	@echo 'make deps     install what a build needs, where something is missing (apt-get)'
	@echo 'make build    build the library and $(LOP)'
	@echo 'make demo     the pruning experiment on MNIST, from nothing to a page of results'
	@echo 'make test     all checks: warnings, tests, sanitizers, coverage, lint'
	@echo 'make coverage how much of the source the tests take, and whether that is enough'
	@echo 'make torture  the long part of the tests: faults, kills, full disks; an hour or more'
	@echo 'make fuzz     readers under attack by files that are made up; FUZZ=600 seconds each, or'
	@echo '              FUZZ="--files 10000000"'
	@echo 'make bench    speed beside other programs and stated targets; BENCH=--quick for a short one'
	@echo 'make bench-graph  the Sparse DNN Graph Challenge, beside SuiteSparse:GraphBLAS'
	@echo 'make format   put all C files into the project'"'"'s form'
	@echo 'make lint     form, static analysis, and the rules of the house'
	@echo 'make install  install to PREFIX (now $(PREFIX)); DESTDIR is obeyed'
	@echo 'make clean    remove build/ and nothing else'

deps:
	@scripts/deps.sh build

build: deps
	@scripts/build.sh release

demo: build
	@scripts/deps.sh demo
	@scripts/demo.sh $(LOP) $(OUT)

test:
	@scripts/test.sh

coverage:
	@scripts/coverage.sh

torture:
	@scripts/torture.sh

fuzz:
	@scripts/deps.sh build test
	@scripts/fuzz.sh $(FUZZ)

bench:
	@scripts/deps.sh build bench
	@scripts/build.sh release
	@scripts/bench.sh $(LOP) $(BENCH)

bench-graph:
	@scripts/deps.sh build bench
	@scripts/build.sh release
	@scripts/bench-graph.sh build/release/bench/graph/graph_challenge

format:
	@scripts/lint.sh --fix

lint:
	@scripts/lint.sh

install: build
	cmake --install build/release --prefix $(PREFIX)

clean:
	rm -rf build
