"""The page that a person reads first: which controls passed, then every target's numbers, all from the ledger."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

TAIL = "†"
NONE = "–"
HEADLINE = {
    "AUC": "auc",
    "ASR": "asr",
    "TPR at 1 % FPR": "tpr_at_1pct_fpr",
    "TPR at 0.1 % FPR": "tpr_at_0.1pct_fpr",
}
CHOICE = {"oracle AUC": "oracle.auc", "optimism": "optimism.auc", "AUC minus blind": "minus_blind.auc"}
THRESHOLD = {
    "FPR": "transferred.fpr",
    "TPR": "transferred.tpr",
    "PPV, prior 1 %": "transferred.ppv_at_1pct_prior",
    "PPV, prior 10 %": "transferred.ppv_at_10pct_prior",
    "TPR, held-out positive": "tpr_heldout_positive",
}
PERMUTED = {"AUC": "permuted.auc", "oracle AUC": "permuted.oracle_auc", "p": "permuted.p_value"}

LEGEND = f"""\
Knobs are chosen by AUC on the calibration fold; every number is measured on the evaluation fold, with its 95 % limits.
The *oracle* chooses them on the evaluation fold itself, and *optimism* is what that adds. {TAIL}: fewer than ten false
positives are allowed, too few to be read."""


@dataclass(frozen=True)
class Ledger:
    """results/numbers.json, printed: the only source of a number on the page."""

    numbers: Mapping[str, Mapping[str, Any]]

    def count(self, name: str) -> str:
        """A number without limits; a dash where there is none."""
        return f"{self.numbers[name]['value']:.4g}" if name in self.numbers else NONE

    def estimate(self, name: str) -> str:
        """A number with its limits, and the mark of a tail that is too small; a dash where there is none."""
        if name not in self.numbers:
            return NONE
        number = self.numbers[name]
        mark = TAIL if number["tail_too_small"] else ""
        value, low, high = (
            f"{number[key]:.3f}".replace("-0.000", "0.000") for key in ("value", "low", "high")
        )
        return f"{value} [{low}, {high}]{mark}"

    def row(self, prefix: str, metrics: Mapping[str, str]) -> list[str]:
        return [self.estimate(f"{prefix}.{metric}") for metric in metrics.values()]


def page(
    summaries: Mapping[str, Mapping[str, Any]],
    comparison: Mapping[str, Mapping[str, Any]],
    ledger: Ledger,
) -> str:
    """In Markdown. Words come from the `summaries` of targets and from `comparison` (controls, groups, ranks)."""
    controls = comparison["controls"]
    splits = dict.fromkeys(summary["split"] for summary in summaries.values())
    parts = ["# How much each target leaks", controls["sentence"], LEGEND]
    for target, summary in summaries.items():
        verdict = controls["verdicts"].get(target)
        shifted = " (*shifted*: only what an attack has above the blind classifiers can count)"
        parts.append(f"## {target}: {verdict or 'a control'}{shifted if summary['shifted'] else ''}")
        parts += _headline(target, summary, ledger)
        if verdict:
            parts += _details(target, summary["attacks"], ledger)
    parts += [
        "## Blind classifiers",
        "They see the images and never a model: above 0.5, the two sides of the split differ by themselves.",
        _table(["split", *HEADLINE], ([split, *ledger.row(f"{split}.blind", HEADLINE)] for split in splits)),
    ]
    for name, group in comparison["groups"]["groups"].items():
        parts += _seeds(name, group, ledger)
    return "\n\n".join([*parts, *_ranks(comparison["ranks"], ledger)]) + "\n"


def _headline(target: str, summary: Mapping[str, Any], ledger: Ledger) -> list[str]:
    rows = (
        [
            attack,
            facts["selected"]["variant"],
            ledger.count(f"{target}.{attack}.timestep"),
            ledger.count(f"{target}.{attack}.queries"),
            *ledger.row(f"{target}.{attack}", HEADLINE | CHOICE),
        ]
        for attack, facts in summary["attacks"].items()
    )
    members, heldout = (ledger.count(f"{target}.{side}") for side in ("members", "heldout"))
    return [
        f"Evaluation fold of split {summary['split']}: {members} members, {heldout} held-out samples.",
        _table(["attack", "variant", "t", "queries", *HEADLINE, *CHOICE], rows),
    ]


def _details(target: str, attacks: Iterable[str], ledger: Ledger) -> list[str]:
    def table(columns: Mapping[str, str]) -> str:
        rows = ([attack, *ledger.row(f"{target}.{attack}", columns)] for attack in attacks)
        return _table(["attack", *columns], rows)

    return [
        "What the threshold with 1 % FPR on the calibration fold really does here; and the TPR at 1 % with held-out "
        "samples as the positive class, as SimA's released code counts:",
        table(THRESHOLD),
        f"The same protocol with shuffled labels, {ledger.count(f'{target}.permutations')} times. The AUC must be 0.5; "
        "the oracle's is what luck alone gives:",
        table(PERMUTED),
    ]


def _seeds(name: str, group: Mapping[str, Any], ledger: Ledger) -> list[str]:
    return [
        f"## {name}, over {len(group['seeds'])} seeds",
        f"Mean of {', '.join(group['seeds'])}, with the limits that these samples give it; and the standard deviation "
        "between seeds, with its own.",
        _table(
            ["attack", *(f"{what} {label}" for label in HEADLINE for what in ("mean", "sd"))],
            (
                [
                    attack,
                    *(
                        ledger.estimate(f"{name}.{attack}.{what}.{metric}")
                        for metric in HEADLINE.values()
                        for what in ("mean_over_seeds", "sd_between_seeds")
                    ),
                ]
                for attack in group["attacks"]
            ),
        ),
    ]


def _ranks(ranks: Mapping[str, Any], ledger: Ledger) -> list[str]:
    if "absent" in ranks:
        return ["## Mean ranks", f"Absent: {ranks['absent']}."]
    metrics = {label: metric for label, metric in HEADLINE.items() if metric in ranks["ranks"]}
    first = f"ranks.{next(iter(metrics.values()))}"
    facts = [
        f"{label}: p = {ledger.count(f'ranks.{metric}.friedman_p')}, critical difference "
        f"{ledger.count(f'ranks.{metric}.critical_difference')}"
        for label, metric in metrics.items()
    ]
    attacks = ranks["ranks"][next(iter(metrics.values()))]["attacks"]
    return [
        "## Mean ranks",
        f"Over {ledger.count(f'{first}.targets')} targets; 1 is the best. Attacks whose limits do not overlap differ.",
        _table(
            ["attack", *metrics],
            (
                [
                    attack,
                    *(ledger.estimate(f"ranks.{metric}.{attack}.mean_rank") for metric in metrics.values()),
                ]
                for attack in attacks
            ),
        ),
        f"Friedman's test. {'; '.join(facts)}.",
    ]


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
