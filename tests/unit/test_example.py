"""simaudit example: a case that is whole, the same each time, and written nowhere but into a new folder."""

import csv
from pathlib import Path

import numpy as np
import pytest
from calling import assert_refused, call
from PIL import Image
from sklearn.datasets import load_digits

from permissions import RULED
from simaudit.audit.example import MEMBERS, write_example
from simaudit.storage.hashes import sha256_file
from simaudit.targets.checkpoint.inspect import inspect
from simaudit.targets.families.ddpm import DDPM
from simaudit.vocabulary.errors import SimauditError


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): sha256_file(path) for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """The case after one epoch, by the command line."""
    here = tmp_path_factory.mktemp("here")
    done = call("example", "a case", "--epochs", 1, cwd=here)
    assert done.returncode == 0, done.stderr
    assert "a case/README.txt" in done.stdout
    assert [path.name for path in here.iterdir()] == ["a case"]
    return here / "a case"


def test_the_images_are_the_digits_and_the_list_names_each_of_them(case):
    digits = load_digits()
    rows = list(csv.DictReader((case / "members.csv").open()))
    assert [row["file"] for row in rows] == sorted(path.name for path in (case / "images").iterdir())
    assert [int(row["label"]) for row in rows] == digits.target.tolist()
    assert [row["role"] for row in rows].count("member") == MEMBERS
    assert {row["role"] for row in rows} == {"member", "heldout"}
    for row, digit in zip(rows[::100], digits.images[::100], strict=True):
        assert row["file"].endswith(f"digit-{row['label']}.png")
        picture = np.asarray(Image.open(case / "images" / row["file"]))
        assert np.abs(picture / 255 - digit / 16).max() <= 0.5 / 255 + 1e-9


def test_the_model_can_be_audited_and_nothing_else_is_left(case):
    assert inspect(case / "model").shape == (1, 8, 8)
    assert {path.name for path in case.iterdir()} == {"README.txt", "images", "members.csv", "model"}


def test_the_same_command_gives_the_same_case(case, tmp_path):
    write_example(tmp_path / "again", epochs=1)
    assert files_of(tmp_path / "again") == files_of(case)


def test_the_model_is_trained_on_those_that_the_list_calls_members(tmp_path, monkeypatch):
    trained = {}

    def train(self, images, split, checkpoints, identity, output):
        trained["images"] = images[split.member_ids]
        output.mkdir()

    monkeypatch.setattr(DDPM, "train", train)
    write_example(tmp_path / "case")
    rows = csv.DictReader((tmp_path / "case/members.csv").open())
    members = [row["file"] for row in rows if row["role"] == "member"]
    pictures = [np.asarray(Image.open(tmp_path / "case/images" / name)) for name in members]
    np.testing.assert_allclose(trained["images"][:, 0], np.stack(pictures) / 127.5 - 1, atol=1e-6)


def test_what_is_stopped_while_it_trains_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(DDPM, "train", stop)
    with pytest.raises(KeyboardInterrupt):
        write_example(tmp_path / "case")
    assert list(tmp_path.iterdir()) == []


def test_files_that_come_while_it_trains_are_kept(tmp_path, monkeypatch):
    def train(*_):
        (tmp_path / "case").mkdir()
        (tmp_path / "case/mine.txt").touch()

    monkeypatch.setattr(DDPM, "train", train)
    with pytest.raises(SimauditError, match="is not empty"):
        write_example(tmp_path / "case")
    assert [path.name for path in (tmp_path / "case").iterdir()] == ["mine.txt"]


def test_a_folder_that_is_not_empty_is_refused(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").touch()
    with pytest.raises(SimauditError, match="full: is not empty; name a new folder"):
        write_example(tmp_path / "full")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("file", "file is a file; name a new folder"),
        ("file/case", "^file/case: .*file is a file"),
        ("empty", "is the folder that you are in"),
    ],
)
def test_what_can_be_no_new_folder_is_refused(tmp_path, monkeypatch, name, words):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty" if name == "empty" else tmp_path)
    with pytest.raises(SimauditError, match=words):
        write_example(Path("." if name == "empty" else name))


def test_a_folder_that_must_not_be_written_is_refused(tmp_path, locked):
    locked(tmp_path, 0o500)
    assert_refused(call("example", "case", cwd=tmp_path, before=RULED), "case: permission denied")
