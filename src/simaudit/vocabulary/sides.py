"""The two sides of a split, and the two folds that each side gives samples to."""

MEMBER, HELDOUT = "member", "heldout"
SIDES = (MEMBER, HELDOUT)
"""Every sample is a member, on which the target was trained, or held out."""

CALIBRATION, EVALUATION = "calibration", "evaluation"
FOLDS = (CALIBRATION, EVALUATION)
"""Knobs are chosen on the calibration fold; every number is measured on the evaluation fold."""
