# What the rules share: the jobs that the parameters ask for, and look-ups of what they read and write.
import os
import sys
from functools import cache
from itertools import chain
from pathlib import Path

SOURCE = Path(workflow.basedir) / "src"
if (
    SOURCE.is_dir() and str(SOURCE) not in sys.path
):  # this clone's own code, wherever the package was installed from
    sys.path.insert(0, str(SOURCE))

from simaudit.attacks.derived_attack import DerivedAttack
from simaudit.machine.locks import release_stale_locks
from simaudit.plan import dvc
from simaudit.plan.jobs import jobs
from simaudit.plan.load import load
from simaudit.provenance import handover, stamps
from simaudit.provenance.asked import remember
from simaudit.storage.faults import fault, require_writable
from simaudit.targets.family import family_modules, family_type
from simaudit.targets.jobs import target_files
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import paths_in
from simaudit.vocabulary.paths import record

# Jobs run in the environment that Snakemake itself runs in, activated or not.
OWN_CODE = f' PYTHONPATH="{SOURCE}:$PYTHONPATH"' if SOURCE.is_dir() else ""
shell.prefix(f'export PATH="{Path(sys.executable).parent}:$PATH"{OWN_CODE}; ')


def refuse(error):
    """One line and exit code 2, before any job starts."""
    print(error, file=sys.stderr)
    sys.exit(2)


FILES = [Path(workflow.basedir) / "params.yaml", *workflow.config_settings.configfiles]
FILES, GIVEN = [Path(os.path.relpath(file)) for file in FILES], dict(workflow.config_settings.config)
IS_ALONE = True
try:
    PARAMS = load(FILES, GIVEN)
    JOBS = {job.name: job for job in jobs(PARAMS)}
    if workflow.is_main_process:
        handover.require_an_account(JOBS.values())
        if not workflow.output_settings.dryrun:
            LOCK, IS_ALONE = release_stale_locks()
except SimauditError as error:
    refuse(error)
except OSError as error:  # of a file that the workflow itself reads or writes
    refuse(fault(error) or error)


# Snakemake comes here when there are jobs to do and it has locked their files; a dry run never does.
onstart:
    try:
        due = workflow.dag.needrun_jobs()
        require_writable(Path(file) for job in due for file in (*job.output, *job.log))
        if IS_ALONE:
            stamps.write(JOBS.values())
            remember(FILES, GIVEN)
            if not FILES[1:] and not GIVEN and Path.cwd() == Path(workflow.basedir):
                dvc.refresh(PARAMS)
        else:
            stamps.require(JOBS.values())
    except SimauditError as error:
        refuse(error)
    except OSError as error:
        refuse(fault(error) or error)


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


@cache
def identity(name):
    """The hash of the stamp that a job has by the parameters and the code that are here."""
    return stamps.Stamp.of(JOBS[name]).identity


def stamp(name):
    """A function for `params:` of jobs of that name: Snakemake runs a job again when its stamp changes."""
    return lambda wildcards: identity(name.format(**wildcards))


def threads(name):
    """A function for `threads:` of jobs of that name."""
    return lambda wildcards: job_of(name, wildcards).speed.get("threads", 1)


def memory(name):
    """A function for `mem_mb:` of jobs of that name. Snakemake asks it again when the job's inputs are there."""
    return lambda wildcards: job_of(name, wildcards).memory_mb


def gpu(name):
    """How many GPUs jobs of that name ask a cluster for. `auto` asks for none: it takes what it finds where it runs."""
    return lambda wildcards: int(str(job_of(name, wildcards).speed.get("device")).startswith("cuda"))


def written(prefix):
    """Every file that jobs write whose names begin so, their records too, and a target's folder as its files."""
    made = [name for name in JOBS if name.startswith(prefix)]
    files = [files_of.get(path, [path.as_posix()]) for name in made for path in JOBS[name].outputs]
    return [*chain(*files), *texts(map(record, made))]


def figures_of(of):
    """The files of the figures of an audit, or of the run."""
    return written(f"figure/{of}/")


def scores_of(audit):
    """The scores of an audit's attacks, and what they cost."""
    return written(f"score/{audit}/")


files_of = {
    JOBS[f"train/{name}"].output("target"): texts(target_files(name, target))
    for name, target in PARAMS.used_targets.items()
}


def any_of(names):
    """A wildcard's pattern: one of these names, or nothing at all."""
    return "|".join(names) or "(?!)"


wildcard_constraints:
    dataset=any_of(PARAMS.used_datasets),  # others have no job
    split=any_of(PARAMS.used_splits),
    target=r"[a-z0-9_-]+",
    audit=r"[a-z0-9_-]+",
    attack=any_of(name for name, attack in PARAMS.attacks.items() if not isinstance(attack, DerivedAttack)),
    derived=any_of(name for name, attack in PARAMS.attacks.items() if isinstance(attack, DerivedAttack)),
    epoch=r"[0-9]+",
    figure=r"[a-z0-9_-]+",
