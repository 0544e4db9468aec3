"""Importing is a cost that every job pays: who may not import torch does not."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "diffusers")


def loaded_after(statement):
    """Which heavy modules are loaded after a statement ran in a fresh interpreter."""
    program = f"{statement}\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "statement",
    [
        "from simaudit.plan import jobs, load, schema; list(jobs.jobs(load.load())); schema.schema()",
        "import simaudit.provenance.stamps",
        "import simaudit.scoring.score_file",
        "import simaudit.evaluation.protocol.evaluate, simaudit.evaluation.comparison.compare",
        "import simaudit.evaluation.controls.blind",
        "import simaudit.report.page.page, simaudit.report.page.doubts, simaudit.report.page.pictures",
        "import simaudit.report.tables.forms",
        "import simaudit.figures as f; [t.draw for t in f.figure_types().values()]; import simaudit.figures.style",
        "from simaudit.cli import simaudit\ntry: simaudit(['--help'])\nexcept SystemExit: pass",
    ],
)
def test_torch_is_not_imported(statement):
    assert loaded_after(statement) == []


def test_this_test_would_notice():
    assert "torch" in loaded_after("import simaudit.scoring.run")
