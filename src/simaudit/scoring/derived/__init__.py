"""Scores that are computed of other scores, or of images that the model draws: no model is asked."""
