"""Importing is a cost that every job pays: who does not compute with a library does not import it."""

import subprocess
import sys

import pytest

TORCH = ("torch", "diffusers")
DRAWING = ("pandas", "matplotlib", "scipy", "pyarrow")


def loaded_after(statement, names):
    """Which of these modules are loaded after a statement ran in a fresh interpreter."""
    program = f"{statement}\nimport sys; print(*[name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "statement",
    [
        "import simaudit.provenance.stamps",
        "import simaudit.scoring.score_file",
        "import simaudit.evaluation.protocol.evaluate, simaudit.evaluation.comparison.compare",
        "import simaudit.evaluation.controls.blind",
        "import simaudit.report.tables.forms, simaudit.report.page.write",
        "import simaudit.figures.drawing, simaudit.figures.figure as f; [t.draw for t in f.figure_types().values()]",
        "from simaudit.cli import simaudit\ntry: simaudit(['--help'])\nexcept SystemExit: pass",
    ],
)
def test_torch_is_not_imported(statement):
    assert loaded_after(statement, TORCH) == []


def test_parameters_are_checked_without_what_computes_and_draws():
    assert loaded_after("import simaudit.plan.params; simaudit.plan.params.model()", TORCH + DRAWING) == []


def test_the_last_lines_of_a_run_are_written_without_what_draws():
    assert loaded_after("import simaudit.report.outcome", TORCH + DRAWING) == []


def test_this_test_would_notice():
    assert "torch" in loaded_after("import simaudit.scoring.run", TORCH)
    assert set(DRAWING) <= set(loaded_after("import simaudit.figures.drawing", DRAWING))
