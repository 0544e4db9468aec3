"""Figures of one audit: one file per figure."""
