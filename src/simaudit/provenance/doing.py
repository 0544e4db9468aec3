"""Doing a job such that its record and its run log are left beside what it makes."""

from simaudit.provenance.records import write_record
from simaudit.provenance.runlog import RunLog
from simaudit.vocabulary import paths
from simaudit.vocabulary.job import Job


def do(job: Job, runlog: RunLog) -> None:
    """Do a job that was read from its stamp, and write its record and its run log.

    Raises whatever the job raises, and SimauditError when its stamp changed meanwhile.
    """
    used = job.do()
    write_record(job, ["simaudit", "run", job.name], used)
    runlog.write(paths.log(job.name))
