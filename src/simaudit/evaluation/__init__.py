"""Honest measurement of attacks from their scores. Knows nothing of models, never imports torch."""
