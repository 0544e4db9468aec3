"""What keeps two Snakemakes from working in one folder, and lets one go on where another was killed."""

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from simaudit.storage.faults import writing
from simaudit.vocabulary.errors import SimauditError

ALIVE = Path(".snakemake/alive")
JOB_PREFIX = "simaudit_"  # slurm-jobname-prefix in profiles/slurm
UNFINISHED = "PENDING,CONFIGURING,RUNNING,SUSPENDED,STOPPED,COMPLETING,REQUEUED"


def slurm_jobs_here() -> list[str]:
    """Return the ids of the Slurm jobs that a Snakemake in this folder has submitted and that have not ended."""
    if not shutil.which("squeue"):
        return []
    query = ["squeue", "--me", "--noheader", f"--states={UNFINISHED}", "--format=%A|%j|%Z"]
    lines = subprocess.run(query, capture_output=True, text=True).stdout.splitlines()
    jobs = [line.split("|", 2) for line in lines]
    here = str(Path.cwd())
    return sorted({number for number, name, folder in jobs if name.startswith(JOB_PREFIX) and folder == here})


def release_stale_locks() -> tuple[IO[str], bool]:
    """Remove the locks of a Snakemake that was killed in this folder, so that the next one simply resumes.

    Every Snakemake here holds a shared lock that the system drops when it ends: a process that gets the lock alone is
    the only one. Jobs on a cluster outlive their Snakemake, and nothing may start beside them: both would write the
    same files.
    Return the lock, to be held as long as Snakemake runs, and whether this process is the only one. Raise SimauditError
    when there are such jobs.
    """
    ALIVE.parent.mkdir(exist_ok=True)
    handle = ALIVE.open("a+")  # NFS wants a file that can be written and read
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:  # another one is running: its locks hold, and Snakemake says so
        fcntl.flock(handle, fcntl.LOCK_SH)
        return handle, False
    except OSError:  # a file system without such locks: stale ones stay until snakemake --unlock
        return handle, True
    if left := slurm_jobs_here():
        raise SimauditError(
            f"Slurm jobs of a killed Snakemake are still in this folder: {' '.join(left)}; wait until they have ended, "
            f"which keeps their work, or end them with: scancel {' '.join(left)}"
        )
    for lock in Path(".snakemake/locks").glob("*.lock"):
        lock.unlink()
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle, True


def require_no_other(folder: Path = Path(), refusal: str | None = None) -> None:
    """Raise SimauditError, with `refusal` if given, when a Snakemake is running in a folder.

    What its jobs read must not change.
    """
    file = folder / ALIVE
    if not file.exists():
        return
    with file.open("a+") as handle:
        _alone(handle, refusal or f"{file}: a Snakemake is running in this folder; wait until it has ended")


@contextmanager
def only_one(file: Path, refusal: str) -> Iterator[None]:
    """Hold the lock of a file, which is made if need be. Raises SimauditError with `refusal` where another holds it."""
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = file.open("a+")
    with handle:
        _alone(handle, refusal)
        yield


def _alone(handle: IO[str], refusal: str) -> None:
    """Lock a file alone, as long as it is open; a file system without such locks lets everybody."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SimauditError(refusal) from None
    except OSError:
        pass
