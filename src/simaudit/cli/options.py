"""Options that several verbs have, and their types."""

from pathlib import Path

import click

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)

stamp_option = click.option(
    "--params", "stamp", type=FILE, required=True, help="The job's stamp (results/params/…)."
)
images_option = click.option("--images", type=FILE, required=True, help="Prepared images, .npy.")
split_option = click.option("--split", type=FILE, required=True, help="The member split, Parquet.")
threads_option = click.option(
    "--threads", type=click.IntRange(1), default=1, help="CPU threads for the model."
)
scores_option = click.option(
    "--scores", "score_files", type=FILE, multiple=True, required=True, help="A score file; repeatable."
)
results_option = click.option(
    "--results", type=FOLDER, default=Path("results"), show_default=True, help="The folder of all results."
)
config_option = click.option(
    "--config",
    "files",
    type=FILE,
    multiple=True,
    default=("params.yaml",),
    help="params.yaml, then any overlays.",
)
