"""Scores that others computed, as ours are: a split with its folds, and for each attack its statistics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from simaudit.data.coded import Coded
from simaudit.data.pictures.labels import numbered
from simaudit.data.sizes import refuse_small
from simaudit.data.split import draw_folds, measured_sizes
from simaudit.scoring.given.table import SUFFIXES, Rows, joined, read_rows
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
    rows = _timed(joined([part for part in parts if part is not None]))
    names, sample = _placed(rows["name"])
    samples = _samples(rows, names, sample)
    table = Table.of(rows, names, sample)
    attacks = table.of_attacks()
    _refuse(
        [
            *_of_samples(table, samples, knobs),
            *_of_labels(samples, knobs.files),
            *_of_statistics(table),
            *_of_sides(list(attacks), knobs),
        ]
    )
    if samples.fold.isna().all():
        samples = samples.assign(fold=_drawn(samples, knobs))
    samples = samples.assign(file=samples.file.fillna(samples.name))
    _refuse(_of_folds(samples, knobs.files))
    scores_of = {
        attack: _scores(attack, table, statistics, samples, knobs) for attack, statistics in attacks.items()
    }
    _refuse([line for scores in scores_of.values() for line in _constant(scores, knobs.files)])
    return GivenScores(samples, scores_of)


def _refuse(lines: Sequence[str]) -> None:
    if lines:
        raise SimauditError("\n".join(lines))


def _timed(rows: Rows) -> Rows:
    """Return the rows such that each timestep is a whole number.

    It stays where all timesteps of its attack are whole numbers; otherwise it becomes the knob TIME of the variant.
    """
    attack, variant, timestep = rows["attack"], rows["variant"], rows["timestep"]
    is_broken = np.array([*(value % 1 != 0 for value in timestep.values), False])[timestep.codes]
    if not is_broken.any():
        return rows
    is_timed = np.isin(attack.codes, np.unique(attack.codes[is_broken])) & ~timestep.is_empty
    pairs = pd.MultiIndex.from_arrays([variant.codes[is_timed], timestep.codes[is_timed]])
    pair, known = pd.factorize(pairs)
    texts = [
        variant_text({**parse_variant(variant.values[of]), TIME: timestep.values[at]}) for of, at in known
    ]
    whole = Coded.of([*variant.values, *texts])
    codes = whole.codes[variant.codes]
    codes[is_timed] = whole.codes[len(variant.values) :][pair]
    left = np.where(is_timed, np.int32(-1), timestep.codes)
    return rows.replace(variant=Coded(codes, whole.values), timestep=Coded(left, timestep.values))


def _placed(name: Coded) -> tuple[list[str], np.ndarray]:
    """Return the names of all samples in the order of their sample_id, and the sample_id of each row, (R,) int32.

    The order does not depend on that of rows: names that are all whole numbers are in the order of these, other names
    in that of their letters.
    """
    numbered = all(text.isdecimal() for text in name.values)
    names = sorted(name.values, key=int if numbered else str)
    places = {text: place for place, text in enumerate(names)}
    return names, np.array([places[text] for text in name.values], dtype=np.int32)[name.codes]


def _samples(rows: Rows, names: Sequence[str], sample: np.ndarray) -> pd.DataFrame:
    """Return what the first row of each sample that says it says of it: OF_SAMPLE and its name, by sample_id."""
    columns = {
        column: Coded(_first(rows[column], sample, len(names)), rows[column].values) for column in OF_SAMPLE
    }
    known = {column: cells.cells() for column, cells in columns.items()}
    index = pd.RangeIndex(len(names), name="sample_id")
    return pd.DataFrame({"name": names, **known}, index=index, dtype=object)


def _first(cells: Coded, sample: np.ndarray, samples: int) -> np.ndarray:
    """Return the code of each sample's first cell that is not empty, (N,), −1 without one; `sample` is of each row."""
    first = np.full(samples, -1, dtype=np.int32)
    said = np.flatnonzero(~cells.is_empty)[::-1]
    first[sample[said]] = cells.codes[said]  # the last one that is assigned stays
    return first


@dataclass(frozen=True)
class Table:
    """R rows of N samples, and which of K statistics each is of.

    `sample` (R,) is the sample_id of each row, and `statistic` (R,) the number of its statistic, in the order in which
    they appear. `order` (R,) has the rows by statistic and sample, and those of one statistic end at its `ends` (K,).
    `is_repeated` (R,) says which rows there are before.
    """

    rows: Rows
    names: Sequence[str]
    sample: np.ndarray
    statistic: np.ndarray
    order: np.ndarray
    ends: np.ndarray
    is_repeated: np.ndarray

    @classmethod
    def of(cls, rows: Rows, names: Sequence[str], sample: np.ndarray) -> Table:
        """Sort the rows."""
        attack, variant, timestep = rows["attack"], rows["variant"], rows["timestep"]
        key = attack.codes.astype(np.int64) * len(variant.values) + variant.codes
        statistic, _ = pd.factorize(key * (len(timestep.values) + 1) + timestep.codes + 1)
        pair = statistic * len(names) + sample
        order = np.argsort(pair, kind="stable")
        is_repeated = np.zeros(len(order), dtype=bool)
        is_repeated[order[1:]] = pair[order[1:]] == pair[order[:-1]]
        return cls(rows, names, sample, statistic, order, np.cumsum(np.bincount(statistic)), is_repeated)

    def rows_of(self, statistic: int) -> np.ndarray:
        """Return the rows of a statistic, by sample."""
        return self.order[self.ends[statistic - 1] if statistic else 0 : self.ends[statistic]]

    def said(self, statistic: int, column: str) -> Any:
        """Return what the rows of a statistic, which agree in it, say in a column; None where it is empty."""
        return self.rows[column].cells(self.rows_of(statistic)[:1])[0]

    def column(self, statistic: int) -> Column:
        """Return what a statistic is; the queries are the most that a row says."""
        timestep, queries = self.said(statistic, "timestep"), self.rows["queries"]
        most = max(
            (queries.values[code] for code in np.unique(queries.codes[self.rows_of(statistic)]) if code >= 0),
            default=None,
        )
        return Column(
            None if timestep is None else int(timestep),
            parse_variant(self.said(statistic, "variant")),
            None if most is None else int(most),
        )

    def of_attacks(self) -> dict[str, list[int]]:
        """Return the statistics of each attack by name, by variant and timestep, of which none stands last."""

        def place(statistic: int) -> tuple[str, str, bool, float]:
            attack, variant, timestep = (
                self.said(statistic, name) for name in ("attack", "variant", "timestep")
            )
            return attack, variant, timestep is None, timestep or 0.0

        attacks: dict[str, list[int]] = {}
        for statistic in sorted(range(len(self.ends)), key=place):
            attacks.setdefault(self.said(statistic, "attack"), []).append(statistic)
        return attacks


def _by_path(rows: Rows, is_concerned: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each file, in the order of names, that some of the concerned rows (R,) stand in, with these."""
    concerned, path = np.flatnonzero(is_concerned), rows["path"]
    for code in sorted(set(path.codes[concerned].tolist()), key=path.values.__getitem__):
        yield path.values[code], concerned[path.codes[concerned] == code]


def _of_samples(table: Table, samples: pd.DataFrame, knobs: GivenKnobs) -> Iterator[str]:
    """Yield what is wrong with what rows say of their samples."""
    rows, name = table.rows, table.rows["name"]
    for column in OF_SAMPLE:
        cells = rows[column]
        differs = ~cells.is_empty & (cells.codes != _first(cells, table.sample, len(samples))[table.sample])
        for path, concerned in _by_path(rows, differs):
            clause = named("samples have two", list(dict.fromkeys(name.cells(concerned))))[0]
            yield f"{path}: column {column}: {clause}; say one of each"
    if samples.fold.notna().any() and samples.fold.isna().any():
        lacks = samples.fold.isna().to_numpy()[table.sample]
        for path, concerned in _by_path(rows, lacks):
            clause = named("samples have none", list(dict.fromkeys(name.cells(concerned))))[0]
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


def _of_statistics(table: Table) -> Iterator[str]:
    """Yield which statistics are there twice, and which samples lack one that others have."""
    rows, name = table.rows, table.rows["name"]
    for path, twice in _by_path(rows, table.is_repeated):
        clause = named("there are two of one sample and attack, variant and timestep", name.cells(twice))[0]
        yield f"{path}: column statistic: {clause}; keep one"
    count = np.bincount(table.statistic[~table.is_repeated])
    for statistic in np.flatnonzero(count < len(table.names)).tolist():
        there = set(table.sample[table.rows_of(statistic)].tolist())
        lacking = [name for place, name in enumerate(table.names) if place not in there]
        what = f"{table.said(statistic, 'attack')} has none at {table.column(statistic)} of samples"
        path = rows["path"].cells(table.rows_of(statistic).min(keepdims=True))[0]
        clause = named(what, lacking)[0]
        yield f"{path}: column statistic: {clause}; give one of every sample, or leave it out"
    for attack, statistics in table.of_attacks().items():
        without = [one for one in statistics if table.said(one, "timestep") is None]
        if 0 < len(without) < len(statistics):
            concerned = np.sort(np.concatenate([table.rows_of(one) for one in without]))
            clause = named(f"is empty in some rows of {attack}, for samples", name.cells(concerned))[0]
            path = rows["path"].cells(concerned[:1])[0]
            yield f"{path}: column timestep: {clause}; give it in all of its rows, or in none"


def _of_sides(attacks: Sequence[str], knobs: GivenKnobs) -> Iterator[str]:
    """Yield the attacks of which it is not said on which side members lie, and names that are no attack's."""
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


def _scores(
    attack: str, table: Table, statistics: Sequence[int], samples: pd.DataFrame, knobs: GivenKnobs
) -> Scores:
    """Return the scores of one attack from its statistics."""
    return Scores(
        attack,
        knobs.member_when.get(attack) or knobs.member_when[ALL],
        [table.column(statistic) for statistic in statistics],
        samples.index.to_numpy(),
        (samples.role != HELDOUT).to_numpy(),
        _is_calibration(samples),
        np.stack([table.rows.statistic[table.rows_of(statistic)] for statistic in statistics]),
    )


def _constant(scores: Scores, files: Sequence[str]) -> Iterator[str]:
    """Yield the statistics of an attack that are the same for all samples of a fold."""
    for rows in (scores.is_calibration, ~scores.is_calibration):
        for place in np.flatnonzero(np.ptp(scores.statistic[:, rows], axis=1) == 0):
            where = f"{scores.attack} is the same for all samples of a fold at {scores.columns[place]}"
            yield f"{', '.join(files)}: column statistic: {where}; leave it out"
