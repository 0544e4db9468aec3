"""Checkpoints of the code base pytorch-ddpm, as SecMI, PIA and SimA publish them.

The network is that of Ho, Jain & Abbeel (2020, arXiv:2006.11239, App. B): attention has one head, and the sinusoids of
every timestep stand in a table among the weights.
"""

from __future__ import annotations

from collections.abc import Iterator

import diffusers

from simaudit.targets.convert.architecture import Architecture, Step
from simaudit.targets.convert.flags import Flags, levels_among, number, numbers, one_of, whole
from simaudit.targets.convert.format import Conversion, Format
from simaudit.targets.convert.mapping import Entry, entries_of, pointwise
from simaudit.targets.convert.weights import Weights

TABLE = "time_embedding.timembedding.0.weight"
PREDICTIONS = {"epsilon": "epsilon", "xstart": "sample"}
VARIANCES = {"fixedlarge": "fixed_large", "fixedsmall": "fixed_small"}
RESIDUAL = {
    "block1.0": "norm1",
    "block1.2": "conv1",
    "temb_proj.1": "time_emb_proj",
    "block2.0": "norm2",
    "block2.3": "conv2",
    "shortcut": "conv_shortcut",
}
PROJECTIONS = {"proj_q": "to_q", "proj_k": "to_k", "proj_v": "to_v", "proj": "to_out.0"}
OUTSIDE = {
    "time_embedding.timembedding.1": "time_embedding.linear_1",
    "time_embedding.timembedding.3": "time_embedding.linear_2",
    "head": "conv_in",
    "tail.0": "conv_norm_out",
    "tail.2": "conv_out",
}


def read(weights: Weights, flags: Flags) -> Conversion:
    """Return what the weights and the flags say together."""
    flags.require("img_size", "beta_1", "beta_T", "mean_type")
    architecture = _architecture(weights, flags)
    rows = architecture.table_rows or 0
    flags.require_agreement(
        {
            "ch": (whole, architecture.stem),
            "ch_mult": (numbers, tuple(width / architecture.stem for width in architecture.widths)),
            "attn": (levels_among(architecture.widths), architecture.attention),
            "num_res_blocks": (whole, architecture.blocks),
            "T": (whole, rows),
        }
    )
    first, last = flags.value("beta_1", number, 0.0), flags.value("beta_T", number, 0.0)
    if not 0 < first <= last < 1:
        raise flags.wrong(
            "beta_1", f"must be above 0 and at most --beta_T, which is below 1 (got {first} and {last})"
        )
    scheduler = diffusers.DDPMScheduler(
        num_train_timesteps=rows,
        beta_schedule="linear",
        beta_start=first,
        beta_end=last,
        prediction_type=flags.value("mean_type", one_of(PREDICTIONS), "epsilon"),
        variance_type=flags.value("var_type", one_of(VARIANCES), "fixed_large"),
    )
    return Conversion(architecture, tuple(_entries(architecture)), scheduler)


def _architecture(weights: Weights, flags: Flags) -> Architecture:
    rows, time_channels = weights.shape(TABLE, 2)
    time_width = weights.shape("time_embedding.timembedding.1.weight", 2)[0]
    stem, in_channels = weights.shape("head.weight", 4)[:2]
    count = weights.count("downblocks")
    halving = [block for block in range(count) if f"downblocks.{block}.main.weight" in weights.tensors]
    blocks = halving[0] if halving else count
    first_of_levels = [level * (blocks + 1) for level in range(len(halving) + 1)]
    return Architecture(
        sample_size=flags.value("img_size", whole, 0),
        in_channels=in_channels,
        out_channels=weights.shape("tail.2.weight", 4)[0],
        stem=stem,
        widths=tuple(weights.shape(f"downblocks.{first}.block1.2.weight", 4)[0] for first in first_of_levels),
        blocks=blocks,
        attention=tuple(
            level
            for level, first in enumerate(first_of_levels)
            if f"downblocks.{first}.attn.proj_q.weight" in weights.tensors
        ),
        time_channels=time_channels,
        time_width=time_width,
        table_rows=rows,
    )


def _entries(architecture: Architecture) -> Iterator[Entry]:
    yield Entry(TABLE, ("time_proj.weight",))
    for source, target in OUTSIDE.items():
        yield from entries_of(source, target)
    ways = {"downblocks": architecture.down, "middleblocks": architecture.middle, "upblocks": architecture.up}
    for way, steps in ways.items():
        for place, step in enumerate(steps()):
            yield from _block(f"{way}.{place}", step)


def _block(source: str, step: Step) -> Iterator[Entry]:
    if step.resamples:
        yield from entries_of(f"{source}.main", f"{step.name}.conv")
        return
    for name, target in RESIDUAL.items():
        yield from entries_of(f"{source}.{name}", f"{step.name}.{target}")
    if step.attention:
        yield from entries_of(f"{source}.attn.group_norm", f"{step.attention}.group_norm")
        for name, target in PROJECTIONS.items():
            yield from entries_of(f"{source}.attn.{name}", f"{step.attention}.{target}", weight=pointwise(2))


PYTORCH_DDPM = Format("pytorch-ddpm", "ema_model", read)
