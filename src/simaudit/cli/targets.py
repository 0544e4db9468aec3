"""Verbs that make a target and look at it: prepare, split, train, score, sample, theory."""

import json
from pathlib import Path

import click

from simaudit.cli.options import FILE, FOLDER, images_option, split_option, stamp_option, threads_option
from simaudit.vocabulary.errors import SimauditError


@click.command()
@stamp_option
@click.option("--images", type=FILE, required=True, help="Where the images go, .npy.")
@click.option("--labels", type=FILE, required=True, help="Where the class labels go, .npy.")
def prepare(stamp: Path, images: Path, labels: Path) -> None:
    """Load a dataset and store it as float32 (N, C, H, W) in [-1, 1]."""
    from simaudit.data.prepare import save_array, to_model_range
    from simaudit.data.source import source_type
    from simaudit.provenance.stamps import Stamp

    knobs = Stamp.read(stamp).params
    raw = source_type(knobs["source"]).model_validate(knobs).load()
    save_array(labels, raw.labels)
    save_array(images, to_model_range(raw))


@click.command()
@stamp_option
@images_option
@click.option("--output", type=FILE, required=True, help="Where the split goes, Parquet.")
def split(stamp: Path, images: Path, output: Path) -> None:
    """Draw members, held-out samples and folds."""
    from simaudit.data.prepare import image_hashes, open_images
    from simaudit.data.split import make_split, refuse_duplicates, refuse_small, write_split
    from simaudit.plan.params import SplitKnobs
    from simaudit.provenance.stamps import Stamp
    from simaudit.vocabulary.sides import CALIBRATION, MEMBER

    job = Stamp.read(stamp)
    knobs = SplitKnobs.model_validate(job.params)
    try:
        drawn = make_split(image_hashes(open_images(images)), knobs.members, knobs.calibration, knobs.seed)
        refuse_small((drawn.role == MEMBER).to_numpy(), (drawn.fold == CALIBRATION).to_numpy())
        if not knobs.allow_duplicates:
            refuse_duplicates(drawn)
    except SimauditError as error:
        raise SimauditError(f"params.yaml: splits.{output.stem}: {error}") from None
    write_split(output, drawn)


@click.command()
@stamp_option
@images_option
@split_option
@click.option("--checkpoints", type=FOLDER, required=True, help="Where progress is kept while training.")
@click.option("--output", type=FOLDER, required=True, help="Where the trained target goes.")
@threads_option
def train(stamp: Path, images: Path, split: Path, checkpoints: Path, output: Path, threads: int) -> None:
    """Train a target on the members of a split. Killed at any moment, it resumes."""
    import torch

    from simaudit.data.prepare import open_images
    from simaudit.data.split import Split
    from simaudit.provenance.stamps import Stamp
    from simaudit.storage.atomic import atomic_path, remove
    from simaudit.storage.hashes import sha256_bytes
    from simaudit.storage.json import write_json
    from simaudit.targets.family import family_type
    from simaudit.targets.files import SUMMARY, file_hashes

    torch.set_num_threads(threads)
    job, members = Stamp.read(stamp), Split.read(split)
    target = family_type(job.params["kind"]).model_validate(job.params)
    identity = sha256_bytes(f"{job.identity} {members.member_hash}".encode())
    with atomic_path(output) as folder:
        try:
            facts = target.train(open_images(images), members, checkpoints, identity, folder)
        except SimauditError as error:
            raise SimauditError(f"params.yaml: targets.{output.name}: {error}") from None
        summary = {
            "kind": target.kind,
            "params": job.params,
            "members": {
                "split": split.as_posix(),
                "count": len(members.member_ids),
                "sha256": members.member_hash,
            },
            **facts,
            "files": file_hashes(folder),
        }
        write_json(folder / SUMMARY, summary)
    remove(checkpoints)


@click.command()
@stamp_option
@images_option
@split_option
@click.option("--target", type=FOLDER, required=True, help="A trained target.")
@click.option(
    "--epoch", type=click.IntRange(1), help="A state that was kept on the way; the last one if not given."
)
@click.option("--output", type=FILE, required=True, help="Where the scores go, Parquet.")
@click.option("--cost", type=FILE, help="Where time and memory spent go, JSON.")
@threads_option
def score(
    stamp: Path,
    images: Path,
    split: Path,
    target: Path,
    epoch: int | None,
    output: Path,
    cost: Path | None,
    threads: int,
) -> None:
    """Run one attack on one target, for every sample of the split."""
    import torch

    from simaudit.attacks.attack import attack_type
    from simaudit.data.prepare import open_images
    from simaudit.data.split import Split
    from simaudit.machine.cost import Meter
    from simaudit.machine.devices import resolve_device
    from simaudit.plan.params import ScoringKnobs
    from simaudit.provenance.stamps import Stamp
    from simaudit.scoring.run import write_scores
    from simaudit.scoring.score_file import LOG_SNR
    from simaudit.storage.hashes import sha256_file
    from simaudit.storage.json import write_json
    from simaudit.targets.family import family_type
    from simaudit.targets.files import read_summary, state_folder, target_hash

    torch.set_num_threads(threads)
    job, samples, summary = Stamp.read(stamp), Split.read(split), read_summary(target)
    if summary["members"]["sha256"] != samples.member_hash:
        raise SimauditError(
            f"{target}: was trained on other members than those of {split}; train it again, or score it with the "
            f"split it was trained on ({summary['members']['split']})"
        )
    attack = attack_type(output.stem).model_validate(job.params["attack"])
    scoring = ScoringKnobs.model_validate(job.params["scoring"])
    device = resolve_device(scoring.device)
    model = family_type(summary["kind"]).load(state_folder(target, epoch), device)
    meter = Meter(device)
    write_scores(
        output,
        attack,
        model,
        open_images(images),
        samples,
        seed=scoring.seed,
        batch_size=scoring.batch_size,
        device=device,
        metadata={
            "attack": output.stem,
            "version": str(attack.version),
            "member_when": attack.member_when,
            "target_sha256": target_hash(summary),
            "epoch": str(epoch or "last"),
            "split_sha256": sha256_file(split),
            "params": attack.model_dump_json(),
            LOG_SNR: json.dumps({t: model.schedule.log_snr(t) for t in attack.grid}),
            "device": device.type,
            "dtype": "float32",
        },
    )
    if cost:
        write_json(cost, {"target": target.name, "attacks": {output.stem: {"cost": meter.read()}}})


@click.command()
@stamp_option
@images_option
@split_option
@click.option("--target", type=FOLDER, required=True, help="A trained target.")
@click.option("--output", type=FILE, required=True, help="Where the samples go, .npy.")
@click.option(
    "--gallery", "gallery_file", type=FILE, required=True, help="Where a few images to look at go, .npz."
)
@threads_option
def sample(
    stamp: Path, images: Path, split: Path, target: Path, output: Path, gallery_file: Path, threads: int
) -> None:
    """Draw images from a target, and put some beside the members that they look most like."""
    import numpy as np
    import torch

    from simaudit.data.prepare import open_images, save_array
    from simaudit.data.split import Split
    from simaudit.machine.devices import resolve_device
    from simaudit.plan.params import QualityKnobs, ScoringKnobs
    from simaudit.provenance.stamps import Stamp
    from simaudit.samples.draw import draw_samples, gallery
    from simaudit.storage.atomic import atomic_path
    from simaudit.targets.family import family_type
    from simaudit.targets.files import read_summary

    torch.set_num_threads(threads)
    job, real = Stamp.read(stamp).params, open_images(images)
    knobs, scoring = QualityKnobs.model_validate(job["quality"]), ScoringKnobs.model_validate(job["scoring"])
    device = resolve_device(scoring.device)
    family = family_type(read_summary(target)["kind"])
    loaded = family.load(target, device)
    like = torch.from_numpy(np.array(real[:1])).to(device)
    samples = draw_samples(loaded, like, knobs.samples, knobs.steps, knobs.seed, scoring.batch_size)
    if not np.isfinite(samples).all():
        raise SimauditError(
            f"{target}: its samples are not finite; train it anew, with a lower learning_rate"
        )
    save_array(output, samples)
    with atomic_path(gallery_file) as temporary, temporary.open("wb") as stream:
        shown_images = gallery(loaded, real, Split.read(split), samples, "decoder" in family.offers, device)
        np.savez_compressed(stream, allow_pickle=False, **shown_images)


@click.command()
@stamp_option
@images_option
@split_option
@click.option(
    "--line", type=FILE, required=True, help="Where the closed form in one dimension goes, Parquet."
)
@click.option(
    "--field", type=FILE, required=True, help="Where the closed form in two dimensions goes, Parquet."
)
def theory(stamp: Path, images: Path, split: Path, line: Path, field: Path) -> None:
    """Compute the optimal denoiser of a few members in one and two dimensions, to be drawn."""
    from simaudit.data.prepare import open_images
    from simaudit.data.split import Split
    from simaudit.plan.params import TheoryKnobs
    from simaudit.provenance.stamps import Stamp
    from simaudit.storage.parquet import write_table
    from simaudit.targets.closed_form import along_line, over_field

    knobs, real, samples = (
        TheoryKnobs.model_validate(Stamp.read(stamp).params),
        open_images(images),
        Split.read(split),
    )
    schedule = knobs.schedule.noise()
    write_table(line, along_line(real, samples, knobs.line_members, knobs.line_timestep, schedule))
    write_table(field, over_field(real, samples, knobs.field_members, knobs.field_timesteps, schedule))
