"""Training a β-VAE on its reconstruction error and its divergence, with a discriminator against it or without."""

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch.nn.functional import relu

from simaudit.data.store import Images
from simaudit.machine.precision import autocast
from simaudit.training.discriminator import Adversarial
from simaudit.training.knobs import Training
from simaudit.training.loop import Trainable, train

CHECKPOINT = "autoencoder.pt"
LARGEST_WEIGHT = 1e4  # of the adversarial loss, where its gradient vanishes (arXiv:2012.09841, released code)


def mean_kl(posterior: DiagonalGaussianDistribution) -> torch.Tensor:
    """Return KL(q(z|x) ‖ N(0, 1)), averaged over the batch **and** the latent's dimensions, a scalar.

    The SimA paper normalises so in its sweep (arXiv:2509.25003), which makes its β comparable with ours. With a KL that
    is summed over dimensions, as in Kingma & Welling (arXiv:1312.6114, App. B), β would count d times as much.
    """
    divergence: torch.Tensor = posterior.kl().mean() / posterior.mean[0].numel()
    return divergence


def adaptive_weight(
    reconstruction: torch.Tensor, adversarial: torch.Tensor, last_layer: torch.Tensor
) -> torch.Tensor:
    """Return λ = ‖∇L_rec‖/(‖∇L_adv‖ + δ), a detached scalar, from the gradients of both losses in the last layer.

    λ times the adversarial loss has a gradient there as long as that of the reconstruction loss. Esser, Rombach &
    Ommer, arXiv:2012.09841, Eq. 7, with δ = 1e-4 and an upper limit as in their code.
    """
    of_reconstruction, of_adversarial = (
        torch.autograd.grad(loss, last_layer, retain_graph=True)[0].norm()
        for loss in (reconstruction, adversarial)
    )
    weight: torch.Tensor = (of_reconstruction / (of_adversarial + 1e-4)).clamp(max=LARGEST_WEIGHT).detach()
    return weight


def autoencoder_loss(
    vae: AutoencoderKL, beta: float, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return (mean |x − x̂| + β · mean KL, its first term, x̂) for a batch x (B, C, H, W).

    The latent that is decoded is drawn from the posterior, by torch's global generator.
    """
    with autocast(x.device):
        moments = vae.encode(x).latent_dist.parameters
    posterior = DiagonalGaussianDistribution(moments.to(x.dtype))
    with autocast(x.device):
        reconstruction = vae.decode(posterior.sample()).sample.to(x.dtype)
    error = (reconstruction - x).abs().mean()
    return error + beta * mean_kl(posterior), error, reconstruction


class AdversarialLosses:
    """The losses of an autoencoder and of the discriminator that is trained against it.

    Within a step the discriminator is updated after the autoencoder, on the reconstructions of that step.
    """

    def __init__(
        self, vae: AutoencoderKL, beta: float, discriminator: torch.nn.Module, knobs: Adversarial
    ) -> None:
        self._vae, self._beta, self._discriminator, self._knobs = vae, beta, discriminator, knobs
        self._reconstruction: torch.Tensor

    def autoencoder(self, x: torch.Tensor, step: int) -> torch.Tensor:
        """Return `autoencoder_loss`, plus the generator's hinge loss −mean D(x̂), weighted, from step `start` on."""
        loss, error, reconstruction = autoencoder_loss(self._vae, self._beta, x)
        self._reconstruction = reconstruction.detach()
        if step < self._knobs.start:
            return loss
        generator = -self._logits(reconstruction).mean()
        weight = adaptive_weight(error, generator, self._vae.decoder.conv_out.weight)
        total: torch.Tensor = loss + self._knobs.weight * weight * generator
        return total

    def discriminator(self, x: torch.Tensor, step: int) -> torch.Tensor | None:
        """Return the hinge loss ½ mean max(0, 1 − D(x)) + ½ mean max(0, 1 + D(x̂)); None before step `start`.

        Lim & Ye, arXiv:1705.02894.
        """
        if step < self._knobs.start:
            return None
        real, reconstructed = self._logits(x), self._logits(self._reconstruction)
        loss: torch.Tensor = (relu(1 - real).mean() + relu(1 + reconstructed).mean()) / 2
        return loss

    def _logits(self, images: torch.Tensor) -> torch.Tensor:
        with autocast(images.device):
            logits: torch.Tensor = self._discriminator(images)
        return logits.to(images.dtype)


def train_autoencoder(
    vae: AutoencoderKL,
    beta: float,
    adversarial: Adversarial | None,
    images: Images,
    ids: np.ndarray,
    knobs: Training,
    checkpoints: Path,
    identity: str,
) -> list[float]:
    """Train `vae` on images[ids] (…, C, H, W), alone or with a discriminator; return the mean loss per epoch.

    Its checkpoint lies in the folder `checkpoints`. For `identity` see `simaudit.training.loop.train`.
    """
    trainables = [Trainable(vae, lambda x, step: autoencoder_loss(vae, beta, x)[0])]
    if adversarial:
        discriminator = adversarial.build(images.shape[1], knobs.seed).to(vae.device)
        losses = AdversarialLosses(vae, beta, discriminator, adversarial)
        trainables = [Trainable(vae, losses.autoencoder), Trainable(discriminator, losses.discriminator)]
    return train(trainables, images, ids, knobs, checkpoints / CHECKPOINT, identity)
