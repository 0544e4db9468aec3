"""Checkpoints of other code bases, written as folders that diffusers loads: one file per format."""
