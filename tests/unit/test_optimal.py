"""The closed form: what theory says of it, computed in other ways; and SimA on it, which theory says must succeed."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from sklearn.metrics import roc_auc_score

from simaudit.attacks.threshold.sima import SimA
from simaudit.data.split import Split, make_split
from simaudit.scoring.questions import Asking
from simaudit.scoring.run import Asker, ScoreFile, write_scores
from simaudit.scoring.score_file import Scores
from simaudit.targets import optimal
from simaudit.targets.families.optimal import MEMBERS, Optimal
from simaudit.targets.family import family_type
from simaudit.vocabulary.errors import SimauditError

CPU = torch.device("cpu")
KNOBS = {"kind": "optimal", "split": "s"}


@pytest.fixture
def members():
    return np.random.default_rng(3).uniform(-1, 1, (30, 1, 4, 4)).astype(np.float32)


@pytest.fixture
def target(tmp_path, members):
    everyone = SimpleNamespace(member_ids=np.arange(30))
    Optimal.model_validate(KNOBS).train(members, everyone, tmp_path / "c", "a", tmp_path / "t")
    return Optimal.load(tmp_path / "t", CPU)


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[: len(whole) // 2]])
def test_damaged_members_are_one_line(target, tmp_path, damage):
    file = tmp_path / "t" / MEMBERS
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(SimauditError, match=f"^{file}: not a whole safetensors file"):
        Optimal.load(tmp_path / "t", CPU)


@pytest.mark.parametrize("t", [0, 10, 200, 999])
def test_it_is_minus_sigma_times_the_score_of_the_noised_members(target, members, t):
    """ε̂* = −σ ∇ log p_t, with p_t written out as a mixture of Gaussians and differentiated by autograd."""
    alpha_bar = DDPMScheduler(beta_start=1e-4, beta_end=0.02).alphas_cumprod[t].double()
    signal, sigma = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    z = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    distance = (z[:, None] - signal * torch.from_numpy(members)[None].double()).flatten(2).square().sum(2)
    log_density = torch.logsumexp(-distance / (2 * sigma**2), dim=1).sum()
    (score,) = torch.autograd.grad(log_density, z)
    found = target.predict_noise(z.detach().float(), t)
    torch.testing.assert_close(found, (-sigma * score).float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("block", [1, 7, 4096])
def test_blocks_bound_the_memory_and_change_nothing(target, block, monkeypatch):
    z = torch.randn(5, 1, 4, 4)
    whole = {t: target.predict_noise(z, t) for t in (0, 300)}
    monkeypatch.setattr(optimal, "BLOCK", block)
    for t, expected in whole.items():
        torch.testing.assert_close(target.predict_noise(z, t), expected)


def test_far_from_every_member_it_still_is_finite(target):
    z = torch.full((2, 1, 4, 4), 100.0)
    assert torch.isfinite(target.predict_noise(z, 0)).all()


def test_at_a_member_nothing_is_noise_at_small_t(target, members):
    noise = target.predict_noise(torch.from_numpy(members), 0)
    # z is x itself, the closed form's mean √ᾱ x: what is left is a shrinkage of (1 − √ᾱ)/σ = 0.005 of the image.
    torch.testing.assert_close(noise, 0.005 * torch.from_numpy(members), rtol=1e-2, atol=1e-4)


def test_simas_auc_is_one_at_small_t_and_falls_towards_a_half_as_t_grows(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (200, 1, 4, 4)).astype(np.float32)
    frame = make_split([f"{i:064x}" for i in range(200)], 100, 0.5, 0)
    split = Split(tmp_path / "s.parquet", *(frame[name].to_numpy() for name in frame.columns))
    Optimal.model_validate(KNOBS).train(images, split, tmp_path / "c", "a", tmp_path / "t")
    attack = SimA(timesteps=[0, 50, 100, 200, 400, 999], norms=[4], inputs=["scaled"])
    asker = Asker(family_type("optimal").load(tmp_path / "t", CPU), images, split, 0, 64, CPU)
    metadata = {"attack": "sima", "member_when": attack.member_when}
    file = ScoreFile(tmp_path / "sima.parquet", Asking(attack), metadata)
    write_scores([file], asker, tmp_path / "unfinished")
    scores = Scores.read(tmp_path / "sima.parquet")
    auc = [roc_auc_score(scores.is_member, -statistic) for statistic in scores.statistic]
    assert auc[:2] == [1.0, 1.0]
    assert all(later <= earlier + 0.01 for earlier, later in pairwise(auc))
    assert abs(auc[-1] - 0.5) < 0.1


def test_only_members_are_in_its_files(tmp_path, members):
    from safetensors.numpy import load_file

    ids = np.array([3, 8, 21])
    three = SimpleNamespace(member_ids=ids)
    Optimal.model_validate(KNOBS).train(members, three, tmp_path / "c", "a", tmp_path / "t")
    np.testing.assert_array_equal(load_file(tmp_path / "t" / MEMBERS)["images"], members[ids])
    saved = {path.relative_to(tmp_path / "t").as_posix() for path in (tmp_path / "t").rglob("*.*")}
    assert saved == set(Optimal.files)
