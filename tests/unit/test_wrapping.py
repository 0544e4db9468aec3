"""Entries that wrap another entry of params.yaml: what decides their scores, and what is refused."""

import numpy as np
import pytest
from planning import lines_of, small

from simaudit.attacks.attack import TargetAttack
from simaudit.plan.jobs import jobs
from simaudit.provenance.stamps import Stamp
from simaudit.scoring.jobs import attack_of

WRAPPED = "attacks: {low_pass: {of: sima, radius: 2}, softer: {kind: low_pass, of: loss, scale: 0.5}}"


def made(*experiments):
    return {job.name: job for job in jobs(small(WRAPPED, *experiments))}


def test_an_audit_runs_a_wrapper_as_any_attack_that_asks_a_model():
    job = made()["score/raw/low_pass"]
    assert job.params["base"] == {"timesteps": [10, 40], "norms": [4], "inputs": ["raw"]}
    attack = attack_of(job.params, TargetAttack)
    assert (attack.grid, attack.last_query, attack.bases) == ((10, 40), 40, ())
    assert attack_of(made()["score/raw/softer"].params, TargetAttack).base.draws == (1,)


def test_what_it_wraps_need_not_be_run():
    names = made("audits: {net: {attacks: [low_pass], intermediate_attacks: [low_pass]}}")
    assert {name for name in names if name.startswith("score/net/")} == {
        "score/net/low_pass",
        "score/net/epochs/2/low_pass",
    }


@pytest.mark.parametrize(
    ("experiment", "due"),
    [
        ("attacks: {sima: {norms: [2]}}", {"sima", "low_pass"}),
        ("attacks: {sima: {timesteps: [10, 30]}}", {"sima", "low_pass"}),
        ("attacks: {loss: {draws: [1, 2]}}", {"loss", "softer"}),
        ("attacks: {low_pass: {radius: 3}}", {"low_pass"}),
        ("attacks: {softer: {knobs: {draws: [3]}}}", {"softer"}),
    ],
)
def test_the_knobs_of_what_it_wraps_are_in_the_identity_of_its_scores(experiment, due):
    before, after = (
        {name: Stamp.of(job).identity for name, job in made(*e).items()} for e in ((), (experiment,))
    )
    scores = {name for name in before if name.startswith("score/raw/")}
    assert {name for name in scores if before[name] != after[name]} == {f"score/raw/{name}" for name in due}


def test_the_code_of_what_it_wraps_is_in_the_identity_of_its_scores():
    code = {name: Stamp.of(job).code for name, job in made().items()}
    sima, loss = "simaudit.attacks.threshold.sima", "simaudit.attacks.threshold.loss"
    assert {sima, "simaudit.attacks.threshold.low_pass"} <= code["score/raw/low_pass"].keys()
    assert loss in code["score/raw/softer"]
    assert loss not in code["score/raw/low_pass"]


def test_knobs_that_it_says_are_its_own():
    job = made("attacks: {low_pass: {knobs: {timesteps: {start: 5, stop: 15, step: 5}}}}")[
        "score/raw/low_pass"
    ]
    assert job.params["base"] == {"timesteps": [5, 10, 15], "norms": [4], "inputs": ["raw"]}
    assert attack_of(job.params, TargetAttack).grid == (5, 10, 15)


PFAMI = "attacks: {pfami: {timesteps: [10]}, low_pass: {of: pfami}}"


@pytest.mark.parametrize(
    ("experiment", "line"),
    [
        (
            "attacks: {low_pass: {of: lost}}",
            "experiment.yaml: attacks.low_pass.of: no such entry; known: loss, low_pass, sima (got 'lost')",
        ),
        (
            PFAMI,
            "experiment.yaml: attacks.low_pass.of: must name an attack that takes the norm of a residual; known: loss, "
            "sima (got 'pfami')",
        ),
        (
            "attacks: {low_pass: {}, softer: {kind: low_pass, of: low_pass}}",
            "experiment.yaml: attacks.softer.of: must name an attack that takes the norm of a residual; known: loss, "
            "sima (got 'low_pass')",
        ),
        (
            "attacks: {sima: null, low_pass: {}}",
            "experiment.yaml: attacks.low_pass.of: must name an attack that takes the norm of a residual; known: loss "
            "(got 'sima')",
        ),
        (
            "attacks: {low_pass: {knobs: {norms: [3]}}}",
            "experiment.yaml: attacks.low_pass.knobs.norms[0]: must be 1, 2, 4 or 'inf' (got 3)",
        ),
        (
            "attacks: {low_pass: {knobs: {radius: 3}}}",
            "experiment.yaml: attacks.low_pass.knobs.radius: unknown key; remove it or correct its spelling",
        ),
        (
            "attacks: {low_pass: {radius: 0}}",
            "experiment.yaml: attacks.low_pass.radius: must be greater than 0 (got 0)",
        ),
        (
            "attacks: {low_pass: {knobs: {timesteps: [1000]}}}",
            "experiment.yaml: attacks.low_pass.knobs.timesteps: must be below 1000, the steps of targets.exact (asks "
            "at 1000)",
        ),
    ],
)
def test_what_cannot_be_wrapped_is_one_line_at_the_key(experiment, line):
    assert lines_of(small, experiment) == [line]


def test_timesteps_that_are_those_of_what_it_wraps_are_refused_there_once():
    lines = lines_of(small, "attacks: {low_pass: {}, sima: {timesteps: [1000]}}")
    assert [line.split(": ")[1] for line in lines] == ["attacks.sima.timesteps"]


def test_a_wrapper_is_scored_from_a_stamp_as_by_hand(tmp_path):
    """The job that is read back from its stamp's file knows what it wraps."""
    job = made()["score/raw/softer"]
    (tmp_path / "stamp.json").write_text(Stamp.of(job).text)
    attack = attack_of(Stamp.read(tmp_path / "stamp.json").job.params, TargetAttack)
    assert attack == small(WRAPPED).attacks["softer"]
    assert np.array_equal(attack.base.timesteps, (10, 40))
