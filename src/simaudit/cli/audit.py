"""The subcommand for the owner of a model: is it leaking its training set?"""

import sys
from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)
no_records_option = click.option(
    "--no-records",
    is_flag=True,
    help="Leave pictures, names and numbers of single samples, and names of groups, out of the page, so that it can be "
    "shared. The other files in the folder still have them.",
)


@click.command()
@click.option(
    "--model",
    type=PATH,
    required=True,
    metavar="DIR",
    help="The folder in which diffusers saved the model. Nothing in it is changed, copied or run.",
)
@click.option(
    "--images",
    type=PATH,
    required=True,
    metavar="DIR",
    help="A folder of pictures, at any depth: those that the model was trained on, and others of the same kind.",
)
@click.option(
    "--members",
    type=PATH,
    required=True,
    metavar="FILE",
    help="Who is a member: a table (.csv, .tsv, .jsonl, .parquet) with the columns file and role (member or heldout), "
    "and perhaps fold (calibration or evaluation), group and label; or SecMI's .npz of index arrays. Pictures that it "
    "does not name are not used.",
)
@click.option(
    "--output",
    type=PATH,
    metavar="DIR",
    help="The folder of the audit; audit-<name of the model's folder> if not given. The same command goes on there "
    "where it was stopped; with other attacks it reuses what is there.",
)
@click.option(
    "--attacks",
    metavar="LIST",
    default="",
    help="Names with commas between them, or all. Without it, those that ask the model least: sima, sima_av (its "
    "antithetic pair), pia and loss, with complexity and complexity_av, which ask it nothing more.",
)
@click.option(
    "--limit",
    type=click.IntRange(2, 10_000_000),
    metavar="N",
    help="Use at most N images of the list, drawn at random, and read no others; the share of members stays what it "
    "is, and images of one group are drawn together or not at all. drawn.csv in the folder of the audit names them.",
)
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be done, and write nothing.")
@click.option(
    "--fail-above",
    metavar="METRIC=VALUE",
    multiple=True,
    help="Exit with code 3 where the metric is above the value: that of the attack which does best on the calibration "
    "fold, measured on the evaluation fold; the number itself counts, and not its interval. Such as "
    "tpr_at_1pct_fpr=0.05 or auc=0.6. Repeatable.",
)
@click.option("--resize", is_flag=True, help="Cut larger images to the model's shape and size.")
@click.option(
    "--enlarge", is_flag=True, help="The same, and enlarge smaller ones, which can be told by their blur."
)
@click.option("--colour", is_flag=True, help="Turn images into grey or RGB ones, as the model takes them.")
@click.option(
    "--background",
    type=click.Choice(["white", "black"]),
    help="What is behind pixels that are not opaque; images that have some are refused without it.",
)
@click.option("--allow-missing", is_flag=True, help="Leave out entries of the list that name no image.")
@click.option(
    "--network",
    type=click.Choice(["unet", "unet_ema", "transformer"]),
    help="The folder of the network, where the model has several.",
)
@click.option(
    "--scheduler", type=PATH, metavar="FILE", help="A scheduler_config.json, for a model that comes without."
)
@click.option(
    "--empty-class",
    type=click.IntRange(0, 1_000_000),
    metavar="N",
    help="The class that stands for none of them, of a UNet2DModel of classes: it is asked for that one where the list "
    "has no labels.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the model runs; auto takes cuda, then mps, then the cpu.",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "tf32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="What the network computes in; tf32 and bfloat16 are faster on a GPU, and the report says what they change.",
)
@no_records_option
@click.option("--cores", type=click.IntRange(1), metavar="N", help="CPU cores to use; all if not given.")
def audit(
    attacks: str,
    output: Path | None,
    cores: int | None,
    fail_above: tuple[str, ...],
    dry_run: bool,
    **asked: Any,
) -> None:
    """Audit a diffusion model that you trained: does it give away which images it was trained on?

    The model, the images and the list of members are checked first, and all that is wrong is said at once. Then the
    attacks run, with their controls. The verdict is printed; the folder of the audit holds the report, scores.csv with
    a number for each image and attack (higher: more like a member), and the params.yaml that repeats the audit.

    Exit code: 0; 3 where a metric is above --fail-above; 2 where the question cannot be answered as it is asked; 1
    where a job failed, whose log is named.
    """
    from simaudit.audit.question import Question
    from simaudit.audit.run import audit as answer

    names = tuple(name.strip() for name in attacks.split(",") if name.strip())
    question = Question(attacks=names, **asked)
    sys.exit(answer(question, output or question.default_output, cores, fail_above, dry_run, click.echo))


@click.command()
@click.argument("folder", type=PATH, metavar="DIR")
@click.option(
    "--epochs",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Train for so many epochs, 350 if not given: the leak grows with them.",
)
def example(folder: Path, epochs: int | None) -> None:
    """Write a small complete case into DIR, to try `simaudit audit` on: images, a list of members, and a model.

    The images are digits of scikit-learn, and the model is trained on those that are members, in about a minute.
    Nothing is downloaded. DIR must be new or empty.
    """
    from simaudit.audit.example import write_example

    write_example(folder, epochs)
    click.echo(f"{folder} is ready; what to type next: {folder / 'README.txt'}")
