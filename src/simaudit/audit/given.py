"""Scores that others computed, evaluated: the jobs of a run without any model, and how they are done."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from simaudit.attacks.attack import RESERVED
from simaudit.audit import folder
from simaudit.audit.result import Limit, Result
from simaudit.audit.run import ABOVE, LOCK, PASSED
from simaudit.data.split import measured_sizes
from simaudit.evaluation.at_risk.jobs import at_risk_job
from simaudit.evaluation.jobs import COMPARED as OF_AUDIT
from simaudit.evaluation.jobs import compare_job, evaluate_job, numbers_job
from simaudit.evaluation.knobs import EvaluationKnobs
from simaudit.evaluation.sets.jobs import sets_job
from simaudit.figures.figure import TargetFigure, figure_type
from simaudit.figures.jobs import figure_job
from simaudit.machine.locks import only_one
from simaudit.plan.jobs import numbered
from simaudit.provenance import stamps
from simaudit.provenance.asked import remember_command
from simaudit.provenance.doing import do
from simaudit.report.jobs import report_job, tables_job, verdict_job
from simaudit.scoring.given.jobs import given_score_job, given_split_job
from simaudit.scoring.given.scores import GivenKnobs, GivenScores, read_given
from simaudit.scoring.given.table import attack_name
from simaudit.scoring.score_file import Scores
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError, some
from simaudit.vocabulary.job import Job
from simaudit.vocabulary.membership import STATED
from simaudit.vocabulary.sides import FOLDS, HELDOUT, MEMBER

SPLIT = "samples"
"""The name of the split, and so in the report."""
FIGURES = (
    *("metrics_over_time", "queries", "roc_loglog", "set_p_values"),
    *("statistic_histogram", "statistic_over_time"),
)
"""The figures of the audit that need neither images nor a model."""
OF_RUN = "forest"
"""The figure of all attacks beside one another, which stands first in the report."""


@dataclass(frozen=True)
class GivenAttack:
    """What figures must know of an attack: the timesteps of its statistics, and the last at which it asks a model."""

    grid: tuple[int, ...]
    last_query: int | None

    @classmethod
    def of(cls, scores: Scores) -> GivenAttack:
        """Return what is known of an attack by its scores: the timesteps that all of its variants have."""
        grids: dict[str, set[int]] = {}
        for column in scores.columns:
            if column.timestep is not None:
                grids.setdefault(str(column.variant), set()).add(column.timestep)
        grid = tuple(sorted(set.intersection(*grids.values()))) if grids else ()
        asks = any(column.queries for column in scores.columns)
        return cls(grid, (grid or (0,))[-1] if asks else None)


def evaluate_scores(
    knobs: GivenKnobs,
    output: Path,
    name: str | None = None,
    fail_above: Sequence[str] = (),
    threads: int = 1,
    say: Callable[[str], None] = print,
    show_records: bool = True,
) -> int:
    """Evaluate the scores of given files in the folder `output`, and return the exit code; `say` gets each line.

    `name` is what the scores are of, such as a model: that of the first file if not given. The code is PASSED, or ABOVE
    where a metric is above its limit in `fail_above`. The page names single samples where it may `show_records`. Raises
    SimauditError, with a line for each kind of mistake, before anything is written.
    """
    output = output.resolve()
    knobs = knobs.model_copy(update={"files": tuple(str(file.resolve()) for file in knobs.paths)})
    limits = [Limit.of(text) for text in fail_above]
    audit = _name(name or knobs.paths[0].stem)
    folder.require_own(output, paths.ASKED, "evaluation")
    given = read_given(knobs)
    for line in _screen(given):
        say(line)
    again = _command(knobs, output, audit, show_records)
    with only_one(output / LOCK, f"--output {output}: is being written by another; wait until it has ended"):
        with chdir(output):
            evaluation = EvaluationKnobs(threads=threads)
            _do(list(jobs(audit, given, knobs, evaluation, shlex.join(again), show_records)), again)
        is_above = Result(output, audit, SPLIT).conclude(limits, "sample", say)
    return ABOVE if is_above else PASSED


def jobs(
    audit: str,
    given: GivenScores,
    knobs: GivenKnobs,
    evaluation: EvaluationKnobs,
    again: str,
    show_records: bool = True,
) -> Iterator[Job]:
    """Yield every job of an evaluation, in an order in which each stands after those whose outputs it reads.

    They are those of any run from the score files on. What needs images or a model has no job. `again` is the command
    that makes all of it again.
    """
    scores = {attack: paths.scores(audit, attack) for attack in given.attacks}
    context = {"group": audit, "control": None, "reference": None, "membership": STATED}
    compared = [name for name in OF_AUDIT if name != "quality"]
    before = [
        given_split_job(SPLIT, knobs),
        *(given_score_job(audit, attack, SPLIT, knobs) for attack in scores),
        evaluate_job(audit, SPLIT, STATED, scores, {}, evaluation, images=False),
        sets_job(audit, SPLIT, SPLIT, scores, evaluation.sets, evaluation.seed, images=False),
        at_risk_job(audit, SPLIT, SPLIT, scores, images=False),
        compare_job({audit: context}, [], evaluation, compared),
    ]
    yield from before
    yield numbers_job(numbered(before), {audit: STATED})
    attacks = {attack: GivenAttack.of(of) for attack, of in given.attacks.items()}
    drawn, undrawn = list[str](), dict[str, str]()
    for name in FIGURES:
        figure = figure_type(name)()
        assert isinstance(figure, TargetFigure)
        if why := figure.missing(attacks, is_latent=False):
            undrawn[figure.title] = why
        else:
            drawn.append(name)
            yield figure_job(audit, name, figure, {})
    contexts = {audit: {**context, "arm": None}}
    yield figure_job(paths.RUN, OF_RUN, figure_type(OF_RUN)(), contexts)
    yield tables_job(contexts)
    yield verdict_job(contexts, {}, {})
    records = [paths.record(job.name) for job in before]
    yield report_job(
        contexts,
        {paths.RUN: [OF_RUN], audit: drawn},
        {audit: undrawn},
        {SPLIT: {}},
        trainings={},
        records=records,
        again=again,
        show_records=show_records,
        images=False,
    )


def _do(every: Sequence[Job], again: Sequence[str]) -> None:
    """Do jobs in this folder, each with its stamp, record and run log."""
    stamps.write(every)
    remember_command(again)
    for job in every:
        do([stamps.read_job(job.name)])


def _name(text: str) -> str:
    name = attack_name(text)
    if name in (None, SPLIT, paths.RUN):
        taken = some(sorted({*RESERVED, SPLIT, paths.RUN}))
        raise SimauditError(
            f"--name {text}: must have letters or digits, and be none of {taken}; name another"
        )
    return str(name)


def _command(knobs: GivenKnobs, output: Path, audit: str, show_records: bool) -> list[str]:
    """Return the command, in words, that evaluates the same files in the same way."""
    sides = [f"{attack}={side}" if attack else side for attack, side in knobs.member_when.items()]
    said: Mapping[str, Sequence[str]] = {
        "--output": [str(output)],
        "--name": [audit],
        "--attack": [knobs.attack] if knobs.attack else [],
        "--member-when": sides,
        "--calibration": [str(knobs.calibration)],
        "--seed": [str(knobs.seed)],
    }
    options = [word for option, values in said.items() for value in values for word in (option, value)]
    flags = [] if show_records else ["--no-records"]
    return ["simaudit", "evaluate-scores", *knobs.files, *options, *flags]


def _screen(given: GivenScores) -> Iterator[str]:
    """Yield what the files hold."""
    samples = given.samples
    is_member, first = (samples.role == MEMBER).to_numpy(), (samples.fold == FOLDS[0]).to_numpy()
    yield f"{is_member.sum()} members, {(~is_member).sum()} held out ({MEMBER}, {HELDOUT} as stated)"
    for fold, (members, heldout) in measured_sizes(is_member, first).items():
        yield f"{fold} fold: {members} members, {heldout} held out"
    for attack, scores in given.attacks.items():
        count = len(scores.columns)
        yield f"{attack}: {count} statistic{'s' * (count > 1)}, members have {scores.member_when} ones"
    yield ""
