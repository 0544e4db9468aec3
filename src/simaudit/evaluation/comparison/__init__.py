"""Comparisons of several audits, and the published numbers that stand beside them."""
