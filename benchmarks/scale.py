"""How jobs that read images grow with the number of images: seconds and peak memory of each."""

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import yaml

from simaudit.plan.jobs import jobs
from simaudit.plan.load import load
from simaudit.provenance import stamps
from simaudit.storage.array import ArrayWriter

FEW, MANY = 5_000, 50_000
IN_BATCH = 10_000  # images of a batch of CIFAR-10
SIDE = 32
JOBS = (
    "prepare/images",
    "split/tenth",
    "features/tenth",
    "nearest/tenth",
    "blind/tenth",
    "train/net",
    "score/net/sima",
)


def params(count: int) -> dict[str, object]:
    """Return what params.yaml asks for: a tenth of so many images are the members of a small network."""
    network = {
        "block_out_channels": [8, 16],
        "down_block_types": ["DownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "UpBlock2D"],
        "layers_per_block": 1,
        "norm_num_groups": 8,
    }
    training = {"epochs": 1, "batch_size": 128, "learning_rate": 0.001, "threads": 2}
    return {
        "datasets": {"images": {"source": "array", "path": "images.npy", "layout": "NCHW"}},
        "splits": {"tenth": {"dataset": "images", "members": count // 10}},
        "targets": {"net": {"kind": "ddpm", "split": "tenth", "unet": network, "training": training}},
        "attacks": {"sima": {"timesteps": [20]}},
        "scoring": {"threads": 2},
        "evaluation": {"threads": 2},
        "figures": {"norms": {}},
    }


@dataclass(frozen=True)
class Spent:
    """What one job took: wall seconds, seconds of processors, and peak memory in MB."""

    seconds: float
    processor: float
    megabytes: float


def seconds(function: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


MEASURED = """
import json, os, subprocess, sys, time
start = time.perf_counter()
_, status, usage = os.wait4(subprocess.Popen(sys.argv[1:]).pid, 0)
wall = time.perf_counter() - start
print(json.dumps([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6]))
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Runs a command and says what it took. The peak memory of a process begins with that of the one that starts it, so
this is a process of its own, in which nothing large was ever imported."""


def spent(command: list[str], folder: Path) -> Spent:
    """Run a command in a folder. Raises CalledProcessError when it fails."""
    measured = [sys.executable, "-c", MEASURED, *command]
    done = subprocess.run(measured, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return Spent(*json.loads(done.stdout.splitlines()[-1]))


def pictures(count: int) -> Iterator[np.ndarray]:
    """Yield images (3, SIDE, SIDE) uint8 that are smooth and noisy, as photographs are, and all different."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        coarse = rng.normal(128, 50, (3, 4, 4)).repeat(SIDE // 4, axis=1).repeat(SIDE // 4, axis=2)
        yield (coarse + rng.normal(0, 12, (3, SIDE, SIDE))).clip(0, 255).astype(np.uint8)


def stamp(folder: Path, asked: dict[str, object]) -> None:
    """Write parameters to a folder, and the stamp of every job that they ask for."""
    with chdir(folder):
        Path("params.yaml").write_text(yaml.safe_dump(asked))
        stamps.write(jobs(load([Path("params.yaml")])))


def by_number(folder: Path, count: int) -> dict[str, Spent]:
    """Return what each of JOBS took of `count` images, in a folder of their own."""
    folder.mkdir()
    with (folder / "images.npy").open("wb") as stream:
        images = pictures(count)
        writer = ArrayWriter(stream, first := next(images))
        for pixels in chain([first], images):
            writer.append(pixels)
        writer.close()
    stamp(folder, params(count))
    return {job: spent(["simaudit", "run", job], folder) for job in JOBS}


def cifar(folder: Path) -> Spent:
    """Return what preparing 60,000 images from CIFAR-10's batches took; the pixels are random."""
    batches = folder / "cifar"
    batches.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in (
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ):
        content = {
            b"data": rng.integers(0, 256, (IN_BATCH, 3 * SIDE * SIDE), dtype=np.uint8),
            b"labels": rng.integers(0, 10, IN_BATCH).tolist(),
            b"filenames": [f"{number}.png".encode() for number in range(IN_BATCH)],
        }
        (batches / name).write_bytes(pickle.dumps(content, protocol=4))
    asked = params(IN_BATCH) | {
        "datasets": {"images": {"source": "cifar", "dataset": "cifar-10", "path": "cifar"}}
    }
    stamp(folder, asked)
    return spent(["simaudit", "run", "prepare/images"], folder)


def rows(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what was measured and its reading."""
    batches = cifar(folder / "cifar10")
    yield "`prepare` of CIFAR-10's 60,000 images from its batches", _reading(batches)
    few, many = (by_number(folder / str(count), count) for count in (FEW, MANY))
    for job in JOBS:
        growth = many[job].megabytes / few[job].megabytes
        reading = f"{_reading(few[job])}; {_reading(many[job])}, {growth:.2f} times"
        yield (
            f"`{job.split('/')[0]}` of {FEW:,}, and of {MANY:,} images of 3×32×32: time; peak memory",
            reading,
        )


def _reading(one: Spent) -> str:
    return f"{one.seconds:.0f} s, {one.megabytes:.0f} MB"
