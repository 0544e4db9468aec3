"""The command line: one verb a rule. Imports what a verb needs only when that verb is called."""

import logging
import sys
from pathlib import Path

import click

from simaudit.cli import parameters, report, results, targets
from simaudit.cli.options import FILE
from simaudit.errors import SimauditError

log = logging.getLogger("simaudit")
EXIT_REFUSED = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="simaudit")
@click.option("--log", "log_file", type=FILE, help="Also write what is said to this file.")
def simaudit(log_file: Path | None) -> None:
    """How much does a diffusion model leak about its training set?

    Snakemake calls these verbs, one a rule. `snakemake --cores all` runs them all.
    """
    if log_file:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        log.addHandler(logging.FileHandler(log_file, mode="w"))
    if not (log_file and sys.stderr.isatty()):  # there, the progress bar says it better
        log.addHandler(logging.StreamHandler())
    log.setLevel(logging.INFO)


for _module in (parameters, targets, results, report):
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
