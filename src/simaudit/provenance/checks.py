"""Which checks `simaudit verify` makes, in which order, and what it says of each."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from simaudit.provenance import verify as check
from simaudit.provenance.records import Record
from simaudit.provenance.rerun import rerun
from simaudit.provenance.runlog import seconds_of
from simaudit.provenance.trace import trace_file, trace_number
from simaudit.storage.json import read_json
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

Checks = Iterator[tuple[str, Iterator[check.Disagreement]]]
"""What was checked, to be said when it is done, and what disagrees."""


def everything(records: Mapping[str, Record]) -> Checks:
    """Return every record, number, table and metric of a run.

    Raises SimauditError when no recorded job has a stamp any more.
    """
    jobs = {job: record for job, record in records.items() if Path(record.stamp).exists()}
    if not jobs:
        raise SimauditError("results/params: no stamp of any recorded job; write them with: simaudit stamps")
    if dropped := len(records) - len(jobs):
        yield f"{dropped} recorded jobs are no longer asked for by params.yaml: passed over", iter(())
    yield f"checked the files of {len(jobs)} jobs", check.files(jobs.values())
    yield "checked that every file has a record", check.unrecorded(records)
    yield "checked parameters and code", check.stamps(jobs.values())
    yield "checked versions of packages", check.environments(jobs.values())
    if paths.NUMBERS.exists():
        ledger = read_json(paths.NUMBERS)
        yield f"checked {len(ledger)} numbers where they stand", check.numbers(ledger, ledger)
        yield "checked every cell of the tables", check.tables(ledger)
    audits = [record.job.split("/")[1] for record in jobs.values() if record.phase == "evaluate"]
    yield f"checked the metrics of {len(audits)} audits by scikit-learn", check.metrics(audits)
    if check.LOCK.exists():
        yield "checked dvc.lock", check.dvc()
    else:
        yield "no dvc.lock: not checked", iter(())


def of(what: str, records: Mapping[str, Record]) -> Checks:
    """Return what stands behind one number or file."""
    if Path(what).exists():
        step = trace_file(Path(what).as_posix(), records)
    else:
        ledger = read_json(paths.NUMBERS)
        step = trace_number(what, ledger, records)
        yield f"checked {what} where it stands", check.numbers(ledger, [what])
    jobs = list(step.jobs())
    yield f"checked the files of {len(jobs)} jobs", check.files(jobs)
    yield "checked parameters and code", check.stamps(jobs)
    yield "checked versions of packages", check.environments(jobs)
    audits = [record.job.split("/")[1] for record in jobs if record.phase == "evaluate"]
    if audits:
        yield f"checked the metrics of {', '.join(audits)} by scikit-learn", check.metrics(audits)


def again(name: str, records: Mapping[str, Record]) -> Checks:
    """Jobs run again: PHASE:NAME, PHASE:NAME/…, or PHASE:all for every job of a phase.

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
        raise SimauditError(f"--rerun {name}: no record of such a job; phases: {phases}")
    times = [seconds for record in wanted if (seconds := seconds_of(record.job)) is not None]
    of = "together they" if len(times) == len(wanted) else "those whose time is known"
    took = f"; {of} took {sum(times) / 60:.1f} minutes the last time" if times else ""
    yield f"jobs to run again: {len(wanted)}{took}", iter(())
    for record in wanted:
        yield f"{record.job}, run again", rerun(record)
