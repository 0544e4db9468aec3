"""Scores that others computed, as ours are: a split with its folds, and for each attack its statistics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from simaudit.data.pictures.labels import numbered
from simaudit.data.sizes import refuse_small
from simaudit.data.split import draw_folds, measured_sizes
from simaudit.scoring.given.table import SUFFIXES, read_rows
from simaudit.scoring.score_file import Scores
from simaudit.vocabulary.bounds import Several, Share
from simaudit.vocabulary.errors import KnobError, SimauditError, named
from simaudit.vocabulary.knobs import GivenPath, Knobs, Seed
from simaudit.vocabulary.sides import CALIBRATION, FOLDS, HELDOUT, MEMBER, SIDES
from simaudit.vocabulary.variant import Column, parse_variant, variant_text

TIME = "time"
"""The knob of a variant that holds a timestep which is no whole number, such as t in [0, 1] of a flow model."""
ALL = ""
"""The name that stands for every attack of which nothing else is said."""
OF_SAMPLE = ("file", "role", "fold", "group", "label")
"""What the rows of one sample must agree in."""


class GivenKnobs(Knobs):
    """Which files hold the scores, and what they do not say themselves.

    `attack` is the name of the attack of files that have no such column. `member_when` says on which side of a
    statistic members lie, by attack; ALL stands for the others. Where no fold is given, each side gives the share
    `calibration` to the calibration fold, drawn with `seed`.
    """

    files: Several[GivenPath]
    attack: str | None = None
    member_when: Mapping[str, Literal["low", "high"]]
    calibration: Share = 0.3
    seed: Seed = 0

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(map(Path, self.files))


@dataclass(frozen=True)
class GivenScores:
    """The samples of given files, and the scores of each attack by its name.

    `samples` has one row for each sample, by sample_id, with the columns OF_SAMPLE; `file` is the name of the sample
    where its file is not given.
    """

    samples: pd.DataFrame
    attacks: Mapping[str, Scores]


def read_given(knobs: GivenKnobs) -> GivenScores:
    """Return the scores of given files. Raises SimauditError, with a line for each kind of mistake in each file."""
    there = [file for file in knobs.paths if file.is_file()]
    states = [(file.stat().st_mtime_ns, file.stat().st_size) for file in there]
    return _read(knobs.model_dump_json(), tuple(states))


@lru_cache(maxsize=1)  # each job of a run asks for the same files
def _read(text: str, states: Sequence[tuple[int, int]]) -> GivenScores:
    knobs = GivenKnobs.model_validate_json(text)
    lines = [
        f"{file}: must end in one of {', '.join(SUFFIXES)}"
        for file in knobs.paths
        if file.suffix.lower() not in SUFFIXES
    ]
    _refuse(lines)
    parts = []
    for file in knobs.paths:
        rows, mistakes = read_rows(file, knobs.attack)
        parts.append(rows)
        lines += mistakes
    _refuse(lines)
    rows = _placed(pd.concat(parts, ignore_index=True))
    samples = rows.groupby("sample_id").first()[["name", *OF_SAMPLE]]
    _refuse(
        [
            *_of_samples(rows, samples, knobs),
            *_of_labels(samples, knobs.files),
            *_of_statistics(rows, len(samples)),
            *_of_sides(rows, knobs),
        ]
    )
    if samples.fold.isna().all():
        samples = samples.assign(fold=_drawn(samples, knobs))
    samples = samples.assign(file=samples.file.fillna(samples.name))
    _refuse(_of_folds(samples, knobs.files))
    attacks = {str(attack): _scores(str(attack), of, samples, knobs) for attack, of in rows.groupby("attack")}
    _refuse([line for scores in attacks.values() for line in _constant(scores, knobs.files)])
    return GivenScores(samples, attacks)


def _refuse(lines: Sequence[str]) -> None:
    if lines:
        raise SimauditError("\n".join(lines))


def _placed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the sample_id of each sample, which does not depend on the order of rows.

    Names that are all whole numbers are in the order of these, other names in that of their letters. A timestep stays
    one where all of its attack are whole numbers; otherwise it becomes the knob TIME of the variant.
    """
    names = rows.name.unique().tolist()
    numbered = all(name.isdecimal() for name in names)
    places = {name: place for place, name in enumerate(sorted(names, key=int if numbered else str))}
    broken = rows.timestep.notna() & (rows.timestep % 1 != 0)
    timed = rows.attack.map(broken.groupby(rows.attack).any()).astype(bool) & rows.timestep.notna()
    variants = {
        pair: variant_text({**parse_variant(pair[0]), TIME: float(pair[1])})
        for pair in rows.loc[timed, ["variant", "timestep"]]
        .drop_duplicates()
        .itertuples(index=False, name=None)
    }
    pairs = zip(rows.variant, rows.timestep, timed, strict=True)
    variant = [variants[text, time] if is_timed else text for text, time, is_timed in pairs]
    timestep = rows.timestep.where(~timed)
    return rows.assign(sample_id=rows.name.map(places), variant=variant, timestep=timestep)


def _of_samples(rows: pd.DataFrame, samples: pd.DataFrame, knobs: GivenKnobs) -> Iterator[str]:
    """Yield what is wrong with what rows say of their samples."""
    for column in OF_SAMPLE:
        own = rows.sample_id.map(samples[column])
        differs = rows[column].notna() & (rows[column] != own)
        for path, of in rows[differs].groupby("path"):
            clause = named("samples have two", of.name.unique().tolist())[0]
            yield f"{path}: column {column}: {clause}; say one of each"
    if samples.fold.notna().any() and samples.fold.isna().any():
        lacking = rows[rows.sample_id.map(samples.fold).isna()]
        for path, of in lacking.groupby("path"):
            clause = named("samples have none", of.name.unique().tolist())[0]
            yield f"{path}: column fold: {clause}; say {' or '.join(FOLDS)} of all, or of none"
    for side in SIDES:
        if not (samples.role == side).any():
            yield f"{', '.join(knobs.files)}: column role: says {side} of no sample; give samples of both sides"


def _of_labels(samples: pd.DataFrame, files: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with labels."""
    try:
        numbered(samples.label)
    except SimauditError as error:
        yield f"{', '.join(files)}: column label: {error}"


def _of_statistics(rows: pd.DataFrame, samples: int) -> Iterator[str]:
    """Yield which statistics are there twice, and which samples lack one that others have."""
    keys = ["attack", "variant", "timestep"]
    twice = rows.duplicated([*keys, "sample_id"])
    for path, of in rows[twice].groupby("path"):
        clause = named("there are two of one sample and attack, variant and timestep", of.name.tolist())[0]
        yield f"{path}: column statistic: {clause}; keep one"
    names = rows.groupby("sample_id").name.first()
    for _, of in rows[~twice].groupby(keys, dropna=False, sort=False):
        if len(of) < samples:
            lacking = names[~names.index.isin(of.sample_id)].tolist()
            clause = named(f"{of.attack.iloc[0]} has none at {_column(of)} of samples", lacking)[0]
            yield f"{of.path.iloc[0]}: column statistic: {clause}; give one of every sample, or leave it out"
    for attack, of in rows.groupby("attack"):
        if of.timestep.isna().any() and of.timestep.notna().any():
            lacking = of.name[of.timestep.isna()].tolist()
            path = of.path[of.timestep.isna()].iloc[0]
            clause = named(f"is empty in some rows of {attack}, for samples", lacking)[0]
            yield f"{path}: column timestep: {clause}; give it in all of its rows, or in none"


def _of_sides(rows: pd.DataFrame, knobs: GivenKnobs) -> Iterator[str]:
    """Yield the attacks of which it is not said on which side members lie, and names that are no attack's."""
    attacks = sorted(rows.attack.unique())
    unsaid = [attack for attack in attacks if not {attack, ALL} & knobs.member_when.keys()]
    for clause in named("say low or high, for one attack as NAME=low, of attacks", unsaid):
        yield f"--member-when: {clause}"
    for clause in named("no such attacks", sorted(knobs.member_when.keys() - {ALL, *attacks})):
        yield f"--member-when: {clause}; known: {', '.join(attacks)}"


def _drawn(samples: pd.DataFrame, knobs: GivenKnobs) -> np.ndarray:
    try:
        return draw_folds(samples.role.to_numpy(), knobs.calibration, knobs.seed)
    except KnobError as error:
        raise SimauditError(f"--calibration {error.why}") from None


def _of_folds(samples: pd.DataFrame, files: Sequence[str]) -> list[str]:
    try:
        refuse_small(measured_sizes((samples.role == MEMBER).to_numpy(), _is_calibration(samples)))
    except SimauditError as error:
        return [f"{', '.join(files)}: {error}"]
    return []


def _is_calibration(samples: pd.DataFrame) -> np.ndarray:
    return (samples.fold == CALIBRATION).to_numpy()


def _scores(attack: str, rows: pd.DataFrame, samples: pd.DataFrame, knobs: GivenKnobs) -> Scores:
    """Return the scores of one attack from its rows."""
    by_statistic = [of for _, of in rows.groupby(["variant", "timestep"], dropna=False, sort=True)]
    return Scores(
        attack,
        knobs.member_when.get(attack) or knobs.member_when[ALL],
        [_column(of) for of in by_statistic],
        samples.index.to_numpy(),
        (samples.role != HELDOUT).to_numpy(),
        _is_calibration(samples),
        np.stack([of.sort_values("sample_id").statistic.to_numpy() for of in by_statistic]),
    )


def _column(rows: pd.DataFrame) -> Column:
    """Return what the statistic is that these rows are of; the queries are the most that a row says."""
    timestep, queries = rows.timestep.iloc[0], rows.queries.max()
    return Column(
        None if np.isnan(timestep) else int(timestep),
        parse_variant(rows.variant.iloc[0]),
        None if np.isnan(queries) else int(queries),
    )


def _constant(scores: Scores, files: Sequence[str]) -> Iterator[str]:
    """Yield the statistics of an attack that are the same for all samples of a fold."""
    for rows in (scores.is_calibration, ~scores.is_calibration):
        for place in np.flatnonzero(np.ptp(scores.statistic[:, rows], axis=1) == 0):
            where = f"{scores.attack} is the same for all samples of a fold at {scores.columns[place]}"
            yield f"{', '.join(files)}: column statistic: {where}; leave it out"
