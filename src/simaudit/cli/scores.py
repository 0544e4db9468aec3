"""The subcommand for who has scores and no model: evaluate what others computed."""

import sys
from pathlib import Path
from typing import Any

import click

from simaudit.cli.audit import no_records_option
from simaudit.vocabulary.errors import SimauditError

PATH = click.Path(path_type=Path)
SIDES = ("low", "high")


@click.command("evaluate-scores")
@click.argument("files", type=PATH, nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--output", type=PATH, required=True, metavar="DIR", help="The folder of the results and the report."
)
@click.option(
    "--member-when",
    "sides",
    multiple=True,
    required=True,
    metavar="[ATTACK=]low|high",
    help="On which side of the statistic members lie; for one attack as ATTACK=low; repeatable.",
)
@click.option(
    "--attack", metavar="NAME", help="The attack of files without that column; the file's name if not given."
)
@click.option(
    "--name",
    metavar="NAME",
    help="What the scores are of, such as a model; the first file's name if not given.",
)
@click.option(
    "--calibration",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.3,
    show_default=True,
    help="The share of each side that chooses knobs and thresholds, where files give no fold.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Draws the folds."
)
@click.option(
    "--fail-above",
    multiple=True,
    metavar="METRIC=VALUE",
    help="End with exit code 3 where a metric of the best attack is above this; repeatable.",
)
@no_records_option
@click.option(
    "--cores", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="CPU cores to use."
)
def evaluate_scores(
    files: tuple[Path, ...],
    output: Path,
    sides: tuple[str, ...],
    name: str | None,
    fail_above: tuple[str, ...],
    no_records: bool,
    cores: int,
    **asked: Any,
) -> None:
    """Evaluate scores that others computed, without any model: verdict, numbers, figures and report.

    Each FILE is a table (CSV, TSV, JSON lines or Parquet) with a row for each sample and statistic, or an .npz with two
    arrays, members and heldout. Columns: file or sample_id, role (member or heldout, 1 or 0, true or false), statistic;
    and, where they are there, attack, timestep, variant, fold, group, label, queries. docs/scores.md

    Exit code: 0; 3 where a metric is above --fail-above; 2 where a file is not as it must be, of which every mistake is
    named and nothing is written.
    """
    from pydantic import ValidationError

    from simaudit.audit.given import evaluate_scores as evaluate
    from simaudit.plan.explain import explain
    from simaudit.scoring.given.scores import GivenKnobs
    from simaudit.scoring.given.table import attack_name

    for file in files:
        if files.count(file) > 1:
            raise SimauditError(f"{file}: is given {files.count(file)} times; give it once")
    by_attack = {(attack_name(attack) or attack): side for attack, side in map(_side, sides)}
    values = {"files": list(map(str, files)), "member_when": by_attack, **asked}
    try:
        knobs = GivenKnobs.model_validate(values)
    except ValidationError as error:
        raise explain(error, values, lambda _: ("evaluate-scores", "FILE…")) from None
    sys.exit(evaluate(knobs, output, name, fail_above, cores, click.echo, not no_records))


def _side(text: str) -> tuple[str, Any]:
    """Return the attack, empty for all, and the side that a text [ATTACK=]low|high gives."""
    attack, _, side = text.rpartition("=")
    if side not in SIDES:
        raise SimauditError(f"--member-when {text}: must be low or high, or ATTACK=low or ATTACK=high")
    return attack, side
