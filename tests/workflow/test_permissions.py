"""A folder that must not be written, as Snakemake meets it: one line before any job starts, and exit code 2."""

import re

import pytest

from permissions import RULED

pytestmark = pytest.mark.workflow

SPLIT = ("snakemake", "--cores", "1", "data/splits/digits-300.parquet")
OF_SNAKEMAKE = ("Using workflow specific profile", "Building DAG", "Jobs to run")
"""How the lines begin that come before."""


@pytest.mark.parametrize("folder", ["data", "results"])
def test_a_folder_that_must_not_be_written_is_named_before_the_first_job(module_clone, locked, folder):
    path = module_clone.path / folder
    path.mkdir(exist_ok=True)
    locked(path, 0o555)
    done = module_clone.run(*RULED, *SPLIT)
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith(OF_SNAKEMAKE)]
    assert re.fullmatch(
        f"{folder}/.*: permission denied; change its permissions, or those of its folder", line
    )


def test_the_same_command_goes_on_once_the_folder_may_be_written(module_clone):
    for folder in ("data", "results"):
        (module_clone.path / folder).mkdir(exist_ok=True)
    assert module_clone.run(*RULED, *SPLIT).returncode == 0
