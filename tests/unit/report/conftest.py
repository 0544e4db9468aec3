"""The small run with figures, tables and page."""

import pytest
from reporting import FIGURES, REASON, Reported, report_on


@pytest.fixture(scope="session")
def reported(small_run) -> Reported:
    """The small run, with real pictures of one target and reasons why others are not drawn. Shared: read only."""
    return report_on(
        small_run,
        {
            "run": {},
            "net": dict.fromkeys(FIGURES),
            "net-seed1": {"roc_loglog": REASON},
            "other": {"roc_loglog": REASON, "statistic_histogram": None},
            "raw": {},
        },
        trainings={"net": {"epochs": 1}, "other": {"autoencoder": {"members": "unverified"}}},
        split={"allow_duplicates": True},
    )
