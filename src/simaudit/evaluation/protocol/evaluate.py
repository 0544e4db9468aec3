"""Evaluation of one target: the metrics of its scores, the row chosen for each attack, and what luck would give."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, combinations
from typing import Any

import numpy as np
import pandas as pd

from simaudit.evaluation.knobs import Assumptions
from simaudit.evaluation.protocol.autoencoder import auc_by_distortion, reconstruction_errors
from simaudit.evaluation.protocol.choice import Choice
from simaudit.evaluation.protocol.measured import MeasuredAttack
from simaudit.evaluation.protocol.metrics import folds
from simaudit.evaluation.protocol.near_duplicates import without_near_duplicates
from simaudit.evaluation.protocol.profiles import profile
from simaudit.evaluation.protocol.resemblance import distance_correlations
from simaudit.evaluation.protocol.selected import SelectedScores
from simaudit.evaluation.protocol.selection import SELECTION
from simaudit.evaluation.statistics.bootstrap import Bootstrap
from simaudit.evaluation.statistics.intervals import Delong, Interval
from simaudit.evaluation.statistics.permutation import Permutations, permuted_protocol
from simaudit.scoring.score_file import AGAINST_FLOAT32, Key, Scores
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.kinds import BLIND, RECONSTRUCTION
from simaudit.vocabulary.metrics import AUC, TPR_AT_1PCT
from simaudit.vocabulary.sides import EVALUATION

ASSUMED = Assumptions()
SHIFT_CONFIDENCE = 0.995  # cross-fitted scores depend on each other, which DeLong's limits ignore


@dataclass(frozen=True)
class Resampling:
    """How many resamples and permutations are drawn, and from which seed; `threads` share the work."""

    resamples: int
    permutations: int
    seed: int
    threads: int = 1


@dataclass(frozen=True)
class Evaluation:
    """All results of one target."""

    table: pd.DataFrame
    """Every metric of every (attack, variant, timestep, fold), with the choices marked: SCHEMA."""
    summary: dict[str, Any]
    """The selected row of each attack on the evaluation fold, and all that stands beside it.

    Learned heads stand under `learned`, so that whoever takes `attacks` compares, ranks and judges threshold attacks
    alone: `split_heads` is the one place where the two are told apart.
    """
    differences: dict[str, Any]
    """Every attack minus every other, paired, both at their selected knobs."""
    permutation: dict[str, Any]
    """What the same protocol reports when labels are shuffled."""
    selected: SelectedScores
    """Every attack's statistic at its selected knobs, sample by sample."""
    profiles: pd.DataFrame
    """How each statistic is distributed over members and over held-out samples: see `profiles.profile`."""


def evaluate(
    all_scores: Iterable[Scores],
    blind: Scores | None,
    nearest: pd.DataFrame | None,
    resampling: Resampling,
    assumed: Assumptions = ASSUMED,
) -> Evaluation:
    """Measure every attack on one target, and the blind classifiers of its split beside them.

    `nearest` has the distance of every sample to the nearest other member, and whether it is nearly the same image, see
    `simaudit.data.near_duplicates`. It and `blind` are None where the images are not known; then nothing is said of
    what only images tell. `assumed` is what precision and the bound of ε need beside.
    If `all_scores` is a generator, one score file is in memory at a time.
    Raises SimauditError when a score file is of other samples than the blind classifiers', or the first one, a fold is
    too small, or a statistic is constant over it.
    """
    all_scores = iter(all_scores)
    waiting = [next(all_scores)] if blind is None else []
    first = blind or replace(waiting[0], columns=[], statistic=np.empty((0, len(waiting[0].sample_id))))
    labels = {fold: first.is_member[samples] for fold, samples in folds(first).items()}
    bootstrap = Bootstrap(labels[EVALUATION], resampling.resamples, resampling.seed)
    permutations = Permutations.of(labels, resampling.permutations, resampling.seed)
    reference = blind and MeasuredAttack.of(blind, bootstrap, resampling.threads, assumed)
    attacks, profiles, rounded = {}, [], {}
    errors: dict[str, Any] = {}
    for scores in chain(_drained(waiting), all_scores):
        _require_same_samples(scores, first)
        name = scores.attack
        attacks[name] = MeasuredAttack.of(scores, bootstrap, resampling.threads, assumed, permutations)
        profiles.append(profile(scores))
        if scores.kind == RECONSTRUCTION:
            errors |= reconstruction_errors(scores)
        if changes := scores.against_float32:
            knobs = attacks[name].knobs
            rounded[name] = rounding(changes, (knobs.timestep, knobs.variant))
        del scores  # before the next file is read
    known = {BLIND: reference, **attacks} if reference else attacks
    member = None if nearest is None else _nearest_of(first, nearest)
    selected = SelectedScores(
        first.sample_id,
        first.is_member,
        first.is_calibration,
        {name: measured.knobs for name, measured in known.items()},
        {name: measured.statistic for name, measured in known.items()},
        None if member is None else member.distance.to_numpy(),
    )
    of_each = {
        "distance_correlation": distance_correlations(selected),
        "by_distortion": auc_by_distortion(selected),
        AGAINST_FLOAT32: rounded,
    }
    near: dict[str, Any] = {}
    if member is not None:
        is_near = member.near_duplicate.to_numpy(dtype=bool)
        of_each["without_near_duplicates"] = without_near_duplicates(selected, is_near)
        found = int(is_near[~first.is_calibration & ~first.is_member].sum())
        near = {"near_duplicates": {"found": found}}
    if reference:
        of_each["minus_blind"] = {
            name: measured.selected.minus(reference.selected) for name, measured in attacks.items()
        }
    facts = {
        name: measured.facts() | {fact: of[name] for fact, of in of_each.items() if name in of}
        for name, measured in attacks.items()
    }
    return Evaluation(
        table=pd.concat([measured.rows for measured in attacks.values()], ignore_index=True),
        summary={
            "selection": SELECTION,
            "members": int(labels[EVALUATION].sum()),
            "heldout": int((~labels[EVALUATION]).sum()),
            **near,
            "shifted": is_shifted(reference.selected) if reference else None,
            **({"reconstruction_error": errors} if errors else {}),
            **split_heads(facts, {name for name, measured in attacks.items() if measured.knobs.is_learned}),
        },
        differences={"attacks": _differences(attacks)},
        permutation={
            "permutations": resampling.permutations,
            "attacks": {
                name: {"permuted": permuted_protocol(of.permuted, float(of.selected.row[AUC]))}
                for name, of in attacks.items()
            },
        },
        selected=selected,
        profiles=pd.concat(profiles, ignore_index=True),
    )


def rounding(changes: Mapping[Key, tuple[float, float]], selected: Key) -> dict[str, float]:
    """Return what a precision changes of the selected statistic of an attack, and at most of any of its statistics.

    `changes` are of each, see `Scores.against_float32`.
    """
    error, difference = changes[selected]
    errors, differences = zip(*changes.values(), strict=True)
    return {
        "relative_error": error,
        "auc_difference": difference,
        "largest_relative_error": max(errors),
        "largest_auc_difference": max(differences, key=abs),
    }


def split_heads(facts: Mapping[str, Any], heads: Collection[str]) -> dict[str, Any]:
    """Return facts by attack as `attacks`, those of learned `heads` as `attacks` under the key `learned`."""
    return {
        "attacks": {name: of for name, of in facts.items() if name not in heads},
        "learned": {"attacks": {name: of for name, of in facts.items() if name in heads}},
    }


def headline(summary: dict[str, Any]) -> dict[str, Any]:
    """Return the few numbers to compare between two runs, to three decimals: the AUC with its limits, and the TPR at
    1 % FPR, of the threshold attack that did best on the calibration fold.
    """
    attacks = summary["attacks"]
    best = max(attacks, key=lambda name: attacks[name]["selected"]["calibration_auc"]["value"])
    selected = attacks[best]["selected"]
    numbers = {
        AUC: selected[AUC]["value"],
        f"{AUC}_low": selected[AUC]["low"],
        f"{AUC}_high": selected[AUC]["high"],
        TPR_AT_1PCT: selected[TPR_AT_1PCT]["value"],
    }
    return {"best": best, **{name: round(value, 3) for name, value in numbers.items()}}


def evaluate_intermediate(
    all_scores: Iterable[tuple[int, Scores]],
    blind: Scores,
    resampling: Resampling,
    assumed: Assumptions = ASSUMED,
) -> dict[str, Any]:
    """Return the same facts of intermediate checkpoints, by epoch and attack, each at knobs calibrated for that epoch.

    Raises SimauditError as `evaluate` does.
    """
    labels = blind.is_member[~blind.is_calibration]
    bootstrap = Bootstrap(labels, resampling.resamples, resampling.seed)
    epochs: dict[str, Any] = {}
    for epoch, scores in all_scores:
        _require_same_samples(scores, blind)
        facts = MeasuredAttack.of(scores, bootstrap, resampling.threads, assumed).facts()
        epochs.setdefault(str(epoch), {"attacks": {}})["attacks"][scores.attack] = facts
        del scores  # before the next file is read
    return epochs


def _drained(waiting: list[Scores]) -> Iterator[Scores]:
    """Yield what is in a list, which then holds it no longer."""
    while waiting:
        yield waiting.pop(0)


def _nearest_of(scores: Scores, nearest: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `nearest` of the samples that are scored, in their order."""
    member = nearest.set_index("sample_id").reindex(scores.sample_id)
    if member.distance.isna().any():
        raise SimauditError(
            f"sample_id {member.index[member.distance.isna()][0]} has no nearest member; find them anew, on the split "
            "that the target is evaluated with"
        )
    return member


def _require_same_samples(scores: Scores, first: Scores) -> None:
    if not scores.same_samples(first):
        others = "the blind classifiers saw" if first.attack == BLIND else f"{first.attack} has"
        raise SimauditError(
            f"{scores.attack}: its samples, roles or folds are not those that {others}; "
            "score the target again, on the split that it is evaluated with"
        )


def _differences(attacks: dict[str, MeasuredAttack]) -> dict[str, Any]:
    """Return the difference of each pair, once: `first` → `minus_<second>`."""
    differences: dict[str, Any] = {}
    for first, second in combinations(attacks, 2):
        difference = attacks[first].selected.minus(attacks[second].selected)
        differences.setdefault(first, {})[f"minus_{second}"] = difference
    return differences


def evaluate_blind(blind: Scores, resampling: Resampling, assumed: Assumptions = ASSUMED) -> dict[str, Any]:
    """Measure how well classifiers that never saw a model tell the sides of a split apart: the selected one, and each.

    Raises SimauditError when a fold is too small.
    """
    labels = blind.is_member[~blind.is_calibration]
    folds(blind)
    bootstrap = Bootstrap(labels, resampling.resamples, resampling.seed)
    measured = MeasuredAttack.of(blind, bootstrap, resampling.threads, assumed)
    return {
        "selection": SELECTION,
        "members": int(labels.sum()),
        "heldout": int((~labels).sum()),
        "shifted": is_shifted(measured.selected),
        "attacks": {BLIND: measured.facts() | {"decisive": {AUC: decisive_blind(measured.selected).json()}}},
    }


def is_shifted(blind: Choice) -> bool:
    """Return whether classifiers that never saw a model tell the sides apart: their AUC surely lies above 0.5."""
    return decisive_blind(blind).low > 0.5


def decisive_blind(blind: Choice) -> Interval:
    """Return the AUC of the blind classifiers with the limits that decide whether a split is shifted."""
    return Delong.of([blind.placements], blind.is_member).interval(confidence=SHIFT_CONFIDENCE)
