"""Noise belongs to (seed, sample, draw) and to nothing else."""

import numpy as np
import torch

from simaudit.diffusion.noise import SampleNoise

LIKE = torch.zeros(6, 1, 8, 8)
IDS = np.array([5, 0, 17, 3, 1796, 2**40])


def test_a_samples_noise_is_the_same_in_any_batch_and_order():
    whole = SampleNoise(0, IDS).draw(2, LIKE)
    shuffled = SampleNoise(0, IDS[::-1]).draw(2, LIKE).flip(0)
    alone = torch.cat([SampleNoise(0, IDS[i : i + 1]).draw(2, LIKE[:1]) for i in range(len(IDS))])
    assert torch.equal(whole, shuffled)
    assert torch.equal(whole, alone)


def test_a_draw_does_not_depend_on_earlier_draws():
    noise = SampleNoise(0, IDS)
    noise.draw(0, LIKE)
    assert torch.equal(noise.draw(1, LIKE), SampleNoise(0, IDS).draw(1, LIKE))


def test_seed_sample_and_draw_each_give_other_noise():
    noises = [
        SampleNoise(seed, np.array([sample])).draw(draw, torch.zeros(1, 64))
        for seed in (0, 1)
        for sample in (0, 1)
        for draw in (0, 1)
    ]
    assert len({tuple(noise.flatten().tolist()) for noise in noises}) == 8


def test_noise_is_standard_normal():
    values = SampleNoise(3, np.arange(2000)).draw(0, torch.zeros(2000, 100)).numpy()
    assert abs(values.mean()) < 0.01
    assert abs(values.std() - 1) < 0.01
    assert abs((values**4).mean() - 3) < 0.1  # kurtosis: neither uniform nor clipped
    assert abs(np.corrcoef(values[:-1].ravel(), values[1:].ravel())[0, 1]) < 0.01  # neighbours are unrelated
