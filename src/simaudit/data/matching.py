"""From what is given of members to a split: entries are matched with samples, and all mistakes are named together."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from simaudit.data.listing import Entry, Listing, Name, read_listing
from simaudit.data.membership import Given
from simaudit.data.source import composed
from simaudit.data.split import draw_folds, limited, split_table
from simaudit.machine.progress import log
from simaudit.vocabulary.errors import NAMED, KnobError, named, some
from simaudit.vocabulary.sides import FOLDS, HELDOUT, MEMBER, SIDES, UNUSED

ROLES = {
    MEMBER: MEMBER,
    **dict.fromkeys((HELDOUT, "held-out", "held_out", "nonmember", "non-member", "non_member"), HELDOUT),
    UNUSED: UNUSED,
}
"""What a table may call each role, in small letters."""
EXAMPLES = 3  # entries that are named for each wrong word, or where too many are wrong to name all

Files = Sequence[str | None]
"""The file of each sample of the dataset, None where it has none."""
Found = list[tuple[int | None, Entry]]
"""The sample that each entry names, None where it names none."""


def given_split(
    given: Given, items: pd.DataFrame, calibration: float, seed: int, limit: int | None = None
) -> pd.DataFrame:
    """Return the split that is given of N samples, whose columns file, origin and sha256 are in `items`.

    The columns are those of `make_split`. Folds that are not given are drawn as `make_split` draws them. Raises as
    `given_sides` does.
    """
    sides = given_sides(given, items, seed, limit)
    role, fold = sides.role.to_numpy(), sides.fold.to_numpy()
    drawn = fold if any(fold) else draw_folds(role, calibration, seed)
    return split_table(role, drawn, sides.group.to_numpy(), items.sha256.astype("str"))


def given_sides(given: Given, items: pd.DataFrame, seed: int, limit: int | None = None) -> pd.DataFrame:
    """Return what is given of N samples, the columns role, fold and group; their file and origin are in `items`.

    Samples that no entry names are unused, and so are those beyond `limit`, see `limited`. What is not given of a fold
    or a group is None. Raises KnobError, naming together all that is wrong with the entries, and SimauditError when a
    file is not what it should be.
    """
    listing, files = read_listing(given, items), [text or None for text in items.file.fillna("")]
    samples = _samples(
        [entry.name for entry in listing.entries], [] if listing.numbered else files, len(files)
    )
    found: Found = list(zip(samples, listing.entries, strict=True))
    known = {sample: entry for sample, entry in found if sample is not None}
    mistakes = [*listing.mistakes, *_repeated(found)]
    if given.unknown == "refuse":
        mistakes += _unknown(listing, found, files)
    else:
        kept: Found = [(sample, entry) for sample, entry in found if sample is not None]
        if dropped := len(found) - len(kept):
            log.warning("left out %d of %d entries, which name nothing in the dataset", dropped, len(found))
        found = kept
    mistakes += _wrong_words([entry for _, entry in found])
    if given.unlisted == "refuse":
        mistakes += _unlisted([sample for sample in range(len(files)) if sample not in known], files)
    if mistakes := mistakes or list(_lacking(known.values())):
        where = ", ".join(map(str, given.files.values())) or "origin"
        raise KnobError("members", f"{where}: {'; '.join(mistakes)}")
    role, fold, group = (np.full(len(files), value, dtype=object) for value in (UNUSED, None, None))
    for sample, entry in known.items():
        role[sample], group[sample] = _role(entry), entry.group
        fold[sample] = (_fold(entry) or None) if role[sample] in SIDES else None
    if limit is not None:
        beyond = ~limited(role, fold, group, limit, seed)
        role[beyond], fold[beyond] = UNUSED, None
        if empty := [side for side in SIDES if side not in role]:
            why = f"leaves no sample that is {' or '.join(empty)}: sides keep their shares, and groups stay whole"
            raise KnobError("limit", f"{why}; raise it")
    return pd.DataFrame({"role": role, "fold": fold, "group": group}, dtype=object)


def _role(entry: Entry) -> str | None:
    return ROLES.get(entry.role.strip().lower())


def _fold(entry: Entry) -> str:
    return (entry.fold or "").strip().lower()


def _samples(names: Sequence[Name], files: Files, count: int) -> list[int | None]:
    """Return the sample_id, of `count`, that each name stands for, None where it stands for none.

    A text among numbers stands for none: there are no `files` then. A file's name is matched as it is, and otherwise in
    Unicode's composed form (NFC): some systems decompose accents.
    """
    exact = {file: sample for sample, file in enumerate(files) if file is not None}
    is_exact = all(isinstance(name, int) or name in exact for name in names)
    as_composed = {} if is_exact else _unique(files, composed)

    def sample(name: Name) -> int | None:
        if isinstance(name, int):
            return name if 0 <= name < count else None
        return exact.get(name, as_composed.get(composed(name)))

    return [sample(name) for name in names]


def _folded(name: str) -> str:
    return composed(name).casefold().strip()


def _base(name: str) -> str:
    return _folded(name).replace("\\", "/").rpartition("/")[2]


def _stem(name: str) -> str:
    base, _, extension = _base(name).rpartition(".")
    return base or extension


def _unique(files: Files, key: Callable[[str], str]) -> dict[str, int]:
    """Return the sample of each file by a key of its name, where no other file has the same."""
    keys = [(key(file), sample) for sample, file in enumerate(files) if file is not None]
    count = Counter(key for key, _ in keys)
    return {key: sample for key, sample in keys if count[key] == 1}


def _unknown(listing: Listing, found: Found, files: Files) -> Iterator[str]:
    """Yield which entries name no sample, and which files were perhaps meant."""
    names = [entry.name for sample, entry in found if sample is None]
    if not names:
        return
    numbers = [name for name in names if isinstance(name, int)]
    texts = [name for name in names if isinstance(name, str)]
    drop = ", or set unknown: drop" if len(names) < len(found) else ""

    def clause(what: str, names: Collection[object]) -> list[str]:
        most = NAMED if len(names) <= NAMED else EXAMPLES
        return named(what, names, f"{len(names)} of {len(found)}; correct them{drop}", most)

    ids = f"0 … {len(files) - 1}"
    yield from clause(f"sample_ids that lie beyond the dataset's {ids}", numbers)
    if listing.numbered or not any(files):
        which, hinted = f"sample_ids {ids}{'' if any(files) else ' and no file names'}", texts
    else:
        hinted = [*_hinted(texts[:NAMED], files), *texts[NAMED:]]
        which = some(filter(None, files), EXAMPLES) if hinted == texts else ""
    yield from clause(f"entries that name nothing in the dataset{which and f', which has {which}'}", hinted)


def _hinted(names: Sequence[str], files: Files) -> Iterator[str]:
    """Yield names of no file, each with the file that was perhaps meant.

    It has the same name but for capital letters, for folders, or for the extension.
    """
    whole, base, stem = (_unique(files, key) for key in (_folded, _base, _stem))
    for name in names:
        alike = (
            whole.get(_folded(name)),
            base.get(_base(name)),
            stem.get(_base(name)),
            stem.get(_stem(name)),
        )
        meant = next((sample for sample in alike if sample is not None), None)
        yield name if meant is None else f"{name} (did you mean {files[meant]}?)"


def _repeated(found: Found) -> Iterator[str]:
    """Yield which samples are named more than once: in one role, and in several."""
    entries: dict[int, list[Entry]] = {}
    for sample, entry in found:
        if sample is not None:
            entries.setdefault(sample, []).append(entry)
    twice, both = list[Name](), list[str]()
    for first, *others in entries.values():
        roles = dict.fromkeys(_role(entry) or entry.role for entry in (first, *others))
        if len(roles) > 1:
            both.append(f"{first.name} ({', '.join(roles)})")
        elif others:
            twice.append(first.name)
    yield from named("listed more than once", twice, f"{len(twice)}; keep one entry of each")
    yield from named("listed in several roles", both, f"{len(both)}; keep the entry that is true")


def _wrong_words(entries: list[Entry]) -> Iterator[str]:
    """Yield which roles and folds there are not, and which entries lack a fold that others have."""
    wrong = [(entry.role, entry.name) for entry in entries if _role(entry) is None]
    yield from _words("role", wrong, (*SIDES, UNUSED))
    used = [entry for entry in entries if _role(entry) in SIDES]
    said = [entry for entry in used if _fold(entry)]
    yield from _words(
        "fold", [(_fold(entry), entry.name) for entry in said if _fold(entry) not in FOLDS], FOLDS
    )
    lacking = [entry.name for entry in used if not _fold(entry)]
    if said:
        count = f"{len(lacking)}; give one to all, or to none"
        yield from named("without a fold, which others have", lacking, count)


def _words(kind: str, wrong: list[tuple[str, Name]], known: Iterable[str]) -> Iterator[str]:
    by_word: dict[str, list[Name]] = {}
    for word, name in wrong:
        by_word.setdefault(word, []).append(name)
    shown = [f"{word!r} of {some(names, EXAMPLES)}" for word, names in by_word.items()]
    yield from named(
        f"with a {kind} that is none of {', '.join(known)}", shown, f"{len(wrong)}; write one of these"
    )


def _unlisted(samples: list[int], files: Files) -> Iterator[str]:
    count = f"{len(samples)} of {len(files)}; list them, or set unlisted: unused"
    names = [files[sample] or sample for sample in samples]
    yield from named("samples of the dataset that are not listed", names, count)


def _lacking(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield which sides have no sample, where there are such."""
    roles = {_role(entry) for entry in entries}
    if lacking := [side for side in SIDES if side not in roles]:
        yield f"no sample of the dataset is {' or '.join(lacking)}; name some, since a split needs both sides"
