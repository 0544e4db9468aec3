"""What a report says of the model's own samples."""

from auditing import SmallRun

from simaudit.figures.printed import estimate, fill
from simaudit.report.outcome import own_samples_lines
from simaudit.report.tables.every import target_tables
from simaudit.storage.json import write_json
from simaudit.vocabulary import paths


def run_with(audit, shares):
    """A run of one target, whose attacks accuse these shares of its samples."""
    blind = audit.blind()
    target = audit.evaluate("net", {"sima": 2, "loss": 1})
    accused = {
        name: {"own_samples": {"accused": {"value": share, "low": share / 2, "high": 1.0}}}
        for name, share in shares.items()
    }
    file = audit.path / paths.TARGET_FILES["own_samples"].format(target="net")
    write_json(file, {"target": "net", "own_samples": {"drawn": 60}, "attacks": accused})
    return SmallRun.of(audit, [target], blind)


def table_of(findings):
    (table,) = (table for table in target_tables(findings, "net") if table.name == "own_samples")
    return table


def test_each_attack_that_was_asked_has_a_row_with_members_and_held_out_images_beside(audit):
    findings = run_with(audit, {"sima": 0.875}).findings
    table = table_of(findings)
    assert table.rows == (
        ("sima", "net.sima.own_samples.accused", "net.sima.transferred.tpr", "net.sima.transferred.fpr"),
    )
    assert all(cell in findings.ledger for cell in table.rows[0][1:])
    assert "[[#net.own_samples.drawn]] images" in table.caption


def test_the_last_lines_of_a_run_say_it_of_the_best_attack(audit):
    run = run_with(audit, {"sima": 0.875, "loss": 0.125})
    findings = run.findings
    members = estimate(findings.ledger.number("tpr", "net", "sima", "transferred"))
    line = (
        "SimA at its threshold of 1 % FPR accuses 0.875 [0.438, 1.000] of the model's own samples, none of which is a "
        f"member, and {members} of the members."
    )
    assert line in run.verdict()["lines"]
    (said,) = own_samples_lines(findings.ledger, "net", "sima")
    assert fill(said, findings.ledger) == line


def test_where_no_attack_was_asked_there_is_no_line_and_the_table_says_why(audit):
    findings = run_with(audit, {}).findings
    assert own_samples_lines(findings.ledger, "net", "sima") == []
    assert table_of(findings).absent
