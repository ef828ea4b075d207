# Ronchi: `make demo`, `make build`, `make test`. `make help` lists all targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help deps venv build man install test lint format demo clean benchmark-smoke benchmark-peers soak fuzz

BINARY := .build/release/ronchi
VENV := .venv
RANKS ?= 2

# Open MPI refuses to start as root, and more ranks than cores, unless told that it may: containers and CI need both.
export OMPI_MCA_rmaps_base_oversubscribe ?= 1
ifeq ($(shell id -u),0)
export OMPI_ALLOW_RUN_AS_ROOT ?= 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM ?= 1
endif

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 18

deps: ## installs the libraries that are missing (Debian, Ubuntu), or says what to load
	@./.ci/deps

venv: $(VENV)/.complete ## Python packages for the interop tests

$(VENV)/.complete: Tests/InteropTests/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

build: deps ## the release binary at .build/release/ronchi
	swift build -c release --product ronchi --static-swift-stdlib

MANUAL := .build/plugins/GenerateManual/outputs/ronchi

man: deps ## the manual pages, from the help texts
	swift package --disable-sandbox --allow-writing-to-package-directory generate-manual --multi-page

PREFIX ?= /usr/local
SHARED = $(DESTDIR)$(PREFIX)/share

install: man build ## program, manual pages, completions, instruments, examples and templates, below PREFIX (/usr/local)
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/ronchi
	install -D -m 644 -t $(SHARED)/man/man1 $(MANUAL)/*.1
	install -d $(SHARED)/bash-completion/completions $(SHARED)/zsh/site-functions $(SHARED)/fish/vendor_completions.d
	$(BINARY) --generate-completion-script bash > $(SHARED)/bash-completion/completions/ronchi
	$(BINARY) --generate-completion-script zsh > $(SHARED)/zsh/site-functions/_ronchi
	$(BINARY) --generate-completion-script fish > $(SHARED)/fish/vendor_completions.d/ronchi.fish
	install -d $(SHARED)/ronchi
	cp -R config jobs slurm python LICENSE $(SHARED)/ronchi/

lint: ## style, as CI checks it
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks

format: ## puts the style right
	swift format format --in-place --recursive Package.swift Sources Tests Benchmarks

test: build venv ## unit, mpirun end-to-end and interop tests
	RONCHI_BINARY="$(CURDIR)/$(BINARY)" swift test --no-parallel

demo: build ## simulates a scan and runs jobs/quickstart.yml on it under mpirun, into demo/
	mkdir -p demo
	mpirun -n $(RANKS) $(BINARY) simulate demo/scan.h5 --overwrite
	mpirun -n $(RANKS) $(BINARY) run jobs/quickstart.yml --input demo/scan.h5 --output demo/result.h5 --overwrite

benchmark-smoke: build ## every benchmark once, at tiny size
	swift build -c release --product ronchi-benchmarks
	Benchmarks/run --smoke

clean: ## removes what the other targets made
	rm -rf .build demo $(VENV)

soak: build venv ## kills runs at random moments for a while and compares bits (SEED=, KILLS=)
	$(VENV)/bin/python Tests/soak.py --binary $(BINARY) $(if $(SEED),--seed $(SEED)) --kills $(or $(KILLS),60)

fuzz: deps ## hostile files for every reader (FUZZ_RUNS=, FUZZ_HDF5_RUNS=, FUZZ_SEED=): hours
	Tests/Fuzz/run

benchmark-peers: build ## ours against LiberTEM, py4DSTEM and NumPy, in one sitting; writes docs/benchmarks.md
	test -x .venv-peers/bin/python || python3 -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r Benchmarks/peers/requirements.txt
	.venv-peers/bin/python Benchmarks/peers/compare.py $(BINARY) --write docs/benchmarks.md
