"""The small run with figures, tables and page."""

import pytest
from reporting import REPORTED, Reported, report_on


@pytest.fixture(scope="session")
def reported(small_run) -> Reported:
    """The small run, with real pictures of one target and reasons why others are not drawn. Shared: read only."""
    return report_on(
        small_run,
        REPORTED,
        trainings={"net": {"epochs": 1}, "other": {"autoencoder": {"members": "unverified"}}},
        split={"allow_duplicates": True},
    )
