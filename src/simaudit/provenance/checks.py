"""Which checks `simaudit verify` makes, in which order, and what it says of each."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from simaudit.machine.progress import spoken
from simaudit.provenance import asked
from simaudit.provenance import verify as check
from simaudit.provenance.disagreement import Disagreement
from simaudit.provenance.records import Record
from simaudit.provenance.rerun import rerun
from simaudit.provenance.runlog import seconds_of
from simaudit.provenance.stamps import Stamp
from simaudit.provenance.trace import trace_file, trace_number
from simaudit.storage.json import read_json
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError, some
from simaudit.vocabulary.job import Job

Checks = Iterator[tuple[str, Iterable[Disagreement]]]
"""What was checked, to be said when it is done, and what disagrees."""


JobsOf = Callable[[Sequence[Path], Any], Iterable[Job]]
"""Returns the jobs that parameter files, and further values, ask for."""


def everything(records: Mapping[str, Record], jobs_of: JobsOf, with_dvc: bool = True) -> Checks:
    """Return every record, number, table and metric of a run; `dvc.lock` too, unless it is to be written anew.

    Raises SimauditError when no recorded job is asked for any more.
    """
    now, damage = _asked(jobs_of)
    yield _said_of(now), damage
    wanted = now if now is not None else {job for job in records if paths.stamp(job).exists()}
    jobs = {job: record for job, record in records.items() if job in wanted}
    if not jobs:
        raise SimauditError(
            "results/records: no recorded job is asked for; make them with: snakemake --cores all"
        )
    if dropped := len(records) - len(jobs):
        yield f"{dropped} recorded jobs are no longer asked for by params.yaml: passed over", iter(())
    if now is not None:
        yield "checked that every job is done", asked.not_done(records, now)
    yield f"checked the files of {len(jobs)} jobs", check.files(jobs.values())
    yield "checked that every file has a record", check.unrecorded(records)
    yield from _of_jobs(jobs, now)
    ledger, damage = check.readable(read_json, paths.NUMBERS)
    if ledger is not None or damage:
        ledger = ledger or {}
        yield f"checked {len(ledger)} numbers where they stand", chain(damage, check.numbers(ledger, ledger))
        yield "checked every cell of the tables", check.tables(ledger)
    if with_dvc and check.LOCK.exists():
        yield "checked dvc.lock", check.dvc()
    elif with_dvc:
        yield "no dvc.lock: not checked", iter(())


def of(what: str, records: Mapping[str, Record], jobs_of: JobsOf) -> Checks:
    """Return what stands behind one number or file."""
    if Path(what).exists():
        step = trace_file(Path(what).as_posix(), records)
    else:
        ledger = read_json(paths.NUMBERS)
        step = trace_number(what, ledger, records)
        yield f"checked {what} where it stands", check.numbers(ledger, [what])
    jobs = {record.job: record for record in step.jobs()}
    now, damage = _asked(jobs_of)
    yield _said_of(now), damage
    yield f"checked the files of {len(jobs)} jobs", check.files(jobs.values())
    yield from _of_jobs(jobs, now)


def to_the_end(checks: Checks) -> Checks:
    """Return the same checks such that none of them ends the others: one that fails is a disagreement itself."""
    for title, disagreements in checks:
        yield title, _to_its_end(title, disagreements)


def _to_its_end(title: str, disagreements: Iterable[Disagreement]) -> Iterator[Disagreement]:
    try:
        yield from disagreements
    except Exception as error:  # what is damaged, and how, is anybody's guess
        why = " ".join(str(error).split())
        yield Disagreement("check", title, "no error", f"{type(error).__name__}: {why}")


def _of_jobs(jobs: Mapping[str, Record], now: Mapping[str, Stamp] | None) -> Checks:
    """Return what is checked of jobs beside their files."""
    absent = asked.absent(jobs.values())
    not_here = f"; not here, so not compared: {_counted(absent, 'given files or folders')}" if absent else ""
    yield f"checked parameters and code{not_here}", asked.differences(jobs.values(), now)
    yield "checked versions of packages", check.environments(jobs.values())
    audits = [record.job.split("/")[1] for record in jobs.values() if record.phase == "evaluate"]
    if audits:
        yield f"checked the metrics of {_counted(audits)} by scikit-learn", check.metrics(audits)
    judged = [record for record in jobs.values() if record.phase == "quality"]
    if judged:
        names = _counted([record.job.split("/")[1] for record in judged])
        yield f"checked the Fréchet distances of {names} by SciPy", check.distances(judged)


def _counted(names: list[str], kind: str = "audits") -> str:
    return ", ".join(names) if len(names) <= check.NAMED else f"{len(names)} {kind}"


def _asked(jobs_of: JobsOf) -> tuple[dict[str, Stamp] | None, list[Disagreement]]:
    """Return the stamps that the parameters which are here ask for; None, and why, where they cannot be read."""
    if not paths.ASKED.exists() and not paths.PARAMS.exists():
        return None, []
    try:
        files, given = asked.asked_by()
        return ({job.name: Stamp.of(job) for job in jobs_of(files, given)} if files else None), []
    except SimauditError as error:
        return None, [Disagreement.of(SimauditError(line), "parameters") for line in str(error).splitlines()]


def _said_of(now: Mapping[str, Stamp] | None) -> str:
    try:
        files = " and ".join(file.as_posix() for file in asked.asked_by()[0]) or "the command of this run"
    except SimauditError:  # said already
        files = "the parameters"
    known = (
        f"compared with what is asked for now by {files}"
        if now is not None
        else f"{files}: not compared with"
    )
    return (
        known if paths.ASKED.exists() else f"{known} (which parameters this run was made from is not known)"
    )


def again(name: str, records: Mapping[str, Record]) -> Checks:
    """Return the check that runs jobs again: PHASE:NAME, PHASE:NAME/…, or PHASE:all for every job of a phase.

    Raises SimauditError when there is no such job, or a name is missing.
    """
    phase, _, rest = name.partition(":")
    of_phase = [record for record in records.values() if record.phase == phase]
    if rest == "all":
        wanted = of_phase
    elif rest:
        wanted = [record for record in of_phase if f"{record.job}/".startswith(f"{phase}/{rest}/")]
    else:
        wanted = [record for record in of_phase if record.job == phase]  # a phase of one job, such as compare
    if of_phase and not wanted and not rest:
        raise SimauditError(
            f"--rerun {name}: say which, as {phase}:NAME, or {phase}:all for every one of them"
        )
    if not wanted:
        phases = ", ".join(sorted({record.phase for record in records.values()}))
        names = some(sorted(record.job.partition("/")[2] for record in of_phase))
        known = f"known of {phase}: {names}" if of_phase else f"phases: {phases}"
        raise SimauditError(f"--rerun {name}: no record of such a job; {known}")
    times = [seconds for record in wanted if (seconds := seconds_of(record.job)) is not None]
    of = "together they" if len(times) == len(wanted) else "those whose time is known"
    took = f"; {of} took {spoken(sum(times))} the last time" if times else ""
    yield f"jobs to run again: {len(wanted)}{took}", iter(())
    for record in wanted:
        yield f"{record.job}, run again", rerun(record)
