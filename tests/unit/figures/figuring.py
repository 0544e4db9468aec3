"""What figures are drawn of: small targets and runs, which the fixtures of this folder evaluate."""

import json

import numpy as np

from simaudit.figures.figure import RunFigure, TargetFigure, figure_types
from simaudit.storage.pictures import save_sheet
from simaudit.vocabulary.variant import variant_text

OF_TARGET = [name for name, kind in figure_types().items() if issubclass(kind, TargetFigure)]
OF_RUN = [name for name, kind in figure_types().items() if issubclass(kind, RunFigure)]


def raw(norm, kind="raw"):
    return variant_text({"input": kind, "norm": norm})


def sima(audit):
    """SimA at three timesteps with two norms, the second of which tells members better."""
    strengths = {1: 1, 4: 2}
    return {(t, raw(p)): audit.telling(s, seed=t) for p, s in strengths.items() for t in (10, 20, 30)}


def complexity(audit):
    """A target on which complexity was taken out of SimA: log s is p plus what tells members; the values of p."""
    predicted = 3 * audit.telling(0, seed=11)
    left = {t: audit.telling(2, seed=t) for t in (20, 30)}
    columns = {
        "sima": {(t, raw(4)): np.exp(predicted + left[t]) for t in left},
        "complexity": {(t, variant_text({"input": "raw", "norm": 4, "fit": "ridge"})): left[t] for t in left},
    }
    of = audit.evaluate("target", {"sima": 0, "complexity": 0, "loss": 1}, **columns)
    file = audit.path / "scores/target/complexity.parquet"
    audit.write_scores(file, "complexity", columns["complexity"], params=json.dumps({"of": "sima"}))
    return of, predicted


def gallery(audit, target, **images):
    path = audit.path / f"samples/shown/{target}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    found = {name: rng.uniform(-1, 1, size=(4, 1, 6, 6)).astype(np.float32) for name in ("drawn", "nearest")}
    shown = found | images | {"distance": np.array([1.5, 2.0, 0.0, 3.25]), "member_id": np.arange(4)}
    np.savez(path, **shown)
    save_sheet(path.with_suffix(".png"), shown)


def results_for(name):
    """The fixture that has what a figure is drawn of."""
    return "run" if name in OF_RUN else "derived" if name == "complexity" else "results"
