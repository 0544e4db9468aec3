"""Experiments on params.yaml, entries `like` others, sweeps and audits: which targets and audits they stand for."""

from pathlib import Path

import pytest
from planning import DEFAULT, EXPERIMENTS, lines_of, small

from simaudit.plan.combine import combine
from simaudit.plan.load import load
from simaudit.vocabulary.errors import SimauditError

WHO = "experiment.yaml"


def line_of(*experiments):
    """The one line that refuses the small parameters with these experiments on top."""
    [line] = lines_of(small, *experiments)
    return line


def test_a_section_that_an_experiment_does_not_name_is_inherited():
    assert small("quality: {steps: 7}") == small().model_copy(
        update={"quality": small().quality.model_copy(update={"steps": 7})}
    )


def test_an_experiment_that_says_nothing_changes_nothing():
    assert small("{}") == small("targets:\naudits:\nquality:\n") == small()


def test_entries_that_an_experiment_lists_are_all_there_are():
    params = small("targets: {raw: , exact: }")
    assert list(params.targets) == ["raw", "exact"]
    assert params.targets["raw"] == small().targets["raw"]
    assert list(small("splits: {small: {members: 90}}").splits) == ["small"]


def test_a_listed_entry_starts_from_the_one_of_the_same_name():
    params = small("targets: {net: {training: {epochs: 9}}}\nsplits: {small: {seed: 3}}")
    assert params.targets["net"].training.model_dump() == small().targets["net"].training.model_dump() | {
        "epochs": 9
    }
    assert (params.splits["small"].members, params.splits["small"].seed) == (100, 3)


def test_other_sections_are_merged_key_by_key_and_lists_replaced():
    params = small("attacks: {sima: {norms: [2]}, pia: {timesteps: [10]}}")
    assert list(params.attacks) == ["loss", "pia", "sima"]
    assert (params.attacks["sima"].norms, params.attacks["sima"].timesteps) == ((2,), (10, 40))


def test_null_drops_an_attack_or_a_figure():
    params = small("attacks: {sima: null}\nfigures: {samples: null}")
    assert (list(params.attacks), list(params.figures)) == (["loss"], ["roc_loglog"])
    assert "sima" not in params.attacks_on("exact")


@pytest.mark.parametrize("section", ["attacks", "figures"])
def test_null_is_refused_where_no_file_below_has_anything_to_drop_since_the_defaults_were_perhaps_meant(
    section,
):
    first, later = (Path("params.yaml"), {section: {"mine": None}}), (Path("more.yaml"), {section: {}})
    why = "has no value, which drops an entry, and there is none to drop; write its knobs, or {} for none"
    for files in ([first], [first, later]):
        with pytest.raises(SimauditError) as refused:
            combine(files)
        assert str(refused.value) == f"params.yaml: {section}.mine: {why}"


def test_an_experiment_may_drop_what_the_parameters_below_do_not_have():
    assert list(small("attacks: {pia: null}\nfigures: {forest:}").attacks) == ["loss", "sima"]


def test_like_names_an_entry_of_the_same_file_of_the_one_below_or_one_that_is_like_another():
    params = small("""
        targets:
          third: {like: second, training: {seed: 3}}
          second: {like: first, training: {learning_rate: 0.2}}
          first: {like: net, training: {epochs: 2, intermediate_epochs: [1]}}
    """)
    third = params.targets["third"].training
    assert (third.seed, third.learning_rate, third.epochs) == (3, 0.2, 2)
    assert params.targets["third"].unet == small().targets["net"].unet


def test_like_starts_from_the_entry_as_the_same_file_changes_it():
    params = small("targets: {net: {training: {epochs: 9}}, other: {like: net}}")
    assert params.targets["other"].training.epochs == 9


def test_like_works_for_splits_and_audits_too():
    params = small("splits: {small: , third: {like: small, seed: 5}}\naudits: {net: , raw: {like: net}}")
    assert (params.splits["third"].members, params.splits["third"].seed) == (100, 5)
    assert list(params.attacks_on("raw")) == ["loss"]


def test_an_entry_that_is_like_another_does_not_inherit_its_sweep():
    params = small("targets: {net: {seeds: [0, 1]}, other: {like: net}}")
    assert list(params.targets) == ["net", "net-seed1", "other"]


def test_a_second_experiment_stands_on_the_first():
    params = small(
        "targets: {new: {like: net, training: {epochs: 9}}}", "targets: {new: {training: {seed: 4}}}"
    )
    assert list(params.targets) == ["new"]
    assert (params.targets["new"].training.epochs, params.targets["new"].training.seed) == (9, 4)


@pytest.mark.parametrize(
    ("entries", "name"), [("a: {like: a}", "a"), ("a: {like: b}, b: {like: c}, c: {like: a}", "c")]
)
def test_like_may_not_go_in_a_circle(entries, name):
    why = "goes in a circle; name an entry that stands by itself"
    assert line_of(f"targets: {{{entries}}}") == f"{WHO}: targets.{name}.like: {why}"


def test_like_of_no_entry_lists_those_that_there_are():
    line = line_of("targets: {new: {like: nett}}")
    assert line == f"{WHO}: targets.new.like: no such entry; known: exact, net, raw (got 'nett')"


def test_audits_vanish_with_their_target_unless_the_experiment_lists_them():
    assert list(small("targets: {raw: , exact: }").audits) == ["raw", "exact"]
    line = line_of("targets: {raw: }\naudits: {net: }")
    assert line == f"{WHO}: audits.net.target: no such entry; known: raw (got 'net')"


def test_an_inherited_audit_of_one_target_of_a_sweep_stays_with_it():
    first = "targets: {net: {seeds: [0, 1]}}\naudits: {net: {attacks: [loss]}, net-seed1: {attacks: [sima]}}"
    params = small(first, "targets: {net: }")
    assert {name: list(params.attacks_on(name)) for name in params.audits} == {
        "net": ["loss"],
        "net-seed1": ["sima"],
    }


def test_each_seed_is_a_target_and_the_first_keeps_the_name():
    params = small("targets: {net: {seeds: [3, 1]}}")
    assert {name: target.training.seed for name, target in params.targets.items()} == {
        "net": 3,
        "net-seed1": 1,
    }
    assert params.targets["net"].training.epochs == 5


@pytest.mark.parametrize(
    ("entry", "swept", "names"),
    [
        (
            "net",
            "training.learning_rate: [0.01, 1, 2.50]",
            "learning_rate0_01 learning_rate1 learning_rate2_5",
        ),
        (
            "net",
            "training.learning_rate: [1.0e-7, 1e-6, 1.e-10]",
            "learning_rate1e-07 learning_rate1e-06 learning_rate1e-10",
        ),
        ("net-epochs", "training.epochs: [3, 4]", "3 4"),
        ("net", "training.horizontal_flip: [true, false]", "horizontal_fliptrue horizontal_flipfalse"),
        ("net", "schedule.beta_schedule: [linear]", "beta_schedulelinear"),
        ("net", "training.device: ['cuda:0', cpu]", "devicecuda_0 devicecpu"),
        ("net", "split: [few, small]", "splitfew splitsmall"),
        ("net", "training.epochs: [3, 4], split: [small]", "epochs3-splitsmall epochs4-splitsmall"),
    ],
)
def test_each_value_is_a_target_named_after_key_and_value(entry, swept, names):
    like = "" if entry == "net" else "like: net, "
    params = small(f"targets: {{{entry}: {{{like}over: {{{swept}}}}}}}")
    between = "-" if entry == "net" else ""
    assert list(params.targets) == [f"{entry}{between}{name}" for name in names.split()]


def test_values_are_those_that_the_sweep_names_and_everything_else_is_the_entrys():
    params = small("targets: {net: {over: {training.learning_rate: [1e-7, 0.5], training.epochs: [3]}}}")
    slow, fast = params.targets.values()
    assert (slow.training.learning_rate, fast.training.learning_rate) == (1e-7, 0.5)
    assert {target.training.epochs for target in (slow, fast)} == {3}
    assert slow.unet == fast.unet == small().targets["net"].unet


def test_values_times_seeds():
    params = small(
        "targets: {net: {over: {training.epochs: [3, 4], training.batch_size: [8, 9]}, seeds: [0, 1]}}"
    )
    assert list(params.targets) == [
        f"net-epochs{epochs}-batch_size{size}{seed}"
        for epochs in (3, 4)
        for size in (8, 9)
        for seed in ("", "-seed1")
    ]
    last = params.targets["net-epochs4-batch_size9-seed1"].training
    assert (last.epochs, last.batch_size, last.seed) == (4, 9, 1)


def test_an_experiment_changes_an_inherited_sweep_or_drops_it_with_null():
    swept = "targets: {net: {over: {training.epochs: [3, 4]}, seeds: [0, 1]}}"
    changed = small(swept, "targets: {net: {seeds: null, over: {training.epochs: [5]}}}")
    assert list(changed.targets) == ["net-epochs5"]
    assert list(small(swept, "targets: {net: {seeds: null, over: null}}").targets) == ["net"]


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        (
            "net: {seeds: [0, 1]}, net-seed1: {like: net}",
            "net-seed1: stands for net-seed1, and so does targets.net",
        ),
        (
            "net: {over: {training.learning_rate: [0.12345678, 0.12345679]}}",
            "net: stands for net-learning_rate0_123457, and so does targets.net",
        ),
    ],
)
def test_two_targets_of_one_name_are_refused(entries, line):
    assert line_of(f"targets: {{{entries}}}") == f"{WHO}: targets.{line}; rename one"


def test_every_target_that_no_audit_names_is_audited_by_everything_in_the_order_of_targets():
    params = small()
    assert list(params.audits) == ["net", "raw", "exact"]
    assert [list(params.attacks_on(name)) for name in params.audits] == [
        ["loss"],
        ["loss", "sima"],
        ["loss", "sima"],
    ]
    assert params.figures_of("raw") == {"roc_loglog": None, "samples": None}


def test_an_audit_of_an_entry_is_of_all_its_targets_but_those_that_have_one_of_their_own():
    params = small("""
        targets: {net: {seeds: [0, 1, 2]}}
        audits: {net-seed1: {attacks: [sima]}, net: {attacks: [loss]}}
    """)
    assert {name: (audit.target, *params.attacks_on(name)) for name, audit in params.audits.items()} == {
        "net": ("net", "loss"),
        "net-seed1": ("net-seed1", "sima"),
        "net-seed2": ("net-seed2", "loss"),
    }


def test_a_target_may_be_audited_twice_and_on_another_split():
    params = small("targets: {net: }\naudits: {net: , again: {target: net, split: few, attacks: [sima]}}")
    assert {name: (audit.target, params.split_of(name)) for name, audit in params.audits.items()} == {
        "net": ("net", "small"),
        "again": ("net", "few"),
    }


def test_an_audit_of_another_name_applies_to_all_targets_of_a_sweep():
    params = small("targets: {net: {seeds: [0, 1]}}\naudits: {again: {target: net, split: few}}")
    assert {name: audit.target for name, audit in params.audits.items()} == {
        "again": "net",
        "again-seed1": "net-seed1",
    }


def test_an_audit_may_not_take_the_name_of_a_target_that_is_audited_under_it():
    line = line_of("targets: {net: , raw: }\naudits: {raw: {target: net}}")
    assert line == f"{WHO}: targets.raw: stands for raw, and so does audits.raw; rename one"


def test_the_sweep_of_the_paper_fits_on_a_screen_and_stands_for_every_combination():
    [file] = [file for file in EXPERIMENTS if file.stem == "beta-sweep"]
    assert len(file.read_text().splitlines()) <= 24
    latent = [target for target in load([DEFAULT, file]).targets.values() if target.is_latent]
    arms = {(*target.arm.values(), target.training.seed) for target in latent}
    assert len(latent) == len(arms) == 10 * 2 * 2
