"""From a number or a file back to the data: every job that it comes from, with what each read and how it was asked."""

import csv
import difflib
import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simaudit.provenance import runlog
from simaudit.provenance.records import Record, makers
from simaudit.provenance.stamps import Stamp
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

Scored = tuple[str, str | None]
"""An attack, and the epoch whose checkpoint it was scored on, None for the end of the training."""


@dataclass(frozen=True)
class Step:
    """A job on the way back. `files` are those of its outputs that the step before read, by SHA-256; `before` the jobs
    that made its inputs; `given` are inputs that no job made. `run` says when and where it ran, where that is known.
    """

    record: Record
    files: Mapping[str, str | None]
    given: Mapping[str, str]
    before: tuple["Step", ...]
    run: Mapping[str, Any] | None

    def json(self) -> dict[str, Any]:
        """Return the step as `simaudit trace --json` prints it."""
        record = self.record
        return {
            "job": record.job,
            "files": dict(self.files),
            "command": record.command,
            "params": record.params,
            "code": dict(record.code),
            "speed": dict(record.speed),
            "environment": dict(record.environment),
            "stamp": record.stamp,
            "given": dict(self.given),
            "run": self.run and dict(self.run),
            "before": [step.json() for step in self.before],
        }

    def jobs(self) -> Iterator[Record]:
        """Yield this job and all before it, each once."""
        known: set[str] = set()
        waiting: list[Step] = [self]
        while waiting:
            step = waiting.pop()
            if step.record.job not in known:
                known.add(step.record.job)
                yield step.record
                waiting.extend(reversed(step.before))


def trace_file(path: str, records: Mapping[str, Record]) -> Step:
    """Return the job that made a file, and all before it. Raises SimauditError when no record knows the file."""
    made_by = makers(records)
    return _step(_maker(path, made_by), (path,), made_by, None, {})


def ancestors(path: str, made_by: Mapping[str, Record], of: Scored | None = None) -> list[str]:
    """Return the job that made a file and all before it, each once and by name; none where no record knows the file.

    `made_by` is what `makers` gives; `of`, see `scored`, leaves out the scores that what is asked for did not need.
    """
    jobs: dict[str, None] = {}
    waiting = [(path, of)]
    while waiting:
        file, needed = waiting.pop()
        record = made_by.get(file)
        if record and record.job not in jobs:
            jobs[record.job] = None
            waiting.extend((read, None) for read in reversed(list(record.inputs)) if _is_needed(read, needed))
    return list(jobs)


def scored(pointer: str) -> Scored | None:
    """Return the attack and the epoch whose scores alone a number needed, by its place in its file; None where all."""
    keys = pointer.split("/")
    attack = keys[keys.index("attacks") + 1] if "attacks" in keys else None
    epoch = keys[keys.index("epochs") + 1] if "epochs" in keys else None
    return (attack, epoch) if attack else None


def trace_number(name: str, numbers: Mapping[str, Mapping[str, Any]], records: Mapping[str, Record]) -> Step:
    """Return the job that wrote a number, and all before it; for an attack's number only what that attack read.

    Raises SimauditError when there is no such number, or no record of its source.
    """
    made_by = makers(records)
    number = find(name, numbers, made_by)
    source = number["source"]
    return _step(_maker(source, made_by), (source,), made_by, scored(number["pointer"]), {})


def find(name: str, numbers: Mapping[str, Mapping[str, Any]], files: Iterable[str] = ()) -> Mapping[str, Any]:
    """Return a number of the ledger.

    Raises SimauditError when there is none, naming some that are alike: numbers, or those of the `files` for a name
    with a slash, which no number has.
    """
    if name not in numbers:
        known, separator = (files, "/") if "/" in name else (numbers, ".")
        hint = f"; alike: {', '.join(alike)}" if (alike := _alike(name, known, separator)) else ""
        raise SimauditError(f"{paths.NUMBERS}: no number or file {name}{hint}")
    return numbers[name]


def _alike(name: str, known: Iterable[str], separator: str) -> list[str]:
    """Return up to three of the names that are known: those with the same last part first, then with most others."""
    parts = name.split(separator)

    def likeness(other: str) -> tuple[bool, int, float]:
        others = other.split(separator)
        shared = len({*parts} & {*others})
        return parts[-1] in others, shared, difflib.SequenceMatcher(None, name, other).ratio()

    return heapq.nlargest(3, known, key=likeness)


def printed_in(name: str, tables: Path = paths.TABLES) -> list[str]:
    """Return the tables, CSV, that print a number."""
    tables_with_it = []
    for path in sorted(tables.rglob("*.csv")):
        with path.open(newline="", encoding="utf-8") as stream:
            if any(name in row for row in csv.reader(stream)):
                tables_with_it.append(path.as_posix())
    return tables_with_it


def _maker(path: str, made_by: Mapping[str, Record]) -> Record:
    record = made_by.get(path)
    if record is None:
        raise SimauditError(f"{path}: no record of it; make it with: snakemake --cores all --forcerun {path}")
    return record


def _step(
    record: Record,
    files: tuple[str, ...],
    made_by: Mapping[str, Record],
    of: Scored | None,
    known: dict[tuple[str, tuple[str, ...]], Step],
) -> Step:
    """Return the step that a record stands for, with all steps before it.

    `of` says whose scores alone matter to what is traced; `known` are steps made before.
    """
    if (record.job, files) in known:
        return known[record.job, files]
    by_job: dict[str, list[str]] = {}
    given = {}
    for path, digest in record.inputs.items():
        if not _is_needed(path, of):
            continue
        if path in made_by:
            by_job.setdefault(made_by[path].job, []).append(path)
        elif path != record.stamp and not Path(path).is_relative_to(paths.RECORDS):
            given[path] = digest
    stamp = Stamp.readable(Path(record.stamp))
    given |= stamp.given_files() if stamp and record.is_by(stamp) else {}
    before = tuple(_step(made_by[read[0]], tuple(read), made_by, None, known) for read in by_job.values())
    outputs = {path: record.outputs[path] for path in files}
    known[record.job, files] = Step(record, outputs, given, before, runlog.read(paths.log(record.job)))
    return known[record.job, files]


def _is_needed(path: str, of: Scored | None) -> bool:
    return of is None or not Path(path).is_relative_to(paths.SCORES) or _scores_of(path) == of


def _scores_of(path: str) -> Scored:
    """Return the attack that a score file is of, and the epoch, None for the end."""
    parts = Path(path).parts
    return Path(path).stem, parts[-2] if parts[-3] == "epochs" else None
