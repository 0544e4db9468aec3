"""Subcommands for who reads results: draw a figure again, trace a number, verify it, pack everything."""

import difflib
import signal
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import click

from simaudit.cli.parameters import config_option, jobs_of, load
from simaudit.vocabulary.errors import SimauditError

DISAGREES = 1


@click.command()
@config_option
def figures(files: tuple[Path, ...]) -> None:
    """List every figure that the parameters ask for, and why one cannot be drawn."""
    from simaudit.vocabulary.paths import RUN

    params = load(files)
    for of in (RUN, *params.audits):
        for figure, why_not in (params.figures_of_run if of == RUN else params.figures_of(of)).items():
            click.echo(f"{of}/{figure}" + (f": not drawn, {why_not}" if why_not else ""))


@click.command()
@click.argument("name")
@click.option("--target", help="Which audit; not for a figure of all audits together.")
@click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="The folder of all results.",
)
@click.option(
    "--set", "knobs", multiple=True, metavar="KNOB=VALUE", help="Another value of a knob; repeatable."
)
@click.option(
    "--output",
    "outputs",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    required=True,
    help="A .pdf, .png, .csv or .json; repeatable.",
)
def figure(
    name: str, target: str | None, results: Path, knobs: tuple[str, ...], outputs: tuple[Path, ...]
) -> None:
    """Draw the figure NAME from existing results: its picture, the values in it, or its caption."""
    from simaudit.figures.jobs import draw_again
    from simaudit.vocabulary.paths import FIGURE_SUFFIXES

    for output in outputs:
        if output.suffix.removeprefix(".") not in FIGURE_SUFFIXES:
            raise SimauditError(f"{output}: must end in one of .{', .'.join(FIGURE_SUFFIXES)}")
    draw_again(_figure(name, target, results, knobs), results, outputs)


def _figure(name: str, target: str | None, results: Path, knobs: tuple[str, ...]) -> dict[str, Any]:
    """Return what the figure's stamp says of it, with other values of some knobs (`knob=value`, the value in YAML)."""
    from simaudit.figures.figure import RunFigure, figure_modules, figure_type
    from simaudit.provenance.stamps import Stamp
    from simaudit.vocabulary.paths import RUN

    known = figure_modules()
    if name not in known:
        alike = difflib.get_close_matches(name, known, n=1) or [one for one in known if name in one]
        hint = f"did you mean {' or '.join(alike)}?" if alike else f"known: {', '.join(known)}"
        raise SimauditError(f"figure {name}: no such figure; {hint}")
    report = results / "params" / "report.json"
    if not report.exists():
        raise SimauditError(f"{results}: no results here; make them with: make figures")
    asked, kind = Stamp.read(report).job.params, figure_type(name)
    drawn, undrawn = asked["drawn"], asked["undrawn"]
    targets = ", ".join(of for of in drawn if of != RUN)
    if issubclass(kind, RunFigure) != (target is None):
        which = "is of all targets together; leave out --target" if target else "needs --target"
        raise SimauditError(f"figure {name}: {which} (targets: {targets})")
    if target is not None and (target not in drawn or target == RUN):
        raise SimauditError(f"--target {target}: no such target; known: {targets}")
    of = target or RUN
    if name not in drawn[of]:
        why_not = undrawn.get(of, {}).get(kind.title, "params.yaml does not ask for it")
        raise SimauditError(f"figure {name}{f' of {target}' if target else ''}: not drawn, {why_not}")
    params = Stamp.read(results / "params" / "figure" / of / f"{name}.json").job.params
    return {**params, "figure": _with(params["figure"], knobs, kind)}


def _with(figure: dict[str, Any], knobs: tuple[str, ...], kind: Any) -> dict[str, Any]:
    """Return the knobs of a figure with other values of some."""
    from pydantic import ValidationError

    from simaudit.plan.explain import explain
    from simaudit.storage.yaml import parse_yaml

    written = (knob.partition("=") for knob in knobs)
    given = {key: parse_yaml(value, Path(f"--set {key}")) for key, _, value in written}

    def where(keys: Sequence[str]) -> tuple[str, str]:
        return f"--set {'.'.join(keys)}", ""

    try:
        kind.model_validate({**figure, **given})
    except ValidationError as error:
        raise explain(error, {**figure, **given}, where) from None
    return {**figure, **given}


@click.command()
@click.argument("what", metavar="ID|FILE")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every parameter, command and hash.")
@click.option(
    "--depth", type=click.IntRange(1), help="How many jobs to go back; all if not given, and in JSON always."
)
def trace(what: str, as_json: bool, depth: int | None) -> None:
    """Show every job that a number of results/numbers.json, or a file, comes from."""
    from simaudit.provenance import tree
    from simaudit.provenance.records import read_records
    from simaudit.provenance.trace import printed_in, trace_file, trace_number
    from simaudit.storage.json import canonical_json, read_json
    from simaudit.vocabulary import paths

    records = read_records()
    if Path(what).exists():
        step = trace_file(Path(what).as_posix(), records)
        facts: dict[str, Any] = {"file": what}
        drawn = tree.file_tree(what, step, depth)
    else:
        numbers = read_json(paths.NUMBERS)
        step, tables = trace_number(what, numbers, records), printed_in(what)
        facts = {"id": what, **numbers[what], "printed_in": tables}
        drawn = tree.number_tree(what, numbers, tables, step, depth)
    if as_json:
        click.echo(canonical_json({**facts, "chain": step.json()}), nl=False)
    else:
        tree.show(drawn)


@click.command()
@click.argument("what", metavar="[ID|FILE]", required=False)
@click.option(
    "--all", "everything", is_flag=True, help="Every record, number, table and metric, and dvc.lock."
)
@click.option(
    "--rerun",
    "again",
    metavar="PHASE:NAME",
    help="Run these jobs again in a clean clone and compare; PHASE:all for every job of a phase.",
)
def verify(what: str | None, everything: bool, again: str | None) -> None:
    """Check what a number or file says of where it is from, or all of a run. Exit code 0 only if everything agrees."""
    from simaudit.provenance import checks
    from simaudit.provenance.asked import command_again
    from simaudit.provenance.disagreement import Disagreement
    from simaudit.provenance.records import records_in

    if sum((what is not None, everything, again is not None)) != 1:
        raise SimauditError("simaudit verify: give one of ID, FILE, --all, --rerun PHASE:NAME")
    records, damage = records_in()
    if not records and not damage:
        raise SimauditError("results/records: no record; make them with: snakemake --cores all")
    if again:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the clone is removed
        steps = checks.again(again, records)
    else:
        steps = checks.of(what, records, jobs_of) if what else checks.everything(records, jobs_of)
        steps = checks.to_the_end(steps)
    count, jobs = 0, dict[str, None]()
    unread = [Disagreement.of(error, "record", job) for job, error in damage.items()]
    first = [("read records", unread)] if unread else []
    for title, disagreements in chain(first, steps):
        for disagreement in disagreements:
            click.echo(str(disagreement))
            count += 1
            jobs |= {disagreement.job: None} if disagreement.job else {}
        click.echo(title, err=True)
    if jobs:
        click.echo(f"make the files again with: {command_again(jobs)}", err=True)
    click.echo(f"{count} disagreements" if count else "everything agrees", err=True)
    sys.exit(DISAGREES if count else 0)


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("results/crate"),
    show_default=True,
    help="A folder, or a file whose name ends in .zip.",
)
@click.option(
    "--with-data", is_flag=True, help="Also hold images, weights and scores, not only their hashes."
)
def crate(output: Path, with_data: bool) -> None:
    """Pack the run as a Provenance Run Crate: the program, every job, number, table and figure, for a reviewer."""
    from simaudit.provenance.crate.write import write_crate
    from simaudit.provenance.records import read_records

    records = read_records()
    write_crate(records, output, with_data)
    click.echo(f"{output}: {len(records)} jobs", err=True)
