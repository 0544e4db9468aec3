"""The networks of other code bases, written down from the papers in plain functions of a state dict.

One description gives both the weights, drawn where a name is first used, and what the network answers. Nothing of
simaudit and of diffusers is used.
"""

import math

import torch
import torch.nn.functional as F

GROUPS = 32


class State(dict):
    """Tensors by name, as a checkpoint holds them; one that is missing is drawn when it is asked for."""

    def __init__(self, seed=0):
        super().__init__()
        self.random = torch.Generator().manual_seed(seed)

    def drawn(self, name, *shape, around=0.0, scale=1.0):
        if name not in self:
            self[name] = around + scale * torch.randn(shape, generator=self.random)
        return self[name]

    def conv(self, name, x, width, size=3, stride=1):
        weight = self.drawn(
            f"{name}.weight", width, x.shape[1], size, size, scale=(x.shape[1] * size**2) ** -0.5
        )
        bias = self.drawn(f"{name}.bias", width, scale=0.1)
        return F.conv2d(x, weight, bias, stride=stride, padding=size // 2)

    def linear(self, name, x, width):
        weight = self.drawn(f"{name}.weight", width, x.shape[1], scale=x.shape[1] ** -0.5)
        return x @ weight.T + self.drawn(f"{name}.bias", width, scale=0.1)

    def norm(self, name, x):
        weight = self.drawn(f"{name}.weight", x.shape[1], around=1.0, scale=0.1)
        bias = self.drawn(f"{name}.bias", x.shape[1], scale=0.1)
        grouped = x.reshape(len(x), GROUPS, -1)
        mean = grouped.mean(2, keepdim=True)
        variance = (grouped - mean).square().mean(2, keepdim=True)
        normal = ((grouped - mean) / (variance + 1e-5).sqrt()).reshape(x.shape)
        return normal * weight[:, None, None] + bias[:, None, None]


def swish(x):
    return x * torch.sigmoid(x)


def doubled(x):
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def halved(x):
    return (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4


def attended(q, k, v):
    """Attention of one head over (B, C, N)."""
    weights = torch.softmax(torch.einsum("bcn,bcm->bnm", q, k) / math.sqrt(q.shape[1]), dim=2)
    return torch.einsum("bnm,bcm->bcn", weights, v)


def pytorch_ddpm(s, x, t, ch=32, mult=(1, 2), attn=(1,), blocks=1, steps=10):
    """ε̂ (B, 3, H, W) of Ho et al.'s network at the timesteps t (B,)."""
    table = "time_embedding.timembedding.0.weight"
    if table not in s:
        rows = [
            [wave(n / 10000 ** (i / ch)) for i in range(0, ch, 2) for wave in (math.sin, math.cos)]
            for n in range(steps)
        ]
        s[table] = torch.tensor(rows)
    time = s.linear("time_embedding.timembedding.1", s[table][t], 4 * ch)
    time = s.linear("time_embedding.timembedding.3", swish(time), 4 * ch)

    def residual(name, x, width, attention=False):
        h = s.conv(f"{name}.block1.2", swish(s.norm(f"{name}.block1.0", x)), width)
        h = h + s.linear(f"{name}.temb_proj.1", swish(time), width)[:, :, None, None]
        h = s.conv(f"{name}.block2.3", swish(s.norm(f"{name}.block2.0", h)), width)
        h = h + (x if x.shape[1] == width else s.conv(f"{name}.shortcut", x, width, size=1))
        if not attention:
            return h
        normal = s.norm(f"{name}.attn.group_norm", h)
        q, k, v = (s.conv(f"{name}.attn.proj_{one}", normal, width, size=1).flatten(2) for one in "qkv")
        return h + s.conv(f"{name}.attn.proj", attended(q, k, v).reshape(h.shape), width, size=1)

    h, place = s.conv("head", x, ch), 0
    skipped = [h]
    for level, factor in enumerate(mult):
        for _ in range(blocks):
            h = residual(f"downblocks.{place}", h, factor * ch, level in attn)
            skipped.append(h)
            place += 1
        if level < len(mult) - 1:
            h = s.conv(f"downblocks.{place}.main", h, factor * ch, stride=2)
            skipped.append(h)
            place += 1
    h = residual("middleblocks.0", h, h.shape[1], attention=True)
    h, place = residual("middleblocks.1", h, h.shape[1]), 0
    for level, factor in reversed(list(enumerate(mult))):
        for _ in range(blocks + 1):
            h = residual(f"upblocks.{place}", torch.cat([h, skipped.pop()], 1), factor * ch, level in attn)
            place += 1
        if level:
            h = s.conv(f"upblocks.{place}.main", doubled(h), factor * ch)
            place += 1
    return s.conv("tail.2", swish(s.norm("tail.0", h)), 3)


def guided_diffusion(
    s,
    x,
    t,
    labels=None,
    channels=32,
    mult=(1, 2),
    attention=(2,),
    blocks=1,
    heads=lambda width, on_way_up: 1,
    scale_shift=False,
    residual_resampling=False,
    classes=5,
    out=3,
    new_order=False,
):
    """What ADM's network answers, (B, out, H, W), at the times t (B,); `attention` lists divisors of the side."""
    frequencies = [10000 ** (-i / (channels // 2)) for i in range(channels // 2)]
    angles = t.double()[:, None] * torch.tensor(frequencies, dtype=torch.float64)
    time = s.linear("time_embed.0", torch.cat([angles.cos(), angles.sin()], 1).float(), 4 * channels)
    time = s.linear("time_embed.2", swish(time), 4 * channels)
    if labels is not None:
        time = time + s.drawn("label_emb.weight", classes, 4 * channels)[labels]

    def residual(name, x, width, resample=lambda x: x):
        h = resample(swish(s.norm(f"{name}.in_layers.0", x)))
        x = resample(x)
        h = s.conv(f"{name}.in_layers.2", h, width)
        embedded = s.linear(f"{name}.emb_layers.1", swish(time), width * (2 if scale_shift else 1))[
            :, :, None, None
        ]
        if scale_shift:
            h = s.norm(f"{name}.out_layers.0", h) * (1 + embedded[:, :width]) + embedded[:, width:]
        else:
            h = s.norm(f"{name}.out_layers.0", h + embedded)
        h = s.conv(f"{name}.out_layers.3", swish(h), width)
        return h + (x if x.shape[1] == width else s.conv(f"{name}.skip_connection", x, width, size=1))

    def over_positions(name, x, width):
        weight = s.drawn(f"{name}.weight", width, x.shape[1], 1, scale=x.shape[1] ** -0.5)
        return (
            torch.einsum("oc,bcn->bon", weight[:, :, 0], x)
            + s.drawn(f"{name}.bias", width, scale=0.1)[:, None]
        )

    def attention_block(name, x, on_way_up=False):
        width = x.shape[1]
        count = heads(width, on_way_up)
        size = width // count
        together = over_positions(f"{name}.qkv", s.norm(f"{name}.norm", x).flatten(2), 3 * width)
        answers = []
        for head in range(count):
            starts = [
                part * width + head * size if new_order else (3 * head + part) * size for part in range(3)
            ]
            answers.append(attended(*(together[:, start : start + size] for start in starts)))
        return x + over_positions(f"{name}.proj_out", torch.cat(answers, 1), width).reshape(x.shape)

    h = s.conv("input_blocks.0.0", x, int(mult[0] * channels))
    skipped, place, divisor = [h], 1, 1
    for level, factor in enumerate(mult):
        width = int(factor * channels)
        for _ in range(blocks):
            h = residual(f"input_blocks.{place}.0", h, width)
            if divisor in attention:
                h = attention_block(f"input_blocks.{place}.1", h)
            skipped.append(h)
            place += 1
        if level < len(mult) - 1:
            if residual_resampling:
                h = residual(f"input_blocks.{place}.0", h, width, halved)
            else:
                h = s.conv(f"input_blocks.{place}.0.op", h, width, stride=2)
            skipped.append(h)
            place += 1
            divisor *= 2
    h = residual("middle_block.0", h, h.shape[1])
    h = attention_block("middle_block.1", h)
    h, place = residual("middle_block.2", h, h.shape[1]), 0
    for level, factor in reversed(list(enumerate(mult))):
        width = int(factor * channels)
        for block in range(blocks + 1):
            h, after = residual(f"output_blocks.{place}.0", torch.cat([h, skipped.pop()], 1), width), 1
            if divisor in attention:
                h, after = attention_block(f"output_blocks.{place}.1", h, on_way_up=True), 2
            if level and block == blocks:
                if residual_resampling:
                    h = residual(f"output_blocks.{place}.{after}", h, width, doubled)
                else:
                    h = s.conv(f"output_blocks.{place}.{after}.conv", doubled(h), width)
                divisor //= 2
            place += 1
    return s.conv("out.2", swish(s.norm("out.0", h)), out)
