"""Importing is a cost that every job pays: who does not compute with a library does not import it."""

import subprocess
import sys
from pathlib import Path

import pytest
from checkpoints import save_classes

PARAMS = Path(__file__).parents[2] / "params.yaml"
MODELS = ("torch", "diffusers")
COMPUTING = (*MODELS, "pandas", "matplotlib", "scipy", "sklearn")
EVALUATION = ("protocol.evaluate", "comparison.compare", "controls.blind")
REPORT = ("page.page", "tables.forms", "page.doubts", "page.pictures")


def loaded_after(statement, names=COMPUTING):
    """Which of these modules are loaded after a statement ran in a fresh interpreter."""
    program = f"{statement}\nimport sys; print(*[name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "statement",
    [
        f"from simaudit.plan import jobs, load; list(jobs.jobs(load.load([load.Path({str(PARAMS)!r})])))",
        "import simaudit; dir(simaudit)",
        "import simaudit.plan.schema; simaudit.plan.schema.schema()",
        "import simaudit.provenance.stamps",
        "from simaudit.cli import simaudit\ntry: simaudit(['--help'])\nexcept SystemExit: pass",
    ],
)
def test_planning_imports_no_library_that_computes(statement):
    assert loaded_after(statement) == set()


@pytest.mark.parametrize(
    "statement",
    [
        "import simaudit.scoring.derived.derive, simaudit.scoring.score_file",
        "from simaudit.attacks.attack import attack_type; attack_type('complexity')().derive",
        *(f"import simaudit.evaluation.{module}" for module in EVALUATION),
        *(f"import simaudit.report.{module}" for module in REPORT),
        "import simaudit.figures.figure as f; [t.draw for t in f.figure_types().values()]",
        "import simaudit.figures.drawing",
    ],
)
def test_who_knows_nothing_of_models_imports_no_torch(statement):
    assert loaded_after(statement, MODELS) == set()


def test_drawing_waits_for_no_library_that_figures_do_not_need():
    """scikit-learn and scipy.stats take a second of every process that draws."""
    statement = (
        "from importlib import import_module\n"
        "from simaudit.figures.figure import figure_modules\n"
        "for module in ('simaudit.figures.drawing', *figure_modules().values()): import_module(module)"
    )
    assert loaded_after(statement, ("sklearn", "scipy.stats", "scipy.optimize", "matplotlib")) == {
        "matplotlib"
    }


def test_a_family_that_was_read_before_its_libraries_still_loads_its_targets(tmp_path):
    """As in a job, which reads the family of its target first: a stand-in must not stay without its module."""
    folder = save_classes(tmp_path / "m")
    loading = f"""
from pathlib import Path
from simaudit.targets.family import family_type
family_type("checkpoint")
from simaudit.targets.checkpoint.inspect import inspect
from simaudit.targets.checkpoint.load import load
import torch
load(inspect(Path({str(folder)!r})), torch.device("cpu"))"""
    assert "torch" in loaded_after(loading, MODELS)


def test_this_test_would_notice():
    assert "torch" in loaded_after("import simaudit.scoring.run")
    assert {"pandas", "matplotlib"} <= loaded_after("import simaudit.figures.style")
