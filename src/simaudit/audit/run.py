"""An audit from its question to its exit code: what is known, the run by Snakemake, and the verdict."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from simaudit.audit import folder
from simaudit.audit.question import Question
from simaudit.machine.locks import only_one, require_no_other
from simaudit.machine.progress import VERDICT_FOLLOWS
from simaudit.report.terminal.failure import exit_codes
from simaudit.vocabulary.paths import PARAMS

PASSED, REFUSED, ABOVE = 0, 2, 3
LOCK = Path(".simaudit/audit.lock")
PATIENCE = 10  # seconds that Snakemake has to notice Ctrl-C by itself


def audit(
    question: Question,
    output: Path,
    cores: int | None = None,
    fail_above: Sequence[str] = (),
    dry_run: bool = False,
    say: Callable[[str], None] = print,
) -> int:
    """Answer a question in the folder `output`, and return the exit code; `say` gets each line for the owner.

    The code is PASSED; ABOVE where a metric is above its limit in `fail_above`; that of Snakemake where it fails, which
    is REFUSED where a job was refused. A dry run ends before anything is written. Raises SimauditError, with a line for
    each mistake, where the question cannot be answered.
    """
    from simaudit.audit import plan, screen
    from simaudit.audit.preflight import examine
    from simaudit.audit.result import Limit, Result

    output = output.resolve()
    limits = [Limit.of(text) for text in fail_above]
    folder.require_usable(output, question)
    busy = f"--output {output}: another audit is running in this folder; wait until it has ended, or name another"
    require_no_other(output, busy)
    facts = examine(question)
    for line in screen.lines(facts, output, cores or _cores()):
        say(line)
    if dry_run:
        return PASSED
    with only_one(output / LOCK, busy):
        folder.write(output, plan.text(dict(facts.values)), facts.lists)
        say("")
        if code := run_workflow(output, cores):
            return code
        say("")
        is_above = Result(output, question.name).conclude(limits, "file", say)
    say(f"Again:  {output / PARAMS}   (cd there; snakemake --cores all)")
    return ABOVE if is_above else PASSED


def _cores() -> int:
    """Return how many cores this process may use; some systems, such as macOS, do not limit it to some of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_workflow(output: Path, cores: int | None = None) -> int:
    """Run Snakemake in the folder of an audit, on all cores if not said, and return its exit code.

    It is REFUSED where all jobs that failed were refused, in one line that tells what to do.
    """
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores or "all")]
    environment = {**os.environ, VERDICT_FOLLOWS: "1"}
    with subprocess.Popen(command, cwd=output, env=environment) as process:

        def pass_on(number: int, _: FrameType | None) -> None:
            process.send_signal(number)

        before = signal.signal(signal.SIGTERM, pass_on)
        try:
            code = process.wait()
        except KeyboardInterrupt:  # which the terminal has sent to Snakemake, too
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.terminate()
            raise
        finally:
            signal.signal(signal.SIGTERM, before)
    return REFUSED if code and _was_refused(output) else code


def _was_refused(output: Path) -> bool:
    """Return whether every job that failed in the last run was refused; of each, Snakemake's log alone says it."""
    logs = sorted((output / ".snakemake/log").glob("*.log"), key=lambda log: log.stat().st_mtime)
    text = logs[-1].read_text(encoding="utf-8", errors="replace") if logs else ""
    return set(exit_codes(text)) == {REFUSED}
