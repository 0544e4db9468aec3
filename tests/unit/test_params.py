"""params.yaml: what is accepted, and the one line that answers everything else."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from simaudit.plan.params import merge, model, parse
from simaudit.storage.json import canonical_json
from simaudit.vocabulary.errors import SimauditError

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "params.yaml"
TARGET = "targets.digits-ddpm"
LATENT = "targets.digits-ldm"


def changed(key, value):
    """The default parameters with the value at a dotted key replaced, or the key removed for `...`."""
    values = json.loads(json.dumps(merge([DEFAULT])))  # without what YAML's anchors share
    *path, last = key.split(".")
    node = values
    for part in path:
        node = node.setdefault(part, {})
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return values


def test_the_schema_in_the_repository_is_that_of_the_model():
    written = (ROOT / "workflow/schemas/params.schema.json").read_text(encoding="utf-8")
    assert written == canonical_json(model().model_json_schema()), "run: make schema"


@pytest.mark.parametrize("overlay", [None, *sorted((ROOT / "config").glob("*.yaml"))], ids=str)
def test_params_and_every_overlay_are_valid(overlay):
    values = merge([DEFAULT, overlay] if overlay else [DEFAULT])
    jsonschema.validate(values, json.loads((ROOT / "workflow/schemas/params.schema.json").read_text()))
    parse(values)


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        (f"{TARGET}.training.batch_size", 0, f"{TARGET}.training.batch_size: must be greater than 0 (got 0)"),
        (f"{TARGET}.training.ema_decay", 1, f"{TARGET}.training.ema_decay: must be less than 1 (got 1)"),
        (f"{TARGET}.training.epochs", "many", f"{TARGET}.training.epochs: must be a valid integer"),
        (f"{TARGET}.training.learning_rate", float("nan"), f"{TARGET}.training.learning_rate: must be"),
        (f"{TARGET}.training.epoch", 3, f"{TARGET}.training.epoch: unknown key"),
        (f"{TARGET}.training.epochs", ..., f"{TARGET}.training.epochs: missing; add it"),
        (f"{TARGET}.kind", "gan", f"{TARGET}.kind: must be one of 'ddpm', 'latent', 'optimal' (got 'gan')"),
        (f"{TARGET}.kind", ..., f"{TARGET}.kind: missing; add it"),
        (f"{TARGET}.split", "nobody", f"{TARGET}.split: no such entry; known: digits-300 (got 'nobody')"),
        (f"{TARGET}.dataset", "faces", f"{TARGET}.dataset: no such entry; known: digits (got 'faces')"),
        (f"{TARGET}.unet.block_out_channels", [32], f"{TARGET}.unet: down_block_types"),
        (f"{TARGET}.unet.norm_num_groups", 7, f"{TARGET}.unet: block_out_channels must be multiples"),
        ("datasets.digits.source", "cifar11", "datasets.digits.source: must be one of 'digits'"),
        ("splits.digits-300.calibration", 1.0, "splits.digits-300.calibration: must be less than 1"),
        (
            "splits.digits-300.dataset",
            "x",
            "splits.digits-300.dataset: no such entry; known: digits (got 'x')",
        ),
        ("attacks.simma", {}, "attacks.simma: unknown; known: distortion, loss, pfami"),
        ("attacks.sima.norms", [2, 3], "attacks.sima.norms[1]: must be 1, 2, 4 or 'inf' (got 3)"),
        ("attacks.sima.timesteps", [30, 10], "attacks.sima.timesteps: must be one or more numbers, strictly"),
        ("attacks.sima.timesteps", {"start": 0}, "attacks.sima.timesteps: stop: Field required"),
        (
            "attacks.sima.timesteps",
            [1000],
            "attacks.sima.timesteps: must be below 1000, the steps of targets",
        ),
        ("attacks.sima.timesteps", [], "attacks.sima.timesteps: must be one or more"),
        (
            "attacks.sima_av.draws",
            [2, 5],
            "attacks.sima_av.draws: must be even numbers: antithetic draws come",
        ),
        (
            "attacks.secmi.timesteps",
            [10, 15],
            "attacks.secmi: timesteps must be multiples of interval (10): 15",
        ),
        (
            "attacks.secmi.timesteps",
            [990],
            "attacks.secmi.timesteps: must be below 1000, the steps of targets",
        ),
        (
            "attacks.loss.draws",
            [5, 1],
            "attacks.loss.draws: must be one or more numbers, strictly increasing",
        ),
        ("figures.pie_chart", {}, "figures.pie_chart: unknown; known: "),
        (f"{TARGET}.training.epochs", -1, f"{TARGET}.training.epochs: must be greater than or equal to 0"),
        (f"{TARGET}.attacks", ["sima", "lost"], f"{TARGET}.attacks: no such entry; known: distortion, loss"),
        (
            f"{TARGET}.attacks",
            ["pullback"],
            f"{TARGET}.attacks: pullback needs a decoder, which kind ddpm has not",
        ),
        (
            f"{TARGET}.training.intermediate_epochs",
            [400],
            f"{TARGET}.training: intermediate_epochs must be below epochs (400), after",
        ),
        (
            f"{TARGET}.intermediate_attacks",
            ["x"],
            f"{TARGET}.intermediate_attacks: no such entry",
        ),
        (
            f"{LATENT}.autoencoder.beta",
            -0.1,
            f"{LATENT}.autoencoder.beta: must be greater than or equal to 0",
        ),
        (f"{LATENT}.autoencoder.betta", 1, f"{LATENT}.autoencoder.betta: unknown key"),
        (
            f"{LATENT}.autoencoder.adversarial",
            {"start": 0, "weight": 0},
            f"{LATENT}.autoencoder.adversarial.weight: ",
        ),
        (
            f"{LATENT}.autoencoder.network.norm_num_groups",
            7,
            f"{LATENT}.autoencoder.network: block_out_channels must",
        ),
        ("quality.steps", 1001, "quality.steps: must be at most 1000, the steps of targets"),
        ("quality.features", "clip", "quality.features: must be 'classifier' or 'inception' (got 'clip')"),
        (f"{TARGET}.attacks", [], f"{TARGET}.attacks: "),
        ("targets.digits-optimal.training", {"epochs": 1}, "targets.digits-optimal.training: unknown key"),
        ("evaluation.bootstrap", 99, "evaluation.bootstrap: must be greater than or equal to 100 (got 99)"),
        ("evaluation.permutations", 1, "evaluation.permutations: must be greater than or equal to 20"),
        ("evaluation.blind.folds", 1, "evaluation.blind.folds: must be greater than or equal to 2 (got 1)"),
        ("scoring.device", "abacus", "scoring.device: "),
        (f"{TARGET}.figures", ["nrms"], f"{TARGET}.figures: no such entry; known: against_reference"),
        (f"{TARGET}.figures", ["over_beta"], f"{TARGET}.figures: over_beta is of all targets together"),
        ("figures.norms.atack", "sima", "figures.norms.atack: unknown key"),
        ("figures.sketch", {}, "figures.sketch: unknown; known: against_reference"),
        ("theory.split", "none", "theory.split: no such entry; known: digits-300 (got 'none')"),
        ("theory.line_timestep", 1000, "theory.line_timestep: must be below 1000, the steps of its schedule"),
        ("theory.field_timesteps", [5, 1000, 1001], "theory.field_timesteps: must be below 1000"),
        ("theory.field_timesteps", [5, 10], "theory.field_timesteps: "),
        ("theory.field_members", 301, "theory.field_members: must be at most 300, the members of its split"),
        ("targets.No Such/Name", {}, "targets.No Such/Name"),
        ("extra", 1, "extra: unknown key; remove it or correct its spelling"),
    ],
)
def test_a_wrong_value_is_one_line_with_file_and_key(key, value, line):
    with pytest.raises(SimauditError) as caught:
        parse(changed(key, value), [DEFAULT])
    lines = str(caught.value).splitlines()
    assert any(found.startswith(f"{DEFAULT}: {line}") for found in lines), lines


def test_every_wrong_value_has_its_line():
    values = changed("extra", 1)
    values["attacks"]["sima"]["norms"] = [3]
    with pytest.raises(SimauditError) as caught:
        parse(values)
    assert len(str(caught.value).splitlines()) == 2


def test_the_line_names_the_overlay_that_set_the_value(tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("attacks: {loss: {draws: [0]}}\ntargets: {mine: {split: digits-300}}\n")
    files = [DEFAULT, overlay]
    with pytest.raises(SimauditError) as caught:
        parse(merge(files), files)
    assert f"{overlay}: attacks.loss.draws[0]: must be greater than 0 (got 0)" in str(caught.value)
    assert f"{overlay}: targets.mine.kind: missing" in str(caught.value)


def test_overlays_merge_mappings_and_replace_the_rest(tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("attacks: {sima: {norms: [2]}, pfami: null}\n")
    params = parse(merge([DEFAULT, overlay]))
    assert params.attacks.sima.norms == (2,)
    assert len(params.attacks.sima.timesteps) == 31
    assert params.attacks.pfami is None


def test_a_range_of_timesteps_includes_its_stop():
    params = parse(changed("attacks.sima.timesteps", {"start": 0, "stop": 300, "step": 10}))
    assert params.attacks.sima.timesteps == tuple(range(0, 301, 10))


@pytest.mark.parametrize(("content", "words"), [(None, "missing"), ("a: [1", "not valid YAML")])
def test_an_unreadable_file_is_one_line(tmp_path, content, words):
    path = tmp_path / "params.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SimauditError, match=rf"params\.yaml: {words}") as caught:
        merge([path])
    assert "\n" not in str(caught.value)


def test_the_default_experiment_is_the_one_that_the_design_names():
    values = yaml.safe_load(DEFAULT.read_text())
    assert values["splits"]["digits-300"]["members"] == 300
    assert set(values["attacks"]["sima"]["inputs"]) == {"raw", "scaled"}
    assert values["attacks"]["sima"]["norms"] == [1, 2, 4, "inf"]


def test_the_default_experiment_runs_every_control():
    params = parse(merge([DEFAULT]))
    assert {target.control for target in params.targets.values()} == {None, "untrained", "optimal"}
    assert all("sima" in params.attacks_on(name) for name in params.targets)


def test_targets_that_differ_in_their_training_seed_alone_are_one_group():
    values = merge([DEFAULT])
    values["targets"]["longer"] = copy.deepcopy(values["targets"]["digits-ddpm"])
    values["targets"]["longer"]["training"]["epochs"] += 1
    groups = parse(values).groups
    assert {name: targets for name, targets in groups.items() if len(targets) > 1} == {
        "digits-ldm": ["digits-ldm", "digits-ldm-seed1"],
        "digits-ldm-adversarial": ["digits-ldm-adversarial", "digits-ldm-adversarial-seed1"],
    }
    assert groups["longer"] == ["longer"]


def test_every_audited_target_is_held_against_the_first_of_its_split():
    params = parse(merge([DEFAULT]))
    audited = {name for name, target in params.targets.items() if target.control is None}
    assert params.references == dict.fromkeys(audited - {"digits-ddpm"}, "digits-ddpm")


def test_a_target_may_be_attacked_by_some_alone():
    params = parse(changed(f"{TARGET}.attacks", ["sima", "loss"]))
    assert list(params.attacks_on("digits-ddpm")) == ["loss", "sima"]
    assert list(params.attacks_on("digits-optimal")) == ["loss", "pia", "secmi", "sima"]
    ours, latent = (set(parse(merge([DEFAULT])).attacks_on(name)) for name in ("digits-ddpm", "digits-ldm"))
    assert latent - ours == {"distortion", "pullback", "pullback_random", "reconstruction"}
    assert len(ours) == 8


def test_a_target_and_a_split_of_one_name_are_refused():
    values = merge([DEFAULT])
    values["targets"]["digits-300"] = values["targets"]["digits-ddpm"]
    with pytest.raises(SimauditError, match=r"targets\.digits-300: is also the name of a split"):
        parse(values)


def test_a_target_may_not_have_the_name_of_the_folder_of_the_runs_figures():
    values = merge([DEFAULT])
    values["targets"]["run"] = values["targets"]["digits-ddpm"]
    with pytest.raises(SimauditError, match=r"targets\.run: is the folder of the figures of all targets"):
        parse(values)


def test_a_figure_that_cannot_be_drawn_says_what_it_needs():
    params = parse(changed(f"{TARGET}.attacks", ["loss"]))
    found = params.figures_of("digits-ddpm")
    assert found["norms"] == "needs sima with two norms or more"
    assert found["nearest_member"] == "needs sima"
    assert found["queries"] == "needs two attacks or more that ask the denoiser"
    assert found["roc_loglog"] is found["samples"] is None
    values = changed("targets", {"digits-ddpm": merge([DEFAULT])["targets"]["digits-ddpm"]})
    alone = parse(values).figures_of_run
    assert alone["over_beta"] == "needs autoencoders of two β or more"
    assert alone["against_reference"].startswith(
        "needs a latent target that shares an attack with one before it"
    )
    assert alone["over_epochs"].startswith("needs a target with training.intermediate_epochs")
    assert alone["closed_form_line"] is alone["mean_ranks"] is None


def test_curves_need_a_timestep_and_a_comparison_with_papers_an_audited_target():
    values = changed("targets.digits-ldm-beta0.attacks", ["reconstruction"])
    values["targets"]["digits-ldm-beta0"]["intermediate_attacks"] = []
    params = parse(values)
    found = params.figures_of("digits-ldm-beta0")
    assert found["metrics_over_time"] == "needs an attack with a timestep"
    assert found["roc_loglog"] is None
    controls = {"digits-optimal": merge([DEFAULT])["targets"]["digits-optimal"]}
    run = parse(changed("targets", controls)).figures_of_run
    assert run["published_beside"] == "needs a target that is no control"


def test_a_figure_of_two_targets_wants_both():
    values = changed("figures.against_reference", {"target": "digits-ldm-beta1"})
    assert parse(values).figures_of_run["against_reference"] is None
    values["figures"]["against_reference"] = {"target": "digits-ddpm"}
    assert "needs digits-ddpm and an audited" in parse(values).figures_of_run["against_reference"]


def test_a_target_has_the_figures_that_it_asks_for():
    params = parse(changed(f"{TARGET}.figures", ["samples"]))
    assert set(params.figures_of("digits-ddpm")) == {"samples"}
    assert len(params.figures_of("digits-ldm")) == 8
