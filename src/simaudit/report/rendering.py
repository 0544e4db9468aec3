"""The templates of pages, and what each page has in it instead of fetching it."""

from collections.abc import Iterable

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from simaudit.report import TEMPLATES


def templates() -> Environment:
    """Return the templates of pages. What is not known stops them, and text is escaped."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def joined(names: Iterable[str]) -> str:
    """Return the text of several style sheets, or scripts, in this order."""
    return "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)
