"""The differences of two runs on the terminal, and as a page."""

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from simaudit.report.diff.run import Compared
from simaudit.report.diff.sections import NOTE, sections
from simaudit.report.rendering import joined, templates


def diff_tables(first: Compared, second: Compared, shown: int) -> Iterator[Table | str]:
    """Yield for each section its title, with how much differs, and a table of its first `shown` rows, if it has any."""
    for section in sections(first, second):
        yield section.heading
        if not section.rows:
            continue
        more = (
            f"and {len(section.rows) - shown} more; --output has all" if len(section.rows) > shown else None
        )
        table = Table(caption=more)
        for head in section.heads:
            table.add_column(head, overflow="fold")
        for row in section.rows[:shown]:
            table.add_row(*map(escape, row))
        yield table


def said(first: Compared, second: Compared, names: tuple[str, str]) -> list[tuple[str, str, str]]:
    """Return of each run its letter, its name, and when, at which commit and by which version it was made."""
    return [("A", names[0], first.said), ("B", names[1], second.said)]


def diff_page(first: Compared, second: Compared, names: tuple[str, str]) -> str:
    """Return all differences as one page of HTML that needs no network; `names` are those of the two runs."""
    return (
        templates()
        .get_template("diff.html")
        .render(
            sections=sections(first, second),
            runs=said(first, second, names),
            note=NOTE,
            style=joined(["style.css"]),
        )
    )
