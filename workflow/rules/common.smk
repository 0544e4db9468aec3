# What the rules share: the jobs that the parameters ask for, and look-ups of what they read and write.
import os
import sys
from pathlib import Path

SOURCE = Path(workflow.basedir) / "src"
if (
    SOURCE.is_dir() and str(SOURCE) not in sys.path
):  # this clone's own code, wherever the package was installed from
    sys.path.insert(0, str(SOURCE))

from simaudit.machine.locks import release_stale_locks
from simaudit.plan import dvc
from simaudit.plan.jobs import jobs
from simaudit.plan.load import load
from simaudit.provenance import stamps
from simaudit.storage.faults import fault, require_writable
from simaudit.targets.family import family_modules, family_type
from simaudit.targets.jobs import target_files
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import paths_in

# Jobs run in the environment that Snakemake itself runs in, activated or not.
shell.prefix(f'export PATH="{Path(sys.executable).parent}:$PATH" PYTHONPATH="{SOURCE}:$PYTHONPATH"; ')


def refuse(error):
    """One line and exit code 2, before any job starts."""
    print(error, file=sys.stderr)
    sys.exit(2)


try:
    FILES = [Path(workflow.basedir) / "params.yaml", *workflow.config_settings.configfiles]
    PARAMS = load([Path(os.path.relpath(file)) for file in FILES], dict(workflow.config_settings.config))
    JOBS = {job.name: job for job in jobs(PARAMS)}
    if workflow.is_main_process:
        LOCK, IS_ALONE = release_stale_locks()
        if IS_ALONE:
            stamps.write(JOBS.values())
            is_default = not FILES[1:] and not workflow.config_settings.config
            if is_default and Path.cwd() == Path(workflow.basedir):
                dvc.refresh(PARAMS)
except SimauditError as error:
    refuse(error)
except OSError as error:  # of a file that the workflow itself reads or writes
    refuse(fault(error) or error)


onstart:
    try:
        due = workflow.dag.needrun_jobs()
        require_writable(Path(file) for job in due for file in (*job.output, *job.log))
    except SimauditError as error:
        refuse(error)


FOLDERS = ["run", *PARAMS.audits]  # of results/figures/


def texts(paths):
    return [path.as_posix() for path in paths]


def job_of(name, wildcards):
    """The job with that name, such as score/{audit}/{attack}."""
    return JOBS[name.format(**wildcards)]


def reads(name, *roles):
    """An input function: the files that jobs of that name read in these roles, a target's folder as its files."""

    def files(wildcards):
        job = job_of(name, wildcards)
        wanted = paths_in([job.reads[role] for role in roles if role in job.reads])
        return [file for path in wanted for file in files_of.get(path, [path.as_posix()])]

    return files


def threads(name):
    """A function for `threads:` of jobs of that name."""
    return lambda wildcards: job_of(name, wildcards).speed.get("threads", 1)


def gpu(name):
    """How many GPUs jobs of that name ask a cluster for. `auto` asks for none: it takes what it finds where it runs."""
    return lambda wildcards: int(str(job_of(name, wildcards).speed.get("device")).startswith("cuda"))


def written(prefix):
    """Every file that jobs write whose names begin so."""
    return [file for name, job in JOBS.items() if name.startswith(prefix) for file in texts(job.outputs)]


def figures_of(of):
    """The files of the figures of an audit, or of the run."""
    return written(f"figure/{of}/")


def scores_of(audit):
    """The scores of an audit's attacks, and what they cost."""
    return written(f"score/{audit}/")


files_of = {
    JOBS[f"train/{name}"].output("target"): texts(target_files(name, target))
    for name, target in PARAMS.targets.items()
}


def any_of(names):
    """A wildcard's pattern: one of these names, or nothing at all."""
    return "|".join(names) or "(?!)"


wildcard_constraints:
    dataset=r"[a-z0-9_-]+",
    split=r"[a-z0-9_-]+",
    target=r"[a-z0-9_-]+",
    audit=r"[a-z0-9_-]+",
    attack=r"[a-z0-9_-]+",
    epoch=r"[0-9]+",
    figure=r"[a-z0-9_-]+",
