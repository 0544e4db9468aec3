"""Repositories in temporary folders, as fixtures; what they can do is in repositories.py."""

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


@pytest.fixture(scope="module")
def finished(module_clone) -> Repository:
    """A clone after `snakemake --cores all`. Shared: copy it before changing anything."""
    module_clone.snakemake()
    return module_clone


@pytest.fixture
def results(finished, tmp_path) -> Repository:
    """A clone with all results, to change at will."""
    return finished.copy(tmp_path / "results")
