"""The job that draws one figure, of one audit or of all together."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from simaudit.figures.figure import Figure, RunFigure, TargetFigure, figure_modules
from simaudit.vocabulary import paths
from simaudit.vocabulary.job import Job, reference
from simaudit.vocabulary.knobs import deciding

MEMORY_MB = {"figure": 2000}
"""MB of memory that a job needs, by its function."""


def figure_job(
    of: str,
    name: str,
    knobs: Figure,
    contexts: Mapping[str, Mapping[str, Any]],
    splits: Sequence[str] = (),
    attacks: Mapping[str, Any] = MappingProxyType({}),
) -> Job:
    """Draw a figure of an audit, or of RUN; `contexts` says what each audit is beside the others, on these splits.

    `attacks` are those of the audit, by name, each with its knobs.
    """
    if isinstance(knobs, TargetFigure):
        files = [paths.of_target(file, of) for file in knobs.reads]
        files += [paths.scores(of, attack) for attack in knobs.scored(attacks)]
    else:
        files = [paths.of_run(file) for file in knobs.reads]
    of_splits = knobs.reads_of_splits if isinstance(knobs, RunFigure) else ()
    files += [paths.of_split(file, split) for split in splits for file in of_splits]
    known: dict[str, Any] = {"targets": contexts if of == paths.RUN and "numbers" in knobs.reads else {}}
    known |= {"splits": list(splits)} if of_splits else {}
    return Job(
        f"figure/{of}/{name}",
        reference(figure),
        {"of": of, "name": name, "figure": deciding(knobs), **known},
        {"results": files},
        {suffix: paths.FIGURES / of / f"{name}.{suffix}" for suffix in paths.FIGURE_SUFFIXES},
        (figure_modules()[name],),
        process=f"figures/{of}",
    )


def figure(job: Job) -> None:
    """Draw a figure: its picture, the values in it, and what it shows in words."""
    draw_again(job.params, paths.RESULTS, job.outputs)


def draw_again(params: Mapping[str, Any], root: Path, outputs: Iterable[Path]) -> None:
    """Draw the figure that a figure job's `params` describe from the results under `root`; write it to `outputs`."""
    from simaudit.evaluation.results import Results, Run
    from simaudit.figures.drawing import draw
    from simaudit.figures.figure import figure_type
    from simaudit.vocabulary.context import AuditContext

    knobs = figure_type(params["name"]).model_validate(params["figure"])
    if params["of"] == paths.RUN:
        contexts = {name: AuditContext(**context) for name, context in params["targets"].items()}
        draw(knobs, Run(root, contexts, params.get("splits", ()))).save(outputs)
    else:
        draw(knobs, Results(root, params["of"])).save(outputs)
