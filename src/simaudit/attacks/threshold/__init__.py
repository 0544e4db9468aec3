"""Attacks that query the denoiser and give one number per sample: one file per attack."""
