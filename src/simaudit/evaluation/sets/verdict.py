"""The verdict on sets of members, of any samples and of each group, by attacks and by what the images alone tell."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from simaudit.evaluation.sets.inference import Moments, one_sided_p, p_values, possible_sizes
from simaudit.evaluation.sets.levels import FEWEST, LEVEL, QUANTILES, with_members
from simaudit.evaluation.sets.parts import samples_of

ATTACKS, BLIND = "attacks", "blind"
PREFIX = {ATTACKS: "", BLIND: "blind_"}


def set_table(
    likeness: Mapping[str, np.ndarray], is_member: np.ndarray, sizes: Sequence[int], repeats: int, seed: int
) -> pd.DataFrame:
    """Return p of each set: columns `seen` (ATTACKS or BLIND), `members` (the size of the set), `repeat` and `p`.

    `likeness` (N,) by what is seen, and `is_member` (N,), are of the evaluation fold.
    """
    members = int(is_member.sum())
    possible = possible_sizes(sizes, members, len(is_member) - members)
    parts = [
        pd.DataFrame(
            {
                "seen": seen,
                "members": np.repeat(possible, repeats),
                "repeat": np.tile(np.arange(repeats), len(possible)),
                "p": p_values(values, is_member, possible, repeats, seed).ravel(),
            }
        )
        for seen, values in likeness.items()
    ]
    return pd.concat(parts, ignore_index=True)


def set_facts(table: pd.DataFrame) -> dict[str, Any]:
    """Return QUANTILES of p by size, and the smallest size whose median is below LEVEL, None without one."""
    facts: dict[str, Any] = {}
    for size in table.members.unique().tolist():
        of_size = table[table.members == size]
        facts[with_members(size)] = {"members": size} | {
            f"{PREFIX[seen]}{name}": float(of_size.p[of_size.seen == seen].quantile(quantile))
            for seen in of_size.seen.unique()
            for name, quantile in QUANTILES.items()
        }
    telling = [known["members"] for known in facts.values() if known["p"] < LEVEL]
    return {"smallest": min(telling, default=None), "largest": int(table.members.max()), **facts}


def group_facts(
    likeness: Mapping[str, np.ndarray], is_member: np.ndarray, group: np.ndarray
) -> dict[str, Any]:
    """Return p of all members of each group (N,), by `of_<group>`, with how many samples were compared.

    They are compared with the held-out samples of their group where these are FEWEST or more, otherwise with all. Where
    the group has fewer members than FEWEST, or there are too few held-out samples, there is no p. `corrected_p` is the
    p of a group times the number of groups that have one (Bonferroni), at most 1.
    """
    facts: dict[str, Any] = {}
    others = int(np.count_nonzero(~is_member))
    of_others = (
        {seen: Moments.of(values[~is_member]) for seen, values in likeness.items()}
        if others >= FEWEST
        else {}
    )
    for name, samples in samples_of(group).items():
        members, heldout = samples[is_member[samples]], samples[~is_member[samples]]
        has_own = len(heldout) >= FEWEST
        sizes = {"members": len(members), "heldout": len(heldout) if has_own else others}
        facts[f"of_{name}"] = sizes | (
            {
                f"{PREFIX[seen]}p": float(
                    one_sided_p(
                        Moments.of(values[members]),
                        Moments.of(values[heldout]) if has_own else of_others[seen],
                    )
                )
                for seen, values in likeness.items()
            }
            if min(sizes.values()) >= FEWEST
            else {}
        )
    tested = [known for known in facts.values() if "p" in known]
    for known in tested:
        known["corrected_p"] = min(1.0, known["p"] * len(tested))
    return facts
