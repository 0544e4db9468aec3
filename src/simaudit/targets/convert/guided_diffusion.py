"""Checkpoints of the code bases guided-diffusion and improved-diffusion.

The network is ADM (Dhariwal & Nichol 2021, arXiv:2105.05233, Sec. 3) and the one before it (Nichol & Dhariwal 2021,
arXiv:2102.09672), whose blocks have the same names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import diffusers
import torch
from diffusers.models.embeddings import get_timestep_embedding

from simaudit.targets.convert.architecture import Architecture, Heads, Step
from simaudit.targets.convert.flags import Flags, Kind, numbers, one_of, truth, whole, wholes
from simaudit.targets.convert.format import Conversion, Format
from simaudit.targets.convert.mapping import Entry, entries_of, pointwise, query_key_value
from simaudit.targets.convert.weights import Weights
from simaudit.vocabulary.bounds import STEPS

CHANNELS = (1, 3)  # of the images that can be audited; a network that enlarges images takes twice as many
SCHEDULES = {"linear": "linear", "cosine": "squaredcos_cap_v2"}
UNSAID = -1  # the value of a number of heads, or of a head's channels, that is not given
USUAL_STEPS = 1000
FIRST_BETA, LAST_BETA = 1e-4, 0.02  # of the linear schedule of so many steps; of other lengths, in proportion
RESIDUAL = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
OUTSIDE = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}


def read(weights: Weights, flags: Flags) -> Conversion:
    """Return what the weights and the flags say together."""
    steps = flags.value("diffusion_steps", whole, USUAL_STEPS)
    flags.require("image_size", "num_head_channels|num_heads", "noise_schedule", "diffusion_steps")
    if not USUAL_STEPS * LAST_BETA < steps <= STEPS:
        raise flags.wrong("diffusion_steps", f"must be above 20 and at most {STEPS} (got {steps})")
    if steps != USUAL_STEPS:
        flags.require("rescale_timesteps")
    has_table = steps != USUAL_STEPS and flags.value("rescale_timesteps", truth, False)
    architecture = _architecture(weights, flags, steps if has_table else None)
    flags.require_agreement(_agreements(architecture))
    if not architecture.has_one_head:
        flags.require("use_new_attention_order")
    in_thirds = flags.value("use_new_attention_order", truth, False)
    scheduler = diffusers.DDPMScheduler(
        num_train_timesteps=steps,
        beta_schedule=flags.value("noise_schedule", one_of(SCHEDULES), "linear"),
        beta_start=FIRST_BETA * USUAL_STEPS / steps,
        beta_end=LAST_BETA * USUAL_STEPS / steps,
        prediction_type="sample" if flags.value("predict_xstart", truth, False) else "epsilon",
        variance_type="learned_range"
        if architecture.out_channels > architecture.in_channels
        else "fixed_large",
    )
    given = {"time_proj.weight": _table(steps, architecture.time_channels)} if has_table else {}
    return Conversion(architecture, tuple(_entries(architecture, in_thirds)), scheduler, given)


def _architecture(weights: Weights, flags: Flags, table_rows: int | None) -> Architecture:
    time_width, time_channels = weights.shape("time_embed.0.weight", 2)
    stem, in_channels = weights.shape("input_blocks.0.0.weight", 4)[:2]
    out_channels = weights.shape("out.2.weight", 4)[0]
    if in_channels not in CHANNELS or out_channels not in (in_channels, 2 * in_channels):
        why = f"takes {in_channels} channels and gives {out_channels}; needs 1 or 3, and as many or twice as many"
        raise weights.wrong(f"{why}, so it is no model of whole images")
    # The last blocks of a level on the way up double the side, by a convolution or in a residual block of its own.
    count, last = weights.count("output_blocks"), {1: "conv.weight", 2: "in_layers.0.weight"}
    doubling = {
        place: kind
        for place in range(count)
        for kind, name in last.items()
        if any(f"output_blocks.{place}.{after}.{name}" in weights.tensors for after in (1, 2))
    }
    blocks = min(doubling, default=count - 1)
    firsts = [1 + level * (blocks + 1) for level in range(len(doubling) + 1)]
    widths = tuple(weights.shape(f"input_blocks.{first}.0.in_layers.2.weight", 4)[0] for first in firsts)
    return Architecture(
        sample_size=flags.value("image_size", whole, 0),
        in_channels=in_channels,
        out_channels=out_channels,
        stem=stem,
        widths=widths,
        blocks=blocks,
        attention=tuple(
            level
            for level, first in enumerate(firsts)
            if f"input_blocks.{first}.1.qkv.weight" in weights.tensors
        ),
        time_channels=time_channels,
        time_width=time_width,
        heads=_heads(flags),
        table_rows=table_rows,
        classes=weights.shape("label_emb.weight", 2)[0] if "label_emb.weight" in weights.tensors else None,
        scale_shift=weights.shape("input_blocks.1.0.emb_layers.1.weight", 2)[0] == 2 * widths[0],
        residual_resampling=2 in doubling.values(),
    )


def _heads(flags: Flags) -> Heads:
    """Return how attention is split: by the width of a head, if that is given and not -1, or else by their number."""
    channels = flags.value("num_head_channels", whole, UNSAID)
    if channels != UNSAID:
        if channels < 1:
            raise flags.wrong("num_head_channels", f"must be above 0, or {UNSAID} (got {channels})")
        return Heads(channels)
    flags.require("num_heads")
    down, up = flags.value("num_heads", whole, 1), flags.value("num_heads_upsample", whole, UNSAID)
    return Heads(None, down, down if up == UNSAID else up)


def _agreements(architecture: Architecture) -> dict[str, tuple[Kind[Any], Any]]:
    """Return what the flags must say where they say it, and how each is read."""

    def levels(texts: Sequence[str]) -> tuple[int, ...]:
        """Read the resolutions that have attention, as levels; those that the network lacks do not matter."""
        sides = [architecture.sample_size // 2**level for level in range(len(architecture.widths))]
        return tuple(level for level, side in enumerate(sides) if side in wholes(texts))

    def widths(texts: Sequence[str]) -> tuple[int, ...]:
        return tuple(int(factor * architecture.time_channels) for factor in numbers(texts))

    return {
        "num_channels": (whole, architecture.time_channels),
        "num_res_blocks": (whole, architecture.blocks),
        "channel_mult": (widths, architecture.widths),
        "attention_resolutions": (levels, architecture.attention),
        "class_cond": (truth, bool(architecture.classes)),
        "learn_sigma": (truth, architecture.out_channels > architecture.in_channels),
        "use_scale_shift_norm": (truth, architecture.scale_shift),
        "resblock_updown": (truth, architecture.residual_resampling),
    }


def _table(steps: int, channels: int) -> torch.Tensor:
    """Return the sinusoids (steps, channels) of timesteps that are rescaled to a schedule of 1000."""
    times = torch.arange(steps).float() * (USUAL_STEPS / steps)
    table: torch.Tensor = get_timestep_embedding(
        times, channels, flip_sin_to_cos=True, downscale_freq_shift=0
    )
    return table


def _entries(architecture: Architecture, in_thirds: bool) -> Iterator[Entry]:
    """Yield where each tensor goes. `in_thirds` says that all queries, keys and values stand together."""
    for source, target in OUTSIDE.items():
        yield from entries_of(source, target)
    if architecture.classes:
        yield Entry("label_emb.weight", ("class_embedding.weight",))

    def residual(source: str, step: Step) -> Iterator[Entry]:
        for name, target in RESIDUAL.items():
            yield from entries_of(f"{source}.{name}", f"{step.name}.{target}")

    def attention(source: str, step: Step) -> Iterator[Entry]:
        groups = 1 if in_thirds else architecture.heads.count(step.width, step.on_way_up)
        queries = [f"{step.attention}.{name}" for name in ("to_q", "to_k", "to_v")]
        cut = query_key_value(groups, 1), query_key_value(groups, 0)
        yield from entries_of(f"{source}.norm", f"{step.attention}.group_norm")
        yield from entries_of(f"{source}.qkv", *queries, weight=cut[0], bias=cut[1])
        yield from entries_of(f"{source}.proj_out", f"{step.attention}.to_out.0", weight=pointwise(1))

    def resampling(source: str, step: Step, convolution: str) -> Iterator[Entry]:
        if architecture.residual_resampling:
            yield from residual(source, step)
        else:
            yield from entries_of(f"{source}.{convolution}", f"{step.name}.conv")

    for place, step in enumerate(architecture.down(), start=1):
        source = f"input_blocks.{place}"
        if step.resamples:
            yield from resampling(f"{source}.0", step, "op")
            continue
        yield from residual(f"{source}.0", step)
        if step.attention:
            yield from attention(f"{source}.1", step)
    first, second = architecture.middle()
    yield from residual("middle_block.0", first)
    yield from attention("middle_block.1", first)
    yield from residual("middle_block.2", second)
    place, after = -1, 0
    for step in architecture.up():
        if step.resamples:  # it stands in the output block of the residual block before it
            yield from resampling(f"output_blocks.{place}.{after}", step, "conv")
            continue
        place, after = place + 1, 1
        yield from residual(f"output_blocks.{place}.0", step)
        if step.attention:
            yield from attention(f"output_blocks.{place}.1", step)
            after = 2


GUIDED_DIFFUSION = Format("guided-diffusion", None, read)
