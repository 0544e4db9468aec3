"""The tables of one target. All but one have a row per attack, and are declared by their columns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simaudit.evaluation.controls.controls import MINUS_BEST, SELECTED
from simaudit.evaluation.numbers import LEARNED
from simaudit.evaluation.protocol.transfer import TRANSFERRED
from simaudit.figures.legend import METRICS
from simaudit.figures.printed import mention
from simaudit.report.findings import Findings
from simaudit.report.tables.at_risk import at_risk
from simaudit.report.tables.of_sets import by_class, by_group, group_sets, sets
from simaudit.report.tables.own_samples import own_samples
from simaudit.report.tables.table import Column, Row, Table, estimates
from simaudit.scoring.score_file import AGAINST_FLOAT32
from simaudit.vocabulary.metrics import ASR, AUC, BALANCED_ACCURACY, CHANCE, TPR_HELDOUT_POSITIVE, TPR_LEVELS
from simaudit.vocabulary.variant import variant_label

ATTACK = Column("attack", "attack", is_attack=True)
DIRECTION = Column("direction", "direction")
REVERSED = {SELECTED: "reversed", None: "perhaps reversed"}
"""What is said of an attack whose AUC is below 0.5, by the limits that hold for all attacks together or by its own."""
REVERSED_MEANS = (
    " An attack whose AUC is surely below 0.5 is reversed: it tells the two sides apart, but the other way round, so "
    "that held-out samples look to it as members should. It is perhaps reversed where this holds by its own limits, "
    "and not by those that hold for all attacks on the target together."
)

HEADLINE = {metric: METRICS[metric] for metric in (AUC, BALANCED_ACCURACY, *TPR_LEVELS)}
"""The headline metrics by their names in print."""
PRECISION = "precision_at_"
LEVELS = {"transferred": "at FPR 1 %", "transferred_at_0.1pct": "at FPR 0.1 %"}
"""The thresholds of TRANSFERRED in print."""

ROUNDING = {
    "relative_error": "error",
    "auc_difference": "AUC difference",
    "largest_relative_error": "error, at most",
    "largest_auc_difference": "AUC difference, at most",
}
"""What a precision changes, in print."""


@dataclass(frozen=True)
class AttackTable:
    """A table with one row per threshold attack, or per learned head, at the knobs that calibration chose.

    `caption` may name the `split` of the target in braces, and its counts. A column of words, such as the variant,
    shows knobs that are a mapping. `only` is what the summary must hold of an attack that has a row.
    """

    name: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    only: str = "selected"
    absent: str = ""
    of_heads: bool = False
    """Whether its rows are the learned heads, which no other table has."""

    def __call__(self, findings: Findings, target: str) -> Table:
        summary = findings.summaries[target]
        words = [column for column in self.columns if column.holds == "words"]

        def word(column: Column, attack: str, selected: Mapping[str, Any]) -> str:
            if column == DIRECTION:
                return direction(findings, target, attack)
            return variant_label(selected[column.key])

        rows = [
            Row((attack, *(word(column, attack, facts["selected"]) for column in words)), target, attack)
            for attack, facts in (summary[LEARNED] if self.of_heads else summary)["attacks"].items()
            if self.only in facts
        ]
        counts = {
            count: mention(count, target, limits=False) for count in ("members", "heldout", "permutations")
        } | {"near_duplicates": mention("found", target, of="near_duplicates", limits=False)}
        caption = self.caption.format(split=summary["split"], **counts)
        if any(word in row.words for row in rows for word in REVERSED.values()):
            caption += REVERSED_MEANS
        return Table.of(self.name, self.title, caption, (ATTACK, *self.columns), rows, self.absent)


def direction(findings: Findings, target: str, attack: str) -> str:
    """Return that an attack tells the sides apart the other way round, by an AUC below chance; empty where not."""
    for of, word in REVERSED.items():
        auc = findings.ledger.get(AUC, target, attack, of)
        if auc is not None and auc.high is not None and auc.high < CHANCE[AUC]:
            return word
    return ""


def reconstruction_error(findings: Findings, target: str) -> Table:
    """Return how well an autoencoder alone knows its members, one row per error."""
    errors = findings.summaries[target].get("reconstruction_error", {})
    return Table.of(
        "reconstruction_error",
        "Reconstruction error",
        "The error of the autoencoder alone, without the denoiser, on members and on held-out images.",
        (Column("error", "error"), *estimates({"of_members": "members", "of_heldout": "held-out"})),
        (Row((error,), target, of=f"reconstruction_error.{error}") for error in errors),
        "needs an autoencoder and the attack reconstruction",
    )


def precision(findings: Findings, target: str) -> Table:
    """Return the precision of an accusation at each prior, one row per attack and level of the threshold."""
    facts = findings.summaries[target]["attacks"]
    known = next(iter(facts.values()))["transferred"]
    keys = sorted((key for key in known if key.startswith(PRECISION)), key=_percent, reverse=True)
    return Table.of(
        "precision",
        "Precision of an accusation",
        "If the stated share of all images asked about were members (the prior): the share of those accused who "
        "really are members. The threshold has the stated FPR on the calibration fold. The limits hold at 95 % or "
        "more. A dash stands where no image is accused.",
        (ATTACK, Column("level", "threshold"), *estimates({key: _prior(key) for key in keys})),
        (Row((attack, LEVELS[name]), target, attack, name) for attack in facts for name in TRANSFERRED),
    )


def _prior(key: str) -> str:
    """Return the prior in print that a precision is at: precision_at_1pct_prior is at 1 %."""
    return f"prior {_percent(key):g} %"


def _percent(key: str) -> float:
    return float(key.removeprefix(PRECISION).removesuffix("pct_prior"))


ATTACKS = AttackTable(
    "attacks",
    "Attacks",
    "Evaluation fold of split {split}: {members} members, {heldout} held-out samples. Variant and t have the highest "
    "AUC on the calibration fold, on which the threshold of the balanced accuracy was chosen as well. The oracle AUC "
    "is that of the variant and t which are best on the evaluation fold itself, and the optimism is what this adds.",
    (
        Column("variant", "variant"),
        DIRECTION,
        Column("timestep", "t", "count"),
        Column("queries", "queries", "count"),
        *estimates(HEADLINE | {ASR: "ASR (threshold chosen on these samples: biased upwards)"}),
        Column("oracle_auc", "oracle AUC", "estimate", AUC, "oracle"),
        Column("optimism_auc", "optimism", "estimate", AUC, "optimism", missing="same knobs"),
        Column("auc_minus_blind", "AUC minus blind", "estimate", AUC, "minus_blind"),
    ),
)
"""The main results."""

TARGET_TABLES: tuple[Callable[[Findings, str], Table], ...] = (
    ATTACKS,
    at_risk,
    by_class,
    by_group,
    AttackTable(
        "without_near_duplicates",
        "Attacks, without near duplicates",
        "The same attacks, with the same knobs and thresholds, without {near_duplicates} of the {heldout} held-out "
        "samples, each of which is nearly the same image as a member.",
        estimates(HEADLINE, of="without_near_duplicates"),
        only="without_near_duplicates",
        absent="no held-out sample of the evaluation fold is a near duplicate, or too few others would be left",
    ),
    AttackTable(
        "thresholds",
        "Transferred thresholds",
        "An attacker sets a threshold on samples that he knows: here on the calibration fold, where it has 1 % FPR. "
        "FPR and TPR are what it has on the evaluation fold. Where the FPR is above 1 %, the TPR is higher than at 1 "
        "%, and where it is below, the TPR is lower. A mark † at both says that the calibration fold is too small to "
        "set this threshold well: its FPR may be far from 1 % in either direction, and the limits say how far. The "
        "third rate is the TPR at 1 % with held-out samples as the positive class, as SimA's released code counts "
        "it. A training with (ε, δ)-differential privacy, with the δ of params.yaml, has an ε of at least the bound, "
        "at 95 % confidence; the threshold of this bound was chosen on the calibration fold, too.",
        (
            *estimates({"fpr": "FPR", "tpr": "TPR"}, of="transferred"),
            *estimates({TPR_HELDOUT_POSITIVE: METRICS[TPR_HELDOUT_POSITIVE]}),
            Column("epsilon", "ε, at least", "count", "lower_bound", "epsilon"),
        ),
    ),
    own_samples,
    precision,
    AttackTable(
        "permutation",
        "Shuffled labels",
        "The same protocol with shuffled labels, {permutations} times. The AUC must be at chance. The oracle AUC is "
        "what luck alone gives to whoever chooses knobs on the evaluation fold. p is the share of shuffles whose AUC "
        "is as high as the real one.",
        estimates({AUC: "AUC", "oracle_auc": "oracle AUC", "p_value": "p"}, of="permuted"),
    ),
    sets,
    group_sets,
    AttackTable(
        "learned_heads",
        "Learned heads",
        "These attacks learned from samples of both sides of the calibration fold. They are never ranked among the "
        "other attacks, and they decide no verdict. The limits that decide hold for all heads on a target together.",
        (
            Column("variant", "variant"),
            Column("timestep", "t", "count", of=LEARNED),
            Column("queries", "queries", "count", of=LEARNED),
            *estimates(HEADLINE, of=LEARNED),
            Column("auc_minus_blind", "AUC minus blind", "estimate", AUC, f"{LEARNED}.minus_blind"),
            Column("decisive_auc", "AUC, limits that decide", "estimate", AUC, SELECTED),
            Column("above_best", "AUC above the best attack", "estimate", AUC, MINUS_BEST),
            Column("permuted_auc", "AUC, labels shuffled", "estimate", AUC, "permuted"),
            Column("seconds", "seconds", "count", of="cost"),
        ),
        absent="no learned head was run",
        of_heads=True,
    ),
    reconstruction_error,
    AttackTable(
        "by_distortion",
        "AUC by the decoder's distortion",
        "The samples of the evaluation fold are divided into quarters by how much the decoder stretches the latent "
        "space around them: least in q1, most in q4.",
        estimates({quarter: quarter for quarter in ("q1", "q2", "q3", "q4")}, of="by_distortion"),
        only="by_distortion",
        absent="needs an autoencoder and the attack distortion",
    ),
    AttackTable(
        "against_float32",
        "What the precision changes",
        "Some members and as many held-out samples were asked about twice: in `scoring.precision` and in float32. "
        "The error is the largest error of the statistic, as a share of its root mean square; the AUC difference is "
        "the AUC minus that in float32. Both are given at the chosen knobs, and then as the largest at any knobs.",
        tuple(Column(key, label, "count", of=AGAINST_FLOAT32) for key, label in ROUNDING.items()),
        only=AGAINST_FLOAT32,
        absent="scoring.precision is float32, which is exact",
    ),
    AttackTable(
        "cost",
        "Cost of the attacks",
        "Queries are evaluations of the denoiser for one sample: at the chosen knobs, and at all knobs of the grid "
        "together, which the scoring asks about. What several attacks ask is asked once, and was made for the first of "
        "them: the sum of these queries is how often the target was asked. The time of one query of one sample is "
        "comparable between attacks. Time and memory of the whole job are those of all samples at all knobs, on the "
        "machine that ran it. Attacks without queries read the scores of others, or look at images. Queries of the "
        "grid are not counted of attacks that differentiate the denoiser or learn.",
        (
            Column("queries", "queries, chosen knobs", "count"),
            Column("grid_queries", "queries, all knobs", "count", of="cost"),
            Column("made_queries", "queries, made for it", "count", of="cost"),
            Column("ms_per_query", "ms per query and sample", "count", of="cost"),
            Column("seconds", "seconds, whole job", "count", of="cost"),
            Column("peak_memory_mb", "peak memory, MB", "count", "peak_memory", "cost"),
        ),
    ),
)
"""In the order of print. A new one is an `AttackTable`, or a function from `Findings` and a target to a `Table`."""
