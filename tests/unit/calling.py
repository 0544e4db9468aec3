"""Subcommands called as a shell calls them, and what a refusal looks like there."""

import subprocess
import sys
from pathlib import Path

from simaudit.provenance import stamps

SIMAUDIT = str(Path(sys.executable).with_name("simaudit"))


def call(*arguments, cwd, before=(), **how):
    """Run `simaudit` with these arguments; `before` is a command that calls it, `how` is for subprocess.run."""
    command = [*before, SIMAUDIT, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, **how)


def run(job, **how):
    """`simaudit run` of a job that is declared here, in this folder."""
    stamps.write([job])
    return call("run", job.name, cwd=Path.cwd(), **how)


def assert_refused(done, *words):
    """Require one line with these words, and exit code 2."""
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr
