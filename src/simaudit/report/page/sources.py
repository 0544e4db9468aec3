"""Where each printed number is from: the file, the place in it, and every job back to the data."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simaudit.evaluation.numbers import Ledger
from simaudit.provenance.records import Record, makers
from simaudit.provenance.trace import ancestors


@dataclass(frozen=True)
class Source:
    """One result file. `numbers` are those of it that are printed, by id; `jobs` are those that it comes from, the one
    that wrote it first; there are none where there is no record.
    """

    anchor: str
    path: str
    sha256: str
    jobs: tuple[str, ...]
    numbers: Mapping[str, Mapping[str, Any]]

    @property
    def command(self) -> str:
        """What makes the file, if it is missing or no longer holds."""
        return f"snakemake --cores all {self.path}"


def sources(ledger: Ledger, printed: Iterable[str], records: Mapping[str, Record]) -> list[Source]:
    """The files that the numbers with these ids are from, in the order of their names."""
    by_file: dict[str, list[str]] = {}
    for name in sorted(set(printed)):
        by_file.setdefault(ledger.numbers[name]["source"], []).append(name)
    made_by = makers(records)
    return [
        Source(
            f"source-{place}",
            path,
            ledger.numbers[names[0]]["source_sha256"],
            tuple(ancestors(path, made_by)),
            {name: ledger.numbers[name] for name in names},
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
        """As JSON, empty where it was asked nothing."""
        params = self.record.params
        return json.dumps(params, indent=2, sort_keys=True, ensure_ascii=False) if params else ""


def jobs(listed: Iterable[Source], records: Mapping[str, Record]) -> list[Job]:
    """The jobs that these sources come from, in the order of their names."""
    return [Job(records[name]) for name in sorted({job for source in listed for job in source.jobs})]
