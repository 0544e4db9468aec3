"""Figures of all audits of a run together: one file per figure."""
