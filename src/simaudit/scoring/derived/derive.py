"""Computing a derived attack of score files, into a score file of the same format."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from scipy.stats import fisher_exact
from threadpoolctl import threadpool_limits

from simaudit.attacks.derived_attack import DerivedAttack, Known, Reference, Statistics
from simaudit.data.neighbours import Chosen, Indexed
from simaudit.data.split import Split
from simaudit.scoring.score_file import KIND, LEARNED, Scores, ScoreWriter, require_finite
from simaudit.storage.atomic import atomic_path
from simaudit.storage.hashes import sha256_file
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.kinds import kind_of
from simaudit.vocabulary.variant import variant_text

DERIVED_OF = "derived_of"
"""Key of a file's metadata: the SHA-256 of the score files that it is computed of, by attack, as JSON.

Those under a reference are by <reference>/<attack>.
"""
LEAST_CHANCE = 1e-6
"""Of members of a reference that are drawn at random this is how seldom they may look as if they were not."""


class ReferenceFiles(NamedTuple):
    """The score files of a reference by attack, and the split that it was trained on."""

    scores: Mapping[str, Path]
    trained_on: Path


def write_derived(
    path: Path,
    name: str,
    attack: DerivedAttack,
    bases: Mapping[str, Path],
    split: Split,
    features: Mapping[str, np.ndarray],
    references: Mapping[str, ReferenceFiles] = MappingProxyType({}),
    images: Indexed | None = None,
    samples: Indexed | None = None,
) -> None:
    """Compute the attack of that name of the score files of its `bases`, and write its scores to `path`, atomically.

    `features` (N,) are those of the images of the split, `references` by target; `images` of all of the dataset and the
    model's own `samples` are there for an attack that needs these. What the metadata of all bases say (the target, the
    split, the log-SNR of each timestep) is said of what is derived of them, too.
    Raises SimauditError when a base is of other samples than the split, or under a reference of other statistics, when
    members of a reference depend on who is a member of the split, or when a statistic is not finite.
    """
    scores = _scores(bases, split)
    known = Known(
        _statistics(scores),
        features,
        split.is_member & split.is_calibration,
        ~split.is_member & split.is_calibration,
        [_reference(target, files, split, scores) for target, files in references.items()],
        images=None if images is None else Chosen(images, split.sample_id),
        samples=samples,
    )
    try:
        with threadpool_limits(1):  # matrices are small, so that more threads would only wait
            derived = attack.derive(known)
    except SimauditError as error:
        raise SimauditError(f"attacks.{name}: {error}") from None
    columns, values = list(derived.columns), derived.values.astype(np.float32, copy=False)
    require_finite(path, columns, values, split.sample_id)
    metadata = _alike([of.metadata for of in scores.values()]) | {
        "attack": name,
        KIND: kind_of(attack),
        "version": str(attack.version),
        "member_when": derived.member_when,
        LEARNED: json.dumps(attack.learned),
        "params": attack.model_dump_json(),
        DERIVED_OF: json.dumps(
            {base: sha256_file(file) for base, file in bases.items()}
            | {
                f"{target}/{base}": sha256_file(file)
                for target, files in references.items()
                for base, file in files.scores.items()
            }
        ),
    }
    with atomic_path(path) as temporary, ScoreWriter(temporary, metadata) as writer:
        writer.write(columns, split, slice(None), values)


def _scores(files: Mapping[str, Path], split: Split) -> dict[str, Scores]:
    """Return the scores of files by attack. Raises SimauditError where they are of other samples than the split."""
    scores = {base: Scores.read(file) for base, file in files.items()}
    for base, of in scores.items():
        if not of.same_samples(split):
            raise SimauditError(
                f"{files[base]}: is of other samples, roles or folds than {split.path}; score the target again"
            )
    return scores


def _reference(target: str, files: ReferenceFiles, split: Split, audited: Mapping[str, Scores]) -> Reference:
    """Return the scores of a reference, and which samples of the split it was trained on: those whose image it saw."""
    scores, trained_on = _scores(files.scores, split), Split.read(files.trained_on)
    for base, of in scores.items():
        if of.columns != audited[base].columns:
            raise SimauditError(
                f"{files.scores[base]}: has other statistics than the audited target's; score both again"
            )
    members = np.isin(split.sha256, trained_on.sha256[trained_on.is_member])
    _require_drawn(target, members, split.is_member)
    return Reference(_statistics(scores), members)


def _statistics(scores: Mapping[str, Scores]) -> dict[str, Statistics]:
    return {base: Statistics(of.columns, of.statistic, of.member_when) for base, of in scores.items()}


def _require_drawn(target: str, members: np.ndarray, is_member: np.ndarray) -> None:
    """Raise SimauditError when members of a reference were not drawn without looking at who is a member of the split.

    Both arguments are (N,) bool. Such a reference knows what an attacker is to find out.
    """
    sizes = [int(side.sum()) for side in (is_member, ~is_member)]
    seen = [int((members & side).sum()) for side in (is_member, ~is_member)]
    if fisher_exact([seen, np.subtract(sizes, seen)]).pvalue < LEAST_CHANCE:
        raise SimauditError(
            f"targets.{target}: was trained on {seen[0]} of {sizes[0]} members and {seen[1]} of {sizes[1]} held-out "
            "samples, which gives away who is a member; name references whose members were drawn at random"
        )


def derive_of_others(
    attack: DerivedAttack,
    scores: Mapping[str, Scores],
    split: Split,
    features: Mapping[str, np.ndarray],
    others: Mapping[str, Statistics],
    features_of_others: Mapping[str, np.ndarray],
) -> Statistics:
    """Return what an attack derives for M images beside the split, of which nobody knows who is a member: (K, M).

    `others` has statistics of these images by base, maybe not all that the base's `scores` of the split have;
    `features` and `features_of_others` are those of either. What is learned is learned of the split as ever.
    """
    statistics = {}
    for base, more in others.items():
        rows = {(c.timestep, variant_text(c.variant)): k for k, c in enumerate(scores[base].columns)}
        of_split = scores[base].statistic[[rows[c.timestep, variant_text(c.variant)] for c in more.columns]]
        statistics[base] = more._replace(values=np.concatenate([of_split, more.values], axis=1))
    count = len(next(iter(features_of_others.values())))
    is_member, is_calibration = (np.pad(of, (0, count)) for of in (split.is_member, split.is_calibration))
    known = Known(
        statistics,
        {name: np.concatenate([values, features_of_others[name]]) for name, values in features.items()},
        is_member & is_calibration,
        ~is_member & is_calibration,
    )
    derived = attack.derive(known)
    return derived._replace(values=derived.values[:, len(split) :])


def _alike(metadata: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the entries that all of these share; none of no bases."""
    first, *others = metadata or [{}]
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}
