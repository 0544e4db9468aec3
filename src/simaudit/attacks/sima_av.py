"""SimA by antithetic variates: each noise is used with both signs, so that what is odd in it cancels at once."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from simaudit.attacks import Attack, Statistic
from simaudit.knobs import Draws, Order

if TYPE_CHECKING:
    import torch

    from simaudit.noise import SampleNoise
    from simaudit.targets import Target


def _require_even(draws: tuple[int, ...]) -> tuple[int, ...]:
    if any(n % 2 for n in draws):
        raise PydanticCustomError("even", "must be even numbers: antithetic draws come in pairs")
    return draws


class SimAAV(Attack):
    """‖(1/n) Σ_k ε̂(√ᾱ_t x + σ_t ε_k, t)‖_p with ε_{2j} = −ε_{2j−1}, low for members.

    The estimator of `sima_mc` (arXiv:2509.25003) under antithetic variates (Hammersley & Morton 1956). A denoiser's
    response is nearly odd in the noise, so one pair removes most of what many independent draws only average down:
    for a linear denoiser one pair is exact. n queries, always even; the largest n makes them all.
    """

    draws: Annotated[Draws, AfterValidator(_require_even)] = (2, 4, 10)
    norms: tuple[Order, ...] = (4,)

    def statistics(
        self, target: "Target", images: "torch.Tensor", noise: "SampleNoise"
    ) -> Iterator[Statistic]:
        import torch

        from simaudit.norms import sample_norms

        z = target.encode(images)
        for t in self.timesteps:
            predictions = torch.stack(
                [
                    target.predict_noise(target.schedule.diffuse(z, sign * noise.draw(pair, z), t), t)
                    for pair in range(self.draws[-1] // 2)
                    for sign in (1, -1)
                ]
            )
            for n in self.draws:
                for norm, values in sample_norms(predictions[:n].mean(0), self.norms):
                    yield Statistic(t, f"n={n},{norm}", n, values)
