"""The tables of one target. A table is a function here and an entry of TARGET_TABLES."""

from collections.abc import Callable, Mapping

from simaudit.report.findings import METRICS, Findings
from simaudit.report.tables.table import Column, Table
from simaudit.vocabulary.variant import variant_label

ATTACK = Column("attack", "attack")


def estimates(labels: Mapping[str, str]) -> tuple[Column, ...]:
    """Columns of numbers with limits, by their key."""
    return tuple(Column(key, label, "estimate") for key, label in labels.items())


def _of_attacks(
    findings: Findings,
    target: str,
    name: str,
    title: str,
    caption: str,
    columns: Mapping[str, tuple[str, str]],
) -> Table:
    """One row an attack: by key of a column its label, and what follows the attack in the numbers' ids."""
    labels = {key: label for key, (label, _) in columns.items()}
    rows = tuple(
        (attack, *(f"{target}.{attack}.{metric}" for _, metric in columns.values()))
        for attack in findings.attacks(target)
    )
    return Table(name, title, caption, (ATTACK, *estimates(labels)), rows)


def attacks(findings: Findings, target: str) -> Table:
    """The main results: each attack at the knobs that it was calibrated to."""
    measured = {metric: (label, metric) for metric, label in METRICS.items()} | {
        "oracle_auc": ("oracle AUC", "oracle.auc"),
        "optimism_auc": ("optimism", "optimism.auc"),
        "auc_minus_blind": ("AUC minus blind", "minus_blind.auc"),
    }
    measured_ids = [name for _, name in measured.values()]
    knobs = (
        ATTACK,
        Column("variant", "variant"),
        Column("timestep", "t", "count"),
        Column("queries", "queries", "count"),
    )
    rows = tuple(
        (
            attack,
            variant_label(facts["selected"]["variant"]),
            *(f"{target}.{attack}.{name}" for name in ("timestep", "queries", *measured_ids)),
        )
        for attack, facts in findings.summaries[target]["attacks"].items()
    )
    caption = (
        f"Evaluation fold of split {findings.summaries[target]['split']}: [[#{target}.members]] members, "
        f"[[#{target}.heldout]] held-out samples. Variant and t have the highest AUC on the calibration fold."
    )
    labels = {key: label for key, (label, _) in measured.items()}
    return Table("attacks", "Attacks", caption, (*knobs, *estimates(labels)), rows)


def thresholds(findings: Findings, target: str) -> Table:
    """What happens to a threshold that was set before the samples were seen."""
    return _of_attacks(
        findings,
        target,
        "thresholds",
        "Transferred thresholds",
        "What the threshold with 1 % FPR on the calibration fold really does here; and the TPR at 1 % with held-out "
        "samples as the positive class, as SimA's released code counts.",
        {
            "fpr": ("FPR", "transferred.fpr"),
            "tpr": ("TPR", "transferred.tpr"),
            "ppv_at_1pct_prior": ("PPV, prior 1 %", "transferred.ppv_at_1pct_prior"),
            "ppv_at_10pct_prior": ("PPV, prior 10 %", "transferred.ppv_at_10pct_prior"),
            "tpr_heldout_positive": ("TPR, held-out positive", "tpr_heldout_positive"),
        },
    )


def permutation(findings: Findings, target: str) -> Table:
    """What the protocol finds where there is nothing."""
    return _of_attacks(
        findings,
        target,
        "permutation",
        "Shuffled labels",
        f"The same protocol with shuffled labels, [[#{target}.permutations]] times. The AUC must be at chance; the "
        "oracle's is what luck alone gives.",
        {
            "auc": ("AUC", "permuted.auc"),
            "oracle_auc": ("oracle AUC", "permuted.oracle_auc"),
            "p_value": ("p", "permuted.p_value"),
        },
    )


def reconstruction_error(findings: Findings, target: str) -> Table:
    """How well an autoencoder alone knows its members."""
    errors = findings.summaries[target].get("reconstruction_error") or {}
    sides = {"of_members": "members", "of_heldout": "held-out"}
    rows = tuple(
        (error, *(f"{target}.reconstruction_error.{error}.{side}" for side in sides)) for error in errors
    )
    return Table(
        "reconstruction_error",
        "Reconstruction error",
        "Of the autoencoder alone, by side of the split.",
        (Column("error", "error"), *estimates(sides)),
        rows,
        "" if rows else "needs an autoencoder and the attack reconstruction",
    )


def by_distortion(findings: Findings, target: str) -> Table:
    """Where in latent space attacks succeed."""
    quarters = [f"q{number}" for number in range(1, 5)]
    rows = tuple(
        (attack, *(f"{target}.{attack}.by_distortion.{quarter}" for quarter in quarters))
        for attack, facts in findings.summaries[target]["attacks"].items()
        if "by_distortion" in facts
    )
    return Table(
        "by_distortion",
        "AUC by the decoder's distortion",
        "By quarter of the samples, q1 where the decoder stretches the latent space least.",
        (ATTACK, *estimates({quarter: quarter for quarter in quarters})),
        rows,
        "" if rows else "needs an autoencoder and the attack distortion",
    )


def cost(findings: Findings, target: str) -> Table:
    """What each attack spends."""
    return Table(
        "cost",
        "Cost of the attacks",
        "Queries are evaluations of the denoiser for one sample at the chosen knobs; time and memory are those of the "
        "whole job, which scores every sample at every knob of the grid, on the machine that ran it.",
        (
            ATTACK,
            Column("queries", "queries", "count"),
            Column("seconds", "seconds", "count"),
            Column("peak_memory_mb", "peak memory, MB", "count"),
        ),
        tuple(
            (attack, *(f"{target}.{attack}.{key}" for key in ("queries", "cost.seconds", "cost.peak_memory")))
            for attack in findings.attacks(target)
        ),
    )


TARGET_TABLES: tuple[Callable[[Findings, str], Table], ...] = (
    attacks,
    thresholds,
    permutation,
    reconstruction_error,
    by_distortion,
    cost,
)
"""In the order of print."""
