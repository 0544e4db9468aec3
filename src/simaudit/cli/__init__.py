"""The command line: parses, and calls. Imports what a subcommand needs only when it is called."""

import logging
import sys
from typing import Any

import click

from simaudit.cli import audit, compare, convert, parameters, pipeline, read, scores, share
from simaudit.machine.progress import Progress, log
from simaudit.storage.faults import fault
from simaudit.vocabulary.errors import SimauditError, is_out_of_memory

EXIT_REFUSED = 2
EXIT_STOPPED = 130  # as of a program that Ctrl-C ended


class Sections(click.Group):
    """A group whose help lists its subcommands in sections, by what a person wants to do."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.sections: dict[str, list[str]] = {}

    def add_section(self, title: str, *commands: click.Command) -> None:
        """Add subcommands under a heading."""
        self.sections[title] = [str(command.name) for command in commands]
        for command in commands:
            self.add_command(command)

    def invoke(self, context: click.Context) -> Any:
        """Call the subcommand. What the machine lacks becomes one line here, before click takes EOFError for Ctrl-C."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            log.error("%s: stopped", Progress.job or context.info_name)
            sys.exit(EXIT_STOPPED)
        except EOFError as error:
            raise RuntimeError("a file ended too early") from error
        except Exception as error:
            if is_out_of_memory(error):
                raise SimauditError("not enough memory; end other programs, or use another machine") from None
            if line := fault(error):
                raise line from None
            raise

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(200)) for name in names])


@click.group(cls=Sections, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="simaudit")
def simaudit() -> None:
    """How much does a diffusion model leak about its training set?

    `snakemake --cores all` makes everything that params.yaml asks for.
    """
    if not log.handlers:
        terminal = logging.StreamHandler()
        terminal.setLevel(logging.INFO)
        log.addHandler(terminal)
    log.setLevel(logging.DEBUG)  # a job's log file has it all
    logging.raiseExceptions = False  # where a full disk takes no log, the terminal still shows the one line


simaudit.add_section("Audit a model", audit.example, audit.audit, scores.evaluate_scores, convert.convert)
simaudit.add_section(
    "Read results", read.figure, read.figures, read.trace, read.verify, compare.diff, read.crate
)
simaudit.add_section("Share results", share.adopt, share.restore)
simaudit.add_section("Configure", parameters.params, parameters.schema, parameters.stamps)
simaudit.add_section("Pipeline steps (Snakemake calls this)", pipeline.run)


def main() -> None:
    """Run the command line.

    A SimauditError is one line and exit code 2, and so is a full disk, a missing permission, and too little memory.
    Ctrl-C is one line and exit code 130. Anything else is a bug, with exit code 1: a job has the traceback in its log,
    other subcommands print it.
    """
    try:
        simaudit.main(standalone_mode=False)
    except SimauditError as error:
        log.error(str(error))
        sys.exit(EXIT_REFUSED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
