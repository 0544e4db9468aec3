"""Between the two engines: what one has made, told to the other, so that neither does it again.

Each keeps its own account: Snakemake of what it ran, under .snakemake/, DVC of what there was, in dvc.lock. A fresh
clone has only the second, a direct Snakemake run writes only the first.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from simaudit.provenance import checks
from simaudit.provenance.records import Record, records_in
from simaudit.provenance.stamps import Stamp
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import Job

UNKNOWN = re.compile(r"missing (?:provenance/)?metadata", re.IGNORECASE)
ACCOUNT = Path(".snakemake/metadata")
"""Where Snakemake keeps its account of what it ran."""
DVC_STAGE = "DVC_STAGE"
"""The variable of the environment in which DVC gives a stage's command its name."""


def restore() -> None:
    """After `git clone` and `dvc pull`: tell Snakemake that everything is there.

    Raises SimauditError when DVC does not vouch for it.
    """
    changed = _status()
    if changed:
        raise SimauditError(
            f"dvc status: {len(changed)} stages differ from dvc.lock, first {changed[0]}; get their files with "
            "`dvc pull`, or make them with `dvc repro`"
        )
    _run("snakemake", "--cores", "1", "--touch", "--forceall")
    _require_nothing_due("after restoring")


def adopt(jobs_of: checks.JobsOf) -> None:
    """After a direct `snakemake` run: tell DVC that what is there is what it should be.

    Raises SimauditError when Snakemake has something left to do, or does not know how a file was made, and when
    `simaudit verify --all` finds anything, `dvc.lock` apart.
    """
    _require_nothing_due("before it can be adopted")
    records, damage = records_in()
    found = [str(error) for error in damage.values()]
    for _, disagreements in checks.to_the_end(checks.everything(records, jobs_of, with_dvc=False)):
        found += map(str, disagreements)
    if found:
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise SimauditError(f"{found[0]}{more}; simaudit verify --all says each, and how to make it again")
    _run("dvc", "commit", "--force")


def require_an_account(jobs: Iterable[Job]) -> None:
    """Require that Snakemake can tell which of these jobs have other parameters or code than when they were done.

    Without an account of its own it would take the files of any for what is asked for. Raises SimauditError then.
    Where DVC runs it, as `dvc exp run --temp` does in a folder that has none, DVC has the account: it deletes what a
    stage is to make anew, or has its process forced.
    """
    if DVC_STAGE in os.environ or any(ACCOUNT.glob("*")) or not paths.RECORDS.exists():
        return
    stamps = (Stamp.of(job) for job in jobs if paths.record(job.name).exists())
    other = [stamp.job.name for stamp in stamps if not Record.read(paths.record(stamp.job.name)).is_by(stamp)]
    if other:
        raise SimauditError(
            f"{ACCOUNT}: empty, and {len(other)} jobs were done by other parameters or code, first {other[0]}; go back "
            "to those and run `simaudit restore`, or delete results/records to have every job done again"
        )


def _require_nothing_due(when: str) -> None:
    said = _run("snakemake", "--cores", "1", "--dry-run", "--printshellcmds")
    if UNKNOWN.search(said):
        raise SimauditError(
            f"snakemake -n: {when}, it does not know how some files were made; run: snakemake --cores all"
        )
    if "Nothing to be done" not in said:
        jobs = re.findall(r"^(?:local)?rule ([\w-]+):", said, flags=re.MULTILINE)
        raise SimauditError(
            f"snakemake -n: {when}, {len(jobs)} jobs are left ({', '.join(dict.fromkeys(jobs))}); run: "
            "snakemake --cores all"
        )


def _status() -> list[str]:
    """Return the stages that DVC finds changed."""
    return list(json.loads(_run("dvc", "status", "--json") or "{}"))


def _run(*command: str) -> str:
    """Return what a command prints. Raises SimauditError with its last line when it fails."""
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise SimauditError(f"{' '.join(command)}: {lines[-1] if lines else 'failed'}")
    return done.stdout if command[0] == "dvc" else done.stdout + done.stderr
