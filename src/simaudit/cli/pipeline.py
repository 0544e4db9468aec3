"""The subcommand that Snakemake calls: do one job, and leave its log, its record and its run log."""

import logging
from dataclasses import replace

import click

from simaudit.machine.progress import Progress, log
from simaudit.vocabulary.errors import SimauditError


@click.command()
@click.argument("job")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; those of the parameters if not given.")
def run(job: str, threads: int | None) -> None:
    """Do one job, such as score/digits-ddpm/sima, as its stamp under results/params/ describes it."""
    from simaudit.provenance.inputs import require_as_made
    from simaudit.provenance.records import write_record
    from simaudit.provenance.runlog import RunLog
    from simaudit.provenance.stamps import read_job
    from simaudit.vocabulary import paths

    runlog, work = RunLog(), read_job(job)
    file = paths.log(job)
    file.parent.mkdir(parents=True, exist_ok=True)
    log.addHandler(logging.FileHandler(file, mode="w"))
    Progress.job = paths.title_of(file)
    if threads and "threads" in work.speed:
        work = replace(work, speed={**work.speed, "threads": threads})
    require_as_made(work)
    try:
        used = work.do()
    except SimauditError:
        raise  # its line goes into the log where it is printed
    except Exception as error:
        log.debug("%s: %s", type(error).__name__, error, exc_info=True)
        raise
    write_record(work, ["simaudit", "run", job], used)
    runlog.write(file)
