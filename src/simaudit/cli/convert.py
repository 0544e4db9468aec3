"""The subcommand that turns a checkpoint of another code base into a folder that can be audited."""

from pathlib import Path

import click


@click.command()
@click.argument("kind", metavar="FORMAT")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "--flagfile",
    type=click.Path(path_type=Path),
    help="The flags of the training, one --name=value per line: what the weights do not tell.",
)
@click.option("--weights", "name", metavar="NAME", help="Which weights of the file; pytorch-ddpm: ema_model.")
@click.option(
    "--output", type=click.Path(path_type=Path), required=True, help="A folder that does not exist yet."
)
def convert(kind: str, checkpoint: Path, flagfile: Path | None, name: str | None, output: Path) -> None:
    """Write a checkpoint of FORMAT (pytorch-ddpm or guided-diffusion) as a folder that diffusers loads."""
    from simaudit.targets.convert.convert import convert as write

    written = write(kind, checkpoint, flagfile, name, output)
    of = f"{written.chosen} of {checkpoint}" if written.chosen else str(checkpoint)
    click.echo(
        f"{output}: {of} as a {written.network} with {written.parameters:,} parameters and {written.timesteps} "
        "timesteps; every weight was read back and is the same",
        err=True,
    )
