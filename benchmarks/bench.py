"""How fast simaudit is, as ratios, each taken within this one run on this one machine: make bench.

Two sides of a ratio are timed in turns, so that a busy neighbour slows both; the median of the turns is printed.
"""

import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from diffusers import DDPMScheduler

import evaluation
import scale
from scale import seconds
from simaudit.attacks.attack import TargetAttack
from simaudit.data.sources.digits import Digits
from simaudit.data.split import Split, make_split
from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.plan.load import load
from simaudit.scoring.questions import AskedTarget, Asking
from simaudit.scoring.run import Asker, ScoreFile, write_scores
from simaudit.storage.json import read_json
from simaudit.targets.denoiser import Denoiser
from simaudit.targets.pixel import PixelTarget
from simaudit.training.denoiser import noise_prediction
from simaudit.training.loop import Trainable, train
from simaudit.vocabulary import paths

ROOT = Path(__file__).parents[1]
PARAMS = load([ROOT / "params.yaml"])
TARGET = PARAMS.targets["digits-ddpm"]
IMAGES = np.stack([item.pixels for item in Digits(source="digits").items()])
CORES = 2
TURNS = 5
BATCH_SIZES = (32, 64, 128, 256, 512)


def in_turns(*functions: Callable[[], object], turns: int = TURNS) -> list[float]:
    """Median wall time of each function over so many rounds, after one round that is not counted."""
    rounds = [[seconds(function) for function in functions] for _ in range(turns + 1)][1:]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def bare_forward(network: torch.nn.Module, samples: int, batch: int) -> Callable[[], None]:
    """`samples` forward passes and nothing else."""
    z = torch.randn(batch, *IMAGES.shape[1:])

    @torch.inference_mode()
    def run() -> None:
        for _ in range(samples // batch):
            network(z, 30, return_dict=False)

    return run


def fastest_batch(network: torch.nn.Module) -> int:
    """The batch size with the least time a sample."""
    times = in_turns(*(bare_forward(network, 2048, batch) for batch in BATCH_SIZES))
    return min(zip(times, BATCH_SIZES, strict=True))[1]


@dataclass(frozen=True)
class Scored:
    """What all default attacks on the DDPM took, as multiples of the bare forward passes for its distinct questions.

    `batch` is the fastest size, `together` and `alone` are ratios: all attacks in one process, and one after another.
    `asked` and `wanted` are queries of the denoiser for each sample: those made, and those if each attack asked alone.
    """

    batch: int
    together: float
    alone: float
    asked: float
    wanted: float


def scoring(folder: Path) -> Scored:
    """Score some of the digits by every attack of `digits-ddpm` that asks it."""
    torch.set_num_threads(PARAMS.scoring.threads)
    network = TARGET.unet.build(IMAGES.shape[1:], 0).eval()
    batch = fastest_batch(network)
    samples = 2 * batch
    frame = make_split([f"{i:064x}" for i in range(samples)], samples // 4, 0.3, 0)
    split = Split(folder, *(frame[name].to_numpy() for name in frame.columns))
    target = PixelTarget(Denoiser(network, NoiseSchedule.of(DDPMScheduler())))
    attacks = PARAMS.attacks_on("digits-ddpm")
    files = [
        ScoreFile(folder / f"{name}.parquet", Asking(attack), key=name)
        for name, attack in attacks.items()
        if isinstance(attack, TargetAttack)
    ]

    def score(files: list[ScoreFile]) -> AskedTarget:
        asker = Asker(target, IMAGES, split, 0, batch, torch.device("cpu"))
        with TemporaryDirectory() as unfinished:
            write_scores(files, asker, Path(unfinished))
        return asker.model

    asked = score(files)
    together, alone, bare = in_turns(
        lambda: score(files),
        lambda: [score([file]) for file in files],
        bare_forward(network, asked.asked, batch),
        turns=2,
    )
    return Scored(batch, together / bare, alone / bare, asked.asked / samples, asked.wanted / samples)


def training(folder: Path) -> float:
    """Time over bare forward, backward and step, on the rule's threads."""
    torch.set_num_threads(TARGET.training.threads)
    members = np.arange(TARGET.training.batch_size)  # one full batch an epoch
    steps = 15
    knobs = TARGET.training.model_copy(update={"epochs": steps, "checkpoint_every": steps})
    schedule = NoiseSchedule.of(DDPMScheduler())
    ours, bare_network = (TARGET.unet.build(IMAGES.shape[1:], 0) for _ in range(2))
    optimizer = torch.optim.Adam(bare_network.parameters(), lr=1e-3, fused=True)
    x = torch.from_numpy(IMAGES[members])

    def loop() -> None:
        checkpoint = folder / "c.pt"
        checkpoint.unlink(missing_ok=True)
        trainable = Trainable(ours, lambda x, step: noise_prediction(ours, schedule, x))
        train([trainable], IMAGES, members, knobs, checkpoint, "bench")

    def bare() -> None:
        bare_network.train()
        for _ in range(steps):
            optimizer.zero_grad()
            noise_prediction(bare_network, schedule, x).backward()
            optimizer.step()

    with_loop, without = in_turns(loop, bare)
    return with_loop / without


@dataclass(frozen=True)
class DefaultRun:
    """Wall seconds of the default run from nothing; of commands that find nothing to do afterwards; of each job."""

    wall: float
    nothing: dict[str, float]
    jobs: dict[str, list[float]]


def default_run(folder: Path) -> DefaultRun:
    """In a clone of this repository as it was last committed."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)

    def run(command: str) -> None:
        subprocess.run(command.split(), check=True, capture_output=True, cwd=folder)

    wall = seconds(lambda: run(f"snakemake --cores {CORES}"))
    run("simaudit adopt")
    nothing = {
        command: statistics.median(seconds(lambda command=command: run(command)) for _ in range(3))
        for command in ("snakemake -n", "dvc repro", "simaudit verify --all")
    }
    return DefaultRun(wall, nothing, jobs(folder))


def jobs(folder: Path) -> dict[str, list[float]]:
    """Seconds of each process of a finished run by phase, from what Snakemake wrote down of every output."""
    by_phase: dict[str, dict[str, float]] = {}
    for path in (folder / ".snakemake" / "metadata").rglob("*"):
        job = read_json(path) if path.is_file() else {}
        if job.get("endtime") and job["log"]:
            log = job["log"][0]
            phase = Path(log).relative_to(paths.LOGS).with_suffix("").parts[0]
            by_phase.setdefault(phase, {})[log] = job["endtime"] - job["starttime"]
    return {phase: list(times.values()) for phase, times in by_phase.items()}


def main() -> None:
    """Measure everything and print a table in Markdown."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        evaluated = list(evaluation.rows(folder, PARAMS.evaluation))
        scored = scoring(folder)
        train_ratio = training(folder)
        help_time = statistics.median(
            seconds(lambda: subprocess.run(["simaudit", "--help"], check=True, capture_output=True))
            for _ in range(5)
        )
        grown = list(scale.rows(folder))
        run = default_run(folder / "run")
    costs = sorted(((sum(times), phase, len(times)) for phase, times in run.jobs.items()), reverse=True)
    for what, value in (
        (
            f"scoring by every attack / bare forward passes for its distinct questions (batch {scored.batch}, fastest)",
            f"{scored.together:.3f}",
        ),
        ("the same, one attack after another", f"{scored.alone:.3f}"),
        (
            "queries a sample: made, and if each attack asked alone",
            f"{scored.asked:.0f}, {scored.wanted:.0f}",
        ),
        ("training / bare forward + backward + step", f"{train_ratio:.3f}"),
        *evaluated,
        *grown,
        ("default run: wall time", f"{run.wall:.0f} s"),
        *(
            (f"default run: {count} × `{phase}`", f"{total:.0f} s of a core")
            for total, phase, count in costs
            if total > 5
        ),
        *((f"`{command}` with nothing left to do", f"{wall:.1f} s") for command, wall in run.nothing.items()),
        ("`simaudit --help`", f"{help_time:.2f} s"),
    ):
        print(f"| {what} | {value} |")


if __name__ == "__main__":
    sys.exit(main())
