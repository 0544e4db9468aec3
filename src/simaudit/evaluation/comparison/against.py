"""Comparison of targets with one of the same split: a latent model with a pixel model, say, on the same samples."""

from typing import Any

from simaudit.evaluation.results import Results
from simaudit.evaluation.statistics.bootstrap import Bootstrap


def against_reference(targets: list[Results], resamples: int, seed: int) -> dict[str, Any]:
    """Return, by target with a reference and by attack of both, `minus_<reference>`, paired, each at its own knobs.

    Raises SimauditError when the two were evaluated on different samples.
    """
    by_name = {results.target: results for results in targets}
    differences = {}
    for results in targets:
        if not results.context.reference:
            continue
        reference = by_name[results.context.reference]
        results.require_same_samples(reference)
        selected = results.selected
        bootstrap = Bootstrap(selected.is_member[~selected.is_calibration], resamples, seed)
        differences[results.target] = {
            "attacks": {
                attack: {
                    f"minus_{reference.target}": results.choice(attack, bootstrap).minus(
                        reference.choice(attack, bootstrap)
                    )
                }
                for attack in results.attacks
                if attack in reference.attacks
            }
        }
    return differences
