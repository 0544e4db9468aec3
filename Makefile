# make figures   the environment, then the whole default run with every figure
# make test      the environment, then the tests
# make fuzz      5000 files of parameters that are wrong in some way (about 10 minutes)
# make lint      style and types
# make bench     how fast it is, as ratios measured on this machine (20 to 35 minutes)
# make bench-gpu how fast it is on a GPU, as a table for docs/benchmarks.md (under 8 minutes)
# make coverage  how often the confidence intervals hold the true value, into docs/evaluation.md (about 10 minutes)
# make lock      requirements.lock anew from pyproject.toml
# make docs      the documentation as a site, site/index.html
# make doc-numbers  the numbers of the run in results/, into README.md and docs/
# make plots     dvc plots, in a page that fetches nothing; with REVISION=main, that revision and what is here on one another
# make schema    the JSON schema of params.yaml, after a change to knobs
# make clean     removes what the pipeline made; data/raw/ stays

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: figures test fuzz lint bench bench-gpu coverage docs doc-numbers plots lock schema clean

figures: $(VENV)/.ready
	snakemake --cores all

test: $(VENV)/.ready
	pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder tests/workflow tests/unit  # the longest files first

fuzz: $(VENV)/.ready
	HYPOTHESIS_PROFILE=fuzz pytest tests/unit/test_fuzz.py

lint: $(VENV)/.ready
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow
	mypy
	! snakemake --lint 2>&1 | grep '^    \* ' | grep --invert-match 'conda environment or container'  # it is the lock

bench: $(VENV)/.ready
	python benchmarks/bench.py

bench-gpu: $(VENV)/.ready
	python benchmarks/gpu.py

coverage: $(VENV)/.ready
	python benchmarks/interval_coverage.py

docs: $(VENV)/.ready
	python docs/generate/reference.py
	zensical build --strict --clean
	@echo "Documentation: site/index.html   (open it in a browser)"

doc-numbers: $(VENV)/.ready
	python docs/generate/run_numbers.py

plots: $(VENV)/.ready
	python workflow/plots_page.py .dvc/tmp/plots.html
	dvc plots $(if $(REVISION),diff $(REVISION),show) --html-template .dvc/tmp/plots.html

schema: $(VENV)/.ready
	simaudit schema > workflow/schemas/params.schema.json

# The package comes last and without dependencies, so that the lock alone decides what is installed.
$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "simaudit needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	@echo "Installing the environment into $(VENV) (about 3 minutes, once) …"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement requirements.lock
	$(VENV)/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# A local build of torch (+cpu, +cu126) satisfies the plain version; CUDA's own packages follow from torch and are not pinned.
lock: $(VENV)/.ready
	pip-compile --quiet --upgrade --extra dev --strip-extras --no-header --no-emit-find-links --no-emit-index-url \
	    --no-emit-trusted-host --output-file requirements.lock pyproject.toml
	sed -i -e 's/^\(torch==[0-9.]*\)+.*/\1/' -e '/^nvidia-/d' requirements.lock

clean:
	rm -rf data/prepared data/splits results .snakemake
