"""A wrong value is answered with one line that names the file, entry and key where the user wrote it."""

from pathlib import Path

import pytest
from planning import DEFAULT, changed, lines_of, small

from simaudit.plan.load import load, parse
from simaudit.targets.family import family_modules
from simaudit.vocabulary.errors import SimauditError


def refused(*experiments):
    """The lines that refuse the small parameters with these experiments on top."""
    return lines_of(small, *experiments)


def test_a_value_that_many_targets_start_from_is_named_once():
    values = changed("targets.digits-ldm.autoencoder.beta", -1)
    del values["targets"]["digits-ldm-beta"]["over"]
    lines = lines_of(parse, [(DEFAULT, values)])
    assert lines == [
        f"{DEFAULT}: targets.digits-ldm.autoencoder.beta: must be greater than or equal to 0 (got -1)"
    ]


def test_a_value_that_comes_through_like_is_named_in_the_entry_where_it_stands():
    chain = (
        "targets: {a: {like: b}, b: {like: c, training: {epochs: -1}}, c: {like: net, training: {seed: -1}}}"
    )
    assert refused(chain) == [
        "experiment.yaml: targets.b.training.epochs: must be greater than or equal to 0 (got -1)",
        "experiment.yaml: targets.c.training.seed: must be greater than or equal to 0 (got -1)",
    ]


def test_a_value_is_named_in_the_file_that_holds_it_though_another_entry_of_that_name_lies_on_top():
    first = "targets: {net: {training: {epochs: -1}}}"
    assert refused(first, "targets: {net: {training: {seed: 3}}, more: {like: net, seeds: [0, 1]}}") == [
        "experiment.yaml: targets.net.training.epochs: must be greater than or equal to 0 (got -1)"
    ]


def test_a_value_that_an_experiment_sets_is_named_there():
    assert refused("attacks: {loss: {draws: [0]}}\ntargets: {mine: {split: small}}") == [
        "experiment.yaml: targets.mine.kind: missing; add it",
        "experiment.yaml: attacks.loss.draws[0]: must be greater than 0 (got 0)",
    ]


def test_a_section_that_no_file_has_is_missing_in_params_yaml():
    [line] = lines_of(parse, [(Path("params.yaml"), changed("figures", ...)), (Path("experiment.yaml"), {})])
    assert line == "params.yaml: figures: missing; add it"


def test_a_value_from_the_command_line_is_named_so():
    [line] = lines_of(load, [DEFAULT], {"quality": {"steps": 1}})
    assert line == "--config: quality.steps: must be greater than or equal to 2 (got 1)"


@pytest.mark.parametrize(
    ("sweep", "line"),
    [
        ("seeds: 3", "seeds: must be a list (got 3)"),
        ("seeds: []", "seeds: must have 1 or more (got [])"),
        ("seeds: [0, -1]", "seeds[1]: must be greater than or equal to 0 (got -1)"),
        ("seeds: [0, 1, 0]", "seeds: must be different from one another (got [0, 1, 0])"),
        ("over: [training.epochs]", "over: must be a mapping of keys to values (got ['training.epochs'])"),
        ("over: {training.epochs: 3}", "over.training.epochs: must be a list (got 3)"),
        (
            "over: {training.epochs: [3, [4]]}",
            "over.training.epochs[1]: must be a number, a text, true or false (got [4])",
        ),
        (
            "over: {training.epochs: [3, 3]}",
            "over.training.epochs: must be different from one another (got [3, 3])",
        ),
        (
            "over: {training.epochs: [3, -1]}",
            "over.training.epochs: must be greater than or equal to 0 (got -1)",
        ),
        (
            "over: {trainin.epochs: [3, 4]}",
            "over.trainin.epochs: unknown key; remove it or correct its spelling",
        ),
        (
            "over: {training.epoch: [3, 4]}",
            "over.training.epoch: unknown key; remove it or correct its spelling",
        ),
        ("over: {split: [small, none]}", "over.split: no such entry; known: small, few (got 'none')"),
        (
            "over: {kind: [ddpm, gan]}",
            f"over.kind: must be one of {', '.join(map(repr, family_modules()))} (got 'gan')",
        ),
        ("over: {training: [1]}", "over.training: must be a mapping of keys to values (got 1)"),
        (
            "seeds: [5, 6], over: {training.seed: [1, 2]}",
            "over: must not set training.seed beside seeds; leave one out (got {'training.seed': [1, 2]})",
        ),
        ("sedes: [0, 1]", "sedes: unknown key; remove it or correct its spelling"),
    ],
)
def test_a_wrong_sweep_is_named_where_it_is_written_however_many_targets_it_stands_for(sweep, line):
    assert refused(f"targets: {{net: {{{sweep}}}}}", "targets: {net: }") == [
        f"experiment.yaml: targets.net.{line}"
    ]


def test_what_is_wrong_with_a_section_is_named_there_though_a_sweep_sets_a_key_in_it():
    [line] = refused("targets: {net: {seeds: [0, 1], training: {intermediate_epochs: [5]}}}")
    assert line.startswith(
        "experiment.yaml: targets.net.training: intermediate_epochs must be below epochs (5)"
    )


def test_every_mistake_in_a_sweep_has_its_line():
    assert len(refused("targets: {net: {seeds: [-1, x], over: {training.epochs: 3}}}")) == 3


def test_a_target_that_is_not_trained_has_no_seeds():
    [line] = refused("targets: {exact: {seeds: [0, 1]}}")
    assert (
        line == "experiment.yaml: targets.exact.seeds: sets the seed of a training, and this target has none"
    )


def test_a_wrong_audit_of_a_sweep_is_named_once_in_the_audit_that_stands_for_all():
    text = "targets: {net: {seeds: [0, 1, 2]}}\naudits: {net: {attacks: [lost]}}"
    assert refused(text) == [
        "experiment.yaml: audits.net.attacks: no such entry; known: loss, sima (got 'lost')"
    ]


def test_a_wrong_audit_that_is_like_another_is_named_where_it_stands():
    text = "targets: {net: , raw: }\naudits: {raw: {like: net}, net: {intermediate_attacks: [sima]}}"
    assert refused(text) == [
        "experiment.yaml: audits.net.intermediate_attacks: no such entry; known: loss (got 'sima')"
    ]


def test_a_long_value_is_cut():
    [line] = refused(f"scoring: {{device: {'x' * 100}}}")
    assert line.endswith(f"(got '{'x' * 56}...)")


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"a: 1\n\xff\xfe\xfa", "line 2: not UTF-8 (byte 0xff)"), (b"a: [", "line 1: not valid YAML")],
)
def test_a_file_that_is_no_yaml_is_one_line(tmp_path, content, why):
    file = tmp_path / "params.yaml"
    file.write_bytes(content)
    with pytest.raises(SimauditError) as refusal:
        load([file])
    [line] = str(refusal.value).splitlines()
    assert line.startswith(f"{file}: {why}")


def test_a_value_that_may_be_of_several_kinds_has_one_line_that_says_which():
    assert refused("scoring: {batch_size: few}") == [
        "experiment.yaml: scoring.batch_size: must be a whole number or 'auto' (got 'few')"
    ]
