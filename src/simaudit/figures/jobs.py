"""The job that draws one figure, of one audit or of all together."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simaudit.figures import RUN, Figure, TargetFigure, figure_modules
from simaudit.vocabulary import paths
from simaudit.vocabulary.job import Job, reference
from simaudit.vocabulary.knobs import deciding


def figure_job(of: str, name: str, knobs: Figure, contexts: Mapping[str, Mapping[str, Any]]) -> Job:
    """Draw a figure of an audit, or of RUN; `contexts` says what each audit is beside the others."""
    where = paths.of_target if isinstance(knobs, TargetFigure) else lambda file, _: paths.of_run(file)
    writes = {suffix: paths.FIGURES / of / f"{name}.{suffix}" for suffix in paths.FIGURE_SUFFIXES}
    known = {"targets": contexts if of == RUN and "numbers" in knobs.reads else {}}
    return Job(
        f"figure/{of}/{name}",
        reference(figure),
        {"of": of, "name": name, "figure": deciding(knobs), **known},
        {"results": [where(file, of) for file in knobs.reads]},
        writes,
        (figure_modules()[name],),
    )


def figure(job: Job) -> None:
    """Draw a figure: its picture, and the values in it."""
    draw(job.params, paths.RESULTS, job.outputs)


def draw(params: Mapping[str, Any], root: Path, outputs: Iterable[Path]) -> None:
    """Draw the figure that a figure job's `params` describe from the results under `root`; write it to `outputs`."""
    from simaudit.evaluation.results import Results, Run
    from simaudit.figures import figure_type, style
    from simaudit.vocabulary.roles import Role

    knobs: Any = figure_type(params["name"]).model_validate(params["figure"])
    if params["of"] == RUN:
        roles = {name: Role(**context) for name, context in params["targets"].items()}
        values, picture = knobs.picture(Run(root, roles))
    else:
        values, picture = knobs.picture(Results(root, params["of"]))
    style.save(picture, values, outputs)
