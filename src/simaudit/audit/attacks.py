"""Which attacks are run on a model, and at which of its timesteps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simaudit.attacks.attack import Attack, TimestepAttack, attack_modules, attack_type
from simaudit.attacks.derived_attack import needs_references
from simaudit.attacks.wrapping_attack import WrappingAttack
from simaudit.audit.question import require_known
from simaudit.vocabulary.errors import SimauditError

if TYPE_CHECKING:
    from simaudit.diffusion.schedule import NoiseSchedule

ALL = "all"
CHEAP = ("sima", "sima_av", "complexity", "complexity_av", "pia", "loss")
"""The attacks that ask a model once or twice at a timestep, and what is derived of them: the default."""

VERDICT = "sima"

FINE = (20, 40, 60, 80, 100, 150, 200, 300)
COARSE = (60, 100, 200)
"""Timesteps of the published schedule (Ho et al. 2020, arXiv:2006.11239: β linear from 1e-4 to 0.02, T = 1000) around
which attacks of this kind do best: the fine grid is for the attack that asks once per timestep."""

Grid = tuple[int, ...]


def timesteps(schedule: NoiseSchedule, published: Sequence[int]) -> Grid:
    """Return the timesteps of a schedule with the log-SNRs that the published schedule has at these, or the nearest.

    They are different and ascending, and may be fewer. Timesteps without noise, or with nothing else, are left out.
    """
    import torch
    from diffusers import DDPMScheduler

    from simaudit.diffusion.schedule import NoiseSchedule

    reference = NoiseSchedule.of(DDPMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02))
    own = torch.tensor([schedule.log_snr(t) for t in range(len(schedule))], dtype=torch.float64)
    usable = torch.isfinite(own)
    distance = [(own - reference.log_snr(t)).abs().where(usable, torch.inf) for t in published]
    return tuple(sorted({int(apart.argmin()) for apart in distance}))


def _secmi(fine: Grid, coarse: Grid, steps: int) -> dict[str, Any]:
    """Return SecMI's knobs: its timesteps are multiples of the interval, which is a hundredth of the schedule."""
    interval = max(1, steps // 100)
    last = steps - 1 - interval
    grid = sorted({min(round(t / interval), last // interval) * interval for t in coarse})
    return {"timesteps": grid, "interval": interval}


def _rediffuse(fine: Grid, coarse: Grid, steps: int) -> dict[str, Any]:
    """Return ReDiffuse's knobs: it walks in one step or two, from the published 200 of 1000 at most."""
    interval = max(1, coarse[-1] // 2)
    return {
        "timesteps": [t for t in (interval, 2 * interval) if t <= max(1, coarse[-1])],
        "interval": interval,
    }


def _pullback(fine: Grid, coarse: Grid, steps: int) -> dict[str, Any]:
    """Return the knobs of pullback and its control: they ask less often than the attack that they wrap."""
    return {"of": "sima", "knobs": {"timesteps": list(coarse), "norms": [4]}}


def _middles(steps: int, parts: int) -> list[int]:
    """Return the middles of equal parts of the schedule."""
    return sorted({steps * (2 * part + 1) // (2 * parts) for part in range(parts)})


KNOBS: Mapping[str, Callable[[Grid, Grid, int], dict[str, Any]]] = {
    "sima": lambda fine, coarse, steps: {"timesteps": fine, "norms": [2, 4]},
    "sima_av": lambda fine, coarse, steps: {"timesteps": coarse, "draws": [2], "norms": [2, 4]},
    "complexity": lambda fine, coarse, steps: {"of": "sima", "norms": [2]},
    "complexity_av": lambda fine, coarse, steps: {"kind": "complexity", "of": "sima_av", "norms": [2]},
    "sima_mc": lambda fine, coarse, steps: {"timesteps": coarse, "draws": [1, 2, 5, 10]},
    "secmi": _secmi,
    "rediffuse": _rediffuse,
    "low_pass": lambda fine, coarse, steps: {"of": "sima"},
    "pullback": _pullback,
    "pullback_random": _pullback,
    "gradient_mask": lambda fine, coarse, steps: {"timesteps": _middles(steps, 4)},
    "noise_optim": lambda fine, coarse, steps: {"timesteps": coarse[len(coarse) // 2 :][:1]},
    "gsa": lambda fine, coarse, steps: {"timesteps": _middles(steps, 10)},
    "secmi_nns": _secmi,
    "combined": lambda fine, coarse, steps: {"of": ["loss", "pia", "sima"]},
    "quantile": lambda fine, coarse, steps: {"of": "sima", "norms": [2]},
    "pfami": lambda fine, coarse, steps: {"timesteps": coarse, "crops": 5},
}
"""The knobs of attacks by the fine grid, the coarse one and the number of timesteps; others ask at the coarse one."""


def knobs_of(name: str, fine: Grid, coarse: Grid, steps: int) -> dict[str, Any]:
    """Return what params.yaml says of an attack on a model of so many timesteps."""
    if name in KNOBS:
        knobs = KNOBS[name](fine, coarse, steps)
    else:
        knobs = {"timesteps": coarse} if issubclass(attack_type(name), TimestepAttack) else {}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in knobs.items()}


def wrapped_by(name: str) -> str | None:
    """Return the attack whose entry in params.yaml another must have, though it need not be run; None for no other."""
    attack = _of_published_grids(name)
    return attack.of if isinstance(attack, WrappingAttack) else None


def known_attacks() -> list[str]:
    """Return the name of every attack that a model can be audited by."""
    return sorted({*attack_modules(), *KNOBS})


def _of_published_grids(name: str) -> Attack:
    """Return an attack as it would be on a model of the published schedule."""
    knobs = knobs_of(name, FINE, COARSE, 1000)
    return attack_type(knobs.pop("kind", name)).model_validate(knobs)


def why_not(attack: Attack | type[Attack], offers: frozenset[str]) -> str | None:
    """Return why an attack cannot be run on a model that offers this; None where it can."""
    if needs_references(attack):
        return "references are needed, models that were trained on other members (docs/attacks.md)"
    lacking = sorted(attack.needs - offers)
    return f"the model has no {' and no '.join(lacking)}" if lacking else None


def require_attacks(asked: Sequence[str]) -> None:
    """Raise SimauditError for a name of no attack."""
    require_known("--attacks", [name for name in asked if name != ALL], [ALL, *known_attacks()])


def chosen(asked: Sequence[str], offers: frozenset[str]) -> tuple[list[str], dict[str, str]]:
    """Return the attacks to run on a model that offers this, and why each of the others is not run.

    The attacks whose scores a derived one reads are run with it. Learned heads decide no verdict: where only they are
    asked for, VERDICT is run, too.

    Raises SimauditError for a name of no attack, and for an attack that is named and cannot be run.
    """
    require_attacks(asked)
    known = {name: _of_published_grids(name) for name in known_attacks()}
    cannot = {name: why for name, attack in known.items() if (why := why_not(attack, offers))}
    if impossible := [name for name in asked if name in cannot]:
        raise SimauditError(
            f"--attacks: {impossible[0]}: {cannot[impossible[0]]}; leave {' and '.join(impossible)} out"
        )
    wanted = set(known if ALL in asked else asked or CHEAP)
    if all(known[name].learned for name in wanted):
        wanted.add(VERDICT)
    for name in list(wanted):
        wanted.update(known[name].bases)
    run = [name for name in known if name in wanted and name not in cannot]
    return run, {name: cannot.get(name, "not asked for") for name in known if name not in run}
