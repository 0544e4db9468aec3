"""The lines that a run ends with."""

import pytest

from simaudit.report.summary import summary
from simaudit.storage.json import write_json
from simaudit.vocabulary.errors import SimauditError


def number(value, low, high):
    return {"value": value, "low": low, "high": high, "tail_too_small": False}


def numbers_of(target, **attacks):
    """The ledger's numbers of a target: by attack, its AUC on the calibration fold and on the evaluation fold."""
    ledger = {}
    for attack, (calibration, evaluation) in attacks.items():
        ledger[f"{target}.{attack}.calibration_auc"] = number(calibration, None, None)
        ledger[f"{target}.{attack}.auc"] = number(*evaluation)
    return ledger


@pytest.fixture
def results(tmp_path):
    """Writes a finished run: its controls as (kind, passed), the verdicts, and numbers of two targets."""

    def write(controls, verdicts):
        content = [{"kind": kind, "of": "s", "passed": passed, "failed_on": []} for kind, passed in controls]
        write_json(tmp_path / "comparison/controls.json", {"controls": content, "verdicts": verdicts})
        # PIA is best on the calibration fold, where the attack is chosen, and not on the evaluation fold.
        ledger = numbers_of("a", sima=(0.6, (0.95, 0.94, 0.96)), pia=(0.9, (0.931, 0.915, 0.948)))
        write_json(tmp_path / "numbers.json", ledger | numbers_of("b", sima=(0.6, (0.61, 0.58, 0.64))))
        return tmp_path

    return write


def test_the_page_the_controls_and_the_highest_auc(results):
    folder = results([("blind", True), ("optimal", True)], {"a": "leaks", "b": "leaks"})
    assert summary(folder).splitlines() == [
        f"Report: {folder}/report/index.html   (open it in a browser)",
        "2 of 2 controls passed. 2 of 2 audited targets leak; highest: a, AUC 0.931 [0.915, 0.948] (PIA)",
    ]


def test_other_verdicts_are_counted(results):
    text = summary(results([("blind", True)], {"a": "no leak found", "b": "shifted"}))
    assert "0 of 2 audited targets leak (1 no leak found, 1 shifted); highest: a," in text


def test_a_failed_control_comes_before_the_verdicts(results):
    text = summary(results([("blind", False), ("optimal", True)], {"a": "leaks"}))
    assert "1 of 2 controls passed. FAILED: blind of s; do not rely on the verdicts. 1 of 1" in text


def test_a_run_of_controls_alone_has_no_verdicts(results):
    assert summary(results([("blind", True)], {})).endswith("\n1 of 1 controls passed.")


def test_a_missing_file_is_named(results):
    folder = results([("blind", True)], {"a": "leaks"})
    (folder / "numbers.json").unlink()
    with pytest.raises(SimauditError, match=r"numbers\.json: missing"):
        summary(folder)
