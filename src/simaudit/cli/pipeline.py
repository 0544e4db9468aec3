"""The subcommand that Snakemake calls: do one job, and leave its log, its record and its run log."""

import logging
import sys
from dataclasses import replace

import click

from simaudit.machine.progress import Progress, log
from simaudit.vocabulary.errors import EntryError, SimauditError, is_out_of_memory

EXIT_BUG = 1


@click.command()
@click.argument("job")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; those of the parameters if not given.")
def run(job: str, threads: int | None) -> None:
    """Do one job, such as score/digits-ddpm/sima, as its stamp under results/params/ describes it."""
    from simaudit.provenance.asked import asked_by
    from simaudit.provenance.doing import do
    from simaudit.provenance.inputs import require_as_given, require_as_made
    from simaudit.provenance.runlog import RunLog
    from simaudit.provenance.stamps import read_job
    from simaudit.storage.faults import fault, writing
    from simaudit.vocabulary import paths

    runlog, work = RunLog(), read_job(job)
    file = paths.log(job)
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        log.addHandler(logging.FileHandler(file, mode="w"))
    Progress.job = paths.title_of(file)
    if threads and "threads" in work.speed:
        work = replace(work, speed={**work.speed, "threads": threads})
    require_as_made(work)
    require_as_given(work.name)
    try:
        do(work, runlog)
    except EntryError as error:
        from simaudit.plan.load import located

        raise located(error, *asked_by()) from None
    except SimauditError:
        raise  # its line goes into the log where it is printed
    except Exception as error:
        log.debug("%s", job, exc_info=True)
        if is_out_of_memory(error):
            raise SimauditError(f"{job}: not enough memory; {work.less_memory}") from None
        if line := fault(error):
            raise line from None
        why = " ".join(f"{type(error).__name__}: {error}".split())
        log.error("%s: %s; this is a bug: please report it, with the traceback in %s", job, why, file)
        sys.exit(EXIT_BUG)
