"""Attacks that differentiate the denoiser, by its input or by its parameters: one file per attack."""
