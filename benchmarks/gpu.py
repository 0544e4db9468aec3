"""How fast simaudit is on one GPU, at the size of the SimA paper's CIFAR-10 model: make bench-gpu, under 8 minutes.

Rates are queries of the denoiser per second, each beside the bare forward passes of the same network in the same
precision; `DEVICE=cpu SMALL=1` tries the script on a CPU with a tiny network.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from diffusers import DDPMScheduler, UNet2DModel

from simaudit.attacks.threshold.pia import PIA
from simaudit.attacks.threshold.sima import SimA
from simaudit.data.split import Split, make_split
from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.machine.precision import autocast, placed, set_precision
from simaudit.scoring.questions import Asking
from simaudit.scoring.run import Asker, ScoreFile, write_scores
from simaudit.targets.denoiser import Denoiser
from simaudit.targets.pixel import PixelTarget
from simaudit.training.denoiser import noise_prediction
from simaudit.training.knobs import Training
from simaudit.training.loop import Trainable, train
from simaudit.vocabulary.knobs import Precision

DEVICE = torch.device(os.environ.get("DEVICE", "cuda"))
IS_SMALL = "SMALL" in os.environ
SIDE, TURNS = (8, 1) if IS_SMALL else (32, 2)
SIZES = (8, 16) if IS_SMALL else (256, 1000)
REFERENCE_BATCH = 4 if IS_SMALL else 64
"""Samples at a time in the loop of the code that was released with the paper."""
PRECISIONS: tuple[Precision, ...] = ("float32", "tf32", "bfloat16")
TIMESTEPS = list(range(20, 200, 20))
"""Many of a batch, as in an audit: reading its images and writing its scores is little beside them."""
SCHEDULE = NoiseSchedule.of(DDPMScheduler())


def network() -> UNet2DModel:
    """Return a U-Net of 35.7 M parameters, as the paper's for CIFAR-10; a tiny one where that is asked for."""
    widths = (8, 16) if IS_SMALL else (128, 256, 256, 256)
    has_attention = [level == 1 for level in range(len(widths))]
    torch.manual_seed(0)
    return UNet2DModel(
        sample_size=SIDE,
        in_channels=3,
        out_channels=3,
        layers_per_block=1 if IS_SMALL else 2,
        block_out_channels=widths,
        norm_num_groups=8 if IS_SMALL else 32,
        down_block_types=["AttnDownBlock2D" if has else "DownBlock2D" for has in has_attention],
        up_block_types=["AttnUpBlock2D" if has else "UpBlock2D" for has in reversed(has_attention)],
    )


def seconds(function: Callable[[], object]) -> float:
    """Median wall time over TURNS, after one run that is not counted; the device has finished at both ends."""
    times = []
    for _ in range(TURNS + 1):
        wait()
        start = time.perf_counter()
        function()
        wait()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def wait() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def bare(model: UNet2DModel, batch: int, passes: int) -> float:
    """Queries per second of forward passes and nothing else."""
    z = torch.randn(batch, 3, SIDE, SIDE, device=DEVICE)
    t = torch.full((batch,), 100, device=DEVICE)

    @torch.inference_mode()
    def run() -> None:
        for _ in range(passes):
            with autocast(DEVICE):
                model(z, t, return_dict=False)

    return batch * passes / seconds(run)


def scored(model: UNet2DModel, batch: int, folder: Path) -> float:
    """Queries per second of SimA and PIA in one process, from images in memory to score files."""
    samples = 2 * max(SIZES)
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (samples, 3, SIDE, SIDE)).astype(np.float32)
    frame = make_split([f"{i:064x}" for i in range(samples)], samples // 2, 0.3, 0)
    split = Split(folder, *(frame[name].to_numpy() for name in frame.columns))
    target = PixelTarget(Denoiser(model, SCHEDULE.to(DEVICE)))
    attacks = {"sima": SimA(timesteps=TIMESTEPS), "pia": PIA(timesteps=TIMESTEPS)}
    files = [
        ScoreFile(folder / f"{name}.parquet", Asking(attack), key=name) for name, attack in attacks.items()
    ]
    asked = []

    def run() -> None:
        asker = Asker(target, images, split, 0, batch, DEVICE)
        with TemporaryDirectory() as unfinished:
            write_scores(files, asker, Path(unfinished))
        asked.append(asker.model.asked)

    taken = seconds(run)
    return asked[0] / taken


def training_step(model: UNet2DModel, precision: Precision, folder: Path) -> float:
    """A step of training, as a multiple of bare forward, backward and step in the same precision.

    It is what twice as many steps take longer: the checkpoint at the end, of 0.6 GB, is left out.
    """
    batch, steps = (8, 3) if IS_SMALL else (128, 20)
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (batch, 3, SIDE, SIDE)).astype(np.float32)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    x, schedule = torch.from_numpy(images).to(DEVICE), SCHEDULE.to(DEVICE)

    def loop(steps: int) -> None:
        checkpoint = folder / "c.pt"
        checkpoint.unlink(missing_ok=True)
        trainable = Trainable(model, lambda x, step: noise_prediction(model, schedule, x))
        knobs = Training(
            epochs=steps, batch_size=batch, learning_rate=1e-4, checkpoint_every=steps, precision=precision
        )
        train([trainable], images, np.arange(batch), knobs, checkpoint, "bench")

    def steps_alone() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            noise_prediction(model, schedule, x).backward()
            optimizer.step()

    return (seconds(lambda: loop(2 * steps)) - seconds(lambda: loop(steps))) / seconds(steps_alone)


def main() -> None:
    """Measure everything and print a table in Markdown, under the name of the card."""
    name = torch.cuda.get_device_name() if DEVICE.type == "cuda" else str(DEVICE)
    print(f"| {name} | float32 | tf32 | bfloat16 |\n| --- | --- | --- | --- |")
    rows: dict[str, list[str]] = {}
    with TemporaryDirectory() as place:
        for precision in PRECISIONS:
            set_precision(precision, DEVICE)
            model = placed(network(), DEVICE).eval()
            reference = bare(model, REFERENCE_BATCH, 4 if IS_SMALL else 40)
            rows.setdefault(f"bare, batch {REFERENCE_BATCH}: queries/s", []).append(f"{reference:.0f}")
            for batch in SIZES:
                alone, ours = bare(model, batch, 2 if IS_SMALL else 12), scored(model, batch, Path(place))
                rows.setdefault(f"bare, batch {batch}: queries/s", []).append(f"{alone:.0f}")
                rows.setdefault(f"scoring, batch {batch}: of the bare rate", []).append(f"{ours / alone:.3f}")
            step = training_step(placed(network(), DEVICE).train(), precision, Path(place))
            rows.setdefault("training step: multiple of the bare step", []).append(f"{step:.3f}")
            print(precision, {what: values[-1] for what, values in rows.items()}, file=sys.stderr)
    for what, values in rows.items():
        print(f"| {what} | {' | '.join(values)} |")


if __name__ == "__main__":
    sys.exit(main())
