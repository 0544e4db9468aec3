"""Whether everything that a run says of itself agrees with the files: hashes, parameters, numbers, tables, metrics."""

import csv
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from simaudit.provenance.disagreement import Disagreement
from simaudit.provenance.environment import differences
from simaudit.provenance.recompute import (
    FRECHET_TOLERANCE,
    TOLERANCE,
    frechet_distances,
    near_duplicates,
    recomputed,
)
from simaudit.provenance.records import Record, makers
from simaudit.provenance.stamps import Stamp
from simaudit.storage.hashes import sha256_file
from simaudit.storage.json import read_json
from simaudit.storage.reading import reading
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

OWN = (
    *("logs", "params", "records", "checkpoints", "unfinished", "shards", "crate"),
    *(paths.SPEED.name, paths.PROCESSES.name, paths.ASKED.name),
)
"""What stands under results/ and is no result."""
NAMED = 3  # jobs that a line about many of them names
LOCK = Path("dvc.lock")


def files(records: Iterable[Record]) -> Iterator[Disagreement]:
    """Yield files that these jobs read or made and that are no longer what they were.

    Each is hashed anew: whoever changes a file may set its time back.
    """
    jobs = list(records)
    made = [(path, digest, record.job) for record in jobs for path, digest in record.outputs.items()]
    read = [(path, digest, record.job) for record in jobs for path, digest in record.inputs.items()]
    expected: dict[str, dict[str | None, str]] = {}
    for path, digest, job in (*made, *read):  # a file is best named after the job that made it
        expected.setdefault(path, {}).setdefault(digest, job)
    maker = {path: job for path, _, job in made}
    for path, digests in expected.items():
        here = _sha256(Path(path))
        for digest, job in digests.items():
            if here is None or (digest and here != digest):
                asked = f"sha256 {digest}" if digest else "a file"
                found = f"sha256 {here}" if here else "nothing"
                yield Disagreement("file", f"{path} (of {job})", asked, found, maker.get(path))


def _sha256(path: Path) -> str | None:
    """Return the hash of a file; None where there is none that can be read."""
    try:
        return sha256_file(path)
    except OSError:
        return None


def environments(records: Iterable[Record]) -> Iterator[Disagreement]:
    """Yield which jobs other versions of packages than are here computed: one line per package and version."""
    by_version: dict[tuple[str, str, str], list[str]] = {}
    for record in records:
        for package, (was, here) in differences(record.environment).items():
            by_version.setdefault((package, was, here), []).append(record.job)
    for (package, was, here), jobs in sorted(by_version.items()):
        more = f" and {len(jobs) - NAMED} more" if len(jobs) > NAMED else ""
        yield Disagreement("environment", f"{package} of {', '.join(jobs[:NAMED])}{more}", here, was)


def unrecorded(
    records: Mapping[str, Record], folders: Iterable[Path] = (paths.PREPARED, paths.SPLITS, paths.RESULTS)
) -> Iterator[Disagreement]:
    """Yield files of a run that no record knows."""
    known = makers(records)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            is_hidden = any(part.startswith(".") for part in parts)  # what a job has not finished, too
            if path.is_file() and parts[0] not in OWN and not is_hidden and path.as_posix() not in known:
                yield Disagreement("record", path.as_posix(), "a record of the job that made it", "none")


def numbers(ledger: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> Iterator[Disagreement]:
    """Yield numbers of the ledger that do not stand where it says that they stand."""
    contents: dict[str, Any] = {}
    for name in names:
        number = ledger[name]
        source = number["source"]
        if source not in contents:
            contents[source], damage = readable(read_json, Path(source))
            yield from damage
            if contents[source] is None:
                where = f"those from {source} in {paths.NUMBERS}"
                yield Disagreement("number", where, "a file that can be read", "none")
        if contents[source] is None:
            continue
        here = _at(contents[source], number["pointer"])
        if here != number["value"]:
            yield Disagreement(
                "number", f"{name} in {paths.NUMBERS}", f"{here} of {source}", str(number["value"])
            )


def tables(ledger: Mapping[str, Mapping[str, Any]], folder: Path = paths.TABLES) -> Iterator[Disagreement]:
    """Yield cells of tables that hold another number than the ledger."""
    for path in sorted(folder.rglob("*.csv")):
        rows, damage = readable(_rows, path)
        yield from damage
        for place, row in enumerate(rows or (), start=2):
            yield from _cells(path, place, row, ledger)


def metrics(
    audits: Iterable[str], evaluations: Path = paths.RESULTS / "evaluation"
) -> Iterator[Disagreement]:
    """Yield metrics of these audits that scikit-learn finds otherwise in the score files."""
    for audit in audits:
        summary, damage = readable(read_json, evaluations / f"{audit}.json")
        yield from damage
        near, damage = readable(near_duplicates, evaluations / f"nearest/{_at(summary, '/split')}.parquet")
        yield from damage
        for attack, facts in (_at(summary, "/attacks") or {}).items():
            scores = paths.scores(audit, attack)
            found, damage = readable(recomputed, scores, facts, near or ())
            yield from damage
            for name, reported, value in found or ():
                if not abs(reported - value) <= TOLERANCE:
                    where = f"{audit}.{attack}.{name} from {scores}"
                    yield Disagreement("metric", where, f"{value} by scikit-learn", str(reported))


def distances(records: Iterable[Record]) -> Iterator[Disagreement]:
    """Yield Fréchet distances of these quality jobs that SciPy finds otherwise between samples and images."""
    for record in records:
        file = Path(next(iter(record.outputs)))
        content, damage = readable(read_json, file)
        yield from damage
        found, damage = readable(lambda path: frechet_distances(Stamp.read(path).job), Path(record.stamp))
        yield from damage
        for name, value in found.items() if content and found else ():
            reported = _at(content, f"/frechet/{name}/value")
            if not (isinstance(reported, float) and math.isclose(reported, value, **FRECHET_TOLERANCE)):
                yield Disagreement("distance", f"{name} in {file}", f"{value} by SciPy", str(reported))


def readable(read: Callable[..., Any], path: Path, *more: Any) -> tuple[Any, list[Disagreement]]:
    """Return what `read` gives for a file and `more`, None where that is damaged, and the line that says so.

    There is no line for a file that is missing, of which it is said that a job made or read it.
    """
    if not path.exists():
        return None, []
    try:
        with reading(path, "a whole file"):
            return read(path, *more), []
    except SimauditError as error:
        return None, [Disagreement.of(error)]


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


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


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
