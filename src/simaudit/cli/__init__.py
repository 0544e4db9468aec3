"""The command line: one verb a rule. Imports what a verb needs only when that verb is called."""

import logging
import sys
from pathlib import Path
from typing import Any

import click

from simaudit.cli import parameters, provenance, report, results, targets
from simaudit.cli.options import FILE
from simaudit.machine.progress import Progress, log
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.paths import job_of

EXIT_REFUSED = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="simaudit")
@click.option("--log", "log_file", type=FILE, help="Also write what is said to this file.")
@click.option("--record", type=FILE, help="Where the record of the job goes; Snakemake gives it, with:")
@click.option("--inputs", default="", help="The files that the job reads, separated by spaces.")
@click.option("--outputs", default="", help="The files that it makes.")
@click.pass_context
def simaudit(
    context: click.Context, /, log_file: Path | None, record: Path | None, inputs: str, outputs: str
) -> None:
    """How much does a diffusion model leak about its training set?

    Snakemake calls these verbs, one a rule. `snakemake --cores all` runs them all.
    """
    if log_file:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        log.addHandler(logging.FileHandler(log_file, mode="w"))
        Progress.job = job_of(log_file)
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.INFO)
    log.addHandler(terminal)
    log.setLevel(logging.DEBUG)  # the log file has it all
    if record:
        from simaudit.provenance.runlog import RunLog

        context.obj = RunLog()


@simaudit.result_callback()
@click.pass_context
def _when_done(
    context: click.Context, /, _: Any, log_file: Path | None, record: Path | None, inputs: str, outputs: str
) -> None:
    """Write the job's record, and beside its log when and where it ran."""
    if not record:
        return
    from simaudit.provenance.recording import write_record

    verb = sys.argv[sys.argv.index(str(context.invoked_subcommand)) :]
    write_record(record, ["simaudit", *verb], *(map(Path, names.split()) for names in (inputs, outputs)))
    if log_file:
        context.obj.write(log_file)


for _module in (parameters, targets, results, report, provenance):
    for _verb in vars(_module).values():
        if isinstance(_verb, click.Command):
            simaudit.add_command(_verb)


def main() -> None:
    """Run the command line. A SimauditError is one line and exit code 2; anything else is a bug with its traceback."""
    try:
        simaudit.main(standalone_mode=False)
    except SimauditError as error:
        log.error(str(error))
        sys.exit(EXIT_REFUSED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
