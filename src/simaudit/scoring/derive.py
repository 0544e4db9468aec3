"""Computing a derived attack of score files, into a score file of the same format."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from simaudit.attacks.derived_attack import DerivedAttack, Known, Statistics
from simaudit.data.split import Split
from simaudit.scoring.score_file import LEARNED, Scores, ScoreWriter, require_finite
from simaudit.storage.atomic import atomic_path
from simaudit.storage.hashes import sha256_file
from simaudit.vocabulary.errors import SimauditError

DERIVED_OF = "derived_of"
"""Key of a file's metadata: the SHA-256 of the score files that it is computed of, by attack, as JSON."""


def write_derived(
    path: Path,
    name: str,
    attack: DerivedAttack,
    bases: Mapping[str, Path],
    split: Split,
    features: Mapping[str, np.ndarray],
) -> None:
    """Compute the attack of that name of the score files of its `bases`, and write its scores to `path`, atomically.

    `features` (N,) are those of the images of the split. What the metadata of all bases say (the target, the split, the
    log-SNR of each timestep) is said of what is derived of them, too.
    Raises SimauditError when a base is of other samples than the split, or a statistic is not finite.
    """
    scores = {base: Scores.read(file) for base, file in bases.items()}
    for base, of in scores.items():
        if not of.same_samples(split):
            raise SimauditError(
                f"{bases[base]}: is of other samples, roles or folds than {split.path}; score the target again"
            )
    known = Known(
        {base: Statistics(of.columns, of.statistic, of.member_when) for base, of in scores.items()},
        features,
        split.is_member & split.is_calibration,
        ~split.is_member & split.is_calibration,
    )
    try:
        with threadpool_limits(
            1
        ):  # more threads of a linear algebra library would only wait: matrices are small
            derived = attack.derive(known)
    except SimauditError as error:
        raise SimauditError(f"attacks.{name}: {error}") from None
    columns, values = list(derived.columns), derived.values.astype(np.float32)
    require_finite(path, columns, values, split.sample_id)
    metadata = _alike([of.metadata for of in scores.values()]) | {
        "attack": name,
        "version": str(attack.version),
        "member_when": derived.member_when,
        LEARNED: json.dumps(attack.learned),
        "params": attack.model_dump_json(),
        DERIVED_OF: json.dumps({base: sha256_file(file) for base, file in bases.items()}),
    }
    with atomic_path(path) as temporary, ScoreWriter(temporary, metadata) as writer:
        writer.write(columns, split, slice(None), values)


def _alike(metadata: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the entries that all of these share."""
    first, *others = metadata
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}
