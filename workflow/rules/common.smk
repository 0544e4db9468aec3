# What the rules share: the jobs that the parameters ask for, and look-ups of what they read and write.
import os
import sys
from functools import cache
from pathlib import Path

SOURCE = Path(workflow.basedir) / "src"
# This clone's own code, wherever the package was installed from.
if SOURCE.is_dir() and str(SOURCE) not in sys.path:
    sys.path.insert(0, str(SOURCE))

from snakemake.persistence import FileBackupMixin

from simaudit.machine.locks import release_stale_locks
from simaudit.plan import dvc
from simaudit.plan.jobs import jobs
from simaudit.plan.load import load
from simaudit.plan.order import urgency
from simaudit.provenance import handover, stamps
from simaudit.provenance.asked import remember
from simaudit.provenance.doing import is_done
from simaudit.storage.faults import fault, require_writable
from simaudit.targets.family import family_modules, family_type
from simaudit.targets.jobs import target_files
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import by_process, paths_in
from simaudit.vocabulary.paths import record
from simaudit.vocabulary.paths import shard as shard_file

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
    PROCESSES = by_process(JOBS.values())
    RECORDS = {record(name): job for name, job in JOBS.items()}
    URGENCY = urgency(PROCESSES)
    if workflow.is_main_process:
        handover.require_an_account(JOBS.values())
        if not workflow.output_settings.dryrun:
            LOCK, IS_ALONE = release_stale_locks()
except SimauditError as error:
    refuse(error)
except OSError as error:  # of a file that the workflow itself reads or writes
    refuse(fault(error) or error)


# A process leaves what is as it should be, and each of its files is whole or absent: Snakemake need neither copy them
# before, nor go back to the copies when a process fails. It notes of a failed process that it ran, too. So the record of
# each job that is not done has to go, which makes it due the next time.
FileBackupMixin.backup_output = lambda self, path: None
FileBackupMixin.restore_output = lambda self, path: path not in RECORDS or is_done(RECORDS[path])


def forget_forced(due):
    """Delete the records of jobs that are done again whatever they are: by `--forceall`, or `--forcerun` with a file."""
    forced, made = workflow.dag_settings, {file for job in due for file in job.output}
    for path, job in RECORDS.items():
        own = [*files(job.outputs), path.as_posix()]
        if path.as_posix() in made and (forced.forceall or not forced.forcerun.isdisjoint(own)):
            path.unlink(missing_ok=True)


# Snakemake comes here when there are jobs to do and it has locked their files; a dry run never does.
onstart:
    try:
        due = list(workflow.dag.needrun_jobs())
        require_writable(Path(file) for job in due for file in (*job.output, *job.log))
        if IS_ALONE:
            stamps.write(JOBS.values())
            if not workflow.touch:
                forget_forced(due)
            remember(FILES, GIVEN)
            if not FILES[1:] and not GIVEN and Path.cwd() == Path(workflow.basedir):
                dvc.refresh(PARAMS)
        else:
            stamps.require(JOBS.values())
    except SimauditError as error:
        refuse(error)
    except OSError as error:
        refuse(fault(error) or error)


def texts(paths):
    return [path.as_posix() for path in paths]


def done_by(name, wildcards):
    """The jobs that the process of that name does, such as nearest/{split}: mostly one."""
    return PROCESSES[name.format(**wildcards)]


def files(paths):
    """The paths as texts, a target's folder as its files."""
    return [file for path in paths for file in files_of.get(path, [path.as_posix()])]


def reads(name):
    """An input function: the files that a process of that name reads and does not write itself."""

    def read(wildcards):
        jobs = done_by(name, wildcards)
        own = {path for job in jobs for path in job.outputs}
        return files(dict.fromkeys(path for job in jobs for path in job.inputs if path not in own))

    return read


def writes(name):
    """The files that the process of that name writes, records too. None is deleted first: most may be as they should."""
    jobs = PROCESSES[name]
    return update(
        [*files(path for job in jobs for path in job.outputs), *texts(record(job.name) for job in jobs)]
    )


def shards_of(name):
    """The files that say that the shards of a process are done which asks a model; none where it does all itself."""
    count = PARAMS.scoring.shards if name in processes("score", "references") else 1
    return [shard_file(name, number).as_posix() for number in range(1, count + 1)] if count > 1 else []


@cache
def identity(name):
    """The hash of the stamp that a job has by the parameters and the code that are here."""
    return stamps.Stamp.of(JOBS[name]).identity


def stamp(name):
    """A function for `params:` of a process of that name: Snakemake runs it again when the stamp of a job changes."""
    return lambda wildcards: [identity(job.name) for job in done_by(name, wildcards)]


def threads(name):
    """A function for `threads:` of a process of that name."""
    return lambda wildcards: max(job.speed.get("threads", 1) for job in done_by(name, wildcards))


def priority(name):
    """A function for `priority:` of a process of that name: what most work waits for starts first."""
    return lambda wildcards: URGENCY[name.format(**wildcards)]


def memory(name):
    """A function for `mem_mb:` of a process of that name. Snakemake asks it again when the inputs are there."""
    return lambda wildcards: max(job.memory_mb for job in done_by(name, wildcards))


def gpu(name):
    """How many GPUs a process of that name asks a cluster for. `auto` asks for none: it takes what it finds there."""
    return lambda wildcards: int(
        any(str(job.speed.get("device")).startswith("cuda") for job in done_by(name, wildcards))
    )


def written():
    """Every file that a job makes, its record too."""
    return [
        file
        for jobs in PROCESSES.values()
        for job in jobs
        for file in [*files(job.outputs), *texts([record(job.name)])]
    ]


def processes(*phases):
    """The names of the processes of these phases."""
    return [name for name in PROCESSES if name.split("/")[0] in phases]


def rule_of(name):
    """The name of the rule of a process."""
    return name.replace(os.sep, "_")


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
