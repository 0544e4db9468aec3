"""The tables of all targets together. A table is a function here and an entry of RUN_TABLES."""

from dataclasses import replace

from simaudit.report.findings import METRICS, Findings
from simaudit.report.tables.of_target import ATTACK, attacks, estimates
from simaudit.report.tables.table import Column, Table

TARGET = Column("target", "target")
DISTANCES = {
    "to_members": "to members",
    "to_heldout": "to held-out",
    "heldout_minus_members": "held-out minus members",
    "members_to_heldout": "members to held-out",
}
SWEPT = {"sima": "SimA AUC", "reconstruction": "reconstruction AUC"}


def verdicts(findings: Findings) -> Table:
    """The answer, one line a target."""
    shown = ("auc", "tpr_at_1pct_fpr", "minus_blind.auc")
    rows = []
    for target in findings.audited:
        best = findings.ledger.best(target)
        rows.append((target, findings.verdict(target), best, *(f"{target}.{best}.{key}" for key in shown)))
    return Table(
        "verdicts",
        "What is found of each target",
        "By the attack that did best on the calibration fold, where its knobs were chosen, too.",
        (
            TARGET,
            Column("verdict", "verdict"),
            Column("attack", "best attack"),
            *estimates(
                {metric: METRICS[metric] for metric in shown[:2]} | {"auc_minus_blind": "AUC minus blind"}
            ),
        ),
        tuple(rows),
        "" if rows else "every target of this run is a control",
    )


def blind(findings: Findings) -> Table:
    """How well one tells the sides of a split without any model."""
    return Table(
        "blind",
        "Blind classifiers",
        "They see the images and never a model: above chance, the two sides of the split differ by themselves.",
        (Column("split", "split"), *estimates(METRICS)),
        tuple((split, *(f"{split}.blind.{metric}" for metric in METRICS)) for split in findings.splits),
    )


def against(findings: Findings) -> Table:
    """Targets minus the one of their split that they are held against."""
    found = findings.comparison["against"]["against"]
    rows = tuple(
        (
            target,
            difference.removeprefix("minus_"),
            attack,
            *(f"{target}.{attack}.{difference}.{metric}" for metric in METRICS),
        )
        for target in findings.audited
        for attack, differences in found.get(target, {}).get("attacks", {}).items()
        for difference in differences
    )
    return Table(
        "against",
        "Targets against one another",
        "The first minus the second, paired on the same samples, each attack at the knobs that it was calibrated to.",
        (TARGET, Column("minus", "minus"), ATTACK, *estimates(METRICS)),
        rows,
        "" if rows else "no two audited targets share a split and an attack",
    )


def autoencoders(findings: Findings) -> Table:
    """What the bottleneck changes: one row an autoencoder, over its seeds."""
    arms = {name: role.arm for name, role in findings.roles.items() if role.arm and role.group == name}
    groups = findings.comparison["groups"]["groups"]
    rows = []
    for name in sorted(arms, key=lambda name: (arms[name]["adversarial"], arms[name]["beta"])):
        over = ".mean_over_seeds" if name in groups else ""
        rows.append(
            (
                "adversarial" if arms[name]["adversarial"] else "standard",
                f"β = {arms[name]['beta']:g}",
                ", ".join(groups[name]["seeds"]) if name in groups else name,
                *(f"{name}.{attack}{over}.auc" for attack in SWEPT),
                *(f"{name}.frechet.{distance}{over}" for distance in ("to_members", "to_heldout")),
            )
        )
    return Table(
        "autoencoders",
        "Autoencoders of the latent targets",
        "By arm and β. Where there are several seeds, their mean; how far they lie apart stands with the seeds.",
        (
            Column("arm", "arm"),
            Column("beta", "bottleneck"),
            Column("of", "targets"),
            *estimates({f"{attack}_auc": label for attack, label in SWEPT.items()}),
            *estimates({"to_members": "Fréchet to members", "to_heldout": "Fréchet to held-out"}),
        ),
        tuple(rows),
        "" if rows else "no target has an autoencoder that was trained here",
    )


def quality(findings: Findings) -> Table:
    """How good each target's samples are."""
    return Table(
        "quality",
        "Quality of samples",
        "Fréchet distances of features, between as many images of each kind; the last is what a perfect target would "
        "have. Samples that lie nearer to the members than to held-out images resemble the training set more than the "
        "world.",
        (TARGET, *estimates(DISTANCES)),
        tuple(
            (target, *(f"{target}.frechet.{distance}" for distance in DISTANCES))
            for target in findings.targets
        ),
    )


def seeds(findings: Findings) -> Table:
    """How much chance in training matters."""
    groups = findings.comparison["groups"]["groups"]
    spread = {"mean_over_seeds": "mean", "sd_between_seeds": "sd"}
    rows = tuple(
        (
            ", ".join(group["seeds"]),
            attack,
            *(f"{name}.{attack}.{of}.{metric}" for metric in METRICS for of in spread),
        )
        for name, group in groups.items()
        for attack in group["attacks"]
    )
    labels = {
        f"{metric}_{of}": f"{word} {label}"
        for metric, label in METRICS.items()
        for of, word in spread.items()
    }
    return Table(
        "seeds",
        "Targets that differ in their training seed alone",
        "The mean, with the limits that these samples give it; and the standard deviation between seeds, with its own.",
        (Column("of", "targets"), ATTACK, *estimates(labels)),
        rows,
        "" if rows else "no two targets differ in their training seed alone",
    )


def ranks(findings: Findings) -> Table:
    """Which attack is better over all targets."""
    found = findings.comparison["ranks"]
    metrics = {metric: label for metric, label in METRICS.items() if metric in found.get("ranks", {})}
    first = next(iter(metrics), "")
    differences = [
        f"{label} [[#ranks.{metric}.critical_difference]]"
        + (f" (Friedman's p = [[#{test}]])" if test in findings.ledger else "")
        for metric, label in metrics.items()
        for test in [f"ranks.{metric}.friedman_p"]
    ]
    return Table(
        "ranks",
        "Mean ranks",
        f"Over [[#ranks.{first}.targets]] targets ({', '.join(found.get('of', ()))}); the lower the better. Attacks "
        f"whose limits do not overlap differ. Critical differences: {', '.join(differences)}.",
        (ATTACK, *estimates(metrics)),
        tuple(
            (attack, *(f"ranks.{metric}.{attack}.mean_rank" for metric in metrics))
            for attack in (found["ranks"][first]["attacks"] if first else ())
        ),
        found.get("absent", ""),
    )


def all_attacks(findings: Findings) -> Table:
    """The main results of every target in one table, to compute with."""
    each = {target: attacks(findings, target) for target in findings.targets}
    first = next(iter(each.values()))
    rows = tuple((target, *row) for target, table in each.items() for row in table.rows)
    caption = "Every attack on every target, on the evaluation fold; variant and t were chosen on the calibration fold."
    return replace(
        first, title="Attacks on all targets", caption=caption, columns=(TARGET, *first.columns), rows=rows
    )
