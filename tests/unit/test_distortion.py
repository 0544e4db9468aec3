"""The decoder's pullback metric, against the exact one of decoders whose Jacobian is known."""

from itertools import product

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


def signs(like):
    """Every pattern of signs of four dimensions: over all of them, Hutchinson's mean is exact."""
    for pattern in product((-1.0, 1.0), repeat=4):
        yield torch.tensor(pattern).reshape(1, 1, 2, 2).expand_as(like)


def test_the_distortion_of_a_linear_decoder_is_that_of_its_exact_metric(matrix, z):
    found = log_distortion(lambda z: z.flatten(1) @ matrix.T, z, signs(z))
    exact = (matrix.T @ matrix).diagonal().log() / 2
    torch.testing.assert_close(found.flatten(1), exact.expand(3, 4), rtol=1e-4, atol=1e-5)


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
