# What the rules share: validated parameters, the stamps of all jobs, and where a target's files are.
import fcntl
import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import simaudit.plan.params
from simaudit.vocabulary.errors import SimauditError
from simaudit.figures.figure import figure_types
from simaudit.vocabulary.paths import RUN, RUN_FILES, TARGET_FILES
from simaudit.provenance import stamps
from simaudit.targets import SUMMARY, family_types

# Jobs run in the environment that Snakemake itself runs in, activated or not.
shell.prefix(f'export PATH="{Path(sys.executable).parent}:$PATH"; ')


def recorded(verb, made="{output}"):
    """A job's command: what it says is logged, and what it read and made is recorded."""
    return f"simaudit --log {{log}} --record {{output.record}} --inputs '{{input}}' --outputs '{made}' {verb}"


def refuse(error):
    """One line and exit code 2, before any job starts."""
    print(error, file=sys.stderr)
    sys.exit(2)


def slurm_jobs_of_this_folder():
    """Ids of the Slurm jobs that a Snakemake in this folder has submitted and that have not ended."""
    if not shutil.which("squeue"):
        return []
    states = "PENDING,CONFIGURING,RUNNING,SUSPENDED,STOPPED,COMPLETING,REQUEUED"
    query = ["squeue", "--me", "--noheader", f"--states={states}", "--format=%A|%j|%Z"]
    listed = subprocess.run(query, capture_output=True, text=True).stdout.splitlines()
    jobs = [line.split("|", 2) for line in listed]
    # slurm-jobname-prefix in profiles/slurm
    return sorted({id for id, name, folder in jobs if name.startswith("simaudit_") and folder == os.getcwd()})


def release_stale_locks():
    """Remove the locks of a Snakemake that was killed in this folder, so that the next one simply resumes.

    Every Snakemake here holds a shared lock that the system drops at its death: whoever gets it alone is alone. Its
    jobs on a cluster outlive it, and nothing starts beside them: both would write the same files.
    """
    Path(".snakemake").mkdir(exist_ok=True)
    handle = open(".snakemake/alive", "a+")  # NFS wants a file that can be written and read
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if left := slurm_jobs_of_this_folder():
            refuse(
                f"Slurm jobs of a killed Snakemake are still in this folder: {' '.join(left)};"
                f" wait until they have ended, which keeps their work, or end them with: scancel {' '.join(left)}"
            )
        for lock in Path(".snakemake/locks").glob("*.lock"):
            lock.unlink()
        fcntl.flock(handle, fcntl.LOCK_SH)
    except BlockingIOError:
        fcntl.flock(handle, fcntl.LOCK_SH)  # another one lives: its locks hold, and Snakemake says so
    except OSError:
        pass  # a file system without such locks: those of a killed Snakemake stay until snakemake --unlock
    return handle


def gpus_for(device):
    """How many GPUs a job asks a cluster for. `auto` asks for none: it takes what it finds where it runs."""
    return int(device.startswith("cuda"))


try:
    PARAMS = simaudit.plan.params.parse(config, [Path(os.path.relpath(file)) for file in workflow.configfiles])
except SimauditError as error:
    refuse(error)

if workflow.is_main_process:
    ALIVE = release_stale_locks()
    stamps.write(PARAMS)


def images_of(target):
    return f"data/prepared/{PARAMS.targets[target].dataset}/images.npy"


def split_of(target):
    return f"data/splits/{PARAMS.targets[target].split}.parquet"


def files_of(target):
    return [f"results/targets/{target}/{file}" for file in (*PARAMS.targets[target].files, SUMMARY)]


def scores_of(target):
    return [f"results/scores/{target}/{attack}.parquet" for attack in PARAMS.attacks_on(target)]


def costs_of(target):
    return [f"results/cost/{target}/{attack}.json" for attack in PARAMS.attacks_on(target)]


def snapshots_of(target):
    """(epoch, score file) of every state on the way that is attacked."""
    return [
        (epoch, f"results/scores/{target}/epochs/{epoch}/{attack}.parquet")
        for epoch, attack in PARAMS.snapshots_of(target)
    ]


def evaluation_of(target):
    return [
        f"results/evaluation/{target}.parquet",
        f"results/evaluation/{target}.json",
        f"results/evaluation/selected/{target}.parquet",
        f"results/evaluation/differences/{target}.json",
        f"results/evaluation/permutation/{target}.json",
        f"results/evaluation/epochs/{target}.json",
        f"results/evaluation/profiles/{target}.parquet",
        f"results/evaluation/quality/{target}.json",
    ]


def drawn(folder, figures):
    """The files of those figures that can be drawn, in a folder of results/figures/."""
    return [
        f"results/figures/{folder}/{name}.{suffix}"
        for name in stamps.drawn(figures)
        for suffix in ("pdf", "png", "csv", "json")
    ]


def figures_of(target):
    return drawn(target, PARAMS.figures_of(target))


def pictures():
    """The picture and the caption of every figure, as a page shows them."""
    drawn_of = [*map(figures_of, PARAMS.targets), drawn(RUN, PARAMS.figures_of_run)]
    return [file for files in drawn_of for file in files if file.endswith((".png", ".json"))]


def read_by(figure, target=None):
    """What a figure of a target, or of all of them together, is drawn from."""
    files = TARGET_FILES if target else RUN_FILES
    return [f"results/{files[name].format(target=target)}" for name in figure_types()[figure].reads]


def records():
    """Those of every job that numbers come from."""
    datasets = sorted({target.dataset for target in PARAMS.targets.values()})
    jobs = [
        *(f"prepare/{dataset}" for dataset in datasets),
        *(f"{phase}/{split}" for phase in ("split", "blind", "nearest") for split in SPLITS),
        *(
            f"{phase}/{target}"
            for phase in ("train", "sample", "quality", "evaluate")
            for target in PARAMS.targets
        ),
        *(f"score/{target}/{attack}" for target in PARAMS.targets for attack in PARAMS.attacks_on(target)),
        *(
            f"score/{target}/epochs/{epoch}/{attack}"
            for target in PARAMS.targets
            for epoch, attack in PARAMS.snapshots_of(target)
        ),
        "compare",
    ]
    return [f"results/records/{job}.json" for job in jobs]


def any_of(names):
    """A wildcard's pattern: one of these names, or nothing at all."""
    return "|".join(names) or "(?!)"


def caption_of(figure):
    return inspect.getdoc(figure_types()[figure])


SPLITS = sorted({target.split for target in PARAMS.targets.values()})


wildcard_constraints:
    dataset=r"[a-z0-9_-]+",
    split=r"[a-z0-9_-]+",
    target=r"[a-z0-9_-]+",
    attack=r"[a-z0-9_-]+",
    epoch=r"[0-9]+",
    figure=r"[a-z0-9_-]+",
