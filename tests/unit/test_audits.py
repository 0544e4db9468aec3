"""What follows from the sections together: an audit's attacks and figures, its group, and what it is held against."""

from planning import DEFAULT, default, small

from simaudit.plan.load import load, parse
from simaudit.storage.yaml import read_yaml

AUDIT = "audits.digits-ddpm"


def test_the_default_experiment_is_the_one_that_the_design_names():
    params = load([DEFAULT])
    assert params.splits["digits-300"].members == 300
    assert set(params.attacks["sima"].inputs) == {"raw", "scaled"}
    assert params.attacks["sima"].norms == (1, 2, 4, "inf")
    assert {target.control for target in params.targets.values()} == {None, "untrained", "optimal"}
    assert all("sima" in params.attacks_on(name) for name in params.audits)


def test_targets_that_differ_in_their_training_seed_or_in_speed_alone_are_one_group():
    groups = small("""
        targets:
          net: {seeds: [0, 1]}
          longer: {like: net, training: {epochs: 6}}
          faster: {like: net, training: {seed: 2, threads: 2, checkpoint_every: 7, intermediate_epochs: []}}
    """).groups
    assert groups == {"net": ["net", "net-seed1", "faster"], "longer": ["longer"]}
    assert {first for first, names in load([DEFAULT]).groups.items() if len(names) > 1} == {
        "digits-ldm",
        "digits-ldm-adversarial",
    }


def test_every_target_that_is_no_control_is_held_against_the_first_of_its_split():
    params = load([DEFAULT])
    audited = {name for name in params.audits if params.family_of(name).control is None}
    first = {"digits-ddpm", "photos-ddpm"}  # of its own split, so that photographs are held against no digits
    assert params.references == dict.fromkeys(audited - first, "digits-ddpm")


def test_an_audit_runs_the_attacks_that_it_names_or_all_that_apply():
    params = default(f"{AUDIT}.attacks", ["sima", "loss"])
    assert list(params.attacks_on("digits-ddpm")) == ["loss", "sima"]
    assert list(params.attacks_on("digits-optimal")) == ["loss", "pia", "secmi", "sima"]
    ours, latent = (set(load([DEFAULT]).attacks_on(name)) for name in ("digits-ddpm", "digits-ldm"))
    assert latent - ours == {"distortion", "pullback", "pullback_random", "reconstruction"}
    assert len(ours) == 15


def test_a_figure_that_cannot_be_drawn_says_what_it_needs():
    params = default(f"{AUDIT}.attacks", ["loss"])
    figures = params.figures_of("digits-ddpm")
    assert figures["norms"] == "needs sima with two norms or more"
    assert figures["nearest_member"] == "needs sima"
    assert figures["queries"] == "needs two attacks or more that ask the denoiser"
    assert figures["roc_loglog"] is figures["samples"] is None
    alone = parse(
        [(DEFAULT, read_yaml(DEFAULT)), (DEFAULT, {"targets": {"digits-ddpm": None}})]
    ).figures_of_run
    assert alone["over_beta"] == "needs autoencoders of two β or more"
    assert alone["against_reference"].startswith(
        "needs a latent target that shares an attack with one before it"
    )
    assert alone["over_epochs"].startswith("needs training.intermediate_epochs, and an audit")
    assert alone["closed_form_line"] is alone["mean_ranks"] is None


def test_curves_need_a_timestep_and_a_comparison_with_papers_an_audited_target():
    params = default("audits.digits-ldm-beta", {"attacks": ["reconstruction"]})
    figures = params.figures_of("digits-ldm-beta0")
    assert figures["metrics_over_time"] == "needs an attack with a timestep"
    assert figures["roc_loglog"] is None
    controls = {"targets": {"digits-optimal": None}}
    run = parse([(DEFAULT, read_yaml(DEFAULT)), (DEFAULT, controls)]).figures_of_run
    assert run["published_beside"] == "needs a target that is no control"


def test_a_figure_of_two_targets_wants_both():
    figure = "figures.against_reference"
    assert default(figure, {"target": "digits-ldm-beta1"}).figures_of_run["against_reference"] is None
    missing = default(figure, {"target": "digits-ddpm"}).figures_of_run["against_reference"]
    assert "needs digits-ddpm and an audited" in missing


def test_a_learned_head_is_no_attack_that_two_targets_share():
    params = small("""
        audits: {net: {attacks: [combined, loss, sima]}}
        attacks: {combined: {of: [sima, loss]}}
    """)
    assert list(params.attacks_on("net")) == ["combined", "loss", "sima"]
    assert params.contexts["net"].attacks == ("loss", "sima")


def test_an_audit_has_the_figures_that_it_names():
    params = default(f"{AUDIT}.figures", ["samples"])
    assert set(params.figures_of("digits-ddpm")) == {"samples"}
    assert len(params.figures_of("digits-ldm")) == 10
