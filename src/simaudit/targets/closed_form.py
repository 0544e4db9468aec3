"""The optimal denoiser of a few members in one and two dimensions: what the theory of SimA looks like.

The members are real images of a split, projected on their principal components and scaled into [-1, 1]. Density, score
and ε̂* are computed from the closed form at the schedule's own ᾱ_t; nothing is drawn by hand.
"""

import numpy as np
import pandas as pd
import torch
from sklearn.decomposition import PCA
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from simaudit.data.split import Split
from simaudit.data.store import Images
from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.targets.optimal import OptimalTarget

MEMBERS = 512  # whose principal components are computed, at most
BLOCK = 256  # held-out samples at a time
REACH = 1.2  # how far the line and the field go to either side
LINE, DENSITY, ARROWS = 601, 81, 11  # points on the line, and along each side of the field
HALVINGS = 40  # of a step of the line, until a zero of the score is found to rounding


def along_line(
    images: Images, split: Split, members: int, timestep: int, schedule: NoiseSchedule
) -> pd.DataFrame:
    """Compute log p_t, the score ∂ log p_t and |ε̂*(x, t)| in one dimension: on a grid, at members, at held-out samples.

    The grid has each point between its own at which the score vanishes, too, since the norm is low for less than a step
    there. `images` is (N, C, H, W); the first `members` members of `split` are the training set; as many held-out
    samples are evaluated too. One row per point: `kind` (grid, member, heldout), x, log_density, score, norm, timestep.
    """
    inside, outside = project(images, split, members, dimensions=1)
    grid = _with_zeros(np.linspace(-REACH, REACH, LINE), inside, timestep, schedule)
    kinds = {"grid": grid, "member": inside, "heldout": outside}
    frames = [
        closed_form(points, inside, timestep, schedule).assign(kind=kind) for kind, points in kinds.items()
    ]
    return pd.concat(frames, ignore_index=True).rename(columns={"x0": "x", "score0": "score"})


def over_field(
    images: Images, split: Split, members: int, timesteps: tuple[int, ...], schedule: NoiseSchedule
) -> pd.DataFrame:
    """Compute the same in two dimensions at each timestep: a fine grid (`density`), a coarse one (`arrow`), members."""
    inside, _ = project(images, split, members, dimensions=2)
    kinds = {"density": _square(DENSITY), "arrow": _square(ARROWS), "member": inside}
    frames = [
        closed_form(points, inside, timestep, schedule).assign(kind=kind)
        for timestep in timesteps
        for kind, points in kinds.items()
    ]
    names = {"x0": "x", "x1": "y", "score0": "score_x", "score1": "score_y"}
    return pd.concat(frames, ignore_index=True).rename(columns=names)


def closed_form(
    points: np.ndarray, members: np.ndarray, timestep: int, schedule: NoiseSchedule
) -> pd.DataFrame:
    """Compute log p_t, ∇ log p_t = −ε̂*/σ_t and ‖ε̂*‖₂ at z = `points` (n, d), for a training set `members` (M, d).

    p_t is the mixture of the normals N(√ᾱ_t x⁽ⁱ⁾, σ_t² I) (Karras et al. 2022, arXiv:2206.00364, App. B.3).
    """
    z, x = torch.from_numpy(points), torch.from_numpy(members)
    noise = OptimalTarget(x, schedule).predict_noise(z, timestep)
    signal, sigma = schedule.signal(timestep, x), schedule.sigma(timestep, x)
    around_members = Independent(Normal(signal * x, sigma), 1)
    density = MixtureSameFamily(Categorical(torch.ones(len(x), dtype=x.dtype)), around_members)
    score = -noise / sigma
    log_density: torch.Tensor = density.log_prob(z)  # type: ignore[no-untyped-call]
    columns = {"log_density": log_density, "norm": noise.norm(dim=1)}
    for axis in range(points.shape[1]):
        columns |= {f"x{axis}": z[:, axis], f"score{axis}": score[:, axis]}
    return pd.DataFrame({name: column.numpy() for name, column in columns.items()}).assign(timestep=timestep)


def project(images: Images, split: Split, count: int, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first `count` members and held-out samples, (count, dimensions), on the members' principal components.

    Moved and scaled so that these members fill [-1, 1] from end to end, in the dimension in which they lie furthest
    apart; held-out samples beyond REACH are left out. The components are those of the first MEMBERS members, or of
    `count` where that is more, so that memory does not grow with their number.
    """
    ids = split.member_ids[: max(MEMBERS, count)]
    inside = images[ids].reshape(len(ids), -1).astype(np.float64)
    fitted = PCA(dimensions, svd_solver="full").fit(inside)
    chosen = fitted.transform(inside[:count])
    lowest, highest = chosen.min(axis=0), chosen.max(axis=0)
    middle, scale = (lowest + highest) / 2, (highest - lowest).max() / 2 or 1.0
    others = list[np.ndarray]()
    heldout = split.sample_id[~split.is_member]
    for first in range(0, len(heldout), BLOCK):
        if len(others) < count:
            block = images[heldout[first : first + BLOCK]]
            points = (fitted.transform(block.reshape(len(block), -1).astype(np.float64)) - middle) / scale
            others += list(points[np.abs(points).max(axis=1) <= REACH])
    return (chosen - middle) / scale, np.array(others[:count]).reshape(-1, dimensions)


def _with_zeros(grid: np.ndarray, members: np.ndarray, timestep: int, schedule: NoiseSchedule) -> np.ndarray:
    """Return rising points (N,) and those between them at which the score changes its sign, as one column in order."""

    def rises(x: np.ndarray) -> np.ndarray:
        return closed_form(x[:, None], members, timestep, schedule).score0.to_numpy() > 0

    is_rising = rises(grid)
    (before,) = np.nonzero(is_rising[1:] != is_rising[:-1])
    low, high = grid[before], grid[before + 1]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_before = rises(middle) == is_rising[before]
        low, high = np.where(is_before, middle, low), np.where(is_before, high, middle)
    return np.union1d(grid, low)[:, None]


def _square(side: int) -> np.ndarray:
    axis = np.linspace(-REACH, REACH, side)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
