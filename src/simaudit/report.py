"""The page that a person reads first: which controls passed, then every target's numbers, all from the ledger."""

from collections.abc import Iterable, Mapping
from typing import Any

from simaudit.evaluation.ledger import TAIL, Ledger

HEADLINE = {
    "AUC": "auc",
    "ASR": "asr",
    "TPR at 1 % FPR": "tpr_at_1pct_fpr",
    "TPR at 0.1 % FPR": "tpr_at_0.1pct_fpr",
}
CHOICE = {"oracle AUC": "oracle.auc", "optimism": "optimism.auc", "AUC minus blind": "minus_blind.auc"}
SWEPT = {"SimA AUC": "sima", "reconstruction AUC": "reconstruction"}
THRESHOLD = {
    "FPR": "transferred.fpr",
    "TPR": "transferred.tpr",
    "PPV, prior 1 %": "transferred.ppv_at_1pct_prior",
    "PPV, prior 10 %": "transferred.ppv_at_10pct_prior",
    "TPR, held-out positive": "tpr_heldout_positive",
}
DISTANCES = {
    "to members": "to_members",
    "to held-out": "to_heldout",
    "held-out minus members": "heldout_minus_members",
    "members to held-out": "members_to_heldout",
}
PERMUTED = {"AUC": "permuted.auc", "oracle AUC": "permuted.oracle_auc", "p": "permuted.p_value"}

LEGEND = f"""\
Knobs are chosen by AUC on the calibration fold; every number is measured on the evaluation fold, with its 95 % limits.
The *oracle* chooses them on the evaluation fold itself, and *optimism* is what that adds. {TAIL}: fewer than ten false
positives are allowed, too few to be read."""


def page(
    summaries: Mapping[str, Mapping[str, Any]],
    comparison: Mapping[str, Mapping[str, Any]],
    arms: Mapping[str, Mapping[str, Any]],
    ledger: Ledger,
) -> str:
    """In Markdown. Words come from the `summaries` of targets and from `comparison` (against, controls, groups, ranks).

    `arms` says of targets with an autoencoder of their own, by group, how it was trained: `beta` and `adversarial`.
    """
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
            parts += _latent(target, summary, ledger)
    parts += [
        "## Blind classifiers",
        "They see the images and never a model: above 0.5, the two sides of the split differ by themselves.",
        _table(["split", *HEADLINE], ([split, *ledger.row(f"{split}.blind", HEADLINE)] for split in splits)),
    ]
    parts += _against(comparison["against"]["against"], ledger)
    groups = comparison["groups"]["groups"]
    parts += [*_autoencoders(arms, groups, ledger), *_quality(summaries, ledger)]
    for name, group in groups.items():
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


def _latent(target: str, summary: Mapping[str, Any], ledger: Ledger) -> list[str]:
    """What is known of a target with an autoencoder: its errors, and where in its latent space attacks succeed."""
    parts = []
    if errors := summary.get("reconstruction_error"):
        sides = {"members": "of_members", "held-out": "of_heldout"}
        rows = ([error, *ledger.row(f"{target}.reconstruction_error.{error}", sides)] for error in errors)
        parts += ["Reconstruction error of the autoencoder alone:", _table(["error", *sides], rows)]
    quartered = {
        name: facts["by_distortion"] for name, facts in summary["attacks"].items() if "by_distortion" in facts
    }
    if quartered:
        quarters = {f"q{number}": f"by_distortion.q{number}" for number in range(1, 5)}
        parts += [
            "AUC by quarter of the decoder's distortion, q1 where it stretches the latent space least:",
            _table(
                ["attack", *quarters],
                ([name, *ledger.row(f"{target}.{name}", quarters)] for name in quartered),
            ),
        ]
    return parts


def _against(against: Mapping[str, Mapping[str, Any]], ledger: Ledger) -> list[str]:
    """Targets minus the one of their split that they are held against."""
    rows = [
        [
            target,
            difference.removeprefix("minus_"),
            attack,
            *ledger.row(f"{target}.{attack}.{difference}", HEADLINE),
        ]
        for target, found in against.items()
        for attack, differences in found["attacks"].items()
        for difference in differences
    ]
    if not rows:
        return []
    return [
        "## Targets against one another",
        "The first minus the second, paired on the same samples, each attack at the knobs that it was calibrated to.",
        _table(["target", "minus", "attack", *HEADLINE], rows),
    ]


def _autoencoders(
    arms: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Any], ledger: Ledger
) -> list[str]:
    """What the bottleneck changes: one row an autoencoder, over its seeds."""
    if not arms:
        return []

    def row(name: str) -> list[str]:
        seeds = len(groups[name]["seeds"]) if name in groups else 1
        over_seeds = ".mean_over_seeds" if name in groups else ""
        aucs = [ledger.estimate(f"{name}.{attack}{over_seeds}.auc") for attack in SWEPT.values()]
        distances = [
            ledger.estimate(f"{name}.frechet.{distance}{over_seeds}")
            for distance in ("to_members", "to_heldout")
        ]
        arm = "adversarial" if arms[name]["adversarial"] else "standard"
        return [arm, f"{arms[name]['beta']:g}", str(seeds), *aucs, *distances]

    order = sorted(arms, key=lambda name: (arms[name]["adversarial"], arms[name]["beta"]))
    return [
        "## Autoencoders of the latent targets",
        "By arm and β. Where there are several seeds, their mean; how far they lie apart stands with the seeds below.",
        _table(["arm", "β", "seeds", *SWEPT, "Fréchet to members", "Fréchet to held-out"], map(row, order)),
    ]


def _quality(targets: Iterable[str], ledger: Ledger) -> list[str]:
    rows = [[target, *ledger.row(f"{target}.frechet", DISTANCES)] for target in targets]
    return [
        "## Quality of samples",
        "Fréchet distances of features, between as many images of each kind; the last is what a perfect target would "
        "have. Samples that lie nearer to the members than to held-out images resemble the training set more than the "
        "world.",
        _table(["target", *DISTANCES], rows),
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
        f"Over {ledger.count(f'{first}.targets')} targets ({', '.join(ranks['of'])}); 1 is the best. Attacks whose "
        "limits do not overlap differ.",
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
