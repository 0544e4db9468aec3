"""Files are whole or absent, also when two processes write the same one."""

import os
import subprocess
import sys

import pytest

from simaudit.storage.atomic import atomic_path
from simaudit.storage.json import canonical_json


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    with atomic_path(path) as temporary:
        temporary.write_text("all of it")
        assert not path.exists()
    assert path.read_text() == "all of it"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write_half():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_replaces_a_directory(tmp_path):
    path = tmp_path / "target"
    path.mkdir()
    (path / "stale").touch()
    with atomic_path(path) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
    assert [file.name for file in path.iterdir()] == ["new"]


def test_what_a_killed_process_left_is_cleared_and_what_a_living_one_writes_is_not(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f".file.txt.{dead.pid}.partial"
    living = tmp_path / f".file.txt.{os.getppid()}.partial"
    left.touch()
    living.touch()
    with atomic_path(tmp_path / "file.txt") as temporary:
        temporary.touch()
    assert not left.exists()
    assert living.exists()


def test_equal_values_have_one_text():
    assert canonical_json({"b": 1, "a": [1.5, "é"]}) == canonical_json({"a": [1.5, "é"], "b": 1})
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))
