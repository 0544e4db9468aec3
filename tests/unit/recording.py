"""A run of one target with two attacks, in which every job has its record; and what `simaudit` says of it."""

import csv
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from auditing import new_audit
from click.testing import CliRunner
from safetensors.numpy import save_file

from simaudit.cli import simaudit
from simaudit.evaluation.jobs import evaluate_job, numbers_job
from simaudit.evaluation.knobs import EvaluationKnobs
from simaudit.provenance import stamps
from simaudit.provenance.records import write_record
from simaudit.storage.json import read_json
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.job import Job

IMAGES, SPLIT, TARGET = paths.images("d"), paths.split("s"), paths.target("t")
WEIGHTS = TARGET / "unet/weights.safetensors"
SCORES = {attack: paths.scores("t", attack) for attack in ("loss", "sima")}
SUMMARY, NUMBERS = paths.of_target("summary", "t"), paths.NUMBERS
BLIND = {suffix: paths.blind("s", suffix) for suffix in ("parquet", "json")}
NEAREST = {suffix: paths.nearest("s", suffix) for suffix in ("parquet", "json")}
NEAREST |= {name: paths.of_split(name, "s") for name in paths.SPLIT_FILES}
TABLE = paths.TABLES / "t/attacks.csv"

PREPARE = Job("prepare/d", "simaudit.data.jobs:prepare", {"source": "d"}, {}, {"images": IMAGES})
DATA = {"images": IMAGES, "split": SPLIT}
TRAIN = Job("train/t", "simaudit.targets.jobs:train", {"epochs": 3}, DATA, {"target": TARGET})
NUMBERING = numbers_job([SUMMARY, BLIND["json"], NEAREST["json"]], {"t": "stated"})
TABULATE = Job("tables", "simaudit.report.jobs:tables", {}, {"numbers": NUMBERS}, {"tables": paths.TABLES})
JOBS = [
    PREPARE,
    Job("split/s", "simaudit.data.jobs:split", {"members": 120}, {"images": IMAGES}, {"split": SPLIT}),
    TRAIN,
    *(
        Job(
            f"score/t/{attack}",
            "simaudit.scoring.jobs:score",
            {},
            DATA | {"target": TARGET},
            {"scores": file},
        )
        for attack, file in SCORES.items()
    ),
    Job("blind/s", "simaudit.evaluation.controls.jobs:blind", {}, DATA, BLIND),
    Job("nearest/s", "simaudit.data.jobs:nearest", {}, DATA, NEAREST),
    evaluate_job("t", "s", "stated", SCORES, {}, EvaluationKnobs(bootstrap=100, permutations=40)),
    NUMBERING,
    TABULATE,
]
"""One target with two attacks; what the jobs make is made below."""


def record(job):
    write_record(stamps.read_job(job.name), ["simaudit", "run", job.name], {})


def write_table(numbers):
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with TABLE.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["attack", "auc", "auc_low", "auc_high", "auc_mark", "auc_id"])
        for attack in SCORES:
            number = numbers[name := f"t.{attack}.auc"]
            table.writerow([attack, number["value"], number["low"], number["high"], "", name])


def sum_up():
    """The ledger and a table of it, as if made anew from what the files now say."""
    NUMBERING.do()
    record(NUMBERING)
    write_table(read_json(NUMBERS))
    record(TABULATE)


def make(folder):
    """Make a run of one target with two attacks in a folder, every job of it recorded. Return the folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        IMAGES.parent.mkdir(parents=True)
        np.save(IMAGES, np.arange(40.0))
        SPLIT.parent.mkdir(parents=True)
        SPLIT.write_bytes(b"split")
        WEIGHTS.parent.mkdir(parents=True)
        save_file({"w": np.arange(9.0)}, WEIGHTS)
        audit = replace(new_audit(paths.RESULTS), near_duplicates=5)
        audit.blind()
        audit.evaluate("t", {"loss": 1, "sima": 2})
        for name in ("at_risk", "quality", "sets"):  # of no job of this run
            shutil.rmtree(paths.RESULTS / "evaluation" / name)
        (paths.RESULTS / "split.parquet").unlink()
        stamps.write(JOBS)
        for job in JOBS[:-2]:
            record(job)
        sum_up()
    finally:
        os.chdir(before)
    return folder


def call(*arguments):
    return CliRunner().invoke(simaudit, arguments)


def refusal(*arguments):
    """The one line with which a call is refused."""
    error = call(*arguments).exception
    assert isinstance(error, SimauditError), error
    assert len(str(error).splitlines()) == 1
    return str(error)


def disagreements(*arguments):
    """The lines of `simaudit verify`, whose exit code must say whether there are any."""
    done = call("verify", *(arguments or ("--all",)))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == (1 if done.stdout else 0)
    return done.stdout.splitlines()
