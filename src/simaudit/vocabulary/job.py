"""A job: one unit of work of a phase, described once. Stamps, records, paths and the command line follow from it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

FEWER = "run fewer jobs at once (snakemake --cores), or on a machine with more memory"
"""What helps every job that needs more memory than there is."""


USUAL_MB = 1000
"""MB of memory that a job needs that reads results of a run of usual size."""


@dataclass(frozen=True)
class Job:
    """A job of the workflow. A phase declares its jobs beside the function that does them.

    `name` is <phase>/<what it is of>, such as score/digits-ddpm/sima; stamp, record and log are named after it. `run`
    is that function, as <module>:<name>; it is called with the job. `params` is the slice of the parameters that
    decides the result, in plain JSON; `speed` holds the knobs that cannot change it. `reads` and `writes` are paths by
    what the function calls them: one path, a list, or a mapping; a folder stands for all files in it. `plugins` are
    modules that the parameters choose, `given` files or folders that no job makes, whose hashes are kept with it.
    `identity` is the hash of the stamp that the job was read from. Jobs of one `process` are done by one process, one
    after another, since starting it, or loading a model, would take longer than they do; without, a job has its own.
    """

    name: str
    run: str
    params: Mapping[str, Any]
    reads: Mapping[str, Any]
    writes: Mapping[str, Any]
    plugins: tuple[str, ...] = ()
    given: tuple[Path, ...] = ()
    speed: Mapping[str, Any] = field(default_factory=dict)
    identity: str = ""
    process: str = ""

    @property
    def done_by(self) -> str:
        """The name of the process that does it: what `simaudit run` is called with, and a log is named after."""
        return self.process or self.name

    @property
    def phase(self) -> str:
        """The kind of job: the first part of its name."""
        return self.name.split("/")[0]

    def input(self, role: str) -> Path:
        """Return the one path that the job reads as `role`."""
        return Path(self.reads[role])

    def output(self, role: str) -> Path:
        """Return the one path that the job writes as `role`."""
        return Path(self.writes[role])

    @property
    def inputs(self) -> list[Path]:
        """Every path that the job reads, its stamp apart."""
        return list(paths_in(self.reads))

    @property
    def outputs(self) -> list[Path]:
        """Every path that the job writes, its record apart."""
        return list(paths_in(self.writes))

    @property
    def function(self) -> Callable[["Job"], Any]:
        """The function that does the job."""
        module, _, name = self.run.partition(":")
        function: Callable[[Job], Any] = getattr(import_module(module), name)
        return function

    @property
    def at_once(self) -> Callable[[list["Job"]], Iterator[tuple["Job", Any]]] | None:
        """The function that does several jobs of its kind at once, and yields each that is done, with what it ran on.

        The module of the job's function may name it: AT_ONCE, by the function's name.
        """
        function: Callable[[list[Job]], Iterator[tuple[Job, Any]]] | None = self._said("AT_ONCE")
        return function

    @property
    def in_shards(self) -> Callable[[list["Job"], int, int], None] | None:
        """The function that does a part of several jobs of its kind: that of a number, from 1 on, of so many parts.

        What it leaves, who does the jobs finds. The module of the job's function may name it: IN_SHARDS, by the
        function's name.
        """
        function: Callable[[list[Job], int, int], None] | None = self._said("IN_SHARDS")
        return function

    @property
    def less_memory(self) -> str:
        """What a person may do where the job needs more memory than there is.

        The module of the job's function may name the knobs that bound its memory: NEEDS_MEMORY, by the function's name.
        """
        knobs = self._said("NEEDS_MEMORY")
        return f"lower {knobs}, or {FEWER}" if knobs else FEWER

    def read_mb(self, *roles: str) -> float:
        """Return how large the files are, in MB, that the job reads in these roles, as far as they are here already."""
        files = (path for role in roles for path in paths_in(self.reads[role]) if path.is_file())
        return sum(path.stat().st_size for path in files) / 1e6

    @property
    def memory_mb(self) -> int:
        """How much memory the job needs, in MB, which may follow from the sizes of what it reads.

        The module of the job's function may say it: MEMORY_MB, a number or a function of the job, by the function's
        name.
        """
        needed: float | Callable[[Job], float] = self._said("MEMORY_MB", USUAL_MB)
        return round(needed(self) if callable(needed) else needed)

    def do(self) -> Mapping[str, Any]:
        """Do the job. Return what it ran on, such as its device, for the record."""
        return self.function(self) or {}

    def _said(self, table: str, otherwise: Any = None) -> Any:
        """Return what the module of the job's function says of it in a table by the function's name."""
        module, _, name = self.run.partition(":")
        return getattr(import_module(module), table, {}).get(name, otherwise)


def reference(function: Callable[[Job], Any]) -> str:
    """Return a function of a module as <module>:<name>, the form of `Job.run`."""
    return f"{function.__module__}:{function.__qualname__}"


def by_process(jobs: Iterable[Job]) -> dict[str, list[Job]]:
    """Return the jobs that each process does, by its name, in the order in which they are given."""
    processes: dict[str, list[Job]] = {}
    for job in jobs:
        processes.setdefault(job.done_by, []).append(job)
    return processes


def plain(paths: Any) -> Any:
    """Return paths, alone, in lists or in mappings, as POSIX texts, and anything else in plain JSON."""
    if isinstance(paths, Mapping):
        return {str(key): plain(value) for key, value in paths.items()}
    if isinstance(paths, list | tuple):
        return [plain(value) for value in paths]
    return paths.as_posix() if isinstance(paths, Path) else json.loads(json.dumps(paths))


def paths_in(entry: Any) -> Iterator[Path]:
    """Return every path of one role of a job: alone, in a list, or in a mapping."""
    if isinstance(entry, Mapping):
        entry = list(entry.values())
    if isinstance(entry, list | tuple):
        for part in entry:
            yield from paths_in(part)
    else:
        yield Path(entry)
