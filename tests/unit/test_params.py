"""params.yaml: what is accepted, and the one line that answers everything else."""

import json
import subprocess
import sys

import jsonschema
import pytest
from planning import DEFAULT, EXPERIMENTS, ROOT, SMALL, changed, default, lines_of, small

from simaudit.data.source import source_modules
from simaudit.plan.load import load, parse
from simaudit.plan.schema import schema
from simaudit.storage.json import canonical_json
from simaudit.storage.yaml import read_yaml
from simaudit.targets.family import family_modules

TARGET, LATENT, AUDIT = "targets.digits-ddpm", "targets.digits-ldm", "audits.digits-ddpm"
SCHEMA = ROOT / "workflow/schemas/params.schema.json"
SOURCES = ", ".join(map(repr, source_modules()))
FAMILIES = ", ".join(map(repr, family_modules()))


def test_the_schema_in_the_repository_is_that_of_the_model():
    assert SCHEMA.read_text(encoding="utf-8") == canonical_json(schema()), "run: make schema"


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda file: file.stem)
def test_every_experiment_is_valid_and_runs_every_control(experiment):
    params = load([DEFAULT, experiment])
    assert {target.control for target in params.targets.values()} == {None, "untrained", "optimal"}


@pytest.mark.parametrize("file", [DEFAULT, *EXPERIMENTS], ids=lambda file: file.stem)
def test_every_file_as_it_is_written_fits_the_schema(file):
    jsonschema.validate(read_yaml(file), json.loads(SCHEMA.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "content",
    [
        {"targets": {"net": {"like": "digits-ddpm", "trainin": {"epochs": 3}}}},
        {"targets": {"net": {"training": {"epochs": "many"}}}},
        {"targets": {"net": {"kind": "gan"}}},
        {"targets": {"net": {"over": {"training.epochs": 3}}}},
        {"audits": {"net": {"attack": ["sima"]}}},
        {"splits": {"new": {"like": "digits-300", "seeds": [0, 1]}}},
        {"attacks": {"simma": {}}},
        {"extra": 1},
    ],
)
def test_the_schema_knows_keys_and_types_of_a_file_that_leaves_most_of_them_out(content):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_an_entry_whose_name_is_no_attack_may_say_its_kind():
    (line,) = lines_of(default, "attacks.simma", {})
    assert line.endswith("'sima_mc', or have one of them as its kind (got 'simma')")


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        (f"{TARGET}.training.batch_size", 0, "must be greater than 0 (got 0)"),
        (f"{TARGET}.training.ema_decay", 1, "must be less than 1 (got 1)"),
        (f"{TARGET}.training.epochs", "many", "must be a whole number"),
        (f"{TARGET}.training.epochs", -1, "must be greater than or equal to 0"),
        (f"{TARGET}.training.learning_rate", float("nan"), "must be"),
        (f"{TARGET}.training.epoch", 3, "unknown key; remove it or correct its spelling"),
        (f"{TARGET}.schedule", 3, "must be a mapping of keys to values (got 3)"),
        (f"{TARGET}.kind", "gan", f"must be one of {FAMILIES} (got 'gan')"),
        (
            f"{TARGET}.kind",
            ["ddpm"],
            f"must be one of {FAMILIES} (got ['ddpm'])",
        ),
        (f"{TARGET}.split", "nobody", "no such entry; known: digits-300, photos-100"),
        (f"{TARGET}.dataset", "digits", "unknown key"),
        (f"{TARGET}.attacks", ["sima"], "unknown key"),
        (f"{TARGET}.kind", None, "missing; add it"),
        ("datasets.digits.source", None, "missing; add it"),
        (
            "datasets.digits.source",
            "cifar11",
            f"must be one of {', '.join(map(repr, source_modules()))} (got 'cifar11')",
        ),
        ("datasets.photos.side", 33, "must be less than or equal to 32 (got 33)"),
        ("datasets.photos.side", 3, "must be greater than or equal to 4 (got 3)"),
        ("datasets.photos.reduction", 9, "must be less than or equal to 8 (got 9)"),
        ("datasets.photos.reduction", 0, "must be greater than or equal to 1 (got 0)"),
        ("splits.digits-300.calibration", 1.0, "must be less than 1"),
        ("splits.digits-300.dataset", "x", "no such entry; known: digits, photos (got 'x')"),
        ("splits.digits-300.seeds", [0, 1], "unknown key"),
        ("attacks.simma", {}, "must be one of 'combined', 'complexity', 'distortion', "),
        ("attacks.sima.timesteps", [30, 10], "must be strictly increasing"),
        ("attacks.sima.timesteps", [1000], "must be below 1000, the steps of targets"),
        ("attacks.sima.timesteps", [], "must have 1 or more"),
        ("attacks.sima_av.draws", [2, 5], "must be even numbers: antithetic draws come"),
        ("attacks.secmi.timesteps", [990], "must be below 1000, the steps of targets"),
        ("attacks.loss.draws", [5, 1], "must be strictly increasing"),
        ("figures.pie_chart", {}, "must be one of 'against_reference', "),
        ("figures.norms.atack", "sima", "unknown key"),
        (f"{AUDIT}.target", "nobody", "no such entry; known: digits-ddpm, digits-untrained, "),
        (f"{AUDIT}.split", "nobody", "no such entry; known: digits-300, photos-100"),
        (
            f"{AUDIT}.attacks",
            ["sima", "lost"],
            "no such entry; known: combined, complexity, complexity_av, distortion",
        ),
        ("audits.photos-ddpm.attacks", ["pullback"], "pullback needs a decoder, which kind ddpm has not"),
        (f"{AUDIT}.attacks", [], "must have 1 or more (got [])"),
        (
            f"{AUDIT}.intermediate_attacks",
            ["pullback"],
            "no such entry; known: combined, complexity, complexity_av, loss",
        ),
        (f"{AUDIT}.figures", ["nrms"], "no such entry; known: against_reference"),
        (f"{AUDIT}.figures", ["over_beta"], "over_beta is of all audits together; leave it out"),
        (f"{LATENT}.autoencoder.beta", -0.1, "must be greater than or equal to 0"),
        (f"{LATENT}.autoencoder.betta", 1, "unknown key"),
        ("targets.digits-optimal.training", {"epochs": 1}, "unknown key"),
        ("quality.steps", 1001, "must be at most 1000, the steps of targets"),
        ("quality.features", "clip", "must be 'auto', 'classifier', 'inception' or 'pca' (got 'clip')"),
        ("evaluation.bootstrap", 99, "must be greater than or equal to 100 (got 99)"),
        ("evaluation.permutations", 1, "must be greater than or equal to 20"),
        ("evaluation.blind.folds", 1, "must be greater than or equal to 2 (got 1)"),
        ("scoring.device", "abacus", "must match ^(auto|cpu|"),
        ("theory.split", "none", "no such entry; known: digits-300, photos-100"),
        ("theory.line_timestep", 1000, "must be below 1000, the steps of its schedule"),
        ("theory.field_timesteps", [5, 1000, 1001], "must be below 1000"),
        ("theory.field_timesteps", [5, 10], "must have 3 or more (got [5, 10])"),
        ("theory.field_members", 301, "must be at most 300, the members of its split"),
        ("targets.No Such/Name", {"like": "digits-ddpm"}, "must match ^[a-z0-9]"),
        ("targets", 3, "must be a mapping of keys to values (got 3)"),
        (AUDIT, ["sima"], "must be a mapping of keys to values (got ['sima'])"),
        ("extra", 1, "unknown key; remove it or correct its spelling"),
    ],
)
def test_a_wrong_value_is_one_line_with_file_and_key(key, value, line):
    lines = lines_of(default, key, value)
    assert [found for found in lines if found.startswith(f"{DEFAULT}: {key}: {line}")] == lines


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        (f"{TARGET}.unet.block_out_channels", [32], f"{TARGET}.unet: down_block_types"),
        (f"{TARGET}.unet.norm_num_groups", 7, f"{TARGET}.unet: block_out_channels must be multiples"),
        (
            f"{LATENT}.autoencoder.network.norm_num_groups",
            7,
            f"{LATENT}.autoencoder.network: block_out_channels",
        ),
        (
            f"{LATENT}.autoencoder.adversarial",
            {"start": 0, "weight": 0},
            f"{LATENT}.autoencoder.adversarial.weight: ",
        ),
        (
            f"{TARGET}.training.intermediate_epochs",
            [400],
            f"{TARGET}.training: intermediate_epochs must be below",
        ),
        ("attacks.sima.timesteps", {"start": 0}, "attacks.sima.timesteps.stop: missing; add it"),
        ("attacks.sima.norms", [2, 3], "attacks.sima.norms[1]: must be 1, 2, 4 or 'inf' (got 3)"),
        (
            "attacks.secmi.timesteps",
            [10, 15],
            "attacks.secmi: timesteps must be multiples of interval (10): 15",
        ),
        (f"{TARGET}.training.epochs", ..., f"{TARGET}.training.epochs: missing; add it"),
        (f"{TARGET}.kind", ..., f"{TARGET}.kind: missing; add it"),
        ("splits.digits-300.members", ..., "splits.digits-300.members: missing; add it"),
        ("targets", ..., "targets: missing; add it"),
        ("attacks", ..., "attacks: missing; add it"),
    ],
)
def test_a_wrong_value_inside_or_beside_the_key_is_named_where_it_is_known(key, value, line):
    lines = lines_of(default, key, value)
    assert any(found.startswith(f"{DEFAULT}: {line}") for found in lines), lines


def test_every_wrong_value_has_its_line():
    values = changed("extra", 1)
    values["attacks"] |= {"sima": {**values["attacks"]["sima"], "norms": [3]}, "simma": {}}
    assert [line.split(": ")[1] for line in lines_of(parse, [(DEFAULT, values)])] == [
        "attacks.sima.norms[0]",
        "attacks.simma",
        "extra",
    ]


def test_every_contradiction_has_its_line_and_once():
    values = changed("quality.steps", 2000)
    values["attacks"]["sima"]["timesteps"] = [1000]  # of eleven targets
    values["theory"] |= {"line_timestep": 1000, "field_members": 301}
    values["audits"]["digits-optimal"]["attacks"] = ["pullback", "reconstruction"]
    assert [line.split(": ")[1] for line in lines_of(parse, [(DEFAULT, values)])] == [
        "audits.digits-optimal.attacks",
        "audits.digits-optimal.attacks",
        "quality.steps",
        "attacks.sima.timesteps",
        "theory.line_timestep",
        "theory.field_members",
    ]


def test_an_attack_asks_no_later_than_the_targets_have_steps_on_which_it_is_run():
    short = "targets: {net: {schedule: {num_train_timesteps: 45}}, exact: }\nquality: {steps: 10}\n"
    assert small(short + "attacks: {sima: {timesteps: [99]}}").targets["net"].timesteps == 45
    assert lines_of(small, short + "attacks: {loss: {timesteps: [45]}}") == [
        "experiment.yaml: attacks.loss.timesteps: must be below 45, the steps of targets.net (asks at 45)"
    ]


def test_every_name_of_no_entry_has_its_line():
    values = changed("audits.digits-ddpm", {"attacks": ["one", "sima", "two"], "split": "three"})
    values["splits"]["digits-300"]["dataset"] = "four"
    lines = lines_of(parse, [(DEFAULT, values)])
    assert [line.rsplit("got ")[-1] for line in lines] == ["'four')", "'three')", "'one')", "'two')"]


@pytest.mark.parametrize(("content", "words"), [(None, "missing"), ("a: [1", "not valid YAML")])
def test_an_unreadable_file_is_one_line(tmp_path, content, words):
    path = tmp_path / "params.yaml"
    if content is not None:
        path.write_text(content)
    assert [words in line for line in lines_of(load, [path])] == [True]


def test_a_file_that_is_no_mapping_is_one_line(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("[datasets, splits]")
    [line] = lines_of(load, [path])
    assert line == f"{path}: must be a mapping of keys to values (got ['datasets', 'splits'])"


def test_a_range_of_timesteps_includes_its_stop():
    params = default("attacks.sima.timesteps", {"start": 0, "stop": 300, "step": 10})
    assert params.attacks["sima"].timesteps == tuple(range(0, 301, 10))


def test_parameters_as_they_are_printed_mean_the_same():
    params = load([DEFAULT])
    printed = params.model_dump(mode="json", exclude_none=True)
    assert parse([(DEFAULT, printed)]) == params


def test_an_audit_and_a_split_of_one_name_are_refused():
    lines = lines_of(default, "targets.digits-300", {"like": "digits-ddpm"})
    why = "is also the name of a split; numbers are named after both, rename one"
    assert lines == [f"{DEFAULT}: targets.digits-300: {why}"]


@pytest.mark.parametrize("name", ["blind", "role"])
def test_an_attack_may_not_have_the_name_of_a_column_of_result_files(name):
    """Its statistics would take the place of the blind classifiers', or of who is a member."""
    [line] = lines_of(default, f"attacks.{name}", {"kind": "sima", "timesteps": [10]})
    assert line == f"{DEFAULT}: attacks.{name}: is the name of a column of result files; rename it"


@pytest.mark.parametrize(
    ("name", "entry", "own"),
    [
        ("secmi", {"kind": "pia", "timesteps": [10], "norms": [4]}, "secmi"),
        ("gsa", {"kind": "sima", "timesteps": [10]}, "gsa"),
        ("complexity_av", {"kind": "sima", "timesteps": [10]}, "complexity"),
    ],
)
def test_an_attack_may_not_have_the_name_of_another_kind(name, entry, own):
    """It would be printed as what it is not, and published numbers of another attack would stand beside its own."""
    lines = lines_of(default, f"attacks.{name}", entry)
    why = f"is what an attack of kind {own} is called, and this one is of kind {entry['kind']}; rename it"
    assert f"{DEFAULT}: attacks.{name}: {why}" in lines


def test_an_attack_may_be_named_after_what_it_is_akin_to():
    assert default("attacks.sima_of_mine", {"kind": "pia", "timesteps": [10], "norms": [4]})


def test_an_audit_may_not_have_the_name_of_the_folder_of_the_runs_figures():
    [line] = lines_of(default, "audits.run", {"target": "digits-ddpm"})
    assert line == f"{DEFAULT}: audits.run: is the folder of the figures of all audits; rename it"


def test_only_the_plugins_that_are_named_are_imported():
    program = f"""
import sys, yaml
from pathlib import Path
from simaudit.plan.load import parse
parse([(Path("params.yaml"), yaml.safe_load({SMALL!r})), (Path("few.yaml"), {{"targets": {{"exact": None}}}})])
print(*sorted(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert not imported & {"torch", "diffusers", "pandas", "matplotlib"}
    rooms = (
        *("attacks.threshold", "attacks.gradient", "attacks.decoder", "targets.families"),
        *("figures.of_target", "figures.of_run", "data.sources"),
    )
    plugins = [name for name in imported if name.startswith(tuple(f"simaudit.{room}." for room in rooms))]
    names = {name.rsplit(".", 1)[-1] for name in plugins}
    assert {name for name in names if not name.startswith("_")} == {
        *("loss", "sima", "optimal", "roc_loglog", "samples", "digits"),
    }
