"""The command line: one verb a rule. Imports what a verb needs only when that verb is called."""

import logging
import sys
from pathlib import Path
from typing import Any

import click

from simaudit.errors import SimauditError

log = logging.getLogger("simaudit")
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
EXIT_REFUSED = 2

stamp_option = click.option(
    "--params", "stamp", type=FILE, required=True, help="The job's stamp (results/params/…)."
)
images_option = click.option("--images", type=FILE, required=True, help="Prepared images, .npy.")
split_option = click.option("--split", type=FILE, required=True, help="The member split, Parquet.")
threads_option = click.option(
    "--threads", type=click.IntRange(1), default=1, help="CPU threads for the model."
)
config_option = click.option(
    "--config",
    "files",
    type=FILE,
    multiple=True,
    default=("params.yaml",),
    help="params.yaml, then any overlays.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="simaudit")
@click.option("--log", "log_file", type=FILE, help="Also write what is said to this file.")
def simaudit(log_file: Path | None) -> None:
    """How much does a diffusion model leak about its training set?

    Snakemake calls these verbs, one a rule. `snakemake --cores all` runs them all.
    """
    if log_file:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        log.addHandler(logging.FileHandler(log_file, mode="w"))
    if not (log_file and sys.stderr.isatty()):  # there, the progress bar says it better
        log.addHandler(logging.StreamHandler())
    log.setLevel(logging.INFO)


@simaudit.command()
@config_option
def params(files: tuple[Path, ...]) -> None:
    """Check the parameters and print them, resolved."""
    import yaml

    click.echo(
        yaml.safe_dump(_params(files).model_dump(mode="json", exclude_none=True), sort_keys=False), nl=False
    )


@simaudit.command()
def schema() -> None:
    """Print the JSON schema of params.yaml."""
    from simaudit.files import canonical_json
    from simaudit.params import model

    click.echo(canonical_json(model().model_json_schema()), nl=False)


@simaudit.command()
@config_option
def stamps(files: tuple[Path, ...]) -> None:
    """Check the parameters and write the stamp of every job (results/params/)."""
    from simaudit.provenance.stamps import write

    write(_params(files))


@simaudit.command()
@stamp_option
@click.option("--images", type=FILE, required=True, help="Where the images go, .npy.")
@click.option("--labels", type=FILE, required=True, help="Where the class labels go, .npy.")
def prepare(stamp: Path, images: Path, labels: Path) -> None:
    """Load a dataset and store it as float32 (N, C, H, W) in [-1, 1]."""
    from simaudit.data.prepare import save_array, to_model_range
    from simaudit.data.sources import sources
    from simaudit.provenance.stamps import Stamp

    knobs = Stamp.read(stamp).params
    raw = sources()[knobs["source"]].model_validate(knobs).load()
    save_array(labels, raw.labels)
    save_array(images, to_model_range(raw))


@simaudit.command()
@stamp_option
@images_option
@click.option("--output", type=FILE, required=True, help="Where the split goes, Parquet.")
def split(stamp: Path, images: Path, output: Path) -> None:
    """Draw members, held-out samples and folds."""
    from simaudit.data.prepare import image_hashes, open_images
    from simaudit.data.split import make_split, refuse_duplicates, write_split
    from simaudit.params import SplitKnobs
    from simaudit.provenance.stamps import Stamp

    job = Stamp.read(stamp)
    knobs = SplitKnobs.model_validate(job.params)
    try:
        drawn = make_split(image_hashes(open_images(images)), knobs.members, knobs.calibration, knobs.seed)
        if not knobs.allow_duplicates:
            refuse_duplicates(drawn)
    except SimauditError as error:
        raise SimauditError(f"params.yaml: splits.{output.stem}: {error}") from None
    write_split(output, drawn)


@simaudit.command()
@stamp_option
@images_option
@split_option
@click.option("--checkpoint", type=FILE, required=True, help="Where progress is kept while training.")
@click.option("--output", type=FOLDER, required=True, help="Where the trained target goes.")
@threads_option
def train(stamp: Path, images: Path, split: Path, checkpoint: Path, output: Path, threads: int) -> None:
    """Train a target on the members of a split. Killed at any moment, it resumes."""
    import torch

    from simaudit.data.prepare import open_images
    from simaudit.data.split import Split
    from simaudit.files import atomic_path, remove, sha256_bytes, write_json
    from simaudit.provenance.stamps import Stamp
    from simaudit.targets import SUMMARY, families, file_hashes

    torch.set_num_threads(threads)
    job, members = Stamp.read(stamp), Split.read(split)
    target = families()[job.params["kind"]].model_validate(job.params)
    identity = sha256_bytes(f"{job.identity} {members.member_hash}".encode())
    with atomic_path(output) as folder:
        facts = target.train(open_images(images), members.member_ids, checkpoint, identity, folder)
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
    remove(checkpoint)


@simaudit.command()
@stamp_option
@images_option
@split_option
@click.option("--target", type=FOLDER, required=True, help="A trained target.")
@click.option("--output", type=FILE, required=True, help="Where the scores go, Parquet.")
@threads_option
def score(stamp: Path, images: Path, split: Path, target: Path, output: Path, threads: int) -> None:
    """Run one attack on one target, for every sample of the split."""
    import torch

    from simaudit.attacks import attack_types
    from simaudit.data.prepare import open_images
    from simaudit.data.split import Split
    from simaudit.devices import resolve_device
    from simaudit.files import sha256_file
    from simaudit.params import ScoringKnobs
    from simaudit.provenance.stamps import Stamp
    from simaudit.scoring import write_scores
    from simaudit.targets import families, read_summary, target_hash

    torch.set_num_threads(threads)
    job, samples, summary = Stamp.read(stamp), Split.read(split), read_summary(target)
    if summary["members"]["sha256"] != samples.member_hash:
        raise SimauditError(
            f"{target}: was trained on other members than those of {split}; train it again, or score it with the "
            f"split it was trained on ({summary['members']['split']})"
        )
    attack = attack_types()[output.stem].model_validate(job.params["attack"])
    scoring = ScoringKnobs.model_validate(job.params["scoring"])
    device = resolve_device(scoring.device)
    write_scores(
        output,
        attack,
        families()[summary["kind"]].load(target, device),
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
            "split_sha256": sha256_file(split),
            "params": attack.model_dump_json(),
            "device": device.type,
            "dtype": "float32",
        },
    )


@simaudit.command()
@click.option(
    "--scores", "score_files", type=FILE, multiple=True, required=True, help="A score file; repeatable."
)
@click.option("--table", type=FILE, required=True, help="Where every metric goes, Parquet.")
@click.option("--summary", type=FILE, required=True, help="Where the selected rows go, JSON.")
def evaluate(score_files: tuple[Path, ...], table: Path, summary: Path) -> None:
    """Measure every attack on one target; choose knobs on calibration, report on evaluation."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from simaudit.evaluation.evaluate import SCHEMA, evaluate, summarise
    from simaudit.files import atomic_path, write_json
    from simaudit.scores import Scores

    rows = evaluate([Scores.read(path) for path in score_files])
    with atomic_path(table) as temporary:
        pq.write_table(pa.Table.from_pandas(rows, schema=SCHEMA, preserve_index=False), temporary)
    write_json(summary, {"target": summary.stem, "attacks": summarise(rows)})


@simaudit.command()
@click.argument("name")
@stamp_option
@click.option("--evaluation", type=FILE, required=True, help="The target's evaluation table, Parquet.")
@click.option(
    "--scores", "score_files", type=FILE, multiple=True, required=True, help="A score file; repeatable."
)
@click.option(
    "--output", "outputs", type=FILE, multiple=True, required=True, help="A .pdf or .png; repeatable."
)
def figure(
    name: str, stamp: Path, evaluation: Path, score_files: tuple[Path, ...], outputs: tuple[Path, ...]
) -> None:
    """Draw the figure NAME of one target."""
    from simaudit.figures import Evidence, figure_types, style
    from simaudit.provenance.stamps import Stamp

    drawing = figure_types()[name].model_validate(Stamp.read(stamp).params)
    picture = drawing.draw(Evidence.read(evaluation.stem, evaluation, list(score_files)))
    for output in outputs:
        style.save(picture, output)


def _params(files: tuple[Path, ...]) -> Any:
    from simaudit.params import merge, parse

    return parse(merge(files), files)


def main() -> None:
    """Run the command line. A SimauditError is one line and exit code 2; anything else is a bug with its traceback."""
    try:
        simaudit.main(standalone_mode=False)
    except SimauditError as error:
        log.error(str(error))
        sys.exit(EXIT_REFUSED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
