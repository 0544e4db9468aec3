"""The metrics by which an attack is measured: their ids, as in files and numbers, and what guessing reaches."""

AUC, ASR, BALANCED_ACCURACY = "auc", "asr", "balanced_accuracy"
TPR_AT_1PCT, TPR_AT_01PCT = "tpr_at_1pct_fpr", "tpr_at_0.1pct_fpr"
TPR_LEVELS = {TPR_AT_1PCT: 0.01, TPR_AT_01PCT: 0.001}
"""The false positive rate that each of these allows."""
TPR_HELDOUT_POSITIVE = "tpr_heldout_positive"
HELDOUT_POSITIVE_LEVEL = 0.01
"""The share of the members that may be flagged while held-out samples are found."""
RATES = [*TPR_LEVELS, TPR_HELDOUT_POSITIVE]
METRICS = [AUC, BALANCED_ACCURACY, ASR, *RATES]
CHANCE = {
    **dict.fromkeys((AUC, BALANCED_ACCURACY, ASR), 0.5),
    **TPR_LEVELS,
    TPR_HELDOUT_POSITIVE: HELDOUT_POSITIVE_LEVEL,
}
"""What guessing reaches."""
READABLE_TAIL = 10
"""The fewest false positives that a level must allow for its TPR to be read."""
