"""The tables of all targets together. A table is a function here and an entry of RUN_TABLES."""

from dataclasses import replace

from simaudit.evaluation.comparison.groups import FEWEST_SEEDS
from simaudit.evaluation.comparison.ranks import can_separate
from simaudit.evaluation.controls.controls import MINUS_BLIND, SELECTED
from simaudit.evaluation.numbers import number_id
from simaudit.evaluation.sets.levels import LEVEL
from simaudit.figures.legend import METRICS
from simaudit.figures.printed import distances_in, mention
from simaudit.report.findings import Findings
from simaudit.report.tables.of_sets import smallest_set
from simaudit.report.tables.of_target import ATTACK, ATTACKS, HEADLINE
from simaudit.report.tables.table import MEMBERS, NO_IMAGES, Column, Row, Table, estimates
from simaudit.vocabulary.kinds import RECONSTRUCTION, SIMA
from simaudit.vocabulary.membership import VERIFIED
from simaudit.vocabulary.metrics import ASR, AUC, TPR_AT_1PCT, TPR_HELDOUT_POSITIVE

TARGET = Column("target", "target")


def verdicts(findings: Findings) -> Table:
    """Return the verdicts, one row per audited target: by its best attack, and by the number that decided it.

    The number is an AUC, or on a shifted split what it has above the blind classifiers. How the members are known has a
    column where it is not `verified` everywhere.
    """
    words = {findings.contexts[target].membership for target in findings.audited}
    members = () if words <= {VERIFIED} else (MEMBERS,)
    return Table(
        "verdicts",
        "What is found of each target",
        "The best attack did best on the calibration fold; the highest is optimistic. Limits that decide hold for all "
        "attacks; the lower one gives the grade, unless that of TPR at 1 % FPR says more.",
        (
            TARGET,
            Column("verdict", "verdict"),
            Column("grade", "grade"),
            *members,
            Column("attack", "best attack", is_attack=True),
            *estimates({metric: METRICS[metric] for metric in (AUC, TPR_AT_1PCT)}),
            Column("highest", "highest (optimistic)", is_attack=True),
            Column("highest_auc", "its AUC", "estimate"),
            Column("auc_minus_blind", "AUC minus blind", "estimate"),
            Column("decided_by", "decided by", is_attack=True),
            Column("decisive_auc", "limits that decide", "estimate"),
            Column("smallest_set", f"smallest set, p below {LEVEL}", "count"),
            Column("smallest_set_blind_p", "blind p of such sets", "count"),
        ),
        tuple(_verdict(findings, target, bool(members)) for target in findings.audited),
        "" if findings.audited else "every target of this run is a control",
    )


def _verdict(findings: Findings, target: str, with_members: bool) -> tuple[str, ...]:
    best, by = findings.ledger.best(target), findings.decided_by(target)
    decisive = MINUS_BLIND if findings.is_shifted(target) else SELECTED
    highest = max(
        findings.attacks(target), key=lambda attack: findings.ledger.number(AUC, target, attack).value
    )
    return (
        *(target, findings.verdict(target), findings.grade(target).word),
        *((findings.contexts[target].membership,) if with_members else ()),
        best,
        *(number_id(AUC, target, best), number_id(TPR_AT_1PCT, target, best)),
        *(highest, number_id(AUC, target, highest)),
        *(number_id(AUC, target, best, "minus_blind"), by, number_id(AUC, target, by, decisive)),
        *(
            number_id("smallest", target, of="sets"),
            number_id("blind_p", target, of=smallest_set(findings, target)),
        ),
    )


def blind(findings: Findings) -> Table:
    """Return how well the sides of each split are told apart without any model."""
    return Table.of(
        "blind",
        "Blind classifiers",
        "These classifiers see the images and never a model. Where they are above chance, the members and the held-out "
        "images of the split differ by themselves, and an attack may see this difference alone.",
        (Column("split", "split"), *estimates(HEADLINE)),
        (
            Row((split,), split, "blind")
            for split in findings.splits
            if findings.ledger.get(AUC, split, "blind")
        ),
        NO_IMAGES,
    )


def against(findings: Findings) -> Table:
    """Return each target minus its reference."""
    compared = findings.comparison["against"]["against"]
    return Table.of(
        "against",
        "Targets against one another",
        "The first target minus the second, for each attack at the knobs that calibration chose. Both are measured on "
        "the same samples, and the differences are paired.",
        (TARGET, Column("minus", "minus"), ATTACK, *estimates(HEADLINE)),
        (
            Row((target, reference, attack), target, attack, f"minus_{reference}")
            for target in findings.audited
            if target in compared and (reference := findings.contexts[target].reference)
            for attack in compared[target]["attacks"]
        ),
        "no two audited targets share a split and an attack",
    )


def autoencoders(findings: Findings) -> Table:
    """Return what the bottleneck changes: one row per autoencoder, over its seeds where there are several."""
    groups = findings.comparison["groups"]["groups"]
    rows = []
    for name, context in findings.contexts.items():
        if not context.arm or context.group != name:
            continue
        adversarial, beta, over = context.arm["adversarial"], context.arm["beta"], "mean_over_seeds"
        words = (
            "adversarial" if adversarial else "standard",
            f"β = {beta:g}",
            ", ".join(groups[name]["seeds"] if name in groups else [name]),
        )
        aucs = [
            number_id(AUC, name, findings.of_kind(kind, name) or kind, over if name in groups else None)
            for kind in (SIMA, RECONSTRUCTION)
        ]
        distances = [
            number_id(over, name, of=f"frechet.{distance}")
            if name in groups
            else number_id(distance, name, of="frechet")
            for distance in ("to_members", "to_heldout")
        ]
        rows.append(((adversarial, beta), (*words, *aucs, *distances)))
    return Table(
        "autoencoders",
        "Autoencoders of the latent targets",
        "Each row is one arm of the sweep at one β. Where there are several seeds, their mean is given; the table of "
        "seeds says how far they lie apart. " + distances_in(findings.ledger, findings.contexts),
        (
            Column("arm", "arm"),
            Column("beta", "bottleneck"),
            Column("of", "targets"),
            *estimates({"sima_auc": "SimA AUC", "reconstruction_auc": "reconstruction AUC"}),
            *estimates({"to_members": "Fréchet to members", "to_heldout": "Fréchet to held-out"}),
        ),
        tuple(cells for _, cells in sorted(rows, key=lambda row: row[0])),
        "" if rows else "no target has an autoencoder that was trained here",
    )


def quality(findings: Findings) -> Table:
    """Return how good each target's samples are."""
    distances = {
        "to_members": "to members",
        "to_heldout": "to held-out",
        "heldout_minus_members": "held-out minus members",
        "members_to_heldout": "members to held-out",
    }
    return Table.of(
        "quality",
        "Quality of samples",
        "Fréchet distances between sets of images of the same size. The last column is the distance between members "
        "and held-out images, which samples of a perfect model would have to both. Only distances within one dataset "
        "can be compared. Samples that are nearer to the members than to held-out images resemble the training "
        "images more than other images of the same kind.",
        (TARGET, Column("measured", "measured"), *estimates(distances, of="frechet")),
        (
            Row((target, distance.unit), target)
            for target in findings.targets
            if (distance := findings.ledger.get("to_members", target, of="frechet"))
        ),
        "no images were drawn of a model",
    )


def seeds(findings: Findings) -> Table:
    """Return how much chance in training matters."""
    groups = findings.comparison["groups"]["groups"]
    spread = {
        "mean_over_seeds": "mean",
        "lowest_seed": "lowest",
        "highest_seed": "highest",
        "sd_between_seeds": "sd",
    }
    return Table.of(
        "seeds",
        "Targets that differ in their training seed alone",
        "The mean over the seeds, with the limits that these samples give it. The lowest and the highest seed show how "
        f"much chance in training matters. Where there are {FEWEST_SEEDS} seeds or more, their standard deviation "
        "(sd) follows, with its own limits; of fewer seeds it would be too uncertain to be read.",
        (
            Column("of", "targets"),
            ATTACK,
            *(
                Column(f"{metric}_{of}", f"{word} {label}", "estimate", metric, of)
                for metric, label in HEADLINE.items()
                for of, word in spread.items()
            ),
        ),
        (
            Row((", ".join(group["seeds"]), attack), name, attack)
            for name, group in groups.items()
            for attack in group["attacks"]
        ),
        "no two targets differ in their training seed alone",
    )


def ranks(findings: Findings) -> Table:
    """Return which attack is better over all targets."""
    known = findings.comparison["ranks"].get("ranks", {})
    metrics = [metric for metric in HEADLINE if metric in known]
    return Table.of(
        "ranks",
        "Mean ranks",
        _ranked(findings, metrics) if metrics else "",
        (
            ATTACK,
            *(
                Column(metric, HEADLINE[metric], "estimate", "mean_rank", f"ranks.{metric}")
                for metric in metrics
            ),
        ),
        (Row((attack,), attack=attack) for attack in (known[metrics[0]]["attacks"] if metrics else ())),
        findings.comparison["ranks"].get("absent", ""),
    )


def _ranked(findings: Findings, metrics: list[str]) -> str:
    """Return the caption of the table of ranks: what is ranked, and how far apart ranks must lie to differ."""
    differences = []
    for metric in metrics:
        of = f"ranks.{metric}"
        difference = f"{HEADLINE[metric]} {mention('critical_difference', of=of, limits=False)}"
        tested = findings.ledger.get("friedman_p", of=of) is not None
        test = f" (Friedman's p = {mention('friedman_p', of=of, limits=False)})" if tested else ""
        differences.append(difference + test)
    known, names = findings.comparison["ranks"], ", ".join(findings.comparison["ranks"]["of"])
    first = f"ranks.{metrics[0]}"
    targets = int(findings.ledger.number("targets", of=first).value)
    compared = (
        "Two attacks differ where their limits do not overlap."
        if can_separate(targets, len(known["ranks"][metrics[0]]["attacks"]))
        else "There are too few targets to show that any two attacks differ: the largest possible difference of two "
        "mean ranks is not above the critical one."
    )
    return (
        f"Ranks use the largest set of targets and attacks for which every attack was run on every target: "
        f"{mention('targets', of=first, limits=False)} targets ({names}). Rank 1 is the best attack. {compared} "
        f"Critical differences: {', '.join(differences)}. {findings.membership_note(known['of'])}"
    ).strip()


def published(findings: Findings) -> Table:
    """Return what SimA version 1 (arXiv:2509.25003) reports of each attack beside what this run has of each target."""
    reported: dict[str, list[Row]] = {}
    for experiment in findings.comparison["published"]["experiments"]:
        for number in findings.ledger.find(metric=AUC, of=experiment["of"]):
            kind = str(number.attack)
            of = f"{experiment['model']}, {experiment['members']} against {experiment['heldout']}"
            words = (kind, "published", of, experiment["condition"])
            reported.setdefault(kind, []).append(Row(words, attack=kind, of=experiment["of"]))
    targets = [target for target in findings.audited if findings.contexts[target].group == target]
    for kind, rows in reported.items():
        entries = {target: entry for target in targets if (entry := findings.of_kind(kind, target))}
        rows += [Row((entry, "this run", target, "none"), target, entry) for target, entry in entries.items()]
    return Table.of(
        "published",
        "Published numbers and this run's",
        "What SimA's version 1 reports comes without limits, with timesteps chosen on the test set; data, models and "
        "protocols differ. Members against held-out images; the condition is that of the denoiser.",
        (
            ATTACK,
            Column("from", "from"),
            Column("of", "of"),
            Column("condition", "condition"),
            *estimates({metric: METRICS[metric] for metric in (AUC, ASR, TPR_HELDOUT_POSITIVE)}),
        ),
        (row for kind in sorted(reported) for row in sorted(reported[kind], key=lambda row: row.words[1:])),
        "no published numbers are in the ledger",
    )


def all_attacks(findings: Findings) -> Table:
    """Return the main results of every target in one table, to compute with."""
    each = {target: ATTACKS(findings, target) for target in findings.targets}
    first = next(iter(each.values()))
    return replace(
        first,
        title="Attacks on all targets",
        caption="Every attack on every target, on the evaluation fold; variant and t were chosen on calibration.",
        columns=(TARGET, *first.columns),
        rows=tuple((target, *row) for target, table in each.items() for row in table.rows),
    )
