"""The subcommand that Snakemake calls: do the jobs of a process, and leave log, records and run logs."""

import logging
import sys
from dataclasses import replace

import click

from simaudit.machine.progress import Progress, log
from simaudit.vocabulary.errors import EntryError, SimauditError, is_out_of_memory
from simaudit.vocabulary.job import Job

EXIT_BUG = 1


@click.command()
@click.argument("name")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; those of the parameters if not given.")
@click.option(
    "--shard", type=click.IntRange(1), help="Do this part of the scoring alone, and keep it for who does all."
)
@click.option(
    "--shards", type=click.IntRange(1), default=1, show_default=True, help="How many parts there are."
)
def run(name: str, threads: int | None, shard: int | None, shards: int) -> None:
    """Do one job, such as evaluate/digits-ddpm, as its stamp under results/params/ describes it.

    The name may also be that of a process that does several jobs, such as score/digits-ddpm: those of them are done
    that have not been done as they are asked for.
    """
    from simaudit.provenance.asked import asked_by
    from simaudit.provenance.doing import do, do_shard, turns
    from simaudit.provenance.inputs import require_as_given, require_as_made
    from simaudit.provenance.runlog import RunLog
    from simaudit.provenance.stamps import read_jobs
    from simaudit.storage.faults import fault, writing
    from simaudit.storage.json import write_json
    from simaudit.vocabulary import paths

    if (shard or 1) > shards:
        raise SimauditError(f"--shard {shard}: there are {shards}, see --shards")
    runlog, jobs = RunLog(), read_jobs(name)
    file = paths.log(f"shard/{name}/{shard}" if shard else name)
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        log.addHandler(logging.FileHandler(file, mode="w"))
    if threads:
        jobs = [_with_threads(job, threads) for job in jobs]
    require_as_made(jobs)
    require_as_given(jobs)
    for due in turns(jobs):
        at_work = due[0].name if len(due) == 1 else name
        Progress.job = paths.title(at_work)
        try:
            if shard:
                do_shard(due, shard, shards)
            else:
                do(due)
        except EntryError as error:
            from simaudit.plan.load import located

            raise located(error, *asked_by()) from None
        except SimauditError:
            raise  # its line goes into the log where it is printed
        except Exception as error:
            log.debug("%s", at_work, exc_info=True)
            if is_out_of_memory(error):
                raise SimauditError(f"{at_work}: not enough memory; {due[0].less_memory}") from None
            if line := fault(error):
                raise line from None
            why = " ".join(f"{type(error).__name__}: {error}".split())
            log.error("%s: %s; this is a bug: please report it, with the traceback in %s", at_work, why, file)
            sys.exit(EXIT_BUG)
    if shard:
        write_json(paths.shard(name, shard), {"shard": shard, "shards": shards})
    runlog.write(file)


def _with_threads(job: Job, threads: int) -> Job:
    return replace(job, speed={**job.speed, "threads": threads}) if "threads" in job.speed else job
