"""Who says on which members a model was trained: one word, which stands wherever the numbers of its audit do."""

import csv
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from auditing import SmallRun
from checkpoints import autoencoder, save_latent
from planning import lines_of, small

from owning import save_model
from simaudit.data.split import Split
from simaudit.figures.drawing import draw
from simaudit.figures.figure import figure_types
from simaudit.plan.jobs import jobs
from simaudit.report.tables.every import run_tables, target_tables
from simaudit.report.tables.forms import comma_separated, latex, markdown
from simaudit.storage.json import read_json, write_json
from simaudit.targets.checkpoint.inspect import inspect
from simaudit.targets.checkpoint.summary import summary_beside
from simaudit.targets.files import file_hashes
from simaudit.vocabulary import paths
from simaudit.vocabulary.membership import membership_notes

SUMMARY = paths.target("model") / "training.json"
STATED = "members as stated by the owner of the model, not verified"
MODEL = """
targets:
  model: {{kind: checkpoint, path: "{path}", split: {split}}}
splits:
  small:
  given: {{dataset: digits, members: {{listed: members.txt, heldout: heldout.txt}}}}
audits: {{model: {{attacks: [loss], figures: [roc_loglog]}}}}
"""


@pytest.fixture
def model(tmp_path, monkeypatch):
    """The folder of a model, beside two lists of samples of the digits."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "members.txt").write_text("\n".join(map(str, range(100))))
    (tmp_path / "heldout.txt").write_text("\n".join(map(str, range(100, 1797))))
    return save_model(tmp_path / "model", channels=1, timesteps=1000)


def planned(model, split):
    return small(MODEL.format(path=model, split=split))


def do(params, *names):
    """Do these jobs, by the beginnings of their names."""
    for job in jobs(params):
        if job.name.startswith(names):
            replace(job, speed=job.speed | {"device": "cpu"}).do()


def written_by_simaudit(model, split):
    """Put a training.json beside a model, as if it had been trained here on the members of a split."""
    members = {"split": str(split.path), "count": 100, "sha256": split.member_hash, "known": "verified"}
    write_json(model / "training.json", {"kind": "ddpm", "members": members, "files": file_hashes(model)})


@pytest.mark.parametrize(("split", "word"), [("small", "unverified"), ("given", "stated")])
def test_of_a_model_that_somebody_else_trained_only_its_owner_can_know_the_members(model, split, word):
    assert planned(model, split).contexts["model"].membership == word


def test_of_a_model_that_is_trained_here_the_members_are_verified():
    params = small("splits: {small: , few: }")
    assert {context.membership for context in params.contexts.values()} == {"verified"}


def test_the_word_stands_in_the_summary_of_the_model_and_in_its_score_files(model):
    do(planned(model, "given"), "prepare/", "split/", "train/", "score/")
    assert read_json(SUMMARY)["members"]["known"] == "stated"
    metadata = pq.read_schema(paths.scores("model", "loss")).metadata
    assert metadata[b"membership"] == b"stated"


def test_a_model_that_simaudit_trained_elsewhere_is_verified_by_what_was_written_down(model):
    params = planned(model, "small")
    do(params, "prepare/", "split/")
    written_by_simaudit(model, Split.read(paths.split("small")))
    params = planned(model, "small")
    assert params.contexts["model"].membership == "verified"
    do(params, "train/")
    known = read_json(SUMMARY)
    assert known["members"]["known"] == "verified"
    model.rename("elsewhere")
    assert planned(model, "small").contexts["model"].membership == "verified"  # as remembered


def test_where_only_the_denoiser_is_of_the_written_down_target_nothing_is_verified(tmp_path):
    folder = save_latent(tmp_path / "latent", autoencoder())
    files = file_hashes(folder)
    summary = {"members": {"sha256": "0", "known": "verified"}, "files": files}
    write_json(folder / "training.json", summary)
    assert summary_beside(inspect(folder)) == folder / "training.json"
    of_the_denoiser = {name: digest for name, digest in files.items() if not name.startswith("vqvae")}
    write_json(folder / "training.json", {**summary, "files": of_the_denoiser})
    assert summary_beside(inspect(folder)) is None


def test_a_model_that_simaudit_trained_on_others_or_that_was_changed_since_is_refused(model):
    do(planned(model, "given"), "prepare/", "split/")
    split = Split.read(paths.split("given"))
    written_by_simaudit(model, replace(split, sha256=np.roll(split.sha256, 1)))
    [line] = lines_of(do, planned(model, "given"), "train/")
    assert (
        f"targets.model: path: {model}/training.json: says that the model was trained on other members"
        in line
    )
    written_by_simaudit(model, split)
    weights = model / "unet/diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    [line] = lines_of(do, planned(model, "given"), "train/")
    assert f"targets.model: path: {weights}: changed since training" in line


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"loss": 3}', '{"members": {"sha256": "0", "known": "stated"}, "files": {}}']
)
def test_a_file_of_that_name_that_says_nothing_of_the_model_verifies_nothing(model, content):
    (model / "training.json").write_text(content)
    assert planned(model, "given").contexts["model"].membership == "stated"


def test_an_intermediate_checkpoint_and_a_network_alone_know_the_same_summary(model):
    do(planned(model, "small"), "prepare/", "split/")
    save_model(model / "epochs/50", channels=1, timesteps=1000)
    written_by_simaudit(model, Split.read(paths.split("small")))
    assert planned(model / "epochs/50", "small").contexts["model"].membership == "verified"


@pytest.fixture(scope="module")
def mixed(module_audit):
    """A target that was trained here, one whose members are stated, and one of which nobody knows them."""
    blind = module_audit.blind()
    targets = [
        module_audit.evaluate("here", {"sima": 2, "loss": 1}),
        module_audit.evaluate("owned", {"sima": 1, "loss": 1}, membership="stated"),
        module_audit.evaluate("found", {"sima": 0, "loss": 1}, membership="unverified"),
    ]
    return SmallRun.of(module_audit, targets, blind)


def test_the_word_stands_in_the_evaluation_the_metrics_and_the_ledger(mixed):
    root = mixed.audit.path
    for name, word in ("here", "verified"), ("owned", "stated"), ("found", "unverified"):
        assert read_json(root / f"evaluation/{name}.json")["membership"] == word
        assert read_json(root / f"metrics/{name}.json")["membership"] == word
        assert {number.membership for number in mixed.findings.ledger.find(audit=name)} == {word}
    assert {number.membership for number in mixed.findings.ledger.find(audit="s")} == {None}


def test_the_last_lines_on_the_terminal_name_what_is_not_verified(mixed):
    lines = mixed.verdict()["lines"]
    assert f"owned: {STATED}." in lines
    assert any(line.startswith("found: members UNVERIFIED: they were drawn at random") for line in lines)
    assert not any(line.startswith("here: members") for line in lines)


def test_every_table_with_such_a_target_says_so_in_every_form(mixed):
    findings = mixed.findings
    tables = {table.name: table for table in run_tables(findings)}
    verdicts = list(csv.DictReader(comma_separated(tables["verdicts"], findings.ledger).splitlines()))
    assert {row["target"]: row["members"] for row in verdicts} == {
        "here": "verified",
        "owned": "stated",
        "found": "unverified",
    }
    for name in ("verdicts", "controls", "quality", "ranks"):
        text = markdown(tables[name], findings.ledger)
        assert f"owned: {STATED}. found: members UNVERIFIED" in text, name
    assert "members as stated" not in markdown(tables["blind"], findings.ledger)
    for table in target_tables(findings, "owned"):
        if table.rows:
            assert STATED in markdown(table, findings.ledger), table.name
            assert STATED in latex(table, findings.ledger).splitlines()[0], table.name
            rows = csv.DictReader(comma_separated(table, findings.ledger).splitlines())
            assert {row["members"] for row in rows} == {"stated"}


def test_where_all_is_verified_no_table_has_a_column_or_a_note_more_in_print(small_run):
    for table in run_tables(small_run.findings):
        text = markdown(table, small_run.findings.ledger) if table.rows else ""
        assert "verified" not in text.lower()


def test_the_caption_of_a_figure_says_it_of_the_targets_in_it(mixed):
    figure = figure_types()["roc_loglog"]()
    here, owned, _ = mixed.targets
    assert STATED in draw(figure, owned).caption.sentence
    assert STATED not in draw(figure, here).caption.sentence


def test_a_note_names_the_audits_of_each_word_but_verified():
    known = {"a": "stated", "b": "verified", "c": "stated"}
    assert membership_notes(known) == [f"a, c: {STATED}."]
    assert membership_notes({"b": "verified"}) == []
