"""Doing the jobs of a process such that the record and the run log of each are left beside what it makes."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from simaudit.machine.progress import log
from simaudit.provenance.records import Record, write_record
from simaudit.provenance.runlog import RunLog
from simaudit.provenance.stamps import Stamp
from simaudit.storage.hashes import hashes
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import Job

STARTS, IS_DONE = "starts", "is done"
"""What the log of a process says of each of its jobs."""


def turns(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Yield the jobs of a process that are to be done: several where one function does them at once, otherwise one.

    A job that has been done as it is asked for is left out; whether it has is looked up when its turn comes. A process
    of one job does it in any case.
    """
    if len(jobs) == 1:
        yield list(jobs)
        return
    for together in _together(jobs):
        if due := [job for job in together if not is_done(job)]:
            yield due


def _together(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Yield neighbours that one function does at once, and any other job alone."""
    for _, neighbours in groupby(enumerate(jobs), lambda pair: pair[1].run if pair[1].at_once else pair[0]):
        yield [job for _, job in neighbours]


def do(jobs: Sequence[Job]) -> None:
    """Do jobs that were read from their stamps, and write the record and the run log of each when it is done.

    The run logs of jobs that are done at once overlap. Raises whatever a job raises, and SimauditError when a stamp
    changed meanwhile.
    """
    runlog, at_once = RunLog(), jobs[0].at_once
    for job in jobs:
        log.debug("%s: %s", job.name, STARTS)
    for job, used in at_once(list(jobs)) if at_once else ((job, job.do()) for job in jobs):
        write_record(job, ["simaudit", "run", job.name], used)
        runlog.write(paths.log(job.name))
        log.debug("%s: %s", job.name, IS_DONE)


def do_shard(jobs: Sequence[Job], shard: int, shards: int) -> None:
    """Do one of so many parts of jobs that were read from their stamps; no part of jobs that are not done in parts."""
    if in_shards := jobs[0].in_shards:
        in_shards(list(jobs), shard, shards)


def is_done(job: Job) -> bool:
    """Return whether a job was done by its stamp, of the files that are here, and what it made is here unchanged."""
    try:
        record = Record.read(paths.record(job.name))
        made = hashes(job.outputs)
        return (
            record.is_by(Stamp.read(paths.stamp(job.name)))
            and record.inputs == hashes([paths.stamp(job.name), *job.inputs])
            and record.outputs == {path: record.outputs.get(path) and digest for path, digest in made.items()}
        )
    except (SimauditError, FileNotFoundError):
        return False
