"""Parameters for tests: the default ones with a value changed, and a small set that a test can hold in its head."""

import json
from pathlib import Path

import pytest

from simaudit.plan.load import parse
from simaudit.storage.yaml import parse_yaml, read_yaml
from simaudit.vocabulary.errors import SimauditError

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "params.yaml"
EXPERIMENTS = sorted((ROOT / "experiments").glob("*.yaml"))

SMALL = """
datasets: {digits: {source: digits}}
splits:
  small: {dataset: digits, members: 100}
  few: {dataset: digits, members: 80}
targets:
  net:
    kind: ddpm
    split: small
    unet: {block_out_channels: [8], down_block_types: [DownBlock2D], up_block_types: [UpBlock2D], norm_num_groups: 8}
    training: {epochs: 5, learning_rate: 0.01, intermediate_epochs: [2]}
  raw: {like: net, training: {epochs: 0, intermediate_epochs: []}}
  exact: {kind: optimal, split: small}
audits:
  net: {attacks: [loss], intermediate_attacks: [loss]}
attacks:
  loss: {timesteps: [10, 40], draws: [1]}
  sima: {timesteps: [10, 40], norms: [4], inputs: [raw]}
figures:
  roc_loglog: {}
  samples: {}
"""


def changed(key, value):
    """The default parameters with the value at a dotted key replaced, or the key removed for `...`."""
    values = json.loads(json.dumps(read_yaml(DEFAULT)))  # without what YAML's anchors share
    *path, last = key.split(".")
    node = values
    for part in path:
        node = node.setdefault(part, {})
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return values


def default(key, value):
    """Validated default parameters with one value changed."""
    return parse([(DEFAULT, changed(key, value))])


def small(*experiments):
    """The small parameters, with experiments as YAML text on top."""
    names = ["params.yaml", "experiment.yaml", "second.yaml"]
    files = [(Path(name), text) for name, text in zip(names, (SMALL, *experiments), strict=False)]
    return parse([(name, parse_yaml(text, name)) for name, text in files])


def lines_of(function, *arguments):
    """The lines of the error that a call ends with."""
    with pytest.raises(SimauditError) as caught:
        function(*arguments)
    return str(caught.value).splitlines()
