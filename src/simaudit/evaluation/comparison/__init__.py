"""Comparisons of several audits, and the published numbers that stand beside them."""

from pathlib import Path

PAPERS = Path(__file__).parent / "papers"
"""The folder of numbers from papers, CSV."""
