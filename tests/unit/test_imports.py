"""Importing is a cost that every job pays: who may not import torch does not."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "diffusers", "pandas", "matplotlib")
EVALUATION = ("protocol.evaluate", "comparison.compare", "controls.blind")
REPORT = ("page.page", "tables.forms", "page.doubts", "page.pictures")


def loaded_after(statement):
    """Which heavy modules are loaded after a statement ran in a fresh interpreter."""
    program = f"{statement}\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "statement",
    [
        "from simaudit.plan.params import DEFAULT, merge, parse; parse(merge([DEFAULT]))",
        "import simaudit.provenance.stamps",
        "from simaudit.cli import simaudit\ntry: simaudit(['--help'])\nexcept SystemExit: pass",
    ],
)
def test_validating_parameters_imports_no_library_that_computes(statement):
    assert loaded_after(statement) == set()


@pytest.mark.parametrize(
    "statement",
    [
        "import simaudit.scoring.score_file",
        *(f"import simaudit.evaluation.{module}" for module in EVALUATION),
        *(f"import simaudit.report.{module}" for module in REPORT),
        "import simaudit.figures as f; [t.draw for t in f.figure_types().values()]; import simaudit.figures.style",
    ],
)
def test_torch_is_not_imported(statement):
    assert loaded_after(statement) <= {"pandas", "matplotlib"}


def test_this_test_would_notice():
    assert "torch" in loaded_after("import simaudit.scoring.run")
    assert loaded_after("import simaudit.figures.style") == {"pandas", "matplotlib"}
