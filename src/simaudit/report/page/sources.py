"""Where each printed number is from: the file, the place in it, and every job back to the data."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simaudit.evaluation.numbers import Ledger, Number
from simaudit.provenance.records import Record, makers
from simaudit.provenance.trace import ancestors


@dataclass(frozen=True)
class Source:
    """One result file, the numbers in it that are printed, by id, and the jobs that it comes from.

    The job that wrote the file is the first; there are no jobs where there is no record.
    """

    anchor: str
    path: str
    sha256: str
    jobs: tuple[str, ...]
    numbers: Mapping[str, Number]
    again: str = ""

    @property
    def command(self) -> str:
        """The command that makes the file again: `again`, which makes everything, where that is given."""
        return self.again or f"snakemake --cores all {self.path}"


def sources(
    ledger: Ledger, printed: Iterable[str], records: Mapping[str, Record], again: str = ""
) -> list[Source]:
    """Return the files that the numbers with these ids are from, in the order of their names."""
    by_file: dict[str, list[str]] = {}
    for name in sorted(set(printed)):
        by_file.setdefault(ledger.numbers[name].source, []).append(name)
    made_by = makers(records)
    return [
        Source(
            f"source-{place}",
            path,
            ledger.numbers[names[0]].source_sha256,
            tuple(ancestors(path, made_by)),
            {name: ledger.numbers[name] for name in names},
            again,
        )
        for place, (path, names) in enumerate(sorted(by_file.items()), start=1)
    ]


@dataclass(frozen=True)
class Job:
    """One job that some number comes from, as the page shows it."""

    record: Record

    @property
    def anchor(self) -> str:
        return f"job-{self.record.job}"

    @property
    def command(self) -> str:
        return " ".join(self.record.command)

    @property
    def params(self) -> str:
        """The job's parameters as JSON, empty where it has none."""
        params = self.record.params
        return json.dumps(params, indent=2, sort_keys=True, ensure_ascii=False) if params else ""


def jobs(listed: Iterable[Source], records: Mapping[str, Record]) -> list[Job]:
    """Return the jobs that these sources come from, in the order of their names."""
    return [Job(records[name]) for name in sorted({job for source in listed for job in source.jobs})]
