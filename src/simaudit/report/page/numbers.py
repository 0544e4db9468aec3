"""Numbers in HTML: each a link to where it is from, and remembered, so that the page can list all of these."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from markupsafe import Markup, escape

from simaudit.evaluation.numbers import Ledger
from simaudit.report.tables.table import Column, printed


class Numbers:
    """Prints the numbers of a ledger; `printed` are the ids of those that it was asked for and that exist."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.printed: set[str] = set()

    def text(self, text: str) -> Markup:
        """Plain text with its numbers, as `Ledger.fill` has it; `code` in backticks."""
        escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
        return Markup(self.ledger.fill(escaped, self._link))

    def cell(self, column: Column, cell: str) -> Markup:
        """What stands in a table; words may be broken after a comma or underscore."""
        text = printed(column, cell, self.ledger)
        if column.holds != "words":
            return self._link(cell, text)
        return Markup(re.sub(r"([,_])(?=\S)", r"\1<wbr>", str(escape(text))))

    def value(self, column: Column, cell: str) -> str:
        """What a table is sorted by: words, the number itself, nothing where there is none."""
        if column.holds == "words":
            return cell
        return repr(self.ledger.value(cell)) if cell in self.ledger else ""

    def _link(self, name: str, text: str) -> Markup:
        """A number in print, leading to its entry among the sources; the dash of a missing one leads nowhere."""
        if name not in self.ledger:
            return escape(text)
        self.printed.add(name)
        value, _, limits = text.partition(" ")
        rest = Markup(" <small>{}</small>").format(limits) if limits else ""
        return Markup('<a class="number" href="#{}">{}{}</a>').format(quote(anchor(name)), value, rest)


def anchor(name: str) -> str:
    """The id in the page of a number's entry among the sources."""
    return f"number-{name}"


def paragraphs(texts: list[str], numbers: Numbers) -> Iterator[Markup]:
    """Each text as one paragraph, its line breaks being spaces."""
    for text in texts:
        yield numbers.text(" ".join(text.split()))
