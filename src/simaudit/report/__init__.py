"""What a person reads of a run: tables in three forms and one page, with no number that the ledger does not hold."""

from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
"""The page's HTML, style and script; what they say decides the page as its code does."""
