"""Whether what was done is what the parameters and the code ask for that are here now; and how to do it again."""

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from simaudit.provenance.code import NotHere
from simaudit.provenance.disagreement import Disagreement
from simaudit.provenance.records import Record
from simaudit.provenance.stamps import Stamp, code_of
from simaudit.storage.json import read_json, write_json
from simaudit.storage.reading import reading
from simaudit.vocabulary import paths
from simaudit.vocabulary.job import Job


def remember(files: Sequence[Path], given: Any = None) -> None:
    """Write down which parameters a run is asked for by: files, and further values as on a command line."""
    write_json(paths.ASKED, {"files": [file.as_posix() for file in files], "given": given or {}})


def remember_command(words: Sequence[str]) -> None:
    """Write down the command that a run is asked for by, where no parameter file says it."""
    write_json(paths.ASKED, {"files": [], "given": {}, "command": list(words)})


def asked_by() -> tuple[list[Path], Any]:
    """Return what `remember` was given last in this folder; params.yaml where nobody remembers.

    There is no file where a command alone says what is asked for.
    """
    known = _remembered()
    return [Path(file) for file in known["files"]], known["given"]


def _remembered() -> dict[str, Any]:
    known: dict[str, Any] = {"files": [paths.PARAMS], "given": {}, "command": []}
    with reading(paths.ASKED, "a list of parameter files"):
        return known | (read_json(paths.ASKED) if paths.ASKED.exists() else {})


def command_again(names: Iterable[str]) -> str:
    """Return the command that does these jobs again, and all that follows from them."""
    if command := _remembered()["command"]:
        return shlex.join(command)
    (first, *experiments), given = asked_by()
    words = ["snakemake", "--cores", "all"]
    if first.parent != Path():
        words += ["--snakefile", (first.parent / "Snakefile").as_posix()]
    if experiments:
        words += ["--configfile", *(file.as_posix() for file in experiments)]
    if given:
        words += ["--config", *(f"{key}={json.dumps(value)}" for key, value in given.items())]
    return shlex.join([*words, "--forcerun", *(paths.record(name).as_posix() for name in names)])


def differences(records: Iterable[Record], now: Mapping[str, Stamp] | None) -> Iterator[Disagreement]:
    """Yield what these jobs did otherwise than they are asked to now. Without `now`, their stamps' files say it."""
    for record in records:
        # What is wrong with a stamp is said of its file, which the job read.
        written = Stamp.readable(Path(record.stamp))
        stamp = written if now is None else now.get(record.job)
        if stamp:
            yield from _fields(record, stamp)
        for file in written.changed_files() if written else ():
            yield Disagreement(
                "given", f"{file} (of {record.job})", "as in the stamp", "another file, or none"
            )


def absent(records: Iterable[Record]) -> list[str]:
    """Return the files and folders that were given to these jobs and of which nothing is here."""
    stamps = (Stamp.readable(Path(record.stamp)) for record in records)
    return sorted({name for stamp in stamps if stamp for name in stamp.absent()})


def not_done(records: Mapping[str, Record], now: Mapping[str, Stamp]) -> Iterator[Disagreement]:
    """Yield the jobs that are asked for now and have no record."""
    for name in now:
        if name not in records and not paths.record(name).exists():  # else said of its record
            yield Disagreement("record", paths.record(name).as_posix(), f"what {name} did", "nothing")


def changed_code(record: Record, job: Job) -> list[str]:
    """Return the modules whose code, as far as the job reaches it, is not what it was when it was recorded."""
    try:
        here = code_of(job)
    except NotHere as gone:
        return [str(gone)]
    return sorted(module for module in {*here, *record.code} if here.get(module) != record.code.get(module))


def _fields(record: Record, stamp: Stamp) -> Iterator[Disagreement]:
    """Yield the fields of a record that are not what its stamp says."""
    job, params = stamp.job, json.loads(stamp.text)["params"]
    if params != record.params:
        yield Disagreement("parameters", record.job, json.dumps(params), json.dumps(record.params))
    if modules := changed_code(record, job):
        yield Disagreement("code", record.job, "the code that is here now", f"another {', '.join(modules)}")
    command = ["simaudit", "run", record.job]
    if list(record.command) != command:
        yield Disagreement("command", record.job, shlex.join(command), shlex.join(map(str, record.command)))
    yield from _files(record, "read", record.inputs, [paths.stamp(job.name), *job.inputs])
    yield from _files(record, "made", record.outputs, job.outputs)


def _files(
    record: Record, did: str, files: Mapping[str, Any], asked_for: list[Path]
) -> Iterator[Disagreement]:
    """Yield files of a record that its job is not asked for, and files that it is asked for and lacks."""
    wanted, within = set(asked_for), set()
    for file in map(Path, files):
        place = wanted.intersection((file, *file.parents))
        within |= place
        if not place:
            yield Disagreement("record", f"{file} (of {record.job})", "no such file", f"that it {did} it")
    for file in sorted(wanted - within):
        yield Disagreement("record", f"{file} (of {record.job})", f"that it {did} it", "no such file")
