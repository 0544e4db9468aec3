"""Numbers in HTML: each a link to where it is from, and remembered, so that the page can list all of them."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from markupsafe import Markup, escape

from simaudit.evaluation.numbers import Ledger
from simaudit.figures.printed import fill
from simaudit.report.tables.table import Column, printed


class Numbers:
    """Prints the numbers of a ledger; `printed` are the ids of the numbers that exist and were printed."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.printed: set[str] = set()

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

    def value(self, column: Column, cell: str) -> str:
        """Return what a table is sorted by: words, or the number itself, or nothing where there is no number."""
        if column.holds == "words":
            return cell
        return repr(float(self.ledger.numbers[cell].value)) if cell in self.ledger else ""

    def _link(self, name: str, text: str) -> Markup:
        """Return a number in print that leads to its entry among the sources; a missing number leads nowhere."""
        if name not in self.ledger:
            return escape(text)
        self.printed.add(name)
        value, _, limits = re.sub(r" (?=[\[(])", "\n", text, count=1).partition("\n")
        rest = Markup(" <small>{}</small>").format(limits) if limits else ""
        return Markup('<a class="number" href="#{}">{}{}</a>').format(quote(anchor(name)), value, rest)


def anchor(name: str) -> str:
    """Return the id, in the page, of a number's entry among the sources."""
    return f"number-{name}"


def paragraphs(texts: list[str], numbers: Numbers) -> Iterator[Markup]:
    """Yield each text as one paragraph, its line breaks being spaces."""
    for text in texts:
        yield numbers.text(" ".join(text.split()))
