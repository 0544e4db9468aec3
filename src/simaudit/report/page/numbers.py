"""Numbers in HTML: each a link to where it is from, and remembered, so that the page can list all of them."""

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

from simaudit.evaluation.numbers import Ledger
from simaudit.figures.printed import fill
from simaudit.report.tables.table import Column, printed


class Numbers:
    """Prints the numbers of a ledger; `printed` are the ids of those that exist and were printed, each with its place.

    The page has the place in place of the id, which is longer than the number.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.printed: dict[str, int] = {}

    def text(self, text: str) -> Markup:
        """Return plain text as HTML with the numbers that it mentions; what stands in backticks becomes code."""
        escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
        return Markup(fill(escaped, self.ledger, self._link))

    def cell(self, column: Column, cell: str) -> Markup:
        """Return one cell of a table as HTML. Long words may wrap after commas and underscores."""
        text = printed(column, cell, self.ledger)
        if column.holds != "words":
            return self._link(cell, text)
        return Markup(re.sub(r"([,_])(?=\S)", r"\1<wbr>", str(escape(text))))

    def plain(self, text: str) -> str:
        """Return plain text with the numbers that it mentions, for where there can be no link."""
        return fill(text.replace("`", ""), self.ledger)

    def _link(self, name: str, text: str) -> Markup:
        """Return a number in print that the page's script makes a link to its source; a missing number has none."""
        if name not in self.ledger:
            return escape(text)
        place = self.printed.setdefault(name, len(self.printed))
        value, _, limits = re.sub(r" (?=[\[(])", "\n", text, count=1).partition("\n")
        rest = Markup(" <small>{}</small>").format(limits) if limits else ""
        return Markup('<a data-number="{}">{}{}</a>').format(place, value, rest)


def paragraphs(texts: list[str], numbers: Numbers) -> Iterator[Markup]:
    """Yield each text as one paragraph, its line breaks being spaces."""
    for text in texts:
        yield numbers.text(" ".join(text.split()))
