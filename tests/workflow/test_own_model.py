"""A model of a user's own in a folder: scored there, looked at again when it changes, and never removed."""

import shutil

import pytest
import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

pytestmark = pytest.mark.workflow

EXPERIMENT = """
targets:
  theirs: {kind: checkpoint, split: digits-300, path: models/theirs}
audits:
  theirs: {attacks: [sima]}
"""
SCORES = "results/scores/theirs/sima.parquet"


def save(folder, seed):
    """Save a small model of digits, with weights from a seed."""
    sizes = {
        "sample_size": 8,
        "in_channels": 1,
        "out_channels": 1,
        "norm_num_groups": 4,
        "layers_per_block": 1,
    }
    blocks = {"block_out_channels": [8], "down_block_types": ["DownBlock2D"], "up_block_types": ["UpBlock2D"]}
    torch.manual_seed(seed)
    DDPMPipeline(UNet2DModel(**sizes, **blocks), DDPMScheduler()).save_pretrained(folder)


def test_a_model_is_scored_where_it_lies_until_it_changes_and_may_be_elsewhere_afterwards(results):
    model = results.path / "models/theirs"
    save(model, seed=0)
    (results.path / "theirs.yaml").write_text(EXPERIMENT)
    before = {
        file: (file.read_bytes(), file.stat().st_mtime_ns) for file in model.rglob("*") if file.is_file()
    }
    asked = ("--configfile", "theirs.yaml", "--", SCORES)
    done = results.snakemake(*asked)
    assert "Loading" not in done.stdout + done.stderr
    assert {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in before} == before
    assert results.due(*asked) == set()
    model.rename(results.path / "elsewhere")
    assert results.due(*asked) == set()
    save(model, seed=1)
    assert results.due(*asked) == {"train/theirs", "score/theirs"}


def test_a_model_in_a_targets_place_is_refused_and_stays(fresh):
    place = fresh.path / "results/targets/digits-ddpm"
    save(fresh.path / "mine", seed=0)
    shutil.copytree(fresh.path / "mine", place)
    files = {file: file.read_bytes() for file in place.rglob("*") if file.is_file()}
    done = fresh.run("snakemake", "--cores", "1", "results/targets/digits-ddpm/training.json")
    [line] = [line for line in done.stderr.splitlines() if "digits-ddpm" in line]
    assert line.startswith(
        "params.yaml: targets.digits-ddpm: results/targets/digits-ddpm: holds files that no job of"
    )
    assert done.returncode == 2
    assert {file: file.read_bytes() for file in place.rglob("*") if file.is_file()} == files
