"""One evaluated target, and a run of several, of which every figure is drawn."""

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from auditing import new_audit
from figuring import complexity, gallery, results_for, sima

from simaudit.evaluation.comparison.compare import compare
from simaudit.evaluation.numbers import ledger
from simaudit.evaluation.results import Run
from simaudit.figures.drawing import draw
from simaudit.figures.figure import figure_types
from simaudit.storage.json import write_json
from simaudit.storage.parquet import write_table
from simaudit.targets.closed_form import along_line, over_field
from simaudit.training.knobs import Schedule
from simaudit.vocabulary.context import AuditContext


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory):
    audit = new_audit(tmp_path_factory.mktemp("evaluated"))
    audit.blind()
    gallery(audit, "target")
    return audit.evaluate(
        "target",
        {"loss": 1, "sima": 2, "untimed": 1},
        untimed={(None, "all"): audit.telling(1)},
        sima=sima(audit),
    )


@pytest.fixture
def results(evaluated, audit):
    """One target with three attacks, one of them without timesteps."""
    shutil.copytree(evaluated.root, audit.path, dirs_exist_ok=True)
    return replace(evaluated, root=audit.path)


@pytest.fixture(scope="session")
def derived(tmp_path_factory):
    """One target with scores of complexity and of its base; it is not to be changed."""
    audit = new_audit(tmp_path_factory.mktemp("derived"))
    audit.blind()
    return complexity(audit)[0]


@pytest.fixture(scope="session")
def compared(tmp_path_factory):
    audit = new_audit(tmp_path_factory.mktemp("run"))
    blind, arm = {"s": audit.blind()}, {"adversarial": False}
    contexts = {
        "net": AuditContext("net", epochs=(7,)),
        "net-seed1": AuditContext("net", reference="net"),
        "ldm": AuditContext("ldm", None, "net", arm | {"beta": 0.01}, is_latent=True, epochs=(3, 7)),
        "ldm-beta1": AuditContext(
            "ldm-beta1", None, "net", {"adversarial": True, "beta": 1.0}, is_latent=True
        ),
    }
    targets = [
        audit.evaluate(name, {"sima": strength, "loss": 1}, group=context.group, reference=context.reference)
        for strength, (name, context) in enumerate(contexts.items())
    ]
    for name, content in compare(targets, blind, 100, 0).items():
        write_json(audit.path / "comparison" / f"{name}.json", content)
    intermediate = targets[2].summary["attacks"]["sima"]
    write_json(
        audit.path / "evaluation/epochs/ldm.json",
        {"target": "ldm", "epochs": {"3": {"attacks": {"sima": intermediate}}}},
    )
    folders = (audit.path / name for name in ("evaluation", "comparison"))
    write_json(audit.path / "numbers.json", ledger(sorted(f for x in folders for f in x.rglob("*.json"))))
    images = np.random.default_rng(0).normal(size=(300, 1, 2, 2)).astype(np.float32)
    schedule = Schedule().noise()
    write_table(audit.path / "theory/line.parquet", along_line(images, audit.split, 4, 20, schedule))
    write_table(
        audit.path / "theory/field.parquet", over_field(images, audit.split, 5, (10, 50, 500), schedule)
    )
    return Run(audit.path, contexts, ["s"])


@pytest.fixture(scope="session")
def shared(evaluated, compared, derived):
    """By name of a fixture, what figures are drawn of in tests that change nothing."""
    return {"run": compared, "results": evaluated, "derived": derived}


@pytest.fixture(scope="session")
def drawn(shared):
    """The drawing of a figure by name, made once for all tests that look at it and change nothing."""

    @cache
    def drawing_of(name):
        return draw(figure_types()[name](), shared[results_for(name)])

    return drawing_of


@pytest.fixture
def run(compared, tmp_path):
    """Two seeds of a pixel model, a latent one with an intermediate checkpoint, another β, and the closed form."""
    return replace(compared, root=Path(shutil.copytree(compared.root, tmp_path / "run")))
