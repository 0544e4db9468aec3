"""Between the two engines: what one has made, told to the other, so that neither does it again.

Each keeps its own account: Snakemake of what it ran, under .snakemake/, DVC of what there was, in dvc.lock. A fresh
clone has only the second, a direct Snakemake run writes only the first.
"""

import json
import re
import subprocess
import sys

from simaudit.vocabulary.errors import SimauditError

UNKNOWN = re.compile(r"missing (?:provenance/)?metadata", re.IGNORECASE)


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


def adopt() -> None:
    """After a direct `snakemake` run: tell DVC that what is there is what it should be.

    Raises SimauditError when Snakemake has something left to do, or does not know how a file was made.
    """
    _require_nothing_due("before it can be adopted")
    _run("dvc", "commit", "--force")


def _require_nothing_due(when: str) -> None:
    said = _run("snakemake", "--cores", "1", "--dry-run", "--printshellcmds")
    if UNKNOWN.search(said):
        raise SimauditError(
            f"snakemake -n: {when}, it does not know how some files were made; run: snakemake --cores all"
        )
    if "Nothing to be done" not in said:
        jobs = re.findall(r"^(?:local)?rule (\w+):", said, flags=re.MULTILINE)
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
