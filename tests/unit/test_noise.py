"""Noise belongs to (seed, sample, draw) and to nothing else."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from simaudit.diffusion.noise import SampleNoise, noise_of_batches

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


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_noise_of_batches_is_that_of_their_samples_whether_a_thread_draws_it_or_not(device):
    """A device without memory stands for a GPU; what is drawn lands where the images are."""
    batches = [IDS[:2], IDS[2:4], IDS[4:]]
    for ids, noise in zip(batches, noise_of_batches(3, batches, torch.device(device)), strict=True):
        for draw in (0, 2, 2, 1):
            assert torch.equal(noise.draw(draw, LIKE[:2]), SampleNoise(3, ids).draw(draw, LIKE[:2]))
        assert torch.equal(noise.draw(0, LIKE[:2, 0]), SampleNoise(3, ids).draw(0, LIKE[:2, 0]))


def test_what_one_batch_asks_for_is_drawn_for_the_next_one(monkeypatch):
    first, second = SampleNoise(0, IDS[:3]), SampleNoise(0, IDS[3:])
    expected = SampleNoise(0, IDS[3:]).draw(2, LIKE[:3])
    with ThreadPoolExecutor(1) as thread:
        first.lead(second, thread)
        first.draw(2, LIKE[:3])
    monkeypatch.delattr(np.random, "Philox")
    assert torch.equal(second.draw(2, LIKE[:3]), expected)
    with pytest.raises(AttributeError):
        second.draw(1, LIKE[:3])


def test_draws_for_which_there_is_no_room_are_drawn_anew_and_for_no_batch_ahead(monkeypatch):
    monkeypatch.setattr("simaudit.diffusion.noise.KEPT_BYTES", 2 * LIKE.nbytes)
    expected = [SampleNoise(0, IDS).draw(k, LIKE) for k in range(4)]
    first, second = SampleNoise(0, IDS), SampleNoise(0, IDS)
    with ThreadPoolExecutor(1) as thread:
        first.lead(second, thread)
        for _ in range(2):
            assert all(torch.equal(first.draw(k, LIKE), expected[k]) for k in range(4))
    kept = [first.draw(k, LIKE) is first.draw(k, LIKE) for k in range(4)]
    assert kept == [True, True, False, False]
    monkeypatch.delattr(np.random, "Philox")
    assert torch.equal(second.draw(1, LIKE), expected[1])
    with pytest.raises(AttributeError):
        second.draw(2, LIKE)


def test_the_noise_of_a_part_is_that_of_its_samples():
    noise = SampleNoise(0, IDS)
    assert torch.equal(noise.of(slice(1, 3)).draw(1, LIKE[1:3]), noise.draw(1, LIKE)[1:3])
    assert torch.equal(noise.of(slice(0, 6)).draw(1, LIKE), noise.draw(1, LIKE))


def test_what_was_drawn_while_nobody_differentiates_can_be_differentiated_with():
    noise = SampleNoise(0, IDS)
    with torch.inference_mode():
        noise.draw(0, LIKE)
    weight = torch.ones(1, requires_grad=True)
    (weight * noise.draw(0, LIKE)).square().sum().backward()
    assert weight.grad > 0
