"""The page: what failed comes first, every number leads to where it is from, and it needs nothing but itself."""

import base64
import io
import json
import re
from dataclasses import replace
from html import unescape
from urllib.parse import unquote

import numpy as np
import pytest
from auditing import OCCASION
from PIL import Image
from reporting import FIGURES, REASON, REPORTED, Read, known_of, opened, report_on

from simaudit.evaluation.numbers import Ledger, Number
from simaudit.figures.printed import FORMS, estimate
from simaudit.report.page.doubts import doubts
from simaudit.report.page.names import plain_name
from simaudit.report.page.page import FOREST, UNFOLDED
from simaudit.report.page.page import page as page_of
from simaudit.report.page.pictures import FAITHFUL, data_url, farthest, picture, pictures_within, read_picture
from simaudit.report.page.sources import sources
from simaudit.report.page.write import LARGEST, fitting, write_page
from simaudit.report.top import top, with_lines
from simaudit.report.verdict import Known, verdict
from simaudit.storage.hashes import sha256_file
from simaudit.storage.json import write_json
from simaudit.vocabulary.context import AuditContext
from simaudit.vocabulary.errors import SimauditError


@pytest.fixture(scope="module")
def page(reported) -> Read:
    return reported.page


def test_what_is_read_first_is_what_the_terminal_says(reported):
    section = reported.html.split('<section id="verdicts"')[1].split("<details")[0]
    text = " ".join(unescape(re.sub(r"<[^>]+>", "", section)).split())
    lines = json.loads((reported.path / "verdict.json").read_text())["lines"]
    assert lines[0].endswith(
        " held-out images of the dataset d · 9 January 2026 · commit 01234567 · simaudit 7"
    )
    assert lines[1] == (
        "3 of 3 audited targets leak who was in the training set (2 strongly, 1 clearly). 7 of 7 controls passed, so "
        "the measurement can be trusted."
    )
    places = [text.index(line.removeprefix("What to do:").strip()) for line in lines]
    assert places == sorted(places)


def test_controls_that_passed_are_folded_with_their_table(reported, page):
    folded = reported.html.split('<details class="passed printed" id="controls">')[1].split("</details>")[0]
    assert "7 of 7 controls passed</strong></summary>" in folded
    assert "no attack finds members of the untrained raw; no set of members" in folded
    assert '<figcaption id="caption-run-controls">' in folded
    assert page.text.index("What is found of each target.") < page.text.index("How to read the numbers Knobs")
    assert "net: leaks" in page.text
    assert "raw: untrained control" in page.text


def test_every_number_is_printed_as_the_ledger_has_it_and_leads_to_its_entry(small_run, page):
    ledger = small_run.findings.ledger
    assert len(page.numbers) > 150
    for place, printed in page.numbers:
        name = unquote(place).removeprefix("#number-")
        number = ledger.numbers[name]
        full = [form(number) for form in FORMS.values()]
        assert printed in [*full, *(form.removesuffix("†") for form in full)], name  # † may stand in the head


def test_no_number_is_printed_outside_the_ledger(page):
    """Decimal fractions are measured: what remains are levels in the names of metrics, a knob, chance in the glossary,
    and what is cited."""
    assert set(re.findall(r"(?<!arXiv:)\b\d+\.\d+", page.text)) <= {"0.1", "0.01", "0.5"}


def test_a_numbers_entry_says_where_it_is_from(reported):
    number = json.loads((reported.path / "numbers.json").read_text())["net.sima.auc"]
    known = known_of(reported.html)
    (entry,) = (entry for entry in known["numbers"] if entry["id"] == "net.sima.auc")
    assert entry["name"] == "AUC of SimA on net, 95 % limits"
    assert entry["value"] == number["value"]
    assert entry["limits"] == [number["low"], number["high"]]
    assert entry["pointer"] == number["pointer"]
    file = known["files"][entry["file"]]
    assert file["path"] == number["source"]
    assert file["sha256"] == sha256_file(reported.path / "evaluation/net.json")
    assert file["command"] == f"snakemake --cores all {number['source']}"
    assert known["chains"][entry["chain"]] == ["evaluate/net", "score/net/sima"]


def test_a_job_says_what_it_was_asked_read_and_made(reported):
    job = known_of(reported.html)["jobs"]["evaluate/net"]
    assert job["command"] == "simaudit run evaluate/net"
    assert job["params"] == {"bootstrap": 100, "seed": 7}
    for files, name in ((job["made"], "evaluation/net.json"), (job["read"], "scores/net/sima.parquet")):
        assert files[str(reported.path / name)] == sha256_file(reported.path / name)


def test_a_source_without_a_record_has_no_jobs(small_run):
    known = sources(small_run.findings.ledger, ["net.sima.auc"], {})
    assert (known["chains"], known["jobs"]) == ([()], {})


@pytest.mark.parametrize(
    ("metric", "attack", "of", "name"),
    [
        ("auc", "pia", None, "AUC of PIA on digits, 95 % limits"),
        ("tpr_at_1pct_fpr", "pia", "minus_loss", "TPR at 1 % FPR of PIA on digits, minus Loss, 95 % limits"),
        ("auc", "pia", "epochs.50.oracle", "AUC of PIA on digits, after 50 epochs, oracle, 95 % limits"),
        ("auc", "combined", "learned", "AUC of Combined (learned) on digits, 95 % limits"),
        ("mean_rank", None, None, "Mean rank on digits, 95 % limits"),
    ],
)
def test_a_number_has_a_plain_name(metric, attack, of, name):
    number = Number("digits", attack, metric, of, 0.6, 0.5, 0.7, "1", "file", "/place", "0f")
    assert plain_name(number) == name
    assert plain_name(replace(number, low=0.6, high=0.6)) == name.removesuffix(", 95 % limits")


def test_links_lead_to_places_in_the_page_and_files_beside_it_and_nowhere_else(reported, page):
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        if link.startswith("#"):
            assert unquote(link[1:]) in page.ids, link
        else:
            assert (reported.path / "report" / link).resolve().is_file(), link
    assert all(source.startswith("data:") for source in page.sources_of_pictures)
    assert not re.search(r"https?:|@import|url\(", reported.html)


def test_every_figure_has_its_title_what_is_seen_and_how_to_read_it(small_run, page):
    ledger = small_run.findings.ledger
    assert sum(place.startswith("figure-") for place in page.ids) == 4
    assert "ROC curves on logarithmic axes of net." in page.text
    assert "One exact step curve per attack at its selected knobs" in page.text
    seen = [printed for place, printed in page.numbers if place == "#number-net.sima.balanced_accuracy"]
    assert estimate(ledger.numbers["net.sima.balanced_accuracy"]) in seen
    assert (
        "The two sides lie furthest apart for SimA, whose best threshold on the calibration fold is right in"
        in page.text
    )


def shown(url):
    return Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB")


def test_a_picture_in_the_page_is_as_large_and_as_faithful_as_it_was_drawn(reported):
    drawn, per_inch = read_picture(reported.path / "figures/net/roc_loglog.png")
    url = data_url(drawn)
    assert url in reported.html
    assert shown(url).size == drawn.size
    assert drawn.width / per_inch == pytest.approx(3.4, abs=0.01)
    assert farthest(shown(url), drawn) <= FAITHFUL
    assert farthest(drawn, drawn) == 0
    assert farthest(Image.new("L", (2, 2), 0), Image.new("L", (2, 2), 255)) == 255


def test_the_colour_of_a_thin_line_stays_among_many_greys():
    drawn = Image.linear_gradient("L").resize((640, 640)).convert("RGB")
    drawn.paste((255, 34, 0), (300, 100, 302, 140))
    drawn.paste((20, 140, 10), (320, 100, 322, 140))
    assert farthest(shown(data_url(drawn)), drawn) <= FAITHFUL


def test_an_area_keeps_its_colour_among_thousands_of_others():
    """A legend that calls it grey would say something untrue of a pale green."""
    gradient = Image.linear_gradient("L")
    drawn = Image.merge("RGB", [gradient, gradient.rotate(90), gradient.rotate(180)])
    assert len(drawn.getcolors(65536)) > 10_000
    drawn.paste((235, 235, 235), (20, 30, 60, 50))
    assert shown(data_url(drawn)).crop((20, 30, 60, 50)).getcolors() == [(800, (235, 235, 235))]


def test_a_photograph_is_faithful_too():
    noise = Image.effect_noise((64, 64), 90).convert("RGB")
    coloured = Image.merge("RGB", [noise.getchannel(0), *(noise.rotate(a).getchannel(0) for a in (90, 180))])
    coloured = coloured.resize((256, 256))
    off = np.asarray(shown(data_url(coloured)), np.int16) - np.asarray(coloured, np.int16)
    assert np.abs(off).mean() < 16


def test_no_time_is_spent_on_choosing_among_the_colours_of_a_large_photograph(monkeypatch):
    """It took ten seconds, only to give up all of them."""
    monkeypatch.setattr(Image.Image, "quantize", None)
    levels = np.random.default_rng(0).integers(0, 256, (640, 640, 3), dtype=np.uint8)
    assert shown(data_url(Image.fromarray(levels))).size == (640, 640)


def test_pictures_keep_to_their_budget_what_is_folded_first_then_the_largest(reported):
    drawn = {of: [name for name, why in names.items() if not why] for of, names in REPORTED.items()}

    def within(budget):
        pictures = pictures_within(budget, drawn, reported.path / "figures", {"other"})
        sizes = {f"{one.of}/{one.name}": len(one.data) for of in pictures.values() for one in of}
        assert sum(sizes.values()) <= budget
        return sizes

    whole = within(10**9)
    assert all(whole.values())
    folded = within(sum(whole.values()) - 1)
    assert folded == whole | {"other/statistic_histogram": 0}
    smaller = within(sum(folded.values()) - 1)
    assert [name for name in folded if smaller[name] < folded[name]] == [max(folded, key=folded.get)]
    first = next(iter(whole))
    is_in_page = [size > 0 for size in within(folded[first]).values()]
    assert is_in_page[0]
    assert is_in_page == sorted(is_in_page, reverse=True)  # the last ones go first
    assert sum(is_in_page) < sum(size > 0 for size in smaller.values())
    assert not any(within(0).values())


def test_the_words_of_a_picture_say_what_is_seen(reported):
    alts = re.findall('alt="([^"]*)"', reported.html)
    (alt,) = (alt for alt in alts if alt.startswith("Statistic of members"))
    assert "of net: The two sides lie furthest apart for SimA, whose best threshold" in alt
    assert not any("[[" in alt or "CSV" in alt for alt in alts)


@pytest.mark.parametrize(("length", "told"), [(None, "missing; make it with"), (500, "not a whole picture")])
def test_a_picture_that_is_missing_or_lost_its_end_is_one_line(reported, tmp_path, length, told):
    path = tmp_path / "roc_loglog.png"
    if length:
        path.write_bytes((reported.path / "figures/net/roc_loglog.png").read_bytes()[:length])
    with pytest.raises(SimauditError, match=rf"roc_loglog\.png: {told}"):
        read_picture(path)


def test_what_is_absent_is_said_once_with_its_reason(page):
    absent = page.text[page.text.rindex("What is absent") :]
    assert page.text.count(REASON) == 1
    assert f"ROC curves on logarithmic axes of net-seed1, other: {REASON}." in absent
    assert page.text.count("needs an autoencoder and the attack distortion") == 1
    assert "AUC by the decoder's distortion of net, net-seed1, raw: needs an autoencoder" in absent


def test_what_nobody_verified_and_what_the_split_allows_is_said(page):
    assert "other: uses an autoencoder that comes from elsewhere" in page.text
    assert "s: images that are both member and held out are allowed here" in page.text


def test_nothing_is_doubted_where_all_is_known():
    trainings = {"a": {"epochs": 1}, "b": {"autoencoder": {"members": "0f3a"}}, "c": {"autoencoder": None}}
    assert doubts(trainings, {"s": {"allow_duplicates": False}}, [], []) == []


def test_the_same_results_give_the_same_bytes(small_run, reported):
    before = reported.html
    trainings = {"net": {"epochs": 1}, "other": {"autoencoder": {"members": "unverified"}}}
    assert report_on(small_run, REPORTED, trainings, {"allow_duplicates": True}).html == before


def test_sides_that_differ_in_origin_are_said_before_all_numbers(audit, small_run):
    blind = audit.blind() | {"one_sided": {"member": ["train"], "heldout": ["test"]}}
    run = type(small_run).of(audit, [audit.evaluate("net", {"sima": 2})], blind)
    text = report_on(run).page.text
    words = "differ in origin (members alone are from train; held-out samples alone are from test)"
    assert text.index(f"s: members and held-out samples {words}") < text.index("What is found")


def test_members_that_are_not_verified_are_said_at_the_top_and_in_the_section_of_the_target(audit, small_run):
    blind = audit.blind()
    targets = [
        audit.evaluate(name, {"sima": 2}, membership=word)
        for name, word in (("here", "verified"), ("owned", "stated"), ("found", "unverified"))
    ]
    run = type(small_run).of(audit, targets, blind)
    text = report_on(run).page.text
    stated = "owned: members as stated by the owner of the model, not verified."
    first = text.index("What is found of each target")
    assert text.index(stated) < text.index("found: members UNVERIFIED") < first
    assert f"owned: {run.findings.verdict('owned')} {stated}" in text
    assert f"found: {run.findings.verdict('found')} found: members UNVERIFIED" in text
    assert "here: members" not in text


def test_a_shifted_split_and_its_failed_control_come_before_all_numbers(audit, small_run):
    blind = audit.blind(2)
    run = type(small_run).of(audit, [audit.evaluate("net", {"sima": 2})], blind)
    page = report_on(run).page
    text = page.text[page.text.index("FAILED") :]
    assert page.text.index("FAILED") < page.text.index("Passed:")
    assert (
        '<details class="failed printed" id="controls" open>'
        in (audit.path / "report/index.html").read_text()
    )
    assert "Do not trust" not in page.text
    assert text.startswith("FAILED: classifiers that never see a model tell the sides of the split s apart")
    assert text.index("net: shifted, so only what an attack has above") < text.index("What is found")
    assert "net: shifted Shifted: only what an attack has above" in text
    assert page.text.count("Mean ranks: ranks need two or more audited targets") == 1
    assert "Targets that differ in their training seed alone: no two targets" in page.text


def test_what_a_figure_leaves_out_stands_under_what_is_absent(small_run, reported):
    drawn = picture("net", "roc_loglog", reported.path / "figures")
    caption = replace(drawn.caption, left_out="curves are left out, since [[#net.sima.queries]] is too few")
    said = top(json.loads((reported.path / "verdict.json").read_text()), small_run.findings)
    html = page_of(small_run.findings, said, {"net": [replace(drawn, caption=caption)]}, {}, [], {})
    text = Read.of(html).text
    absent = text[text.rindex("What is absent") :]
    assert f"{caption.title} of net: curves are left out, since" in absent
    assert "is too few." in absent


def test_the_forest_of_a_run_stands_above_the_verdicts_and_not_among_its_other_figures(small_run, reported):
    drawn = picture("net", "roc_loglog", reported.path / "figures")
    findings = small_run.findings
    pictures = {"run": [replace(drawn, of="run", name=name) for name in ("forest", "ranks")]}
    said = top(json.loads((reported.path / "verdict.json").read_text()), findings)
    html = page_of(findings, said, pictures, {}, [], {})
    first, _, rest = html.partition("What is found of each target.")
    assert (first.count("<img"), rest.count("<img")) == (1, 1)
    assert rest.index('id="run"') < rest.index("<img") < rest.index('id="targets"')


def with_targets(findings, names):
    """Findings with further targets, each of which is what `net` is."""
    known, controls = findings.ledger.numbers, findings.comparison["controls"]
    of_net = findings.ledger.find(audit="net")
    copies = [replace(number, audit=name) for name in names for number in of_net]
    verdicts = {**controls["verdicts"], **dict.fromkeys(names, controls["verdicts"]["net"])}
    return replace(
        findings,
        ledger=Ledger({**known, **{number.id: number for number in copies}}),
        contexts={**findings.contexts, **{name: AuditContext(name, None, None) for name in names}},
        summaries={**findings.summaries, **dict.fromkeys(names, findings.summaries["net"])},
        comparison={**findings.comparison, "controls": {**controls, "verdicts": verdicts}},
    )


def test_a_page_of_thirty_targets_keeps_to_its_size_and_names_the_files_of_the_pictures_it_leaves_out(
    small_run, tmp_path
):
    few = small_run.findings
    further = [f"net-of-a-long-name-{number:02}" for number in range(30 - len(few.targets))]
    findings = with_targets(few, further)
    known = Known({"s": "d"}, {}, OCCASION)
    write_json(tmp_path / "verdict.json", with_lines(verdict(findings, known), findings))
    noise = np.random.default_rng(0).integers(0, 256, (240, 240, 3)).astype(np.uint8)  # never small
    figures = {"run": [FOREST, "ranks"], **dict.fromkeys(findings.targets, FIGURES)}
    for of, drawn in figures.items():
        (tmp_path / "figures" / of).mkdir(parents=True)
        for name in drawn:
            path = tmp_path / f"figures/{of}/{name}.png"
            Image.fromarray(noise).save(path)
            write_json(path.with_suffix(".json"), {"title": name, "sentence": "", "reading": []})
    page = tmp_path / "index.html"
    write_page(page, tmp_path, findings, figures, {}, {"s": {"allow_duplicates": False}}, {})
    html = page.read_text(encoding="utf-8")
    assert len(html.encode()) <= LARGEST
    assert html.count("<div data-packed") == 30 - UNFOLDED
    whole = opened(html)
    assert whole.count('class="target" id') == 30
    elsewhere = re.findall("in its file alone: <code>results/(.*?)</code>", whole)
    assert whole.count("<img") + len(elsewhere) == 2 + 30 * len(FIGURES)
    assert 0 < len(elsewhere) < 2 + 30 * len(FIGURES)
    assert all((tmp_path / file).is_file() for file in elsewhere)
    assert whole.index("<img") < whole.index("What is found of each target.")


@pytest.mark.parametrize(("rest", "pictures"), [(900, 100), (500, 500), (100, 600), (2000, 0)])
def test_pictures_take_the_room_that_the_rest_of_a_page_leaves(rest, pictures):
    def content(budget):
        taken = budget - budget % 7  # pictures seldom fill their budget
        return "x" * (rest + taken), taken

    text = fitting(content, 600, 1000)
    assert len(text) == rest + pictures - pictures % 7
