"""Training autoencoders: the divergence, the weight of the adversarial loss, and two networks against each other."""

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from scipy.stats import norm

from simaudit.training.autoencoder import (
    AdversarialLosses,
    adaptive_weight,
    autoencoder_loss,
    mean_kl,
    train_autoencoder,
)
from simaudit.training.discriminator import Adversarial
from simaudit.training.knobs import Training
from simaudit.training.vae import VAE
from simaudit.vocabulary.errors import SimauditError

IDS = np.arange(3, 17)
NETWORK = VAE(latent_channels=2, block_out_channels=[8, 8], norm_num_groups=8)
ADVERSARIAL = Adversarial(start=4, weight=0.5, channels=4, layers=2)


def knobs(**changes):
    values = {"epochs": 3, "batch_size": 4, "learning_rate": 0.01, "ema_decay": 0.5, "checkpoint_every": 5}
    return Training(**values | changes)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_beta_weighs_the_mean_divergence_of_a_latent_dimension():
    """KL(N(μ, s²) ‖ N(0, 1)) of each dimension by numerical integration of its definition."""
    mean, deviation = np.array([[0.3, -1.0], [2.0, 0.0]]), np.array([[0.5, 1.0], [1.5, 0.1]])
    x = np.linspace(-30, 30, 600_001)
    expected = 0.0
    for mu, s in zip(mean.ravel(), deviation.ravel(), strict=True):
        q = norm(mu, s)
        expected += np.trapezoid(q.pdf(x) * (q.logpdf(x) - norm.logpdf(x)), x) / 4
    moments = np.concatenate([mean, 2 * np.log(deviation)], axis=1).reshape(2, 4, 1, 1).astype(np.float32)
    posterior = DiagonalGaussianDistribution(torch.from_numpy(moments))
    assert mean_kl(posterior).item() == pytest.approx(expected, rel=1e-5)


def test_beta_is_the_weight_of_the_divergence(images):
    vae, x = NETWORK.build((1, 8, 8), 0), torch.from_numpy(images)
    losses = {}
    for beta in (0.0, 1.0, 3.0):
        torch.manual_seed(1)
        losses[beta], error, reconstruction = autoencoder_loss(vae, beta, x)
    assert losses[0.0].item() == pytest.approx((reconstruction - x).abs().mean().item()) == error.item()
    divergence = mean_kl(vae.encode(x).latent_dist).item()
    assert (losses[1.0] - losses[0.0]).item() == pytest.approx(divergence, rel=1e-4)
    assert (losses[3.0] - losses[0.0]).item() == pytest.approx(3 * divergence, rel=1e-4)


def test_the_adaptive_weight_is_the_ratio_of_the_gradients_norms():
    """Two parameters: ∇(3a + 4b) has norm 5, ∇(a²/2 + b) at a = 0 has norm 1, ∇(0·a) has none."""
    layer = torch.zeros(2, requires_grad=True)
    reconstruction = 3 * layer[0] + 4 * layer[1]
    adversarial = layer[0] ** 2 / 2 + layer[1]
    weight = adaptive_weight(reconstruction, adversarial, layer)
    assert weight.item() == pytest.approx(5 / (1 + 1e-4))
    assert not weight.requires_grad
    assert adaptive_weight(reconstruction, 0 * layer.sum(), layer).item() == 1e4


def test_before_its_start_the_discriminator_is_neither_used_nor_updated(images):
    vae, x = NETWORK.build((1, 8, 8), 0), torch.from_numpy(images)
    losses = AdversarialLosses(vae, 0.1, ADVERSARIAL.build(1, seed=0), ADVERSARIAL)
    for step, used in ((3, False), (4, True)):
        torch.manual_seed(1)
        alone, *_ = autoencoder_loss(vae, 0.1, x)
        torch.manual_seed(1)
        loss = losses.autoencoder(x, step)
        assert (loss.item() != alone.item()) is used
        assert (losses.discriminator(x, step) is not None) is used


def test_the_discriminator_and_the_autoencoder_minimise_the_hinge_losses(images):
    """Both by hand, from the logits that the discriminator gives."""
    vae, x = NETWORK.build((1, 8, 8), 0), torch.from_numpy(images)
    discriminator = ADVERSARIAL.build(1, seed=0)
    losses = AdversarialLosses(vae, 0.0, discriminator, ADVERSARIAL)
    torch.manual_seed(1)
    total = losses.autoencoder(x, 4)
    torch.manual_seed(1)
    _, error, reconstruction = autoencoder_loss(vae, 0.0, x)
    real, made = discriminator(x), discriminator(reconstruction)
    weight = adaptive_weight(error, -made.mean(), vae.decoder.conv_out.weight)
    assert total.item() == pytest.approx((error - 0.5 * weight * made.mean()).item(), rel=1e-4)
    hinge = np.maximum(0, 1 - real.detach().numpy()).mean() + np.maximum(0, 1 + made.detach().numpy()).mean()
    assert losses.discriminator(x, 4).item() == pytest.approx(hinge / 2, rel=1e-4)


def test_an_images_logits_are_its_own(images):
    x, discriminator = torch.from_numpy(images), ADVERSARIAL.build(1, seed=0)
    torch.testing.assert_close(discriminator(x)[:1], discriminator(x[:1]))
    assert discriminator(x).shape == (24, 1, 2, 2)  # one logit per patch of 4×4 pixels


@pytest.mark.parametrize("killed_at", [4, 7, 11])
def test_a_resumed_adversarial_run_ends_at_the_same_weights_as_an_uninterrupted_one(
    tmp_path, images, killed_at, monkeypatch
):
    def run(folder):
        vae = NETWORK.build((1, 8, 8), 0)
        losses = train_autoencoder(vae, 0.1, ADVERSARIAL, images, IDS, knobs(), tmp_path / folder, "a")
        return weights(vae), losses

    whole, losses = run("whole")
    original = AdversarialLosses.discriminator

    def killed(self, x, step):
        if step == killed_at:
            raise KeyboardInterrupt
        return original(self, x, step)

    with monkeypatch.context() as patch:
        patch.setattr(AdversarialLosses, "discriminator", killed)
        with pytest.raises(KeyboardInterrupt):
            run("killed")
    resumed, again = run("killed")
    assert torch.equal(resumed, whole)
    assert again == losses


def test_the_arms_differ_and_both_learn(tmp_path, images):
    found = {}
    for arm, adversarial in (("standard", None), ("adversarial", ADVERSARIAL)):
        vae = NETWORK.build((1, 8, 8), 0)
        settings = knobs(epochs=15, batch_size=14)
        losses = train_autoencoder(vae, 0.0, adversarial, images, IDS, settings, tmp_path / arm, "a")
        x = torch.from_numpy(images[IDS])
        with torch.no_grad():
            found[arm] = (vae.decode(vae.encode(x).latent_dist.mode()).sample - x).abs().mean().item()
        assert found[arm] < np.abs(images[IDS]).mean()  # better than all grey
        assert len(losses) == 15
    assert found["standard"] != found["adversarial"]


def test_a_discriminator_with_more_layers_than_the_images_can_be_halved_is_refused():
    with pytest.raises(
        SimauditError, match=r"adversarial.layers: 4 layers need sides of at least 16, .* 8×8"
    ):
        Adversarial(start=0, layers=4).require_sides((1, 8, 8))
