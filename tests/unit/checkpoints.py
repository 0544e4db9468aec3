"""Small models of diffusers, made and saved by the tests that load them as checkpoints."""

import json

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMPipeline,
    DiTPipeline,
    DiTTransformer2DModel,
    LDMPipeline,
    UNet2DModel,
    VQModel,
)

STEPS = 50
CODER = {
    "in_channels": 1,
    "out_channels": 1,
    "latent_channels": 2,
    "block_out_channels": [8, 8],
    "down_block_types": ["DownEncoderBlock2D"] * 2,
    "up_block_types": ["UpDecoderBlock2D"] * 2,
    "norm_num_groups": 4,
}
"""Of images of 1×8×8, whose latents are 2×4×4."""
BLOCKS = {
    "block_out_channels": [8],
    "down_block_types": ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"],
    "layers_per_block": 1,
    "norm_num_groups": 2,
}
"""Several channels in each group: a group of one would take away what the class adds."""


def seeded(kind, seed=0, **config):
    """A network with weights from a seed."""
    torch.manual_seed(seed)
    return kind(**config).eval().requires_grad_(False)


def autoencoder(**config):
    """An AutoencoderKL of small images."""
    return seeded(AutoencoderKL, **CODER, **config)


def vq(**config):
    """A VQModel of small images, with few embeddings that lie far apart, so that quantisation shows."""
    model = seeded(VQModel, **CODER, num_vq_embeddings=4, **config)
    torch.nn.init.normal_(model.quantize.embedding.weight)
    return model


def unet(channels=2, side=4, **config):
    """A U-Net of latents, or of pixels."""
    shape = {"sample_size": side, "in_channels": channels, "out_channels": channels}
    return seeded(UNet2DModel, **shape, **BLOCKS, **config)


def dit(classes=10):
    """A DiT with a learned variance whose answer depends on the class, as that of a fresh one does not."""
    sizes = {"num_attention_heads": 2, "attention_head_dim": 4, "num_layers": 1, "patch_size": 2}
    shape = {"in_channels": 2, "out_channels": 4, "sample_size": 4}
    network = seeded(DiTTransformer2DModel, **sizes, **shape, num_embeds_ada_norm=classes)
    for parameter in network.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return network


def scheduler():
    """A schedule of few steps."""
    return DDIMScheduler(num_train_timesteps=STEPS)


def save_latent(folder, coder, network=None):
    """Save an LDMPipeline."""
    LDMPipeline(coder, network or unet(), scheduler()).save_pretrained(folder)
    return folder


def save_dit(folder, coder=None, classes=10):
    """Save a DiTPipeline."""
    DiTPipeline(dit(classes), coder or autoencoder(), scheduler()).save_pretrained(folder)
    return folder


def save_classes(folder, classes=10):
    """Save a DDPMPipeline whose U-Net of pixels is of classes."""
    DDPMPipeline(unet(1, 8, num_class_embeds=classes), scheduler()).save_pretrained(folder)
    return folder


def change(config, **values):
    """Change a config file; a value `...` leaves the key out."""
    content = {**json.loads(config.read_text()), **values}
    config.write_text(json.dumps({key: value for key, value in content.items() if value is not ...}))
