"""References of an audit: which splits and targets they stand for, which jobs they have, and what is refused."""

import numpy as np
import pytest
import yaml
from planning import ROOT, lines_of, small

from simaudit.audit.attacks import chosen
from simaudit.data.split import make_split
from simaudit.plan import dvc
from simaudit.plan.jobs import jobs
from simaudit.vocabulary import paths
from simaudit.vocabulary.errors import SimauditError

WHO = "experiment.yaml"
NEEDING = "attacks: {reference: {of: sima}, own_distance: {}}"


def text(references="{of: net, splits: 2}", attacks="[loss, reference, sima]", more=""):
    """An experiment in which the audit `net` has references."""
    return f"audits: {{net: {{attacks: {attacks}, references: {references}}}{more}}}\n{NEEDING}"


def planned(*changes):
    return {job.name: job for job in jobs(small(*changes))}


def test_drawn_references_are_ordinary_splits_and_targets_on_other_members():
    params = small(text())
    assert params.audits["net"].references == ("net-reference1", "net-reference2")
    net = params.targets["net"]
    for number in 1, 2:
        reference = params.targets[f"net-reference{number}"]
        assert reference.split == f"small-reference{number}"
        changed = {"seed": number, "intermediate_epochs": ()}
        assert reference.training == net.training.model_copy(update=changed)
        assert reference.unet == net.unet
        split = params.splits[f"small-reference{number}"]
        assert (split.dataset, split.members, split.seed) == ("digits", 100, number)
    assert {"small-reference1", "small-reference2"} <= set(params.used_splits)
    assert params.audited_splits == ["small"]


def test_members_of_references_do_not_depend_on_who_is_a_member():
    """Each reference has about as large a share of the members as of the held-out samples."""
    frames = [make_split(["0"] * 1797, 300, 0.3, seed) for seed in range(40)]
    is_member = frames[0].role == "member"
    shares = [((frame.role == "member") & is_member).sum() / 300 for frame in frames[1:]]
    assert np.mean(shares) == pytest.approx(300 / 1797, abs=0.02)


def test_no_target_that_an_audit_names_as_a_reference_is_audited_by_default():
    assert list(small(text()).audits) == ["net", "raw", "exact"]
    other = "targets: {net: , other: {like: net, split: few}}"
    assert list(small(f"{other}\n{text('[other]')}").audits) == ["net"]
    both = small(f"{other}\n{text('[other]', more=', other: {attacks: [sima]}')}")
    assert list(both.audits) == ["net", "other"]


def test_two_audits_share_references_that_are_alike():
    again = ", again: {target: net, attacks: [reference, sima], references: {of: net, splits: 3}}"
    params = small(text(more=again))
    assert [name for name in params.targets if "reference" in name] == [
        f"net-reference{k}" for k in (1, 2, 3)
    ]


def test_members_are_said_where_those_of_the_split_are_a_list():
    given = "splits: {small: {members: {indices: members.npz}, limit: 200}, few: }\n"
    why = "must say members, how many each reference is trained on: those of splits.small are a list"
    assert lines_of(small, given + text()) == [f"{WHO}: audits.net.references: {why}"]


@pytest.mark.parametrize(
    ("references", "line"),
    [
        ("{of: nett, splits: 2}", ".of: no such entry; known: net, raw, exact (got 'nett')"),
        ("{of: net}", ".splits: missing; add it"),
        ("{of: net, splits: 0}", ".splits: must be greater than 0 (got 0)"),
        (
            "{of: net, splits: 501}",
            ".splits: must be at most 500, since a run may have no more targets (got 501)",
        ),
        ("{of: net, splits: 2, members: 5}", ": the calibration fold has 2 members"),
        ("{of: net, splits: 2, seeds: [1]}", ".seeds: unknown key; remove it or correct its spelling"),
        ("[nett]", ": no such entry; known: net, raw, exact (got 'nett')"),
        ("[raw]", ": raw was trained on the members that are looked for; name targets of other splits"),
        ("[net]", ": net was trained on the members that are looked for; name targets of other splits"),
    ],
)
def test_wrong_references_are_one_line_where_they_are_written(references, line):
    (shown,) = lines_of(small, text(references))
    assert shown.startswith(f"{WHO}: audits.net.references{line}")


def test_a_checkpoint_cannot_be_trained_again():
    model = "targets: {net: {like: exact, kind: checkpoint, path: model}}\n"
    why = "targets.net is a checkpoint, which cannot be trained again; name other targets in a list"
    assert lines_of(small, model + text()) == [f"{WHO}: audits.net.references.of: {why}"]


def test_names_that_there_are_already_are_refused():
    taken = "targets: {net: , net-reference2: {like: net}}\n"
    why = "stands for targets.net-reference2, and so does targets.net-reference2; change one"
    assert lines_of(small, taken + text()) == [f"{WHO}: audits.net.references: {why}"]
    other = (
        ", again: {target: net, attacks: [reference, sima], references: {of: net, splits: 1, members: 90}}"
    )
    why = "stands for splits.small-reference1, and so does audits.net.references; change one"
    assert lines_of(small, text(more=other)) == [f"{WHO}: audits.again.references: {why}"]


def test_a_wrong_value_of_the_target_is_one_line_for_it_and_its_references():
    wrong = "targets: {net: {training: {batch_size: 0}}}\n"
    assert lines_of(small, wrong + text()) == [
        f"{WHO}: targets.net.training.batch_size: must be greater than 0 (got 0)"
    ]


def test_references_that_nothing_reads_have_no_job():
    names = {job.name for job in jobs(small(text(attacks="[loss]")))}
    assert not any("reference" in name for name in names)
    assert {"train/net", "score/net/loss"} <= names


def test_an_attack_that_reads_references_is_refused_where_there_are_none():
    why = "reference needs references, which this audit has not; add references, or leave reference out"
    assert lines_of(small, text("null")) == [f"{WHO}: audits.net.attacks: {why}"]


def test_an_audit_of_everything_leaves_out_what_needs_references_where_it_has_none():
    params = small(text())
    assert "reference" not in params.attacks_on("raw")
    assert "reference" in params.attacks_on("net")
    run, cannot = chosen(["all"], frozenset())
    assert "reference" not in run
    assert cannot["reference"].startswith("references are needed")
    with pytest.raises(SimauditError, match="--attacks: lira: references are needed"):
        chosen(["lira"], frozenset())


def test_only_the_bases_are_scored_under_references_and_without_a_cost():
    made = planned(text())
    under = {name: job for name, job in made.items() if "/references/" in name}
    assert set(under) == {f"score/net/references/net-reference{k}/sima" for k in (1, 2)}
    job = under["score/net/references/net-reference1/sima"]
    assert job.reads == {
        "images": paths.images("digits"),
        "split": paths.split("small"),
        "target": paths.target("net-reference1"),
        "trained_on": paths.split("small-reference1"),
    }
    assert job.writes == {"scores": paths.SCORES / "net/references/net-reference1/sima.parquet"}
    derived = made["score/net/derived/reference"]
    assert derived.reads["references"] == {
        f"net-reference{k}": {"sima": paths.reference_scores("net", f"net-reference{k}", "sima")}
        for k in (1, 2)
    }
    assert derived.reads["trained_on"]["net-reference2"] == paths.split("small-reference2")
    assert "train/net-reference2" in made
    assert not [name for name in made if name.startswith(("evaluate/net-", "sample/net-", "blind/small-"))]


def test_stages_that_score_wait_for_all_that_their_jobs_read():
    """With references or without: an attack reads what the model drew, another one what others were trained on."""
    params = small(
        text(attacks="[loss, own_distance, reference, sima]", more=", raw: {attacks: [sima, own_distance]}")
    )
    expanded = yaml.safe_load(dvc.text(params))["expanded"]
    stages = yaml.safe_load((ROOT / dvc.PIPELINE).read_text())["stages"]
    for stage, audits in ("score", "alone"), ("score_referring", "referring"):
        for audit, known in expanded[audits].items():
            template = stages[stage]["do"]
            outs = [path for out in template["outs"] for path in out]  # each with what DVC is to know of it
            folders = "\n".join([*template["deps"], *outs]).replace("${key}", audit)
            for name, value in known.items():
                folders = folders.replace(f"${{item.{name}}}", value)
            read = {
                file for job in jobs(params) if job.name.startswith(f"score/{audit}/") for file in job.inputs
            }
            assert paths.samples(audit) in read or audit == "exact"
            assert [file for file in read if not any(map(file.is_relative_to, folders.splitlines()))] == []


def test_dvc_knows_splits_and_targets_of_references_and_which_audits_have_some():
    expanded = yaml.safe_load(dvc.text(small(text())))["expanded"]
    assert list(expanded["alone"]) == ["raw", "exact"]
    rules = "references_net derive_net"
    assert expanded["referring"] == {
        "net": {"target": "net", "split": "small", "dataset": "digits", "rules": rules}
    }
    assert {"small-reference1", "small-reference2"} <= expanded["splits"].keys()
    assert list(expanded["audited_splits"]) == ["small"]
    assert expanded["targets"]["net-reference2"] == {
        "kind": "ddpm",
        "split": "small-reference2",
        "dataset": "digits",
    }
