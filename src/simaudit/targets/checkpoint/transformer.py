"""The network of a DiT (Peebles & Xie 2022, arXiv:2212.09748), as diffusers saves it and as it once did."""

from __future__ import annotations

from simaudit.targets.checkpoint.component import Component
from simaudit.training.levels import Shape
from simaudit.vocabulary.errors import KnobError

DIT, OLDER = "DiTTransformer2DModel", "Transformer2DModel"
NORM = "ada_norm_zero"  # what makes an older transformer a DiT


def is_dit(network: Component) -> bool:
    """Return whether a network is a DiT: of its class, or of the older one that several networks shared."""
    kind = network.class_name
    return kind == DIT or (kind == OLDER and network.config.get("norm_type") == NORM)


def latent_shape(network: Component) -> Shape:
    """Return the shape of the latents that a DiT takes, (C, H, W). Raises KnobError where it is none."""
    if not is_dit(network):
        raise KnobError(
            "path", f"{network.file}: is of {network.class_name} and no DiT; name a DiTPipeline's folder"
        )
    side = network.count("sample_size", 32)
    return network.count("in_channels", 4), side, side
