"""Evaluated targets whose leak is known, as fixtures; what they are made of is in auditing.py."""

import pytest
from auditing import Audit, SmallRun, new_audit
from browsing import chromium


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The test runs in a folder of its own, which is empty."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def audit(tmp_path) -> Audit:
    """See `new_audit`."""
    return new_audit(tmp_path)


@pytest.fixture(scope="module")
def module_audit(tmp_path_factory) -> Audit:
    """One that a module's tests share: copy what is in it before changing anything."""
    return new_audit(tmp_path_factory.mktemp("audit"))


@pytest.fixture(scope="session")
def small_run(tmp_path_factory) -> SmallRun:
    """Two seeds of one target, a latent one that is held against it, and an untrained control. Shared: read only."""
    audit = new_audit(tmp_path_factory.mktemp("small-run"))
    blind = audit.blind()
    targets = [
        audit.evaluate("net", {"sima": 2, "loss": 1}, group="net"),
        audit.evaluate("net-seed1", {"sima": 2, "loss": 1}, group="net"),
        audit.evaluate(
            "other", {"sima": 1, "loss": 0, "distortion": 0, "reconstruction": 1}, reference="net"
        ),
        audit.evaluate("raw", {"sima": 0}, control="untrained"),
    ]
    arms = {"net": {"beta": 0.01, "adversarial": False}, "other": {"beta": 0.0, "adversarial": True}}
    return SmallRun.of(audit, targets, blind, arms)


@pytest.fixture(scope="module")
def browser():
    """See `chromium`."""
    with chromium() as browser:
        yield browser
