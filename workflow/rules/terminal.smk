# What the terminal shows while jobs run, and when they have ended. All that Snakemake says is in .snakemake/log;
# `snakemake --printshellcmds` shows it on the terminal, too.
from snakemake.logging import logger

from simaudit.machine.progress import SHARED_TERMINAL, VERDICT_FOLLOWS
from simaudit.report.terminal.forecast import Forecast, Planned
from simaudit.report.terminal.jobs import take_the_place_of_snakemake


def forecast():
    """The jobs of this run, each with the time that it took in the last one."""
    jobs = [job for job in workflow.dag.needrun_jobs(exclude_finished=False) if job.log]
    return Forecast(
        {job.jobid: Planned.of(Path(job.log[0]), job.threads) for job in jobs},
        workflow.cores if workflow.local_exec else None,
    )


JOB_LINES = None
if workflow.is_main_process:
    if workflow.resource_settings.cores != 1:
        os.environ[SHARED_TERMINAL] = "1"
    if not workflow.output_settings.printshellcmds:
        JOB_LINES = take_the_place_of_snakemake(logger, forecast, workflow.output_settings.dryrun)


onsuccess:
    if VERDICT_FOLLOWS not in os.environ and any(
        job.rule.name == "report" for job in workflow.dag.needrun_jobs(exclude_finished=False)
    ):
        from simaudit.report.outcome import run_lines

        logger.info("\n".join(run_lines()))


onerror:
    if JOB_LINES:
        logger.info(JOB_LINES.failures())
