"""Attacks that look at the autoencoder alone: one file per attack."""
