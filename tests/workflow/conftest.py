"""Repositories in temporary folders, as fixtures; what they can do is in repositories.py."""

import fcntl
import os

import pytest
from repositories import Repository, checkout


@pytest.fixture
def fresh(tmp_path) -> Repository:
    """A fresh clone: no results."""
    return checkout(tmp_path / "fresh")


@pytest.fixture(scope="module")
def module_clone(tmp_path_factory) -> Repository:
    """A fresh clone that a module's tests share."""
    return checkout(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Repository:
    """A clone after `snakemake --cores all`: run once for all processes of the tests, and each has a copy of its own,
    so that none sees what another does in it. Copy it before changing it."""
    own = shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = own.parent  # all workers'
    done = shared / "finished.done"
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            checkout(shared / "finished").snakemake()
            done.touch()
    return Repository(shared / "finished").copy(own / "finished-copy")


@pytest.fixture
def results(finished, tmp_path) -> Repository:
    """A clone with all results, to change at will."""
    return finished.copy(tmp_path / "results")
