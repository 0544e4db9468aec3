"""The tables: their numbers are the ledger's and no others, and their three forms say the same."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from auditing import SmallRun

from simaudit.evaluation.numbers import Ledger, Number
from simaudit.figures.legend import look
from simaudit.figures.printed import count, estimate, fill
from simaudit.report import outcome
from simaudit.report.findings import Findings
from simaudit.report.outcome import set_line
from simaudit.report.tables import of_run as run_tables
from simaudit.report.tables.controls import controls
from simaudit.report.tables.every import every_table, target_tables
from simaudit.report.tables.forms import escape, latex, markdown, write
from simaudit.report.tables.table import Column, Table
from simaudit.vocabulary.variant import variant_label

RANGE = re.compile(r"(-?\d+\.\d{3}) \[(-?\d+\.\d{3}), (-?\d+\.\d{3})\](†?)")


def in_markdown(text):
    """The rows of a pipe table, its head first."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return [rows[0], *rows[2:]]


def in_latex(text):
    """The rows of a tabular, its head first, as a reader sees them in print."""
    body = text.split("\\toprule\n")[1].split("\\bottomrule")[0].replace("\\midrule\n", "")
    for written, printed in (
        ("$^{\\dagger}$", "†"),
        ("$-$", "-"),
        ("$\\beta$", "β"),
        ("$\\varepsilon$", "ε"),
        ("--", "–"),
        ("\\_", "_"),
        ("\\%", "%"),
    ):
        body = body.replace(written, printed)
    body = re.sub(r"\{\\footnotesize ([^}]*)\}", r"\1", body)
    return [line.removesuffix(" \\\\").split(" & ") for line in body.splitlines()]


def tables_of(findings, target="net"):
    """The tables of one target by name."""
    return {table.name: table for table in target_tables(findings, target)}


def read(folder, of, name):
    """The rows of a table's CSV file by the name of the column."""
    with (folder / of / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def folder(small_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    write(every_table(small_run.findings), small_run.findings.ledger, folder)
    return folder


def test_a_cell_cannot_hold_a_number_that_is_no_id():
    columns = (Column("attack", "attack"), Column("auc", "AUC", "estimate"))
    for number in ("0.9", "-3", "12 %", "1e-3", " 7"):
        with pytest.raises(ValueError, match="must be an id of the ledger"):
            Table("t", "T", "", columns, ((number, "net.sima.auc"),))
    Table("t", "T", "", columns, (("n=10,l2", "net.sima.auc"),))


def test_no_two_columns_of_a_file_have_one_name():
    """Files add a column `members`, which says how the members are known."""
    for key in ("attack", "members"):
        columns = (Column("attack", "attack"), Column(key, "another", "estimate"))
        with pytest.raises(ValueError, match="two columns of its file would have one name"):
            Table("t", "T", "", columns, (("sima", "net.sima.auc"),))


def test_a_table_without_rows_must_say_why():
    with pytest.raises(ValueError, match="a reason why not"):
        Table("t", "T", "", (Column("a", "a"),), ())


def test_the_three_forms_agree_in_every_cell(small_run, folder):
    compared = 0
    for of, table in every_table(small_run.findings):
        if not table.rows:
            continue
        texts = {suffix: (folder / of / f"{table.name}.{suffix}").read_text() for suffix in ("md", "tex")}
        plain, printed = in_markdown(texts["md"]), in_latex(texts["tex"])
        assert plain == printed, (of, table.name)
        for row, fields in zip(plain[1:], read(folder, of, table.name), strict=True):
            for column, cell in zip(table.columns, row, strict=True):
                field = fields[column.key]
                if column.holds == "words":
                    assert (look(field).name if column.is_attack else field) == cell
                elif column.holds == "count":
                    assert (field or "–") == "–" or float(field) == pytest.approx(float(cell), rel=1e-3)
                elif field and not fields[f"{column.key}_low"]:
                    # a paper's, or one of too small a tail
                    mark = "" if column.is_marked else fields[f"{column.key}_mark"]
                    assert cell == f"{float(field):.4g}{mark}"
                elif field:
                    limits = [float(fields[f"{column.key}_{limit}"]) for limit in ("low", "high")]
                    expected = [
                        f"{number:.3f}".replace("-0.000", "0.000") for number in (float(field), *limits)
                    ]
                    *found, mark = RANGE.fullmatch(cell).groups()
                    assert [*found, mark] == [
                        *expected,
                        "" if column.is_marked else fields[f"{column.key}_mark"],
                    ]
                    assert fields[f"{column.key}_mark"] or not column.is_marked
                    compared += 1
                else:
                    assert cell == column.missing
    assert compared > 150


def test_every_number_in_csv_has_an_id_that_leads_to_it(small_run, folder):
    numbers = json.loads((small_run.audit.path / "numbers.json").read_text())
    found = 0
    for path in folder.rglob("*.csv"):
        for row in read(folder, path.parent.name, path.stem):
            for key in [key for key in row if f"{key}_id" in row and row[key]]:
                number = numbers[row[f"{key}_id"]]
                assert float(row[key]) == number["value"]
                if f"{key}_low" in row:
                    assert row[f"{key}_low"] == ("" if number["low"] is None else repr(number["low"]))
                found += 1
    assert found > 150


def test_the_main_table_shows_what_the_evaluation_wrote(small_run, folder):
    summary = json.loads((small_run.audit.path / "evaluation/net.json").read_text())
    rows = {row["attack"]: row for row in read(folder, "net", "attacks")}
    assert set(rows) == {"sima", "loss"}
    for attack, facts in summary["attacks"].items():
        selected = facts["selected"]
        assert rows[attack]["variant"] == variant_label(selected["variant"])
        assert float(rows[attack]["timestep"]) == selected["timestep"]
        assert float(rows[attack]["auc"]) == selected["auc"]["value"]
        assert float(rows[attack]["oracle_auc"]) == facts["oracle"]["auc"]["value"]
        assert float(rows[attack]["tpr_at_0.1pct_fpr_high"]) == selected["tpr_at_0.1pct_fpr"]["high"]
        assert rows[attack]["tpr_at_0.1pct_fpr_mark"] == "†"
    assert "72 members, 108 held-out samples" in (folder / "net/attacks.md").read_text()


@pytest.mark.parametrize(
    ("value", "printed"), [(25000, "25000"), (3, "3"), (12.5, "12.5"), (25000.5, "2.5e+04")]
)
def test_a_whole_number_is_printed_in_full(value, printed):
    assert (
        count(Number("t", None, "members", None, value, value, value, "samples", "a.json", "/", "0"))
        == printed
    )


def test_a_small_tail_is_explained_under_the_table(folder):
    for suffix in ("md", "tex"):
        assert "fewer than 10 false positives" in (folder / f"net/attacks.{suffix}").read_text()
        assert "fewer than 10 false positives" not in (folder / f"net/permutation.{suffix}").read_text()


def test_autoencoders_stand_by_arm_and_beta_with_the_mean_over_their_seeds(small_run, folder):
    ledger = small_run.findings.ledger
    standard, adversarial = in_markdown((folder / "run/autoencoders.md").read_text())[1:]
    assert standard[:3] == ["standard", "β = 0.01", "net, net-seed1"]
    assert standard[3:5] == [estimate(ledger.numbers["net.sima.mean_over_seeds.auc"]), "–"]
    assert adversarial[:3] == ["adversarial", "β = 0", "other"]
    assert adversarial[4] == estimate(ledger.numbers["other.reconstruction.auc"]) != "–"
    assert adversarial[6] == estimate(ledger.numbers["other.frechet.to_heldout"]) != "–"


def test_a_frechet_distance_says_what_it_is_measured_in(folder):
    assert {row["measured"] for row in read(folder, "run", "quality")} == {"in components"}
    assert "Fréchet distances are measured in components." in (folder / "run/autoencoders.md").read_text()


def test_what_is_known_of_latent_targets_is_in_their_tables(small_run, folder):
    ledger = small_run.findings.ledger
    quarters = {row["attack"]: row for row in read(folder, "other", "by_distortion")}
    assert float(quarters["sima"]["q3"]) == ledger.numbers["other.sima.by_distortion.q3"].value
    (errors,) = read(folder, "other", "reconstruction_error")
    assert float(errors["of_heldout"]) == ledger.numbers["other.reconstruction_error.v.of_heldout"].value
    assert not (folder / "net/reconstruction_error.csv").exists()
    assert "needs an autoencoder" in tables_of(small_run.findings)["reconstruction_error"].absent


def test_targets_are_held_against_their_reference_and_ranked(small_run, folder):
    ledger = small_run.findings.ledger
    rows = {(row["target"], row["attack"]): row for row in read(folder, "run", "against")}
    assert rows["other", "loss"]["minus"] == "net"
    assert float(rows["other", "loss"]["auc"]) == ledger.numbers["other.loss.minus_net.auc"].value
    ranks = {row["attack"]: row for row in read(folder, "run", "ranks")}
    assert float(ranks["sima"]["auc"]) == ledger.numbers["ranks.auc.sima.mean_rank"].value
    told = (folder / "run/ranks.md").read_text()
    assert (
        f"Critical differences: AUC {count(ledger.numbers['ranks.auc.critical_difference'])}, balanced"
        in told
    )
    assert "Friedman" not in told  # its test needs three attacks, and two were run on all


def test_the_verdict_is_by_the_attack_that_calibration_preferred(small_run, folder):
    rows = {row["target"]: row for row in read(folder, "run", "verdicts")}
    assert set(rows) == {"net", "net-seed1", "other"}  # the control is no target
    assert (rows["net"]["verdict"], rows["net"]["attack"]) == ("leaks", "sima")
    assert float(rows["net"]["auc"]) == small_run.findings.ledger.numbers["net.sima.auc"].value


def test_the_verdict_names_the_smallest_set_and_how_its_images_differ_by_themselves(small_run, folder):
    facts = json.loads((small_run.audit.path / "evaluation/sets/net.json").read_text())["sets"]
    rows = {row["target"]: row for row in read(folder, "run", "verdicts")}
    assert int(rows["net"]["smallest_set"]) == facts["smallest"] == 10
    assert float(rows["net"]["smallest_set_blind_p"]) == facts["with_10"]["blind_p"] > 0.05
    ledger = small_run.findings.ledger
    assert fill(set_line(ledger, "net"), ledger).startswith(
        "10 members together are told from held-out images, p < 0.01 (images alone: p = 0."
    )
    sizes = read(folder, "net", "sets")
    assert [row["size"] for row in sizes] == ["10", "20"]
    assert float(sizes[1]["p_to"]) == facts["with_20"]["p_high"]
    nothing = fill(set_line(ledger, "raw"), ledger)
    assert nothing.startswith("not even 20 members together are told from held-out images, p = 0.")


def test_a_set_whose_images_differ_by_themselves_says_nothing_of_the_model(small_run):
    before = small_run.findings.ledger
    blind = before.number("blind_p", "net", of="sets.with_10")
    ledger = Ledger({**before.numbers, blind.id: replace(blind, value=0.001)})
    assert fill(set_line(ledger, "net"), ledger).endswith(
        "(images alone: p = 0.001); but the images alone tell them, too, so this says nothing of the model."
    )


def test_the_level_of_a_set_stands_in_the_text_as_it_is_used(small_run, monkeypatch):
    monkeypatch.setattr(outcome, "LEVEL", 0.02)
    monkeypatch.setattr(run_tables, "LEVEL", 0.02)
    assert "held-out images, p < 0.02 (" in set_line(small_run.findings.ledger, "net")
    labels = [column.label for column in run_tables.verdicts(small_run.findings).columns]
    assert "smallest set, p below 0.02" in labels


def test_the_most_exposed_class_comes_first_and_the_page_shows_a_few(small_run, folder):
    rows = read(folder, "net", "by_class")
    assert {row["class"] for row in rows} == {"class 0", "class 1", "class 2"}
    lows = [float(row["auc_low"]) for row in rows]
    assert lows == sorted(lows, reverse=True)
    assert sum(int(row["size"]) for row in rows) == 72
    table = tables_of(small_run.findings)["by_class"]
    assert (table.on_page, table.shown) == (table, 20)
    few = replace(table, shown=2).on_page
    assert few.rows == table.rows[:2]
    assert "the files below have all" in few.caption
    assert "gives no groups" in tables_of(small_run.findings)["by_group"].absent


def test_the_precision_of_an_accusation_has_a_column_for_each_prior(small_run, folder):
    rows = {(row["attack"], row["level"]): row for row in read(folder, "net", "precision")}
    assert set(rows) == {(name, f"at FPR {level} %") for name in ("loss", "sima") for level in ("1", "0.1")}
    row = rows["sima", "at FPR 1 %"]
    facts = json.loads((small_run.audit.path / "evaluation/net.json").read_text())["attacks"]["sima"]
    tpr, fpr = (facts["transferred"][rate]["value"] for rate in ("tpr", "fpr"))
    for prior in (0.5, 0.1, 0.01, 0.001):
        expected = prior * tpr / (prior * tpr + (1 - prior) * fpr)
        assert float(row[f"precision_at_{prior * 100:g}pct_prior"]) == pytest.approx(expected)
    shown = [column.label for column in tables_of(small_run.findings)["precision"].columns]
    assert shown[2:] == ["prior 50 % †", "prior 10 % †", "prior 1 % †", "prior 0.1 % †"]  # of too few samples
    (epsilon,) = [row["epsilon"] for row in read(folder, "net", "thresholds") if row["attack"] == "sima"]
    assert float(epsilon) == facts["epsilon"]["lower_bound"] > 0


def test_all_targets_attacks_stand_in_one_table_to_compute_with(folder):
    rows = read(folder, "run", "attacks")
    assert {(row["target"], row["attack"]) for row in rows} > {("net", "sima"), ("raw", "sima")}
    assert len(rows) == sum(
        len(read(folder, target, "attacks")) for target in ("net", "net-seed1", "other", "raw")
    )


def test_what_papers_report_stands_beside_this_run_without_limits(small_run, folder):
    rows = {(row["from"], row["of"], row["attack"]): row for row in read(folder, "run", "published")}
    theirs = rows["published", "ddpm, cifar-10 against cifar-10", "sima"]
    assert (theirs["auc"], theirs["auc_low"]) == ("0.9045", "")  # Table 1 of arXiv:2509.25003v1
    assert theirs["tpr_heldout_positive"] == "0.3586"
    assert (
        float(rows["this run", "net", "loss"]["auc"])
        == small_run.findings.ledger.numbers["net.loss.auc"].value
    )
    assert ("this run", "net-seed1", "loss") not in rows  # one of each group


def test_what_was_measured_of_no_attack_has_no_column_and_of_some_a_dash_elsewhere(small_run):
    before = small_run.findings
    assert in_markdown(markdown(tables_of(before)["cost"], before.ledger))[1] == ["Loss", "1"]
    spent = Number("net", "loss", "seconds", "cost", 12.5, 12.5, 12.5, "s", "c.json", "/", "0")
    ledger = Ledger({**before.ledger.numbers, "net.loss.cost.seconds": spent})
    after = Findings(ledger, before.contexts, before.summaries, before.comparison)
    _, *rows = in_markdown(markdown(tables_of(after)["cost"], ledger))
    assert rows[0] == ["Loss", "1", "12.5"]
    assert {row[2] for row in rows[1:]} == {"–"}


def test_what_a_precision_changes_has_a_table_where_it_is_not_float32(small_run):
    before = small_run.findings
    assert tables_of(before)["against_float32"].absent == "scoring.precision is float32, which is exact"
    said = {"relative_error": 0.00213, "auc_difference": -0.0001}
    numbers = {
        f"net.loss.against_float32.{key}": Number(
            "net", "loss", key, "against_float32", *[value] * 3, *"1ab0"
        )
        for key, value in said.items()
    }
    net = before.summaries["net"]
    loss = net["attacks"]["loss"] | {"against_float32": said}
    summaries = {**before.summaries, "net": {**net, "attacks": {**net["attacks"], "loss": loss}}}
    findings = replace(before, ledger=Ledger(numbers), summaries=summaries)
    rows = in_markdown(markdown(tables_of(findings)["against_float32"], findings.ledger))
    assert rows[1:] == [["Loss", "0.00213", "-0.0001"]]


def test_a_control_that_fails_comes_first_with_the_number_it_failed_on(small_run):
    before = small_run.findings
    assert [row[0] for row in controls(before).rows] == ["passed"] * 7
    found = before.comparison["controls"]
    failed = {"kind": "untrained", "of": "raw", "passed": False, "failed_on": ["sima"]}
    others = [control for control in found["controls"] if control["kind"] != "untrained"]
    comparison = before.comparison | {"controls": found | {"controls": [*others, failed]}}
    rows = controls(Findings(before.ledger, before.contexts, before.summaries, comparison)).rows
    assert rows[0] == (
        "FAILED",
        "untrained",
        "raw",
        "sima",
        "at chance",
        "raw.sima.auc",
        "raw.sima.decisive.auc",
    )
    assert {row[0] for row in rows[1:]} == {"passed"}


def test_without_seeds_references_and_ranks_the_reasons_are_said(small_run):
    before = small_run.findings
    comparison = before.comparison | {
        "groups": {"groups": {}},
        "against": {"against": {}},
        "ranks": {"absent": "ranks need two targets"},
    }
    alone = Findings(before.ledger, {"net": before.contexts["net"]}, before.summaries, comparison)
    absent = [getattr(run_tables, name)(alone).absent for name in ("against", "seeds", "ranks")]
    assert absent == [
        "no two audited targets share a split and an attack",
        "no two targets differ in their training seed alone",
        "ranks need two targets",
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("sima_mc & 5 % #1 $x$", r"sima\_mc \& 5 \% \#1 \$x\$"),
        ("a\\b {c} ~d ^e", r"a\textbackslash{}b \{c\} \textasciitilde{}d \textasciicircum{}e"),
        ("†, –, β", r"$^{\dagger}$, --, $\beta$"),
        ("[x]", "{[}x]"),
    ],
)
def test_latex_prints_every_sign_as_it_stands(text, written):
    assert escape(text) == written


def test_latex_is_one_tabular_with_the_rules_of_booktabs(folder):
    files = sorted(folder.rglob("*.tex"))
    assert files
    for path in files:
        lines = path.read_text().splitlines()
        assert all(line.startswith("%") for line in lines[:2])
        code = "\n".join(lines[2:])
        rules = re.findall(r"\\(begin\{tabular\}|toprule|midrule|bottomrule|end\{tabular\})", code)
        assert rules == ["begin{tabular}", "toprule", "midrule", "bottomrule", "end{tabular}"]
        columns = len(re.search(r"\\begin\{tabular\}\{([lr]+)\}", code).group(1))
        rows = [line for line in lines if line.endswith("\\\\") and "multicolumn" not in line]
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {columns - 1}
        assert code.count("{") == code.count("}")
        assert re.sub(r"\\[%&#_$]", "", code).count("%") == 0
        assert all(ord(sign) < 0x180 for sign in code), "a sign that the usual fonts lack"


def test_latex_of_numbers_keeps_minus_and_mark(small_run):
    number = Number("t", "a", "x", None, -0.5, -0.75, 0.25, "1", "a.json", "/", "0", tail_too_small=True)
    table = Table("t", "T", "", (Column("a", "a"), Column("x", "x", "estimate")), (("b", "n"),))
    text = latex(table, Ledger({"n": number}))
    assert r"b & $-$0.500 {\footnotesize [$-$0.750, 0.250]$^{\dagger}$} \\" in text


def with_numbers(findings, **values):
    """The findings with other values and limits of some numbers, by id; None takes one away."""
    numbers = dict(findings.ledger.numbers)
    for name, limits in values.items():
        key = name.replace("__", ".")
        if limits is None:
            del numbers[key]
        else:
            numbers[key] = replace(numbers[key], **dict(zip(("value", "low", "high"), limits, strict=True)))
    return replace(findings, ledger=Ledger(numbers))


def main_table(findings):
    table = next(table for table in target_tables(findings, "net") if table.name == "attacks")
    return table, in_markdown(markdown(table, findings.ledger))


@pytest.mark.parametrize(
    ("own", "together", "word"),
    [
        ((0.4, 0.35, 0.45), (0.4, 0.3, 0.49), "reversed"),
        ((0.4, 0.35, 0.45), (0.4, 0.3, 0.51), "perhaps reversed"),
        ((0.4, 0.3, 0.5), (0.4, 0.25, 0.55), ""),
    ],
)
def test_an_attack_that_is_surely_below_chance_is_said_to_be_reversed(small_run, own, together, word):
    findings = with_numbers(small_run.findings, net__loss__auc=own, net__loss__decisive__auc=together)
    table, (head, *rows) = main_table(findings)
    assert ("direction" in head) == bool(word)
    assert ("the other way round" in table.caption) == bool(word)
    if word:
        place = head.index("direction")
        assert {row[0]: row[place] for row in rows} == {"Loss": word, "SimA": ""}


def test_where_the_oracle_chose_the_same_knobs_no_optimism_is_measured(audit):
    """Of `loss` one timestep finds members on the calibration fold alone, and another on the evaluation fold alone."""
    finds, finds_nothing, first = audit.telling(2), audit.telling(0, seed=1), audit.split.is_calibration
    apart = {
        (10, "v"): np.where(first, finds, finds_nothing),
        (20, "v"): np.where(first, finds_nothing, finds),
    }
    blind = audit.blind()
    findings = SmallRun.of(audit, [audit.evaluate("net", {"loss": 0, "sima": 2}, loss=apart)], blind).findings
    facts = findings.summaries["net"]["attacks"]
    assert (facts["loss"]["selected"]["timestep"], facts["loss"]["oracle"]["timestep"]) == (10, 20)
    assert facts["sima"]["selected"]["timestep"] == facts["sima"]["oracle"]["timestep"]
    assert facts["sima"]["optimism"] == {"same_knobs": True}
    _, (head, *rows) = main_table(findings)
    shown = {row[0]: row[head.index("optimism")] for row in rows}
    assert shown["SimA"] == "same knobs"
    assert shown["Loss"].startswith("0.")


def test_a_mark_that_all_numbers_of_a_column_have_stands_once_in_its_label(small_run):
    table, (head, *rows) = main_table(small_run.findings)
    assert "TPR at 0.1 % FPR †" in head
    assert "†" not in "".join(cell for row in rows for cell in row)
    assert table.has_mark(small_run.findings.ledger)  # so that it is explained below
    mixed = dict(small_run.findings.ledger.numbers)
    name = "net.loss.tpr_at_0.1pct_fpr"
    mixed[name] = replace(mixed[name], tail_too_small=False)
    _, (head, *rows) = main_table(replace(small_run.findings, ledger=Ledger(mixed)))
    assert "TPR at 0.1 % FPR" in head
    assert [row[head.index("TPR at 0.1 % FPR")].endswith("†") for row in rows] == [False, True]


def test_the_attack_that_is_highest_on_the_evaluation_fold_stands_beside_the_best_as_optimistic(small_run):
    findings = with_numbers(small_run.findings, net__loss__auc=(0.999, 0.99, 1.0))
    (table,) = [table for of, table in every_table(findings) if table.name == "verdicts"]
    head, *rows = in_markdown(markdown(table, findings.ledger))
    (row,) = [row for row in rows if row[0] == "net"]
    assert row[head.index("best attack")] == "SimA"
    assert row[head.index("highest (optimistic)")] == "Loss"
    assert row[head.index("its AUC")] == "0.999 [0.990, 1.000]"
