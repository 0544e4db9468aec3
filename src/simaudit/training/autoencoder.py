"""Training a β-VAE: reconstruction and divergence, and a discriminator that may play against it."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch.nn.functional import relu

from simaudit.training.knobs import Training
from simaudit.training.loop import Player, train
from simaudit.training.networks import Adversarial

if TYPE_CHECKING:
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

CHECKPOINT = "autoencoder.pt"
LARGEST_WEIGHT = 1e4  # of the adversarial loss, where its gradient vanishes (arXiv:2012.09841, released code)


def mean_kl(posterior: "DiagonalGaussianDistribution") -> torch.Tensor:
    """KL(q(z|x) ‖ N(0, 1)), averaged over the batch **and** the latent's dimensions, a scalar.

    The normalisation of the SimA paper's sweep (arXiv:2509.25003), so that its β are comparable with ours; with a KL
    that is summed over dimensions, as in Kingma & Welling (arXiv:1312.6114, App. B), β would count d times as much.
    """
    divergence: torch.Tensor = posterior.kl().mean() / posterior.mean[0].numel()
    return divergence


def adaptive_weight(
    reconstruction: torch.Tensor, adversarial: torch.Tensor, last_layer: torch.Tensor
) -> torch.Tensor:
    """λ = ‖∇L_rec‖/(‖∇L_adv‖ + δ), gradients in the decoder's last layer: both losses then pull equally hard on it.

    Esser, Rombach & Ommer, arXiv:2012.09841, Eq. 7; δ = 1e-4 and an upper limit as in their code. A detached scalar.
    """
    pull, push = (
        torch.autograd.grad(loss, last_layer, retain_graph=True)[0].norm()
        for loss in (reconstruction, adversarial)
    )
    weight: torch.Tensor = (pull / (push + 1e-4)).clamp(max=LARGEST_WEIGHT).detach()
    return weight


class PatchDiscriminator(torch.nn.Sequential):
    """Images (B, C, H, W) → a logit a patch, high for real: PatchGAN (Isola et al., arXiv:1611.07004, App. 6.1.2).

    Each of `layers` halves the sides. Normalised by instance-wise groups instead of batches, so that an image's logits
    are its own.
    """

    def __init__(self, image_channels: int, channels: int, layers: int) -> None:
        blocks: list[torch.nn.Module] = []
        width = image_channels
        for level in range(layers):
            wider = channels * 2 ** min(level, 3)
            blocks.append(torch.nn.Conv2d(width, wider, 4, stride=2, padding=1))
            if level:
                blocks.append(torch.nn.GroupNorm(1, wider))
            blocks.append(torch.nn.LeakyReLU(0.2))
            width = wider
        super().__init__(*blocks, torch.nn.Conv2d(width, 1, 3, padding=1))


def autoencoder_loss(
    vae: AutoencoderKL, beta: float, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(mean |x − x̂| + β · mean KL, its first term, x̂) for a batch x (B, C, H, W), with z drawn from the posterior."""
    posterior = vae.encode(x).latent_dist
    reconstruction = vae.decode(posterior.sample()).sample
    error = (reconstruction - x).abs().mean()
    return error + beta * mean_kl(posterior), error, reconstruction


class Rivals:
    """What an autoencoder and a discriminator minimise against each other, from step `start` on.

    The discriminator judges the reconstructions that the autoencoder has just been trained on.
    """

    def __init__(
        self, vae: AutoencoderKL, beta: float, discriminator: PatchDiscriminator, knobs: Adversarial
    ) -> None:
        self._vae, self._beta, self._discriminator, self._knobs = vae, beta, discriminator, knobs
        self._reconstruction: torch.Tensor

    def autoencoder(self, x: torch.Tensor, step: int) -> torch.Tensor:
        """`autoencoder_loss`, and the generator's hinge loss −mean D(x̂), weighted."""
        loss, error, reconstruction = autoencoder_loss(self._vae, self._beta, x)
        self._reconstruction = reconstruction.detach()
        if step < self._knobs.start:
            return loss
        fooled = -self._discriminator(reconstruction).mean()
        weight = adaptive_weight(error, fooled, self._vae.decoder.conv_out.weight)
        total: torch.Tensor = loss + self._knobs.weight * weight * fooled
        return total

    def discriminator(self, x: torch.Tensor, step: int) -> torch.Tensor | None:
        """The hinge loss ½ mean max(0, 1 − D(x)) + ½ mean max(0, 1 + D(x̂)) (Lim & Ye, arXiv:1705.02894)."""
        if step < self._knobs.start:
            return None
        real, made = self._discriminator(x), self._discriminator(self._reconstruction)
        loss: torch.Tensor = (relu(1 - real).mean() + relu(1 + made).mean()) / 2
        return loss


def train_autoencoder(
    vae: AutoencoderKL,
    beta: float,
    adversarial: Adversarial | None,
    images: np.ndarray,
    ids: np.ndarray,
    knobs: Training,
    checkpoints: Path,
    identity: str,
) -> list[float]:
    """Train `vae` on images[ids] (…, C, H, W), against a discriminator or alone; returns each epoch's mean loss.

    Progress is kept in the folder `checkpoints`, see `simaudit.training.loop.train`.
    """
    players = [Player(vae, lambda x, step: autoencoder_loss(vae, beta, x)[0])]
    if adversarial:
        torch.manual_seed(knobs.seed)
        discriminator = PatchDiscriminator(images.shape[1], adversarial.channels, adversarial.layers)
        rivals = Rivals(vae, beta, discriminator.to(vae.device), adversarial)
        players = [Player(vae, rivals.autoencoder), Player(discriminator, rivals.discriminator)]
    return train(players, images, ids, knobs, checkpoints / CHECKPOINT, identity)
