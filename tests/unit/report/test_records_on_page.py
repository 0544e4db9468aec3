"""The members most at risk on the page, and a page that names no single image."""

import base64
import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from auditing import Audit, SmallRun, file_of
from PIL import Image
from reporting import Read, known_of, opened, report_on

from simaudit.evaluation.at_risk.accused import most_accused
from simaudit.evaluation.numbers import Ledger
from simaudit.report.tables.every import run_tables, target_tables
from simaudit.storage.parquet import read_table
from simaudit.storage.pictures import read_sheet
from simaudit.vocabulary.paths import TARGET_FILES


@pytest.fixture(scope="module")
def shared(small_run, tmp_path_factory):
    """The page of the same run that names no record."""
    path = tmp_path_factory.mktemp("shared")
    shutil.copytree(small_run.audit.path, path, dirs_exist_ok=True)
    audit = Audit(path, small_run.audit.split)
    targets = [type(of)(path, of.target, of.context) for of in small_run.targets]
    return report_on(SmallRun(audit, targets, small_run.arms), show_records=False)


def section(html, target):
    return opened(html).split(f'id="at-risk-{target}"')[1].split("</details>")[0]


def members_of(run, target):
    return most_accused(read_table(run.audit.path / TARGET_FILES["at_risk_samples"].format(target=target)))


def test_each_member_at_risk_stands_with_its_file_its_class_and_how_many_attacks_accuse_it(
    small_run, reported
):
    members = members_of(small_run, "net").query("accused_by > 0")
    items = section(reported.html, "net").split("<li>")[1:]
    known = known_of(reported.html)
    shown = [Read.of(f"<li>{item.partition('</ul>')[0]}", known) for item in items]
    assert len(shown) == len(members) > 5
    for read, member in zip(shown, members.itertuples(), strict=True):
        assert read.text == f"{member.file} class {member.label} attacks: held-out:"
        assert read.numbers[0][1] == str(member.accused_by)


def test_pictures_are_those_of_the_members_enlarged_by_the_page_alone(small_run, reported):
    sheet = read_sheet(small_run.audit.path / TARGET_FILES["at_risk_sheet"].format(target="net"))
    shown = Read.of(section(reported.html, "net").partition(">")[2], known_of(reported.html))
    pictures = shown.sources_of_pictures
    for place, source in enumerate(pictures):
        picture = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
        assert np.array_equal(np.asarray(picture), sheet[:, 4 * place : 4 * place + 4])
    assert 'width="72" height="72"' in section(reported.html, "net")


def test_a_page_that_is_to_be_shared_names_no_file_and_shows_no_picture_and_says_so(small_run, shared):
    html = opened(shared.html) + json.dumps(known_of(shared.html))
    for number in range(300):
        assert file_of(number) not in html
    assert "data:image/webp" not in html
    for target in ("net", "other", "raw"):
        assert "are left out of this page" in section(html, target)
        assert "<li>" not in section(html, target)
    for printed, _ in shared.page.numbers:
        assert not printed.endswith(("sample_id", "member_id"))
    assert "at_risk.member_" not in html


def test_without_records_tables_of_single_samples_and_of_groups_say_that_they_are_left_out(small_run):
    findings = small_run.findings
    (by_class,) = findings.ledger.find(metric="members", audit="net", of="by_class.of_1")
    by_group = replace(by_class, of="by_group.of_anna")
    known = replace(findings, ledger=Ledger({**findings.ledger.numbers, by_group.id: by_group}))
    hidden = replace(known, show_records=False)
    tables = {table.name: table for table in (*run_tables(hidden), *target_tables(hidden, "net"))}
    for name in ("near_duplicates", "by_group"):
        assert tables[name].absent.startswith("left out, since this page shows nothing of single records")
    assert tables["by_class"].rows
    assert tables["at_risk"].rows
    (named,) = (table for table in target_tables(known, "net") if table.name == "by_group")
    assert named.rows[0][0] == "group anna"
