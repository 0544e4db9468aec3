"""Whether everything that a run says of itself agrees with the files: hashes, parameters, numbers, tables, metrics."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simaudit.provenance.code import NotHere
from simaudit.provenance.environment import differences
from simaudit.provenance.recompute import TOLERANCE, recomputed
from simaudit.provenance.records import Record, makers
from simaudit.provenance.stamps import Stamp, code_of
from simaudit.storage.hashes import sha256_file
from simaudit.storage.json import read_json
from simaudit.vocabulary import paths
from simaudit.vocabulary.job import Job

OWN = ("logs", "params", "records", "checkpoints", "crate", "speed.json")  # of results/, and no results
NAMED = 3  # jobs that a line about many of them names
LOCK = Path("dvc.lock")


@dataclass(frozen=True)
class Disagreement:
    """What disagrees, where, and what was expected and found there."""

    what: str
    where: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.what}: {self.where}: expected {self.expected}, found {self.found}"


def files(records: Iterable[Record]) -> Iterator[Disagreement]:
    """Files that these jobs read or made and that are no longer what they were.

    Each is hashed anew: whoever changes a file may set its time back.
    """
    jobs = list(records)
    made = [(path, digest, record.job) for record in jobs for path, digest in record.outputs.items()]
    read = [(path, digest, record.job) for record in jobs for path, digest in record.inputs.items()]
    expected: dict[str, dict[str, str]] = {}
    for path, digest, job in (*made, *read):  # a file is best named after the job that made it
        expected.setdefault(path, {}).setdefault(digest, job)
    here = {path: sha256_file(Path(path)) for path in expected if Path(path).is_file()}
    for path, digests in expected.items():
        for digest, job in digests.items():
            if path not in here:
                yield Disagreement("file", f"{path} (of {job})", f"sha256 {digest}", "nothing")
            elif here[path] != digest:
                yield Disagreement("file", f"{path} (of {job})", f"sha256 {digest}", f"sha256 {here[path]}")


def stamps(records: Iterable[Record]) -> Iterator[Disagreement]:
    """Jobs that had other parameters than their stamp holds now, or other code or given files than are here."""
    for record in records:
        if not Path(record.stamp).exists():
            continue  # said of its file, which the job read
        stamp = Stamp.read(Path(record.stamp))
        job = stamp.job
        if job.params != record.params:
            yield Disagreement("parameters", record.job, json.dumps(job.params), json.dumps(record.params))
        if modules := changed_code(record, job):
            yield Disagreement(
                "code", record.job, "the code that is here now", f"another {', '.join(modules)}"
            )
        for file in stamp.changed_files():
            yield Disagreement(
                "given", f"{file} (of {record.job})", "as in the stamp", "another file, or none"
            )


def changed_code(record: Record, job: Job) -> list[str]:
    """Return the modules whose code, as far as the job reaches it, is not what it was when it was recorded."""
    try:
        here = code_of(job)
    except NotHere as gone:
        return [str(gone)]
    return sorted(module for module in {*here, *record.code} if here.get(module) != record.code.get(module))


def environments(records: Iterable[Record]) -> Iterator[Disagreement]:
    """Jobs that were computed by other versions of packages than are here: one line per package and version."""
    by_version: dict[tuple[str, str, str], list[str]] = {}
    for record in records:
        for package, (was, here) in differences(record.environment).items():
            by_version.setdefault((package, was, here), []).append(record.job)
    for (package, was, here), jobs in sorted(by_version.items()):
        more = f" and {len(jobs) - NAMED} more" if len(jobs) > NAMED else ""
        yield Disagreement("environment", f"{package} of {', '.join(jobs[:NAMED])}{more}", here, was)


def unrecorded(
    records: Mapping[str, Record], folders: Iterable[Path] = (paths.DATA, paths.RESULTS)
) -> Iterator[Disagreement]:
    """Files of a run that no record knows."""
    known = makers(records)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            is_hidden = any(part.startswith(".") for part in parts)  # what a job has not finished, too
            if path.is_file() and parts[0] not in OWN and not is_hidden and path.as_posix() not in known:
                yield Disagreement("record", path.as_posix(), "a record of the job that made it", "none")


def numbers(ledger: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> Iterator[Disagreement]:
    """Numbers of the ledger that do not stand where it says that they stand."""
    contents: dict[str, Any] = {}
    for name in names:
        number = ledger[name]
        source = number["source"]
        if source not in contents:
            contents[source] = read_json(Path(source)) if Path(source).exists() else None
        here = _at(contents[source], number["pointer"])
        if here != number["value"]:
            yield Disagreement(
                "number", f"{name} in {paths.NUMBERS}", f"{here} of {source}", str(number["value"])
            )


def tables(ledger: Mapping[str, Mapping[str, Any]], folder: Path = paths.TABLES) -> Iterator[Disagreement]:
    """Cells of tables that hold another number than the ledger."""
    for path in sorted(folder.rglob("*.csv")):
        with path.open(newline="", encoding="utf-8") as stream:
            for place, row in enumerate(csv.DictReader(stream), start=2):
                yield from _cells(path, place, row, ledger)


def metrics(
    targets: Iterable[str], evaluations: Path = paths.RESULTS / "evaluation"
) -> Iterator[Disagreement]:
    """Metrics of these targets that scikit-learn finds otherwise in the score files."""
    for target in targets:
        if not (evaluations / f"{target}.json").exists():
            continue  # said of the file already
        summary = read_json(evaluations / f"{target}.json")
        for attack, facts in summary["attacks"].items():
            scores = paths.scores(target, attack)
            if not scores.exists():
                continue  # said of the file already
            for name, reported, found in recomputed(scores, facts):
                if abs(reported - found) > TOLERANCE:
                    where = f"{target}.{attack}.{name} from {scores}"
                    yield Disagreement("metric", where, f"{found} by scikit-learn", str(reported))


def dvc() -> Iterator[Disagreement]:
    """Yield what DVC finds changed against dvc.lock, which must be there."""
    done = subprocess.run([sys.executable, "-m", "dvc", "status", "--json"], capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        yield Disagreement("dvc.lock", "dvc status", "an answer", last)
        return
    for stage, changes in json.loads(done.stdout or "{}").items():
        for change in changes:
            if isinstance(change, str):  # "changed command"
                yield Disagreement("dvc.lock", f"stage {stage}", "as locked", change)
                continue
            for kind, paths_changed in change.items():
                for path, state in paths_changed.items():
                    yield Disagreement("dvc.lock", f"{path} ({kind} of {stage})", "as locked", str(state))


def _at(content: Any, pointer: str) -> Any:
    for key in pointer.removeprefix("/").split("/"):
        if not isinstance(content, dict):
            return None
        content = content.get(key.replace("~1", "/").replace("~0", "~"))
    return content


def _cells(
    path: Path, line: int, row: Mapping[str, str], ledger: Mapping[str, Mapping[str, Any]]
) -> Iterator[Disagreement]:
    for column in (column for column in row if f"{column}_id" in row):
        name = row[f"{column}_id"]
        number = ledger.get(name)
        for suffix, key in (("", "value"), ("_low", "low"), ("_high", "high")):
            printed = row.get(f"{column}{suffix}")
            expected = number and number[key]
            if name and printed is not None and not _is_printed(expected, printed):
                yield Disagreement(
                    "table", f"{path}:{line}, {name}", f"{key} {expected}", printed or "nothing"
                )


def _is_printed(value: Any, text: str) -> bool:
    try:
        return bool(value == (float(text) if text else None))
    except ValueError:
        return False
