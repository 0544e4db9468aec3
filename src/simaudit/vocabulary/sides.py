"""The two sides of a split, the samples on neither, and the two folds that each side gives samples to."""

MEMBER, HELDOUT = "member", "heldout"
SIDES = (MEMBER, HELDOUT)
"""Every sample that is used is a member, on which the target was trained, or held out."""
UNUSED = "unused"
"""The role of a sample that is on neither side: nothing is trained, scored or measured on it."""

CALIBRATION, EVALUATION = "calibration", "evaluation"
FOLDS = (CALIBRATION, EVALUATION)
"""Knobs are chosen on the calibration fold; every number is measured on the evaluation fold."""
