"""Bad files of parameters, by kind: each mistake is exactly one line, with the file and the line or key."""

import pytest
from planning import SMALL, lines_of, small

from simaudit.data.sources.digits import Digits
from simaudit.plan import at_hand
from simaudit.plan.load import load
from simaudit.storage.yaml import DEEPEST, LARGEST_FILE, parse_yaml
from simaudit.vocabulary.errors import some

BOMB = "\n".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9) if level else 'x'}]" for level in range(12)
)
DEEP = "[" * 1000 + "]" * 1000

UNREADABLE = {
    "a byte in a comment": (b"# \xff\na: 1", "line 1: not UTF-8 (byte 0xff); save the file as UTF-8"),
    "a byte in a value": (b"a: 1\nb: \xfe", "line 2: not UTF-8 (byte 0xfe)"),
    "latin-1": ("a: é".encode("latin-1"), "line 1: not UTF-8 (byte 0xe9)"),
    "UTF-16": ("a: 1".encode("utf-16"), "line 1: not UTF-8 (byte 0xff)"),
    "a null byte": (b"a: 1\n# \0", "line 2: not valid YAML: the character U+0000 is not allowed; remove it"),
    "no end": (b"a: [1,\n2", "line 2: not valid YAML: "),
    "a tab": (b"a:\n\tb: 1", "line 2: not valid YAML: "),
    "two documents": (b"a: 1\n---\nb: 2", "line 2: not valid YAML: expected a single document"),
    "a key twice": (b"a: 1\nb: {c: 1,\n c: 2}", "line 3: 'c' is a key already in line 2; leave one out"),
    "a number and a text": (b"1: a\n'1': b", "line 2: '1' is a key already in line 1"),
    "a list as a key": (b"? [a]\n: 1", "line 1: a list or a mapping is no key; write a name"),
    "a tag": (
        b"a: !!python/object:os.system x",
        "line 1: has the tag tag:yaml.org,2002:python/object:os.system;",
    ),
    "a harmless tag": (b"a: !!int '3'", "line 1: has the tag tag:yaml.org,2002:int; write a plain value"),
    "many digits": (b"a: " + b"9" * 5000, "line 1: an integer of 5000 digits; write at most 30"),
    "many digits in base 16": (b"a: 0x" + b"f" * 5000, "line 1: an integer of 5002 digits"),
    "no digits": (b"a: 0x_", "not valid YAML: invalid literal"),
    "deep": (f"a: {DEEP}".encode(), f"line 1: has more than {DEEPEST} values inside one another"),
    "a bomb": (BOMB.encode(), "line 5: stands for more than 20000 values; write fewer, or use fewer aliases"),
    "a circle": (b"a: &a [*a]", "line 1: *a stands inside itself; remove it"),
    "no anchor": (b"a: *b", "line 1: not valid YAML: found undefined alias 'b'"),
    "large": (b"# " + b"x" * LARGEST_FILE, f"has more than {LARGEST_FILE} bytes; name a file of parameters"),
    "a list": (b"[a]", "must be a mapping of keys to values (got ['a'])"),
    "false": (b"false", "must be a mapping of keys to values (got False)"),
}


@pytest.mark.parametrize(("content", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_is_no_good_yaml_is_one_line(tmp_path, content, why):
    file = tmp_path / "params.yaml"
    file.write_bytes(content)
    [line] = lines_of(load, [file])
    assert line.startswith(f"{file}: {why}")


def test_a_folder_is_no_file(tmp_path):
    assert lines_of(load, [tmp_path]) == [f"{tmp_path}: is a folder; name a file"]


def test_anchors_and_merge_keys_mean_what_yaml_says():
    text = "few: &few {a: [1, 2], b: 3}\nsame: *few\nmore: {<<: *few, b: 4}\ntwo: {<<: [*few, {c: 5}]}"
    assert parse_yaml(text, "file") == {
        "few": {"a": [1, 2], "b": 3},
        "same": {"a": [1, 2], "b": 3},
        "more": {"a": [1, 2], "b": 4},
        "two": {"a": [1, 2], "b": 3, "c": 5},
    }


def test_numbers_are_those_of_yaml_1_2_and_json_and_dates_are_texts():
    assert parse_yaml("[1e-3, 1.5e3, -2E+2, .5e1, 2020-01-01, 1e]", "file") == [
        *(0.001, 1500.0, -200.0, 5.0),
        *("2020-01-01", "1e"),
    ]


NET = "targets: {net: {%s}}"
LATENT = (
    "targets: {net: {kind: latent, autoencoder: {network: {latent_channels: 2, block_out_channels: [8], "
    "norm_num_groups: 8}, beta: 1.0, training: {epochs: 1, learning_rate: 0.1}%s}}}"
)
REFUSED = {
    # types
    "attacks: {loss: {draws: [true]}}": "attacks.loss.draws[0]: must be a whole number (got True)",
    "attacks: {loss: {timesteps: ['10']}}": "attacks.loss.timesteps[0]: must be a whole number (got '10')",
    "attacks: {sima: {norms: [true]}}": "attacks.sima.norms[0]: must be 1, 2, 4 or 'inf' (got True)",
    "splits: {small: {seed: 1.0}, few: }": "splits.small.seed: must be a whole number (got 1.0)",
    "splits: {small: {allow_duplicates: 1}, few: }": "splits.small.allow_duplicates: must be true or false (got 1)",
    # lists
    "attacks: {sima: {norms: []}}": "attacks.sima.norms: must have 1 or more (got [])",
    "attacks: {sima: {inputs: []}}": "attacks.sima.inputs: must have 1 or more (got [])",
    "attacks: {sima_mc: {timesteps: [1], averages: []}}": "attacks.sima_mc.averages: must have 1 or more (got [])",
    "attacks: {sima: {norms: [4, 4]}}": "attacks.sima.norms: must be different from one another (got [4, 4])",
    "audits: {net: {attacks: [loss, loss]}}": "audits.net.attacks: must be different from one another",
    "audits: {net: {figures: [samples, samples]}}": "audits.net.figures: must be different from one another",
    # limits
    "attacks: {loss: {draws: [1000000]}}": "attacks.loss.draws[0]: must be at most 1000, since each asks the model",
    "attacks: {sima: {timesteps: {start: 0, stop: 1000000000000}}}": "attacks.sima.timesteps.stop: must be at most",
    "attacks: {sima: {timesteps: {start: 9, stop: 3}}}": "attacks.sima.timesteps: stop must be at least start (9)",
    "quality: {samples: 1000000000000000000000000000000}": "line 1: an integer of 31 digits; write at most 30",
    "quality: {samples: 100000000000}": "quality.samples: must be at most 1000000, since each is drawn in many steps",
    "quality: {seed: 4294967296}": "quality.seed: must be at most 4294967295, since NumPy and scikit-learn",
    "evaluation: {seed: 4294967296}": "evaluation.seed: must be at most 4294967295, since NumPy and scikit-learn",
    "evaluation: {bootstrap: 1000000000}": "evaluation.bootstrap: must be at most 100000, since more change no",
    "evaluation: {permutations: 1000000000}": "evaluation.permutations: must be at most 100000, since more",
    "evaluation: {blind: {folds: 21}}": "evaluation.blind.folds: must be at most 20, since a fold of a split",
    "scoring: {device: 'cuda:99999999'}": "scoring.device: must match ",
    NET
    % "training: {epochs: 1000000000000000000000}": "targets.net.training.epochs: must be at most 1000000, since",
    NET % "training: {epochs: 1.0e+30}": "targets.net.training.epochs: must be a whole number (got 1e+30)",
    NET
    % "unet: {layers_per_block: 1000}": "targets.net.unet.layers_per_block: must be at most 16, since a deeper",
    NET
    % "unet: {block_out_channels: [1000000000]}": "targets.net.unet.block_out_channels[0]: must be at most 4096",
    LATENT.replace("latent_channels: 2", "latent_channels: 99999") % "": "targets.net.autoencoder.network."
    "latent_channels: must be at most 4096, since a wider network does not fit into memory (got 99999)",
    f"splits: {{small: , few: , {'n' * 900}: {{like: few}}}}": f"splits.'{'n' * 56}...: must have 200 or fewer",
    # relations
    NET
    % "schedule: {beta_start: 0.5, beta_end: 0.1}": "targets.net.schedule: beta_start must be at most beta_end",
    NET
    % "schedule: {num_train_timesteps: 32767}": "targets.net.schedule: after 32767 steps single precision holds",
    NET
    % "schedule: {beta_start: 1.0e-30}": "targets.net.schedule.beta_start: must be greater than or equal to 0.000001",
    "attacks: {pfami: {timesteps: [1], smallest_crop: 0.9, largest_crop: 0.8}}": "attacks.pfami: smallest_crop must",
    "attacks: {pullback: {dropped: 0.999999}}": "attacks.pullback.dropped: must be at most 0.95,",
    # sections
    "targets: {}": "targets: must have 1 or more (got {})",
    "attacks: {loss: null, sima: null}\naudits: {}": "attacks: must have 1 or more (got ",
    "figures: {norms: {attack: nope}}": "figures.norms.attack: no such entry; known: loss, sima (got 'nope')",
    "figures: {against_reference: {target: nope}}": "figures.against_reference.target: no such entry; known: net",
    "audits: {}\nattacks: {sima: null, loss: null, reconstruction: {}}": "targets.net: none of the attacks "
    "(reconstruction) is for a target of this kind; add one; also in targets.raw, targets.exact",
    # sweeps and chains
    NET
    % f"over: {{{', '.join(f'training.k{n}: [1, 2, 3, 4, 5, 6, 7, 8, 9]' for n in range(9))}}}": "targets.net: "
    "seeds and over stand for 387420489 targets, and a run has at most 500; name fewer values",
    NET % f"over: {{{'a.' * 60}b: [1]}}": f"targets.net.over.{'a.' * 60}b: must have 100 or fewer characters",
    f"targets: {{net: , {', '.join(f't{n}: {{like: t{n + 1}}}' for n in range(30))}, t30: {{like: net}}}}": "targets."
    "t20.like: goes through more than 20 entries; name one that stands by itself",
    f"targets: {{{', '.join(f't{n}: {{like: net, seeds: {list(range(200))}}}' for n in range(3))}}}": "targets.t2: a "
    "run may have at most 500 targets, and as many audits; write several experiments",
    # data at hand
    "splits: {small: {members: 1797}, few: }": "splits.small.members: 1797 of 1797 samples leave nobody held out;",
    "splits: {small: {calibration: 1.0e-9}, few: }": "splits.small.calibration: 1e-09 of 100 samples leaves a fold",
    "splits: {small: {members: 30}, few: }": "splits.small: the calibration fold has 9 members and 530 held-out",
    NET
    % "unet: {block_out_channels: [8, 8, 8, 8, 8], down_block_types: [DownBlock2D, DownBlock2D, DownBlock2D, "
    "DownBlock2D, DownBlock2D], up_block_types: [UpBlock2D, UpBlock2D, UpBlock2D, UpBlock2D, UpBlock2D]}": "targets."
    "net.unet.block_out_channels: 5 levels need sides divisible by 16, and the images are 8×8; use fewer levels",
    LATENT.replace("[8]", "[8, 8, 8, 8, 8]")
    % "": "targets.net.autoencoder.network.block_out_channels: 5 levels need",
    LATENT
    % ", adversarial: {start: 0, layers: 9}": "targets.net.autoencoder.adversarial.layers: 9 layers need",
    # autoencoders
    NET
    % "kind: latent, autoencoder: {pretrained: /x, members: y}": "targets.net.autoencoder.members: unknown key;",
    NET % "kind: latent, autoencoder: {pretrained: /nowhere}": "targets.net.autoencoder."
    "pretrained: /nowhere/config.json: missing; name a folder in which diffusers saved an AutoencoderKL ",
    NET % "kind: latent, autoencoder: {pretrained: /}": "targets.net.autoencoder.pretrained: /config.json: "
    "missing; name a folder in which diffusers saved an AutoencoderKL (got '/')",
    NET % "kind: latent, autoencoder: {pretrained: results/targets}": "targets.net.autoencoder.pretrained: "
    "results/targets/config.json: missing; name a folder",
    NET
    % "kind: latent, autoencoder: {pretrained: results/targets/net/vqvae}": "targets.net.autoencoder.pretrained: "
    "goes in a circle; name the autoencoder of a target that trains its own (got 'results/targets/net/vqvae')",
    NET
    % f"kind: latent, autoencoder: {{pretrained: results/targets/{'n' * 300}/x}}": "targets.net.autoencoder."
    "pretrained: no such entry; known: net",
    NET
    % f"kind: latent, autoencoder: {{pretrained: /{'n' * 300}}}": "targets.net.autoencoder.pretrained: cannot be "
    "read; name a folder in which diffusers saved",
    NET
    % "kind: latent, autoencoder: {pretrained: results/targets/../..}": "targets.net.autoencoder.pretrained: no ",
    "targets: {exact: , net: {kind: latent, autoencoder: {pretrained: results/targets/exact/vqvae}}}": "targets.net."
    "autoencoder.pretrained: targets.exact writes no autoencoder there; name the folder vqvae of a latent target (got ",
    NET
    % "kind: latent, autoencoder: {pretrained: results/targets/net/unet}": "targets.net.autoencoder.pretrained: "
    "targets.net writes no autoencoder there",
}


@pytest.mark.parametrize(
    ("experiment", "line"), REFUSED.items(), ids=[line[:60] for line in REFUSED.values()]
)
def test_a_bad_value_is_exactly_one_line(tmp_path, experiment, line):
    base, file = tmp_path / "params.yaml", tmp_path / "experiment.yaml"
    base.write_text(SMALL)
    file.write_text(experiment)
    [refused] = lines_of(load, [base, file])
    assert refused.startswith((f"{file}: {line}", f"{base}: {line}"))
    assert len(refused) < 400 + len(str(file))


def test_a_wrong_name_is_one_line_in_however_many_places_it_is_used(tmp_path):
    file = tmp_path / "params.yaml"
    audits = "".join(f"  {name}: {{attacks: [loss, lost]}}\n" for name in ("raw", "exact"))
    file.write_text(SMALL.replace("audits:\n", f"audits:\n{audits}") + "  norms: {attack: lost}\n")
    assert lines_of(load, [file]) == [
        f"{file}: audits.raw.attacks: no such entry; known: loss, sima (got 'lost'); also in audits.exact.attacks, "
        "figures.norms.attack"
    ]


def test_resamples_of_all_samples_must_fit_into_memory(monkeypatch):
    monkeypatch.setattr(at_hand, "LARGEST_TABLE", 2 * 1797 * 1000)
    assert lines_of(small, "evaluation: {bootstrap: 1001, permutations: 222}") == [
        "experiment.yaml: evaluation.bootstrap: must be at most 1000: more do not fit into memory, each with the 1797 "
        "samples of small"
    ]


def test_what_a_source_does_not_say_is_left_to_its_jobs(monkeypatch):
    monkeypatch.setattr(Digits, "shape", None)
    assert small("splits: {small: {members: 1797}, few: }").splits["small"].members == 1797


def test_names_of_nothing_are_listed_and_not_all_where_they_are_many():
    assert some([]) == "none"
    assert some(map(str, range(30))).endswith("18, 19 and 10 more")
