"""Pictures and a list of members of a user's own: from files to the report, and what a change runs again."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from simaudit.data.sources.photos import Photos
from simaudit.storage.pictures import levels

pytestmark = pytest.mark.workflow

EXPERIMENT = """
datasets:
  own: {source: folder, path: data/raw/my pictures}
splits:
  own: {dataset: own, members: {file: data/raw/members.csv, unlisted: unused}}
targets:
  own-ddpm: {like: digits-ddpm, split: own, training: {intermediate_epochs: []}}
audits:
  own-ddpm: {attacks: [sima], figures: [samples]}
figures:
  nearest_pairs: {}
theory: {split: own}
"""
FOLDER = "my own"
RUN = ("--configfile", "own.yaml", "--directory", FOLDER)
SIDE = 70  # members, and held-out pictures; one more is a member, brightened


@pytest.fixture(scope="module")
def own(module_clone):
    """A clone with pictures without labels, a list that does not name all of them, and the results of their run."""
    raw = module_clone.path / FOLDER / "data/raw"
    pictures = raw / "my pictures"
    pictures.mkdir(parents=True)
    pixels = [levels(item.pixels).transpose(1, 2, 0) for item in Photos(source="photos").items()][500::7]
    busiest = max(pixels[:SIDE], key=np.std)  # a copy of a smooth one would look like many others
    pixels = [*pixels[: 2 * SIDE + 9], (busiest * 0.97).astype(np.uint8)]
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(pictures / f"{number:03}.PNG")
    roles = {number: "member" if number < SIDE else "held-out" for number in (*range(2 * SIDE), 2 * SIDE + 9)}
    rows = "".join(f"{number:03}.PNG,{role}\n" for number, role in roles.items())
    (raw / "members.csv").write_text(f"file,role\n{rows}")
    (module_clone.path / "own.yaml").write_text(EXPERIMENT)
    module_clone.snakemake(*RUN)
    return module_clone


@pytest.fixture
def again(own, tmp_path):
    """The same, to change at will."""
    return own.copy(tmp_path / "again")


def numbers(repository):
    return json.loads((repository.path / FOLDER / "results/numbers.json").read_text())


def test_pictures_without_labels_are_audited_and_the_near_copy_is_counted_and_left_out(own):
    found = numbers(own)
    assert found["own.near_duplicates.found"]["value"] >= 1
    assert found["own.near_duplicates.heldout"]["value"] == SIDE + 1
    quality = json.loads((own.path / FOLDER / "results/evaluation/quality/own-ddpm.json").read_text())
    assert quality["features"] == "pca"
    assert (own.path / FOLDER / "results/figures/run/nearest_pairs.png").exists()
    assert own.due(*RUN) == set()


def test_the_run_agrees_with_itself_and_its_numbers_lead_to_the_raw_files(own):
    done = own.run("sh", "-c", f"cd '{FOLDER}' && simaudit verify --all && simaudit trace own-ddpm.sima.auc")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "given data/raw/members.csv" in done.stdout
    assert "given data/raw/my pictures/000.PNG" in done.stdout


def test_raw_files_may_be_elsewhere_afterwards_and_a_changed_list_draws_the_split_again(again):
    raw = again.path / FOLDER / "data/raw"
    shutil.rmtree(raw / "my pictures")
    assert again.due(*RUN) == set()
    text = (raw / "members.csv").read_text()
    (raw / "members.csv").write_text(text.replace("000.PNG,member\n", ""))
    assert {"split/own", "score/own-ddpm"} <= again.due(*RUN)
    assert "prepare/own" not in again.due(*RUN)
