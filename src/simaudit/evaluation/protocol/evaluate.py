"""Evaluation of one target: the metrics of its scores, the row chosen for each attack, and what luck would give."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

import numpy as np
import pandas as pd

from simaudit.evaluation.protocol.autoencoder import RECONSTRUCTION, auc_by_distortion, reconstruction_errors
from simaudit.evaluation.protocol.choice import Choice, estimate
from simaudit.evaluation.protocol.metrics import (
    AUC,
    BALANCED_ACCURACY,
    SCHEMA,
    TPR_LEVELS,
    folds,
    metric_rows,
    threshold_of,
)
from simaudit.evaluation.protocol.near_duplicates import without_near_duplicates
from simaudit.evaluation.protocol.profiles import profile
from simaudit.evaluation.protocol.resemblance import distance_correlations
from simaudit.evaluation.protocol.selected import BLIND, Selected, SelectedScores
from simaudit.evaluation.protocol.selection import SELECTION, mark_choices
from simaudit.evaluation.protocol.transfer import Assumptions, every_transfer
from simaudit.evaluation.statistics.bootstrap import Bootstrap
from simaudit.evaluation.statistics.intervals import Delong, Interval
from simaudit.evaluation.statistics.permutation import Permutations, permuted_protocol
from simaudit.evaluation.statistics.roc import Roc
from simaudit.scoring.score_file import AGAINST_FLOAT32, Key, Scores
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION
from simaudit.vocabulary.variant import variant_text

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
class MeasuredAttack:
    """One attack: its rows of the table with the choices marked, and these choices on the evaluation fold.

    `statistic` (N,) is the selected statistic of every sample; `transfers` say how thresholds that were set on
    calibration perform on the evaluation fold; `midranks` (K, n) are those of all statistics, by fold.
    """

    rows: pd.DataFrame
    knobs: Selected
    statistic: np.ndarray
    selected: Choice
    oracle: Choice
    transfers: dict[str, Any]
    midranks: dict[str, np.ndarray]

    @classmethod
    def of(cls, scores: Scores, bootstrap: Bootstrap, threads: int, assumed: Assumptions) -> "MeasuredAttack":
        """Measure one attack. Raises SimauditError when a fold is too small or a statistic is constant over it."""
        parts = folds(scores)
        midranks = {}
        before, midranks[CALIBRATION] = metric_rows(
            scores, CALIBRATION, parts[CALIBRATION], None, None, threads
        )
        thresholds = [threshold_of(threshold) for threshold in before.threshold]
        after, midranks[EVALUATION] = metric_rows(
            scores, EVALUATION, parts[EVALUATION], thresholds, bootstrap, threads
        )
        rows = mark_choices(pd.concat([before, after], ignore_index=True)).reindex(columns=SCHEMA.names)
        # A fold's rows stand in the order of the score file's columns.
        measured = rows[rows.fold == EVALUATION].reset_index(drop=True)
        selected, oracle = (int(measured[mark].argmax()) for mark in ("selected", "oracle"))

        def roc(column: int, samples: np.ndarray) -> Roc:
            return Roc.of(scores.statistic[column, samples], scores.is_member[samples], scores.member_when)

        on_evaluation = {
            k: Choice(measured.iloc[k], roc(k, parts[EVALUATION]), bootstrap) for k in {selected, oracle}
        }
        column, statistic = scores.columns[selected], scores.statistic[selected].copy()
        return cls(
            rows,
            Selected(
                variant_text(column.variant),
                column.timestep,
                column.queries,
                scores.member_when,
                scores.is_learned,
            ),
            statistic,
            on_evaluation[selected],
            on_evaluation[oracle],
            every_transfer(roc(selected, parts[CALIBRATION]), on_evaluation[selected].roc, assumed),
            midranks,
        )

    def facts(self) -> dict[str, Any]:
        """Return what a reader needs first: the selected row, what thresholds do, and the oracle beside it."""
        on_calibration = self.rows[(self.rows.fold == CALIBRATION) & self.rows.selected].iloc[0]
        return {
            "selected": self.selected.facts() | {"calibration_auc": estimate(on_calibration, AUC)},
            **self.transfers,
            "oracle": self.oracle.facts(),
            "optimism": self.oracle.minus(self.selected),
        }


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
    If `all_scores` is a generator, one score file is in memory at a time, and the first of all until the end.
    Raises SimauditError when a score file is of other samples than the blind classifiers', or the first one, a fold is
    too small, or a statistic is constant over it.
    """
    all_scores = iter(all_scores)
    first = next(all_scores) if blind is None else blind
    all_scores = chain([first], all_scores) if blind is None else all_scores
    labels = {fold: first.is_member[samples] for fold, samples in folds(first).items()}
    bootstrap = Bootstrap(labels[EVALUATION], resampling.resamples, resampling.seed)
    permutations = Permutations.of(labels, resampling.permutations, resampling.seed)
    reference = blind and MeasuredAttack.of(blind, bootstrap, resampling.threads, assumed)
    attacks, permuted, profiles, rounded = {}, {}, [], {}
    errors: dict[str, Any] = {}
    for scores in all_scores:
        _require_same_samples(scores, first)
        attacks[scores.attack] = measured = MeasuredAttack.of(scores, bootstrap, resampling.threads, assumed)
        profiles.append(profile(scores))
        if changes := scores.against_float32:
            rounded[scores.attack] = rounding(changes, (measured.knobs.timestep, measured.knobs.variant))
        if scores.attack == RECONSTRUCTION:
            errors = {"reconstruction_error": reconstruction_errors(scores)}
        permuted[scores.attack] = {
            fold: permutations.auc(fold, measured.midranks.pop(fold)) for fold in labels
        }
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
            **errors,
            **split_heads(facts, {name for name, measured in attacks.items() if measured.knobs.is_learned}),
        },
        differences={"attacks": _differences(attacks)},
        permutation={
            "permutations": resampling.permutations,
            "attacks": {
                name: {"permuted": permuted_protocol(aucs, float(attacks[name].selected.row[AUC]))}
                for name, aucs in permuted.items()
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
    """Return the few numbers to compare between two runs: those of the threshold attack that did best on
    the calibration fold.
    """
    attacks = summary["attacks"]
    best = max(attacks, key=lambda name: attacks[name]["selected"]["calibration_auc"]["value"])
    selected = attacks[best]["selected"]
    return {
        "best": best,
        **{metric: selected[metric]["value"] for metric in (AUC, BALANCED_ACCURACY, *TPR_LEVELS)},
        **({"minus_blind": above[AUC]["value"]} if (above := attacks[best].get("minus_blind")) else {}),
    }


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
    return epochs


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
    return Delong.of([blind.placements], blind.roc.is_member).interval(confidence=SHIFT_CONFIDENCE)
