"""Every job that parameters ask for: what each reads and writes, in which order, and what decides it."""

from dataclasses import replace
from functools import cache, reduce

import numpy as np
import pytest
import yaml
from planning import DEFAULT, EXPERIMENTS, ROOT, small
from pydantic import BaseModel

from simaudit.plan import dvc
from simaudit.plan.jobs import jobs
from simaudit.plan.load import load, parse
from simaudit.scoring.memory import score_mb
from simaudit.vocabulary import paths
from simaudit.vocabulary.job import USUAL_MB, plain
from simaudit.vocabulary.knobs import Speed, joined

SMOKE = ROOT / "experiments" / "smoke.yaml"


@cache
def jobs_of(*experiments):
    return list(jobs(load([DEFAULT, *experiments])))


@pytest.fixture(
    params=[(), *((file,) for file in EXPERIMENTS)], ids=lambda files: files[0].stem if files else "default"
)
def every(request):
    """The jobs of the default run, and of each experiment."""
    return jobs_of(*request.param)


def within(path, files):
    """Whether a path is one of these files, or inside one that is a folder."""
    return path in files or any(parent in files for parent in path.parents)


def test_each_job_stands_after_those_whose_outputs_it_reads(every):
    made = set()
    for job in every:
        assert [path for path in job.inputs if not within(path, made)] == []
        made |= {*job.outputs, paths.record(job.name)}


def test_no_two_jobs_have_one_name_or_write_one_path(every):
    names = [job.name for job in every]
    written = [path for job in every for path in job.outputs]
    assert len(names) == len(set(names))
    assert len(written) == len(set(written))
    assert [path for path in written if any(parent in written for parent in path.parents)] == []


def test_records_behind_the_page_are_those_of_all_jobs_that_numbers_come_from(every):
    wanted, behind = {paths.NUMBERS}, set()
    for job in reversed(every):
        if wanted & set(job.outputs):
            wanted |= set(job.inputs)
            behind.add(job.name)
    [report] = [job for job in every if job.name == "report"]
    assert {paths.record(name) for name in behind - {"numbers"}} == set(report.reads["records"])


def test_what_nothing_uses_has_no_job():
    params = small(
        "splits: {small: , few: }\ndatasets: {digits: , more: {source: digits}}\nattacks: {sima: null}"
    )
    names = {job.name for job in jobs(params)}
    assert {name for name in names if name.startswith(("prepare/", "split/", "blind/", "nearest/"))} == {
        *("prepare/digits", "split/small", "blind/small", "nearest/small"),
    }
    assert not any(name.startswith("score/") and name.endswith("sima") for name in names)
    assert "score/net/epochs/2/loss" in names
    assert not any(name.startswith("score/raw/epochs") for name in names)


def test_a_split_that_is_trained_on_or_drawn_of_alone_is_made_and_not_judged():
    params = small("""
        theory: {split: drawn, field_members: 12}
        splits: {small: , few: , drawn: {like: few, seed: 3}}
        targets: {net: }
        audits: {net: {split: few}}
    """)
    assert [
        name
        for name in (job.name for job in jobs(params))
        if name.startswith(("split/", "blind/", "nearest/"))
    ] == [
        *("split/drawn", "split/few", "split/small", "nearest/few", "blind/few"),
    ]


def test_an_attack_that_no_audit_names_has_no_job():
    params = small("targets: {net: }")
    assert {job.name for job in jobs(params) if job.phase == "score"} == {
        "score/net/loss",
        "score/net/epochs/2/loss",
    }


@pytest.mark.parametrize("knob", ["rms: 0.2", "correlation: 0.9"])
def test_what_counts_as_a_near_duplicate_decides_no_job_but_nearest(knob):
    was, now = (
        {job.name: _deciding(job) for job in jobs(small(*changes))}
        for changes in ((), (f"evaluation: {{near_duplicates: {{{knob}}}}}",))
    )
    assert {name for name in was if was[name] != now[name]} == {"nearest/small"}


def test_an_intermediate_checkpoint_that_nothing_attacks_does_not_decide_the_evaluation():
    rest = "audits: {raw: }"
    was = {job.name: _deciding(job) for job in jobs(small(rest))}
    now = {
        job.name: _deciding(job)
        for job in jobs(small(rest, "targets: {net: {training: {intermediate_epochs: []}}}"))
    }
    assert was["train/net"] != now["train/net"]
    assert was["evaluate/net"] == now["evaluate/net"]


def test_two_audits_of_one_target_share_its_training():
    params = small("targets: {net: }\naudits: {net: , again: {target: net, attacks: [sima]}}")
    names = [job.name for job in jobs(params)]
    assert [name for name in names if name.startswith("train/")] == ["train/net"]
    assert {name for name in names if name.startswith("evaluate/")} == {"evaluate/net", "evaluate/again"}


def speed_knobs(knobs, place=()):
    """The place and the value of every knob that is declared not to change a result."""
    fields = (
        type(knobs).model_fields.items() if isinstance(knobs, BaseModel) else ((key, None) for key in knobs)
    )
    for name, field in fields:
        value = getattr(knobs, name) if isinstance(knobs, BaseModel) else knobs[name]
        if field and any(isinstance(mark, Speed) for mark in field.metadata):
            yield (*place, name), value
        elif isinstance(value, BaseModel | dict):
            yield from speed_knobs(value, (*place, name))


def test_the_page_reads_the_training_of_each_audits_target():
    params = small("audits: {mine: {target: net}}")
    report = next(job for job in jobs(params) if job.name == "report")
    assert report.reads["trainings"]["mine"] == paths.target("net") / "training.json"


def test_dvc_draws_figures_of_audits_that_have_some():
    params = small("audits: {net: {}, raw: {figures: []}}")
    assert dvc.expanded(params)["drawn"] == ["net", "exact"]


def test_a_speed_knob_is_in_the_speed_of_jobs_and_decides_nothing():
    params = load([DEFAULT, SMOKE])
    values, before = params.model_dump(mode="json", exclude_none=True), list(jobs(params))
    knobs = dict(speed_knobs(params))
    assert {place[-1] for place in knobs} == {
        *("threads", "device", "batch_size", "shards", "checkpoint_every")
    }
    for place, value in knobs.items():
        other = "cuda:1" if place[-1] == "device" else 7 if value == "auto" else value + 1
        change = reduce(lambda inner, key: {key: inner}, reversed(place), other)
        after = list(jobs(parse([(DEFAULT, joined(values, change))])))
        assert [_deciding(job) for job in after] == [_deciding(job) for job in before], place
        concerned = [job for job, was in zip(after, before, strict=True) if job.speed != was.speed]
        assert concerned, place
        assert {job.name for job in concerned if job.phase == "train"} <= {f"train/{place[1]}"}


def _deciding(job):
    return (
        job.name,
        job.run,
        plain(job.params),
        plain(job.reads),
        plain(job.writes),
        job.plugins,
        job.given,
    )


def test_dvc_reads_the_names_of_params_yaml():
    written = (ROOT / dvc.FILE).read_text(encoding="utf-8")
    assert written == dvc.text(load([DEFAULT])), "run: simaudit stamps"


def test_dvc_knows_of_every_target_and_audit_what_it_refers_to():
    params = small("targets: {net: {seeds: [0, 1]}}\naudits: {net: {split: few}}")
    expanded = yaml.safe_load(dvc.text(params))["expanded"]
    assert expanded["datasets"] == ["digits"]
    assert expanded["splits"] == {"few": {"dataset": "digits"}, "small": {"dataset": "digits"}}
    assert expanded["audited_splits"] == {"few": {"dataset": "digits"}}
    assert expanded["targets"]["net-seed1"] == {"kind": "ddpm", "split": "small", "dataset": "digits"}
    assert expanded["audits"]["net-seed1"] == {"target": "net-seed1", "split": "few", "dataset": "digits"}


def test_dvc_knows_whose_autoencoder_a_target_borrows():
    params = small("""
        splits: {small: , few: }
        targets:
          own:
            kind: latent
            split: small
            autoencoder:
              network: {latent_channels: 2, block_out_channels: [8], norm_num_groups: 8}
              beta: 0.1
              training: &fit {epochs: 1, learning_rate: 0.01}
            unet: &unet
              block_out_channels: [8]
              down_block_types: [DownBlock2D]
              up_block_types: [UpBlock2D]
              norm_num_groups: 8
            training: *fit
          mine:
            kind: latent
            split: small
            autoencoder: {pretrained: results/targets/own/vqvae}
            unet: *unet
            training: *fit
        audits: {}
    """)
    expanded = yaml.safe_load(dvc.text(params))["expanded"]
    assert list(expanded["targets"]) == ["own"]
    assert expanded["borrowing"] == {
        "mine": {"kind": "latent", "split": "small", "dataset": "digits", "lender": "own"}
    }


def test_the_file_for_dvc_is_written_when_it_differs(tmp_path):
    (tmp_path / dvc.PIPELINE).touch()
    assert [dvc.refresh(small(), tmp_path), dvc.refresh(small(), tmp_path)] == [True, False]
    assert dvc.refresh(small("targets: {net: }"), tmp_path)
    assert (tmp_path / dvc.FILE).read_text(encoding="utf-8") == dvc.text(small("targets: {net: }"))


def test_a_folder_without_dvc_gets_no_file_for_it(tmp_path):
    assert not dvc.refresh(small(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_may_have_no_figures_at_all():
    params = small("figures: {roc_loglog: null, samples: null}")
    planned = list(jobs(params))
    assert {job.phase for job in planned} >= {"evaluate", "numbers", "tables", "report"}
    assert not [job for job in planned if job.phase == "figure"]
    assert dvc.expanded(params)["drawn"] == []


def memory_of(name):
    return next(job.memory_mb for job in jobs_of() if job.name == name)


def test_the_memory_that_rules_ask_for_follows_from_the_size_of_what_a_job_reads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert memory_of("tables") == USUAL_MB
    names = (
        "split/digits-300",
        "blind/digits-300",
        "quality/digits-ddpm",
        "score/digits-optimal/sima",
        "train/digits-optimal",
    )
    before = {name: memory_of(name) for name in (*names, "train/digits-ddpm", "nearest/digits-300")}
    paths.images("digits").parent.mkdir(parents=True)
    with paths.images("digits").open("wb") as stream:  # a million images of nothing
        header = {"shape": (10**6, 1, 32, 32), "fortran_order": False, "descr": "|u1"}
        np.lib.format.write_array_header_1_0(stream, header)
        stream.truncate(stream.tell() + 10**6 * 32 * 32)
    with paths.items("digits").open("wb") as stream:
        stream.truncate(80 * 10**6)
    more = {name: memory_of(name) - mb for name, mb in before.items()}
    score = next(job for job in jobs_of() if job.name == "score/digits-ddpm/sima")
    learning = replace(score, params={**score.params, "attack_kind": "secmi_nns"})
    assert (
        score_mb(learning) - score_mb(score) > 10**6 * 32 * 32 * 4 / 1e6
    )  # the maps of a timestep are floats
    assert all(more[name] > 1000 for name in names)
    assert more["train/digits-ddpm"] == more["nearest/digits-300"] == 0
