"""The decoder's pullback metric, against the exact one of decoders whose Jacobian is known."""

import numpy as np
import pytest
import torch

from simaudit.diffusion.pullback_metric import Metric, log_distortion, top_singular_values
from simaudit.training.vae import VAE


@pytest.fixture
def matrix():
    return torch.from_numpy(np.random.default_rng(5).normal(size=(9, 4)).astype(np.float32))


@pytest.fixture
def z():
    return torch.randn(3, 1, 2, 2, generator=torch.Generator().manual_seed(2))


def no_draw(k, like):
    raise AssertionError("an exact diagonal needs no draws")


def test_the_distortion_of_a_small_latent_is_exact_and_draws_nothing(matrix, z):
    found = log_distortion(lambda z: z.flatten(1) @ matrix.T, z, 1, no_draw)
    exact = (matrix.T @ matrix).diagonal().log() / 2
    torch.testing.assert_close(found.flatten(1), exact.expand(3, 4), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("attention", [False, True])
def test_the_exact_diagonal_of_an_autoencoder_is_that_of_its_jacobian(attention):
    torch.manual_seed(0)
    network = VAE(
        latent_channels=2,
        block_out_channels=[8, 8],
        norm_num_groups=8,
        mid_block_add_attention=attention,
    )
    vae = network.build((1, 8, 8), 0).eval()
    z = torch.randn(2, 2, 4, 4)
    with torch.inference_mode():
        found = log_distortion(lambda z: vae.decode(z).sample, z, 1, no_draw)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        jacobians = [
            torch.func.jacrev(lambda z: vae.decode(z).sample)(z[i : i + 1]).reshape(64, 32) for i in range(2)
        ]
    exact = torch.stack([jacobian.square().sum(0).log() / 2 for jacobian in jacobians])
    torch.testing.assert_close(found.flatten(1), exact, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("probes", [2, 16])
def test_the_estimate_for_a_larger_latent_errs_by_root_two_over_n(probes):
    """Columns of nearly one direction: random signs in latent space, v ⊙ G v, would err by √(255/n)."""
    generator = torch.Generator().manual_seed(4)
    jacobian = torch.randn(50, 1, generator=generator) + 0.1 * torch.randn(50, 256, generator=generator)
    z = torch.zeros(2000, 256)
    draws = [torch.randn(2000, 50, generator=generator) for _ in range(probes)]
    found = log_distortion(lambda z: z @ jacobian.T, z, probes, lambda k, like: draws[k].view_as(like))
    error = found.mul(2).exp() / jacobian.square().sum(0) - 1
    assert error.mean(0).abs().max() < 4 * (2 / probes / 2000) ** 0.5
    assert error.square().mean(0).sqrt().numpy() == pytest.approx((2 / probes) ** 0.5, rel=0.15)


def test_the_metric_of_a_bent_decoder_is_that_of_its_jacobian_at_each_sample(matrix, z):
    def decode(z):
        return torch.sin(z.flatten(1) @ matrix.T)

    v = torch.randn(3, 1, 2, 2, generator=torch.Generator().manual_seed(3))
    found = Metric(decode, z).times(v)
    for i in range(3):
        jacobian = torch.autograd.functional.jacobian(decode, z[i : i + 1]).reshape(9, 4)
        expected = jacobian.T @ jacobian @ v[i].flatten()
        torch.testing.assert_close(found[i].flatten(), expected, rtol=1e-4, atol=1e-4)


def test_all_singular_values_are_exact_and_the_largest_converge(matrix, z):
    exact = torch.linalg.svdvals(matrix)
    start = [torch.randn(z.shape, generator=torch.Generator().manual_seed(k)) for k in range(4)]
    for k, iterations in ((4, 0), (2, 60)):
        found = top_singular_values(lambda z: z.flatten(1) @ matrix.T, z, start[:k], iterations)
        torch.testing.assert_close(found, exact[:k].expand(3, k), rtol=1e-3, atol=1e-4)


def test_it_works_on_an_autoencoder_with_attention_while_scoring():
    """Scoring runs in inference mode, and the fused kernels of attention have no forward derivative."""
    torch.manual_seed(0)
    vae = VAE(latent_channels=2, block_out_channels=[8, 8], norm_num_groups=8).build((1, 8, 8), 0).eval()
    z, v = torch.randn(2, 2, 4, 4), torch.randn(2, 2, 4, 4)
    with torch.inference_mode():
        found = Metric(lambda z: vae.decode(z).sample, z).times(v)
    step = 1e-2
    with torch.no_grad():
        ahead, behind = (vae.decode(z + sign * step * v).sample for sign in (1, -1))
    pushed = (ahead - behind) / (2 * step)
    torch.testing.assert_close(
        (v * found).sum((1, 2, 3)), pushed.square().sum((1, 2, 3)), rtol=1e-2, atol=1e-4
    )
